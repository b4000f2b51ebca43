//! Slow clients and too many of them.

use std::io::{ErrorKind, Write};
use std::time::{Duration, Instant};

use engagement_desk::http::connections::Limits;

use crate::support::server::{TestServer, limits};

/// Long limits everywhere but on idle connections, so that only the sweeper can be what closes one.
fn sweeping() -> Limits {
    let long = Duration::from_secs(60);
    Limits {
        idle: Duration::from_millis(150),
        head: long,
        keep_alive: long,
        ..limits()
    }
}

#[test]
fn a_second_head_that_stalls_costs_the_connection() {
    let server = TestServer::with_limits(sweeping());
    let mut connection = server.connect();
    connection.write("GET /livez HTTP/1.1\r\nHost: test\r\n\r\n");
    assert_eq!(connection.answer().status, 200);
    connection.write("GET /livez HTTP/1.1\r\nHo");
    assert_eq!(connection.rest(), b"");
}

#[test]
fn a_connection_that_says_nothing_is_closed() {
    let server = TestServer::with_limits(sweeping());
    assert_eq!(server.connect().rest(), b"");
}

#[test]
fn a_request_that_runs_long_keeps_its_connection() {
    let server = TestServer::with_limits(sweeping());
    let mut waiting = server.connect();
    waiting.write("GET /t/wait HTTP/1.1\r\nHost: test\r\nAuthorization: Bearer good\r\n\r\n");
    server.turnstile.wait_for_one();
    // An idle connection opened later is swept: by then the waiting one is older than the limit.
    assert_eq!(server.connect().rest(), b"");
    server.turnstile.open();
    assert_eq!(waiting.answer().body, "through");
}

#[test]
fn a_stream_that_pauses_keeps_its_connection() {
    let server = TestServer::with_limits(sweeping());
    let mut connection = server.connect();
    connection.write("GET /t/stream HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n");
    let text = String::from_utf8(connection.rest()).unwrap();
    assert!(
        text.ends_with("5\r\nfirst\r\n6\r\nsecond\r\n0\r\n\r\n"),
        "{text}"
    );
}

#[test]
fn too_many_requests_at_once_are_shed_but_health_answers() {
    let server = TestServer::with_limits(Limits {
        requests_in_flight: 1,
        ..limits()
    });
    let mut waiting = server.connect();
    waiting.write("GET /t/wait HTTP/1.1\r\nHost: test\r\nAuthorization: Bearer good\r\n\r\n");
    server.turnstile.wait_for_one();

    let answer = server.send_known("GET", "/t/orders", &[], "");
    assert_eq!(
        (answer.status, answer.problem().as_str()),
        (503, "OVERLOADED")
    );
    assert_eq!(answer.header("retry-after").as_deref(), Some("2"));
    assert_eq!(server.get("/livez").status, 200);

    server.turnstile.open();
    assert_eq!(waiting.answer().body, "through");
    assert_eq!(server.send_known("GET", "/t/orders", &[], "").status, 200);
}

#[test]
fn a_client_that_never_reads_its_answers_is_cut_off() {
    let server = TestServer::with_limits(sweeping());
    let mut connection = server.connect();
    connection
        .0
        .set_write_timeout(Some(Duration::from_millis(50)))
        .unwrap();
    let deadline = Instant::now() + Duration::from_secs(20);
    let request =
        "GET /docs/assets/swagger-ui-bundle.js HTTP/1.1\r\nHost: test\r\n\r\n".repeat(100);
    loop {
        match connection.0.write(request.as_bytes()) {
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Err(error) => {
                let kinds = [ErrorKind::ConnectionReset, ErrorKind::BrokenPipe];
                assert!(kinds.contains(&error.kind()), "{error}");
                break;
            }
        }
        assert!(Instant::now() < deadline, "the connection is still open");
    }
    assert_eq!(server.get("/livez").status, 200);
}

#[test]
fn long_polls_have_places_of_their_own() {
    let limits = Limits {
        requests_in_flight: 1,
        long_polls: 1,
        ..limits()
    };
    let server = TestServer::with_limits(limits);
    let mut polling = server.connect();
    polling.write(
        "GET /t/wait HTTP/1.1\r\nHost: test\r\nAuthorization: Bearer good\r\n\
         Prefer: wait=20\r\nIf-None-Match: \"1\"\r\n\r\n",
    );
    server.turnstile.wait_for_one();
    assert_eq!(server.send_known("GET", "/t/orders", &[], "").status, 200);
    let known = ("If-None-Match", "\"1\"");
    let second = server.send_known(
        "GET",
        "/t/wait",
        &[("Prefer", "respond-async, wait=20"), known],
        "",
    );
    assert_eq!(
        (second.status, second.problem().as_str()),
        (503, "OVERLOADED")
    );
    // Who names no version waits for nothing, and is one of the others.
    let mut other = server.connect();
    other.write(
        "GET /t/wait HTTP/1.1\r\nHost: test\r\nAuthorization: Bearer good\r\nPrefer: wait=20\r\n\r\n",
    );
    server.turnstile.wait_for_one();
    let third = server.send_known("GET", "/t/orders", &[], "");
    assert_eq!(third.problem(), "OVERLOADED");
    server.turnstile.open();
    assert_eq!(polling.answer().body, "through");
    assert_eq!(other.answer().body, "through");
}
