//! One unit of work, as a flow sees it: it reads what it needs, and says what is to be written.

use deadpool::managed::Object;

use super::connections::{Connections, Manager};
use super::lanes::{End, Lanes, Seat};
use super::needs::{Found, Loaded, Needs};
use super::requests::Lock;
use super::transaction::Transaction;
use super::writes::Writes;
use super::{Connection, StoreError, WorkError};

/// A unit of work. What it writes is written when it is done, all at once.
pub struct Unit {
    way: Way,
    /// What is to be written.
    pub writes: Box<Writes>,
}

enum Way {
    /// In a transaction that it shares with others.
    Together(Seat),
    /// In one of its own.
    Alone(Box<Transaction>),
}

impl Unit {
    pub(super) fn together(lanes: Lanes) -> Self {
        Self {
            way: Way::Together(Seat::new(lanes)),
            writes: Box::default(),
        }
    }

    pub(super) fn alone(connection: Object<Manager>) -> Self {
        Self {
            way: Way::Alone(Box::new(Transaction::new(connection, Lock::Wait))),
            writes: Box::default(),
        }
    }

    /// Reads what is needed, in one round trip. Ask for all that is known to be needed at once.
    ///
    /// # Errors
    /// Where the database does not answer, and where the work is to be done again.
    pub async fn load(&mut self, needs: Needs) -> Result<Box<Loaded>, StoreError> {
        match &mut self.way {
            Way::Together(seat) => seat.load(needs).await,
            Way::Alone(transaction) => {
                let found = Box::pin(transaction.load(&[&needs])).await?;
                match found.into_iter().next() {
                    Some(Found::All(loaded)) => Ok(loaded),
                    Some(Found::Elsewhere) | None => Err(StoreError::Contended),
                }
            }
        }
    }

    /// The connection of its transaction, for work that is rare enough to have one of its own: where it is
    /// shared, the work is done again alone.
    ///
    /// # Errors
    /// Where the database does not answer, and where the work is to be done again.
    pub async fn connection(&mut self) -> Result<&mut Connection, StoreError> {
        match &mut self.way {
            Way::Together(_) => Err(StoreError::Contended),
            Way::Alone(transaction) => transaction.connection().await,
        }
    }

    /// Ends the work: what came of it is given back when it is kept. Of work that failed nothing is kept, and
    /// all it has taken is free again.
    pub(super) async fn end<T, E: WorkError>(
        self,
        result: Result<T, E>,
        connections: &Connections,
    ) -> Result<T, E> {
        let Self { way, writes } = self;
        match (way, result) {
            (Way::Together(mut seat), Ok(value)) => match seat.end(writes).await {
                End::Kept => Ok(value),
                End::Elsewhere => Err(StoreError::Contended.into()),
                End::Failed(error) => Err(error.into()),
            },
            (Way::Together(mut seat), Err(error)) => {
                seat.end(Box::default()).await;
                Err(error)
            }
            (Way::Alone(transaction), Ok(value)) => {
                Box::pin(transaction.end(&writes)).await?;
                connections.wrote(&writes);
                Ok(value)
            }
            (Way::Alone(transaction), Err(error)) => {
                Box::pin(transaction.cancel(error.store_error())).await;
                Err(error)
            }
        }
    }
}
