//! Writes what the life cycle decided, of one unit of work or of many, in one statement.
//!
//! The only place that writes `state`.

use std::convert::identity;

use diesel::QueryResult;
use diesel::pg::Pg;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types::{BigInt, Bool};
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use super::StoreError;
use super::columns::{Rows, names_of, table};
use super::drawn::FactsRows;
use super::rows::{AnswerRows, AuditRows, ChangedRows, Lines, NewRows, TimeEntryRows, WordsRows};
use super::writes::Writes;

/// Writes all of it, in the transaction of the connection.
///
/// # Errors
/// [`StoreError::Contended`] where somebody else changed one of the requests since it was read, and where the
/// database does not answer. Nothing may be kept of the transaction then.
pub async fn write(mut connection: &AsyncPgConnection, writes: &Writes) -> Result<(), StoreError> {
    if !writes.is_empty() {
        Write::of(writes).execute(&mut connection).await?;
    }
    Ok(())
}

/// What a change sets, of the row `given`.
const CHANGE: &str = "desk = given.desk, state = given.state, version = given.version + 1, \
     decision = case when given.is_judged then given.decision else requests.decision end, \
     progress = given.progress, assignee = given.assignee, updated_at = given.updated_at, \
     state_since = given.state_since";

/// Which row a change is written over.
const IN_THE_VERSION_READ: &str =
    " where requests.id = given.id and requests.version = given.version returning requests.id)";

/// The statement that writes it, with a part for each table that gets something.
struct Write<'a> {
    parts: Vec<Part<'a>>,
    /// Parts that change requests.
    changing: Vec<&'static str>,
    /// So many they are to change together.
    changes: i64,
}

/// What becomes of some rows.
struct Part<'a> {
    head: String,
    rows: Vec<Box<dyn Rows + 'a>>,
    end: &'static str,
}

impl<'a> Write<'a> {
    fn of(writes: &'a Writes) -> Self {
        let Writes {
            new,
            changed,
            revised,
            new_words,
            revised_words,
            lines,
            time_entries,
            audit,
            answers,
        } = writes;
        let mut write = Self {
            parts: Vec::new(),
            changing: Vec::new(),
            changes: i64::try_from(changed.len() + revised.len()).unwrap_or(i64::MAX),
        };
        let rows: Vec<Box<dyn Rows>> = vec![
            Box::new(NewRows::of(new.iter().map(|(row, _)| row))),
            Box::new(FactsRows::of(new.iter().map(|(_, facts)| facts))),
        ];
        write.insert("requests", rows, identity);
        write.change("changed", vec![Box::new(ChangedRows::of(changed))], "");
        let rows: Vec<Box<dyn Rows>> = vec![
            Box::new(ChangedRows::of(revised.iter().map(|(row, _)| row))),
            Box::new(FactsRows::of(revised.iter().map(|(_, facts)| facts))),
        ];
        write.change("revised", rows, FactsRows::NAMES);
        let rows = Box::new(WordsRows::of(new_words));
        write.insert("request_words", vec![rows], identity);
        write.part(
            "revised_words as (update request_words set words = given.words from ".to_owned(),
            vec![Box::new(WordsRows::of(revised_words))],
            " where request_words.request_id = given.request_id)",
        );
        // There is no array of arrays of different lengths.
        let with_members = |names: String| {
            names.replace(
                "changed",
                "array(select jsonb_array_elements_text(given.changed))",
            )
        };
        write.insert(
            "request_events",
            vec![Box::new(Lines::of(lines))],
            with_members,
        );
        let rows = Box::new(TimeEntryRows::of(time_entries));
        write.insert("time_entries", vec![rows], identity);
        write.insert("audit", vec![Box::new(AuditRows::of(audit))], identity);
        let rows = Box::new(AnswerRows::of(answers));
        write.insert("idempotency_keys", vec![rows], identity);
        write
    }

    /// Inserts rows whose columns the named ones are, or what the values say of them.
    fn insert(
        &mut self,
        into: &str,
        rows: Vec<Box<dyn Rows + 'a>>,
        values: impl FnOnce(String) -> String,
    ) {
        let names = names_of(rows.iter().map(Box::as_ref));
        let values = values(names.clone());
        let head = format!("new_{into} as (insert into {into} ({names}) select {values} from ");
        self.part(head, rows, ")");
    }

    /// Changes requests, and sets the columns besides that have these names.
    fn change(&mut self, name: &'static str, rows: Vec<Box<dyn Rows + 'a>>, besides: &str) {
        let besides = besides.split(", ").filter(|column| !column.is_empty());
        let besides: String = besides
            .map(|column| format!(", {column} = given.{column}"))
            .collect();
        let head = format!("{name} as (update requests set {CHANGE}{besides} from ");
        if self.part(head, rows, IN_THE_VERSION_READ) {
            self.changing.push(name);
        }
    }

    /// Adds what there are rows for; tells whether there are.
    fn part(&mut self, head: String, rows: Vec<Box<dyn Rows + 'a>>, end: &'static str) -> bool {
        let has_rows = !rows.iter().any(|rows| rows.is_empty());
        if has_rows {
            self.parts.push(Part { head, rows, end });
        }
        has_rows
    }
}

impl QueryFragment<Pg> for Write<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        let mut before = "with ";
        for Part { head, rows, end } in &self.parts {
            out.push_sql(before);
            before = ", ";
            out.push_sql(head);
            table("given", rows.iter().map(Box::as_ref), &mut out)?;
            out.push_sql(end);
        }
        out.push_sql(" select all_are_changed(0");
        for name in &self.changing {
            out.push_sql(&format!(" + (select count(*) from {name})"));
        }
        out.push_sql(", ");
        out.push_bind_param::<BigInt, _>(&self.changes)?;
        out.push_sql(")");
        Ok(())
    }
}

impl QueryId for Write<'_> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl Query for Write<'_> {
    type SqlType = Bool;
}
