//! Hours worked on requests, entry by entry.

use chrono::{DateTime, NaiveDate, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::schema::time_entries;
use super::{Connection, StoreError};

/// Hours somebody worked on a request on one day.
#[derive(Clone, Debug, PartialEq, Queryable, Selectable)]
#[diesel(table_name = time_entries, check_for_backend(diesel::pg::Pg))]
pub struct TimeEntry {
    /// Identity.
    pub id: Uuid,
    /// The request.
    pub request_id: Uuid,
    /// How many hours.
    pub hours: f64,
    /// On which day (UTC).
    pub worked_on: NaiveDate,
    /// What was done.
    pub note: Option<String>,
    /// Subject of who logged it.
    pub logged_by: String,
    /// When it was logged (UTC).
    pub created_at: DateTime<Utc>,
}

/// The place in a list of entries after which it goes on.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Position {
    /// When the last entry shown was logged.
    pub created_at: DateTime<Utc>,
    /// Its id.
    pub id: Uuid,
}

/// The entries of a request, in the order they were logged.
///
/// # Errors
/// Where the database does not answer.
pub async fn of_request(
    connection: &mut Connection,
    request_id: Uuid,
    after: Option<Position>,
    limit: i64,
) -> Result<Vec<TimeEntry>, StoreError> {
    let mut query = time_entries::table
        .select(TimeEntry::as_select())
        .filter(time_entries::request_id.eq(request_id))
        .into_boxed();
    if let Some(Position { created_at, id }) = after {
        query = query.filter(
            time_entries::created_at
                .gt(created_at)
                .or(time_entries::created_at
                    .eq(created_at)
                    .and(time_entries::id.gt(id))),
        );
    }
    Ok(query
        .order((time_entries::created_at, time_entries::id))
        .limit(limit)
        .load(connection)
        .await?)
}
