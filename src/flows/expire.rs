//! Requests that nobody moves come to an end.

use chrono::{DateTime, TimeDelta, Utc};

use super::audit::unasked;
use super::{FlowError, refused};
use crate::app::App;
use crate::domain::lifecycle::{self, State, Step};
use crate::store::apply;
use crate::store::writes::{Stamp, Who, Writes};
use crate::store::{Connection, requests};

/// Requests taken in one transaction.
const BATCH: i64 = 50;

/// Expires all requests whose time limit in the catalogue has passed, a batch at a time; tells how many.
///
/// Instances share the work: a request another instance is busy with is passed over.
///
/// # Errors
/// Where the database does not answer.
pub async fn run_once(app: &App) -> Result<usize, FlowError> {
    let now = app.clock.now();
    let limits = app.catalogue.expiry();
    let mut expired = 0;
    for (state, days) in [
        (State::Draft, limits.draft),
        (State::ActionRequired, limits.action_required),
        (State::Accepted, limits.accepted),
    ] {
        let since_before = now - TimeDelta::days(i64::from(days));
        loop {
            let batch = app
                .store
                .write_alone(async |connection: &mut Connection| {
                    expire_in(app, connection, state, since_before, days, now).await
                })
                .await?;
            expired += batch;
            // A batch that is not full was the last, or others are busy with the rest.
            if i64::try_from(batch).is_ok_and(|batch| batch < BATCH) {
                break;
            }
        }
    }
    Ok(expired)
}

async fn expire_in(
    app: &App,
    connection: &mut Connection,
    state: State,
    since_before: DateTime<Utc>,
    days: u32,
    now: DateTime<Utc>,
) -> Result<usize, FlowError> {
    let stale = requests::stale(connection, state, since_before, BATCH).await?;
    let mut writes = Writes::default();
    let mut count = 0;
    for request in stale {
        let Some(plan) = lifecycle::plan_expiry(&request) else {
            continue;
        };
        let reason = Some(format!("Nothing happened for {days} days."));
        let change = plan
            .take(
                Step {
                    reason,
                    ..Step::default()
                },
                None,
                None,
                now,
            )
            .map_err(|refusal| refused(refusal, &request))?;
        let run = app.clock.new_id();
        let who = Who {
            subject: "system".to_owned(),
            name: "engagement-desk".to_owned(),
            role: "system".to_owned(),
            key_id: String::new(),
            on_behalf_of: None,
            http_request_id: run.to_string(),
        };
        let stamp = Stamp {
            event_id: run,
            at: now,
        };
        writes.update(&request, change, &who, stamp);
        let line = unasked("system", "expire_request", request.id.to_string(), now);
        writes.audit(line);
        count += 1;
    }
    apply::write(connection, &writes).await?;
    Ok(count)
}
