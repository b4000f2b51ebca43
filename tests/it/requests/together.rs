//! What comes at the same moment is done in one transaction, and nobody suffers for it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::races::race;
use crate::support::app::{TestApp, session_at_pad};
use crate::support::cast::{path, tag};
use crate::support::db::TestDb;
use crate::support::relay::Relay;

#[test]
fn a_row_that_cannot_be_written_fails_alone() {
    let app = TestApp::start();
    let pdm = app.pdm("paula@example.com");
    app.db
        .query("alter table requests add constraint none check (title <> 'Poison') not valid")
        .unwrap();
    for _ in 0..3 {
        let answers = race(24, |number| {
            let mut body = session_at_pad();
            if number % 8 == 0 {
                body["title"] = json!("Poison");
            }
            pdm.post("/v1/requests", &body).status
        });
        for (number, status) in answers.into_iter().enumerate() {
            let expected = if number % 8 == 0 { 500 } else { 201 };
            assert_eq!(status, expected, "number {number}");
        }
    }
    let stored = app.db.query("select count(*) from requests").unwrap();
    assert_eq!(stored, ["63"]);
}

#[test]
fn who_waits_for_a_row_holds_nobody_else_up() {
    let app = TestApp::start();
    let (pdm, member) = (app.pdm("paula@example.com"), app.member("pad"));
    let held = pdm.create(&session_at_pad());
    let others: Vec<_> = (0..8).map(|_| pdm.create(&session_at_pad())).collect();
    let session = app.db.session();
    let id = held["id"].as_str().unwrap();
    session.run(&format!(
        "begin; select 1 from requests where id = '{id}' for update"
    ));
    let step = json!({ "to": "in_review" });
    let mut waiting = member.begin_post(&format!("{}/transitions", path(&held)), "", &step);
    app.db.wait_for_waiting(1);
    let statuses = race(8, |number| member.step(&others[number], &step).status);
    assert_eq!(statuses, [200; 8]);
    session.run("rollback");
    assert_eq!(waiting.answer().status, 200);
}

#[test]
fn a_poll_is_never_told_that_nothing_changed_after_a_change_was_acknowledged() {
    let app = TestApp::start();
    let pdm = app.pdm("paula@example.com");
    let drafts: Vec<_> = (0..8)
        .map(|_| {
            let mut body = session_at_pad();
            body["draft"] = json!(true);
            pdm.create(&body)
        })
        .collect();
    let polled = race(8, |number| {
        let draft = path(&drafts[number]);
        let mut known = tag(&drafts[number]);
        let deadline = Instant::now() + Duration::from_secs(20);
        for round in 0..20 {
            let changed = pdm.patch(
                &draft,
                &known,
                &json!({ "title": format!("Title {round}") }),
            );
            assert_eq!(changed.status, 200, "{}", changed.body);
            let poll = pdm.send("GET", &draft, &[("If-None-Match", &known)], "");
            assert_eq!(
                poll.status, 200,
                "an old version was called the present one"
            );
            known = poll.header("etag").unwrap();
            let poll = pdm.send("GET", &draft, &[("If-None-Match", &known)], "");
            assert_eq!(poll.status, 304);
            assert!(Instant::now() < deadline, "{round} rounds took too long");
        }
        number
    });
    assert_eq!(polled.len(), 8);
}

#[test]
fn references_are_given_once_however_many_come_together() {
    let app = TestApp::start();
    let pdm = app.pdm("paula@example.com");
    let mut references = race(40, |_| {
        let made = pdm.post("/v1/requests", &session_at_pad());
        assert_eq!(made.status, 201, "{}", made.body);
        made.json()["reference"].as_str().unwrap().to_owned()
    });
    references.sort();
    references.dedup();
    assert_eq!(references.len(), 40);
}

#[test]
fn what_is_written_together_stays_apart() {
    let app = TestApp::start();
    let (pdm, member) = (app.pdm("paula@example.com"), app.member("pad"));
    let titled = |title: &str, draft: bool| {
        let mut body = session_at_pad();
        body["title"] = json!(title);
        body["draft"] = json!(draft);
        body
    };
    // A third is created, a third revised, and a third taken a step.
    let before: Vec<_> = (0..24)
        .map(|number| match number % 3 {
            0 => Value::Null,
            1 => pdm.create(&titled("before", true)),
            _ => pdm.create(&titled(&format!("number{number}"), false)),
        })
        .collect();
    let stored = race(24, |number| {
        let (title, before) = (format!("number{number}"), &before[number]);
        match number % 3 {
            0 => pdm.create(&titled(&title, false)),
            1 => {
                let changed = pdm.patch(&path(before), &tag(before), &json!({ "title": title }));
                assert_eq!(changed.status, 200, "{}", changed.body);
                changed.json()
            }
            _ => member.take(before, &json!({ "to": "in_review" })),
        }
    });
    for (number, answered) in stored.iter().enumerate() {
        let title = format!("number{number}");
        let (state, version) = [("submitted", 1), ("draft", 2), ("in_review", 2)][number % 3];
        let read = pdm.get(&path(answered)).json();
        for request in [answered, &read] {
            assert_eq!(request["title"], json!(title));
            assert_eq!(request["state"], state, "{title}");
            assert_eq!(request["version"], version, "{title}");
        }
        // What lists look at, words and history are written apart from the request.
        let found = pdm
            .get(&format!("/v1/requests?q={title}&state={state}"))
            .json();
        let found: Vec<_> = found["items"].as_array().unwrap().iter().collect();
        assert_eq!(found.len(), 1, "{title}");
        assert_eq!(found[0]["id"], read["id"]);
        assert_eq!(found[0]["title"], json!(title));
        let events = pdm.get(&format!("{}/events", path(answered))).json();
        let events = events["items"].as_array().unwrap();
        assert_eq!(events.len(), version, "{title}");
    }
    let most = "select max(count) > 1 from (select count(*) from request_events group by transaction_number) as c";
    assert_eq!(
        app.db.query(most).unwrap(),
        ["t"],
        "nothing was written together"
    );
}

#[test]
fn a_write_takes_two_round_trips_to_the_database() {
    let db = Arc::new(TestDb::fresh());
    let relay = Relay::with(&db.url, Duration::from_millis(20));
    let app = TestApp::by_way_of(&relay, db);
    let (pdm, member) = (app.pdm("paula@example.com"), app.member("pad"));
    // The first times, statements are prepared, and now and then a key is read again: the least is what counts.
    let mut least = [usize::MAX; 2];
    let mut taken = |which: usize, work: &dyn Fn() -> Value| {
        let before = relay.round_trips();
        let done = work();
        least[which] = least[which].min(relay.round_trips() - before);
        done
    };
    for _ in 0..12 {
        let request = taken(0, &|| pdm.create(&session_at_pad()));
        let step = json!({ "to": "in_review" });
        taken(1, &|| member.take(&request, &step));
    }
    assert_eq!(least, [2, 2]);
}

#[test]
fn a_list_that_many_ask_for_at_once_is_read_for_all_who_may_see_the_same() {
    let db = Arc::new(TestDb::fresh());
    let relay = Relay::to(&db.url);
    let app = TestApp::by_way_of(&relay, Arc::clone(&db));
    let people = [app.pdm("paula@example.com"), app.pdm("peter@example.com")];
    let own: Vec<Value> = people
        .iter()
        .map(|one| one.create(&session_at_pad()))
        .collect();
    let before = relay.asked();
    let session = db.session();
    session.hold_requests();
    let mut asking: Vec<_> = (0..40)
        .map(|number| (number % 2, people[number % 2].begin_get("/v1/requests")))
        .collect();
    db.wait_for_waiting(2);
    session.run("rollback");
    for (who, connection) in &mut asking {
        let page = connection.answer().json();
        let items = page["items"].as_array().unwrap();
        assert_eq!(
            (items.len(), &items[0]["id"]),
            (1, &own[*who]["id"]),
            "{page}"
        );
    }
    // Each for itself would ask forty times.
    let asked = relay.asked() - before;
    assert!(asked < 30, "{asked} questions");
}
