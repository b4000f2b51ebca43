//! Paths and methods: 404, 405, HEAD and OPTIONS.

use crate::support::server::TestServer;

const ID: &str = "01998a52-8e4b-7c31-9d7e-3b1f0a6c2d44";

#[test]
fn an_unknown_path_is_a_problem() {
    let server = TestServer::start();
    for path in [
        "/",
        "/nowhere",
        "/t/orders/",
        "//t/orders",
        "/t/orders/a/b",
        "/docs/errors/nothing",
    ] {
        let answer = server.get(path);
        assert_eq!(
            (answer.status, answer.problem().as_str()),
            (404, "NOT_FOUND"),
            "{path}"
        );
    }
}

#[test]
fn a_wrong_method_is_told_the_allowed_ones() {
    let server = TestServer::start();
    for (method, path, allowed) in [
        ("DELETE", "/t/orders", "POST, GET, HEAD, OPTIONS"),
        ("TRACE", "/t/orders", "POST, GET, HEAD, OPTIONS"),
        ("BREW", "/t/orders", "POST, GET, HEAD, OPTIONS"),
        ("POST", "/t/orders/export", "GET, HEAD, OPTIONS"),
        ("GET", "/t/checks", "POST, OPTIONS"),
        ("HEAD", "/t/checks", "POST, OPTIONS"),
        ("POST", "/livez", "GET, HEAD, OPTIONS"),
        ("POST", "/docs", "GET, HEAD, OPTIONS"),
        ("PUT", "/docs/assets/start.js", "GET, HEAD, OPTIONS"),
        ("DELETE", "/openapi.json", "GET, HEAD, OPTIONS"),
    ] {
        let answer = server.send(method, path, &[], "");
        assert_eq!(answer.status, 405, "{method} {path}");
        assert_eq!(
            answer.header("allow").as_deref(),
            Some(allowed),
            "{method} {path}"
        );
        if method != "HEAD" {
            assert_eq!(answer.problem(), "METHOD_NOT_ALLOWED");
        }
    }
}

#[test]
fn options_lists_the_methods() {
    let answer = TestServer::start().send("OPTIONS", "/t/orders", &[], "");
    assert_eq!(answer.status, 204);
    assert_eq!(
        answer.header("allow").as_deref(),
        Some("POST, GET, HEAD, OPTIONS")
    );
}

#[test]
fn head_answers_as_get_does_without_a_body() {
    let server = TestServer::start();
    for path in [
        format!("/t/orders/{ID}"),
        "/livez".into(),
        "/docs".into(),
        "/openapi.json".into(),
    ] {
        let mut connection = server.connect();
        let get = server.send_known("GET", &path, &[], "");
        connection.write(format!(
            "HEAD {path} HTTP/1.1\r\nHost: test\r\nAuthorization: Bearer good\r\nConnection: close\r\n\r\n"
        ));
        let head = connection.answer_without_body();
        assert_eq!(connection.rest(), b"", "{path}");
        assert_eq!((head.status, get.status), (200, 200), "{path}");
        for name in ["content-type", "content-length", "etag", "cache-control"] {
            assert_eq!(head.header(name), get.header(name), "{name} of {path}");
        }
    }
}

#[test]
fn a_literal_path_wins_over_a_variable_one() {
    let answer = TestServer::start().send_known("GET", "/t/orders/export", &[], "");
    assert_eq!(answer.body, "export");
}

#[test]
fn a_malformed_id_is_as_unknown_as_an_absent_one() {
    let server = TestServer::start();
    for id in [
        "7",
        "%00",
        "%ff",
        "a%2Fb",
        "01998a52-8e4b-7c31-9d7e-3b1f0a6c2d44%00",
    ] {
        let answer = server.send_known("GET", &format!("/t/orders/{id}"), &[], "");
        assert_eq!(
            (answer.status, answer.problem().as_str()),
            (404, "NOT_FOUND"),
            "{id}"
        );
    }
}

#[test]
fn an_unknown_query_parameter_is_refused_even_where_none_is_read() {
    let server = TestServer::start();
    let answer = server.send_known("GET", &format!("/t/orders/{ID}?expand=all"), &[], "");
    assert_eq!(
        (answer.status, answer.problem().as_str()),
        (400, "UNKNOWN_PARAMETER")
    );
    assert_eq!(answer.json()["errors"][0]["parameter"], "expand");

    let answer = server.send_known("GET", "/t/orders?limt=3", &[], "");
    assert_eq!(
        (answer.status, answer.problem().as_str()),
        (400, "UNKNOWN_PARAMETER")
    );
    assert_eq!(answer.json()["errors"][0]["parameter"], "limt");
}

#[test]
fn query_parameters_reach_the_handler() {
    let server = TestServer::start();
    let answer = server.send_known(
        "GET",
        "/t/orders?motion=sell_with&limit=7&motion=build_with",
        &[],
        "",
    );
    assert_eq!(
        answer.body,
        r#"{"motion":["sell_with","build_with"],"limit":7}"#
    );
    let answer = server.send_known("GET", "/t/orders?limit=201", &[], "");
    assert_eq!(
        (answer.status, answer.problem().as_str()),
        (422, "VALIDATION_FAILED")
    );
}

#[test]
fn an_address_that_is_too_long_is_refused() {
    let server = TestServer::start();
    let at_most = format!(
        "/t/orders?q={}",
        "x".repeat(8 * 1024 - "/t/orders?q=".len())
    );
    assert_eq!(server.send_known("GET", &at_most, &[], "").status, 400);
    let answer = server.send_known("GET", &format!("{at_most}x"), &[], "");
    assert_eq!(
        (answer.status, answer.problem().as_str()),
        (414, "URI_TOO_LONG")
    );
}

#[test]
fn if_none_match_gives_304_and_if_match_guards_a_change() {
    let server = TestServer::start();
    let path = format!("/t/orders/{ID}");
    let fresh = server.send_known("GET", &path, &[("If-None-Match", "W/\"7-full\"")], "");
    assert_eq!(
        (fresh.status, fresh.header("etag").as_deref()),
        (304, Some("\"7-full\""))
    );

    let patch = |headers: &[(&str, &str)]| {
        let media = [("Content-Type", "application/merge-patch+json")];
        server.send_known(
            "PATCH",
            &path,
            &[&media, headers].concat(),
            r#"{"title":"x"}"#,
        )
    };
    assert_eq!(patch(&[("If-Match", "\"7-full\"")]).status, 200);
    assert_eq!(patch(&[]).problem(), "PRECONDITION_REQUIRED");
    assert_eq!(
        patch(&[("If-Match", "7-full")]).problem(),
        "IF_MATCH_MALFORMED"
    );
    let stale = patch(&[("If-Match", "\"6-full\"")]);
    assert_eq!(
        (stale.status, stale.problem().as_str()),
        (412, "PRECONDITION_FAILED")
    );
    assert_eq!(stale.json()["current_etag"], "\"7-full\"");
    assert_eq!(stale.json()["current"], ID);
    assert_eq!(stale.header("etag").as_deref(), Some("\"7-full\""));
}

#[test]
fn checks_come_in_one_order() {
    let server = TestServer::start();
    let long = "x".repeat(9_000);
    let big = "[".repeat(70_000);
    let good = ("Authorization", "Bearer good");
    let text = ("Content-Type", "text/plain");
    let json = ("Content-Type", "application/json");
    let send = |method: &str, path: &str, headers: &[(&str, &str)], body: &str| {
        let answer = server.send(method, path, headers, body);
        (answer.status, answer.problem())
    };
    // Each line mends the fault of the line before it, and has all that are below.
    let query = format!("?{long}=1");
    assert_eq!(
        send("PUT", &format!("/t/order{query}"), &[text], &big).0,
        404
    );
    assert_eq!(
        send("PUT", &format!("/t/orders{query}"), &[text], &big).0,
        405
    );
    assert_eq!(
        send("POST", &format!("/t/orders{query}"), &[text], &big).0,
        401
    );
    assert_eq!(
        send("POST", &format!("/t/orders{query}"), &[good, text], &big).0,
        414
    );
    assert_eq!(send("POST", "/t/orders?x=1", &[good, text], &big).0, 400);
    assert_eq!(send("POST", "/t/orders", &[good, text], &big).0, 415);
    assert_eq!(send("POST", "/t/orders", &[good, json], &big).0, 413);
    assert_eq!(
        send("POST", "/t/orders", &[good, json], "{").1,
        "MALFORMED_JSON"
    );
    assert_eq!(
        send("POST", "/t/orders", &[good, json], r#"{"x":1}"#).1,
        "UNKNOWN_FIELD"
    );
    assert_eq!(
        send("POST", "/t/orders", &[good, json], "{}").1,
        "VALIDATION_FAILED"
    );
}
