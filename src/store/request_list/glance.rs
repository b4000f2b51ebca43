//! The first look at a list that no index has: at so many requests in its order, whatever else is asked for. Where most of
//! them are wanted, or there are no more, the page is found without gathering all that it is the first of.

use diesel::QueryResult;
use diesel::dsl::AsSelect;
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types::BigInt;
use diesel_async::RunQueryDsl;

use super::sql::{any_of, equal};
use super::{Approach, RequestList};
use crate::store::requests::{Filter, Summary};
use crate::store::{Connection, StoreError};

/// So many are looked at first.
const FIRST: i64 = 256;

/// So many are looked at most.
const MOST: i64 = 2_048;

/// So many states are looked through side by side. All open ones are eight.
const STATES: usize = 8;

/// The statement that looks at the first requests of a list, or of what an index has of it.
struct Glance<'l, 'a> {
    list: &'l RequestList<'a>,
    desk: Option<&'a str>,
    /// `None` for whatever state.
    states: Vec<Option<&'a str>>,
    candidates: i64,
}

/// What came of it.
enum Seen {
    /// The page: it is full, or there is no more.
    Page(Vec<Summary>),
    /// So many belong to the page, and there is more to look at.
    Part(usize),
}

impl<'a> RequestList<'a> {
    /// The page, if it is among the first requests that may be on it. Their number grows with what is found.
    ///
    /// # Errors
    /// Where the database does not answer.
    pub(super) async fn at_a_glance(
        &self,
        connection: &mut Connection,
    ) -> Result<Option<Vec<Summary>>, StoreError> {
        let mut candidates = self.is_worth_a_glance().then_some(FIRST);
        while let Some(number) = candidates {
            match self.glance(number).read(connection).await? {
                Seen::Page(page) => return Ok(Some(page)),
                Seen::Part(found) => candidates = farther(number, found, self.limit),
            }
        }
        Ok(None)
    }

    /// What one person, partner or customer has is mostly little, and gathered sooner than looked for.
    fn is_worth_a_glance(&self) -> bool {
        let Filter {
            desk: _,
            states: _,
            service: _,
            partner,
            customer,
            assignee: _,
            requested_by,
            words: _,
            created_from: _,
            created_before: _,
            updated_from: _,
            updated_before: _,
        } = self.filter;
        let names_few = [partner, customer, requested_by]
            .into_iter()
            .any(Option::is_some);
        let is_chosen = matches!(self.approach, Approach::Chosen(_));
        is_chosen && self.sees_much() && self.may_show_something() && !names_few
    }

    fn glance(&self, candidates: i64) -> Glance<'_, 'a> {
        let desk = match self.desks.as_deref() {
            Some([desk]) => Some(*desk),
            _ => None,
        };
        let states = if self.states.is_empty() || self.states.len() > STATES {
            vec![None]
        } else {
            self.states.iter().copied().map(Some).collect()
        };
        Glance {
            list: self,
            desk,
            states,
            candidates,
        }
    }
}

/// How many to look at next, where so many were looked at and so many of them found: twice as many as should fill the page.
/// `None` where that is too much.
fn farther(candidates: i64, found: usize, wanted: i64) -> Option<i64> {
    let found = i64::try_from(found).ok().filter(|found| *found > 0)?;
    Some(2 * candidates * wanted / found).filter(|next| *next <= MOST)
}

impl Glance<'_, '_> {
    async fn read(self, connection: &mut Connection) -> Result<Seen, StoreError> {
        let (candidates, wanted) = (self.candidates, self.list.limit);
        let mut rows: Vec<(Summary, i64)> = RunQueryDsl::load(self, connection).await?;
        // The last one that was looked at is there to tell so, whether it belongs to the page or not.
        let is_cut_off = rows.pop_if(|(_, place)| *place == candidates).is_some();
        let is_full = i64::try_from(rows.len()).is_ok_and(|found| found >= wanted);
        Ok(if is_full || !is_cut_off {
            Seen::Page(rows.into_iter().map(|(row, _)| row).collect())
        } else {
            Seen::Part(rows.len())
        })
    }

    /// The first requests at the desk and in the state, in the order of the list. An index has them in it.
    fn first_in<'b>(
        &'b self,
        state: Option<&'b &str>,
        out: &mut AstPass<'_, 'b, Pg>,
    ) -> QueryResult<()> {
        let list = self.list;
        out.push_sql("select requests.* from requests where ");
        let order = list.order("requests");
        RequestList::bounds(&order, &[], [&list.after, &list.before], out)?;
        for (column, value) in [("desk", self.desk.as_ref()), ("state", state)] {
            if let Some(value) = value {
                equal(column, value, out)?;
            }
        }
        list.cut(order, &self.candidates, out)
    }
}

impl QueryFragment<Pg> for Glance<'_, '_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.unsafe_to_cache_prepared();
        let list = self.list;
        let [key, id] = list.order("requests");
        let direction = list.direction();
        let from = format!(
            ", requests.place from (select requests.*, \
             row_number() over (order by {key} {direction}, {id} {direction}) as place from (",
        );
        list.select(&from, &mut out)?;
        let write = |state: &'b Option<&str>, out: &mut AstPass<'_, 'b, Pg>| {
            self.first_in(state.as_ref(), out)
        };
        list.merged(&self.states, &self.candidates, write, &mut out)?;
        out.push_sql(") as requests) as requests where (true");
        list.conditions(&list.states, any_of, &mut out)?;
        list.within_further_bounds(&mut out)?;
        if list.filter.words.is_some() {
            out.push_sql(
                " and exists (select from request_words \
                 where request_words.request_id = requests.id",
            );
            list.with_words(&mut out)?;
            out.push_sql(")");
        }
        out.push_sql(") or requests.place = ");
        out.push_bind_param::<BigInt, _>(&self.candidates)?;
        list.cut([key, id], &list.limit, &mut out)
    }
}

impl QueryId for Glance<'_, '_> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl Query for Glance<'_, '_> {
    type SqlType = (<AsSelect<Summary, Pg> as Expression>::SqlType, BigInt);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_more_is_found_the_less_is_looked_at_next_and_what_is_rare_is_not_looked_for() {
        assert_eq!(farther(256, 50, 51), Some(522));
        assert_eq!(farther(256, 13, 51), Some(2_008));
        assert_eq!(farther(256, 12, 51), None);
        assert_eq!(farther(256, 0, 51), None);
    }
}
