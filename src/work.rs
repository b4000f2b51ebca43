//! What the service does by itself, now and then: expiring requests, forgetting old answers, sorting new words in.
//!
//! Every instance runs it. The pieces of work lock what they take, so instances share them.

use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;

use crate::app::App;
use crate::flows::{FlowError, expire};
use crate::store::{Connection, Plans, Store, StoreError, idempotency, words};

/// How often it is looked for something to do.
const PAUSE: Duration = Duration::from_secs(60);

/// How often words that were written are sorted in. Until then every search looks through them; whoever writes when there
/// are too many would have to do it meanwhile.
const SORTING: Duration = Duration::from_secs(1);

/// First answers are kept for this long.
pub const ANSWERS_KEPT: TimeDelta = TimeDelta::hours(72);

/// Answers forgotten in one transaction.
const BATCH: i64 = 1_000;

/// What one run did.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Report {
    /// Requests that expired.
    pub expired: usize,
    /// Answers that were forgotten.
    pub forgotten: usize,
}

/// Does one round of each piece of work, also where another one fails.
///
/// # Errors
/// Where the database does not answer.
pub async fn run_once(app: &App) -> Result<Report, FlowError> {
    let expired = expire::run_once(app).await;
    let forgotten = forget_answers(app).await;
    let sorted = sort_in(&app.store).await;
    let report = Report {
        expired: expired?,
        forgotten: forgotten?,
    };
    sorted?;
    Ok(report)
}

async fn sort_in(store: &Store) -> Result<(), StoreError> {
    store
        .read(Plans::ForValues, async |connection: &mut Connection| {
            words::sort_in(connection).await
        })
        .await
}

/// Sorts in the words that this process wrote, until the service stops. What it leaves behind, a round sorts in.
pub async fn sort_new_words(app: Arc<App>) {
    loop {
        tokio::time::sleep(SORTING).await;
        if app.store.take_new_words()
            && let Err(error) = sort_in(&app.store).await
        {
            tracing::warn!(%error, "new words were not sorted in");
        }
    }
}

/// Forgets all answers that are old enough, a batch at a time, so that nobody waits long for one.
async fn forget_answers(app: &App) -> Result<usize, FlowError> {
    let older_than = app.clock.now() - ANSWERS_KEPT;
    let mut forgotten = 0;
    loop {
        let batch = app
            .store
            .write_alone(async |connection: &mut Connection| {
                idempotency::forget(connection, older_than, BATCH).await
            })
            .await?;
        forgotten += batch;
        if i64::try_from(batch).is_ok_and(|batch| batch < BATCH) {
            return Ok(forgotten);
        }
    }
}

/// Goes on until the service stops. A round that fails is logged, and the next one tries again.
pub async fn run(app: Arc<App>) {
    loop {
        match run_once(&app).await {
            Ok(Report {
                expired: 0,
                forgotten: 0,
            }) => {}
            Ok(report) => tracing::info!(?report, "background work"),
            Err(error) => tracing::warn!(%error, "background work failed"),
        }
        tokio::time::sleep(PAUSE).await;
    }
}
