//! What every answer has, and what happens when a handler fails.

use crate::support::server::TestServer;

#[test]
fn every_answer_carries_a_request_id() {
    let server = TestServer::start();
    for path in ["/livez", "/nowhere", "/t/orders", "/docs", "/openapi.json"] {
        let made = server.get(path).header("x-request-id").unwrap();
        assert_eq!(
            made.parse::<uuid::Uuid>().unwrap().get_version_num(),
            7,
            "{path}"
        );
        let given = server.send("GET", path, &[("X-Request-Id", "mine-1.2_3")], "");
        assert_eq!(
            given.header("x-request-id").as_deref(),
            Some("mine-1.2_3"),
            "{path}"
        );
        let odd = server.send("GET", path, &[("X-Request-Id", "not mine")], "");
        assert_ne!(
            odd.header("x-request-id").as_deref(),
            Some("not mine"),
            "{path}"
        );
    }
}

#[test]
fn answers_are_guarded_by_headers() {
    let server = TestServer::start();
    for path in ["/livez", "/nowhere", "/t/orders"] {
        let answer = server.get(path);
        assert_eq!(
            answer.header("x-content-type-options").as_deref(),
            Some("nosniff"),
            "{path}"
        );
        assert_eq!(
            answer.header("cache-control").as_deref(),
            Some("no-store"),
            "{path}"
        );
        let policy = answer.header("content-security-policy").unwrap();
        assert!(policy.starts_with("default-src 'none'"), "{path}");
    }
}

#[test]
fn a_handler_keeps_its_own_cache_control() {
    let path = "/t/orders/01998a52-8e4b-7c31-9d7e-3b1f0a6c2d44";
    let answer = TestServer::start().send_known("GET", path, &[], "");
    assert_eq!(
        answer.header("cache-control").as_deref(),
        Some("private, no-cache")
    );
}

#[test]
fn a_panic_is_an_internal_error_and_the_server_goes_on() {
    let server = TestServer::start();
    for _ in 0..3 {
        let answer = server.send_known("GET", "/t/panics", &[], "");
        assert_eq!(
            (answer.status, answer.problem().as_str()),
            (500, "INTERNAL")
        );
        assert!(!answer.body.contains("secret"));
    }
    assert_eq!(server.get("/livez").status, 200);
}

#[test]
fn a_handler_that_takes_too_long_is_given_up() {
    let server = TestServer::start();
    let read = server.send_known("GET", "/t/slow", &[], "");
    assert_eq!((read.status, read.problem().as_str()), (503, "OVERLOADED"));
    let write = server.send_known("POST", "/t/slow", &[], "");
    assert_eq!(
        (write.status, write.problem().as_str()),
        (503, "COMMIT_OUTCOME_UNKNOWN")
    );
    assert_eq!(write.header("retry-after").as_deref(), Some("1"));
}

#[test]
fn an_error_of_the_framework_leaves_as_a_problem() {
    let answer = TestServer::start().get("/t/foreign");
    assert_eq!(
        (answer.status, answer.problem().as_str()),
        (500, "INTERNAL")
    );
    assert!(!answer.body.contains("secret"));
}

#[test]
fn health_answers_for_itself_and_for_what_it_needs() {
    let server = TestServer::start();
    for path in ["/livez", "/readyz"] {
        let answer = server.get(path);
        assert_eq!(
            (answer.status, answer.body.as_str()),
            (200, r#"{"status":"ok"}"#),
            "{path}"
        );
    }
    let server = TestServer::not_ready();
    assert_eq!(server.get("/livez").status, 200);
    let answer = server.get("/readyz");
    assert_eq!(
        (answer.status, answer.problem().as_str()),
        (503, "DATABASE_UNAVAILABLE")
    );
    assert!(answer.header("retry-after").is_some());
}
