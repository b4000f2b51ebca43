//! What a page costs among many: rows of the indexes it is cut from, and never the table.

mod contents;
mod feed;
mod lookups;
mod wanted;

use std::sync::OnceLock;

use diesel::pg::Pg;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types::{BigInt, Json};
use diesel::{QueryResult, QueryableByName};
use diesel_async::{RunQueryDsl, SimpleAsyncConnection};
use engagement_desk::domain::lifecycle::State;
use engagement_desk::store::migrations::{revert_last, run_pending};
use engagement_desk::store::request_list::{RequestList, page};
use engagement_desk::store::request_order::{Position, Sort};
use engagement_desk::store::requests::{Filter, Visibility};
use engagement_desk::store::{Connection, Plans, connect, connect_for};
use serde_json::Value;
use tokio::runtime::Runtime;

use self::wanted::{OPEN, at, filter, own, single_filters, time, typical_pairs, visibilities};
use crate::support::db::TestDb;

const STORED: usize = 100_000;
const PAGE: i64 = 51;

/// Few requests are open, and most of those are young. One desk, one service and some words are rare, one
/// partner, one architect and one submitter have a good part of everything, and one service is of one desk.
const LOAD: &str = "
create temporary table later on commit preserve rows as
    select indexname, concat_ws('; ', indexdef, (
        select string_agg(format('alter index %I alter column %s set statistics %s', indexname, attnum, attstattarget), '; ')
        from pg_attribute where attrelid = indexrelid and attstattarget >= 0)) as definition
    from pg_indexes join pg_class on relname = indexname join pg_index on indexrelid = pg_class.oid
    where tablename in ('requests', 'request_words') and not indisunique;
do $$ declare name text; begin
    for name in select indexname from later loop execute 'drop index ' || name; end loop;
end $$;
insert into requests (id, reference, desk, state, version, facts, decision, progress, requested_by,
    owner_subject, submitted_by, customer_key, created_at, updated_at, state_since,
    service, partner_mpn_id, title, partner_name, customer_name, requester_name, assignee)
select made.*, facts ->> 'service', facts #>> '{partner,mpn_id}', facts ->> 'title', facts #>> '{partner,name}',
    facts #>> '{customer,name}', requested_by ->> 'name', progress #>> '{assignee,name}'
from (select md5(n::text)::uuid, 'PAD-2026-' || lpad(n::text, 6, '0'),
    case when n % 10000 = 7 then 'new' when n % 10 < 6 then 'pad' when n % 10 < 9 then 'gps' else 'tpd' end,
    case when n > STORED * 0.99 or n % 500 = 3
        then (array['submitted', 'in_review', 'accepted', 'in_progress'])[1 + n / 3 % 4]
        when n % 5000 = 11 then 'on_hold'
        else (array['completed', 'completed', 'completed', 'rejected', 'cancelled'])[1 + n / 7 % 5] end,
    3,
    jsonb_build_object(
        'service', case when n % 20000 = 5 then 'hackathon' when n % 10 = 9 then 'deployment' else 'service_' || n / 11 % 12 end,
        'title', 'Landing zone number ' || n,
        'description', case when n % 25000 = 9 then 'A quokka on Azure' else 'Workloads on Azure' end,
        'partner', jsonb_build_object(
            'mpn_id', case when n % 5 = 0 then '1000000' else (1000000 + n % 4001)::text end,
            'name', 'Partner ' || n % 4001),
        'customer', jsonb_build_object('name', 'Customer ' || n % 20011)),
    '{}'::jsonb, jsonb_build_object('assignee', jsonb_build_object('name',
        'Architect ' || case when n % 3 = 0 then 300 else n % 211 end)),
    '{\"name\": \"Somebody\"}'::jsonb,
    'owner-' || n % 2003 || '@example.com',
    case when n % 10 < 4 then 'crm' when n % 50000 = 17 then 'form' else 'owner-' || n % 2003 || '@example.com' end,
    'key', timestamptz '2021-01-01' + n * interval '30 minutes',
    timestamptz '2021-01-01' + n * interval '30 minutes' + n % 97 * interval '9 hours',
    timestamptz '2021-01-01' + n * interval '30 minutes'
from generate_series(1, STORED) as n) as made (id, reference, desk, state, version, facts, decision, progress, requested_by,
    owner_subject, submitted_by, customer_key, created_at, updated_at, state_since);
insert into request_words (request_id, created_at, words)
select id, created_at, stretches(created_at) || marks(desk, submitted_by, service) || to_tsvector('simple',
    concat_ws(' ', replace(reference, '-', ' '), title, facts ->> 'description', partner_name, customer_name))
from requests;
do $$ declare making text; begin
    for making in select definition from later loop execute making; end loop;
end $$;
analyze requests, request_words;
";

/// A database with that load, made once and dropped with the cluster.
fn database() -> &'static TestDb {
    static DATABASE: OnceLock<TestDb> = OnceLock::new();
    DATABASE.get_or_init(|| loaded(STORED))
}

/// Indexes are made after the rows, which takes half the time.
fn loaded(stored: usize) -> TestDb {
    let database = TestDb::fresh();
    database
        .query(&LOAD.replace("STORED", &stored.to_string()))
        .unwrap();
    database
}

/// The statement, explained while it runs, with the values it has.
struct Explained<'a>(RequestList<'a>);

impl QueryFragment<Pg> for Explained<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("explain (analyze, buffers, timing off, format json) ");
        self.0.walk_ast(out)
    }
}

impl QueryId for Explained<'_> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl Query for Explained<'_> {
    type SqlType = Json;
}

/// Rows of the table that a plan looked at; fails where it reads the table from end to end.
fn looked_at(plan: &Value) -> f64 {
    let number = |name: &str| plan[name].as_f64().unwrap_or_default();
    let mut rows = 0.0;
    if plan["Relation Name"] == "requests" || plan["Relation Name"] == "request_words" {
        assert_ne!(plan["Node Type"], "Seq Scan", "{plan:#}");
        let each = number("Actual Rows")
            + number("Rows Removed by Filter")
            + number("Rows Removed by Index Recheck");
        rows += each * number("Actual Loops");
    }
    let parts = plan["Plans"].as_array();
    rows + parts.into_iter().flatten().map(looked_at).sum::<f64>()
}

/// One line of a plan.
#[derive(QueryableByName)]
struct Line {
    #[diesel(sql_type = diesel::sql_types::Text, column_name = "QUERY PLAN")]
    line: String,
}

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    count: i64,
}

async fn count(connection: &mut Connection, sql: &str) -> i64 {
    let count: Count = diesel::sql_query(sql).get_result(connection).await.unwrap();
    count.count
}

async fn run(connection: &mut Connection, sql: &str) {
    connection.batch_execute(sql).await.unwrap();
}

/// What Postgres has counted of the requests and their words in the transaction so far.
async fn counted(connection: &mut Connection, what: &str) -> i64 {
    let sql = format!(
        "select sum({what})::bigint as count from pg_stat_xact_user_tables \
         where relname in ('requests', 'request_words')"
    );
    count(connection, &sql).await
}

/// Rows that Postgres fetched for a page, by its own count, and whether it read the table.
async fn fetched(connection: &mut Connection, list: RequestList<'_>) -> (i64, i64) {
    run(connection, "begin").await;
    let rows = counted(connection, "idx_tup_fetch").await;
    let scans = counted(connection, "seq_scan").await;
    page(connection, list).await.unwrap();
    let rows = counted(connection, "idx_tup_fetch").await - rows;
    let scans = counted(connection, "seq_scan").await - scans;
    run(connection, "rollback").await;
    (rows, scans)
}

/// Far into any list.
const MIDDLE: &str = "2023-06-01T00:00:00Z";

/// A plan that follows one index and looks through what it finds there, or gathers what another index has
/// and sorts that, whichever is less, looks at about the root of page times table, 2,258, where the two have
/// nothing to do with each other. Twice that leaves room for estimates.
const MOST: f64 = 4_500.0;

/// Whether the list is bounded by one time and ordered by the other. The two go together, so that neither
/// index alone has such a page in one place; the documentation of `sort` says so.
fn bounds_the_other_time(filter: &Filter, sort: Sort) -> bool {
    let (from, before) = match sort {
        Sort::NewestFirst | Sort::OldestFirst => (filter.updated_from, filter.updated_before),
        Sort::LastChangedFirst | Sort::FirstChangedFirst => {
            (filter.created_from, filter.created_before)
        }
    };
    from.is_some() || before.is_some()
}

#[test]
fn no_page_reads_the_table_nor_much_more_than_it_shows() {
    let url = &database().url;
    Runtime::new().unwrap().block_on(async {
        let connection = &mut connect(url).await.unwrap();
        let once = &mut connect_for(url, Plans::Once).await.unwrap();
        let deep = Position {
            at: MIDDLE.parse().unwrap(),
            id: uuid::Uuid::nil(),
        };
        let (mut worst, mut faults) = ((0.0, String::new()), Vec::new());
        let (mut tried, mut planned_once) = (0, 0);
        for (who, visibility) in visibilities() {
            for wanted in single_filters().iter().chain(&typical_pairs()) {
                for sort in Sort::ALL {
                    for position in [None, Some(deep)] {
                        let list = || RequestList::new(wanted, &visibility, *sort, position, PAGE);
                        let plan: Value = Explained(list()).get_result(connection).await.unwrap();
                        let mut rows = looked_at(&plan[0]["Plan"]);
                        if list().plans() == Plans::Once {
                            let (fetched, scans) = fetched(once, list()).await;
                            assert_eq!(scans, 0, "{who}, {sort}: {wanted:?}");
                            rows = rows.max(f64::from(i32::try_from(fetched).unwrap()));
                            planned_once += 1;
                        }
                        let name = format!("{rows} rows: {who}, {sort}, {position:?}: {wanted:?}");
                        tried += 1;
                        if rows > MOST && !bounds_the_other_time(wanted, *sort) {
                            faults.push(name.clone());
                        }
                        if rows > worst.0 && !bounds_the_other_time(wanted, *sort) {
                            worst = (rows, name);
                        }
                    }
                }
            }
        }
        println!(
            "{tried} lists, {planned_once} of them planned once, the worst: {}",
            worst.1
        );
        assert!(planned_once > tried / 10);
        assert!(
            faults.is_empty(),
            "{} faults:\n{}",
            faults.len(),
            faults.join("\n")
        );
    });
}

#[test]
fn the_usual_pages_look_at_what_they_show_of_each_part() {
    let text = |text: &str| Some(text.to_owned());
    let everything = || Visibility::Everything;
    let desk = |desk| filter(|f| f.desk = text(desk));
    let states = |states: &[State]| filter(|f| f.states = states.to_vec());
    let partner = |id| filter(|f| f.partner = text(id));
    // The same statement with common and with rare values, and how many parts it has.
    let shapes = [
        (
            (Filter::default(), everything()),
            (Filter::default(), everything()),
            1,
        ),
        ((desk("pad"), everything()), (desk("new"), everything()), 1),
        (
            (states(&[State::Completed]), everything()),
            (states(&[State::OnHold]), everything()),
            1,
        ),
        (
            (states(State::ALL), everything()),
            (states(OPEN), everything()),
            15,
        ),
        (
            (Filter::default(), at(&["pad", "gps", "tpd"])),
            (Filter::default(), at(&["new"])),
            3,
        ),
        (
            (states(State::ALL), at(&["pad", "gps"])),
            (states(OPEN), at(&["new"])),
            30,
        ),
        (
            (partner("1000000"), everything()),
            (partner("1000123"), everything()),
            1,
        ),
        (
            (Filter::default(), Visibility::SubmittedBy("crm".to_owned())),
            (
                Filter::default(),
                Visibility::SubmittedBy("form".to_owned()),
            ),
            1,
        ),
        (
            (
                Filter::default(),
                own("owner-5@example.com", &["1000000", "1000123"]),
            ),
            (Filter::default(), own("nobody@example.com", &["none"])),
            3,
        ),
    ];
    let url = &database().url;
    Runtime::new().unwrap().block_on(async {
        for (common, rare, parts) in &shapes {
            for order in [[common, rare], [rare, common]] {
                // Where statements are planned for their values, one that has run five times may still get one plan for all.
                let for_values = &mut connect(url).await.unwrap();
                let once = &mut connect_for(url, Plans::Once).await.unwrap();
                for (wanted, visibility) in [order[0]; 7].into_iter().chain([order[1]; 2]) {
                    let list =
                        || RequestList::new(wanted, visibility, Sort::NewestFirst, None, PAGE);
                    assert_eq!(list().plans(), Plans::Once, "{wanted:?}");
                    let (rows, scans) = fetched(for_values, list()).await;
                    let (rows_once, scans_once) = fetched(once, list()).await;
                    let name = format!("{wanted:?} {visibility:?}");
                    assert_eq!((scans, scans_once), (0, 0), "{name}");
                    assert!(rows_once <= parts * PAGE, "{rows_once} rows: {name}");
                    // Planning looks up the ends of an index: a few rows more.
                    assert!(rows <= parts * PAGE + 10, "{rows} rows: {name}");
                }
            }
        }
    });
}

#[test]
fn a_page_that_does_not_get_full_does_not_go_through_the_other_states_of_a_desk() {
    let url = &database().url;
    Runtime::new().unwrap().block_on(async {
        let once = &mut connect_for(url, Plans::Once).await.unwrap();
        for sort in Sort::ALL {
            for state in State::ALL {
                let wanted =
                    filter(|f| (f.desk, f.states) = (Some("pad".to_owned()), vec![*state]));
                let everything = &Visibility::Everything;
                let list = RequestList::new(&wanted, everything, *sort, None, PAGE);
                assert_eq!(list.plans(), Plans::Once);
                let plan: Value = Explained(list).get_result(once).await.unwrap();
                let plan = &plan[0]["Plan"];
                let number = |name: &str| plan[name].as_i64().unwrap();
                let blocks = number("Shared Hit Blocks") + number("Shared Read Blocks");
                assert!(
                    blocks <= number("Actual Rows") + 20,
                    "{sort} {state}: {plan:#}"
                );
            }
        }
    });
}

#[test]
fn what_was_changed_lately_is_found_from_either_end() {
    let lists = [
        (
            Sort::OldestFirst,
            filter(|f| f.updated_from = time("2026-09-01T00:00:00Z")),
        ),
        (
            Sort::OldestFirst,
            filter(|f| {
                f.states = vec![State::Completed, State::Rejected];
                f.updated_from = time("2026-09-01T00:00:00Z");
            }),
        ),
        (
            Sort::LastChangedFirst,
            filter(|f| f.created_before = time("2021-02-01T00:00:00Z")),
        ),
    ];
    let url = &database().url;
    Runtime::new().unwrap().block_on(async {
        let connection = &mut connect(url).await.unwrap();
        for (sort, wanted) in &lists {
            let list = RequestList::new(wanted, &Visibility::Everything, *sort, None, PAGE);
            let plan: Value = Explained(list).get_result(connection).await.unwrap();
            let rows = looked_at(&plan[0]["Plan"]);
            assert!(rows <= MOST, "{sort}, {rows} rows: {wanted:?}");
        }
    });
}

#[test]
fn what_many_of_the_first_requests_have_is_found_among_these() {
    let open = |wanted: Filter| Filter {
        states: OPEN.to_vec(),
        ..wanted
    };
    let lists = [
        open(filter(|f| f.words = Some("azure".to_owned()))),
        open(filter(|f| f.assignee = Some("architect 300".to_owned()))),
        open(filter(|f| {
            (f.words, f.desk) = (Some("azure".to_owned()), Some("gps".to_owned()));
        })),
    ];
    let url = &database().url;
    Runtime::new().unwrap().block_on(async {
        let connection = &mut connect(url).await.unwrap();
        for wanted in &lists {
            for sort in [
                Sort::OldestFirst,
                Sort::LastChangedFirst,
                Sort::FirstChangedFirst,
            ] {
                let everything = &Visibility::Everything;
                let list = RequestList::new(wanted, everything, sort, None, PAGE);
                let (rows, scans) = fetched(connection, list).await;
                assert_eq!(scans, 0);
                assert!(rows <= 6 * PAGE, "{sort}, {rows} rows: {wanted:?}");
            }
        }
    });
}

#[test]
fn a_list_that_was_looked_through_to_its_end_is_not_looked_for_again() {
    let held = "select count(*) as count from requests where state = 'on_hold'";
    let wanted = filter(|f| (f.states, f.words) = (vec![State::OnHold], Some("azure".to_owned())));
    let url = &database().url;
    Runtime::new().unwrap().block_on(async {
        let connection = &mut connect(url).await.unwrap();
        let held = count(connection, held).await;
        assert!((10..PAGE).contains(&held));
        let everything = &Visibility::Everything;
        let list = RequestList::new(&wanted, everything, Sort::OldestFirst, None, PAGE);
        let (rows, scans) = fetched(connection, list).await;
        // Each request and its words. Planning looks up the ends of an index: a few rows more.
        assert_eq!(scans, 0);
        assert!(rows <= 2 * held + 10, "{rows} rows for {held}");
    });
}

#[test]
fn what_the_desk_does_not_offer_is_not_looked_for_among_all_requests() {
    let wanted = filter(|f| {
        f.desk = Some("pad".to_owned());
        f.service = Some("deployment".to_owned());
    });
    let for_the_service = f64::from(u32::try_from(STORED).unwrap()) / 10.0;
    let url = &database().url;
    Runtime::new().unwrap().block_on(async {
        let connection = &mut connect(url).await.unwrap();
        for sort in Sort::ALL {
            let list = RequestList::new(&wanted, &Visibility::Everything, *sort, None, PAGE);
            let plan: Value = Explained(list).get_result(connection).await.unwrap();
            let rows = looked_at(&plan[0]["Plan"]);
            assert!(rows <= for_the_service, "{sort}: {rows}");
        }
    });
}

#[test]
fn no_statement_starts_processes_to_share_its_work_however_much_there_is() {
    let url = &database().url;
    Runtime::new().unwrap().block_on(async {
        for plans in [Plans::ForValues, Plans::Once] {
            let connection = &mut connect_for(url, plans).await.unwrap();
            run(
                connection,
                "set parallel_setup_cost = 0; set parallel_tuple_cost = 0; set min_parallel_table_scan_size = 0",
            )
            .await;
            let plan: Vec<Line> = diesel::sql_query("explain select count(*) from requests where title = ''")
                .load(connection)
                .await
                .unwrap();
            let lines: Vec<String> = plan.into_iter().map(|line| line.line).collect();
            assert!(!lines.join("\n").contains("Gather"), "{lines:#?}");
        }
    });
}

#[test]
fn a_small_table_is_read_in_the_order_of_an_index_too() {
    let database = loaded(1_000);
    Runtime::new().unwrap().block_on(async {
        let once = &mut connect_for(&database.url, Plans::Once).await.unwrap();
        let wanted = filter(|f| {
            (f.desk, f.states) = (Some("pad".to_owned()), vec![State::Completed]);
        });
        for sort in Sort::ALL {
            let everything = &Visibility::Everything;
            let list = RequestList::new(&wanted, everything, *sort, None, PAGE);
            assert_eq!(fetched(once, list).await, (PAGE, 0), "{sort}");
        }
    });
}

#[test]
fn a_search_looks_at_a_few_times_what_it_shows_after_thousands_of_requests_in_a_minute() {
    let database = TestDb::fresh();
    let in_a_minute = LOAD.replace("interval '30 minutes'", "interval '20 milliseconds'");
    database
        .query(&in_a_minute.replace("STORED", "12000"))
        .unwrap();
    Runtime::new().unwrap().block_on(async {
        let once = &mut connect_for(&database.url, Plans::Once).await.unwrap();
        let words = Some("azure".to_owned());
        for wanted in [
            filter(|f| f.words.clone_from(&words)),
            filter(|f| (f.words, f.desk) = (words.clone(), Some("tpd".to_owned()))),
        ] {
            let everything = &Visibility::Everything;
            let list = RequestList::new(&wanted, everything, Sort::NewestFirst, None, PAGE);
            assert_eq!(list.plans(), Plans::Once);
            let (rows, _) = fetched(once, list).await;
            assert!(rows <= 6 * PAGE, "{rows} rows: {wanted:?}");
        }
    });
}

#[test]
fn lists_that_are_asked_for_often_stay_prepared_and_are_few() {
    let url = &database().url;
    Runtime::new().unwrap().block_on(async {
        let connection = &mut connect(url).await.unwrap();
        let prepared = "select count(*) as count from pg_prepared_statements where statement like '%requests%' and statement not like '%pg_prepared%'";
        let everything = &Visibility::Everything;
        for round in 1..=3 {
            for wanted in [
                filter(|f| f.desk = Some(format!("desk {round}"))),
                filter(|f| f.states = State::ALL[..round].to_vec()),
                filter(|f| f.created_from = time("2026-06-01T00:00:00Z").filter(|_| round > 1)),
            ] {
                let position = (round > 1).then(|| Position {
                    at: MIDDLE.parse().unwrap(),
                    id: uuid::Uuid::nil(),
                });
                let list = RequestList::new(&wanted, everything, Sort::NewestFirst, position, PAGE);
                page(connection, list).await.unwrap();
            }
            assert_eq!(count(connection, prepared).await, 3, "round {round}");
        }
        // However filters are put together, no connection fills up with statements.
        for (_, visibility) in visibilities() {
            for wanted in single_filters().iter().chain(&typical_pairs()) {
                for sort in Sort::ALL {
                    let list = RequestList::new(wanted, &visibility, *sort, None, PAGE);
                    page(connection, list).await.unwrap();
                }
            }
        }
        let kept = count(connection, prepared).await;
        assert!(kept < 150, "{kept} statements are kept");
        println!("{kept} statements are kept");
    });
}

#[test]
fn the_load_is_as_large_as_it_says() {
    let stored = database().query("select count(*) from requests").unwrap();
    assert_eq!(stored, [STORED.to_string()]);
}

#[test]
fn what_lists_are_cut_from_can_be_taken_back_and_made_again() {
    let database = TestDb::empty();
    let shape = || {
        let indexes = database
            .query("select indexdef from pg_indexes where tablename in ('requests', 'request_words') order by 1");
        let columns = database.query(
            "select column_name || ' ' || coalesce(generation_expression, '') \
             from information_schema.columns where table_name = 'requests' order by 1",
        );
        (indexes.unwrap(), columns.unwrap())
    };
    Runtime::new().unwrap().block_on(async {
        run_pending(&database.url).await.unwrap();
        let made = tokio::task::block_in_place(shape);
        assert!(
            made.0
                .iter()
                .any(|index| index.contains("using gin") || index.contains("USING gin"))
        );
        let mut reverted = 0;
        while !revert_last(&database.url).await.unwrap().contains("000020") {
            reverted += 1;
            assert!(reverted < 100, "the migration is not there");
        }
        assert_ne!(tokio::task::block_in_place(shape), made);
        run_pending(&database.url).await.unwrap();
        assert_eq!(tokio::task::block_in_place(shape), made);
    });
}
