//! More work than the service can do: what is too much is refused at once, and nothing else suffers.

use std::sync::Arc;
use std::time::{Duration, Instant};

use engagement_desk::http::connections::Limits;
use engagement_desk::store::{Connection, Plans, PoolLimits, Store, StoreError, ready};
use futures_util::FutureExt;
use tokio::sync::oneshot;

use crate::support::app::{TestApp, session_at_pad};
use crate::support::client::send;
use crate::support::db::TestDb;
use crate::support::server::limits;

#[test]
fn what_is_too_much_is_refused_before_it_waits_for_what_runs() {
    let app = TestApp::with_limits(Limits {
        requests_in_flight: 4,
        ..limits()
    });
    let pdm = app.pdm("paula@example.com");
    let session = app.db.session();
    session.hold_requests();
    // Each another list: one list is read once for all who ask for it. Those planned once have other connections than those
    // that are not.
    let mut running: Vec<_> = ["limit=1", "limit=2", "q=one", "q=two"]
        .map(|list| pdm.begin_get(&format!("/v1/requests?{list}")))
        .into();
    app.db.wait_for_waiting(4);
    // What runs goes on only after all of these.
    for _ in 0..50 {
        let refused = pdm.post("/v1/requests", &session_at_pad());
        assert_eq!(
            (refused.status, refused.problem().as_str()),
            (503, "OVERLOADED")
        );
        assert_eq!(refused.header("retry-after").as_deref(), Some("2"));
    }
    assert_eq!(send(app.address, "GET", "/livez", &[], "").status, 200);
    assert_eq!(send(app.address, "GET", "/readyz", &[], "").status, 200);
    session.run("rollback");
    for connection in &mut running {
        assert_eq!(connection.answer().status, 200);
    }
    assert_eq!(pdm.post("/v1/requests", &session_at_pad()).status, 201);
}

#[test]
fn a_list_that_is_held_up_holds_up_no_other_of_its_thread() {
    let app = TestApp::with_limits(limits());
    let pdm = app.pdm("paula@example.com");
    let session = app.db.session();
    session.hold_requests();
    let mut running: Vec<_> = (1..=4)
        .map(|limit| pdm.begin_get(&format!("/v1/requests?limit={limit}")))
        .collect();
    // However few threads they came to, each of which has one connection for them.
    app.db.wait_for_waiting(3);
    session.run("rollback");
    for connection in &mut running {
        assert_eq!(connection.answer().status, 200);
    }
}

#[test]
fn streams_that_come_back_together_are_not_refused_for_their_number() {
    let pool = PoolLimits {
        queue: 4,
        ..PoolLimits::default()
    };
    let app = TestApp::with_pool(limits(), pool);
    let viewers: Vec<_> = (0..4).map(|_| app.viewer()).collect();
    for viewer in &viewers {
        assert_eq!(viewer.get("/v1/me").status, 200);
    }
    let session = app.db.session();
    session.run("begin; lock table feed_shifts in access exclusive mode");
    let mut opening: Vec<_> = (0..16)
        .map(|number| viewers[number % 4].begin_get("/v1/events?from=now&limit=1"))
        .collect();
    app.db.wait_for_waiting(1);
    session.run("rollback");
    for connection in &mut opening {
        assert_eq!(connection.answer().status, 200);
    }
}

#[test]
fn who_gets_no_connection_in_time_is_told_to_come_back() {
    let pool = PoolLimits {
        connections: 1,
        wait: Duration::from_millis(50),
        queue: 256,
    };
    let app = TestApp::with_pool(limits(), pool);
    let pdm = app.pdm("paula@example.com");
    let session = app.db.session();
    session.hold_requests();
    let mut running = pdm.begin_post("/v1/requests", "", &session_at_pad());
    app.db.wait_for_waiting(1);
    let refused = pdm.post("/v1/requests", &session_at_pad());
    assert_eq!(
        (refused.status, refused.problem().as_str()),
        (503, "DATABASE_UNAVAILABLE")
    );
    assert_eq!(refused.header("retry-after").as_deref(), Some("2"));
    session.run("rollback");
    assert_eq!(running.answer().status, 201);
    assert_eq!(pdm.get("/v1/requests").status, 200);
    let stored = app.db.query("select id from requests").unwrap();
    assert_eq!(stored.len(), 1, "what was refused did nothing");
}

#[test]
fn the_queue_for_connections_has_an_end() {
    let db = TestDb::fresh();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let limits = PoolLimits {
            connections: 1,
            wait: Duration::from_secs(20),
            queue: 1,
        };
        let store = Arc::new(Store::with(&db.url, limits).unwrap());
        let (taken, is_taken) = oneshot::channel();
        let (free, is_free) = oneshot::channel::<()>();
        let first = {
            let store = Arc::clone(&store);
            tokio::spawn(async move {
                let work = async |_: &mut Connection| {
                    taken.send(()).unwrap();
                    is_free.await.unwrap();
                    Ok::<_, StoreError>(())
                };
                store.read(Plans::ForValues, work).await
            })
        };
        is_taken.await.unwrap();
        let read = || {
            store.read(Plans::ForValues, async |connection: &mut Connection| {
                ready::takes_writes(connection).await
            })
        };
        let mut second = std::pin::pin!(read());
        assert!((&mut second).now_or_never().is_none(), "it waits");
        let start = Instant::now();
        assert!(matches!(read().await, Err(StoreError::Unavailable(_))));
        assert!(start.elapsed() < Duration::from_secs(5), "it waited");
        free.send(()).unwrap();
        assert!(second.await.unwrap());
        first.await.unwrap().unwrap();
        assert!(
            read().await.unwrap(),
            "the place in the queue is free again"
        );
    });
}
