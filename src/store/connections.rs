//! Connections to Postgres, shared.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use deadpool::managed::{HookError, Object, PoolError, TimeoutType, Timeouts};
use diesel::ConnectionError;
use diesel_async::AsyncPgConnection;
use diesel_async::pooled_connection::{
    AsyncDieselConnectionManager, ManagerConfig, RecyclingMethod,
};
use tokio::runtime::Handle;
use tokio::sync::{Notify, Semaphore};

use super::apply::Writes;
use super::connection::{Plans, check, connect_for};
use super::{Connection, StoreError, WorkError, here};

pub(super) type Manager = AsyncDieselConnectionManager<AsyncPgConnection>;
type Pool = deadpool::managed::Pool<Manager>;

/// Connections are renewed after this long, so that none outlives a failover unseen.
const MAXIMUM_AGE: Duration = Duration::from_secs(30 * 60);

/// Connections for work of any thread that has to be done by itself, and for threads without their own.
const FOR_ALL_THREADS: usize = 4;

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
            connections: 14,
            wait: Duration::from_secs(1),
            queue: 256,
        }
    }
}

impl PoolLimits {
    /// Both parts of the connections: three of ten for whatever is asked, and the others for what is asked for many at
    /// once. Neither does without one.
    ///
    /// The first are few, because each has its reading done by itself, for milliseconds: with more of them at work than
    /// Postgres has cores, all wait for each other, and so does what is asked for many at once.
    pub(super) fn parts(self) -> (Self, Self) {
        let one = (self.connections * 3 / 10).max(1);
        let other = self.connections.saturating_sub(one).max(1);
        let with = |connections| Self {
            connections,
            ..self.clone()
        };
        (with(one), with(other))
    }

    /// So many connections less.
    pub(super) fn without(self, connections: usize) -> Self {
        Self {
            connections: self.connections - connections,
            ..self
        }
    }

    /// So many threads may have connections of their own, out of this part.
    pub(super) fn threads_with_lanes(&self) -> usize {
        self.connections.saturating_sub(FOR_ALL_THREADS) / here::CONNECTIONS
    }
}

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
        self.pool.get().await.map_err(|error| match error {
            PoolError::Timeout(TimeoutType::Wait) => NoConnection::AllInUse(error.to_string()),
            _ => NoConnection::Failed(error.to_string()),
        })
    }

    /// Runs queries that belong to no transaction.
    pub async fn read<T, E: WorkError>(
        &self,
        work: impl AsyncFnOnce(&mut Connection) -> Result<T, E>,
    ) -> Result<T, E> {
        let mut connection = self.get().await?;
        let result = work(&mut connection).await;
        give_back(
            connection,
            result.as_ref().err().and_then(WorkError::store_error),
        );
        result
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
    fn both_parts_together_have_as_many_connections_as_are_allowed() {
        for connections in 2..40 {
            let limits = PoolLimits {
                connections,
                ..PoolLimits::default()
            };
            let (one, other) = limits.parts();
            assert_eq!(one.connections + other.connections, connections);
            assert!(one.connections > 0 && other.connections > 0);
        }
    }

    #[test]
    fn every_thread_has_connections_of_its_own_with_as_many_as_the_operator_is_told() {
        for (connections, threads) in [
            (PoolLimits::default().connections, 2),
            (14, 2),
            (23, 4),
            (40, 8),
        ] {
            let limits = PoolLimits {
                connections,
                ..PoolLimits::default()
            };
            let (_, for_many) = limits.parts();
            assert_eq!(for_many.threads_with_lanes(), threads, "{connections}");
        }
    }

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
