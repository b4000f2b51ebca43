//! Everything that is kept. Only here, and in `transaction`, does a transaction open, and only here is one done again.

pub mod apply;
pub mod audit;
pub mod catalogs;
mod column;
mod columns;
mod connection;
mod connections;
mod drawn;
mod error;
pub mod events;
pub mod feed;
mod few;
mod here;
pub mod history;
pub mod idempotency;
pub mod keys;
mod lanes;
mod limits;
mod marks;
pub mod migrations;
pub mod needs;
mod numbers;
pub mod ready;
mod regulars;
mod replica;
pub mod request_list;
pub mod request_order;
pub mod requests;
mod rows;
mod schema;
pub mod secrets;
pub mod time_entries;
mod transaction;
mod unit;
pub mod words;
pub mod writes;

use std::sync::Arc;

use diesel_async::{AsyncConnection, AsyncPgConnection, TransactionManager};
use tokio::runtime::Handle;

pub use connection::{Plans, connect, connect_for};
use connections::{Commits, Connections, give_back, read_over};
pub use error::StoreError;
use here::ThreadLanes;
use lanes::Lanes;
pub use limits::PoolLimits;
use limits::Shares;
use needs::{Found, Held, Loaded, Needs};
use replica::Replica;
use requests::Lock;
pub use unit::Unit;

/// A connection as the query functions take it.
pub type Connection = AsyncPgConnection;

/// Lanes that all threads share, for units of work that write: while one commits, the other one reads and decides. More
/// of them make smaller companies, and each company costs a statement and a commit.
const SHARED_WRITING_LANES: usize = 2;

/// A transaction that lost against another is done again this many times before the caller hears of it.
const ATTEMPTS: usize = 3;

/// The database, behind a pool of connections.
#[derive(Clone)]
pub struct Store {
    /// For whatever is asked.
    connections: Connections,
    /// For what is asked for many at once.
    shared: Connections,
    /// Where work that comes together is done together; none outside a runtime.
    lanes: Option<Lanes>,
    /// The same for threads that have it for themselves.
    thread_lanes: ThreadLanes,
    /// What is read instead of it where that is as good, if there is one.
    replica: Option<Replica>,
}

/// An error of a unit of work that may hide a [`StoreError`].
pub trait WorkError: From<StoreError> {
    /// The store's error, where that is what went wrong.
    fn store_error(&self) -> Option<&StoreError>;
}

/// Whether work lost against another transaction.
fn lost<T, E: WorkError>(result: &Result<T, E>) -> bool {
    let error = result.as_ref().err().and_then(WorkError::store_error);
    error.is_some_and(StoreError::is_contention)
}

/// Does work again while it loses, a few times.
async fn until_won<T, E: WorkError>(work: impl AsyncFn() -> Result<T, E>) -> Result<T, E> {
    for _ in 1..ATTEMPTS {
        let result = work().await;
        if !lost(&result) {
            return result;
        }
    }
    work().await
}

impl WorkError for StoreError {
    fn store_error(&self) -> Option<&StoreError> {
        Some(self)
    }
}

impl Store {
    /// A store that opens up to `connections` connections as they are needed; it connects to none
    /// yet. Called inside a Tokio runtime, it serves its connections there, whoever uses them.
    ///
    /// # Errors
    /// Where the URL can't be read.
    pub fn new(url: &str, connections: usize) -> Result<Self, StoreError> {
        let limits = PoolLimits {
            connections,
            ..PoolLimits::default()
        };
        Self::with(url, limits)
    }

    /// The same with limits of one's own.
    ///
    /// # Errors
    /// Where the URL can't be read.
    pub fn with(url: &str, limits: PoolLimits) -> Result<Self, StoreError> {
        let commits: Arc<Commits> = Arc::default();
        let Shares {
            threads,
            for_one,
            for_many,
        } = limits.shares();
        let open = |connections, plans| {
            Connections::new(url, limits.with(connections), plans, Arc::clone(&commits))
        };
        let connections = open(for_one, Plans::ForValues)?;
        let shared = open(for_many, Plans::Once)?;
        let thread_lanes = ThreadLanes::new(url, limits, threads, commits);
        let lanes = Handle::try_current().is_ok();
        Ok(Self {
            lanes: lanes.then(|| Lanes::open(&shared, SHARED_WRITING_LANES)),
            connections,
            shared,
            thread_lanes,
            replica: None,
        })
    }

    /// For a thread that serves requests, inside its Tokio runtime: what it asks for from now on goes over connections of
    /// its own, if there are enough of them.
    ///
    /// # Errors
    /// Where the URL can't be read.
    pub fn open_lanes_here(&self) -> Result<(), StoreError> {
        self.thread_lanes.open()
    }

    fn lanes(&self) -> Option<Lanes> {
        self.thread_lanes.lanes().or_else(|| self.lanes.clone())
    }

    /// The same store with a replica of its database to read from, which gets as many connections as such reads have
    /// to the database itself.
    ///
    /// # Errors
    /// Where the URL can't be read.
    pub fn with_replica(mut self, url: &str, limits: PoolLimits) -> Result<Self, StoreError> {
        let Shares {
            threads,
            for_one,
            for_many: _,
        } = limits.shares();
        let limits = limits.with(for_one + threads * here::FOR_ONE);
        let connections = Connections::new(url, limits, Plans::ForValues, Arc::default())?;
        self.replica = Some(Replica::new(connections, self.shared.clone()));
        Ok(self)
    }

    /// Runs queries that belong to no transaction, over a connection where they are planned in this way if there is one,
    /// or else for their values.
    pub async fn read<T, E: WorkError>(
        &self,
        plans: Plans,
        work: impl AsyncFnOnce(&mut Connection) -> Result<T, E>,
    ) -> Result<T, E> {
        match self.thread_lanes.connection(plans).await? {
            Some(connection) => read_over(connection, work).await,
            None => self.connections.read(work).await,
        }
    }

    /// Whether the database answers and takes writes. Asked over the connections of what is asked for many at once, so
    /// that long readings, which hold up others of their kind, don't make the service look dead.
    ///
    /// # Errors
    /// Where it does not answer.
    pub async fn takes_writes(&self) -> Result<bool, StoreError> {
        self.shared
            .read(async |connection: &mut Connection| ready::takes_writes(connection).await)
            .await
    }

    /// Runs queries that belong to no transaction, on the replica where there is one that is of use, for their values
    /// there. Either way they see all that was acknowledged before.
    ///
    /// They may be run a second time, so they must have no effect but by what they give back.
    pub async fn read_anywhere<T, E: WorkError>(
        &self,
        plans: Plans,
        work: impl AsyncFn(&mut Connection) -> Result<T, E>,
    ) -> Result<T, E> {
        if let Some(replica) = &self.replica
            && let Some(result) = replica.read(&work).await
        {
            return result;
        }
        self.read(plans, work).await
    }

    /// Reads what is needed as it is now, together with what others need at this moment.
    ///
    /// # Errors
    /// Where the database does not answer.
    pub async fn load(&self, needs: Needs) -> Result<Box<Loaded>, StoreError> {
        if let Some(lanes) = self.lanes()
            && let Some(loaded) = lanes.read(needs.clone()).await?
        {
            return Ok(loaded);
        }
        // What is rare is kept apart, so that it is not moved about with what is not.
        Box::pin(self.load_alone(needs)).await
    }

    async fn load_alone(&self, needs: Needs) -> Result<Box<Loaded>, StoreError> {
        let found = self
            .shared
            .read(async |connection: &mut Connection| {
                needs::load(connection, &[&needs], Lock::No, false, &mut Held::default()).await
            })
            .await?;
        match found.into_iter().next() {
            Some(Found::All(loaded)) => Ok(loaded),
            Some(Found::Elsewhere) | None => Err(StoreError::Contended),
        }
    }

    /// Runs a unit of work in one transaction: all of it is kept, or none. It shares the transaction with
    /// others that come at the same time, wherever they don't get in each other's way.
    ///
    /// Work that lost against another transaction is done again from its start, so it must have no
    /// effect but by its [`Unit`].
    pub async fn write<T, E: WorkError>(
        &self,
        work: impl AsyncFn(&mut Unit) -> Result<T, E>,
    ) -> Result<T, E> {
        if let Some(lanes) = self.lanes() {
            let mut unit = Unit::together(lanes);
            let result = work(&mut unit).await;
            let result = unit.end(result, &self.shared).await;
            if !lost(&result) {
                return result;
            }
        }
        Box::pin(until_won(async || {
            let mut unit = Unit::alone(self.shared.get().await?);
            let result = work(&mut unit).await;
            unit.end(result, &self.shared).await
        }))
        .await
    }

    /// Runs queries in a transaction of their own: all of it is kept, or none.
    ///
    /// Work that lost against another transaction is done again from its start, so it must have no
    /// effect outside the connection.
    pub async fn write_alone<T, E: WorkError>(
        &self,
        work: impl AsyncFn(&mut Connection) -> Result<T, E>,
    ) -> Result<T, E> {
        until_won(async || self.write_alone_once(&work).await).await
    }

    async fn write_alone_once<T, E: WorkError>(
        &self,
        work: &impl AsyncFn(&mut Connection) -> Result<T, E>,
    ) -> Result<T, E> {
        type Transactions = <AsyncPgConnection as AsyncConnection>::TransactionManager;
        let mut connection = self.connections.get().await?;
        let result = async {
            Transactions::begin_transaction(&mut *connection)
                .await
                .map_err(StoreError::from)?;
            match work(&mut connection).await {
                Ok(value) => {
                    Transactions::commit_transaction(&mut *connection)
                        .await
                        .map_err(|error| match StoreError::from(error) {
                            StoreError::Lost(_) | StoreError::Unavailable(_) => {
                                StoreError::CommitOutcomeUnknown
                            }
                            other => other,
                        })?;
                    self.connections.tell_of_commit();
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

    /// Whether words of requests were written by this process since the last call.
    pub fn take_new_words(&self) -> bool {
        self.connections.take_new_words()
    }

    /// Done when a transaction of this process was committed since the last call. For one task only.
    pub async fn next_commit(&self) {
        self.connections.next_commit().await;
    }
}
