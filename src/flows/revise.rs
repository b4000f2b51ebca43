//! The facts of a request change.

use super::once::{Given, once};
use super::{Ask, Expected, FlowError, keepable, must_be, needs, refused, stamp};
use crate::app::App;
use crate::domain::actor::Caller;
use crate::domain::facts::Facts;
use crate::domain::lifecycle;
use crate::domain::request::Request;
use crate::domain::rights::{self, Action};
use crate::store::idempotency::{Answer, Key};
use crate::store::requests::Name;

/// New facts of a request, and the version they were worked out from.
#[derive(Clone, Debug)]
pub struct Revision {
    /// The facts after.
    pub facts: Facts,
    /// The version they are written over, and over no other.
    pub read_version: i64,
}

/// Replaces the facts of a request.
///
/// # Errors
/// Where the caller can't see or may not revise it, it was changed since, its state does not allow it,
/// or the database does not answer.
pub async fn revise(
    app: &App,
    ask: &Ask,
    name: &Name,
    expected: Expected<'_>,
    revision: &Revision,
    key: Option<&Key>,
    render: impl Fn(Request) -> Answer,
) -> Result<Given, FlowError> {
    once(
        app,
        ask,
        key,
        needs(ask, name),
        async |unit, loaded| {
            let request = loaded.request.ok_or(FlowError::NotFound)?;
            may_revise(&ask.caller, &request)?;
            must_be(expected, &request)?;
            must_be(
                &|request| request.version == revision.read_version,
                &request,
            )?;
            let mut facts = revision.facts.clone();
            // Nobody sends this, and it holds until there is another description.
            facts.description_withheld =
                request.facts.description_withheld && facts.description.is_none();
            let change = lifecycle::revise(&request, keepable(app, facts))
                .map_err(|refusal| refused(refusal, &request))?;
            if change.event.changed.is_empty() {
                return Ok(request);
            }
            let who = ask.who(Some(&request.owner_subject));
            Ok(unit.writes.update(&request, change, &who, stamp(app)))
        },
        render,
    )
    .await
}

/// Whether the caller changes the facts of this request; to be asked before a body is looked at.
///
/// # Errors
/// Where it doesn't.
pub fn may_revise(caller: &Caller, request: &Request) -> Result<(), FlowError> {
    if rights::may(caller, Action::ReviseRequest, request) {
        Ok(())
    } else {
        Err(FlowError::Forbidden(
            "Only the requester changes the facts of a request.".to_owned(),
        ))
    }
}
