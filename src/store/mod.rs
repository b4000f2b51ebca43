//! Everything that is kept. The only place where a transaction opens, and the only retry loop.

pub mod apply;
pub mod audit;
pub mod catalogs;
mod column;
mod connection;
mod error;
pub mod events;
pub mod history;
pub mod idempotency;
pub mod keys;
pub mod migrations;
pub mod ready;
pub mod request_list;
pub mod requests;
mod schema;
pub mod secrets;

use std::time::Duration;

use deadpool::managed::{HookError, Object, Timeouts};
use diesel_async::pooled_connection::{
    AsyncDieselConnectionManager, ManagerConfig, RecyclingMethod,
};
use diesel_async::{AsyncConnection, AsyncPgConnection, TransactionManager};

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

/// The database, behind a pool of connections.
#[derive(Clone)]
pub struct Store {
    pool: Pool,
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
    /// A store that opens up to `connections` connections as they are needed; it connects to none yet.
    pub fn new(url: &str, connections: usize) -> Result<Self, StoreError> {
        let mut config = ManagerConfig::default();
        config.recycling_method = RecyclingMethod::Fast;
        config.custom_setup = Box::new(|url| {
            let url = url.to_owned();
            Box::pin(async move { connect(&url).await })
        });
        let manager = Manager::new_with_config(url, config);
        let pool = Pool::builder(manager)
            .max_size(connections)
            .timeouts(Timeouts {
                wait: Some(Duration::from_secs(1)),
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
        Ok(Self { pool })
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

    async fn connection(&self) -> Result<Object<Manager>, StoreError> {
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
