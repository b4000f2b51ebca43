//! `/v1/api-keys` under idempotency keys.

use serde_json::{Value, json};

use crate::support::app::{Client, TestApp};
use crate::support::client::Answer;

fn viewer() -> Value {
    json!({ "subject": "dashboard", "name": "Dashboard", "role": "viewer" })
}

fn create(admin: &Client, key: &str, body: &Value) -> Answer {
    admin.post_with("/v1/api-keys", &[("Idempotency-Key", key)], body)
}

/// Whether the key in an answer opens anything.
fn opens(app: &TestApp, answer: &Answer) -> bool {
    let client = Client {
        address: app.address,
        token: answer.json()["key"].as_str().unwrap().to_owned(),
        key_id: String::new(),
    };
    client.get("/v1/me").status == 200
}

#[test]
fn a_retried_creation_gets_the_same_key_byte_for_byte() {
    let app = TestApp::start();
    let admin = app.admin();
    let first = create(&admin, "6c0f", &viewer());
    assert_eq!(first.status, 201, "{}", first.body);
    assert_eq!(first.header("idempotency-replayed"), None);
    assert_eq!(first.header("cache-control").as_deref(), Some("no-store"));
    // Another instance knows the same secret.
    let mut elsewhere = admin.clone();
    let beside = app.beside();
    elsewhere.address = beside.address;
    for client in [&admin, &elsewhere] {
        let again = create(client, "6c0f", &viewer());
        assert_eq!((again.status, &again.body), (201, &first.body));
        assert_eq!(again.header("location"), first.header("location"));
        assert_eq!(again.header("cache-control"), first.header("cache-control"));
        assert_eq!(
            again.header("idempotency-replayed").as_deref(),
            Some("true")
        );
    }
    assert!(opens(&app, &first));
    let made = app
        .db
        .query("select count(*) from api_keys where subject = 'dashboard'");
    assert_eq!(made.unwrap(), ["1"]);
}

#[test]
fn the_secret_of_a_key_is_stored_nowhere() {
    let app = TestApp::start();
    let made = create(&app.admin(), "6c0f", &viewer());
    let text = made.json()["key"].as_str().unwrap().to_owned();
    let secret = text.split('_').nth(2).unwrap();
    let tables = app
        .db
        .query("select tablename from pg_tables where schemaname = 'public'")
        .unwrap();
    assert!(tables.len() > 5);
    let hex = |text: &str| -> String { text.bytes().map(|byte| format!("{byte:02x}")).collect() };
    let mut all = String::new();
    for table in tables {
        // Bytes stand in a row as hexadecimal digits.
        let rows = app.db.query(&format!("select t::text from {table} as t"));
        all.push_str(&rows.unwrap().join("\n"));
    }
    assert!(all.contains(&hex("\"dashboard\"")), "the answer is kept");
    for form in [secret.to_owned(), hex(secret), text.clone(), hex(&text)] {
        assert!(!all.contains(&form));
    }
}

#[test]
fn other_keys_come_of_other_idempotency_keys_callers_and_no_idempotency_key() {
    let app = TestApp::start();
    let admin = app.admin();
    let other = app.db_client(crate::support::app::key(
        "other-admin@example.com",
        engagement_desk::domain::actor::Role::Admin,
    ));
    let mut texts: Vec<String> = [
        create(&admin, "a", &viewer()),
        create(&admin, "b", &viewer()),
        create(&other, "a", &viewer()),
        admin.post("/v1/api-keys", &viewer()),
        admin.post("/v1/api-keys", &viewer()),
    ]
    .iter()
    .map(|answer| {
        assert!(opens(&app, answer), "{}", answer.body);
        answer.json()["key"].as_str().unwrap().to_owned()
    })
    .collect();
    texts.sort();
    texts.dedup();
    assert_eq!(texts.len(), 5);
}

#[test]
fn an_idempotency_key_used_again_after_its_answer_is_forgotten_makes_another_key() {
    let app = TestApp::start();
    let admin = app.admin();
    let first = create(&admin, "a", &viewer());
    app.set_clock("2026-11-26T10:00:00Z");
    assert_eq!(app.work().forgotten, 1);
    let second = create(&admin, "a", &viewer());
    assert_eq!(second.status, 201, "{}", second.body);
    assert_ne!(second.json()["key"], first.json()["key"]);
    assert!(opens(&app, &first) && opens(&app, &second));
}

#[test]
fn an_idempotency_key_stands_for_one_body_and_is_well_formed() {
    let app = TestApp::start();
    let admin = app.admin();
    create(&admin, "a", &viewer());
    let mut other = viewer();
    other["name"] = json!("Another");
    assert_eq!(
        create(&admin, "a", &other).problem(),
        "IDEMPOTENCY_KEY_REUSED"
    );
    assert_eq!(
        create(&admin, "a b", &viewer()).problem(),
        "IDEMPOTENCY_KEY_INVALID"
    );
    // Who may not make keys gets no earlier answer either.
    assert_eq!(
        create(&app.viewer(), "a", &viewer()).problem(),
        "ACTION_FORBIDDEN"
    );
}

#[test]
fn a_retried_revocation_gets_the_first_answer() {
    let app = TestApp::start();
    let admin = app.admin();
    let made = create(&admin, "a", &viewer());
    let path = made.header("location").unwrap();
    let revoke = || admin.send("DELETE", &path, &[("Idempotency-Key", "r")], "");
    let first = revoke();
    assert_eq!(first.status, 200, "{}", first.body);
    assert_eq!(first.json()["revoked_at"], "2026-11-22T10:00:00Z");
    assert!(!opens(&app, &made));
    app.set_clock("2026-11-22T12:00:00Z");
    let again = revoke();
    assert_eq!((again.status, &again.body), (200, &first.body));
    assert_eq!(
        again.header("idempotency-replayed").as_deref(),
        Some("true")
    );
    let elsewhere = format!("/v1/api-keys/{}", admin.key_id);
    let reused = admin.send("DELETE", &elsewhere, &[("Idempotency-Key", "r")], "");
    assert_eq!(reused.problem(), "IDEMPOTENCY_KEY_REUSED");
    // The first answer to a creation outlives the key it made.
    assert_eq!(create(&admin, "a", &viewer()).body, made.body);
}

#[test]
fn a_dry_run_takes_an_idempotency_key_and_is_judged_anew() {
    let app = TestApp::start();
    let pdm = app.pdm("paula@example.com");
    let check = |key: &str, desk: &str| {
        let body = json!({ "desk": desk });
        pdm.post_with("/v1/eligibility-checks", &[("Idempotency-Key", key)], &body)
    };
    for desk in ["pad", "gps"] {
        let answer = check("same", desk);
        assert_eq!(answer.status, 200, "{}", answer.body);
        assert_eq!(answer.header("idempotency-replayed"), None);
    }
    assert_eq!(check("a b", "pad").problem(), "IDEMPOTENCY_KEY_INVALID");
    let kept = app
        .db
        .query("select count(*) from idempotency_keys")
        .unwrap();
    assert_eq!(kept, ["0"]);
}
