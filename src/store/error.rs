//! What can go wrong between the service and Postgres, in the terms callers act on.

use diesel::result::{DatabaseErrorKind, Error as DieselError};

/// A failed read or write. Nothing of a failed write is kept, except where said.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Postgres can't be reached, or has no room for another connection right now.
    #[error("the database can't be reached: {0}")]
    Unavailable(String),
    /// The URL of the database can't be read.
    #[error("the URL of the database can't be read: {0}")]
    Url(String),
    /// A migration failed, and was undone.
    #[error("a migration failed: {0}")]
    Migration(String),
    /// More is to be done than can be done in good time.
    #[error("too much work waits")]
    Busy,
    /// The connection went away in the middle, and with it the knowledge of what the server did last.
    #[error("the connection to the database was lost: {0}")]
    Lost(String),
    /// Another transaction came in between; the same work may succeed when done again.
    #[error("another transaction came in between")]
    Contended,
    /// The server takes no writes, as a standby does.
    #[error("the database takes no writes")]
    ReadOnly,
    /// The connection was lost after COMMIT was sent: the work may or may not be kept.
    #[error("the outcome of the commit is unknown")]
    CommitOutcomeUnknown,
    /// A uniqueness rule of the database, by its name.
    #[error("already there: {0}")]
    Taken(String),
    /// Anything else; an error of ours.
    #[error(transparent)]
    Broken(DieselError),
}

impl StoreError {
    /// Whether the whole transaction may be tried again at once.
    pub fn is_contention(&self) -> bool {
        matches!(self, Self::Contended)
    }

    /// Whether the connection must not be used again.
    pub fn spoils_connection(&self) -> bool {
        match self {
            Self::Unavailable(_) | Self::Lost(_) | Self::ReadOnly | Self::CommitOutcomeUnknown => {
                true
            }
            Self::Url(_)
            | Self::Migration(_)
            | Self::Busy
            | Self::Contended
            | Self::Taken(_)
            | Self::Broken(_) => false,
        }
    }

    /// The same error, for everybody whose work was in the same transaction; `None` for one that may be about
    /// the work of one of them.
    pub(super) fn for_everybody(&self) -> Option<Self> {
        match self {
            Self::Unavailable(why) if why.starts_with(CANCELLED) => None,
            Self::Unavailable(why) => Some(Self::Unavailable(why.clone())),
            Self::Lost(why) => Some(Self::Lost(why.clone())),
            Self::ReadOnly => Some(Self::ReadOnly),
            Self::CommitOutcomeUnknown => Some(Self::CommitOutcomeUnknown),
            Self::Busy => Some(Self::Busy),
            Self::Url(_)
            | Self::Migration(_)
            | Self::Contended
            | Self::Taken(_)
            | Self::Broken(_) => None,
        }
    }
}

/// How Postgres begins to say that a statement or the wait for a lock took too long.
const CANCELLED: &str = "canceling statement due to";

impl From<DieselError> for StoreError {
    fn from(error: DieselError) -> Self {
        match &error {
            DieselError::DatabaseError(kind, information) => match kind {
                DatabaseErrorKind::SerializationFailure => Self::Contended,
                DatabaseErrorKind::ReadOnlyTransaction => Self::ReadOnly,
                DatabaseErrorKind::ClosedConnection | DatabaseErrorKind::UnableToSendCommand => {
                    Self::Lost(information.message().to_owned())
                }
                _ if is_lost(information.message()) => Self::Lost(information.message().to_owned()),
                DatabaseErrorKind::UniqueViolation => Self::Taken(
                    information
                        .constraint_name()
                        .unwrap_or("a uniqueness rule")
                        .to_owned(),
                ),
                _ if is_passing(information.message()) => {
                    Self::Unavailable(information.message().to_owned())
                }
                _ if information.message().contains("deadlock detected") => Self::Contended,
                _ => Self::Broken(error),
            },
            DieselError::BrokenTransactionManager => {
                Self::Unavailable("the connection was lost inside a transaction".to_owned())
            }
            _ => Self::Broken(error),
        }
    }
}

/// Conditions that pass by themselves. diesel keeps no SQLSTATE of them, only the server's words.
fn is_passing(message: &str) -> bool {
    [
        CANCELLED,
        "terminating connection",
        "the database system is",
        "too many clients",
        "remaining connection slots",
        "could not extend file",
        "out of memory",
        "out of shared memory",
    ]
    .iter()
    .any(|words| message.contains(words))
}

/// The same for a connection that went away.
fn is_lost(message: &str) -> bool {
    ["connection closed", "error communicating with the server"]
        .iter()
        .any(|words| message.contains(words))
}
