//! Brings the database to the shape this binary needs.

use diesel::connection::{Connection, SimpleConnection};
use diesel_async::AsyncPgConnection;
use diesel_async::async_connection_wrapper::AsyncConnectionWrapper;
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

use super::{StoreError, connect};

/// Every migration, as compiled in.
pub const MIGRATIONS: EmbeddedMigrations = embed_migrations!("migrations");

/// Instances that start together take turns by this lock.
const LOCK: &str = "select pg_advisory_xact_lock(7301905551)";
/// A migration may rewrite a large table, and may wait for another instance's.
const PATIENCE: &str = "set local statement_timeout = 0; set local lock_timeout = 0";

/// Runs what has not run yet, and names it. Safe to call from several instances at once.
///
/// # Errors
/// Where the database can't be reached or a migration fails; nothing is changed then.
pub async fn run_pending(url: &str) -> Result<Vec<String>, StoreError> {
    with_harness(url, |harness| {
        let done = harness.run_pending_migrations(MIGRATIONS)?;
        Ok(done.iter().map(ToString::to_string).collect())
    })
    .await
}

/// Takes back the latest migration, and names it.
///
/// # Errors
/// Where none has run, or it can't be undone.
pub async fn revert_last(url: &str) -> Result<String, StoreError> {
    with_harness(url, |harness| {
        Ok(harness.revert_last_migration(MIGRATIONS)?.to_string())
    })
    .await
}

/// Does the work in one transaction: a pooler that gives out a server for a transaction would otherwise leave the lock on
/// one server and release it on another.
async fn with_harness<T: Send + 'static>(
    url: &str,
    work: impl FnOnce(&mut Wrapper) -> diesel::migration::Result<T> + Send + 'static,
) -> Result<T, StoreError> {
    let connection = connect(url)
        .await
        .map_err(|error| StoreError::Unavailable(error.to_string()))?;
    tokio::task::spawn_blocking(move || {
        let mut wrapper = Wrapper::from(connection);
        wrapper.transaction(|wrapper| {
            wrapper.batch_execute(PATIENCE)?;
            wrapper.batch_execute(LOCK)?;
            work(wrapper)
        })
    })
    .await
    .map_err(|error| StoreError::Migration(error.to_string()))?
    .map_err(|error| StoreError::Migration(error.to_string()))
}

type Wrapper = AsyncConnectionWrapper<AsyncPgConnection>;
