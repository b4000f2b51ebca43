//! How a page is written in SQL.

use diesel::QueryResult;
use diesel::pg::Pg;
use diesel::query_builder::{AstPass, QueryFragment};
use diesel::sql_types::{Array, BigInt, Nullable, Text, Timestamptz, Uuid as SqlUuid};

use super::{Approach, Part, Piece, RequestList, Way};
use crate::store::few::few;
use crate::store::request_order::Position;
use crate::store::requests::{Filter, Visibility};

impl QueryFragment<Pg> for RequestList<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        match &self.approach {
            Approach::Chosen(pieces) => {
                out.unsafe_to_cache_prepared();
                let write = |piece, out: &mut AstPass<'_, 'b, Pg>| self.piece(piece, out);
                self.merged(pieces, &self.limit, write, &mut out)
            }
            Approach::NewestFirst { looked_for, within } => {
                self.newest_first(looked_for, within, &mut out)
            }
            Approach::Merged(parts) => {
                let write = |part, out: &mut AstPass<'_, 'b, Pg>| self.part(part, out);
                self.merged(parts, &self.limit, write, &mut out)
            }
        }
    }
}

impl RequestList<'_> {
    /// The columns that a list shows, of rows of the table.
    pub(super) fn select<'b>(
        &'b self,
        from: &str,
        out: &mut AstPass<'_, 'b, Pg>,
    ) -> QueryResult<()> {
        out.push_sql("select ");
        self.columns.walk_ast(out.reborrow())?;
        out.push_sql(from);
        Ok(())
    }

    /// Orders the rows by columns, and cuts off all but so many.
    pub(super) fn cut<'b>(
        &self,
        columns: impl IntoIterator<Item = String>,
        limit: &'b i64,
        out: &mut AstPass<'_, 'b, Pg>,
    ) -> QueryResult<()> {
        let direction = self.direction();
        for (index, column) in columns.into_iter().enumerate() {
            let before = if index == 0 { " order by" } else { "," };
            out.push_sql(&format!("{before} {column} {direction}"));
        }
        out.push_sql(" limit ");
        out.push_bind_param::<BigInt, _>(limit)
    }

    pub(super) fn direction(&self) -> &'static str {
        if self.sort.is_descending() {
            "desc"
        } else {
            "asc"
        }
    }

    /// What the parts have together in the order of the list, and of that so many.
    pub(super) fn merged<'b, P>(
        &self,
        parts: &'b [P],
        limit: &'b i64,
        write: impl Fn(&'b P, &mut AstPass<'_, 'b, Pg>) -> QueryResult<()>,
        out: &mut AstPass<'_, 'b, Pg>,
    ) -> QueryResult<()> {
        if let [part] = parts {
            return write(part, out);
        }
        for (index, part) in parts.iter().enumerate() {
            out.push_sql(match index {
                0 => "select page.* from ((",
                _ => ") union all (",
            });
            write(part, out)?;
        }
        out.push_sql(")) as page");
        self.cut(self.order("page"), limit, out)
    }

    /// What the list is ordered by, of rows with that name.
    pub(super) fn order(&self, name: &str) -> [String; 2] {
        let key = self.sort.key().column();
        [format!("{name}.{key}"), format!("{name}.id")]
    }

    /// Between two positions, among rows whose first columns have certain values.
    ///
    /// The columns are part of the comparison, and of the order, so that only their own index has both.
    pub(super) fn bounds<'b>(
        columns: &[String],
        values: &[String],
        [after, before]: [&'b Position; 2],
        out: &mut AstPass<'_, 'b, Pg>,
    ) -> QueryResult<()> {
        let columns = columns.join(", ");
        let values: String = values.iter().map(|value| format!("{value}, ")).collect();
        for (before, comparison, Position { at, id }) in [("", ">", after), (" and ", "<", before)]
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
            Self::bounds(&columns, &values, [&self.after, &self.before], out)?;
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
            self.cut(columns, &self.limit, out)
        })?;
        out.push_sql(") as part");
        self.cut(self.order("part"), &self.limit, out)
    }

    /// The requests with the words and marks, in the states, from the newest on, as far back as the page needs: the migrations
    /// tell how. Marks only spare it to look at others; what the caller sees is said by the columns.
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
        out.push_sql("::tsquery, ");
        if self.states.is_empty() {
            out.push_sql("null");
        } else {
            out.push_bind_param::<Array<Text>, _>(&self.states)?;
        }
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
        self.conditions(&self.states, any_of, out)?;
        self.cut(self.order("found"), &self.limit, out)
    }

    /// The first rows of a piece, with every condition as it is.
    fn piece<'b>(&'b self, piece: &'b Piece<'_>, out: &mut AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        let Piece {
            states,
            after,
            before,
            is_gathered,
        } = piece;
        let from = if self.filter.words.is_some() {
            " from requests join request_words on request_words.request_id = requests.id where "
        } else {
            " from requests where "
        };
        self.select(from, out)?;
        Self::bounds(&self.order("requests"), &[], [after, before], out)?;
        self.conditions(states, one_or_any_of, out)?;
        if self.filter.words.is_some() {
            self.with_words(out)?;
        }
        self.within_further_bounds(out)?;
        let [key, id] = self.order("requests");
        // By what no index has in order, Postgres gathers them first.
        let key = if *is_gathered {
            format!("{key} + interval '0'")
        } else {
            key
        };
        self.cut([key, id], &self.limit, out)
    }

    /// With the words looked for.
    pub(super) fn with_words<'b>(&'b self, out: &mut AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql(" and request_words.words @@ ");
        out.push_bind_param::<Nullable<Text>, _>(&self.words)?;
        out.push_sql("::tsquery");
        Ok(())
    }

    /// Within the bounds of the time that the list is not ordered by.
    pub(super) fn within_further_bounds<'b>(
        &'b self,
        out: &mut AstPass<'_, 'b, Pg>,
    ) -> QueryResult<()> {
        let (key, from, before) = self.further_bounds();
        for (comparison, time) in [(">=", from), ("<", before)] {
            if let Some(time) = time {
                out.push_sql(&format!(" and requests.{} {comparison} ", key.column()));
                out.push_bind_param::<Timestamptz, _>(time)?;
            }
        }
        Ok(())
    }

    /// What is seen and asked for, as far as columns of the request say it: all but words and times.
    pub(super) fn conditions<'b>(
        &'b self,
        states: &'b [&str],
        among: impl Fn(&str, &'b [&str], &mut AstPass<'_, 'b, Pg>) -> QueryResult<()>,
        out: &mut AstPass<'_, 'b, Pg>,
    ) -> QueryResult<()> {
        let Filter {
            desk: _,
            states: _,
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
            among("desk", desks, out)?;
        }
        if !states.is_empty() {
            among("state", states, out)?;
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
}

/// Whether the column has one of the values.
pub(super) fn any_of<'b>(
    column: &str,
    values: &'b [&str],
    out: &mut AstPass<'_, 'b, Pg>,
) -> QueryResult<()> {
    out.push_sql(&format!(" and requests.{column} = any("));
    out.push_bind_param::<Array<Text>, _>(values)?;
    out.push_sql(")");
    Ok(())
}

/// The same. Where there is one value, Postgres knows that an index has its rows in order.
fn one_or_any_of<'b>(
    column: &str,
    values: &'b [&str],
    out: &mut AstPass<'_, 'b, Pg>,
) -> QueryResult<()> {
    match values {
        [value] => equal(column, value, out),
        _ => any_of(column, values, out),
    }
}

pub(super) fn equal<'b>(
    column: &str,
    value: &'b str,
    out: &mut AstPass<'_, 'b, Pg>,
) -> QueryResult<()> {
    out.push_sql(&format!(" and requests.{column} = "));
    out.push_bind_param::<Text, _>(value)
}
