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
    /// The parts whose rows are counted.
    counted: Vec<&'static str>,
    /// So many they should have.
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
            new_facts,
            changed,
            revised,
            revised_facts,
            new_words,
            revised_words,
            lines,
            time_entries,
            audit,
            answers,
            changes,
        } = writes;
        let mut write = Self {
            parts: Vec::new(),
            counted: Vec::new(),
            changes: *changes,
        };
        if !new.is_empty() {
            let rows = [boxed(NewRows::of(new)), boxed(FactsRows::of(new_facts))];
            write.insert("requests", rows, identity);
        }
        if !changed.is_empty() {
            write.change("changed", [boxed(ChangedRows::of(changed))], "");
        }
        if !revised.is_empty() {
            let rows = [
                boxed(ChangedRows::of(revised)),
                boxed(FactsRows::of(revised_facts)),
            ];
            write.change("revised", rows, FactsRows::NAMES);
        }
        if !new_words.is_empty() {
            write.insert("request_words", [boxed(WordsRows::of(new_words))], identity);
        }
        if !revised_words.is_empty() {
            write.part(
                "revised_words as (update request_words set words = given.words from ".to_owned(),
                [boxed(WordsRows::of(revised_words))],
                " where request_words.request_id = given.request_id)",
            );
        }
        if !lines.is_empty() {
            // There is no array of arrays of different lengths.
            let with_members = |names: String| {
                names.replace(
                    "changed",
                    "array(select jsonb_array_elements_text(given.changed))",
                )
            };
            write.insert("request_events", [boxed(Lines::of(lines))], with_members);
        }
        if !time_entries.is_empty() {
            let rows = [boxed(TimeEntryRows::of(time_entries))];
            write.insert("time_entries", rows, identity);
        }
        if !audit.is_empty() {
            write.insert("audit", [boxed(AuditRows::of(audit))], identity);
        }
        if !answers.is_empty() {
            let rows = [boxed(AnswerRows::of(answers))];
            write.insert("idempotency_keys", rows, identity);
        }
        write
    }

    /// Inserts rows whose columns the named ones are, or what the values say of them.
    fn insert<const KINDS: usize>(
        &mut self,
        into: &str,
        rows: [Box<dyn Rows + 'a>; KINDS],
        values: impl FnOnce(String) -> String,
    ) {
        let names = names_of(rows.iter().map(Box::as_ref));
        let values = values(names.clone());
        let head = format!("new_{into} as (insert into {into} ({names}) select {values} from ");
        self.part(head, rows, ")");
    }

    /// Changes requests, and sets the columns besides that have these names.
    fn change<const KINDS: usize>(
        &mut self,
        name: &'static str,
        rows: [Box<dyn Rows + 'a>; KINDS],
        besides: &str,
    ) {
        let besides = besides.split(", ").filter(|column| !column.is_empty());
        let besides: String = besides
            .map(|column| format!(", {column} = given.{column}"))
            .collect();
        let head = format!("{name} as (update requests set {CHANGE}{besides} from ");
        self.part(head, rows, IN_THE_VERSION_READ);
        self.counted.push(name);
    }

    fn part<const KINDS: usize>(
        &mut self,
        head: String,
        rows: [Box<dyn Rows + 'a>; KINDS],
        end: &'static str,
    ) {
        let rows = Vec::from(rows);
        self.parts.push(Part { head, rows, end });
    }
}

fn boxed<'a>(rows: impl Rows + 'a) -> Box<dyn Rows + 'a> {
    Box::new(rows)
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
        for name in &self.counted {
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
