//! Requests as they are read. Whether the caller may see one is part of every statement.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Jsonb, Nullable, Text, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::column::{Document, Json, Word};
use super::columns::{ForEach, columns, from_place, to_place};
use super::schema::requests;
use super::{Connection, StoreError};
use crate::domain::actor::{Caller, Requester};
use crate::domain::decision::Decision;
use crate::domain::facts::Facts;
use crate::domain::lifecycle::State;
use crate::domain::request::{Progress, Request};
use crate::domain::rights::{self, Action, Reach};

/// The requests a caller may see at all.
#[derive(Clone, Debug)]
pub enum Visibility {
    /// None of them.
    Nothing,
    /// All of them.
    Everything,
    /// Those the subject owns, and those of the partners it manages.
    Own {
        /// The caller.
        subject: String,
        /// MPN ids of the partners it manages.
        partners: Vec<String>,
    },
    /// Those the subject submitted for others.
    SubmittedBy(String),
    /// Those at these desks.
    AtDesks(Vec<String>),
}

impl Visibility {
    /// What the rights table lets the caller read.
    pub fn of(caller: &Caller) -> Self {
        match rights::reach(caller, Action::ReadRequest) {
            None => Self::Nothing,
            Some(Reach::All) => Self::Everything,
            Some(Reach::Own) => Self::Own {
                subject: caller.subject.clone(),
                partners: caller.partners.clone(),
            },
            Some(Reach::Submitted) => Self::SubmittedBy(caller.subject.clone()),
            Some(Reach::Desk) => Self::AtDesks(caller.desks.clone()),
        }
    }
}

/// How a request is named in a path.
#[derive(Clone, Debug, PartialEq)]
pub enum Name {
    /// By its id.
    Id(Uuid),
    /// By its reference, in capital letters.
    Reference(String),
}

/// Which requests a list shows.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// At this desk.
    pub desk: Option<String>,
    /// In one of these states; empty for any.
    pub states: Vec<State>,
    /// For this service.
    pub service: Option<String>,
    /// Of the partner with this MPN id.
    pub partner: Option<String>,
    /// Of the customer with this name, in whatever case.
    pub customer: Option<String>,
    /// Given to the architect of this name, in whatever case.
    pub assignee: Option<String>,
    /// Owned by this subject.
    pub requested_by: Option<String>,
    /// With these words in it, as people type them into a search box.
    pub words: Option<String>,
    /// Created at or after.
    pub created_from: Option<DateTime<Utc>>,
    /// Created before.
    pub created_before: Option<DateTime<Utc>>,
    /// Last changed at or after.
    pub updated_from: Option<DateTime<Utc>>,
    /// Last changed before.
    pub updated_before: Option<DateTime<Utc>>,
}

impl Filter {
    /// Whether it names a partner, a customer, an architect or an owner, which mostly leaves little.
    pub(super) fn names_somebody(&self) -> bool {
        let Self {
            desk: _,
            states: _,
            service: _,
            partner,
            customer,
            assignee,
            requested_by,
            words: _,
            created_from: _,
            created_before: _,
            updated_from: _,
            updated_before: _,
        } = self;
        [partner, customer, assignee, requested_by]
            .into_iter()
            .any(Option::is_some)
    }
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = requests, check_for_backend(diesel::pg::Pg))]
pub(super) struct RequestRow {
    id: Uuid,
    reference: String,
    desk: Option<String>,
    state: Word<State>,
    version: i64,
    facts: Json<Facts>,
    decision: Option<Json<Decision>>,
    progress: Json<Progress>,
    requested_by: Json<Requester>,
    owner_subject: String,
    submitted_by: String,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
    state_since: DateTime<Utc>,
}

impl From<RequestRow> for Request {
    fn from(row: RequestRow) -> Self {
        let RequestRow {
            id,
            reference,
            desk,
            state,
            version,
            facts,
            decision,
            progress,
            requested_by,
            owner_subject,
            submitted_by,
            created_at,
            updated_at,
            state_since,
        } = row;
        Self {
            id,
            reference,
            desk,
            state: state.0,
            version,
            facts: facts.0,
            decision: decision.map(|decision| decision.0),
            progress: progress.0,
            requested_by: requested_by.0,
            owner_subject,
            submitted_by,
            created_at,
            updated_at,
            state_since,
        }
    }
}

/// One line of a list.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = requests, check_for_backend(diesel::pg::Pg))]
pub struct Summary {
    /// Identity.
    pub id: Uuid,
    /// Identity for people.
    pub reference: String,
    /// The desk that has it.
    pub desk: Option<String>,
    #[diesel(deserialize_as = Word<State>)]
    /// Where it stands.
    pub state: State,
    /// Counts changes.
    pub version: i64,
    /// The service wanted.
    pub service: Option<String>,
    /// One line that names it.
    pub title: Option<String>,
    /// How much the requester presses.
    pub priority: Option<String>,
    /// The day by which help is needed.
    pub needed_by: Option<String>,
    /// MPN id of the partner.
    pub partner_mpn_id: Option<String>,
    /// Name of the partner.
    pub partner_name: Option<String>,
    /// Name of the customer.
    pub customer_name: Option<String>,
    /// Name of the person it belongs to.
    pub requester_name: Option<String>,
    /// Name of who delivers.
    pub assignee: Option<String>,
    /// When it was first stored.
    pub created_at: DateTime<Utc>,
    /// When it last changed.
    pub updated_at: DateTime<Utc>,
    /// When it came into its state.
    pub state_since: DateTime<Utc>,
}

impl From<Word<State>> for State {
    fn from(word: Word<State>) -> Self {
        word.0
    }
}

macro_rules! visible {
    ($query:expr, $visibility:expr) => {
        match $visibility {
            Visibility::Everything => $query,
            Visibility::Nothing => $query.filter(requests::id.ne(requests::id)),
            Visibility::Own { subject, partners } => $query.filter(
                requests::owner_subject
                    .eq(subject)
                    .or(requests::partner_mpn_id
                        .eq_any(partners)
                        .is_not_distinct_from(true)),
            ),
            Visibility::SubmittedBy(subject) => $query.filter(requests::submitted_by.eq(subject)),
            Visibility::AtDesks(desks) => $query.filter(requests::desk.eq_any(desks)),
        }
    };
}
pub(super) use visible;

/// Whether what is read is locked until the transaction ends.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Lock {
    /// Read only.
    No,
    /// Nobody else changes it meanwhile; who has it now is waited for.
    Wait,
    /// The same, but what somebody else has is passed over.
    Skip,
}

/// A request that somebody asks for.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// How it is named.
    pub name: Name,
    /// What that caller may see.
    pub visibility: Visibility,
}

columns! {
    /// A request that somebody asks for. What each caller may see goes along with what it asks for, so the
    /// statement is the same whoever they are.
    WantedRows of WantedRow {
        place: i64 => BigInt,
        id: Option<Uuid> => Nullable<SqlUuid>,
        reference: Option<String> => Nullable<Text>,
        sees: &'static str => Text,
        subject: String => Text,
        among: Document => Jsonb,
    }
}

impl WantedRow {
    fn of(place: usize, Wanted { name, visibility }: &Wanted) -> Self {
        let (id, reference) = match name {
            Name::Id(id) => (Some(*id), None),
            Name::Reference(reference) => (None, Some(reference.clone())),
        };
        let none: &[String] = &[];
        let (sees, subject, among) = match visibility {
            Visibility::Nothing => ("nothing", "", none),
            Visibility::Everything => ("everything", "", none),
            Visibility::Own { subject, partners } => ("own", subject.as_str(), partners.as_slice()),
            Visibility::SubmittedBy(subject) => ("submitted", subject.as_str(), none),
            Visibility::AtDesks(desks) => ("desks", "", desks.as_slice()),
        };
        Self {
            place: to_place(place),
            id,
            reference,
            sees,
            subject: subject.to_owned(),
            among: Document::of(&among),
        }
    }

    fn of_all(wanted: &[(usize, &Wanted)]) -> Vec<Self> {
        let rows = wanted.iter();
        rows.map(|(place, wanted)| Self::of(*place, wanted))
            .collect()
    }
}

/// The request of that name, where who asks may see it. Said once, for every kind of caller.
const VISIBLE: &str = " join requests on requests.id = coalesce(given.id, \
         (select named.id from requests as named where named.reference = given.reference)) \
     and case given.sees \
         when 'everything' then true \
         when 'own' then requests.owner_subject = given.subject \
             or coalesce(given.among ? requests.partner_mpn_id, false) \
         when 'submitted' then requests.submitted_by = given.subject \
         when 'desks' then coalesce(given.among ? requests.desk, false) \
         else false end";

/// The requests that several callers ask for, where they may see them, each with its place.
///
/// # Errors
/// Where the database does not answer.
pub async fn find_all(
    mut connection: &Connection,
    wanted: &[(usize, &Wanted)],
    lock: Lock,
) -> Result<Vec<(usize, Request)>, StoreError> {
    if wanted.is_empty() {
        return Ok(Vec::new());
    }
    // What refers to the row, as its history does, is not held up by the lock.
    let locked = match lock {
        Lock::No => "",
        Lock::Wait => " for no key update of requests",
        Lock::Skip => " for no key update of requests skip locked",
    };
    let rows = WantedRow::of_all(wanted);
    let query = ForEach {
        columns: RequestRow::as_select(),
        given: WantedRows::of(&rows),
        rest: format!("{VISIBLE}{locked}"),
    };
    let found: Vec<(i64, RequestRow)> = query.load(&mut connection).await?;
    Ok(found
        .into_iter()
        .map(|(place, row)| (from_place(place), Request::from(row)))
        .collect())
}

/// The versions of requests that several callers ask for, where they may see them, each with its place.
///
/// # Errors
/// Where the database does not answer.
pub async fn versions(
    mut connection: &Connection,
    wanted: &[(usize, &Wanted)],
) -> Result<Vec<(usize, i64)>, StoreError> {
    if wanted.is_empty() {
        return Ok(Vec::new());
    }
    let rows = WantedRow::of_all(wanted);
    let query = ForEach {
        columns: requests::version,
        given: WantedRows::of(&rows),
        rest: VISIBLE.to_owned(),
    };
    let found: Vec<(i64, i64)> = query.load(&mut connection).await?;
    Ok(found
        .into_iter()
        .map(|(place, version)| (from_place(place), version))
        .collect())
}

/// Requests that have been in a state since before the given time, and were not changed since, a few at a time; locked,
/// and those another instance is busy with are passed over.
///
/// # Errors
/// Where the database does not answer.
pub async fn stale(
    connection: &mut Connection,
    state: State,
    since_before: DateTime<Utc>,
    limit: i64,
) -> Result<Vec<Request>, StoreError> {
    let rows: Vec<RequestRow> = requests::table
        .select(RequestRow::as_select())
        .filter(requests::state.eq(state.as_str()))
        .filter(requests::state_since.lt(since_before))
        .filter(requests::updated_at.lt(since_before))
        .order(requests::state_since)
        .limit(limit)
        .for_update()
        .skip_locked()
        .load(connection)
        .await?;
    Ok(rows.into_iter().map(Request::from).collect())
}
