//! What one caller may use.

use std::time::{Duration, Instant};

use engagement_desk::http::connections::Limits;
use engagement_desk::http::openapi;
use engagement_desk::http::quotas::{QuotaLimits, Rate};

use crate::support::app::{TestApp, session_at_pad};
use crate::support::client::{Answer, send};
use crate::support::server::{TestServer, limits};

const ORDER: &str = "/t/orders/01998a52-8e4b-7c31-9d7e-3b1f0a6c2d44";

fn with(quotas: QuotaLimits) -> Limits {
    Limits { quotas, ..limits() }
}

fn rate(text: &str) -> Option<Rate> {
    Some(text.parse().unwrap())
}

fn requests(text: &str) -> Limits {
    with(QuotaLimits {
        requests: rate(text),
        ..QuotaLimits::OFF
    })
}

fn left(answer: &Answer) -> String {
    answer.header("ratelimit").unwrap()
}

#[test]
fn every_answer_to_a_known_caller_tells_the_quotas_and_no_other_does() {
    let server = TestServer::with_limits(with(QuotaLimits::default()));
    for (number, (method, path, status)) in [
        ("GET", "/t/orders", 200),
        ("GET", "/t/orders?limt=1", 400),
        ("GET", "/t/orders/7", 404),
        ("GET", "/t/panics", 500),
        ("GET", "/t/slow", 503),
    ]
    .into_iter()
    .enumerate()
    {
        let answer = server.send_known(method, path, &[], "");
        assert_eq!(answer.status, status, "{path}");
        assert_eq!(
            answer.header("ratelimit-policy").as_deref(),
            Some(
                "\"default\";q=600;w=60, \"write\";q=120;w=60, \
                 \"concurrent\";q=20;qu=\"concurrent-requests\""
            ),
            "{path}"
        );
        let left = left(&answer);
        let (default, concurrent) = left.split_once(", ").unwrap();
        let (name, rest) = default.split_once(";r=").unwrap();
        let (units, seconds) = rest.split_once(";t=").unwrap();
        // A token grows every tenth of a second, so a few may have come back.
        let units: usize = units.parse().unwrap();
        assert!(
            (599 - number..600).contains(&units) && name == "\"default\"",
            "{path}: {left}"
        );
        let full = if units == 600 { "0" } else { "1" };
        assert_eq!((seconds, concurrent), (full, "\"concurrent\";r=19"));
    }
    let write = server.post("/t/orders", r#"{"title":"x"}"#);
    assert!(left(&write).contains("\"write\";r=119;t=1"), "{write:?}");

    for (path, status) in [("/t/orders", 401), ("/livez", 200), ("/nowhere", 404)] {
        let answer = server.get(path);
        assert_eq!(
            (
                answer.status,
                answer.header("ratelimit"),
                answer.header("ratelimit-policy")
            ),
            (status, None, None)
        );
    }
}

#[test]
fn a_used_up_quota_is_refused_until_it_has_grown_again() {
    let server = TestServer::with_limits(requests("2/2s"));
    let ask = || server.send_known("GET", "/t/orders", &[], "");
    let refused = (0..100).map(|_| ask()).find(|answer| answer.status != 200);
    let refused = refused.expect("a hundred requests in two seconds are too many");
    assert_eq!(
        (refused.status, refused.problem().as_str()),
        (429, "RATE_LIMITED")
    );
    assert_eq!(
        refused.json()["violated-policies"],
        serde_json::json!(["default"])
    );
    assert_eq!(refused.json()["retryable"], true);
    assert_eq!(left(&refused), "\"default\";r=0;t=1");
    let wait: u64 = refused.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=2).contains(&wait), "{wait}");

    let deadline = Instant::now() + Duration::from_secs(20);
    while ask().status != 200 {
        assert!(Instant::now() < deadline, "it never grew");
    }
}

#[test]
fn an_answer_that_gives_nothing_new_is_free() {
    let server = TestServer::with_limits(requests("2/24h"));
    let poll = || server.send_known("GET", ORDER, &[("If-None-Match", "\"7-full\"")], "");
    for _ in 0..5 {
        let answer = poll();
        assert_eq!(
            (answer.status, left(&answer)),
            (304, "\"default\";r=2;t=0".into())
        );
    }
    assert_eq!(server.send_known("GET", ORDER, &[], "").status, 200);
    let answer = poll();
    assert_eq!(answer.status, 304);
    assert!(left(&answer).starts_with("\"default\";r=1;"), "{answer:?}");
}

#[test]
fn quotas_come_after_the_question_who_asks_and_before_everything_else() {
    let server = TestServer::with_limits(requests("1/24h"));
    assert_eq!(server.send_known("GET", "/t/orders", &[], "").status, 200);
    assert_eq!(server.get("/nowhere").status, 404);
    assert_eq!(
        server.send_known("DELETE", "/t/orders", &[], "").status,
        405
    );
    assert_eq!(server.get("/t/orders").status, 401);
    let long = format!("/t/orders?{}=1", "x".repeat(9_000));
    for path in [long.as_str(), "/t/orders?x=1", "/t/orders/7"] {
        assert_eq!(
            server.send_known("GET", path, &[], "").status,
            429,
            "{path}"
        );
    }
    assert_eq!(server.get("/livez").status, 200);
}

#[test]
fn a_caller_has_so_many_requests_at_once() {
    let server = TestServer::with_limits(with(QuotaLimits {
        concurrent: Some(1),
        ..QuotaLimits::OFF
    }));
    let mut waiting = server.connect();
    waiting.write("GET /t/wait HTTP/1.1\r\nHost: test\r\nAuthorization: Bearer good\r\n\r\n");
    server.turnstile.wait_for_one();
    let refused = server.send_known("GET", "/t/orders", &[], "");
    assert_eq!(
        (refused.status, refused.problem().as_str()),
        (429, "RATE_LIMITED")
    );
    assert_eq!(
        refused.json()["violated-policies"],
        serde_json::json!(["concurrent"])
    );
    assert_eq!(left(&refused), "\"concurrent\";r=0");
    assert_eq!(refused.header("retry-after").as_deref(), Some("1"));
    server.turnstile.open();
    assert_eq!(waiting.answer().body, "through");
    assert_eq!(server.send_known("GET", "/t/orders", &[], "").status, 200);
}

#[test]
fn a_place_of_a_client_that_went_away_is_free_again() {
    let server = TestServer::with_limits(with(QuotaLimits {
        concurrent: Some(1),
        ..QuotaLimits::OFF
    }));
    let mut waiting = server.connect();
    waiting.write("GET /t/wait HTTP/1.1\r\nHost: test\r\nAuthorization: Bearer good\r\n\r\n");
    server.turnstile.wait_for_one();
    waiting.reset();
    let deadline = Instant::now() + Duration::from_secs(20);
    while server.send_known("GET", "/t/orders", &[], "").status != 200 {
        assert!(Instant::now() < deadline, "the place is still taken");
    }
}

#[test]
fn guessing_tokens_is_slowed() {
    let server = TestServer::with_limits(with(QuotaLimits {
        failed_authentications: rate("3/24h"),
        ..QuotaLimits::OFF
    }));
    let guess = || server.send("GET", "/t/orders", &[("Authorization", "Bearer bad")], "");
    for _ in 0..10 {
        assert_eq!(server.send_known("GET", "/t/orders", &[], "").status, 200);
        assert_eq!(server.get("/t/orders").status, 401, "no token is no guess");
    }
    for _ in 0..3 {
        assert_eq!(guess().status, 401);
    }
    let refused = guess();
    assert_eq!(
        (refused.status, refused.problem().as_str()),
        (429, "RATE_LIMITED")
    );
    assert_eq!(
        refused.json()["violated-policies"],
        serde_json::json!(["failed-authentications"])
    );
    let wait: u64 = refused.header("retry-after").unwrap().parse().unwrap();
    assert!((28_000..=34_560).contains(&wait), "{wait}");
    // Whether a guess was right is not told either.
    assert_eq!(server.send_known("GET", "/t/orders", &[], "").status, 429);
    assert_eq!(server.get("/livez").status, 200);
}

#[test]
fn behind_a_proxy_each_client_guesses_for_itself() {
    let app = TestApp::behind(
        "127.0.0.1",
        with(QuotaLimits {
            failed_authentications: rate("1/24h"),
            ..QuotaLimits::OFF
        }),
    );
    let guess = |client: &str| {
        let headers = [("Authorization", "Bearer bad"), ("X-Forwarded-For", client)];
        send(app.address, "GET", "/v1/me", &headers, "").status
    };
    assert_eq!(guess("203.0.113.7"), 401);
    assert_eq!(guess("203.0.113.7"), 429);
    // What the client writes before its own address makes it nobody else.
    assert_eq!(guess("198.51.100.1, 203.0.113.7"), 429);
    assert_eq!(guess("203.0.113.8"), 401);
}

#[test]
fn writes_have_a_quota_of_their_own_which_dry_runs_do_not_touch() {
    let app = TestApp::with_limits(with(QuotaLimits {
        requests: rate("100/24h"),
        writes: rate("1/24h"),
        ..QuotaLimits::OFF
    }));
    let (pdm, other) = (app.pdm("paula@example.com"), app.pdm("peter@example.com"));
    for _ in 0..3 {
        assert_eq!(
            pdm.post("/v1/eligibility-checks", &session_at_pad()).status,
            200
        );
    }
    assert_eq!(pdm.post("/v1/requests", &session_at_pad()).status, 201);
    let refused = pdm.post("/v1/requests", &session_at_pad());
    assert_eq!(
        (refused.status, refused.problem().as_str()),
        (429, "RATE_LIMITED")
    );
    assert_eq!(
        refused.json()["violated-policies"],
        serde_json::json!(["write"])
    );
    // What was refused took nothing: three checks, one write, this read.
    assert!(left(&pdm.get("/v1/me")).starts_with("\"default\";r=95;"));
    assert_eq!(other.post("/v1/requests", &session_at_pad()).status, 201);
}

#[test]
fn two_keys_of_one_person_share_its_quota() {
    let app = TestApp::with_limits(requests("2/24h"));
    let [one, two] = [app.pdm("paula@example.com"), app.pdm("Paula@example.com")];
    assert_eq!(one.get("/v1/me").status, 200);
    assert_eq!(two.get("/v1/me").status, 200);
    assert_eq!(
        (one.get("/v1/me").status, two.get("/v1/me").status),
        (429, 429)
    );
}

#[test]
fn the_document_has_the_refusal_and_the_headers_on_every_operation_with_a_caller() {
    let document = serde_json::to_value(openapi::document()).unwrap();
    let mut seen = 0;
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let has_caller = operation["security"] != serde_json::json!([]);
            seen += usize::from(has_caller);
            let responses = operation["responses"].as_object().unwrap();
            assert_eq!(responses.contains_key("429"), has_caller, "{method} {path}");
            for (status, response) in responses {
                for name in ["RateLimit-Policy", "RateLimit"] {
                    let told = response["headers"][name]["$ref"].is_string();
                    assert_eq!(
                        told,
                        has_caller && status != "401",
                        "{method} {path} {status}"
                    );
                }
            }
        }
    }
    assert!(seen > 5);
}
