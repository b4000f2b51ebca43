//! Connections to Postgres, shared.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use deadpool::managed::{HookError, Object, PoolError, QueueMode, TimeoutType, Timeouts};
use diesel::ConnectionError;
use diesel_async::AsyncPgConnection;
use diesel_async::pooled_connection::{
    AsyncDieselConnectionManager, ManagerConfig, RecyclingMethod,
};
use tokio::runtime::Handle;
use tokio::sync::{Notify, Semaphore};

use super::connection::{Plans, check, connect_for};
use super::limits::PoolLimits;
use super::writes::Writes;
use super::{Connection, StoreError, WorkError};

pub(super) type Manager = AsyncDieselConnectionManager<AsyncPgConnection>;
type Pool = deadpool::managed::Pool<Manager>;

/// Connections are renewed after this long, so that none outlives a failover unseen.
const MAXIMUM_AGE: Duration = Duration::from_secs(30 * 60);

/// Why there is no connection for somebody.
pub(super) enum NoConnection {
    /// None came free in time.
    AllInUse(String),
    /// None could be made.
    Failed(String),
}

/// What transactions of this process brought, for those who look after it.
#[derive(Debug, Default)]
pub(super) struct Commits {
    some: Notify,
    new_words: AtomicBool,
}

/// A pool of connections. Clones share it.
#[derive(Clone)]
pub(super) struct Connections {
    pool: Pool,
    queue: Arc<Semaphore>,
    commits: Arc<Commits>,
}

impl Connections {
    /// Opens connections as they are needed, and tells of commits; it connects to none yet. Called inside a Tokio
    /// runtime, it serves them there, whoever uses them.
    ///
    /// # Errors
    /// Where the URL can't be read.
    pub fn new(
        url: &str,
        limits: PoolLimits,
        plans: Plans,
        commits: Arc<Commits>,
    ) -> Result<Self, StoreError> {
        check(url)?;
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
                    return connect_for(&url, plans).await;
                };
                let made = home.spawn(async move { connect_for(&url, plans).await });
                made.await
                    .unwrap_or_else(|error| Err(ConnectionError::BadConnection(error.to_string())))
            })
        });
        let manager = Manager::new_with_config(url, config);
        let pool = Pool::builder(manager)
            .max_size(connections)
            // The one that was used last, so that little is done by as few servers of Postgres as it takes: each has
            // statements, catalogue and pages of its own to come across first, and buffers here.
            .queue_mode(QueueMode::Lifo)
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
            commits,
        })
    }

    /// A connection, when one is free.
    ///
    /// # Errors
    /// Where none comes free in time, or the database can't be reached.
    pub async fn get(&self) -> Result<Object<Manager>, StoreError> {
        self.get_or_tell().await.map_err(|none| match none {
            NoConnection::AllInUse(why) | NoConnection::Failed(why) => StoreError::Unavailable(why),
        })
    }

    /// The same, for who has to know why there is none.
    pub async fn get_or_tell(&self) -> Result<Object<Manager>, NoConnection> {
        // Work that would not come to its turn in time is refused before it waits.
        let _place = self
            .queue
            .try_acquire()
            .map_err(|full| NoConnection::AllInUse(format!("the queue is full: {full}")))?;
        self.pool.get().await.map_err(no_connection)
    }

    /// A connection, where one is free within this time.
    ///
    /// # Errors
    /// Where the database can't be reached.
    pub async fn get_within(&self, wait: Duration) -> Result<Option<Object<Manager>>, StoreError> {
        let timeouts = Timeouts {
            wait: Some(wait),
            ..self.pool.timeouts()
        };
        match self
            .pool
            .timeout_get(&timeouts)
            .await
            .map_err(no_connection)
        {
            Ok(connection) => Ok(Some(connection)),
            Err(NoConnection::AllInUse(_)) => Ok(None),
            Err(NoConnection::Failed(why)) => Err(StoreError::Unavailable(why)),
        }
    }

    /// Runs queries that belong to no transaction.
    pub async fn read<T, E: WorkError>(
        &self,
        work: impl AsyncFnOnce(&mut Connection) -> Result<T, E>,
    ) -> Result<T, E> {
        read_over(self.get().await?, work).await
    }

    /// Says that a transaction was committed.
    pub fn tell_of_commit(&self) {
        self.commits.some.notify_one();
    }

    /// Says that this was committed.
    pub fn wrote(&self, writes: &Writes) {
        if writes.has_news() {
            self.tell_of_commit();
        }
        if writes.has_words() {
            self.commits.new_words.store(true, Ordering::Relaxed);
        }
    }

    /// Whether words were committed since the last call.
    pub fn take_new_words(&self) -> bool {
        self.commits.new_words.swap(false, Ordering::Relaxed)
    }

    /// Done when a transaction was committed since the last call. For one task only.
    pub async fn next_commit(&self) {
        self.commits.some.notified().await;
    }
}

fn no_connection<E: std::fmt::Display>(error: PoolError<E>) -> NoConnection {
    match error {
        PoolError::Timeout(TimeoutType::Wait) => NoConnection::AllInUse(error.to_string()),
        _ => NoConnection::Failed(error.to_string()),
    }
}

/// Runs queries that belong to no transaction, over this connection.
pub(super) async fn read_over<T, E: WorkError>(
    mut connection: Object<Manager>,
    work: impl AsyncFnOnce(&mut Connection) -> Result<T, E>,
) -> Result<T, E> {
    let result = work(&mut connection).await;
    give_back(
        connection,
        result.as_ref().err().and_then(WorkError::store_error),
    );
    result
}

/// Gives a connection back to the pool, unless the error says that it is of no use any more.
pub(super) fn give_back(connection: Object<Manager>, error: Option<&StoreError>) {
    if error.is_some_and(StoreError::spoils_connection) {
        drop(Object::take(connection));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_that_cannot_be_read_is_refused_and_not_shown() {
        let url = "postgres://desk:secret@localhost:port/desk";
        let limits = PoolLimits::default();
        let made = Connections::new(url, limits, Plans::ForValues, Arc::default());
        let Err(error) = made else {
            panic!("it has been read");
        };
        assert!(matches!(error, StoreError::Url(_)), "{error}");
        assert!(!error.to_string().contains("secret"), "{error}");
    }
}
