//! The audit trail as it is kept: one line for each write that was asked for.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::column::Word;
use super::schema::audit;
use super::{Connection, StoreError};
use crate::domain::facts::vocabulary;

vocabulary! {
    /// What came of a write that was asked for.
    AuditOutcome {
        /// It was carried out. A request that the rules refuse is stored, and so this is its outcome too.
        Done = "done",
        /// It had been carried out before under the same idempotency key; the first answer was given again.
        Replayed = "replayed",
        /// It was refused and changed nothing.
        Refused = "refused",
        /// The service failed. Where the answer was that the outcome is unknown, another line may say it
        /// was done.
        Failed = "failed",
    }
}

/// One line of the trail. Nothing of what was sent or answered is in it.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// Identity, a UUIDv7.
    pub id: Uuid,
    /// When (UTC).
    pub at: DateTime<Utc>,
    /// Subject of the credential.
    pub subject: String,
    /// Role of the credential, or `system`.
    pub role: String,
    /// Id of the credential; empty for the service itself.
    pub key_id: String,
    /// Address of the peer; none for what was not asked for over HTTP.
    pub address: Option<String>,
    /// HTTP method.
    pub method: Option<String>,
    /// The path with names for its variable parts.
    pub route: Option<String>,
    /// Id of the HTTP request.
    pub http_request_id: Option<String>,
    /// HTTP status of the answer.
    pub status: Option<u16>,
    /// What was to be done, by the name of the operation.
    pub action: String,
    /// To which object, by the id or reference in the path, or the id of what was made.
    pub object: Option<String>,
    /// What came of it.
    pub outcome: AuditOutcome,
    /// Code of the problem that was answered.
    pub code: Option<String>,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = audit, check_for_backend(diesel::pg::Pg))]
struct Row {
    id: Uuid,
    at: DateTime<Utc>,
    subject: String,
    role: String,
    key_id: String,
    address: Option<String>,
    method: Option<String>,
    route: Option<String>,
    http_request_id: Option<String>,
    status: Option<i16>,
    action: String,
    object: Option<String>,
    outcome: Word<AuditOutcome>,
    code: Option<String>,
}

impl From<Row> for Entry {
    fn from(row: Row) -> Self {
        let Row {
            id,
            at,
            subject,
            role,
            key_id,
            address,
            method,
            route,
            http_request_id,
            status,
            action,
            object,
            outcome,
            code,
        } = row;
        Self {
            id,
            at,
            subject,
            role,
            key_id,
            address,
            method,
            route,
            http_request_id,
            status: status.and_then(|status| u16::try_from(status).ok()),
            action,
            object,
            outcome: outcome.0,
            code,
        }
    }
}

/// Which lines.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Of this subject.
    pub subject: Option<String>,
    /// About this object.
    pub object: Option<String>,
    /// Of this operation.
    pub action: Option<String>,
    /// With this outcome.
    pub outcome: Option<AuditOutcome>,
    /// At or after.
    pub from: Option<DateTime<Utc>>,
    /// Before.
    pub before: Option<DateTime<Utc>>,
}

/// The line after which a list goes on.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Position {
    /// Its time.
    pub at: DateTime<Utc>,
    /// Its id.
    pub id: Uuid,
}

/// The lines, newest first.
///
/// # Errors
/// Where the database does not answer.
pub async fn list(
    connection: &mut Connection,
    filter: &Filter,
    after: Option<Position>,
    limit: i64,
) -> Result<Vec<Entry>, StoreError> {
    let Filter {
        subject,
        object,
        action,
        outcome,
        from,
        before,
    } = filter;
    let mut query = audit::table.select(Row::as_select()).into_boxed();
    if let Some(subject) = subject {
        query = query.filter(audit::subject.eq(subject));
    }
    if let Some(object) = object {
        query = query.filter(audit::object.eq(object));
    }
    if let Some(action) = action {
        query = query.filter(audit::action.eq(action));
    }
    if let Some(outcome) = outcome {
        query = query.filter(audit::outcome.eq(outcome.as_str()));
    }
    if let Some(from) = from {
        query = query.filter(audit::at.ge(from));
    }
    if let Some(before) = before {
        query = query.filter(audit::at.lt(before));
    }
    if let Some(Position { at, id }) = after {
        query = query.filter(audit::at.le(at).and(audit::at.lt(at).or(audit::id.lt(id))));
    }
    let rows: Vec<Row> = query
        .order((audit::at.desc(), audit::id.desc()))
        .limit(limit)
        .load(connection)
        .await?;
    Ok(rows.into_iter().map(Entry::from).collect())
}
