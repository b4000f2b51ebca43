//! A transaction that units of work run in: begun with the first reading, ended with the writing.

use deadpool::managed::Object;
use diesel::QueryResult;
use diesel::pg::Pg;
use diesel::query_builder::{AstPass, QueryFragment, QueryId};
use diesel_async::{RunQueryDsl, SimpleAsyncConnection};
use futures_util::future::join;

use super::apply;
use super::connections::{Manager, give_back};
use super::needs::{Found, Held, Needs, load};
use super::requests::Lock;
use super::writes::Writes;
use super::{Connection, StoreError};

/// A transaction on a connection of the pool. One that is dropped before its end takes the connection along,
/// so that whatever it did is undone by the server.
pub(super) struct Transaction {
    connection: Option<Object<Manager>>,
    lock: Lock,
    is_begun: bool,
    held: Held,
}

impl Transaction {
    /// On this connection; others are waited for or passed over, as the lock says.
    pub fn new(connection: Object<Manager>, lock: Lock) -> Self {
        Self {
            connection: Some(connection),
            lock,
            is_begun: false,
            held: Held::default(),
        }
    }

    /// Reads what several units of work need.
    ///
    /// # Errors
    /// Where the database does not answer. The transaction is of no use then.
    pub async fn load(&mut self, needs: &[&Needs]) -> Result<Vec<Found>, StoreError> {
        let begin = !self.is_begun;
        self.is_begun = true;
        let (connection, held) = (self.connection.as_ref(), &mut self.held);
        let connection = connection.ok_or_else(gone)?;
        load(connection, needs, self.lock, begin, held).await
    }

    /// The connection, for what is read and written in other ways.
    ///
    /// # Errors
    /// Where the database does not answer.
    pub async fn connection(&mut self) -> Result<&mut Connection, StoreError> {
        self.begin().await?;
        self.connection.as_deref_mut().ok_or_else(gone)
    }

    async fn begin(&mut self) -> Result<(), StoreError> {
        if !self.is_begun {
            self.load(&[]).await?;
        }
        Ok(())
    }

    /// Writes and commits, in one round trip.
    ///
    /// # Errors
    /// Where the database does not answer or refuses; nothing is kept then, except where the error says that
    /// nobody knows.
    pub async fn end(mut self, writes: &Writes) -> Result<(), StoreError> {
        self.begin().await?;
        let connection = self.connection.take().ok_or_else(gone)?;
        let (written, committed) =
            join(apply::write(&connection, writes), commit(&connection)).await;
        // Where the writing fails, the commit is carried out as a rollback.
        let result = match (written, committed) {
            (Err(StoreError::Lost(_)), _)
            | (Ok(()), Err(StoreError::Lost(_) | StoreError::Unavailable(_)))
                if !writes.is_empty() =>
            {
                Err(StoreError::CommitOutcomeUnknown)
            }
            (Err(error), _) | (Ok(()), Err(error)) => Err(error),
            (Ok(()), Ok(())) => Ok(()),
        };
        give_back(connection, result.as_ref().err());
        result
    }

    /// Undoes everything, for this reason.
    pub async fn cancel(mut self, error: Option<&StoreError>) {
        let Some(mut connection) = self.connection.take() else {
            return;
        };
        if self.is_begun && connection.batch_execute("rollback").await.is_err() {
            drop(Object::take(connection));
        } else {
            give_back(connection, error);
        }
    }
}

impl Drop for Transaction {
    fn drop(&mut self) {
        if let Some(connection) = self.connection.take()
            && self.is_begun
        {
            drop(Object::take(connection));
        }
    }
}

/// Begins a transaction.
///
/// # Errors
/// Where the database does not answer.
pub(super) async fn begin(mut connection: &Connection) -> Result<(), StoreError> {
    Ok(connection.batch_execute("begin").await?)
}

async fn commit(mut connection: &Connection) -> Result<(), StoreError> {
    Commit.execute(&mut connection).await?;
    Ok(())
}

/// Commits, as a statement like others: statements are sent in the order in which they are prepared, and one
/// that needs no preparation would be carried out before one that is sent for the first time.
#[derive(QueryId)]
struct Commit;

impl QueryFragment<Pg> for Commit {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("commit");
        Ok(())
    }
}

fn gone() -> StoreError {
    StoreError::Lost("the transaction is over".to_owned())
}
