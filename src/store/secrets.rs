//! Secrets that all instances on one database share.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use super::schema::server_secrets;
use super::{Connection, StoreError};

/// The secret of that name; the proposed one where there was none yet.
///
/// # Errors
/// Where the database does not answer.
pub async fn shared(
    connection: &mut Connection,
    name: &str,
    proposed: &[u8],
) -> Result<Vec<u8>, StoreError> {
    diesel::insert_into(server_secrets::table)
        .values((
            server_secrets::name.eq(name),
            server_secrets::value.eq(proposed),
        ))
        .on_conflict_do_nothing()
        .execute(connection)
        .await?;
    Ok(server_secrets::table
        .select(server_secrets::value)
        .filter(server_secrets::name.eq(name))
        .first(connection)
        .await?)
}
