//! The database as the migrations make it: both ways, all at once, and as the code believes it to be.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use diesel_async::AsyncPgConnection;
use diesel_async::async_connection_wrapper::AsyncConnectionWrapper;
use diesel_migrations::MigrationHarness;
use engagement_desk::domain::actor::{Role, Scope};
use engagement_desk::domain::facts::Relationship;
use engagement_desk::domain::lifecycle::{EventKind, State};
use engagement_desk::store::audit::AuditOutcome;
use engagement_desk::store::migrations::{MIGRATIONS, revert_last, run_pending};
use engagement_desk::store::{StoreError, connect};
use tokio::runtime::Runtime;

use crate::support::app::{TestApp, session_at_pad};
use crate::support::db::TestDb;

/// Everything the migrations make, one thing a line. Columns are told without their order.
const SCHEMA: &str = "
    select line from (
        select format('column %s.%s %s %s %s %s %s %s %s', relation.relname, attname, format_type(atttypid, atttypmod),
                      case when attnotnull then 'not null' else 'null' end,
                      attidentity::text || attgenerated::text, pg_get_expr(adbin, adrelid),
                      attstorage, attcompression, attstattarget) as line
        from pg_attribute
        join pg_class as relation on relation.oid = attrelid and relkind in ('r', 'v', 'm', 'p', 'i')
        left join pg_attrdef on adrelid = attrelid and adnum = attnum
        where attnum > 0 and not attisdropped and relnamespace = 'public'::regnamespace
        union all
        select format('constraint %s on %s %s', conname, conrelid::regclass, pg_get_constraintdef(oid))
        from pg_constraint where connamespace = 'public'::regnamespace
        union all
        select format('index %s', indexdef) from pg_indexes where schemaname = 'public'
        union all
        select format('trigger %s %s', tgenabled, pg_get_triggerdef(oid)) from pg_trigger where not tgisinternal
        union all
        select format('function %s', pg_get_functiondef(oid)) from pg_proc
        where pronamespace = 'public'::regnamespace and prokind in ('f', 'p')
        union all
        select format('relation %s %s %s %s %s', relkind, relname, relowner::regrole, relacl, reloptions) from pg_class
        where relnamespace = 'public'::regnamespace
        union all
        select format('view %s %s', viewname, definition) from pg_views where schemaname = 'public'
        union all
        select format('type %s %s', typtype, typname) from pg_type
        where typnamespace = 'public'::regnamespace and typtype in ('e', 'd', 'r')
        union all
        select format('extension %s', extname) from pg_extension
        union all
        select format('text search %s', cfgname) from pg_ts_config where cfgnamespace = 'public'::regnamespace
    ) as lines where line not like '%__diesel_schema_migrations%' order by line";

fn schema(db: &TestDb) -> Vec<String> {
    db.query(SCHEMA).unwrap()
}

/// The migrations in the repository, in their order.
fn names() -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations");
    let mut names: Vec<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap())
        .filter(|entry| entry.path().is_dir())
        .map(|entry| entry.file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

fn run_next(url: &str) {
    Runtime::new().unwrap().block_on(async {
        let connection = connect(url).await.unwrap();
        tokio::task::spawn_blocking(move || {
            let mut harness = AsyncConnectionWrapper::<AsyncPgConnection>::from(connection);
            harness.run_next_migration(MIGRATIONS).unwrap();
        })
        .await
        .unwrap();
    });
}

fn run_all(url: &str) -> Result<Vec<String>, StoreError> {
    Runtime::new().unwrap().block_on(run_pending(url))
}

fn revert(url: &str) -> Result<String, StoreError> {
    Runtime::new().unwrap().block_on(revert_last(url))
}

#[test]
fn every_migration_can_be_taken_back_and_run_again() {
    let db = TestDb::empty();
    for name in names() {
        let before = schema(&db);
        run_next(&db.url);
        let after = schema(&db);
        assert_ne!(before, after, "{name} does nothing");
        revert(&db.url).unwrap();
        assert_eq!(
            schema(&db),
            before,
            "down.sql of {name} leaves something behind"
        );
        run_next(&db.url);
        assert_eq!(
            schema(&db),
            after,
            "{name} makes something else the second time"
        );
    }
    assert_eq!(run_all(&db.url).unwrap(), [""; 0]);
    assert_eq!(schema(&db), schema(&TestDb::fresh()));
}

#[test]
fn with_all_migrations_taken_back_nothing_is_left() {
    let db = TestDb::empty();
    let empty = schema(&db);
    assert_eq!(run_all(&db.url).unwrap().len(), names().len());
    for _ in names() {
        revert(&db.url).unwrap();
    }
    assert_eq!(schema(&db), empty);
    assert!(revert(&db.url).is_err());
}

#[test]
fn instances_that_migrate_at_once_all_succeed_and_each_migration_runs_once() {
    let db = TestDb::empty();
    let url = db.url.as_str();
    let ran: Vec<String> = std::thread::scope(|scope| {
        let instances: Vec<_> = (0..4).map(|_| scope.spawn(move || run_all(url))).collect();
        instances
            .into_iter()
            .flat_map(|instance| instance.join().unwrap().unwrap())
            .collect()
    });
    assert_eq!(ran.len(), names().len(), "{ran:?}");
    assert_eq!(schema(&db), schema(&TestDb::fresh()));
}

#[test]
fn a_failed_migration_is_undone_with_those_before_it_and_holds_nobody_up() {
    // In the way of the last table the first migration makes, and of a later one.
    for table in ["requests", "api_keys"] {
        let db = TestDb::empty();
        db.query(&format!("create table {table} (wrong text)"))
            .unwrap();
        let before = schema(&db);
        assert!(run_all(&db.url).is_err());
        assert_eq!(schema(&db), before, "{table}");
        db.query(&format!("drop table {table}")).unwrap();
        assert_eq!(run_all(&db.url).unwrap().len(), names().len());
    }
}

/// Every column as `src/store/schema.rs` has it: its type and whether it may be null.
fn believed() -> BTreeMap<String, (String, bool)> {
    let source = include_str!("../../src/store/schema.rs");
    let mut columns = BTreeMap::new();
    let mut table = "";
    for line in source.lines().map(str::trim) {
        let column = line
            .strip_suffix(',')
            .and_then(|line| line.split_once(" -> "));
        if let Some((name, kind)) = column {
            let (kind, nullable) = match kind.strip_prefix("Nullable<") {
                Some(inner) => (inner.strip_suffix('>').unwrap(), true),
                None => (kind, false),
            };
            let column = format!("{table}.{name}");
            columns.insert(column, (postgres_type(kind), nullable));
        } else if let Some((name, _)) = line
            .strip_suffix(") {")
            .and_then(|line| line.split_once(" ("))
        {
            table = name;
        }
    }
    columns
}

fn postgres_type(kind: &str) -> String {
    if let Some(element) = kind.strip_prefix("Array<") {
        return format!("{}[]", postgres_type(element.strip_suffix('>').unwrap()));
    }
    let name = match kind {
        "Uuid" => "uuid",
        "Text" => "text",
        "Bool" => "boolean",
        "Int2" => "smallint",
        "Int4" => "integer",
        "Int8" => "bigint",
        "Float8" => "double precision",
        "Json" => "json",
        "Jsonb" => "jsonb",
        "Bytea" => "bytea",
        "Date" => "date",
        "Tsvector" => "tsvector",
        "Timestamptz" => "timestamp with time zone",
        other => panic!("say here what {other} is in Postgres"),
    };
    name.to_owned()
}

#[test]
fn the_tables_are_what_the_code_takes_them_for() {
    let db = TestDb::fresh();
    let rows = db
        .query(
            "select format('%s.%s|%s|%s', relname, attname, format_type(atttypid, atttypmod), not attnotnull)
             from pg_attribute join pg_class on pg_class.oid = attrelid
             where relnamespace = 'public'::regnamespace and relkind in ('r', 'v', 'p') and attnum > 0
               and not attisdropped and relname <> '__diesel_schema_migrations'",
        )
        .unwrap();
    let present: BTreeMap<String, (String, bool)> = rows
        .iter()
        .map(|row| {
            let [column, kind, nullable] = row.split('|').collect::<Vec<_>>().try_into().unwrap();
            (column.to_owned(), (kind.to_owned(), nullable == "t"))
        })
        .collect();
    assert_eq!(present, believed());
}

fn words<T: std::fmt::Display>(vocabulary: &[T]) -> BTreeSet<String> {
    vocabulary.iter().map(ToString::to_string).collect()
}

#[test]
fn columns_of_words_take_the_words_of_the_code_and_no_others() {
    let vocabularies = BTreeMap::from([
        ("requests.state", words(State::ALL)),
        ("request_events.kind", words(EventKind::ALL)),
        ("audit.outcome", words(AuditOutcome::ALL)),
        ("api_keys.role", words(Role::ALL)),
        ("api_keys.relationship", words(Relationship::ALL)),
        ("api_keys.scopes", words(Scope::ALL)),
    ]);
    let db = TestDb::fresh();
    let checks = db
        .query(
            "select format('%s.%s|%s', relname, attname, pg_get_constraintdef(pg_constraint.oid))
             from pg_constraint join pg_class on pg_class.oid = conrelid
             join pg_attribute on attrelid = conrelid and attnum = conkey[1]
             where contype = 'c' and cardinality(conkey) = 1
               and pg_get_constraintdef(pg_constraint.oid) ~ 'ARRAY|::text\\[\\]'",
        )
        .unwrap();
    let found: BTreeMap<&str, BTreeSet<String>> = checks
        .iter()
        .map(|check| {
            let (column, definition) = check.split_once('|').unwrap();
            // A list of constants, or one constant that is a list.
            let quoted = definition.split('\'').skip(1).step_by(2);
            let words = quoted.flat_map(|text| text.trim_matches(['{', '}']).split(','));
            (column, words.map(str::to_owned).collect())
        })
        .collect();
    assert_eq!(found, vocabularies);
}

/// The tables that every create and step writes to.
const WRITTEN_BY_ALL: &str =
    "array['requests', 'request_words', 'request_events', 'idempotency_keys', 'audit']::regclass[]";

#[test]
fn no_statistics_are_taken_of_more_rows_than_they_need() {
    let columns = TestDb::fresh()
        .query(&format!(
            "select format('%s.%s', attrelid::regclass, attname)
             from pg_attribute left join pg_index on indexrelid = attrelid
             where coalesce(indrelid, attrelid) = any ({WRITTEN_BY_ALL}) and attnum > 0 and not attisdropped
                 -- What an index computes; the rest of it is known from the table.
                 and (indexrelid is null or indkey[attnum - 1] = 0)
                 and attstattarget not between 0 and 20"
        ))
        .unwrap();
    assert_eq!(columns, [""; 0], "give them `set statistics`");
}

#[test]
fn no_check_that_every_write_compiles_lists_constants() {
    let checks = TestDb::fresh()
        .query(&format!(
            "select conname from pg_constraint
             where contype = 'c' and conrelid = any ({WRITTEN_BY_ALL}) and pg_get_constraintdef(oid) ~ 'ARRAY'"
        ))
        .unwrap();
    assert_eq!(checks, [""; 0], "make the list one constant");
}

#[test]
fn history_is_not_changed_by_sql_of_the_service_itself() {
    let app = TestApp::start();
    app.pdm("paula@example.com").create(&session_at_pad());
    let lines = "select request_events::text from request_events";
    let before = app.db.query(lines).unwrap();
    assert_eq!(before.len(), 1);
    for sql in [
        "update request_events set reason = 'because'",
        "update request_events set reason = reason",
        "delete from request_events",
        "truncate request_events",
        "truncate requests cascade",
        "insert into request_events overriding system value select * from request_events
         on conflict (transaction_number, position) do update set reason = 'because'",
    ] {
        let error = app.db.query(sql).unwrap_err();
        let message = error.as_db_error().unwrap().message();
        assert_eq!(message, "history is never changed", "{sql}");
    }
    // The request can't go either while its history stands.
    let error = app.db.query("delete from requests").unwrap_err();
    assert!(
        error.as_db_error().unwrap().constraint().is_some(),
        "{error:?}"
    );
    assert_eq!(app.db.query(lines).unwrap(), before);
}

#[test]
fn a_submitted_request_without_a_desk_or_a_decision_cannot_be_stored() {
    let app = TestApp::start();
    app.pdm("paula@example.com").create(&session_at_pad());
    for sql in [
        "update requests set desk = null",
        "update requests set decision = null",
        "update requests set state = 'lost'",
        "update requests set version = 0",
    ] {
        let error = app.db.query(sql).unwrap_err();
        let code = error.code().unwrap();
        assert_eq!(
            code,
            &tokio_postgres::error::SqlState::CHECK_VIOLATION,
            "{sql}"
        );
    }
}

#[test]
fn requests_from_before_their_words_stood_apart_are_found_by_them() {
    let db = TestDb::empty();
    run_all(&db.url).unwrap();
    while !revert(&db.url).unwrap().contains("000050") {}
    db.query(
        "insert into requests (id, reference, state, version, facts, progress, requested_by,
             owner_subject, submitted_by, created_at, updated_at, state_since)
         values (gen_random_uuid(), 'PAD-2025-000007', 'draft', 1,
             '{\"title\": \"Landing-zone, Straße 7\", \"external_reference\": \"CRM-881\"}',
             '{}', '{}', 'x', 'x', now(), now(), now())",
    )
    .unwrap();
    run_all(&db.url).unwrap();
    for words in [
        "'landing' <-> 'zone'",
        "'straße'",
        "'crm' <-> '881'",
        "'pad' <-> '2025' <-> '000007'",
    ] {
        let found = format!(
            "select count(*) from newest_with($${words}$$, '''@submitter:x''', null, '-infinity', gen_random_uuid(),
                 '9999-12-31', gen_random_uuid(), 2)"
        );
        assert_eq!(db.query(&found).unwrap(), ["1"], "{words}");
    }
}
