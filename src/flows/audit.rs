//! The audit trail: every write that is asked for leaves one line, whatever comes of it.
//!
//! A write that is carried out leaves its line in its own transaction, so that neither is kept without the
//! other. One that is refused has no transaction: its line waits in the [`Trail`], which never makes a
//! caller wait, and [`run`] writes what waits there a batch at a time.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::sync::Notify;
use uuid::{NoContext, Timestamp, Uuid};

use super::{Ask, FlowError};
use crate::app::App;
use crate::domain::actor::Caller;
use crate::domain::rights::{self, Action};
use crate::store::apply;
use crate::store::audit::{self, AuditOutcome, Entry, Filter, Position};
use crate::store::idempotency::Answer;
use crate::store::writes::Writes;
use crate::store::{Connection, Plans, StoreError, Unit};

/// How a write was asked for.
#[derive(Debug, Default)]
pub struct Origin {
    /// Address of the peer.
    pub address: Option<String>,
    /// HTTP method.
    pub method: String,
    /// The path with names for its variable parts.
    pub route: String,
    /// Name of the operation.
    pub action: String,
    /// Id or reference in the path.
    pub object: Option<String>,
    recorded: AtomicBool,
}

impl Origin {
    /// Whether a transaction has a line of it already.
    pub fn is_recorded(&self) -> bool {
        self.recorded.load(Ordering::Relaxed)
    }

    /// A line of a write that was asked for in this way.
    pub fn entry(&self, app: &App, caller: &Caller, http_request_id: &str) -> Entry {
        Entry {
            id: app.clock.new_id(),
            at: app.clock.now(),
            subject: caller.subject.clone(),
            role: caller.role.as_str().to_owned(),
            key_id: caller.key_id.clone(),
            address: self.address.clone(),
            method: Some(self.method.clone()),
            route: Some(self.route.clone()),
            http_request_id: Some(http_request_id.to_owned()),
            status: None,
            action: self.action.clone(),
            object: self.object.clone(),
            outcome: AuditOutcome::Done,
            code: None,
        }
    }
}

/// Writes the line of a write that is answered so, in its transaction.
pub(super) fn record(
    app: &App,
    unit: &mut Unit,
    ask: &Ask,
    outcome: AuditOutcome,
    answer: &Answer,
) {
    let entry = ask.origin.entry(app, &ask.caller, &ask.http_request_id);
    let made = answer.made();
    let entry = Entry {
        object: entry.object.clone().or_else(|| made.map(str::to_owned)),
        status: Some(answer.status),
        outcome,
        code: answer.problem_code(),
        ..entry
    };
    unit.writes.audit(entry);
    ask.origin.recorded.store(true, Ordering::Relaxed);
}

/// A line of something the service did without being asked over HTTP.
pub(super) fn unasked(who: &str, action: &str, object: String, now: DateTime<Utc>) -> Entry {
    let seconds = u64::try_from(now.timestamp()).unwrap_or_default();
    let time = Timestamp::from_unix(NoContext, seconds, now.timestamp_subsec_nanos());
    Entry {
        id: Uuid::new_v7(time),
        at: now,
        subject: who.to_owned(),
        role: "system".to_owned(),
        key_id: String::new(),
        address: None,
        method: None,
        route: None,
        http_request_id: None,
        status: None,
        action: action.to_owned(),
        object: Some(object),
        outcome: AuditOutcome::Done,
        code: None,
    }
}

/// More lines than this do not wait to be written.
const MOST_WAITING: usize = 10_000;

/// Lines written at once.
const BATCH: usize = 200;

/// How long a database that does not answer is left alone.
const PAUSE: Duration = Duration::from_secs(1);

/// Lines that wait to be written.
#[derive(Debug, Default)]
pub struct Trail {
    waiting: Mutex<VecDeque<Entry>>,
    news: Notify,
    dropped: AtomicU64,
}

impl Trail {
    /// Has the line written soon. Where too many wait already it is dropped, counted and logged.
    pub fn push(&self, entry: Entry) {
        let mut waiting = self.waiting();
        if waiting.len() < MOST_WAITING {
            waiting.push_back(entry);
            drop(waiting);
            self.news.notify_one();
        } else {
            drop(waiting);
            self.drop_lines(1);
        }
    }

    /// Lines that were dropped since the start.
    pub fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    fn waiting(&self) -> std::sync::MutexGuard<'_, VecDeque<Entry>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self) -> Vec<Entry> {
        let mut waiting = self.waiting();
        let count = waiting.len().min(BATCH);
        waiting.drain(..count).collect()
    }

    fn put_back(&self, entries: Vec<Entry>) {
        let mut waiting = self.waiting();
        for entry in entries.into_iter().rev() {
            waiting.push_front(entry);
        }
    }

    fn drop_lines(&self, count: usize) {
        let more = u64::try_from(count).unwrap_or(u64::MAX);
        let before = self.dropped.fetch_add(more, Ordering::Relaxed);
        // A flood of them is told of now and then.
        if before / 1_000 != (before + more) / 1_000 || before == 0 {
            tracing::warn!(dropped = before + more, "audit lines were dropped");
        }
    }
}

/// Writes lines as they come, until the service stops.
pub async fn run(app: Arc<App>) {
    loop {
        app.trail.news.notified().await;
        while let Err(error) = flush(&app).await {
            tracing::warn!(%error, "audit lines wait");
            tokio::time::sleep(PAUSE).await;
        }
    }
}

/// Writes all lines that wait.
///
/// # Errors
/// Where the database does not answer; the lines go on waiting.
pub async fn flush(app: &App) -> Result<(), StoreError> {
    loop {
        let batch = app.trail.take();
        if batch.is_empty() {
            return Ok(());
        }
        let written = app
            .store
            .write_alone(async |connection: &mut Connection| {
                let mut writes = Writes::default();
                batch.iter().cloned().for_each(|line| writes.audit(line));
                apply::write(connection, &writes).await
            })
            .await;
        match written {
            Ok(()) => {}
            Err(error @ (StoreError::Broken(_) | StoreError::Taken(_))) => {
                tracing::error!(%error, "audit lines can't be written");
                app.trail.drop_lines(batch.len());
            }
            Err(error) => {
                app.trail.put_back(batch);
                return Err(error);
            }
        }
    }
}

/// The trail, newest first.
///
/// # Errors
/// Where the caller does not read it, or the database does not answer.
pub async fn list(
    app: &App,
    ask: &Ask,
    filter: &Filter,
    after: Option<Position>,
    limit: i64,
) -> Result<Vec<Entry>, FlowError> {
    if rights::reach(&ask.caller, Action::ReadAudit).is_none() {
        return Err(FlowError::Forbidden(
            "Only an administrator reads the audit trail.".to_owned(),
        ));
    }
    app.store
        .read_anywhere(Plans::ForValues, async |connection: &mut Connection| {
            Ok(audit::list(connection, filter, after, limit).await?)
        })
        .await
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(number: u32) -> Entry {
        let now = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
        unasked("test", "test", number.to_string(), now)
    }

    #[test]
    fn lines_beyond_the_most_are_dropped_and_counted() {
        let trail = Trail::default();
        for number in 0..MOST_WAITING + 3 {
            trail.push(line(u32::try_from(number).unwrap()));
        }
        assert_eq!(trail.waiting().len(), MOST_WAITING);
        assert_eq!(trail.dropped(), 3);
    }

    #[test]
    fn lines_leave_in_the_order_they_came_even_when_a_batch_comes_back() {
        let trail = Trail::default();
        (0..3).for_each(|number| trail.push(line(number)));
        let batch = trail.take();
        trail.push(line(3));
        trail.put_back(batch);
        let objects: Vec<_> = trail
            .take()
            .into_iter()
            .map(|line| line.object.unwrap())
            .collect();
        assert_eq!(objects, ["0", "1", "2", "3"]);
        assert!(trail.take().is_empty());
    }
}
