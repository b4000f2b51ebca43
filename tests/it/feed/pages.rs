//! Pages of the feed: order, visibility, filters.

use super::*;

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
    // A part of the feed is cut from stretches that are looked at, the whole of it is not.
    for (reader, filter) in [(&pdm, "&type=created"), (&app.viewer(), "")] {
        let mut path = format!("/v1/events?limit=3{filter}");
        let mut found = Vec::new();
        let mut pages = 0;
        loop {
            let answer = reader.get(&path);
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
