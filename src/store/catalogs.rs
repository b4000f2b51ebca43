//! The catalogues that decisions were made under.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use super::schema::catalogs;
use super::{Connection, StoreError};

/// Keeps the catalogue's text under its version, once.
///
/// # Errors
/// Where the database does not answer.
pub async fn keep(
    connection: &mut Connection,
    version: &str,
    document: &str,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    diesel::insert_into(catalogs::table)
        .values((
            catalogs::version.eq(version),
            catalogs::document.eq(document),
            catalogs::first_used_at.eq(now),
        ))
        .on_conflict_do_nothing()
        .execute(connection)
        .await?;
    Ok(())
}
