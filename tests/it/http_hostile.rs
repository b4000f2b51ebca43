//! What no honest client sends. Each gets a clean refusal, and the service goes on.

use serde_json::json;

use crate::support::app::{Client, TestApp, session_at_pad};
use crate::support::client::{Answer, Connection};

/// Sends a body to the endpoint that reads the most.
fn post(client: &Client, headers: &[(&str, &str)], body: &[u8]) -> Answer {
    client.send("POST", "/v1/requests", headers, body)
}

#[test]
fn hostile_bodies_are_refused_with_a_problem() {
    let app = TestApp::start();
    let pdm = app.pdm("paula@example.com");
    let title = |text: &str| format!("{{\"title\":{text}}}").into_bytes();
    let nested = |depth| [vec![b'['; depth], vec![b']'; depth]].concat();
    let digits = "9".repeat(400);
    let bodies: &[(&str, Vec<u8>, u16, &str)] = &[
        (
            "escaped NUL",
            title(r#""a\u0000b""#),
            422,
            "VALIDATION_FAILED",
        ),
        (
            "NUL in a name",
            br#"{"a\u0000":1}"#.to_vec(),
            400,
            "UNKNOWN_FIELD",
        ),
        (
            "raw NUL",
            b"{\"title\":\"\0\"}".to_vec(),
            400,
            "MALFORMED_JSON",
        ),
        (
            "lone surrogate",
            title(r#""\ud800""#),
            400,
            "MALFORMED_JSON",
        ),
        (
            "reversed surrogates",
            title(r#""\udc00\ud800""#),
            400,
            "MALFORMED_JSON",
        ),
        (
            "1e999",
            br#"{"estimated_hours":1e999}"#.to_vec(),
            400,
            "MALFORMED_JSON",
        ),
        (
            "a number of 400 digits",
            format!("{{\"estimated_hours\":{digits}}}").into_bytes(),
            400,
            "MALFORMED_JSON",
        ),
        (
            "NaN",
            br#"{"estimated_hours":NaN}"#.to_vec(),
            400,
            "MALFORMED_JSON",
        ),
        ("30,000 levels", nested(30_000), 400, "MALFORMED_JSON"),
        ("100,000 levels", nested(100_000), 413, "BODY_TOO_LARGE"),
        (
            "levels that never end",
            br#"{"a":"#.repeat(10_000),
            400,
            "MALFORMED_JSON",
        ),
        (
            "a member twice",
            br#"{"title":"a","title":"b"}"#.to_vec(),
            400,
            "MALFORMED_JSON",
        ),
        (
            "a member twice, once escaped",
            br#"{"title":"a","\u0074itle":"b"}"#.to_vec(),
            400,
            "MALFORMED_JSON",
        ),
        (
            "bad UTF-8",
            b"{\"title\":\"\xc3x\"}".to_vec(),
            400,
            "MALFORMED_JSON",
        ),
        (
            "overlong UTF-8",
            b"{\"title\":\"\xc0\xaf\"}".to_vec(),
            400,
            "MALFORMED_JSON",
        ),
        (
            "a byte order mark",
            b"\xef\xbb\xbf{}".to_vec(),
            400,
            "MALFORMED_JSON",
        ),
        ("UTF-16", b"\xff\xfe{\0}\0".to_vec(), 400, "MALFORMED_JSON"),
        ("nothing", Vec::new(), 400, "MALFORMED_JSON"),
        ("65 KiB", vec![b' '; 65 * 1024], 413, "BODY_TOO_LARGE"),
        ("two values", b"{} {}".to_vec(), 400, "MALFORMED_JSON"),
        ("a comment", b"{/**/}".to_vec(), 400, "MALFORMED_JSON"),
        ("an array", b"[]".to_vec(), 422, "VALIDATION_FAILED"),
        ("null", b"null".to_vec(), 422, "VALIDATION_FAILED"),
        (
            "60 KiB of members",
            {
                let members: Vec<String> = (0..5_000).map(|n| format!("\"a{n}\":0")).collect();
                format!("{{{}}}", members.join(",")).into_bytes()
            },
            400,
            "UNKNOWN_FIELD",
        ),
        (
            "a prototype",
            br#"{"__proto__":{"role":"admin"}}"#.to_vec(),
            400,
            "UNKNOWN_FIELD",
        ),
    ];
    for (name, body, status, code) in bodies {
        let answer = post(&pdm, &[("Content-Type", "application/json")], body);
        let found = (answer.status, answer.problem());
        assert_eq!(
            found,
            (*status, (*code).to_owned()),
            "{name}: {}",
            answer.body
        );
        assert!(answer.body.len() < 64 * 1024, "{name}: a refusal is short");
    }
    assert_eq!(pdm.post("/v1/requests", &session_at_pad()).status, 201);
}

#[test]
fn hostile_media_types_and_encodings_are_refused_with_a_problem() {
    let app = TestApp::start();
    let pdm = app.pdm("paula@example.com");
    let json = ("Content-Type", "application/json");
    for headers in [
        &[][..],
        &[("Content-Type", "")],
        &[("Content-Type", "application/x-www-form-urlencoded")],
        &[("Content-Type", "multipart/form-data; boundary=x")],
        &[("Content-Type", "application/json, text/plain")],
        &[("Content-Type", "application/json; charset=utf-16")],
        &[("Content-Type", "\u{fc}")],
        &[json, ("Content-Encoding", "gzip")],
        &[json, ("Content-Encoding", "")],
    ] {
        let answer = post(&pdm, headers, b"{}");
        let found = (answer.status, answer.problem());
        assert_eq!(
            found,
            (415, "UNSUPPORTED_MEDIA_TYPE".to_owned()),
            "{headers:?}"
        );
    }
}

#[test]
fn hostile_addresses_are_refused_with_a_problem() {
    let app = TestApp::start();
    let pdm = app.pdm("paula@example.com");
    let long = format!("/v1/requests/{}", "x".repeat(9_000));
    for (path, status, code) in [
        ("/v1/requests/%00", 404, "NOT_FOUND"),
        ("/v1/requests/PAD-2026-000001%00", 404, "NOT_FOUND"),
        ("/v1/requests/%ff%fe", 404, "NOT_FOUND"),
        ("/v1/requests/%", 404, "NOT_FOUND"),
        ("/v1/requests/%zz", 404, "NOT_FOUND"),
        ("/v1/requests/..", 404, "NOT_FOUND"),
        ("/v1/requests/%2e%2e%2fapi-keys", 404, "NOT_FOUND"),
        ("/../../etc/passwd", 404, "NOT_FOUND"),
        ("/docs/assets/../../Cargo.toml", 404, "NOT_FOUND"),
        ("/docs/assets/..%2f..%2fCargo.toml", 404, "NOT_FOUND"),
        ("/docs/assets/%2fetc%2fpasswd", 404, "NOT_FOUND"),
        ("/V1/requests", 404, "NOT_FOUND"),
        ("/v1/requests;a=b", 404, "NOT_FOUND"),
        ("/v1/requests?q=%00", 400, "INVALID_PARAMETER"),
        ("/v1/requests?q=%ff", 400, "INVALID_PARAMETER"),
        ("/v1/requests?%00=1", 400, "INVALID_PARAMETER"),
        ("/v1/requests?limit=1&limit=2", 400, "INVALID_PARAMETER"),
        ("/v1/requests?a[b]=1", 400, "UNKNOWN_PARAMETER"),
        (
            "/v1/requests?cursor=%0d%0aX-Evil:%201",
            400,
            "CURSOR_INVALID",
        ),
        (long.as_str(), 414, "URI_TOO_LONG"),
    ] {
        let answer = pdm.get(path);
        let found = (answer.status, answer.problem());
        assert_eq!(found, (status, code.to_owned()), "{path}");
        assert_eq!(answer.header("x-evil"), None, "{path}");
    }
}

#[test]
fn text_that_looks_like_sql_is_only_text() {
    let app = TestApp::start();
    let pdm = app.pdm("paula@example.com");
    let evil = "'; drop table requests; --";
    let mut body = session_at_pad();
    body["title"] = json!(evil);
    body["external_reference"] = json!("' or '1'='1");
    assert_eq!(pdm.create(&body)["title"], evil);
    let found = pdm.get("/v1/requests?desk=%27%20or%20%271%27=%271").json();
    assert_eq!(found["items"], json!([]));
}

#[test]
fn header_values_that_would_add_headers_add_none() {
    let app = TestApp::start();
    let pdm = app.pdm("paula@example.com");
    for (name, value) in [
        ("X-Request-Id", "a%0d%0aX-Evil: 1"),
        ("X-Request-Id", "a\u{a}X-Evil: 1"),
        ("Idempotency-Key", "\"a\\r\\nX-Evil: 1\""),
        ("If-None-Match", "\"a\\r\\nX-Evil: 1\""),
        ("Prefer", "wait=1\\r\\nX-Evil: 1"),
    ] {
        let answer = pdm.send("GET", "/v1/me", &[(name, value)], "");
        assert_eq!(answer.header("x-evil"), None, "{name}: {value}");
        assert_ne!(answer.header("x-request-id").as_deref(), Some(value));
        assert!(answer.status < 500, "{name}: {value}");
    }
}

/// What is not proper HTTP is answered by the parser, which knows no problems.
#[test]
fn what_is_not_http_is_refused_without_reaching_the_service() {
    let app = TestApp::start();
    let many: String = (0..200).map(|n| format!("X-{n}: 1\r\n")).collect();
    let large = format!("X-Large: {}\r\n", "x".repeat(200_000));
    for (name, head, statuses) in [
        ("200 headers", format!("GET /livez HTTP/1.1\r\nHost: t\r\n{many}\r\n"), &[431][..]),
        ("a header of 200 kB", format!("GET /livez HTTP/1.1\r\nHost: t\r\n{large}\r\n"), &[400, 431]),
        ("no HTTP at all", "hello\r\n\r\n".into(), &[400]),
        ("a NUL in a header", "GET /livez HTTP/1.1\r\nHost: t\r\nX: a\0b\r\n\r\n".into(), &[400]),
        ("a folded header", "GET /livez HTTP/1.1\r\nHost: t\r\nX: a\r\n b\r\n\r\n".into(), &[400]),
        (
            "two lengths",
            "POST /v1/me HTTP/1.1\r\nHost: t\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab".into(),
            &[400],
        ),
        (
            "length and chunks",
            "POST /v1/me HTTP/1.1\r\nHost: t\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n".into(),
            &[400],
        ),
        (
            "a length below zero",
            "POST /v1/me HTTP/1.1\r\nHost: t\r\nContent-Length: -1\r\n\r\n".into(),
            &[400],
        ),
        ("an address of 100 kB", format!("GET /{} HTTP/1.1\r\nHost: t\r\n\r\n", "x".repeat(100_000)), &[400, 414]),
    ] {
        let mut connection = Connection::open(app.address);
        connection.write(&head);
        let answer = connection.answer();
        assert!(statuses.contains(&answer.status), "{name}: {answer:?}");
        if !answer.body.is_empty() {
            answer.problem();
        }
    }
    assert_eq!(app.pdm("paula@example.com").get("/v1/me").status, 200);
}
