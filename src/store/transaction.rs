//! A transaction that units of work run in: begun with the first reading, ended with the writing.

use deadpool::managed::Object;
use diesel_async::SimpleAsyncConnection;
use futures_util::future::join;

use super::apply::{self, Writes};
use super::connections::{Manager, give_back};
use super::needs::{Found, Held, Needs, load};
use super::requests::Lock;
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
        let mut commit = &*connection;
        let (written, committed) = join(
            apply::write(&connection, writes),
            commit.batch_execute("commit"),
        )
        .await;
        // Where the writing fails, the commit is carried out as a rollback.
        let result = match (written, committed) {
            (Err(error), _) => Err(error),
            (Ok(()), Err(error)) => Err(StoreError::from(error)),
            (Ok(()), Ok(())) => Ok(()),
        };
        let result = result.map_err(|error| match error {
            StoreError::Lost(_) if !writes.is_empty() => StoreError::CommitOutcomeUnknown,
            other => other,
        });
        give_back(connection, result.as_ref().err());
        result
    }

    /// Undoes everything.
    pub async fn cancel(mut self) {
        let Some(mut connection) = self.connection.take() else {
            return;
        };
        if self.is_begun && connection.batch_execute("rollback").await.is_err() {
            drop(Object::take(connection));
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

fn gone() -> StoreError {
    StoreError::Lost("the transaction is over".to_owned())
}
