//! What the program does while it serves, on one thread that has connections of its own.

use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::app::{Client, session_at_pad};
use crate::support::db::TestDb;
use crate::support::service::{Service, said};

const PATIENCE: Duration = Duration::from_secs(20);

/// A service with one thread, its database, and somebody who may submit requests.
fn served() -> (Service, Client, TestDb) {
    let db = TestDb::fresh();
    let service = Service::start(&["--listen", "127.0.0.1:0", "--database-url", &db.url]);
    let paula = "--role requester --relationship pdm --subject paula@example.com";
    let create = ["keys", "--database-url", &db.url, "create"];
    let create: Vec<&str> = create.into_iter().chain(paula.split(' ')).collect();
    let client = service.client(said(&create).trim());
    (service, client, db)
}

#[test]
fn a_write_that_is_held_up_does_not_hold_up_those_that_come_after_it() {
    let (_service, pdm, db) = served();
    // Somebody else is about to have the reference that the next request gets.
    let session = db.session();
    session.run(
        "begin; insert into requests (id, reference, state, version, facts, progress, requested_by, \
             owner_subject, submitted_by, created_at, updated_at, state_since) \
         select gen_random_uuid(), 'PAD-' || year || '-000001', 'draft', 1, '{}', '{}', '{}', 'x', 'x', now(), now(), now() \
         from generate_series(2026, 2030) as year",
    );
    let mut held_up = pdm.begin_post("/v1/requests", "", &session_at_pad());
    db.wait_for_waiting(1);
    let begun = Instant::now();
    assert_eq!(pdm.post("/v1/requests", &session_at_pad()).status, 201);
    assert!(begun.elapsed() < Duration::from_secs(1), "it waited too");
    session.run("rollback");
    assert_eq!(held_up.answer().status, 201);
}

#[test]
fn new_words_are_sorted_in_without_waiting_for_a_round_of_work() {
    let (_service, pdm, db) = served();
    pdm.create(&session_at_pad());
    let written = db.query("select clock_timestamp()").unwrap().remove(0);
    let sorted_in = format!(
        "select pid from pg_stat_activity where datname = current_database() \
             and query like 'select gin_clean_pending_list%' and query_start > '{written}'"
    );
    let deadline = Instant::now() + PATIENCE;
    while db.query(&sorted_in).unwrap().is_empty() {
        assert!(Instant::now() < deadline, "nobody sorts them in");
    }
}

#[test]
fn every_request_leaves_a_line_in_the_log_that_names_it() {
    let (service, pdm, _db) = served();
    let answer = pdm.get("/v1/requests/PAD-2026-000099");
    assert_eq!(answer.status, 404);
    let id = answer.header("x-request-id").unwrap();
    let line = service.logged_line(|line| line["request_id"] == id.as_str());
    assert_eq!(line["message"], "answered");
    assert_eq!(line["method"], "GET");
    assert_eq!(line["route"], "/v1/requests/{id}");
    assert_eq!(line["status"], 404);
    assert!(line["duration_us"].is_u64(), "{line}");
    assert_eq!(line["trace_id"], Value::Null);

    let named = [
        ("X-Request-Id", "mine"),
        (
            "traceparent",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        ),
    ];
    pdm.send("GET", "/v1/me", &named, "");
    let line = service.logged_line(|line| line["request_id"] == "mine");
    assert_eq!(line["trace_id"], "4bf92f3577b34da6a3ce929d0e0e4736");
}
