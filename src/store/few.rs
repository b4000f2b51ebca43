//! A hint for statements that are planned once.

use diesel::QueryResult;
use diesel::pg::Pg;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};

/// No page has more rows.
const MOST: i64 = 201;

/// A query with a limit of its own, told again as a number that Postgres knows when it plans. The rows come in whatever
/// order.
///
/// Postgres takes a limit that it does not know for a tenth of everything, and gathers and sorts that. This second one cuts
/// off nothing: it says that few rows are wanted, which an index has in order.
pub(super) struct Few<Q> {
    pub query: Q,
    pub limit: i64,
}

/// Writes such a query.
pub(super) fn few<'b>(
    limit: i64,
    out: &mut AstPass<'_, 'b, Pg>,
    query: impl FnOnce(&mut AstPass<'_, 'b, Pg>) -> QueryResult<()>,
) -> QueryResult<()> {
    out.push_sql("select few.* from (");
    query(out)?;
    out.push_sql(&format!(") as few limit {}", limit.max(MOST)));
    Ok(())
}

impl<Q: QueryFragment<Pg>> QueryFragment<Pg> for Few<Q> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        few(self.limit, &mut out, |out| {
            self.query.walk_ast(out.reborrow())
        })
    }
}

impl<Q> QueryId for Few<Q> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<Q: Query> Query for Few<Q> {
    type SqlType = Q::SqlType;
}
