//! `GET /v1/events`, and waiting.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use engagement_desk::app::App;
use engagement_desk::catalog;
use engagement_desk::clock::Clock;
use engagement_desk::domain::actor::Role;
use engagement_desk::domain::facts::Relationship;
use engagement_desk::flows::feed;
use engagement_desk::http::connections::Limits;
use engagement_desk::store::Store;
use engagement_desk::store::feed::{Filter, Position};
use engagement_desk::store::requests::Visibility;
use engagement_desk::tail;
use serde_json::{Value, json};
use tokio::sync::watch;

use crate::support::app::{Client, TestApp, consultation_at_tpd, deal_at_gps, key, session_at_pad};
use crate::support::client::Answer;
use crate::support::db::TestDb;
use crate::support::events::EventStream;
use crate::support::relay::Relay;
use crate::support::server::limits;

mod pages;
mod stream;
mod waiting;

/// Nothing takes longer than this, unless it is broken.
const PATIENCE: Duration = Duration::from_secs(20);

/// A line of history as another program might write it.
fn line(request: &Value, version: i64) -> String {
    format!(
        "insert into request_events (id, request_id, request_version, kind, to_state, desk, changed,
             actor_subject, actor_name, actor_role, key_id, http_request_id, at)
         values (gen_random_uuid(), '{}', {version}, 'revised', 'submitted', 'pad', '{{}}',
             'writer', 'Writer', 'system', '', '', now());",
        request["id"].as_str().unwrap()
    )
}

/// Where the feed goes on from now.
fn now(client: &Client) -> String {
    let page = client.get("/v1/events?from=now").json();
    assert_eq!(page["items"], json!([]));
    page["next_cursor"].as_str().unwrap().to_owned()
}

/// Reads on from the cursor, and moves it there.
fn read_on(client: &Client, query: &str, cursor: &mut String) -> Vec<Value> {
    let answer = client.get(&format!("/v1/events?{query}&cursor={cursor}"));
    assert_eq!(answer.status, 200, "{}", answer.body);
    let page = answer.json();
    page["next_cursor"].as_str().unwrap().clone_into(cursor);
    page["items"].as_array().unwrap().clone()
}

/// Reads from the beginning until so many events were found. Transactions of other tests on the same
/// server may hold events up for a moment.
fn read(client: &Client, query: &str, count: usize) -> Vec<Value> {
    let deadline = Instant::now() + PATIENCE;
    let page = client.get(&format!("/v1/events?{query}")).json();
    let mut found = page["items"].as_array().unwrap().clone();
    let mut cursor = page["next_cursor"].as_str().unwrap().to_owned();
    while found.len() < count {
        assert!(Instant::now() < deadline, "only {found:#?}");
        found.extend(read_on(client, query, &mut cursor));
    }
    assert_eq!(found.len(), count, "{found:#?}");
    found
}

fn members(events: &[Value], name: &str) -> Vec<String> {
    let texts = events
        .iter()
        .map(|event| event[name].as_str().unwrap().to_owned());
    texts.collect()
}
