//! The way down with writes running, and writes whose clients go away.

use std::net::TcpStream;
use std::time::{Duration, Instant};

use engagement_desk::http::connections::Limits;
use engagement_desk::http::quotas::QuotaLimits;

use crate::support::app::{TestApp, session_at_pad};
use crate::support::client::Connection;
use crate::support::db::TestDb;
use crate::support::server::limits;

/// Requests, events and first answers that are kept.
fn kept(db: &TestDb) -> Vec<String> {
    db.query(
        "select count(*) from requests union all select count(*) from request_events
             union all select count(*) from idempotency_keys",
    )
    .unwrap()
}

/// Waits until the service takes no connection any more.
fn wait_until_closed(app: &TestApp) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while TcpStream::connect(app.address).is_ok() {
        assert!(Instant::now() < deadline, "it still listens");
    }
}

#[test]
fn a_stop_waits_for_a_write_whose_client_went_away() {
    let mut app = TestApp::with_limits(limits());
    let pdm = app.pdm("paula@example.com");
    let session = app.db.session();
    session.hold_requests();
    let write = pdm.begin_post("/v1/requests", "Idempotency-Key: a\r\n", &session_at_pad());
    app.db.wait_for_waiting(1);
    write.reset();
    app.ask_to_stop();
    wait_until_closed(&app);
    // That it waits shows only in time: a worker looks once a second whether it may go.
    let a_while = Instant::now() + Duration::from_millis(2_500);
    while Instant::now() < a_while {
        assert!(!app.is_stopped(), "it did not wait");
        std::thread::yield_now();
    }
    session.run("rollback");
    app.wait_until_stopped();
    assert_eq!(
        kept(&app.db),
        ["1", "1", "1"],
        "all of it, or the stop did not wait"
    );
}

#[test]
fn a_write_whose_client_went_away_is_there_for_the_retry() {
    let app = TestApp::with_limits(limits());
    let pdm = app.pdm("paula@example.com");
    let session = app.db.session();
    session.hold_requests();
    let write = pdm.begin_post("/v1/requests", "Idempotency-Key: a\r\n", &session_at_pad());
    app.db.wait_for_waiting(1);
    write.reset();
    session.run("rollback");
    let deadline = Instant::now() + Duration::from_secs(20);
    let retry = loop {
        let answer = pdm.post_with(
            "/v1/requests",
            &[("Idempotency-Key", "a")],
            &session_at_pad(),
        );
        if answer.status != 409 {
            break answer;
        }
        assert!(Instant::now() < deadline, "it never ends");
    };
    assert_eq!(retry.status, 201);
    assert_eq!(
        retry.header("idempotency-replayed").as_deref(),
        Some("true")
    );
    assert_eq!(kept(&app.db), ["1", "1", "1"]);
}

#[test]
fn a_write_that_fails_after_its_client_went_away_leaves_nothing() {
    let mut app = TestApp::with_limits(limits());
    let pdm = app.pdm("paula@example.com");
    let session = app.db.session();
    session.run("begin; lock table idempotency_keys in exclusive mode");
    let write = pdm.begin_post("/v1/requests", "Idempotency-Key: a\r\n", &session_at_pad());
    // By now the request and its event are written, and only its first answer is not.
    app.db.wait_for_waiting(1);
    write.reset();
    app.db.cancel_waiting();
    app.ask_to_stop();
    app.wait_until_stopped();
    session.run("rollback");
    assert_eq!(kept(&app.db), ["0", "0", "0"]);
}

#[test]
fn a_write_keeps_its_place_among_those_of_its_caller_until_it_is_done() {
    let app = TestApp::with_limits(Limits {
        quotas: QuotaLimits {
            concurrent: Some(1),
            ..QuotaLimits::OFF
        },
        ..limits()
    });
    let pdm = app.pdm("paula@example.com");
    let session = app.db.session();
    session.hold_requests();
    let write = pdm.begin_post("/v1/requests", "", &session_at_pad());
    app.db.wait_for_waiting(1);
    write.reset();
    for _ in 0..20 {
        assert_eq!(pdm.get("/v1/me").problem(), "RATE_LIMITED");
    }
    session.run("rollback");
    let deadline = Instant::now() + Duration::from_secs(20);
    while pdm.get("/v1/me").status != 200 {
        assert!(Instant::now() < deadline, "the place is still taken");
    }
}

#[test]
fn a_thread_that_stops_first_takes_no_database_connection_with_it() {
    let long = Duration::from_secs(60);
    let mut app = TestApp::with_limits(Limits {
        workers: 2,
        keep_alive: long,
        idle: long,
        ..limits()
    });
    let pdm = app.pdm("paula@example.com");
    let session = app.db.session();
    let send = |connections: &mut [Connection]| {
        session.hold_requests();
        // Each another list: one list is read once for all who ask for it.
        for (limit, connection) in (1..).zip(connections.iter_mut()) {
            connection.write(pdm.head("GET", &format!("/v1/requests?limit={limit}"), 0, ""));
        }
        app.db.wait_for_waiting(connections.len());
    };
    // The threads take connections by turns, so each opens some to the database.
    let mut connections: Vec<Connection> = (0..4).map(|_| Connection::open(app.address)).collect();
    send(&mut connections);
    session.run("rollback");
    for connection in &mut connections {
        assert_eq!(connection.answer().status, 200);
    }
    // Now only one of the threads has work.
    let mut places = 0..;
    connections.retain(|_| places.next().is_some_and(|place| place % 2 == 0));
    send(&mut connections);
    app.ask_to_stop();
    wait_until_closed(&app);
    session.run("rollback");
    for connection in &mut connections {
        assert_eq!(connection.answer().status, 200);
    }
    app.wait_until_stopped();
}

#[test]
fn connections_on_which_nothing_runs_do_not_hold_a_stop_up() {
    let long = Duration::from_secs(60);
    let mut app = TestApp::with_limits(Limits {
        keep_alive: long,
        idle: long,
        head: long,
        drain: long,
        ..limits()
    });
    let mut silent = Connection::open(app.address);
    let mut rested = Connection::open(app.address);
    rested.write("GET /livez HTTP/1.1\r\nHost: test\r\n\r\n");
    assert_eq!(rested.answer().status, 200);
    let mut halfway = Connection::open(app.address);
    halfway.write("GET /livez HTTP/1.1\r\nHo");
    app.ask_to_stop();
    let start = Instant::now();
    app.wait_until_stopped();
    assert!(start.elapsed() < Duration::from_secs(20));
    assert_eq!((silent.rest(), rested.rest()), (Vec::new(), Vec::new()));
    drop(halfway);
}
