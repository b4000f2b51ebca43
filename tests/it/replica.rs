//! Lists and other heavy reads on a hot standby: nobody can tell, whatever becomes of it.

use std::sync::atomic::{AtomicBool, Ordering};

use diesel::sql_query;
use engagement_desk::store::{Connection, Plans, PoolLimits, Store, StoreError};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use crate::support::app::{Client, session_at_pad};
use crate::support::client::send;
use crate::support::relay::Relay;
use crate::support::replication::{Primary, Standby};
use crate::support::service::{Service, run, said, signal};

const NEWEST: &str = "/v1/requests?limit=200";

/// What the service says when it reads the primary instead.
const INSTEAD: &str = "the primary is read instead of the replica";

/// Queries of the service that connections to the standby had last.
const LAST: &str = "select query from pg_stat_activity where application_name = 'engagement-desk'";

fn serve(primary: &Primary, replica: &str) -> Service {
    let listen = ["--listen", "127.0.0.1:0"];
    let databases = [
        "--database-url",
        &primary.url,
        "--database-read-url",
        replica,
    ];
    Service::start(&[listen.as_slice(), &databases].concat())
}

fn key(primary: &Primary, role: &[&str]) -> String {
    let subject = ["--subject", "paula@example.com", "--role"];
    let database = ["keys", "--database-url", &primary.url, "create"];
    let token = said(&[database.as_slice(), &subject, role].concat());
    token.trim().to_owned()
}

fn requester(primary: &Primary) -> String {
    key(primary, &["requester", "--relationship", "pdm"])
}

/// A primary, a replica of it, a service that reads there, and somebody who asks it.
fn with_a_replica() -> (Primary, Standby, Service, Client) {
    let primary = Primary::start();
    let standby = Standby::of(&primary, &[]);
    let service = serve(&primary, &standby.url);
    let client = service.client(&requester(&primary));
    (primary, standby, service, client)
}

/// Ids of the requests on a page that has to come.
fn listed(client: &Client) -> Vec<Value> {
    let answer = client.get(NEWEST);
    assert_eq!(answer.status, 200, "{}", answer.body);
    let page = answer.json();
    let items = page["items"].as_array().unwrap().iter();
    items.map(|item| item["id"].clone()).collect()
}

fn lists_are_read_on(standby: &Standby) -> bool {
    standby
        .query(LAST)
        .iter()
        .any(|query| query.contains("\"requests\""))
}

/// Lists until that is done on the standby: where a machine is busy, the standby may be late at first.
fn wait_until_lists_are_read_on(standby: &Standby, client: &Client) {
    standby.wait_until(|standby| !listed(client).is_empty() && lists_are_read_on(standby));
}

#[test]
fn lists_searches_histories_and_the_trail_are_read_from_the_replica() {
    let (primary, standby, service, client) = with_a_replica();
    let admin = service.client(&key(&primary, &["admin"]));
    let request = client.create(&session_at_pad());
    let path = format!("/v1/requests/{}", request["id"].as_str().unwrap());
    assert_eq!(client.get(&path).status, 200);
    assert_eq!(
        standby.query(LAST).len(),
        0,
        "reads by id and writes go elsewhere"
    );
    for (client, path, table) in [
        (&client, NEWEST, "\"requests\""),
        (&client, "/v1/requests?q=landing", "request_words"),
        (&admin, "/v1/requests?q=landing", "newest_with"),
        (&client, &format!("{path}/events"), "\"request_events\""),
        (&client, &format!("{path}/time-entries"), "\"time_entries\""),
        (&admin, "/v1/audit", "\"audit\""),
    ] {
        standby.wait_until(|standby| {
            let answer = client.get(path);
            assert_eq!(answer.status, 200, "{path}: {}", answer.body);
            let last = standby.query(LAST);
            last.iter().any(|query| query.contains(table))
        });
    }
    assert_eq!(listed(&client), [request["id"].clone()]);
}

#[test]
fn a_list_has_what_was_just_written_even_while_replay_is_paused() {
    let (_primary, standby, service, client) = with_a_replica();
    client.create(&session_at_pad());
    wait_until_lists_are_read_on(&standby, &client);
    standby.query("select pg_wal_replay_pause()");
    standby.wait_until(|standby| {
        standby.query("select pg_get_wal_replay_pause_state()") == ["paused"]
    });
    for number in 2..6 {
        let request = client.create(&session_at_pad());
        let ids = listed(&client);
        assert_eq!((&ids[0], ids.len()), (&request["id"], number));
    }
    assert!(service.logged().contains(INSTEAD), "{}", service.logged());
    standby.query("select pg_wal_replay_resume()");
    // It is found out without anybody doing anything.
    standby.wait_until(|standby| listed(&client).len() == 5 && lists_are_read_on(standby));
}

#[test]
fn every_acknowledged_create_is_in_the_next_list_on_any_instance() {
    const WRITERS: usize = 4;
    const WRITES: usize = 40;
    let primary = Primary::start();
    // Commits are replayed late, or no reader would ever be too early.
    let standby = Standby::of(&primary, &["recovery_min_apply_delay=20ms"]);
    let relay = Relay::to(&standby.url);
    let services = [serve(&primary, &relay.url), serve(&primary, &relay.url)];
    let token = requester(&primary);
    let [one, other] = [&services[0], &services[1]].map(|service| service.client(&token));
    let before = relay.asked();
    std::thread::scope(|scope| {
        for writer in 0..WRITERS {
            let (one, other) = if writer % 2 == 0 {
                (&one, &other)
            } else {
                (&other, &one)
            };
            scope.spawn(move || {
                for number in 0..WRITES {
                    let mut body = session_at_pad();
                    body["title"] = json!(format!("{writer}-{number}"));
                    let id = one.create(&body)["id"].clone();
                    assert!(listed(other).contains(&id), "{writer}-{number}");
                    let steps = format!("/v1/requests/{}/events", id.as_str().unwrap());
                    let history = other.get(&steps).json();
                    assert_eq!(history["items"].as_array().unwrap().len(), 1, "{history}");
                }
            });
        }
    });
    // Not all need have been read there.
    assert!(relay.asked() - before > WRITES);
    wait_until_lists_are_read_on(&standby, &one);
}

#[test]
fn a_replica_that_is_gone_costs_nobody_an_error() {
    let (primary, mut standby, service, client) = with_a_replica();
    client.create(&session_at_pad());
    wait_until_lists_are_read_on(&standby, &client);
    // Its connections break, and the replica is still there.
    standby.query(
        "select pg_terminate_backend(pid) from pg_stat_activity \
         where application_name = 'engagement-desk'",
    );
    wait_until_lists_are_read_on(&standby, &client);
    // It goes away while lists are read.
    let is_gone = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                while !is_gone.load(Ordering::Relaxed) {
                    assert_eq!(listed(&client).len(), 1);
                }
            });
        }
        standby.stop();
        is_gone.store(true, Ordering::Relaxed);
    });
    for number in 2..6 {
        client.create(&session_at_pad());
        assert_eq!(listed(&client).len(), number);
        let ready = send(service.address.parse().unwrap(), "GET", "/readyz", &[], "");
        assert_eq!(ready.status, 200, "{}", ready.body);
    }
    assert!(service.logged().contains(INSTEAD), "{}", service.logged());
    // One that is not there at the start stops nobody either.
    let late = serve(&primary, &standby.url);
    assert_eq!(listed(&late.client(&client.token)).len(), 5);
}

#[test]
fn a_replica_that_stands_still_holds_nobody_up() {
    let (_primary, standby, _service, client) = with_a_replica();
    client.create(&session_at_pad());
    wait_until_lists_are_read_on(&standby, &client);
    // As where a network swallows everything: connections are there, and nothing comes.
    let stopped = standby
        .query("select pid from pg_stat_activity where application_name = 'engagement-desk'");
    let tell = |word| {
        for process in &stopped {
            signal(word, process.parse().unwrap());
        }
    };
    tell("-STOP");
    client.create(&session_at_pad());
    // In time, or it would be refused.
    assert_eq!(listed(&client).len(), 2);
    tell("-CONT");
    wait_until_lists_are_read_on(&standby, &client);
}

#[test]
fn a_promoted_replica_is_not_read() {
    let (_primary, standby, service, client) = with_a_replica();
    client.create(&session_at_pad());
    wait_until_lists_are_read_on(&standby, &client);
    standby.query("select pg_promote()");
    // From now on it has a history of its own, and is further in its log than the primary.
    standby.query(
        "update requests set facts = jsonb_set(facts::jsonb, '{title}', '\"Of another history\"'); \
         select pg_switch_wal(); create table filling as select generate_series(1, 100000)",
    );
    for _ in 0..3 {
        let page = client.get(NEWEST).json();
        assert_eq!(
            page["items"][0]["title"],
            session_at_pad()["title"],
            "{page}"
        );
    }
    client.create(&session_at_pad());
    assert_eq!(listed(&client).len(), 2);
    assert!(service.logged().contains(INSTEAD), "{}", service.logged());
}

#[test]
fn a_read_in_the_way_of_the_replay_is_done_again_on_the_primary() {
    let primary = Primary::start();
    primary.query("create table words as select 'first' as word");
    let standby = Standby::of(&primary, &["max_standby_streaming_delay=0"]);
    // It holds on to what was there before for as long as it lasts; on the primary it is over at once.
    let read = "select word from words, lateral (select case when pg_is_in_recovery() \
                then pg_sleep(1) end) as wait";
    let is_read = "select exists (select from pg_stat_activity where query like '%pg_sleep%' \
                   and state = 'active' and pid <> pg_backend_pid())";
    let is_cancelled = "select confl_snapshot > 0 from pg_stat_database_conflicts \
                        where datname = current_database()";
    std::thread::scope(|scope| {
        let in_the_way = scope.spawn(|| {
            standby.wait_until(|standby| {
                // Only then: a standby that always has something to replay is behind, and so not read.
                if standby.query(is_read) == ["t"] {
                    primary.query("update words set word = 'another'");
                    primary.query("vacuum words");
                }
                standby.query(is_cancelled) == ["t"]
            });
        });
        Runtime::new().unwrap().block_on(async {
            let store = Store::with(&primary.url, PoolLimits::default()).unwrap();
            let store = store.with_replica(&standby.url, PoolLimits::default());
            let store = store.unwrap();
            while !in_the_way.is_finished() {
                let read = async |connection: &mut Connection| {
                    let rows = diesel_async::RunQueryDsl::execute(sql_query(read), connection);
                    Ok::<_, StoreError>(rows.await?)
                };
                assert_eq!(
                    store.read_anywhere(Plans::ForValues, read).await.unwrap(),
                    1
                );
            }
        });
    });
}

#[test]
fn a_replica_is_one_of_a_database_that_is_given() {
    let output = run(&["serve", "--database-read-url", "postgres://replica/desk"]);
    let message = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{message}");
    assert!(message.contains("--database-url"), "{message}");
}
