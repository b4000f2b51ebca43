//! Pages of requests, each cut from an index.
//!
//! What is asked for most has an index of its own, in which the rows stand in the order of the list: all
//! requests, those of a desk, in a state, of a partner, of an owner and so on. Such a list takes the first
//! rows of each desk, state or partner from there and merges them, so that a page costs what it shows and
//! not what is stored. These statements have a handful of texts between them, stay prepared, and are planned
//! once.
//!
//! Words are looked for among the newest requests first, and farther back as long as the page is not full; together with
//! states, by whichever of the two is rarer there. Desks, submitters and services stand in the index of words, too, as
//! [marks]: so what they have in common is found in the same way, with words or without.
//!
//! Other combinations of filters are first looked for at a [glance], among the first requests in the order of
//! the list: how common what is asked for is there, no statistics tell. Where that is not enough, they are
//! written down as they are, for Postgres to choose among the indexes by the values: how common the words, the
//! customer or the submitter are. Such statements are prepared anew each time, so that they are planned for
//! their values, and so that no connection fills up with one text for each combination.

mod glance;
mod sql;

use chrono::{DateTime, Utc};
use diesel::dsl::AsSelect;
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{Query, QueryId};
use diesel_async::RunQueryDsl;

use super::request_order::{Key, Position, START, Sort, end};
use super::requests::{Filter, Summary, Visibility};
use super::{Connection, Plans, StoreError, marks, words};

/// So many states are looked through one by one.
const FEW_STATES: usize = 3;

/// The statement that reads one page.
pub struct RequestList<'a> {
    columns: AsSelect<Summary, Pg>,
    filter: &'a Filter,
    visibility: &'a Visibility,
    sort: Sort,
    /// Where the page begins and ends at the latest, both excluded, in ascending order.
    after: Position,
    before: Position,
    /// Desks that are both visible and asked for; `None` for any, and for none.
    desks: Option<Vec<&'a str>>,
    states: Vec<&'a str>,
    /// The words looked for, as a `tsquery`.
    words: Option<String>,
    approach: Approach<'a>,
    limit: i64,
}

/// How the page is found.
enum Approach<'a> {
    /// Merged from parts that stand in an index.
    Merged(Vec<Part<'a>>),
    /// Among the newest first: words, and what there are marks of, both as a `tsquery`.
    NewestFirst {
        /// The words, or else the first of the marks.
        looked_for: String,
        /// The marks, or the rest of them.
        within: Option<String>,
    },
    /// As Postgres chooses for each of the pieces, which are merged.
    Chosen(Vec<Piece<'a>>),
}

/// What is asked for, in some of the states and between two positions that are both excluded.
struct Piece<'a> {
    /// Empty for any.
    states: Vec<&'a str>,
    after: Position,
    before: Position,
    /// To be gathered and sorted: an index that has the order would be gone through from the wrong end.
    is_gathered: bool,
}

/// Rows that stand in an index in the order of the list, for each choice of values of its first columns.
struct Part<'a> {
    /// The first columns of the index; none for the index of all rows.
    ways: Vec<Way<'a>>,
    /// Rows of this owner are in another part.
    except_owner: Option<&'a String>,
}

/// A column, and the values it is to have.
struct Way<'a> {
    column: &'static str,
    values: Vec<&'a str>,
}

impl<'a> Way<'a> {
    fn one(column: &'static str, value: &'a str) -> Self {
        let values = vec![value];
        Self { column, values }
    }
}

impl<'a> RequestList<'a> {
    /// One page of what the caller may see, going on after a position.
    pub fn new(
        filter: &'a Filter,
        visibility: &'a Visibility,
        sort: Sort,
        position: Option<Position>,
        limit: i64,
    ) -> Self {
        // Nothing is changed before it is created, so bounds of one time say something of the other.
        let (from, before) = match sort.key() {
            Key::CreatedAt => (
                filter.created_from,
                earlier(filter.created_before, filter.updated_before),
            ),
            Key::UpdatedAt => (
                filter.updated_from.max(filter.created_from),
                filter.updated_before,
            ),
        };
        let mut after = from.map_or(START, Position::before);
        let mut before = before.map_or_else(end, Position::before);
        match position {
            Some(position) if sort.is_descending() => before = before.min(position),
            Some(position) => after = after.max(position),
            None => {}
        }
        let wanted = filter.desk.as_deref();
        let desks: Option<Vec<&str>> = match visibility {
            Visibility::AtDesks(desks) => {
                let visible = desks.iter().map(String::as_str);
                let both = visible.filter(|desk| wanted.is_none_or(|wanted| wanted == *desk));
                Some(distinct(both))
            }
            _ => wanted.map(|desk| vec![desk]),
        };
        let mut list = Self {
            columns: Summary::as_select(),
            filter,
            visibility,
            sort,
            after,
            before,
            desks,
            states: distinct(filter.states.iter().map(|state| state.as_str())),
            words: filter.words.as_deref().and_then(words::query),
            approach: Approach::Chosen(Vec::new()),
            limit,
        };
        list.approach = list.approach();
        list
    }

    /// How it is to be planned. What is merged from indexes has one good plan, and to make that anew takes as long as to
    /// read the page.
    pub fn plans(&self) -> Plans {
        match self.approach {
            Approach::Merged(_) | Approach::NewestFirst { .. } => Plans::Once,
            Approach::Chosen(_) => Plans::ForValues,
        }
    }

    fn approach(&self) -> Approach<'a> {
        let parts = self.parts();
        if !parts.is_empty() {
            return Approach::Merged(parts);
        }
        if self.sort == Sort::NewestFirst
            && marks::say_all(self.visibility, self.filter)
            && self.may_show_something()
        {
            let marks = marks::wanted(self.visibility, self.desks.as_deref(), self.filter);
            let mut wanted = self.words.iter().cloned().chain(marks);
            if let Some(looked_for) = wanted.next() {
                let within = wanted.reduce(|one, other| format!("{one} & {other}"));
                return Approach::NewestFirst { looked_for, within };
            }
        }
        Approach::Chosen(self.pieces())
    }

    /// Whether the caller sees more than what is somebody's.
    fn sees_much(&self) -> bool {
        matches!(
            self.visibility,
            Visibility::Everything | Visibility::AtDesks(_)
        )
    }

    fn may_show_something(&self) -> bool {
        let is_at_no_desk = self.desks.as_ref().is_some_and(Vec::is_empty);
        // What has no word in it finds nothing.
        let has_no_word = self.filter.words.is_some() && self.words.is_none();
        !is_at_no_desk && !has_no_word && !matches!(self.visibility, Visibility::Nothing)
    }

    /// The parts the list is merged from; none where no index has them in order.
    fn parts(&self) -> Vec<Part<'a>> {
        let Filter {
            desk: _,
            states: _,
            service,
            partner,
            customer,
            assignee,
            requested_by,
            words,
            created_from: _,
            created_before: _,
            updated_from: _,
            updated_before: _,
        } = self.filter;
        let mut ways = Vec::new();
        if let Some(desks) = &self.desks {
            let values = desks.clone();
            ways.push(Way {
                column: "desk",
                values,
            });
        }
        if !self.states.is_empty() {
            let values = self.states.clone();
            ways.push(Way {
                column: "state",
                values,
            });
        }
        for (column, value) in [
            ("service", service),
            ("partner_mpn_id", partner),
            ("customer_name", customer),
            ("assignee", assignee),
            ("owner_subject", requested_by),
        ] {
            ways.extend(value.as_ref().map(|value| Way::one(column, value)));
        }
        let (_, from, before) = self.further_bounds();
        if words.is_some() || from.is_some() || before.is_some() {
            return Vec::new();
        }
        let part = |ways| Part {
            ways,
            except_owner: None,
        };
        let mut parts = match self.visibility {
            Visibility::Nothing => Vec::new(),
            Visibility::Everything | Visibility::AtDesks(_) => vec![part(ways)],
            Visibility::SubmittedBy(subject) => {
                ways.insert(0, Way::one("submitted_by", subject));
                vec![part(ways)]
            }
            Visibility::Own { subject, partners } if ways.is_empty() => {
                let managed = Part {
                    ways: vec![Way {
                        column: "partner_mpn_id",
                        values: distinct(partners.iter().map(String::as_str)),
                    }],
                    except_owner: Some(subject),
                };
                let own = part(vec![Way::one("owner_subject", subject)]);
                std::iter::once(own)
                    .chain((!partners.is_empty()).then_some(managed))
                    .collect()
            }
            Visibility::Own { .. } => Vec::new(),
        };
        if !parts.iter().all(|part| part.has_index(self.sort.key())) {
            parts.clear();
        }
        parts
    }

    /// Bounds of the time the list is not ordered by.
    fn further_bounds(&self) -> (Key, &'a Option<DateTime<Utc>>, &'a Option<DateTime<Utc>>) {
        let filter = self.filter;
        match self.sort.key() {
            Key::CreatedAt => (Key::UpdatedAt, &filter.updated_from, &filter.updated_before),
            Key::UpdatedAt => (Key::CreatedAt, &filter.created_from, &filter.created_before),
        }
    }

    /// The pieces that Postgres chooses for: the states where they are few, each in the order of an index, and what was
    /// changed lately apart from what is as young.
    fn pieces(&self) -> Vec<Piece<'a>> {
        let is_much =
            self.sees_much() && !self.filter.names_somebody() && self.filter.words.is_none();
        // Open requests are few and young. Postgres takes them to be spread over all times.
        let is_only_open =
            !self.states.is_empty() && self.filter.states.iter().all(|state| state.is_open());
        let are_apart = is_much && (self.states.len() <= FEW_STATES || is_only_open);
        let states: Vec<Vec<&str>> = if are_apart && !self.states.is_empty() {
            self.states.iter().map(|state| vec![*state]).collect()
        } else {
            vec![self.states.clone()]
        };
        let piece = |states: &[&'a str], after, before, is_out_of_order| Piece {
            states: states.to_vec(),
            after,
            before,
            is_gathered: is_out_of_order || (is_only_open && !are_apart),
        };
        let (after, before) = (self.after, self.before);
        let pieces = states.iter().flat_map(|states| match self.turn() {
            None => vec![piece(states, after, before, false)],
            Some(turn) => {
                let is_descending = self.sort.is_descending();
                vec![
                    piece(states, after, turn, !is_descending),
                    piece(states, turn, before, is_descending),
                ]
            }
        });
        pieces.collect()
    }

    /// Where a list that is bounded by the other time, and not so by that of its order, has its bound. What was changed
    /// lately is mostly young, and the oldest of it is not found by beginning with the oldest of all.
    fn turn(&self) -> Option<Position> {
        let bound = match self.sort {
            Sort::OldestFirst => self.filter.updated_from,
            Sort::LastChangedFirst => self.filter.created_before,
            Sort::NewestFirst | Sort::FirstChangedFirst => None,
        };
        let turn = bound.map(Position::before);
        turn.filter(|turn| self.after < *turn && *turn < self.before)
    }
}

impl Part<'_> {
    fn has_index(&self, key: Key) -> bool {
        let columns: Vec<&str> = self.ways.iter().map(|way| way.column).collect();
        match (key, columns.as_slice()) {
            (_, [] | ["desk" | "state"] | ["desk", "state"]) | (Key::CreatedAt, [_]) => true,
            (Key::CreatedAt | Key::UpdatedAt, _) => false,
        }
    }
}

impl Way<'_> {
    /// Whether capitals don't matter. The index of such a column has no rows without a value.
    fn is_folded(&self) -> bool {
        matches!(self.column, "customer_name" | "assignee")
    }

    /// What the index has of the column.
    fn expression(&self) -> String {
        self.folded(format!("requests.{}", self.column))
    }

    /// What it is compared with: one of the values.
    fn value(&self) -> String {
        self.folded(format!("{0}s.{0}", self.column))
    }

    fn folded(&self, text: String) -> String {
        if self.is_folded() {
            format!("lower({text})")
        } else {
            text
        }
    }
}

fn earlier(one: Option<DateTime<Utc>>, other: Option<DateTime<Utc>>) -> Option<DateTime<Utc>> {
    one.into_iter().chain(other).min()
}

fn distinct<'a>(values: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let mut values: Vec<&str> = values.collect();
    values.sort_unstable();
    values.dedup();
    values
}

impl QueryId for RequestList<'_> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl Query for RequestList<'_> {
    type SqlType = <AsSelect<Summary, Pg> as Expression>::SqlType;
}

/// One page of the requests the caller may see.
///
/// # Errors
/// Where the database does not answer.
pub async fn page(
    connection: &mut Connection,
    list: RequestList<'_>,
) -> Result<Vec<Summary>, StoreError> {
    match list.at_a_glance(connection).await? {
        Some(page) => Ok(page),
        None => Ok(list.load(connection).await?),
    }
}
