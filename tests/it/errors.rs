//! Every error code, provoked on the running service.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use engagement_desk::http::codes::{Code, Retry};
use engagement_desk::http::connections::Limits;
use engagement_desk::http::quotas::{QuotaLimits, Rate};
use serde_json::{Value, json};

use crate::support::app::{Client, TestApp, consultation_at_tpd, session_at_pad};
use crate::support::client::{Answer, Connection, send};
use crate::support::db::TestDb;
use crate::support::issuer::{Issuer, Signer};
use crate::support::server::limits;

/// What is sent to whom so that the service answers with the code.
struct Provocation {
    code: Code,
    /// Gets a service that it may use but must leave whole.
    provoke: fn(&TestApp) -> Answer,
}

const fn row(code: Code, provoke: fn(&TestApp) -> Answer) -> Provocation {
    Provocation { code, provoke }
}

const PROVOCATIONS: &[Provocation] = &[
    row(Code::MalformedJson, |app| {
        post_bytes(app, b"{\"title\": \"x\", \"title\": ")
    }),
    row(Code::UnknownField, |app| {
        post(app, &json!({ "estimated_hour": 3 }))
    }),
    row(Code::UnknownParameter, |app| {
        get(app, "/v1/requests?lmit=3")
    }),
    row(Code::InvalidParameter, |app| {
        get(app, "/v1/requests?limit=many")
    }),
    row(Code::CursorInvalid, |app| {
        get(app, "/v1/requests?cursor=AAAA")
    }),
    row(Code::CursorFilterMismatch, |app| {
        let pdm = app.pdm("paula@example.com");
        pdm.create(&session_at_pad());
        pdm.create(&session_at_pad());
        let page = pdm.get("/v1/requests?limit=1").json();
        let cursor = page["next_cursor"].as_str().unwrap();
        pdm.get(&format!("/v1/requests?limit=1&desk=pad&cursor={cursor}"))
    }),
    row(Code::IfMatchMalformed, |app| revise(app, "1-full")),
    row(Code::IdempotencyKeyInvalid, |app| {
        let key = [("Idempotency-Key", "a b")];
        let pdm = app.pdm("paula@example.com");
        pdm.post_with("/v1/requests", &key, &session_at_pad())
    }),
    row(Code::Unauthenticated, |app| {
        send(app.address, "GET", "/v1/me", &[], "")
    }),
    row(Code::ActionForbidden, |app| {
        app.viewer().post("/v1/requests", &session_at_pad())
    }),
    row(Code::NotFound, |app| {
        get(app, "/v1/requests/PAD-2020-000001")
    }),
    row(Code::MethodNotAllowed, |app| {
        app.pdm("paula@example.com").delete("/v1/me")
    }),
    row(Code::Timeout, |_| {
        let app = TestApp::with_limits(Limits {
            body: Duration::from_millis(100),
            ..limits()
        });
        let pdm = app.pdm("paula@example.com");
        let mut connection = Connection::open(app.address);
        connection.write(pdm.head("POST", "/v1/requests", 100, "") + "{");
        connection.answer()
    }),
    row(Code::TransitionNotAllowed, |app| {
        let request = app.pdm("paula@example.com").create(&session_at_pad());
        app.member("pad")
            .step(&request, &json!({ "to": "completed" }))
    }),
    row(Code::IdempotencyInProgress, |app| {
        let pdm = app.pdm("paula@example.com");
        let session = app.db.session();
        session.hold_writes();
        let mut first = pdm.begin_post(
            "/v1/requests",
            "Idempotency-Key: one\r\n",
            &session_at_pad(),
        );
        app.db.wait_for_waiting(1);
        let key = [("Idempotency-Key", "one")];
        let second = pdm.post_with("/v1/requests", &key, &session_at_pad());
        session.run("rollback");
        assert_eq!(first.answer().status, 201);
        second
    }),
    row(Code::PreconditionFailed, |app| revise(app, "\"7-full\"")),
    row(Code::BodyTooLarge, |app| {
        post_bytes(app, &[b' '; 65 * 1024])
    }),
    row(Code::UriTooLong, |app| {
        get(app, &format!("/v1/requests?q={}", "x".repeat(9_000)))
    }),
    row(Code::UnsupportedMediaType, |app| {
        let pdm = app.pdm("paula@example.com");
        pdm.send(
            "POST",
            "/v1/requests",
            &[("Content-Type", "text/xml")],
            "<a/>",
        )
    }),
    row(Code::ValidationFailed, |app| {
        post(app, &json!({ "estimated_hours": -3 }))
    }),
    row(Code::Ineligible, |app| {
        post(app, &consultation_at_tpd(25.0))
    }),
    row(Code::IdempotencyKeyReused, |app| {
        let pdm = app.pdm("paula@example.com");
        let key = [("Idempotency-Key", "two")];
        let first = pdm.post_with("/v1/requests", &key, &session_at_pad());
        assert_eq!(first.status, 201);
        pdm.post_with("/v1/requests", &key, &consultation_at_tpd(3.0))
    }),
    row(Code::PreconditionRequired, |app| {
        let (pdm, path) = draft(app);
        let media = [("Content-Type", "application/merge-patch+json")];
        pdm.send("PATCH", &path, &media, "{}")
    }),
    row(Code::RateLimited, |_| {
        let app = TestApp::with_limits(Limits {
            quotas: QuotaLimits {
                requests: Rate::new(1, Duration::from_secs(60)),
                ..QuotaLimits::OFF
            },
            ..limits()
        });
        let pdm = app.pdm("paula@example.com");
        assert_eq!(pdm.get("/v1/me").status, 200);
        pdm.get("/v1/me")
    }),
    row(Code::Internal, |_| {
        let app = TestApp::start();
        app.db
            .query("alter table requests rename column facts to gone")
            .unwrap();
        app.pdm("paula@example.com")
            .post("/v1/requests", &session_at_pad())
    }),
    row(Code::Overloaded, |_| {
        let app = TestApp::with_limits(Limits {
            requests_in_flight: 1,
            ..limits()
        });
        let pdm = app.pdm("paula@example.com");
        let session = app.db.session();
        session.hold_writes();
        let mut first = pdm.begin_post("/v1/requests", "", &session_at_pad());
        app.db.wait_for_waiting(1);
        let second = pdm.get("/v1/me");
        session.run("rollback");
        assert_eq!(first.answer().status, 201);
        second
    }),
    row(Code::NotReady, |_| {
        let mut app = TestApp::with_limits(Limits {
            drain_delay: Duration::from_secs(2),
            ..limits()
        });
        app.ask_to_stop();
        let deadline = Instant::now() + Duration::from_secs(20);
        loop {
            let answer = send(app.address, "GET", "/readyz", &[], "");
            if answer.status != 200 || Instant::now() > deadline {
                return answer;
            }
        }
    }),
    row(Code::DatabaseUnavailable, |_| {
        let app = TestApp::start();
        let pdm = app.pdm("paula@example.com");
        assert_eq!(pdm.get("/v1/requests").status, 200);
        app.db.close();
        pdm.get("/v1/requests")
    }),
    row(Code::CommitOutcomeUnknown, |_| {
        let app = TestApp::start();
        dies_at_commit(&app.db);
        app.pdm("paula@example.com")
            .post("/v1/requests", &session_at_pad())
    }),
    row(Code::IssuerUnavailable, |_| {
        let signer = Signer::p256("gone");
        let mut issuer = Issuer::start(&[&signer]);
        let settings = issuer.settings();
        let token = signer.token(&issuer.claims());
        issuer.stop();
        let app = TestApp::with_oidc(settings);
        let bearer = format!("Bearer {token}");
        send(
            app.address,
            "GET",
            "/v1/me",
            &[("Authorization", &bearer)],
            "",
        )
    }),
];

fn get(app: &TestApp, path: &str) -> Answer {
    app.pdm("paula@example.com").get(path)
}

fn post(app: &TestApp, body: &Value) -> Answer {
    post_bytes(app, body.to_string().as_bytes())
}

fn post_bytes(app: &TestApp, body: &[u8]) -> Answer {
    let json = [("Content-Type", "application/json")];
    let pdm = app.pdm("paula@example.com");
    pdm.send("POST", "/v1/requests", &json, body)
}

/// The owner of a draft, and where it is.
fn draft(app: &TestApp) -> (Client, String) {
    let pdm = app.pdm("paula@example.com");
    let request = pdm.create(&json!({ "draft": true, "title": "x" }));
    let path = format!("/v1/requests/{}", request["id"].as_str().unwrap());
    (pdm, path)
}

fn revise(app: &TestApp, if_match: &str) -> Answer {
    let (pdm, path) = draft(app);
    pdm.patch(&path, if_match, &json!({ "title": "y" }))
}

/// From now on a connection that stores a request dies while it commits.
fn dies_at_commit(db: &TestDb) {
    db.query(
        "create function die() returns trigger language plpgsql as
             $$ begin perform pg_terminate_backend(pg_backend_pid()); return null; end $$;
         create constraint trigger dies after insert on requests
             deferrable initially deferred for each row execute function die()",
    )
    .unwrap();
}

/// Words that only somebody who knows the inside would use.
const INSIDE: &[&str] = &[
    "diesel",
    "postgres",
    "tokio",
    "actix",
    "serde",
    "deadpool",
    "rustc",
    ".rs",
    "src/",
    "::",
    "select ",
    "insert ",
    "update ",
    "relation \\\"",
    "column",
    "constraint",
    "backend",
    "panicked",
    "pool",
    "0x",
    "/home",
    "/root",
    "/tmp",
    "edk_",
];

fn leaks(answer: &Answer) -> Vec<&'static str> {
    // "line 3, column 5" is a place in the body that was sent.
    let text = answer.body.to_lowercase().replace(", column ", ", ");
    INSIDE
        .iter()
        .copied()
        .filter(|word| text.contains(word))
        .collect()
}

#[test]
fn every_code_can_be_provoked_and_none_tells_of_the_inside() {
    let provoked: BTreeSet<Code> = PROVOCATIONS.iter().map(|row| row.code).collect();
    let all: BTreeSet<Code> = Code::ALL.iter().copied().collect();
    assert_eq!(provoked, all, "each code has its provocation");
    let app = TestApp::with_limits(limits());
    for Provocation { code, provoke } in PROVOCATIONS {
        let answer = provoke(&app);
        assert_eq!(
            (answer.status, answer.problem().as_str()),
            (code.status().as_u16(), code.as_str()),
            "{}",
            answer.body
        );
        assert_eq!(leaks(&answer), [""; 0], "{}", answer.body);
        let problem = answer.json();
        assert_eq!(problem["retryable"], code.retryable(), "{code:?}");
        assert_eq!(problem["title"], code.title());
        let wait = answer.header("retry-after");
        let expects_wait = matches!(code.retry(), Retry::After(_));
        assert_eq!(wait.is_some(), expects_wait, "{code:?}: {wait:?}");
        if let Some(wait) = wait {
            assert!(wait.parse::<u32>().unwrap() >= 1, "{code:?}: {wait}");
        }
    }
}

#[test]
fn the_scan_finds_what_it_looks_for() {
    let answer = |body: &str| Answer {
        status: 500,
        headers: Vec::new(),
        body: body.to_owned(),
    };
    for body in [
        r#"{"detail":"relation \"requests\" does not exist"}"#,
        r#"{"detail":"thread panicked at src/main.rs:3"}"#,
        r#"{"detail":"expected a sequence (line 1, column 2), serde::de"}"#,
        r#"{"detail":"column \"x\" (line 1, column 2)"}"#,
    ] {
        assert!(!leaks(&answer(body)).is_empty(), "{body}");
    }
    assert_eq!(
        leaks(&answer(
            r#"{"detail":"a comma is missing (line 3, column 2)."}"#
        )),
        [""; 0]
    );
}

#[test]
fn an_unknown_outcome_is_settled_by_sending_the_write_again() {
    let app = TestApp::start();
    let pdm = app.pdm("paula@example.com");
    dies_at_commit(&app.db);
    let key = [("Idempotency-Key", "one")];
    let send = || pdm.post_with("/v1/requests", &key, &session_at_pad());
    let lost = send();
    assert_eq!(lost.problem(), "COMMIT_OUTCOME_UNKNOWN");
    assert_eq!(app.db.query("select id from requests").unwrap().len(), 0);
    app.db.query("drop trigger dies on requests").unwrap();
    assert_eq!(send().status, 201);
    let again = send();
    assert_eq!(
        again.header("idempotency-replayed").as_deref(),
        Some("true")
    );
    assert_eq!(app.db.query("select id from requests").unwrap().len(), 1);
}

#[test]
fn the_service_recovers_when_its_database_does() {
    let app = TestApp::start();
    let pdm = app.pdm("paula@example.com");
    assert_eq!(pdm.post("/v1/requests", &session_at_pad()).status, 201);
    app.db.close();
    let refused = pdm.post("/v1/requests", &session_at_pad());
    assert_eq!(refused.problem(), "DATABASE_UNAVAILABLE");
    let ready = send(app.address, "GET", "/readyz", &[], "");
    assert_eq!(ready.problem(), "DATABASE_UNAVAILABLE");
    assert_eq!(send(app.address, "GET", "/livez", &[], "").status, 200);
    app.db.reopen();
    // Each connection that was lost is found out once.
    let deadline = Instant::now() + Duration::from_secs(20);
    while pdm.post("/v1/requests", &session_at_pad()).status != 201 {
        assert!(Instant::now() < deadline, "it never recovers");
    }
    assert_eq!(send(app.address, "GET", "/readyz", &[], "").status, 200);
}
