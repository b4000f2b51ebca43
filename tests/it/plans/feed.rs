//! What a page of the feed costs whoever sees all of it, from wherever it is read.

use engagement_desk::store::feed::{Filter, Position, between, stretch};
use engagement_desk::store::requests::Visibility;
use engagement_desk::store::{Connection, Plans, connect_for};
use serde_json::json;
use tokio::runtime::Runtime;

use super::{count, run};
use crate::support::db::TestDb;

/// A hundred thousand events of five thousand requests, written in their order.
const LOAD: &str = "
insert into requests (id, reference, desk, state, version, facts, decision, progress, requested_by, owner_subject,
    submitted_by, created_at, updated_at, state_since)
select md5(n::text)::uuid, 'PAD-2026-' || n, 'pad', 'completed', 4, '{}', '{}', '{}', '{}', 'x', 'x', now(), now(), now()
from generate_series(1, 5000) as n;
insert into request_events (id, request_id, request_version, kind, to_state, desk, changed, actor_subject, actor_name,
    actor_role, key_id, http_request_id, at)
select gen_random_uuid(), md5((1 + n % 5000)::text)::uuid, 1 + n / 5000, 'transitioned', 'completed', 'pad', '{}', 'x', 'x',
    'system', 'x', 'x', now()
from generate_series(0, 99999) as n;
analyze requests, request_events;
";

const PAGE: i64 = 101;

/// Rows fetched of both tables in the transaction so far; those of a table that is read from end to end count too.
async fn looked_at(connection: &mut Connection) -> i64 {
    let sql = "select (sum(idx_tup_fetch) + sum(seq_tup_read))::bigint as count from pg_stat_xact_user_tables \
         where relname in ('requests', 'request_events')";
    count(connection, sql).await
}

#[test]
fn a_page_of_the_feed_looks_at_what_it_shows_and_no_more() {
    let database = TestDb::fresh();
    Runtime::new().unwrap().block_on(async {
        let connection = &mut connect_for(&database.url, Plans::Once).await.unwrap();
        run(connection, LOAD).await;
        // The horizon would depend on what else runs on this server.
        let end: Position = serde_json::from_value(json!({ "t": i64::MAX, "n": 0 })).unwrap();
        let middle = stretch(connection, Position::BEGINNING, end, 50_000).await;
        for after in [Position::BEGINNING, middle.unwrap().end] {
            run(connection, "begin").await;
            let before = looked_at(connection).await;
            let filter = Filter::default();
            let rows = between(
                connection,
                &filter,
                &Visibility::Everything,
                after,
                end,
                PAGE,
            );
            assert_eq!(rows.await.unwrap().len(), 101);
            let looked_at = looked_at(connection).await - before;
            run(connection, "rollback").await;
            assert!(looked_at <= 2 * PAGE, "{looked_at} rows after {after:?}");
        }
    });
}
