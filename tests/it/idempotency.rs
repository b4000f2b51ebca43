//! `Idempotency-Key`: a retried write is done once and answered as it was the first time.

use diesel::QueryableByName;
use diesel::sql_types::BigInt;
use diesel_async::RunQueryDsl;
use engagement_desk::domain::actor::Role;
use engagement_desk::store::idempotency::{Claim, Key};
use engagement_desk::store::needs::Needs;
use engagement_desk::store::{Store, StoreError, Unit};
use serde_json::{Value, json};

use crate::support::app::{Client, TestApp, consultation_at_tpd, session_at_pad};
use crate::support::cast::{drafted, path};
use crate::support::client::Answer;
use crate::support::db::TestDb;

fn create(client: &Client, key: &str, body: &Value) -> Answer {
    client.post_with("/v1/requests", &[("Idempotency-Key", key)], body)
}

/// What of an answer has to come again; the rest is the doing of each single exchange.
fn lasting(answer: &Answer) -> (u16, String, Vec<Option<String>>) {
    let headers = ["content-type", "etag", "location", "cache-control", "vary"];
    let headers = headers.map(|name| answer.header(name)).to_vec();
    (answer.status, answer.body.clone(), headers)
}

fn count(app: &TestApp) -> String {
    app.db
        .query("select count(*) from requests")
        .unwrap()
        .remove(0)
}

#[test]
fn a_retry_gets_the_first_answer_byte_for_byte() {
    let app = TestApp::start();
    let pdm = app.pdm("paula@example.com");
    let first = create(&pdm, "one", &session_at_pad());
    assert_eq!(first.status, 201);
    assert_eq!(first.header("idempotency-replayed"), None);
    // Even when the request has moved on since, and on whichever instance.
    app.member("pad")
        .take(&first.json(), &json!({ "to": "in_review" }));
    app.set_clock("2026-11-24T10:00:00Z");
    let beside = app.beside();
    let there = Client {
        address: beside.address,
        ..pdm.clone()
    };
    for again in [
        create(&pdm, "one", &session_at_pad()),
        create(&there, "\"one\"", &session_at_pad()),
    ] {
        assert_eq!(lasting(&again), lasting(&first));
        assert_eq!(
            again.header("idempotency-replayed").as_deref(),
            Some("true")
        );
        assert_ne!(again.header("x-request-id"), first.header("x-request-id"));
    }
    assert_eq!(count(&app), "1");
}

#[test]
fn a_key_stands_for_one_body() {
    let app = TestApp::start();
    let pdm = app.pdm("paula@example.com");
    create(&pdm, "one", &session_at_pad());
    let other = create(&pdm, "one", &drafted(session_at_pad()));
    assert_eq!(other.problem(), "IDEMPOTENCY_KEY_REUSED");
    // Bytes count, not meaning.
    let spaced = serde_json::to_string_pretty(&session_at_pad()).unwrap();
    let headers = [
        ("Content-Type", "application/json"),
        ("Idempotency-Key", "one"),
    ];
    let other = pdm.send("POST", "/v1/requests", &headers, spaced);
    assert_eq!(other.problem(), "IDEMPOTENCY_KEY_REUSED");
    assert_eq!(count(&app), "1");
}

#[test]
fn the_same_key_of_another_caller_or_operation_is_another_key() {
    let app = TestApp::start();
    let (paula, quentin) = (app.pdm("paula@example.com"), app.pdm("quentin@example.com"));
    let one = create(&paula, "one", &drafted(session_at_pad())).json();
    let two = create(&quentin, "one", &drafted(session_at_pad())).json();
    assert_ne!(one["id"], two["id"]);
    let steps = format!("{}/transitions", path(&one));
    let submit = json!({ "to": "submitted" });
    let moved = paula.post_with(&steps, &[("Idempotency-Key", "one")], &submit);
    assert_eq!(moved.status, 200, "{}", moved.body);
    assert_eq!(moved.header("idempotency-replayed"), None);
    // The same step of another request is another body to the key.
    let three = create(&paula, "three", &drafted(session_at_pad())).json();
    let steps = format!("{}/transitions", path(&three));
    let moved = paula.post_with(&steps, &[("Idempotency-Key", "one")], &submit);
    assert_eq!(moved.problem(), "IDEMPOTENCY_KEY_REUSED");
}

#[test]
fn a_retried_step_or_change_is_answered_though_its_version_has_passed() {
    let app = TestApp::start();
    let pdm = app.pdm("paula@example.com");
    let draft = pdm.create(&drafted(session_at_pad()));
    let change = |tag: &str, title: &str| {
        let headers = [
            ("Content-Type", "application/merge-patch+json"),
            ("If-Match", tag),
            ("Idempotency-Key", "change"),
        ];
        pdm.send(
            "PATCH",
            &path(&draft),
            &headers,
            json!({ "title": title }).to_string(),
        )
    };
    let first = change("\"1-full\"", "Another");
    assert_eq!(first.status, 200);
    let again = change("\"1-full\"", "Another");
    assert_eq!(lasting(&again), lasting(&first));
    assert_eq!(
        change("\"2-full\"", "Another").problem(),
        "IDEMPOTENCY_KEY_REUSED"
    );
    assert_eq!(
        change("\"1-full\"", "A third").problem(),
        "IDEMPOTENCY_KEY_REUSED"
    );

    let steps = format!("{}/transitions", path(&draft));
    let step = |body: &Value| pdm.post_with(&steps, &[("Idempotency-Key", "step")], body);
    let first = step(&json!({ "to": "submitted" }));
    assert_eq!(first.status, 200);
    assert_eq!(
        lasting(&step(&json!({ "to": "submitted" }))),
        lasting(&first)
    );
    assert_eq!(pdm.get(&path(&draft)).json()["version"], 3);
}

#[test]
fn a_refusal_that_stored_the_request_is_replayed_too() {
    let app = TestApp::start();
    let pdm = app.pdm("paula@example.com");
    let first = create(&pdm, "one", &consultation_at_tpd(30.0));
    assert_eq!(first.problem(), "INELIGIBLE");
    let again = create(&pdm, "one", &consultation_at_tpd(30.0));
    assert_eq!(lasting(&again), lasting(&first));
    assert_eq!(
        again.header("idempotency-replayed").as_deref(),
        Some("true")
    );
    assert_eq!(count(&app), "1");
}

#[test]
fn work_that_failed_is_not_remembered() {
    let app = TestApp::start();
    let pdm = app.pdm("paula@example.com");
    let mut misspelt = session_at_pad();
    misspelt["desk"] = json!("pda");
    assert_eq!(
        create(&pdm, "one", &misspelt).problem(),
        "VALIDATION_FAILED"
    );
    let request = create(&pdm, "one", &session_at_pad());
    assert_eq!(request.status, 201);

    let member = app.member("pad");
    let steps = format!("{}/transitions", path(&request.json()));
    let accept = || {
        member.post_with(
            &steps,
            &[("Idempotency-Key", "two")],
            &json!({ "to": "accepted" }),
        )
    };
    assert_eq!(accept().problem(), "TRANSITION_NOT_ALLOWED");
    member.take(&request.json(), &json!({ "to": "in_review" }));
    let accepted = accept();
    assert_eq!(accepted.status, 200, "{}", accepted.body);
    assert_eq!(accepted.header("idempotency-replayed"), None);
    assert_eq!(
        app.db
            .query("select count(*) from idempotency_keys")
            .unwrap(),
        ["2"]
    );
}

#[test]
fn who_may_not_see_the_request_any_more_gets_no_stored_answer() {
    let app = TestApp::start();
    let request = app.pdm("paula@example.com").create(&session_at_pad());
    let at = |desk| app.of_desk("mona@example.com", Role::DeskMember, desk);
    let path = format!("{}/transitions", path(&request));
    let step = json!({ "to": "in_review" });
    let take = |client: &Client| client.post_with(&path, &[("Idempotency-Key", "one")], &step);
    assert_eq!(take(&at("pad")).status, 200);
    assert_eq!(
        take(&at("pad")).header("idempotency-replayed").as_deref(),
        Some("true")
    );
    assert_eq!(take(&at("gps")).problem(), "NOT_FOUND");
}

#[test]
fn a_revoked_caller_gets_no_stored_answer() {
    let app = TestApp::start();
    let pdm = app.pdm("paula@example.com");
    create(&pdm, "one", &session_at_pad());
    app.admin().delete(&format!("/v1/api-keys/{}", pdm.key_id));
    assert_eq!(
        create(&pdm, "one", &session_at_pad()).problem(),
        "UNAUTHENTICATED"
    );
}

#[test]
fn one_round_forgets_all_that_is_old_however_many() {
    let app = TestApp::start();
    app.db
        .query(
            "insert into idempotency_keys (scope, fingerprint, status, headers, body, created_at)
             select sha256(n::text::bytea), sha256(''), 201, '[]', '', '2026-11-01T10:00:00Z'
             from generate_series(1, 2500) as n",
        )
        .unwrap();
    assert_eq!(app.work().forgotten, 2_500, "a transaction takes 1,000");
}

#[test]
fn answers_are_kept_for_seventy_two_hours() {
    let app = TestApp::start();
    let pdm = app.pdm("paula@example.com");
    let first = create(&pdm, "one", &session_at_pad());
    app.set_clock("2026-11-25T10:00:00Z");
    assert_eq!(app.work().forgotten, 0);
    assert_eq!(
        lasting(&create(&pdm, "one", &session_at_pad())),
        lasting(&first)
    );
    app.set_clock("2026-11-25T10:00:01Z");
    assert_eq!(app.work().forgotten, 1);
    let second = create(&pdm, "one", &session_at_pad());
    assert_eq!(second.status, 201);
    assert_ne!(second.json()["id"], first.json()["id"]);
}

#[test]
fn a_key_that_cannot_be_one_is_refused() {
    let app = TestApp::start();
    let pdm = app.pdm("paula@example.com");
    let long = "k".repeat(256);
    for key in ["", "two words", &long, "\u{e9}", "\"", "\"one"] {
        let answer = create(&pdm, key, &session_at_pad());
        assert_eq!(answer.problem(), "IDEMPOTENCY_KEY_INVALID", "{key:?}");
        assert_eq!(answer.json()["errors"][0]["header"], "Idempotency-Key");
    }
    assert_eq!(
        create(&pdm, &"k".repeat(255), &session_at_pad()).status,
        201
    );
    let twice = [("Idempotency-Key", "a"), ("Idempotency-Key", "b")];
    assert_eq!(
        pdm.post_with("/v1/requests", &twice, &session_at_pad())
            .problem(),
        "IDEMPOTENCY_KEY_INVALID"
    );
    assert_eq!(count(&app), "1");
}

#[derive(QueryableByName)]
struct Looked {
    #[diesel(sql_type = BigInt)]
    at: i64,
}

/// How much of the kept answers a lookup of this key looks at, by Postgres' own count: rows, and the whole table.
async fn looked_at(store: &Store, key: &Key) -> i64 {
    const SQL: &str = "select seq_scan + idx_tup_fetch as at from pg_stat_xact_user_tables \
         where relname = 'idempotency_keys'";
    let claim = Some(key.clone());
    let needs = Needs {
        claim,
        ..Needs::default()
    };
    let work = async |unit: &mut Unit| {
        let loaded = unit.load(needs.clone()).await?;
        assert_eq!(loaded.claim, Some(Claim::New));
        let connection = unit.connection().await?;
        let looked: Looked = diesel::sql_query(SQL).get_result(connection).await.unwrap();
        Ok::<_, StoreError>(looked.at)
    };
    store.write(work).await.unwrap()
}

#[test]
fn a_key_is_looked_up_by_the_index_even_where_none_was_kept_yet() {
    let db = TestDb::fresh();
    // What Postgres finds out about an empty table outlives its emptiness, as does the plan of a statement.
    db.query("vacuum analyze idempotency_keys").unwrap();
    let key = Key {
        scope: [7; 32],
        fingerprint: [8; 32],
        seed: [9; 32],
    };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let store = {
        let _inside = runtime.enter();
        Store::new(&db.url, 2).unwrap()
    };
    assert_eq!(runtime.block_on(looked_at(&store, &key)), 0);
    db.query(
        "insert into idempotency_keys select sha256(n::text::bytea), sha256(''), 201, '[]', '', now() \
         from generate_series(1, 1000) as n",
    )
    .unwrap();
    assert_eq!(runtime.block_on(looked_at(&store, &key)), 0);
}
