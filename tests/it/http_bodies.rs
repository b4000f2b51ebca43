//! Bodies: media type, size, time, and all faults at once.

use std::time::Duration;

use engagement_desk::http::connections::Limits;
use serde_json::json;

use crate::support::server::{TestServer, limits};

#[test]
fn a_body_is_read_and_its_bytes_are_kept() {
    let answer = TestServer::start().post("/t/orders", r#"{ "title": "x", "hours": 2.5 }"#);
    assert_eq!(answer.status, 201);
    assert_eq!(
        answer.json(),
        json!({"title": "x", "motion": null, "hours": 2.5})
    );
    assert_eq!(answer.header("x-bytes").as_deref(), Some("30"));
}

#[test]
fn an_unknown_member_is_named_with_its_pointer() {
    let answer = TestServer::start().post("/t/orders", r#"{"title":"x","hors":2.5}"#);
    assert_eq!(
        (answer.status, answer.problem().as_str()),
        (400, "UNKNOWN_FIELD")
    );
    assert_eq!(
        answer.json()["errors"],
        json!([{ "pointer": "/hors", "code": "UNKNOWN_FIELD", "message": "is not known here; did you mean hours?" }])
    );
}

#[test]
fn all_faults_come_at_once_without_words_of_the_inside() {
    let answer = TestServer::start().post("/t/orders", r#"{"title":"","motion":"x","hours":"2"}"#);
    assert_eq!(
        (answer.status, answer.problem().as_str()),
        (422, "VALIDATION_FAILED")
    );
    assert_eq!(
        answer.json()["errors"],
        json!([
            { "pointer": "/hours", "code": "WRONG_TYPE", "message": "must be a number" },
            { "pointer": "/motion", "code": "UNKNOWN_WORD", "message": "must be one of sell_with, build_with" },
            { "pointer": "/title", "code": "LENGTH", "message": "must have 1 to 20 characters" },
        ])
    );
}

#[test]
fn faults_of_the_handler_come_with_those_of_the_parser() {
    let answer = TestServer::start().post("/t/checks", r#"{"title":"odd","hours":"2"}"#);
    assert_eq!(
        (answer.status, answer.problem().as_str()),
        (422, "VALIDATION_FAILED")
    );
    let codes: Vec<_> = answer.json()["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|fault| fault["code"].clone())
        .collect();
    assert_eq!(codes, ["WRONG_TYPE", "UNKNOWN_TITLE"]);
}

#[test]
fn text_that_is_no_json_is_malformed() {
    let server = TestServer::start();
    let bodies: [&[u8]; 6] = [
        b"",
        b"{",
        b"{\"title\":\"\\ud800\"}",
        b"\xff",
        b"{\"title\":1,\"title\":2}",
        b"NaN",
    ];
    for body in bodies {
        let answer = server.post("/t/orders", body);
        let text = String::from_utf8_lossy(body);
        assert_eq!(
            (answer.status, answer.problem().as_str()),
            (400, "MALFORMED_JSON"),
            "{text}"
        );
    }
}

#[test]
fn other_media_types_and_compressed_bodies_are_refused() {
    let server = TestServer::start();
    for headers in [
        &[][..],
        &[("Content-Type", "text/plain")],
        &[("Content-Type", "application/jsonx")],
        &[("Content-Type", "application/merge-patch+json")],
        &[("Content-Type", "application/json; charset=latin1")],
        &[
            ("Content-Type", "application/json"),
            ("Content-Encoding", "gzip"),
        ],
        &[
            ("Content-Type", "application/json"),
            ("Content-Encoding", "identity"),
        ],
    ] {
        let answer = server.send_known("POST", "/t/orders", headers, r#"{"title":"x"}"#);
        let found = (answer.status, answer.problem());
        assert_eq!(found, (415, "UNSUPPORTED_MEDIA_TYPE".into()), "{headers:?}");
    }
    for media in ["application/json", "Application/JSON ; charset=\"UTF-8\""] {
        let headers = [("Content-Type", media)];
        let answer = server.send_known("POST", "/t/orders", &headers, r#"{"title":"x"}"#);
        assert_eq!(answer.status, 201, "{media}");
    }
}

#[test]
fn a_body_that_is_too_large_is_refused_by_what_it_announces_and_by_what_it_is() {
    let server = TestServer::with_limits(Limits {
        json_bytes: 100,
        ..limits()
    });
    let fits = format!("{:<100}", r#"{"title":"x"}"#);
    assert_eq!(server.post("/t/orders", &fits).status, 201);
    let answer = server.post("/t/orders", format!("{fits} "));
    assert_eq!(
        (answer.status, answer.problem().as_str()),
        (413, "BODY_TOO_LARGE")
    );

    let mut connection = server.connect();
    connection.write(format!(
        "POST /t/orders HTTP/1.1\r\nHost: test\r\nAuthorization: Bearer good\r\n\
         Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n65\r\n{}\r\n0\r\n\r\n",
        "x".repeat(0x65)
    ));
    assert_eq!(connection.answer().problem(), "BODY_TOO_LARGE");
}

#[test]
fn the_refusal_of_a_very_large_body_reaches_a_client_that_sends_it_all_first() {
    let server = TestServer::start();
    for size in [65 * 1024, 4 * 1024 * 1024] {
        let answer = server.post("/t/orders", " ".repeat(size));
        assert_eq!(
            (answer.status, answer.problem().as_str()),
            (413, "BODY_TOO_LARGE"),
            "{size}"
        );
    }
}

#[test]
fn a_body_that_stalls_is_given_up() {
    let server = TestServer::with_limits(Limits {
        body: Duration::from_millis(100),
        ..limits()
    });
    let mut connection = server.connect();
    connection.write(
        "POST /t/orders HTTP/1.1\r\nHost: test\r\nAuthorization: Bearer good\r\n\
         Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{",
    );
    let answer = connection.answer();
    assert_eq!((answer.status, answer.problem().as_str()), (408, "TIMEOUT"));
}

#[test]
fn idempotency_keys_are_read_in_both_notations() {
    let server = TestServer::start();
    let create = |key: &str| {
        let headers = [
            ("Content-Type", "application/json"),
            ("Idempotency-Key", key),
        ];
        server.send_known("POST", "/t/orders", &headers, r#"{"title":"x"}"#)
    };
    assert_eq!(create("\"abc\"").header("x-key").as_deref(), Some("abc"));
    assert_eq!(create("abc").header("x-key").as_deref(), Some("abc"));
    let answer = create("a b");
    assert_eq!(
        (answer.status, answer.problem().as_str()),
        (400, "IDEMPOTENCY_KEY_INVALID")
    );
    assert_eq!(answer.json()["errors"][0]["header"], "Idempotency-Key");
}
