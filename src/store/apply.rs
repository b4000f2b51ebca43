//! Writes what the life cycle decided: the request and its line of history, in the caller's transaction.
//!
//! The only place that writes `state`.

use chrono::{DateTime, Datelike, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::column::{Json, Word};
use super::requests::RequestRow;
use super::schema::{request_events, requests};
use super::{Connection, StoreError};
use crate::domain::lifecycle::{Change, Event, NewRequest};
use crate::domain::request::Request;

diesel::define_sql_function! {
    /// Draws the next reference with this prefix and year.
    fn next_reference(prefix: diesel::sql_types::Text, year: diesel::sql_types::Integer) -> diesel::sql_types::Text;
}

/// Who does something, as history keeps it.
#[derive(Clone, Debug)]
pub struct Who {
    /// Subject of the credential.
    pub subject: String,
    /// Name to show.
    pub name: String,
    /// Role of the credential, or `system`.
    pub role: String,
    /// Id of the credential.
    pub key_id: String,
    /// Subject of the person it is done for, where that is somebody else.
    pub on_behalf_of: Option<String>,
    /// Id of the HTTP request, or of the background run.
    pub http_request_id: String,
}

/// The two ids a write needs, made by the flow.
#[derive(Clone, Copy, Debug)]
pub struct Stamp {
    /// Id of the line of history.
    pub event_id: Uuid,
    /// When (UTC).
    pub at: DateTime<Utc>,
}

/// Stores a new request under the id, with a reference of its desk.
///
/// # Errors
/// Where the database does not answer.
pub async fn insert(
    connection: &mut Connection,
    id: Uuid,
    new: NewRequest,
    reference_prefix: &str,
    who: &Who,
    stamp: Stamp,
) -> Result<Request, StoreError> {
    let NewRequest {
        state,
        desk,
        facts,
        decision,
        progress,
        requested_by,
        submitted_by,
        event,
        ..
    } = new;
    let owner_subject = requested_by.subject();
    let row: RequestRow = diesel::insert_into(requests::table)
        .values((
            requests::id.eq(id),
            requests::reference.eq(next_reference(reference_prefix, stamp.at.year())),
            requests::desk.eq(desk),
            requests::state.eq(Word(state)),
            requests::version.eq(1),
            (
                requests::solution_area_key.eq(facts.solution_area_key()),
                requests::customer_key.eq(facts.customer_key()),
                requests::facts.eq(Json(facts)),
                requests::decision.eq(decision.map(Json)),
                requests::progress.eq(Json(progress)),
                requests::requested_by.eq(Json(requested_by)),
                requests::owner_subject.eq(owner_subject),
                requests::submitted_by.eq(submitted_by),
            ),
            requests::created_at.eq(stamp.at),
            requests::updated_at.eq(stamp.at),
            requests::state_since.eq(stamp.at),
        ))
        .returning(RequestRow::as_returning())
        .get_result(connection)
        .await?;
    let request = Request::from(row);
    record(connection, &request, event, who, stamp).await?;
    Ok(request)
}

/// Writes a change of the request as it was read.
///
/// # Errors
/// [`StoreError::Contended`] where somebody else changed it since, and where the database does not answer.
pub async fn update(
    connection: &mut Connection,
    current: &Request,
    change: Change,
    who: &Who,
    stamp: Stamp,
) -> Result<Request, StoreError> {
    let Change {
        state,
        desk,
        facts,
        decision,
        progress,
        event,
        ..
    } = change;
    let state_since = if state == current.state {
        current.state_since
    } else {
        stamp.at
    };
    // Left out where they stay as they are: what is drawn from them, such as the words for searching, is then
    // not made again.
    let facts = (facts != current.facts).then(|| {
        (
            requests::solution_area_key.eq(facts.solution_area_key()),
            requests::customer_key.eq(facts.customer_key()),
            requests::facts.eq(Json(facts)),
        )
    });
    let row: Option<RequestRow> = diesel::update(requests::table)
        .filter(requests::id.eq(current.id))
        .filter(requests::version.eq(current.version))
        .set((
            requests::desk.eq(desk),
            requests::state.eq(Word(state)),
            requests::version.eq(current.version + 1),
            facts,
            requests::decision.eq(decision.map(Json)),
            requests::progress.eq(Json(progress)),
            requests::updated_at.eq(stamp.at),
            requests::state_since.eq(state_since),
        ))
        .returning(RequestRow::as_returning())
        .get_result(connection)
        .await
        .optional()?;
    let request = Request::from(row.ok_or(StoreError::Contended)?);
    record(connection, &request, event, who, stamp).await?;
    Ok(request)
}

async fn record(
    connection: &mut Connection,
    request: &Request,
    event: Event,
    who: &Who,
    stamp: Stamp,
) -> Result<(), StoreError> {
    let Event {
        kind,
        from,
        to,
        reason,
        changed,
    } = event;
    let Who {
        subject,
        name,
        role,
        key_id,
        on_behalf_of,
        http_request_id,
    } = who;
    diesel::insert_into(request_events::table)
        .values((
            request_events::id.eq(stamp.event_id),
            request_events::request_id.eq(request.id),
            request_events::request_version.eq(request.version),
            request_events::kind.eq(Word(kind)),
            request_events::from_state.eq(from.map(Word)),
            request_events::to_state.eq(Word(to)),
            request_events::desk.eq(&request.desk),
            request_events::reason.eq(reason),
            request_events::changed.eq(changed),
            (
                request_events::actor_subject.eq(subject),
                request_events::actor_name.eq(name),
                request_events::actor_role.eq(role),
                request_events::key_id.eq(key_id),
                request_events::on_behalf_of.eq(on_behalf_of),
                request_events::http_request_id.eq(http_request_id),
            ),
            request_events::at.eq(stamp.at),
        ))
        .execute(connection)
        .await?;
    Ok(())
}
