//! Rows for a statement, column by column: so many of them go to Postgres as a handful of arrays, in a
//! statement whose text does not depend on how many there are, and so stays prepared.

use std::marker::PhantomData;

use diesel::QueryResult;
use diesel::expression::{Expression, TypedExpressionType};
use diesel::pg::Pg;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types::{
    BigInt, Binary, Bool, Date, Double, Integer, Json, Jsonb, Nullable, SmallInt, SqlType, Text,
    Timestamptz, Uuid,
};

use super::column::Tsvector;

/// Makes a kind of row, and a struct of the columns of several.
macro_rules! columns {
    (
        $(#[$documentation:meta])*
        $columns:ident of $row:ident {
            $($field:ident: $type:ty => $sql:ty,)+
        }
    ) => {
        $(#[$documentation])*
        #[derive(Debug)]
        pub(super) struct $row {
            $(pub $field: $type,)+
        }

        #[derive(Debug)]
        pub(super) struct $columns<'a> {
            $($field: Vec<&'a $type>,)+
        }

        impl<'a> $columns<'a> {
            /// The names of the columns, with commas between them.
            pub(super) const NAMES: &'static str = $crate::store::columns::names!($($field),+);

            pub(super) fn of(rows: impl IntoIterator<Item = &'a $row, IntoIter: Clone>) -> Self {
                let rows = rows.into_iter();
                Self {
                    $($field: rows.clone().map(|row| &row.$field).collect(),)+
                }
            }
        }

        impl $crate::store::columns::Rows for $columns<'_> {
            fn is_empty(&self) -> bool {
                [$(self.$field.is_empty()),+].contains(&true)
            }

            fn names(&self) -> &'static str {
                Self::NAMES
            }

            fn arrays<'b>(
                &'b self,
                before: &mut &'static str,
                out: &mut diesel::query_builder::AstPass<'_, 'b, diesel::pg::Pg>,
            ) -> diesel::QueryResult<()> {
                $(
                    out.push_sql(before);
                    out.push_bind_param::<diesel::sql_types::Array<$sql>, _>(&self.$field)?;
                    out.push_sql("::");
                    out.push_sql(<$sql as $crate::store::columns::Named>::NAME);
                    *before = "[], ";
                )+
                Ok(())
            }
        }
    };
}
pub(super) use columns;

/// Names with commas between them.
macro_rules! names {
    ($first:ident $(, $more:ident)*) => {
        concat!(stringify!($first) $(, ", ", stringify!($more))*)
    };
}
pub(super) use names;

/// Rows that go to Postgres as arrays.
pub(super) trait Rows: Send {
    /// Whether there are none.
    fn is_empty(&self) -> bool;

    /// The names of the columns, with commas between them.
    fn names(&self) -> &'static str;

    /// The columns as arguments of `unnest`, each but for the last `[]`, with this before the first.
    fn arrays<'b>(
        &'b self,
        before: &mut &'static str,
        out: &mut AstPass<'_, 'b, Pg>,
    ) -> QueryResult<()>;
}

/// The rows as a table of that name. The first rows of all these kinds make its first row, and so on.
pub(super) fn table<'b>(
    name: &str,
    kinds: impl IntoIterator<Item = &'b dyn Rows, IntoIter: Clone>,
    out: &mut AstPass<'_, 'b, Pg>,
) -> QueryResult<()> {
    let kinds = kinds.into_iter();
    let mut before = "unnest(";
    for rows in kinds.clone() {
        rows.arrays(&mut before, out)?;
    }
    out.push_sql(&format!("[]) as {name} ({})", names_of(kinds)));
    Ok(())
}

/// The names of all their columns, with commas between them.
pub(super) fn names_of<'b>(kinds: impl IntoIterator<Item = &'b dyn Rows>) -> String {
    let names: Vec<&str> = kinds.into_iter().map(|rows| rows.names()).collect();
    names.join(", ")
}

/// A type as Postgres calls it: who reads the statement alone, as in a log, can tell what its values are.
pub(super) trait Named {
    const NAME: &'static str;
}

macro_rules! named {
    ($($sql:ty => $name:literal,)+) => {
        $(impl Named for $sql {
            const NAME: &'static str = $name;
        })+
    };
}

named! {
    BigInt => "bigint",
    Binary => "bytea",
    Bool => "boolean",
    Date => "date",
    Double => "double precision",
    Integer => "integer",
    Json => "json",
    Jsonb => "jsonb",
    SmallInt => "smallint",
    Text => "text",
    Timestamptz => "timestamptz",
    Tsvector => "tsvector",
    Uuid => "uuid",
}

impl<T: SqlType<IsNull = diesel::sql_types::is_nullable::NotNull> + Named> Named for Nullable<T> {
    const NAME: &'static str = T::NAME;
}

/// A question that is asked for every given row, which has a `place`: each row of the answer tells the place
/// of the one it belongs to. The text is the same however many rows there are, and so stays prepared.
pub(super) struct ForEach<Columns, Given> {
    /// What is read.
    pub columns: Columns,
    /// The rows, as a table of the name `given`.
    pub given: Given,
    /// What they are joined with, and further conditions.
    pub rest: String,
}

impl<Columns: QueryFragment<Pg>, Given: Rows> QueryFragment<Pg> for ForEach<Columns, Given> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("select given.place, ");
        self.columns.walk_ast(out.reborrow())?;
        out.push_sql(" from ");
        let given: &dyn Rows = &self.given;
        table("given", [given], &mut out)?;
        out.push_sql(&self.rest);
        Ok(())
    }
}

impl<Columns, Given> QueryId for ForEach<Columns, Given> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<Columns: Expression, Given> Query for ForEach<Columns, Given> {
    type SqlType = (BigInt, Columns::SqlType);
}

/// Columns as they are written in SQL, with their types.
pub(super) struct Raw<Types>(&'static str, PhantomData<Types>);

impl<Types> Raw<Types> {
    pub(super) const fn new(columns: &'static str) -> Self {
        Self(columns, PhantomData)
    }
}

impl<Types: SqlType + TypedExpressionType> Expression for Raw<Types> {
    type SqlType = Types;
}

impl<Types> QueryFragment<Pg> for Raw<Types> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql(self.0);
        Ok(())
    }
}

/// The place of a row among others, for Postgres.
pub(super) fn to_place(place: usize) -> i64 {
    i64::try_from(place).unwrap_or(i64::MAX)
}

/// The place that was given to Postgres.
pub(super) fn from_place(place: i64) -> usize {
    usize::try_from(place).unwrap_or(usize::MAX)
}
