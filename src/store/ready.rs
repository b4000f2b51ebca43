//! Whether the database can be used.

use diesel_async::RunQueryDsl;

use super::{Connection, StoreError};

diesel::define_sql_function! {
    /// Whether the server is a standby.
    fn pg_is_in_recovery() -> diesel::sql_types::Bool;
}

/// Whether the server answers and is not a standby, which would take no writes.
///
/// # Errors
/// Where it does not answer.
pub async fn takes_writes(connection: &mut Connection) -> Result<bool, StoreError> {
    let is_standby: bool = diesel::select(pg_is_in_recovery())
        .get_result(connection)
        .await?;
    Ok(!is_standby)
}
