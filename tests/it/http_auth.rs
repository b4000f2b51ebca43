//! Who is asking, and what is answered before that is known.

use crate::support::server::TestServer;

#[test]
fn every_cause_of_a_401_looks_the_same() {
    let server = TestServer::start();
    let mut bodies = Vec::new();
    for headers in [
        &[][..],
        &[("Authorization", "Bearer bad")],
        &[("Authorization", "Bearer")],
        &[("Authorization", "Basic Z29vZDpnb29k")],
        &[
            ("Authorization", "Bearer good"),
            ("Authorization", "Bearer good"),
        ],
    ] {
        let headers = [&[("X-Request-Id", "same")], headers].concat();
        let answer = server.send("GET", "/t/orders", &headers, "");
        assert_eq!(
            (answer.status, answer.problem().as_str()),
            (401, "UNAUTHENTICATED")
        );
        assert_eq!(answer.header("www-authenticate").as_deref(), Some("Bearer"));
        bodies.push(answer.body);
    }
    bodies.dedup();
    assert_eq!(bodies.len(), 1, "{bodies:?}");
}

#[test]
fn a_known_caller_reaches_the_handler() {
    let server = TestServer::start();
    let answer = server.post("/t/orders", r#"{"title":"x"}"#);
    assert_eq!(answer.status, 201);
    assert_eq!(answer.header("x-subject").as_deref(), Some("tester"));
}

#[test]
fn a_directory_that_is_down_is_no_401() {
    let answer =
        TestServer::start().send("GET", "/t/orders", &[("Authorization", "Bearer down")], "");
    assert_eq!(
        (answer.status, answer.problem().as_str()),
        (503, "DATABASE_UNAVAILABLE")
    );
}

#[test]
fn unknown_paths_and_methods_come_before_the_question_who_asks() {
    let server = TestServer::start();
    assert_eq!(server.send("POST", "/nowhere", &[], "x").status, 404);
    assert_eq!(server.send("DELETE", "/t/orders", &[], "").status, 405);
}

#[test]
fn the_body_of_an_unknown_caller_is_not_waited_for() {
    let server = TestServer::start();
    let mut connection = server.connect();
    connection.write(
        "POST /t/orders HTTP/1.1\r\nHost: test\r\nContent-Type: text/plain\r\nContent-Length: 100\r\n\r\n{",
    );
    assert_eq!(connection.answer().problem(), "UNAUTHENTICATED");
}

#[test]
fn no_endpoint_for_callers_answers_without_one() {
    let server = TestServer::start();
    let routes = crate::support::endpoints::routes();
    for (method, path, access) in routes.list() {
        if access == engagement_desk::http::routes::Access::Caller {
            let path = path.replace("{id}", "01998a52-8e4b-7c31-9d7e-3b1f0a6c2d44");
            assert_eq!(
                server.send(method.as_str(), &path, &[], "").status,
                401,
                "{method} {path}"
            );
        }
    }
}

#[test]
fn a_panic_while_authenticating_is_an_internal_error() {
    let answer =
        TestServer::start().send("GET", "/t/orders", &[("Authorization", "Bearer bomb")], "");
    assert_eq!(
        (answer.status, answer.problem().as_str()),
        (500, "INTERNAL")
    );
    assert!(!answer.body.contains("secret"));
}
