//! A request is stored for the first time: as a draft, or judged and submitted.

use uuid::Uuid;

use super::once::{Given, once};
use super::{Ask, Case, FlowError, keepable, stamp};
use crate::app::App;
use crate::domain::actor::{Caller, Requester, Role};
use crate::domain::facts::Facts;
use crate::domain::lifecycle::{NewRequest, Sender};
use crate::domain::request::Request;
use crate::domain::rights::{self, Action};
use crate::store::StoreError;
use crate::store::idempotency::{Answer, Key};
use crate::store::needs::{Loaded, Needs};
use crate::store::writes::Identity;

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
    render: impl Fn(Request) -> Answer,
) -> Result<Given, FlowError> {
    may_create(&ask.caller)?;
    let sender = sender(ask, input)?;
    let id = app.clock.new_id();
    let case = Case {
        facts: &input.facts,
        asker: Some(sender.requested_by.relationship),
        of: None,
        waived: &[],
    };
    let needs = Needs {
        history: (!input.draft).then(|| case.history(app)),
        number: true,
        ..Needs::default()
    };
    once(
        app,
        ask,
        key,
        needs,
        async |unit, loaded| {
            let facts = keepable(app, input.facts.clone());
            let new = if input.draft {
                NewRequest::draft(facts, sender.clone())
            } else {
                let decision = case.judge(app, &loaded.history);
                NewRequest::submitted(facts, decision, sender.clone())
            };
            let who = ask.who(Some(&sender.requested_by.subject()));
            let identity = identity(app, id, new.desk.as_deref(), &loaded)?;
            Ok(unit.writes.insert(identity, new, &who, stamp(app)))
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

/// How a new request at this desk is named, by the number that was loaded for it.
pub(super) fn identity<'a>(
    app: &'a App,
    id: Uuid,
    desk: Option<&str>,
    loaded: &Loaded,
) -> Result<Identity<'a>, FlowError> {
    let desk = desk.and_then(|desk| app.catalogue.desk(desk));
    Ok(Identity {
        id,
        prefix: desk.map_or(NO_DESK_PREFIX, |desk| &desk.prefix),
        number: loaded.number.ok_or(StoreError::Contended)?,
    })
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
