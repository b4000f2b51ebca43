//! The orders of a list of requests, and the places in it.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::requests::Summary;
use crate::domain::facts::vocabulary;

vocabulary! {
    /// The order of a list.
    Sort {
        /// Newest first.
        NewestFirst = "-created_at",
        /// Oldest first.
        OldestFirst = "created_at",
        /// Last changed first.
        LastChangedFirst = "-updated_at",
        /// First changed first: what nobody has touched for longest.
        FirstChangedFirst = "updated_at",
    }
}

impl Sort {
    pub(super) const fn key(self) -> Key {
        match self {
            Self::NewestFirst | Self::OldestFirst => Key::CreatedAt,
            Self::LastChangedFirst | Self::FirstChangedFirst => Key::UpdatedAt,
        }
    }

    pub(super) const fn is_descending(self) -> bool {
        matches!(self, Self::NewestFirst | Self::LastChangedFirst)
    }
}

/// The column a list is ordered by, before the id.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Key {
    CreatedAt,
    UpdatedAt,
}

impl Key {
    pub(super) const fn column(self) -> &'static str {
        match self {
            Self::CreatedAt => "created_at",
            Self::UpdatedAt => "updated_at",
        }
    }
}

/// The place in a list after which it goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Position {
    /// What the last item shown is ordered by: when it was created, or last changed.
    pub at: DateTime<Utc>,
    /// Its id.
    pub id: Uuid,
}

impl Position {
    /// The place of an item in a list of this order.
    pub fn of(item: &Summary, sort: Sort) -> Self {
        let at = match sort.key() {
            Key::CreatedAt => item.created_at,
            Key::UpdatedAt => item.updated_at,
        };
        Self { at, id: item.id }
    }

    /// Before everything that is created or changed at that time.
    pub(super) const fn before(at: DateTime<Utc>) -> Self {
        Self {
            at,
            id: Uuid::nil(),
        }
    }
}

/// Before every request there is.
pub(super) const START: Position = Position::before(DateTime::UNIX_EPOCH);

/// After every request there is: seconds of the year 9999.
pub(super) fn end() -> Position {
    Position::before(
        DateTime::from_timestamp(253_402_300_799, 0).unwrap_or(DateTime::<Utc>::MAX_UTC),
    )
}
