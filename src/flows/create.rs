//! A request is stored for the first time: as a draft, or judged and submitted.

use super::once::{Given, once};
use super::{Ask, Case, FlowError, judge, keepable, stamp};
use crate::app::App;
use crate::domain::actor::{Caller, Requester, Role};
use crate::domain::facts::Facts;
use crate::domain::lifecycle::{NewRequest, Sender};
use crate::domain::request::Request;
use crate::domain::rights::{self, Action};
use crate::store::apply;
use crate::store::idempotency::{Answer, Key};
use crate::store::requests::Lock;

/// References of requests at no desk begin with these letters.
const NO_DESK_PREFIX: &str = "REQ";

/// What is to be stored.
#[derive(Clone, Debug)]
pub struct NewRequestInput {
    /// What the requester says.
    pub facts: Facts,
    /// The person it is for, which only an integration names.
    pub requested_by: Option<Requester>,
    /// Keep it, but don't submit it yet.
    pub draft: bool,
}

/// Stores the request. One that a rule refuses is stored too, as ineligible.
///
/// # Errors
/// Where the caller may not create requests, the key is in use, or the database does not answer.
pub async fn create(
    app: &App,
    ask: &Ask,
    input: &NewRequestInput,
    key: Option<&Key>,
    render: impl Fn(&Request) -> Answer,
) -> Result<Given, FlowError> {
    may_create(&ask.caller)?;
    let sender = sender(ask, input)?;
    let id = app.clock.new_id();
    once(
        app,
        ask,
        key,
        async |connection| {
            let stamp = stamp(app);
            let new = if input.draft {
                NewRequest::draft(keepable(app, input.facts.clone()), sender.clone())
            } else {
                let case = Case {
                    facts: &input.facts,
                    asker: Some(sender.requested_by.relationship),
                    of: None,
                    waived: &[],
                    at: stamp.at,
                    lock: Lock::ForUpdate,
                };
                let decision = judge(app, connection, case).await?;
                NewRequest::submitted(keepable(app, input.facts.clone()), decision, sender.clone())
            };
            let who = ask.who(Some(&sender.requested_by.subject()));
            let prefix = prefix(app, new.desk.as_deref());
            Ok(apply::insert(connection, id, new, prefix, &who, stamp).await?)
        },
        render,
    )
    .await
}

/// Whether the caller creates requests at all; to be asked before a body is looked at.
///
/// # Errors
/// Where it doesn't.
pub fn may_create(caller: &Caller) -> Result<(), FlowError> {
    match rights::reach(caller, Action::CreateRequest) {
        Some(_) => Ok(()),
        None => Err(FlowError::Forbidden(format!(
            "The role {} does not create requests.",
            caller.role
        ))),
    }
}

/// The letters that references of this desk begin with.
pub(super) fn prefix<'a>(app: &'a App, desk: Option<&str>) -> &'a str {
    desk.and_then(|desk| app.catalogue.desk(desk))
        .map_or(NO_DESK_PREFIX, |desk| &desk.prefix)
}

fn sender(ask: &Ask, input: &NewRequestInput) -> Result<Sender, FlowError> {
    let caller = &ask.caller;
    let requested_by = match (caller.role, &input.requested_by) {
        (Role::Integration, Some(requester)) => requester.clone(),
        (Role::Integration, None) => {
            return Err(FlowError::Forbidden(
                "An integration names the person it submits for in requested_by.".to_owned(),
            ));
        }
        (_, Some(_)) => {
            return Err(FlowError::Forbidden(
                "Only an integration names another person in requested_by.".to_owned(),
            ));
        }
        (_, None) => Requester {
            name: caller.name.clone(),
            email: caller.subject.clone(),
            relationship: caller.relationship.ok_or_else(|| {
                FlowError::Forbidden(
                    "The credential does not say what the caller is to the partner.".to_owned(),
                )
            })?,
        },
    };
    Ok(Sender {
        requested_by,
        submitted_by: caller.subject.clone(),
    })
}
