//! The feed: the events of all requests in one order to which nothing is ever added in the middle.
//!
//! Numbers are drawn before commit, so no number by itself tells what is still to come. Events are
//! ordered by the transaction that wrote them, and readers stop at the [`horizon`]: the oldest
//! transaction that has not ended. Below it nothing can appear any more. A transaction that stays open
//! for long, whoever's it is, holds the feed up and loses nothing.

use diesel::dsl::max;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Record};
use diesel_async::RunQueryDsl;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::column::Word;
use super::events::EventRow;
use super::few::Few;
use super::requests::{Name, Visibility, visible};
use super::schema::{feed_shifts, request_events, requests};
use super::{Connection, Plans, StoreError};
use crate::domain::lifecycle::EventKind;

diesel::define_sql_function! {
    /// The lowest id of a transaction, of whatever database of the server, that has not ended.
    fn oldest_running_transaction() -> BigInt;
}

diesel::define_sql_function! {
    /// Makes new events follow those of a dump that was restored on another server.
    fn continue_feed() -> diesel::sql_types::Bool;
}

diesel::infix_operator!(Follows, " > ", backend: diesel::pg::Pg);
diesel::infix_operator!(StopsAt, " <= ", backend: diesel::pg::Pg);

/// A place in the feed: after this event, or between two.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Position {
    /// Number of the transaction.
    #[serde(rename = "t")]
    transaction: i64,
    /// Number of the event, which orders those of one transaction.
    #[serde(rename = "n")]
    event: i64,
}

impl Position {
    /// Before every event.
    pub const BEGINNING: Self = Self::before(0);

    /// Before the events of this transaction, after those of all below it.
    const fn before(transaction: i64) -> Self {
        Self {
            transaction,
            event: 0,
        }
    }
}

/// Which events.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// After which the request is at this desk.
    pub desk: Option<String>,
    /// Of one of these kinds; empty for any.
    pub kinds: Vec<EventKind>,
    /// Of requests for the partner with this MPN id.
    pub partner: Option<String>,
    /// Of this request.
    pub request: Option<Name>,
}

impl Filter {
    /// Whether every event passes, for who sees so much.
    pub fn shows_all(&self, visibility: &Visibility) -> bool {
        let Self {
            desk,
            kinds,
            partner,
            request,
        } = self;
        desk.is_none()
            && kinds.is_empty()
            && partner.is_none()
            && request.is_none()
            && matches!(visibility, Visibility::Everything)
    }

    /// How a page of it is to be planned. What is filtered may have to be found among much else, in one way or another.
    pub fn plans(&self, visibility: &Visibility) -> Plans {
        if self.shows_all(visibility) {
            Plans::Once
        } else {
            Plans::ForValues
        }
    }
}

/// An event of the feed.
#[derive(Clone, Debug)]
pub struct FeedRow {
    /// Where it stands.
    pub position: Position,
    /// The request it happened to.
    pub request_id: Uuid,
    /// The request's identity for people.
    pub reference: String,
    /// What happened.
    pub event: EventRow,
}

/// A stretch of the feed that is looked at in one query.
#[derive(Clone, Copy, Debug)]
pub struct Stretch {
    /// Its end, which belongs to it.
    pub end: Position,
    /// The horizon is not reached with it.
    pub more: bool,
}

impl Stretch {
    /// All that follows, up to the horizon.
    pub fn rest(after: Position, horizon: Position) -> Self {
        Self {
            end: horizon.max(after),
            more: false,
        }
    }
}

/// The end of what can be read now. Every event before it is there, whoever may see it.
///
/// # Errors
/// Where the database does not answer.
pub async fn horizon(connection: &mut Connection) -> Result<Position, StoreError> {
    let shift = feed_shifts::table.select(max(feed_shifts::shift));
    let (oldest, shift): (i64, Option<i64>) =
        diesel::select((oldest_running_transaction(), shift.single_value()))
            .get_result(connection)
            .await?;
    Ok(Position::before(oldest + shift.unwrap_or_default()))
}

/// Has to be called when the service starts, before it writes: see the function in the database.
///
/// # Errors
/// Where the database does not answer.
pub async fn carry_on(connection: &mut Connection) -> Result<bool, StoreError> {
    Ok(diesel::select(continue_feed())
        .get_result(connection)
        .await?)
}

macro_rules! position {
    ($transaction:expr, $event:expr) => {
        ($transaction, $event).into_sql::<Record<(BigInt, BigInt)>>()
    };
}

macro_rules! between {
    ($query:expr, $after:expr, $upto:expr) => {
        $query
            .filter(Follows::new(
                position!(request_events::transaction_number, request_events::position),
                position!($after.transaction, $after.event),
            ))
            .filter(StopsAt::new(
                position!(request_events::transaction_number, request_events::position),
                position!($upto.transaction, $upto.event),
            ))
    };
}

/// The next stretch of so many events, of whatever kind and whoever may see them: what one query may
/// have to look at is bounded however few of them it is after.
///
/// # Errors
/// Where the database does not answer.
pub async fn stretch(
    connection: &mut Connection,
    after: Position,
    horizon: Position,
    events: i64,
) -> Result<Stretch, StoreError> {
    let last: Option<(i64, i64)> = between!(
        request_events::table
            .select((request_events::transaction_number, request_events::position)),
        after,
        horizon
    )
    .order((request_events::transaction_number, request_events::position))
    .offset(events - 1)
    .first(connection)
    .await
    .optional()?;
    Ok(match last {
        Some((transaction, event)) => Stretch {
            end: Position { transaction, event },
            more: true,
        },
        None => Stretch::rest(after, horizon),
    })
}

/// The events between the two positions that the caller may see: those of the requests it may see now.
///
/// # Errors
/// Where the database does not answer.
pub async fn between(
    connection: &mut Connection,
    filter: &Filter,
    visibility: &Visibility,
    after: Position,
    upto: Position,
    limit: i64,
) -> Result<Vec<FeedRow>, StoreError> {
    let Filter {
        desk,
        kinds,
        partner,
        request,
    } = filter;
    let mut query = between!(
        request_events::table
            .inner_join(requests::table)
            .select((
                request_events::transaction_number,
                request_events::position,
                requests::id,
                requests::reference,
                EventRow::as_select(),
            ))
            .into_boxed(),
        after,
        upto
    );
    if let Some(desk) = desk {
        query = query.filter(request_events::desk.eq(desk));
    }
    if !kinds.is_empty() {
        let words: Vec<&str> = kinds.iter().map(|kind| kind.as_str()).collect();
        query = query.filter(request_events::kind.eq_any(words));
    }
    if let Some(partner) = partner {
        query = query.filter(requests::partner_mpn_id.eq(partner));
    }
    query = match request {
        None => query,
        Some(Name::Id(id)) => query.filter(requests::id.eq(id)),
        Some(Name::Reference(reference)) => query.filter(requests::reference.eq(reference)),
    };
    let query = visible!(query, visibility)
        .order((request_events::transaction_number, request_events::position))
        .limit(limit);
    let found: Vec<(i64, i64, Uuid, String, EventRow)> = match filter.plans(visibility) {
        Plans::Once => Few { query, limit }.load(connection).await?,
        Plans::ForValues => query.load(connection).await?,
    };
    let rows = found.into_iter().map(
        |(transaction, event_number, request_id, reference, event)| FeedRow {
            position: Position {
                transaction,
                event: event_number,
            },
            request_id,
            reference,
            event,
        },
    );
    let mut rows: Vec<FeedRow> = rows.collect();
    rows.sort_by_key(|row| row.position);
    Ok(rows)
}

/// What there is to know about an event to tell whom it concerns.
#[derive(Clone, Debug, Queryable)]
pub struct News {
    transaction: i64,
    event: i64,
    request_id: Uuid,
    kind: Word<EventKind>,
    desk: Option<String>,
    reference: String,
    at_desk: Option<String>,
    owner_subject: String,
    submitted_by: String,
    partner_mpn_id: Option<String>,
}

/// All events between the two positions, for whoever waits.
///
/// # Errors
/// Where the database does not answer.
pub async fn news(
    connection: &mut Connection,
    after: Position,
    upto: Position,
    limit: i64,
) -> Result<Vec<News>, StoreError> {
    Ok(between!(
        request_events::table.inner_join(requests::table).select((
            request_events::transaction_number,
            request_events::position,
            request_events::request_id,
            request_events::kind,
            request_events::desk,
            requests::reference,
            requests::desk,
            requests::owner_subject,
            requests::submitted_by,
            requests::partner_mpn_id,
        )),
        after,
        upto
    )
    .order((request_events::transaction_number, request_events::position))
    .limit(limit)
    .load(connection)
    .await?)
}

impl News {
    /// Where the event stands.
    pub fn position(&self) -> Position {
        Position {
            transaction: self.transaction,
            event: self.event,
        }
    }

    /// Whether it happened to this request.
    pub fn is_of(&self, request_id: Uuid) -> bool {
        self.request_id == request_id
    }

    /// Whether [`between()`] with the same filter and visibility is likely to show it. No more than a
    /// hint: what is shown is what the query says.
    pub fn concerns(&self, filter: &Filter, visibility: &Visibility) -> bool {
        let Filter {
            desk,
            kinds,
            partner,
            request,
        } = filter;
        let wanted = desk
            .as_ref()
            .is_none_or(|desk| self.desk.as_ref() == Some(desk))
            && (kinds.is_empty() || kinds.contains(&self.kind.0))
            && partner
                .as_ref()
                .is_none_or(|partner| self.partner_mpn_id.as_ref() == Some(partner))
            && request.as_ref().is_none_or(|name| match name {
                Name::Id(id) => self.request_id == *id,
                Name::Reference(reference) => self.reference == *reference,
            });
        wanted && self.is_visible(visibility)
    }

    fn is_visible(&self, visibility: &Visibility) -> bool {
        match visibility {
            Visibility::Nothing => false,
            Visibility::Everything => true,
            Visibility::Own { subject, partners } => {
                self.owner_subject == *subject
                    || self
                        .partner_mpn_id
                        .as_ref()
                        .is_some_and(|id| partners.contains(id))
            }
            Visibility::SubmittedBy(subject) => self.submitted_by == *subject,
            Visibility::AtDesks(desks) => self
                .at_desk
                .as_ref()
                .is_some_and(|desk| desks.contains(desk)),
        }
    }
}
