//! History as it is read.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::column::Word;
use super::schema::request_events;
use super::{Connection, StoreError};
use crate::domain::lifecycle::{EventKind, State};

/// One line of history.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = request_events, check_for_backend(diesel::pg::Pg))]
pub struct EventRow {
    /// Identity.
    pub id: Uuid,
    /// Version of the request after it.
    pub request_version: i64,
    /// What happened.
    pub kind: Word<EventKind>,
    /// State before.
    pub from_state: Option<Word<State>>,
    /// State after.
    pub to_state: Word<State>,
    /// Desk after.
    pub desk: Option<String>,
    /// Why.
    pub reason: Option<String>,
    /// What else changed, as JSON pointers.
    pub changed: Vec<String>,
    /// Subject of who did it.
    pub actor_subject: String,
    /// Name of who did it.
    pub actor_name: String,
    /// Role of who did it, or `system`.
    pub actor_role: String,
    /// Subject of the person it was done for.
    pub on_behalf_of: Option<String>,
    /// When (UTC).
    pub at: DateTime<Utc>,
}

/// The history of one request, from its beginning, after the given version.
///
/// # Errors
/// Where the database does not answer.
pub async fn of_request(
    connection: &mut Connection,
    request_id: Uuid,
    after_version: i64,
    limit: i64,
) -> Result<Vec<EventRow>, StoreError> {
    Ok(request_events::table
        .select(EventRow::as_select())
        .filter(request_events::request_id.eq(request_id))
        .filter(request_events::request_version.gt(after_version))
        .order(request_events::request_version)
        .limit(limit)
        .load(connection)
        .await?)
}
