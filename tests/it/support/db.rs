//! A database for each test, on one private Postgres for the whole run.
//!
//! The run has the cluster to itself: its data folder is locked, and a second run takes another folder.
//! A database that a test is done with is lent to another one, emptied first: making and dropping one
//! costs far more. One whose structure or settings a test may have changed is not lent again, and one
//! that a failed test had stays as it is, to be looked at. What a run left goes when the next one begins.

use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, OnceLock};
use std::time::{Duration, Instant};

use engagement_desk::embedded::{Error, PrivatePostgres, Settings};
use engagement_desk::store::migrations;
use tokio::runtime::Runtime;

const TEMPLATE: &str = "migrated";

/// Databases that a test is done with and another may have.
static FREE: Mutex<Vec<String>> = Mutex::new(Vec::new());
/// The service's own queries that wait for a lock.
const WAITING: &str = "from pg_stat_activity where datname = current_database() \
    and application_name = 'engagement-desk' and wait_event_type = 'Lock'";

/// A migrated database with nothing in it, for as long as this lives.
pub struct TestDb {
    name: String,
    pub url: String,
    spoiled: AtomicBool,
}

impl TestDb {
    pub fn fresh() -> Self {
        let free = FREE.lock().unwrap().pop();
        match free {
            Some(name) => {
                let lent = Self::named(name, false);
                lent.empty_all_tables();
                lent
            }
            None => Self::create(TEMPLATE, false),
        }
    }

    /// A database that no migration has seen.
    pub fn empty() -> Self {
        Self::create("template1", true)
    }

    fn create(template: &str, spoiled: bool) -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let name = format!("it_{}", COUNT.fetch_add(1, Ordering::Relaxed));
        maintain(&format!("create database {name} template {template}"));
        Self::named(name, spoiled)
    }

    fn named(name: String, spoiled: bool) -> Self {
        Self {
            url: cluster().url(&name),
            name,
            spoiled: AtomicBool::new(spoiled),
        }
    }

    /// History can't be emptied but by who switches its guard off.
    fn empty_all_tables(&self) {
        let sql = "do $$
            declare name text;
            begin
                set local session_replication_role = replica;
                for name in select tablename from pg_tables
                    where schemaname = 'public' and tablename <> '__diesel_schema_migrations'
                loop
                    execute format('delete from %I', name);
                end loop;
                perform setval(oid, 1, false) from pg_class where relkind = 'S';
            end $$";
        query(&self.url, sql).unwrap();
    }

    fn spoil(&self) {
        self.spoiled.store(true, Ordering::Relaxed);
    }

    /// Its address for a service whose statements may wait for a lock for a minute.
    pub fn patient_url(&self) -> String {
        let and = if self.url.contains('?') { '&' } else { '?' };
        let options = "-c%20lock_timeout%3D60s%20-c%20statement_timeout%3D60s";
        format!("{}{and}options={options}", self.url)
    }

    /// A connection of its own, for what has to stay: a lock, a transaction.
    pub fn session(&self) -> Session {
        self.spoil();
        Session::open(&self.url)
    }

    /// Waits until so many of the service's own queries wait for a lock.
    pub fn wait_for_waiting(&self, count: usize) {
        let deadline = Instant::now() + Duration::from_secs(20);
        let sql = format!("select 1 {WAITING}");
        while self.query(&sql).unwrap().len() < count {
            assert!(Instant::now() < deadline, "nothing waits for a lock");
        }
    }

    /// Makes the queries fail that wait for a lock.
    pub fn cancel_waiting(&self) {
        let sql = format!("select pg_cancel_backend(pid) {WAITING}");
        assert!(!self.query(&sql).unwrap().is_empty());
    }

    /// Lets nobody in any more, and throws out who is in.
    pub fn close(&self) {
        self.spoil();
        maintain(&format!(
            "alter database {} allow_connections false",
            self.name
        ));
        self.throw_out();
    }

    /// Ends all connections.
    pub fn throw_out(&self) {
        maintain(&format!(
            "select pg_terminate_backend(pid) from pg_stat_activity where datname = '{}'",
            self.name
        ));
    }

    /// Lets everybody in again.
    pub fn reopen(&self) {
        maintain(&format!(
            "alter database {} allow_connections true",
            self.name
        ));
    }

    /// Changes a setting of the database, for connections to come.
    pub fn set(&self, setting: &str, value: &str) {
        self.spoil();
        maintain(&format!(
            "alter database {} set {setting} = {value}",
            self.name
        ));
    }

    /// Runs SQL as the service's own user would, and gives the first column of each row as text.
    pub fn query(&self, sql: &str) -> Result<Vec<String>, tokio_postgres::Error> {
        if !sql.trim_start().starts_with("select") {
            self.spoil();
        }
        query(&self.url, sql)
    }

    /// The columns, of all tables, in which this text stands somewhere.
    pub fn places_of(&self, text: &str) -> Vec<String> {
        let columns = self
            .query(
                "select table_name || '.' || column_name || ':' || data_type
                 from information_schema.columns where table_schema = 'public' order by 1",
            )
            .unwrap();
        let is_in = |column: &String| {
            let (name, kind) = column.split_once(':').unwrap();
            let (table, column) = name.split_once('.').unwrap();
            let holds = match kind {
                "bytea" => format!("position(convert_to('{text}', 'UTF8') in {column}) > 0"),
                _ => format!("position('{text}' in {column}::text) > 0"),
            };
            let sql = format!("select count(*) from {table} where {holds}");
            (self.query(&sql).unwrap() != ["0"]).then(|| name.to_owned())
        };
        columns.iter().filter_map(is_in).collect()
    }
}

impl Drop for TestDb {
    fn drop(&mut self) {
        if !std::thread::panicking() && !self.spoiled.load(Ordering::Relaxed) {
            FREE.lock().unwrap().push(std::mem::take(&mut self.name));
        }
    }
}

/// A connection that is kept until this is dropped.
pub struct Session {
    runtime: Runtime,
    client: tokio_postgres::Client,
}

impl Session {
    fn open(url: &str) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let client = runtime.block_on(async {
            let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls)
                .await
                .unwrap();
            tokio::spawn(connection);
            client
        });
        Self { runtime, client }
    }

    pub fn run(&self, sql: &str) {
        self.runtime
            .block_on(self.client.batch_execute(sql))
            .unwrap();
    }

    /// Lets nobody write requests until the session's transaction ends; they can be read.
    pub fn hold_writes(&self) {
        self.run("begin; lock table requests in share mode");
    }

    /// Lets nobody read them either.
    pub fn hold_requests(&self) {
        self.run("begin; lock table requests in access exclusive mode");
    }
}

fn cluster() -> &'static PrivatePostgres {
    static CLUSTER: OnceLock<PrivatePostgres> = OnceLock::new();
    CLUSTER.get_or_init(|| {
        let cluster = start();
        let url = cluster.url("postgres");
        let left = query(
            &url,
            "select datname from pg_database where datname like 'it\\_%'",
        )
        .unwrap();
        for name in left.iter().map(String::as_str).chain([TEMPLATE]) {
            query(
                &url,
                &format!("drop database if exists {name} with (force)"),
            )
            .unwrap();
        }
        query(&url, &format!("create database {TEMPLATE}")).unwrap();
        let migrated = cluster.url(TEMPLATE);
        Runtime::new()
            .unwrap()
            .block_on(migrations::run_pending(&migrated))
            .unwrap();
        cluster
    })
}

fn start() -> PrivatePostgres {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    for number in 1.. {
        let settings = Settings {
            data_dir: folder.join(format!("postgres-{number}")),
            binaries: None,
            durable: false,
        };
        match PrivatePostgres::start(&settings) {
            Err(Error::InUse { .. }) => {}
            started => return started.unwrap(),
        }
    }
    unreachable!("some folder is free")
}

fn maintain(sql: &str) {
    query(&cluster().url("postgres"), sql).unwrap();
}

/// Runs SQL, and gives the first column of each row as text.
pub fn query(url: &str, sql: &str) -> Result<Vec<String>, tokio_postgres::Error> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls).await?;
        let connection = tokio::spawn(connection);
        let messages = client.simple_query(sql).await?;
        drop(client);
        connection.await.unwrap()?;
        Ok(messages
            .into_iter()
            .filter_map(|message| match message {
                tokio_postgres::SimpleQueryMessage::Row(row) => {
                    Some(row.get(0).unwrap_or_default().to_owned())
                }
                _ => None,
            })
            .collect())
    })
}
