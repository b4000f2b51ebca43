//! `GET /v1/events`, and waiting.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use engagement_desk::app::App;
use engagement_desk::catalog;
use engagement_desk::clock::Clock;
use engagement_desk::domain::facts::Relationship;
use engagement_desk::flows::feed;
use engagement_desk::http::connections::Limits;
use engagement_desk::store::Store;
use engagement_desk::store::feed::{Filter, Position};
use engagement_desk::store::requests::Visibility;
use engagement_desk::tail;
use serde_json::{Value, json};
use tokio::sync::watch;

use crate::support::app::{Client, TestApp, consultation_at_tpd, deal_at_gps, session_at_pad};
use crate::support::client::Answer;
use crate::support::db::TestDb;
use crate::support::events::EventStream;
use crate::support::relay::Relay;
use crate::support::server::limits;

/// Nothing takes longer than this, unless it is broken.
const PATIENCE: Duration = Duration::from_secs(20);

/// A line of history as another program might write it.
fn line(request: &Value, version: i64) -> String {
    format!(
        "insert into request_events (id, request_id, request_version, kind, to_state, desk, changed,
             actor_subject, actor_name, actor_role, key_id, http_request_id, at)
         values (gen_random_uuid(), '{}', {version}, 'revised', 'submitted', 'pad', '{{}}',
             'writer', 'Writer', 'system', '', '', now());",
        request["id"].as_str().unwrap()
    )
}

/// Where the feed goes on from now.
fn now(client: &Client) -> String {
    let page = client.get("/v1/events?from=now").json();
    assert_eq!(page["items"], json!([]));
    page["next_cursor"].as_str().unwrap().to_owned()
}

/// Reads on from the cursor, and moves it there.
fn read_on(client: &Client, query: &str, cursor: &mut String) -> Vec<Value> {
    let answer = client.get(&format!("/v1/events?{query}&cursor={cursor}"));
    assert_eq!(answer.status, 200, "{}", answer.body);
    let page = answer.json();
    page["next_cursor"].as_str().unwrap().clone_into(cursor);
    page["items"].as_array().unwrap().clone()
}

/// Reads from the beginning until so many events were found. Transactions of other tests on the same
/// server may hold events up for a moment.
fn read(client: &Client, query: &str, count: usize) -> Vec<Value> {
    let deadline = Instant::now() + PATIENCE;
    let page = client.get(&format!("/v1/events?{query}")).json();
    let mut found = page["items"].as_array().unwrap().clone();
    let mut cursor = page["next_cursor"].as_str().unwrap().to_owned();
    while found.len() < count {
        assert!(Instant::now() < deadline, "only {found:#?}");
        found.extend(read_on(client, query, &mut cursor));
    }
    assert_eq!(found.len(), count, "{found:#?}");
    found
}

fn members(events: &[Value], name: &str) -> Vec<String> {
    let texts = events
        .iter()
        .map(|event| event[name].as_str().unwrap().to_owned());
    texts.collect()
}

#[test]
fn the_feed_tells_what_happened_in_order_and_always_where_to_go_on() {
    let app = TestApp::start();
    let pdm = app.pdm("paula@example.com");
    let empty = pdm.get("/v1/events");
    assert_eq!(empty.json()["items"], json!([]));
    assert!(empty.json()["next_cursor"].is_string());
    assert_eq!(empty.header("link"), None);

    let request = pdm.create(&session_at_pad());
    app.member("pad")
        .take(&request, &json!({ "to": "in_review" }));
    let events = read(&pdm, "", 2);
    assert_eq!(members(&events, "kind"), ["created", "transitioned"]);
    let last = &events[1];
    for (name, value) in [
        ("request_id", &request["id"]),
        ("reference", &request["reference"]),
        ("version", &json!(2)),
        ("from", &json!("submitted")),
        ("to", &json!("in_review")),
        ("desk", &json!("pad")),
        ("changed", &json!([])),
        ("at", &json!("2026-11-22T10:00:00Z")),
    ] {
        assert_eq!(last[name], *value, "{name}");
    }
    assert_eq!(last["actor"]["subject"], "member@pad.example");

    // A cursor of an event leads on from there, that of the last page to nothing yet.
    let mut cursor = events[0]["cursor"].as_str().unwrap().to_owned();
    let rest = read_on(&pdm, "", &mut cursor);
    assert_eq!(rest, events[1..]);
    assert_eq!(read_on(&pdm, "", &mut cursor), Vec::<Value>::new());
}

#[test]
fn pages_lead_to_each_other_and_show_each_event_once() {
    let app = TestApp::start();
    let pdm = app.pdm("paula@example.com");
    for _ in 0..7 {
        pdm.create(&session_at_pad());
    }
    let all = read(&pdm, "", 7);
    let mut path = "/v1/events?limit=3&type=created".to_owned();
    let mut found = Vec::new();
    let mut pages = 0;
    loop {
        let answer = pdm.get(&path);
        found.extend(members(answer.json()["items"].as_array().unwrap(), "id"));
        pages += 1;
        let Some(link) = answer.header("link") else {
            break;
        };
        let (address, rest) = link.strip_prefix('<').unwrap().split_once('>').unwrap();
        assert_eq!(rest, "; rel=\"next\"");
        path = address.to_owned();
    }
    assert_eq!(found, members(&all, "id"));
    assert_eq!(pages, 3);
}

#[test]
fn an_event_waits_for_the_transactions_that_began_before_it() {
    let app = TestApp::start();
    let pdm = app.pdm("paula@example.com");
    let request = pdm.create(&session_at_pad());
    let mut cursor = read(&pdm, "", 1)[0]["cursor"].as_str().unwrap().to_owned();

    let slow = app.db.session();
    slow.run("begin");
    slow.run(&line(&request, 2));
    let later = pdm.create(&session_at_pad());
    // Committed, and stored: but what began to write before it may still come.
    assert_eq!(
        pdm.get(&format!("/v1/requests/{}", later["id"].as_str().unwrap()))
            .status,
        200
    );
    assert_eq!(read_on(&pdm, "", &mut cursor), Vec::<Value>::new());

    slow.run("commit");
    let mut found = Vec::new();
    let deadline = Instant::now() + PATIENCE;
    while found.len() < 2 {
        assert!(Instant::now() < deadline, "{found:?}");
        found.extend(read_on(&pdm, "", &mut cursor));
    }
    assert_eq!(members(&found, "kind"), ["revised", "created"]);
    assert_eq!(found[1]["request_id"], later["id"]);
}

#[test]
fn a_transaction_that_is_undone_holds_nothing_up_for_good() {
    let app = TestApp::start();
    let pdm = app.pdm("paula@example.com");
    let request = pdm.create(&session_at_pad());
    let slow = app.db.session();
    slow.run("begin");
    slow.run(&line(&request, 2));
    pdm.create(&session_at_pad());
    slow.run("rollback");
    assert_eq!(members(&read(&pdm, "", 2), "kind"), ["created", "created"]);
}

/// What a writer tells the one who decides about the order of the commits.
enum Writer {
    /// It has written; the answer says whether it is to commit.
    Wrote(mpsc::Sender<bool>),
    Done,
}

#[test]
fn who_follows_sixteen_writers_that_commit_in_any_order_sees_every_event_once() {
    const WRITERS: usize = 16;
    const LINES: i64 = 12;
    let app = TestApp::start();
    let pdm = app.pdm("paula@example.com");
    let requests: Vec<Value> = (0..WRITERS)
        .map(|_| pdm.create(&session_at_pad()))
        .collect();
    let count = || app.db.query("select id from request_events").unwrap().len();
    let (done, rounds) = (AtomicBool::new(false), AtomicUsize::new(0));
    let (mut by_number, mut highest) = (0, 0_i64);
    let (tell, told) = mpsc::channel();
    let seen = std::thread::scope(|scope| {
        for request in &requests {
            let (tell, session) = (tell.clone(), app.db.session());
            scope.spawn(move || {
                for version in 2..2 + LINES {
                    session.run("begin");
                    session.run(&line(request, version));
                    let (answer, answered) = mpsc::channel();
                    tell.send(Writer::Wrote(answer)).unwrap();
                    let commit = answered.recv().unwrap();
                    session.run(if commit { "commit" } else { "rollback" });
                }
                tell.send(Writer::Done).unwrap();
            });
        }
        // Half of the writers are kept in the middle of their transactions; any of them may be next.
        let (done, rounds) = (&done, &rounds);
        scope.spawn(move || {
            let (mut writers, mut open, mut ended) = (WRITERS, Vec::new(), 0);
            while writers > 0 {
                match told.recv().unwrap() {
                    Writer::Wrote(answer) => open.push(answer),
                    Writer::Done => writers -= 1,
                }
                while !open.is_empty() && open.len() >= writers.div_ceil(2) {
                    let chosen: usize = rand::random_range(0..open.len());
                    let commit = rand::random_range(0..8) > 0;
                    open.swap_remove(chosen).send(commit).unwrap();
                    ended += 1;
                    if ended == 50 {
                        // The readers look at least once while some are far behind the others.
                        let round = rounds.load(Ordering::Acquire);
                        while rounds.load(Ordering::Acquire) < round + 2 {
                            std::thread::yield_now();
                        }
                    }
                }
            }
            done.store(true, Ordering::Release);
        });
        let mut seen = Vec::new();
        let mut cursor = String::new();
        let deadline = Instant::now() + PATIENCE;
        loop {
            let all_done = done.load(Ordering::Acquire);
            let path = match cursor.as_str() {
                "" => "/v1/events?limit=5".to_owned(),
                cursor => format!("/v1/events?limit=5&wait=1&cursor={cursor}"),
            };
            let page = pdm.get(&path).json();
            page["next_cursor"]
                .as_str()
                .unwrap()
                .clone_into(&mut cursor);
            let items = page["items"].as_array().unwrap();
            seen.extend(members(items, "id"));
            // Beside it, a reader that goes by the numbers of the events alone.
            let numbers = app.db.query(&format!(
                "select position from request_events where position > {highest} order by position"
            ));
            for number in numbers.unwrap() {
                by_number += 1;
                highest = number.parse().unwrap();
            }
            rounds.fetch_add(1, Ordering::Release);
            if all_done && seen.len() >= count() {
                break;
            }
            assert!(Instant::now() < deadline, "{} of {}", seen.len(), count());
        }
        seen
    });
    let stored = app
        .db
        .query("select id from request_events order by transaction_number, position");
    assert_eq!(seen, stored.unwrap(), "each once, in the order of the feed");
    assert!(by_number < seen.len(), "the numbers alone would have done");
}

#[test]
fn a_caller_sees_the_events_of_the_requests_it_may_see() {
    let app = TestApp::start();
    let paula = app.pdm("paula@example.com");
    let peter = app.pdm("peter@example.com");
    let manager = app.requester("maria@example.com", Relationship::Pdm, &["7654321"]);
    let crm = app.integration("crm");
    let at_pad = paula.create(&session_at_pad());
    let at_tpd = peter.create(&consultation_at_tpd(10.0));
    let at_gps = peter.create(&deal_at_gps("Fabrikam"));
    let mut sent = session_at_pad();
    sent["requested_by"] =
        json!({ "name": "Paula", "email": "paula@example.com", "relationship": "pdm" });
    let sent = crm.create(&sent);
    app.lead("pad").take(
        &at_pad,
        &json!({ "to": "in_review", "reason": "for Anna only" }),
    );

    let references = |requests: &[&Value]| -> Vec<String> {
        let texts = requests
            .iter()
            .map(|request| request["reference"].as_str().unwrap().to_owned());
        texts.collect()
    };
    for (who, client, requests) in [
        ("owner", &paula, &[&at_pad, &sent, &at_pad][..]),
        ("another owner", &peter, &[&at_tpd, &at_gps]),
        ("manager of the partner", &manager, &[&at_gps]),
        ("integration", &crm, &[&sent]),
        ("member", &app.member("tpd"), &[&at_tpd]),
        ("lead", &app.lead("pad"), &[&at_pad, &sent, &at_pad]),
        (
            "viewer",
            &app.viewer(),
            &[&at_pad, &at_tpd, &at_gps, &sent, &at_pad],
        ),
        (
            "admin",
            &app.admin(),
            &[&at_pad, &at_tpd, &at_gps, &sent, &at_pad],
        ),
    ] {
        let events = read(client, "", requests.len());
        assert_eq!(members(&events, "reference"), references(requests), "{who}");
        let last = events.last().unwrap();
        let sees_people = last["actor"].get("subject").is_some();
        assert_eq!(sees_people, who != "viewer", "{who}: {last}");
    }
    let shown = app.viewer().get("/v1/events").body;
    for hidden in ["@", "Paula", "Name of", "for Anna only"] {
        assert!(!shown.contains(hidden), "a viewer sees {hidden}: {shown}");
    }
}

#[test]
fn what_the_service_does_by_itself_is_told_too() {
    let app = TestApp::start();
    let pdm = app.pdm("paula@example.com");
    let mut draft = session_at_pad();
    draft["draft"] = json!(true);
    pdm.create(&draft);
    app.set_clock("2027-06-01T10:00:00Z");
    assert_eq!(app.work().expired, 1);
    let events = read(&app.viewer(), "", 2);
    assert_eq!(events[1]["to"], "expired");
    assert_eq!(events[1]["actor"], json!({ "role": "system" }));
}

#[test]
fn filters_choose_by_desk_kind_partner_and_request() {
    let app = TestApp::start();
    let paula = app.pdm("paula@example.com");
    let at_pad = paula.create(&session_at_pad());
    let at_gps = paula.create(&deal_at_gps("Fabrikam"));
    app.member("pad")
        .take(&at_pad, &json!({ "to": "in_review" }));
    let (pad, gps) = (
        at_pad["reference"].as_str().unwrap(),
        at_gps["reference"].as_str().unwrap(),
    );
    let id = at_pad["id"].as_str().unwrap();
    for (query, expected) in [
        ("desk=pad".to_owned(), &[pad, pad][..]),
        ("desk=gps".to_owned(), &[gps]),
        ("desk=tpd".to_owned(), &[]),
        ("type=created".to_owned(), &[pad, gps]),
        (
            "type=created&type=transitioned".to_owned(),
            &[pad, gps, pad],
        ),
        ("type=revised".to_owned(), &[]),
        ("partner=7654321".to_owned(), &[gps]),
        (format!("request={id}"), &[pad, pad]),
        (format!("request={}", pad.to_lowercase()), &[pad, pad]),
        (format!("request={gps}&desk=pad"), &[]),
    ] {
        let events = read(&paula, &query, expected.len());
        assert_eq!(members(&events, "reference"), expected, "{query}");
    }
    let refused = paula.get("/v1/events?request=nonsense");
    assert_eq!(
        (refused.status, refused.problem().as_str()),
        (422, "VALIDATION_FAILED")
    );
    assert_eq!(refused.json()["errors"][0]["parameter"], "request");
}

#[test]
fn a_cursor_is_good_for_the_filters_it_came_with_in_any_order() {
    let app = TestApp::start();
    let pdm = app.pdm("paula@example.com");
    let page = pdm.get("/v1/events?type=revised&type=created").json();
    let cursor = page["next_cursor"].as_str().unwrap();
    for (path, status, code) in [
        (
            format!("/v1/events?type=created&type=revised&cursor={cursor}"),
            200,
            "",
        ),
        (
            format!("/v1/events?type=created&cursor={cursor}"),
            400,
            "CURSOR_FILTER_MISMATCH",
        ),
        (
            format!("/v1/events?cursor={cursor}"),
            400,
            "CURSOR_FILTER_MISMATCH",
        ),
        (
            "/v1/events?cursor=made-up".to_owned(),
            400,
            "CURSOR_INVALID",
        ),
        (
            "/v1/events?from=yesterday".to_owned(),
            400,
            "INVALID_PARAMETER",
        ),
        ("/v1/events?wait=0".to_owned(), 422, "VALIDATION_FAILED"),
        ("/v1/events?wait=31".to_owned(), 422, "VALIDATION_FAILED"),
    ] {
        let answer = pdm.get(&path);
        assert_eq!(answer.status, status, "{path}: {}", answer.body);
        if status != 200 {
            assert_eq!(answer.problem(), code, "{path}");
        }
    }
}

/// Asks in the background.
fn ask(client: &Client, path: String, headers: &[(&str, &str)]) -> mpsc::Receiver<Answer> {
    let client = client.clone();
    let headers: Vec<(String, String)> = headers
        .iter()
        .map(|(name, value)| (name.to_string(), value.to_string()))
        .collect();
    let (tell, told) = mpsc::channel();
    std::thread::spawn(move || {
        let headers: Vec<(&str, &str)> = headers
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        // Nobody listens any more where the test has failed.
        let _ = tell.send(client.send("GET", &path, &headers, ""));
    });
    told
}

fn until_waiting(app: &TestApp, count: usize) {
    let deadline = Instant::now() + PATIENCE;
    while app.app.tail.waiting() != count {
        assert!(Instant::now() < deadline, "{} wait", app.app.tail.waiting());
        std::thread::yield_now();
    }
}

#[test]
fn a_wait_ends_with_a_commit_of_this_instance_or_of_another() {
    let app = TestApp::start();
    let other = app.beside();
    let pdm = app.pdm("paula@example.com");
    let same_person = Client {
        address: other.address,
        ..pdm.clone()
    };
    let mut cursor = now(&pdm);
    for writer in [&pdm, &same_person] {
        let waiting = ask(&pdm, format!("/v1/events?wait=30&cursor={cursor}"), &[]);
        until_waiting(&app, 1);
        let begun = Instant::now();
        let request = writer.create(&session_at_pad());
        let page = waiting.recv_timeout(PATIENCE).unwrap().json();
        assert_eq!(
            members(page["items"].as_array().unwrap(), "reference"),
            [request["reference"].as_str().unwrap()]
        );
        assert!(
            begun.elapsed() < Duration::from_secs(10),
            "{:?}",
            begun.elapsed()
        );
        page["next_cursor"]
            .as_str()
            .unwrap()
            .clone_into(&mut cursor);
        until_waiting(&app, 0);
    }
}

#[test]
fn a_wait_for_what_the_caller_may_not_see_ends_with_an_empty_page_at_its_deadline() {
    let app = TestApp::start();
    let paula = app.pdm("paula@example.com");
    let peter = app.pdm("peter@example.com");
    let cursor = now(&peter);
    let begun = Instant::now();
    let waiting = ask(&peter, format!("/v1/events?wait=2&cursor={cursor}"), &[]);
    until_waiting(&app, 1);
    paula.create(&session_at_pad());
    let answer = waiting.recv_timeout(PATIENCE).unwrap();
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_eq!(answer.json()["items"], json!([]));
    assert!(begun.elapsed() >= Duration::from_secs(2));
    let mut cursor = answer.json()["next_cursor"].as_str().unwrap().to_owned();

    // What comes later is not missed from there.
    let own = peter.create(&session_at_pad());
    let found = read_on(&peter, "wait=20", &mut cursor);
    assert_eq!(found[0]["reference"], own["reference"]);
}

#[test]
fn every_role_is_woken_by_what_it_may_see() {
    let app = TestApp::start();
    let crm = app.integration("crm");
    let mut body = deal_at_gps("Fabrikam");
    body["requested_by"] =
        json!({ "name": "Paula", "email": "paula@example.com", "relationship": "pdm" });
    let clients = [
        app.pdm("paula@example.com"),
        app.requester("maria@example.com", Relationship::Pts, &["7654321"]),
        crm.clone(),
        app.member("gps"),
        app.lead("gps"),
        app.viewer(),
        app.admin(),
    ];
    let waiting: Vec<_> = clients
        .iter()
        .map(|client| {
            ask(
                client,
                format!("/v1/events?wait=30&cursor={}", now(client)),
                &[],
            )
        })
        .collect();
    let bystander = app.member("pad");
    let not_for_it = ask(
        &bystander,
        format!("/v1/events?wait=30&cursor={}", now(&bystander)),
        &[],
    );
    until_waiting(&app, 8);
    let request = crm.create(&body);
    for (waiting, client) in waiting.iter().zip(&clients) {
        let page = waiting
            .recv_timeout(Duration::from_secs(10))
            .expect(&client.key_id)
            .json();
        assert_eq!(page["items"][0]["reference"], request["reference"]);
    }
    until_waiting(&app, 1);
    assert!(not_for_it.try_recv().is_err());
}

#[test]
fn a_thousand_who_wait_ask_nothing_and_hold_no_connection() {
    let db = TestDb::fresh();
    let relay = Relay::to(&db.url);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let store = Store::new(&relay.url, 2).unwrap();
        let catalogue = Arc::new(catalog::builtin().unwrap());
        let app = Arc::new(App::start(store, catalogue, Clock::real()).await.unwrap());
        tokio::spawn(tail::run(Arc::clone(&app)));
        let (end, ended) = watch::channel(false);
        let mut waiting = tokio::task::JoinSet::new();
        for number in 0..1_000 {
            let place = app.tail.enter(&format!("caller {}", number % 100)).unwrap();
            let (app, mut ended) = (Arc::clone(&app), ended.clone());
            waiting.spawn(async move {
                let until = async move {
                    ended.wait_for(|ended| *ended).await.unwrap();
                };
                let (filter, all) = (Filter::default(), Visibility::Everything);
                let after = Position::BEGINNING;
                feed::read_or_wait(&app, place, &filter, &all, after, 50, until)
                    .await
                    .unwrap()
            });
        }
        let deadline = Instant::now() + PATIENCE;
        while app.tail.waiting() < 1_000 {
            assert!(Instant::now() < deadline, "{} wait", app.tail.waiting());
            tokio::task::yield_now().await;
        }

        // One task looks now and then, for all of them: that is all that is asked.
        let (asked, begun) = (relay.asked(), Instant::now());
        while relay.asked() < asked + 30 {
            assert!(Instant::now() < deadline, "nobody looks");
            tokio::task::yield_now().await;
        }
        assert!(
            begun.elapsed() > Duration::from_secs(1),
            "{:?}",
            begun.elapsed()
        );
        feed::now(&app).await.unwrap();

        let asked = relay.asked();
        end.send_replace(true);
        while let Some(reading) = waiting.join_next().await {
            assert!(reading.unwrap().rows.is_empty());
        }
        let count = relay.asked() - asked;
        assert!(count < 20, "{count} questions to end the waiting");
    });
}

fn impatient() -> Limits {
    Limits {
        heartbeat: Duration::from_millis(50),
        ..limits()
    }
}

fn start_with(limits: Limits) -> TestApp {
    TestApp::with(
        catalog::builtin().unwrap(),
        limits,
        Arc::new(TestDb::fresh()),
    )
}

#[test]
fn a_stream_tells_events_as_they_come_and_is_taken_up_where_it_broke_off() {
    let app = start_with(impatient());
    let pdm = app.pdm("paula@example.com");
    let first = pdm.create(&session_at_pad());
    let mut stream = EventStream::open(&pdm, "/v1/events", &[]);
    assert_eq!(
        stream.answer.header("cache-control").as_deref(),
        Some("no-store")
    );
    assert!(stream.block().unwrap().retry.is_some());
    let event = stream.event().unwrap();
    assert_eq!(event.event.as_deref(), Some("created"));
    assert_eq!(event.json()["reference"], first["reference"]);
    assert_eq!(event.json()["cursor"].as_str(), event.id.as_deref());

    until_waiting(&app, 1);
    let second = pdm.create(&session_at_pad());
    assert_eq!(
        stream.event().unwrap().json()["reference"],
        second["reference"]
    );
    while stream.block().unwrap().comment.is_none() {}
    drop(stream);

    let third = pdm.create(&session_at_pad());
    let last = event.id.as_deref().unwrap();
    let elsewhere = now(&pdm);
    // What the browser saw last counts more than the address it was given at first.
    let path = format!("/v1/events?cursor={elsewhere}");
    let mut resumed = EventStream::open(&pdm, &path, &[("Last-Event-ID", last)]);
    for request in [second, third] {
        assert_eq!(
            resumed.event().unwrap().json()["reference"],
            request["reference"]
        );
    }
}

#[test]
fn a_sign_of_life_leads_on_from_where_the_stream_has_come() {
    let app = start_with(impatient());
    let pdm = app.pdm("paula@example.com");
    let path = "/v1/events?from=now&desk=pad";
    let mut stream = EventStream::open(&pdm, path, &[]);
    let block = loop {
        let block = stream.block().unwrap();
        if block.comment.is_some() {
            break block;
        }
    };
    drop(stream);
    let request = pdm.create(&session_at_pad());
    let mut resumed = EventStream::open(&pdm, path, &[("Last-Event-ID", &block.id.unwrap())]);
    assert_eq!(
        resumed.event().unwrap().json()["reference"],
        request["reference"]
    );
}

#[test]
fn a_stream_is_refused_as_any_other_answer_is() {
    let app = TestApp::start();
    let pdm = app.pdm("paula@example.com");
    for (path, headers, status, code) in [
        ("/v1/events?cursor=made-up", &[][..], 400, "CURSOR_INVALID"),
        (
            "/v1/events",
            &[("Last-Event-ID", "made-up")],
            400,
            "CURSOR_INVALID",
        ),
        ("/v1/events?kind=created", &[], 400, "UNKNOWN_PARAMETER"),
    ] {
        let Err(answer) = EventStream::ask(&pdm, path, headers) else {
            panic!("{path} is a stream");
        };
        assert_eq!(
            (answer.status, answer.problem().as_str()),
            (status, code),
            "{path}"
        );
    }
    let stranger = Client {
        token: "erk_nobody".to_owned(),
        ..pdm.clone()
    };
    let Err(answer) = EventStream::ask(&stranger, "/v1/events", &[]) else {
        panic!("a stranger has a stream");
    };
    assert_eq!(answer.status, 401);
    let head = pdm.send("HEAD", "/v1/events", &[("Accept", "text/event-stream")], "");
    assert_eq!(
        (head.status, head.header("content-type").as_deref()),
        (200, Some("text/event-stream"))
    );
}

#[test]
fn one_caller_has_twenty_places_and_gets_them_back() {
    let app = start_with(impatient());
    let pdm = app.pdm("paula@example.com");
    let mut streams: Vec<_> = (0..20)
        .map(|_| EventStream::open(&pdm, "/v1/events", &[]))
        .collect();
    let Err(refused) = EventStream::ask(&pdm, "/v1/events", &[]) else {
        panic!("one too many");
    };
    assert_eq!(
        (refused.status, refused.problem().as_str()),
        (429, "RATE_LIMITED")
    );
    assert!(refused.header("retry-after").is_some());
    for (path, headers) in [
        ("/v1/events?wait=1", &[][..]),
        (
            "/v1/requests/PAD-2026-000001",
            &[("Prefer", "wait=1"), ("If-None-Match", "\"1-full\"")],
        ),
    ] {
        assert_eq!(pdm.send("GET", path, headers, "").status, 429, "{path}");
    }
    assert_eq!(
        pdm.get("/v1/events").status,
        200,
        "reading at once takes no place"
    );
    drop(EventStream::open(
        &app.pdm("peter@example.com"),
        "/v1/events",
        &[],
    ));

    streams.clear();
    let deadline = Instant::now() + PATIENCE;
    while EventStream::ask(&pdm, "/v1/events", &[]).is_err() {
        assert!(Instant::now() < deadline, "places are not given back");
    }
}

#[test]
fn a_client_that_does_not_read_its_stream_is_cut_off_and_misses_nothing() {
    const EVENTS: usize = 12_000;
    let app = start_with(Limits {
        idle: Duration::from_millis(300),
        ..limits()
    });
    let pdm = app.pdm("paula@example.com");
    let request = pdm.create(&session_at_pad());
    // Far more than the buffers of a connection take.
    app.db
        .query(&format!(
            "insert into request_events (id, request_id, request_version, kind, to_state, desk, reason,
                 changed, actor_subject, actor_name, actor_role, key_id, http_request_id, at)
             select gen_random_uuid(), '{}', 1 + number, 'revised', 'submitted', 'pad', repeat('x', 2000),
                 '{{}}', 'writer', 'Writer', 'system', '', '', now()
             from generate_series(1, {EVENTS}) as number",
            request["id"].as_str().unwrap()
        ))
        .unwrap();
    read(
        &pdm,
        &format!("limit=1&request={}", request["id"].as_str().unwrap()),
        1,
    );

    let slow = EventStream::open(&pdm, "/v1/events", &[]);
    let deadline = Instant::now() + PATIENCE;
    while app.app.tail.taken() > 0 {
        assert!(Instant::now() < deadline, "the slow client is kept");
        std::thread::yield_now();
    }
    let received = slow.until_cut_off();
    assert!(
        !received.is_empty() && received.len() < EVENTS,
        "{}",
        received.len()
    );

    let last = received.last().unwrap().id.clone().unwrap();
    let mut resumed = EventStream::open(&pdm, "/v1/events", &[("Last-Event-ID", &last)]);
    let next = resumed.event().unwrap();
    let version = |data: &Option<String>| -> i64 {
        let event: Value = serde_json::from_str(data.as_ref().unwrap()).unwrap();
        event["version"].as_i64().unwrap()
    };
    assert_eq!(
        version(&next.data),
        version(&received.last().unwrap().data) + 1
    );
}

#[test]
fn a_stream_ends_with_the_credential() {
    let app = start_with(impatient());
    let admin = app.admin();
    let revoked = app.pdm("paula@example.com");
    let mut stream = EventStream::open(&revoked, "/v1/events", &[]);
    stream.block().unwrap();
    let path = format!("/v1/api-keys/{}", revoked.key_id);
    let status = admin.delete(&path).status;
    assert!((200..300).contains(&status), "{status}");
    while stream.block().is_some() {}

    let expiring = app.pdm("peter@example.com");
    let mut stream = EventStream::open(&expiring, "/v1/events", &[]);
    stream.block().unwrap();
    app.set_clock("2026-12-23T10:00:00Z");
    while stream.block().is_some() {}
}

#[test]
fn who_waits_is_sent_home_properly_at_a_shutdown() {
    let app = TestApp::start();
    let pdm = app.pdm("paula@example.com");
    let mut stream = EventStream::open(&pdm, "/v1/events", &[]);
    let page = ask(&pdm, "/v1/events?wait=30".to_owned(), &[]);
    let request = pdm.create(&session_at_pad());
    let event = stream.event().unwrap();
    let path = format!("/v1/requests/{}", request["id"].as_str().unwrap());
    let headers = [("Prefer", "wait=25"), ("If-None-Match", "\"1-full\"")];
    let unchanged = ask(&pdm, path, &headers);
    // The page that was asked for before may have come with the event already; ask for the next.
    page.recv_timeout(PATIENCE).unwrap();
    let page = ask(
        &pdm,
        format!("/v1/events?wait=30&cursor={}", event.id.unwrap()),
        &[],
    );
    until_waiting(&app, 3);

    let begun = Instant::now();
    drop(app);
    assert!(begun.elapsed() < limits().drain, "{:?}", begun.elapsed());
    assert_eq!(stream.event(), None);
    let page = page.recv_timeout(PATIENCE).unwrap();
    assert_eq!((page.status, &page.json()["items"]), (200, &json!([])));
    assert_eq!(unchanged.recv_timeout(PATIENCE).unwrap().status, 304);
}

#[test]
fn one_request_can_be_waited_for() {
    let app = TestApp::start();
    let other = app.beside();
    let pdm = app.pdm("paula@example.com");
    let request = pdm.create(&session_at_pad());
    let path = format!("/v1/requests/{}", request["id"].as_str().unwrap());
    let wait = |tag: &str, seconds: &str| {
        let preference = format!("wait={seconds}");
        ask(
            &pdm,
            path.clone(),
            &[("Prefer", &preference), ("If-None-Match", tag)],
        )
    };

    let begun = Instant::now();
    let unchanged = wait("\"1-full\"", "1").recv_timeout(PATIENCE).unwrap();
    assert_eq!((unchanged.status, unchanged.body.as_str()), (304, ""));
    assert_eq!(
        unchanged.header("preference-applied").as_deref(),
        Some("wait=1")
    );
    assert_eq!(unchanged.header("etag").as_deref(), Some("\"1-full\""));
    assert!(begun.elapsed() >= Duration::from_secs(1));

    let mut version = 1;
    let here = app.member("pad");
    let there = Client {
        address: other.address,
        ..here.clone()
    };
    for (member, step) in [
        (&here, json!({ "to": "in_review" })),
        (&there, json!({ "to": "accepted" })),
    ] {
        let waiting = wait(&format!("\"{version}-full\""), "25");
        until_waiting(&app, 1);
        member.take(&request, &step);
        version += 1;
        let changed = waiting.recv_timeout(Duration::from_secs(15)).unwrap();
        assert_eq!(changed.status, 200, "{}", changed.body);
        assert_eq!(changed.json()["state"], step["to"]);
        assert_eq!(changed.header("etag"), Some(format!("\"{version}-full\"")));
        until_waiting(&app, 0);
    }

    let begun = Instant::now();
    let changed_before = wait("\"1-full\"", "90").recv_timeout(PATIENCE).unwrap();
    assert_eq!(changed_before.status, 200);
    assert_eq!(
        changed_before.header("preference-applied").as_deref(),
        Some("wait=25")
    );
    assert!(begun.elapsed() < Duration::from_secs(10));
    let headers = [("Prefer", "wait=25")];
    let unconditional = pdm.send("GET", &path, &headers, "");
    assert_eq!(
        (
            unconditional.status,
            unconditional.header("preference-applied")
        ),
        (200, None)
    );
}

#[test]
fn a_request_that_goes_out_of_sight_while_it_is_waited_for_is_not_shown() {
    let app = TestApp::start();
    let pdm = app.pdm("paula@example.com");
    let mut draft = session_at_pad();
    draft["draft"] = json!(true);
    let draft = pdm.create(&draft);
    let path = format!("/v1/requests/{}", draft["id"].as_str().unwrap());
    let headers = [("Prefer", "wait=25"), ("If-None-Match", "\"1-full\"")];
    let waiting = ask(&app.member("pad"), path.clone(), &headers);
    until_waiting(&app, 1);
    let moved = pdm.patch(&path, "\"1-full\"", &json!({ "desk": "gps" }));
    assert_eq!(moved.status, 200, "{}", moved.body);
    assert_eq!(
        waiting.recv_timeout(PATIENCE).unwrap().problem(),
        "NOT_FOUND"
    );

    // The feed goes by where the request is now.
    assert_eq!(read(&app.member("pad"), "", 0), Vec::<Value>::new());
    assert_eq!(
        members(&read(&app.member("gps"), "", 2), "kind"),
        ["created", "revised"]
    );
}

#[test]
fn after_a_dump_was_restored_on_another_server_the_feed_goes_on() {
    let app = TestApp::start();
    let pdm = app.pdm("paula@example.com");
    let request = pdm.create(&session_at_pad());
    let mut cursor = read(&pdm, "", 1)[0]["cursor"].as_str().unwrap().to_owned();
    // As a dump brings it: from a transaction this server has not come to.
    let restored = line(&request, 2)
        .replace("(id,", "(transaction_number, id,")
        .replace("(gen_random_uuid(),", "(1000000000000, gen_random_uuid(),");
    app.db.query(&restored).unwrap();
    assert_eq!(read_on(&pdm, "", &mut cursor), Vec::<Value>::new());

    for _start in 0..2 {
        drop(app.beside());
    }
    let later = pdm.create(&session_at_pad());
    let mut found = BTreeMap::new();
    let deadline = Instant::now() + PATIENCE;
    while found.len() < 2 {
        assert!(Instant::now() < deadline, "{found:?}");
        for event in read_on(&pdm, "", &mut cursor) {
            found.insert(found.len(), event["kind"].clone());
        }
    }
    assert_eq!(found[&0], "revised");
    assert_eq!(found[&1], "created");
    assert!(later["id"].is_string());
    let shifts = app.db.query("select shift from feed_shifts").unwrap();
    assert_eq!(shifts.len(), 1, "once is enough: {shifts:?}");
}

#[test]
fn few_events_to_show_among_many_are_found_page_by_page() {
    let app = TestApp::start();
    let paula = app.pdm("paula@example.com");
    let first = paula.create(&session_at_pad());
    let others = app.pdm("peter@example.com").create(&session_at_pad());
    app.db
        .query(&format!(
            "insert into request_events (id, request_id, request_version, kind, to_state, desk, changed,
                 actor_subject, actor_name, actor_role, key_id, http_request_id, at)
             select gen_random_uuid(), '{}', 1 + number, 'revised', 'submitted', 'pad', '{{}}', 'writer',
                 'Writer', 'system', '', '', now()
             from generate_series(1, 60000) as number",
            others["id"].as_str().unwrap()
        ))
        .unwrap();
    let last = paula.create(&session_at_pad());
    let events = read(&paula, "", 2);
    assert_eq!(
        members(&events, "reference")
            .into_iter()
            .collect::<BTreeSet<_>>(),
        [&first, &last]
            .map(|request| request["reference"].as_str().unwrap().to_owned())
            .into()
    );
    let page = paula.get("/v1/events");
    assert_eq!(
        page.json()["items"].as_array().unwrap().len(),
        1,
        "a short page"
    );
    assert!(page.header("link").is_some(), "that leads on");
    let mut stream = EventStream::open(&paula, "/v1/events", &[]);
    for request in [first, last] {
        assert_eq!(
            stream.event().unwrap().json()["reference"],
            request["reference"]
        );
    }
}
