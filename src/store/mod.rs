//! Everything that is kept. The only place where a transaction opens, and the only retry loop.

pub mod apply;
pub mod audit;
pub mod catalogs;
mod column;
mod connection;
mod error;
pub mod events;
pub mod feed;
pub mod history;
pub mod idempotency;
pub mod keys;
pub mod migrations;
pub mod ready;
pub mod request_list;
pub mod requests;
mod schema;
pub mod secrets;
pub mod time_entries;

use std::sync::Arc;
use std::time::Duration;

use deadpool::managed::{HookError, Object, Timeouts};
use diesel::ConnectionError;
use diesel_async::pooled_connection::{
    AsyncDieselConnectionManager, ManagerConfig, RecyclingMethod,
};
use diesel_async::{AsyncConnection, AsyncPgConnection, TransactionManager};
use tokio::runtime::Handle;
use tokio::sync::{Notify, Semaphore};

pub use connection::connect;
pub use error::StoreError;

/// A connection as the query functions take it.
pub type Connection = AsyncPgConnection;

type Manager = AsyncDieselConnectionManager<AsyncPgConnection>;
type Pool = deadpool::managed::Pool<Manager>;

/// A transaction that lost against another is done again this many times before the caller hears of it.
const ATTEMPTS: usize = 3;

/// Connections are renewed after this long, so that none outlives a failover unseen.
const MAXIMUM_AGE: Duration = Duration::from_secs(30 * 60);

/// How the connections of a store are shared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PoolLimits {
    /// Connections at most.
    pub connections: usize,
    /// Time that work waits for one of them.
    pub wait: Duration,
    /// Work that waits at once; more is refused at once.
    pub queue: usize,
}

impl Default for PoolLimits {
    fn default() -> Self {
        Self {
            connections: 8,
            wait: Duration::from_secs(1),
            queue: 256,
        }
    }
}

/// The database, behind a pool of connections.
#[derive(Clone)]
pub struct Store {
    pool: Pool,
    queue: Arc<Semaphore>,
    commits: Arc<Notify>,
}

/// An error of a unit of work that may hide a [`StoreError`].
pub trait WorkError: From<StoreError> {
    /// The store's error, where that is what went wrong.
    fn store_error(&self) -> Option<&StoreError>;
}

impl WorkError for StoreError {
    fn store_error(&self) -> Option<&StoreError> {
        Some(self)
    }
}

impl Store {
    /// A store that opens up to `connections` connections as they are needed; it connects to none
    /// yet. Called inside a Tokio runtime, it serves its connections there, whoever uses them.
    pub fn new(url: &str, connections: usize) -> Result<Self, StoreError> {
        let limits = PoolLimits {
            connections,
            ..PoolLimits::default()
        };
        Self::with(url, limits)
    }

    /// The same with limits of one's own.
    pub fn with(url: &str, limits: PoolLimits) -> Result<Self, StoreError> {
        let PoolLimits {
            connections,
            wait,
            queue,
        } = limits;
        let mut config = ManagerConfig::default();
        config.recycling_method = RecyclingMethod::Fast;
        // A connection is served where it was made. Made in a thread that stops before the others, as
        // those of HTTP do, it would be lost to them.
        let home = Handle::try_current().ok();
        config.custom_setup = Box::new(move |url| {
            let (url, home) = (url.to_owned(), home.clone());
            Box::pin(async move {
                let Some(home) = home else {
                    return connect(&url).await;
                };
                let made = home.spawn(async move { connect(&url).await });
                made.await
                    .unwrap_or_else(|error| Err(ConnectionError::BadConnection(error.to_string())))
            })
        });
        let manager = Manager::new_with_config(url, config);
        let pool = Pool::builder(manager)
            .max_size(connections)
            .timeouts(Timeouts {
                wait: Some(wait),
                create: Some(Duration::from_secs(2)),
                recycle: Some(Duration::from_secs(1)),
            })
            .runtime(deadpool::Runtime::Tokio1)
            .pre_recycle(deadpool::managed::Hook::sync_fn(|_, metrics| {
                if metrics.age() > MAXIMUM_AGE {
                    Err(HookError::message("old enough to be renewed"))
                } else {
                    Ok(())
                }
            }))
            .build()
            .map_err(|error| StoreError::Unavailable(error.to_string()))?;
        Ok(Self {
            pool,
            queue: Arc::new(Semaphore::new(queue)),
            commits: Arc::default(),
        })
    }

    /// Runs queries that belong to no transaction.
    pub async fn read<T, E: WorkError>(
        &self,
        work: impl AsyncFnOnce(&mut Connection) -> Result<T, E>,
    ) -> Result<T, E> {
        let mut connection = self.connection().await?;
        let result = work(&mut connection).await;
        give_back(
            connection,
            result.as_ref().err().and_then(WorkError::store_error),
        );
        result
    }

    /// Runs a unit of work in one transaction: all of it is kept, or none.
    ///
    /// Work that lost against another transaction is done again from its start, so it must have no
    /// effect outside the connection.
    pub async fn write<T, E: WorkError>(
        &self,
        work: impl AsyncFn(&mut Connection) -> Result<T, E>,
    ) -> Result<T, E> {
        let mut attempt = 1;
        loop {
            let result = self.write_once(&work).await;
            let lost = result
                .as_ref()
                .err()
                .and_then(WorkError::store_error)
                .is_some_and(StoreError::is_contention);
            if !lost || attempt == ATTEMPTS {
                return result;
            }
            attempt += 1;
        }
    }

    async fn write_once<T, E: WorkError>(
        &self,
        work: &impl AsyncFn(&mut Connection) -> Result<T, E>,
    ) -> Result<T, E> {
        type Transactions = <AsyncPgConnection as AsyncConnection>::TransactionManager;
        let mut connection = self.connection().await?;
        let result = async {
            Transactions::begin_transaction(&mut *connection)
                .await
                .map_err(StoreError::from)?;
            match work(&mut connection).await {
                Ok(value) => {
                    Transactions::commit_transaction(&mut *connection)
                        .await
                        .map_err(|error| match StoreError::from(error) {
                            StoreError::Unavailable(_) => StoreError::CommitOutcomeUnknown,
                            other => other,
                        })?;
                    self.commits.notify_one();
                    Ok(value)
                }
                Err(error) => {
                    // A rollback that fails leaves a broken connection, which the pool throws away.
                    let _ = Transactions::rollback_transaction(&mut *connection).await;
                    Err(error)
                }
            }
        }
        .await;
        give_back(
            connection,
            result.as_ref().err().and_then(WorkError::store_error),
        );
        result
    }

    /// Done when a transaction of this process was committed since the last call. For one task only.
    pub async fn committed(&self) {
        self.commits.notified().await;
    }

    async fn connection(&self) -> Result<Object<Manager>, StoreError> {
        // Work that would not come to its turn in time is refused before it waits.
        let _place = self
            .queue
            .try_acquire()
            .map_err(|full| StoreError::Unavailable(format!("the queue is full: {full}")))?;
        self.pool
            .get()
            .await
            .map_err(|error| StoreError::Unavailable(error.to_string()))
    }
}

fn give_back(connection: Object<Manager>, error: Option<&StoreError>) {
    if error.is_some_and(StoreError::spoils_connection) {
        drop(Object::take(connection));
    }
}
