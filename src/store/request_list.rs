//! Pages of requests, each cut from an index.
//!
//! What is asked for most has an index of its own, in which the rows stand in the order of the list: all
//! requests, those of a desk, in a state, of a partner, of an owner and so on. Such a list takes the first
//! rows of each desk, state or partner from there and merges them, so that a page costs what it shows and
//! not what is stored. These statements have a handful of texts between them, stay prepared, and are planned
//! once.
//!
//! Words are looked for among the newest requests first, and farther back as long as the page is not full. Desks,
//! submitters and services stand in the index of words, too, as [marks]: so what they have in common is found in the
//! same way, with words or without.
//!
//! Other combinations of filters are written down as they are, for Postgres to choose among the indexes by
//! the values: how common the words, the customer or the submitter are. Such statements are prepared anew
//! each time, so that they are planned for their values, and so that no connection fills up with one text
//! for each combination.

use chrono::{DateTime, Utc};
use diesel::dsl::AsSelect;
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types::{Array, BigInt, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;

use super::few::few;
use super::request_order::{Key, Position, START, Sort, end};
use super::requests::{Filter, Summary, Visibility};
use super::{Connection, Plans, StoreError, marks, words};

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
    /// As Postgres chooses.
    Chosen,
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
            approach: Approach::Chosen,
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
            Approach::Chosen => Plans::ForValues,
        }
    }

    fn approach(&self) -> Approach<'a> {
        let parts = self.parts();
        if !parts.is_empty() {
            return Approach::Merged(parts);
        }
        // What has no word in it finds nothing.
        let has_no_word = self.filter.words.is_some() && self.words.is_none();
        if self.sort == Sort::NewestFirst
            && marks::say_all(self.visibility, self.filter)
            && self.may_show_something()
            && !has_no_word
        {
            let marks = marks::wanted(self.visibility, self.desks.as_deref(), self.filter);
            let mut wanted = self.words.iter().cloned().chain(marks);
            if let Some(looked_for) = wanted.next() {
                let within = wanted.reduce(|one, other| format!("{one} & {other}"));
                return Approach::NewestFirst { looked_for, within };
            }
        }
        Approach::Chosen
    }

    fn may_show_something(&self) -> bool {
        let is_at_no_desk = self.desks.as_ref().is_some_and(Vec::is_empty);
        !is_at_no_desk && !matches!(self.visibility, Visibility::Nothing)
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

    /// The columns that a list shows, of rows of the table.
    fn select<'b>(&'b self, from: &str, out: &mut AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("select ");
        self.columns.walk_ast(out.reborrow())?;
        out.push_sql(from);
        Ok(())
    }

    /// Orders the rows by columns, and cuts them to a page.
    fn cut<'b>(
        &'b self,
        columns: impl IntoIterator<Item = String>,
        out: &mut AstPass<'_, 'b, Pg>,
    ) -> QueryResult<()> {
        let direction = if self.sort.is_descending() {
            "desc"
        } else {
            "asc"
        };
        for (index, column) in columns.into_iter().enumerate() {
            let before = if index == 0 { " order by" } else { "," };
            out.push_sql(&format!("{before} {column} {direction}"));
        }
        out.push_sql(" limit ");
        out.push_bind_param::<BigInt, _>(&self.limit)
    }

    /// What the list is ordered by, of rows with that name.
    fn order(&self, name: &str) -> [String; 2] {
        let key = self.sort.key().column();
        [format!("{name}.{key}"), format!("{name}.id")]
    }

    /// Where the page begins and ends, among rows whose first columns have certain values.
    ///
    /// The columns are part of the comparison, and of the order, so that only their own index has both.
    fn bounds<'b>(
        &'b self,
        columns: &[String],
        values: &[String],
        out: &mut AstPass<'_, 'b, Pg>,
    ) -> QueryResult<()> {
        let columns = columns.join(", ");
        let values: String = values.iter().map(|value| format!("{value}, ")).collect();
        for (before, comparison, Position { at, id }) in
            [("", ">", &self.after), (" and ", "<", &self.before)]
        {
            out.push_sql(&format!("{before}({columns}) {comparison} ({values}"));
            out.push_bind_param::<Timestamptz, _>(at)?;
            out.push_sql(", ");
            out.push_bind_param::<SqlUuid, _>(id)?;
            out.push_sql(")");
        }
        Ok(())
    }

    /// The first rows of each choice of values, merged.
    ///
    /// Postgres goes on through an index until the first column of a comparison has another value. So only the last of the
    /// choices is part of it: a page that does not get full would go through all other states of a desk.
    fn part<'b>(&'b self, part: &'b Part<'_>, out: &mut AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        let (last, others) = match part.ways.split_last() {
            Some((last, others)) => (Some(last), others),
            None => (None, [].as_slice()),
        };
        let order = self.order("requests");
        let columns: Vec<String> = last.map(Way::expression).into_iter().chain(order).collect();
        let values: Vec<String> = last.map(Way::value).into_iter().collect();
        out.push_sql("select part.* from ");
        for way in &part.ways {
            out.push_sql("unnest(");
            out.push_bind_param::<Array<Text>, _>(&way.values)?;
            out.push_sql(&format!(") as {0}s ({0}) cross join ", way.column));
        }
        out.push_sql("lateral (");
        few(self.limit, out, |out| {
            self.select(" from requests where ", out)?;
            self.bounds(&columns, &values, out)?;
            for way in others {
                out.push_sql(&format!(" and {} = {}", way.expression(), way.value()));
            }
            for way in part.ways.iter().filter(|way| way.is_folded()) {
                out.push_sql(&format!(" and requests.{} is not null", way.column));
            }
            if let Some(owner) = part.except_owner {
                out.push_sql(" and requests.owner_subject <> ");
                out.push_bind_param::<Text, _>(owner)?;
            }
            self.cut(columns, out)
        })?;
        out.push_sql(") as part");
        self.cut(self.order("part"), out)
    }

    /// The requests with the words and marks, from the newest on, as far back as the page needs: the migrations tell how. Marks
    /// only spare it to look at others; what the caller sees is said by the columns.
    fn newest_first<'b>(
        &'b self,
        looked_for: &'b String,
        within: &'b Option<String>,
        out: &mut AstPass<'_, 'b, Pg>,
    ) -> QueryResult<()> {
        self.select(" from newest_with(", out)?;
        out.push_bind_param::<Text, _>(looked_for)?;
        out.push_sql("::tsquery, ");
        out.push_bind_param::<Nullable<Text>, _>(within)?;
        out.push_sql("::tsquery");
        for Position { at, id } in [&self.after, &self.before] {
            out.push_sql(", ");
            out.push_bind_param::<Timestamptz, _>(at)?;
            out.push_sql(", ");
            out.push_bind_param::<SqlUuid, _>(id)?;
        }
        out.push_sql(", ");
        out.push_bind_param::<BigInt, _>(&self.limit)?;
        // Each is looked up by its id, and by no index that has what the conditions say.
        out.push_sql(
            ") as found cross join lateral \
             (select requests.* from requests where requests.id = found.id offset 0) as requests where true",
        );
        self.conditions(out)?;
        self.cut(self.order("found"), out)
    }

    /// Every condition as it is.
    fn chosen<'b>(&'b self, out: &mut AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        let from = if self.filter.words.is_some() {
            " from requests join request_words on request_words.request_id = requests.id where "
        } else {
            " from requests where "
        };
        self.select(from, out)?;
        self.bounds(&self.order("requests"), &[], out)?;
        self.conditions(out)?;
        if self.filter.words.is_some() {
            out.push_sql(" and request_words.words @@ ");
            out.push_bind_param::<Nullable<Text>, _>(&self.words)?;
            out.push_sql("::tsquery");
        }
        let (key, from, before) = self.further_bounds();
        for (comparison, time) in [(">=", from), ("<", before)] {
            if let Some(time) = time {
                out.push_sql(&format!(" and requests.{} {comparison} ", key.column()));
                out.push_bind_param::<Timestamptz, _>(time)?;
            }
        }
        let [key, id] = self.order("requests");
        // Open requests are few and young. Postgres takes them to be spread over all times, and would look
        // for them from the wrong end: by what no index has in order, it gathers them first.
        let key = if self.wants_only_open() {
            format!("{key} + interval '0'")
        } else {
            key
        };
        self.cut([key, id], out)
    }

    /// What is seen and asked for, as far as columns of the request say it: all but words and times.
    fn conditions<'b>(&'b self, out: &mut AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        let Filter {
            desk: _,
            states,
            service,
            partner,
            customer,
            assignee,
            requested_by,
            words: _,
            created_from: _,
            created_before: _,
            updated_from: _,
            updated_before: _,
        } = self.filter;
        match self.visibility {
            Visibility::Nothing => out.push_sql(" and false"),
            // The desks that are seen are among the conditions below.
            Visibility::Everything | Visibility::AtDesks(_) => {}
            Visibility::SubmittedBy(subject) => equal("submitted_by", subject, out)?,
            Visibility::Own { subject, partners } => {
                out.push_sql(" and (requests.owner_subject = ");
                out.push_bind_param::<Text, _>(subject)?;
                out.push_sql(" or requests.partner_mpn_id = any(");
                out.push_bind_param::<Array<Text>, _>(partners)?;
                out.push_sql("))");
            }
        }
        if let Some(desks) = &self.desks {
            out.push_sql(" and requests.desk = any(");
            out.push_bind_param::<Array<Text>, _>(desks)?;
            out.push_sql(")");
        }
        if !states.is_empty() {
            out.push_sql(" and requests.state = any(");
            out.push_bind_param::<Array<Text>, _>(&self.states)?;
            out.push_sql(")");
        }
        for (column, value) in [
            ("service", service),
            ("partner_mpn_id", partner),
            ("owner_subject", requested_by),
        ] {
            if let Some(value) = value {
                equal(column, value, out)?;
            }
        }
        for (column, value) in [("customer_name", customer), ("assignee", assignee)] {
            if let Some(value) = value {
                out.push_sql(&format!(" and lower(requests.{column}) = lower("));
                out.push_bind_param::<Text, _>(value)?;
                out.push_sql(&format!(") and requests.{column} is not null"));
            }
        }
        Ok(())
    }

    fn wants_only_open(&self) -> bool {
        let states = &self.filter.states;
        !states.is_empty() && states.iter().all(|state| state.is_open())
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

fn equal<'b>(column: &str, value: &'b String, out: &mut AstPass<'_, 'b, Pg>) -> QueryResult<()> {
    out.push_sql(&format!(" and requests.{column} = "));
    out.push_bind_param::<Text, _>(value)
}

impl QueryFragment<Pg> for RequestList<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        match &self.approach {
            Approach::Chosen => {
                out.unsafe_to_cache_prepared();
                self.chosen(&mut out)
            }
            Approach::NewestFirst { looked_for, within } => {
                self.newest_first(looked_for, within, &mut out)
            }
            Approach::Merged(parts) => {
                if let [part] = parts.as_slice() {
                    return self.part(part, &mut out);
                }
                for (index, part) in parts.iter().enumerate() {
                    let before = if index == 0 {
                        "select page.* from (("
                    } else {
                        ") union all ("
                    };
                    out.push_sql(before);
                    self.part(part, &mut out)?;
                }
                out.push_sql(")) as page");
                self.cut(self.order("page"), &mut out)
            }
        }
    }
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
    Ok(list.load(connection).await?)
}
