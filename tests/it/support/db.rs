//! A database for each test, on one private Postgres for the whole run.
//!
//! The run has the cluster to itself: its data folder is locked, and a second run takes another folder.
//! Databases are copies of one that was migrated, so no test sees what another does, not even its locks
//! and notifications. What a killed run left behind goes when the next one begins.

use std::path::Path;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use engagement_desk::embedded::{Error, PrivatePostgres, Settings};
use engagement_desk::store::migrations;
use tokio::runtime::Runtime;

const TEMPLATE: &str = "migrated";

/// A migrated database with nothing in it, for as long as this lives.
pub struct TestDb {
    name: String,
    pub url: String,
}

impl TestDb {
    pub fn fresh() -> Self {
        Self::create(TEMPLATE)
    }

    /// A database that no migration has seen.
    pub fn empty() -> Self {
        Self::create("template1")
    }

    fn create(template: &str) -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let name = format!("it_{}", COUNT.fetch_add(1, Ordering::Relaxed));
        maintain(&format!(
            "create database {name} template {template} strategy file_copy"
        ));
        Self {
            url: cluster().url(&name),
            name,
        }
    }

    /// Runs SQL as the service's own user would, and gives the first column of each row as text.
    pub fn query(&self, sql: &str) -> Result<Vec<String>, tokio_postgres::Error> {
        query(&self.url, sql)
    }

    /// A connection that stays open, for transactions.
    pub fn session(&self) -> Session {
        Session::open(&self.url)
    }
}

/// A connection that stays open.
pub struct Session {
    client: tokio_postgres::Client,
    runtime: Runtime,
}

impl Session {
    fn open(url: &str) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let (client, connection) = runtime
            .block_on(tokio_postgres::connect(url, tokio_postgres::NoTls))
            .unwrap();
        runtime.spawn(connection);
        Self { client, runtime }
    }

    pub fn run(&self, sql: &str) {
        self.runtime
            .block_on(self.client.batch_execute(sql))
            .unwrap();
    }
}

impl Drop for TestDb {
    fn drop(&mut self) {
        // What a failed test left is worth a look.
        if !std::thread::panicking() {
            maintain(&format!("drop database {} with (force)", self.name));
        }
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

fn query(url: &str, sql: &str) -> Result<Vec<String>, tokio_postgres::Error> {
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
