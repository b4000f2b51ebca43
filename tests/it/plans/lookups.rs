//! What a decision looks up of a partner with many requests, where Postgres takes every partner to have one.

use engagement_desk::domain::eligibility::{DealCount, HistoryWanted, SameCustomer};
use engagement_desk::store::connect;
use engagement_desk::store::history::{Asked, count_deals, same_customer};
use tokio::runtime::Runtime;

use super::{counted, run};
use crate::support::db::TestDb;

/// As many of one partner, after Postgres has taken its statistics of as many partners with one request each.
const LOAD: &str = "
create function pg_temp.stored(first integer, last integer, partner text) returns void language sql as $$
    insert into requests (id, reference, desk, state, version, facts, decision, progress, requested_by, owner_subject,
        submitted_by, solution_area_key, customer_key, created_at, updated_at, state_since, service, partner_mpn_id)
    select md5(n::text)::uuid, 'PAD-2026-' || n, 'pad', 'completed', 1, '{}', '{}', '{}', '{}', 'x',
        'x', 'area ' || n % 500, 'customer ' || n % 500, now(), now(), now(), 'sales', coalesce(partner, n::text)
    from generate_series(first, last) as n
$$;
select pg_temp.stored(1, 1000, null);
analyze requests;
select pg_temp.stored(1001, 4000, '1000000');
set plan_cache_mode = force_generic_plan;
set enable_seqscan = off;
";

#[test]
fn earlier_requests_are_found_without_looking_at_all_others_of_a_large_partner() {
    let database = TestDb::fresh();
    Runtime::new().unwrap().block_on(async {
        let connection = &mut connect(&database.url).await.unwrap();
        run(connection, LOAD).await;
        let asked = Asked {
            wanted: HistoryWanted {
                deals: vec![DealCount {
                    rule: "deals".to_owned(),
                    desk: "pad".to_owned(),
                    services: vec!["sales".to_owned()],
                    partner_mpn_id: "1000000".to_owned(),
                    solution_area_key: "area 7".to_owned(),
                    enough: 100,
                }],
                same_customer: Some(SameCustomer {
                    partner_mpn_id: "1000000".to_owned(),
                    customer_key: "customer 7".to_owned(),
                    within_days: 30,
                }),
            },
            except: None,
            at: "2026-11-22T10:00:00Z".parse().unwrap(),
        };
        run(connection, "begin").await;
        let before = counted(connection, "idx_tup_fetch").await;
        let earlier = same_customer(connection, &[(0, &asked)]).await.unwrap();
        assert_eq!(earlier.len(), 6);
        let deals = count_deals(connection, &[(0, &asked)]).await.unwrap();
        assert_eq!(deals, [(0, "deals".to_owned(), 6)]);
        let looked_at = counted(connection, "idx_tup_fetch").await - before;
        assert_eq!(looked_at, 12, "no others are looked at");
    });
}
