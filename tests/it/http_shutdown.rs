//! The way down.

use std::net::TcpStream;
use std::time::Duration;

use engagement_desk::http::connections::Limits;

use crate::support::server::{TestServer, limits};

#[test]
fn readiness_fails_first_and_running_requests_finish() {
    let mut server = TestServer::with_limits(Limits {
        drain_delay: Duration::from_secs(1),
        ..limits()
    });
    let mut waiting = server.connect();
    waiting.write("GET /t/wait HTTP/1.1\r\nHost: test\r\nAuthorization: Bearer good\r\n\r\n");
    server.turnstile.wait_for_one();
    assert_eq!(server.get("/readyz").status, 200);

    server.ask_to_stop();
    let answer = loop {
        let answer = server.get("/readyz");
        if answer.status != 200 {
            break answer;
        }
    };
    assert_eq!(
        (answer.status, answer.problem().as_str()),
        (503, "NOT_READY")
    );
    assert_eq!(server.get("/livez").status, 200, "still serving");

    while TcpStream::connect(server.address).is_ok() {
        std::thread::yield_now();
    }
    server.turnstile.open();
    assert_eq!(waiting.answer().body, "through");
    server.wait_until_stopped();
}
