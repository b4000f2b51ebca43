//! Somebody of the desk logs hours worked on a request.

use chrono::NaiveDate;

use super::once::{Given, once};
use super::{Ask, FlowError, hours_at_most, needs, refused, stamp};
use crate::app::App;
use crate::domain::actor::Caller;
use crate::domain::lifecycle;
use crate::domain::rights::{self, Action};
use crate::store::idempotency::{Answer, Key};
use crate::store::requests::Name;
use crate::store::time_entries::TimeEntry;

/// What was worked.
#[derive(Clone, Debug)]
pub struct Worked {
    /// How many hours.
    pub hours: f64,
    /// On which day (UTC).
    pub on: NaiveDate,
    /// What was done.
    pub note: Option<String>,
}

/// Whether the caller's role logs hours at all; to be asked before a body is looked at.
///
/// # Errors
/// Where it doesn't.
pub fn may_log_hours(caller: &Caller) -> Result<(), FlowError> {
    match rights::reach(caller, Action::ActAsDesk) {
        Some(_) => Ok(()),
        None => Err(FlowError::Forbidden("Only the desk logs hours.".to_owned())),
    }
}

/// Logs the hours. The request's row is locked meanwhile, so that the hours of all who log at once never
/// pass what the desk gives one request.
///
/// # Errors
/// Where the caller can't see the request or is not of its desk, it is not in progress, the hours are
/// too many, or the database does not answer.
pub async fn log_hours(
    app: &App,
    ask: &Ask,
    name: &Name,
    worked: &Worked,
    key: Option<&Key>,
    render: impl Fn(TimeEntry) -> Answer,
) -> Result<Given, FlowError> {
    once(
        app,
        ask,
        key,
        needs(ask, name),
        async |unit, loaded| {
            let request = loaded.request.ok_or(FlowError::NotFound)?;
            if !rights::may(&ask.caller, Action::ActAsDesk, &request) {
                return Err(FlowError::Forbidden("Only the desk logs hours.".to_owned()));
            }
            let at_most = hours_at_most(app, &request);
            let change = lifecycle::log_hours(&request, worked.hours, at_most)
                .map_err(|refusal| refused(refusal, &request))?;
            let stamp = stamp(app);
            let entry = TimeEntry {
                id: app.clock.new_id(),
                request_id: request.id,
                hours: worked.hours,
                worked_on: worked.on,
                note: worked.note.clone(),
                logged_by: ask.caller.subject.clone(),
                created_at: stamp.at,
            };
            unit.writes.log_hours(entry.clone());
            unit.writes.update(&request, change, &ask.who(None), stamp);
            Ok(entry)
        },
        render,
    )
    .await
}
