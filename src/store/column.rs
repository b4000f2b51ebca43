//! How values stand in columns: vocabularies as their words, documents as their text.

use std::io::Write;
use std::str::FromStr;

use diesel::deserialize::{self, FromSql, FromSqlRow};
use diesel::expression::AsExpression;
use diesel::pg::{Pg, PgValue};
use diesel::serialize::{self, IsNull, Output, ToSql};
use diesel::sql_types::{self, Jsonb, Text};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// A word of a closed vocabulary.
///
/// Kept as text under a CHECK: a Postgres enum would tie every connection to the type's number.
#[derive(Clone, Copy, Debug, AsExpression, FromSqlRow)]
#[diesel(sql_type = Text)]
pub struct Word<T>(pub T);

impl<T: FromStr<Err: std::error::Error + Send + Sync + 'static>> FromSql<Text, Pg> for Word<T> {
    fn from_sql(value: PgValue<'_>) -> deserialize::Result<Self> {
        Ok(Self(std::str::from_utf8(value.as_bytes())?.parse()?))
    }
}

impl<T: std::fmt::Debug + std::fmt::Display> ToSql<Text, Pg> for Word<T> {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
        write!(out, "{}", self.0)?;
        Ok(IsNull::No)
    }
}

/// Words with their places, as Postgres searches them. They are never read.
#[derive(Clone, Copy, Debug, diesel::sql_types::SqlType, diesel::query_builder::QueryId)]
#[diesel(postgres_type(oid = 3614, array_oid = 3643))]
pub struct Tsvector;

/// Words on their way into a column, in the binary form of `tsvector`.
#[derive(Clone, Debug)]
pub struct Words(pub Vec<u8>);

impl ToSql<Tsvector, Pg> for Words {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
        out.write_all(&self.0)?;
        Ok(IsNull::No)
    }
}

/// A document read as its Rust type, with no tree of values in between.
#[derive(Clone, Debug, FromSqlRow)]
pub struct Json<T>(pub T);

impl<T: DeserializeOwned> FromSql<sql_types::Json, Pg> for Json<T> {
    fn from_sql(value: PgValue<'_>) -> deserialize::Result<Self> {
        Ok(Self(serde_json::from_slice(value.as_bytes())?))
    }
}

/// A document on its way to Postgres, written already.
#[derive(Clone, Debug)]
pub struct Document(Vec<u8>);

impl Document {
    /// The value as its text. What is kept are plain values, which always serialize; one that did not would be nothing,
    /// which Postgres refuses.
    pub fn of<T: Serialize>(value: &T) -> Self {
        Self(serde_json::to_vec(value).unwrap_or_default())
    }
}

impl ToSql<sql_types::Json, Pg> for Document {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
        out.write_all(&self.0)?;
        Ok(IsNull::No)
    }
}

/// The version of the binary form of `jsonb`, its first byte.
const JSONB_VERSION: u8 = 1;

impl ToSql<Jsonb, Pg> for Document {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
        out.write_all(&[JSONB_VERSION])?;
        out.write_all(&self.0)?;
        Ok(IsNull::No)
    }
}
