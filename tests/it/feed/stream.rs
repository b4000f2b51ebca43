//! The feed as a stream, and waiting for one request.

use super::waiting::{ask, until_waiting};
use super::*;

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
