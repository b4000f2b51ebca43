//! A request takes a step of its life.

use super::create::identity;
use super::once::{Given, once};
use super::{
    Ask, Case, Expected, FlowError, hours_at_most, keepable, must_be, needs, refused, stamp,
};
use crate::app::App;
use crate::domain::actor::Caller;
use crate::domain::decision::Decision;
use crate::domain::eligibility::{self, History, Question};
use crate::domain::facts::Facts;
use crate::domain::lifecycle::{self, Need, NewRequest, Party, Refusal, State, Step};
use crate::domain::request::Request;
use crate::domain::rights::{self, Action};
use crate::store::Unit;
use crate::store::idempotency::{Answer, Key};
use crate::store::needs::Needs;
use crate::store::requests::Name;

/// Whether the caller's role moves requests at all; to be asked before a body is looked at.
///
/// # Errors
/// Where it doesn't.
pub fn may_act(caller: &Caller) -> Result<(), FlowError> {
    let actions = [Action::ActAsOwner, Action::ActAsDesk, Action::ActAsLead];
    if actions
        .iter()
        .any(|action| rights::reach(caller, *action).is_some())
    {
        Ok(())
    } else {
        Err(FlowError::Forbidden(format!(
            "The role {} moves no requests.",
            caller.role
        )))
    }
}

/// Where a request is to go, and what is said with it.
#[derive(Clone, Debug)]
pub struct Move {
    /// The state after.
    pub to: State,
    /// What the caller says.
    pub step: Step,
}

/// Takes the request to another state, with all that goes with it.
///
/// # Errors
/// Where the caller can't see it, the life cycle or the rules refuse, somebody else changed it first,
/// or the database does not answer.
pub async fn act(
    app: &App,
    ask: &Ask,
    name: &Name,
    expected: Expected<'_>,
    wanted: &Move,
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
            take_step(app, ask, unit, &request, expected, wanted.clone()).await
        },
        render,
    )
    .await
}

async fn take_step(
    app: &App,
    ask: &Ask,
    unit: &mut Unit,
    request: &Request,
    expected: Expected<'_>,
    Move { to, step }: Move,
) -> Result<Request, FlowError> {
    let parties = lifecycle::parties(&ask.caller, request);
    if parties.is_empty() {
        return Err(FlowError::Forbidden(
            "The caller has no part in this request.".to_owned(),
        ));
    }
    must_be(expected, request)?;
    let stamp = stamp(app);
    let refuse = |refusal| refused(refusal, request);
    let plan = lifecycle::plan(request, to, &ask.caller, stamp.at)
        .map_err(refuse)?
        .with_hours_at_most(hours_at_most(app, request));
    plan.check(&step, stamp.at).map_err(refuse)?;

    let decision = if plan.needs_judgement() {
        let mut waived = request.progress.waived_rules.clone();
        waived.extend(step.waived_rules.iter().cloned());
        let facts = match request.state {
            State::Draft => request.facts.clone(),
            // From here on it is a matter of the desk that has it, named by the requester or not.
            _ => Facts {
                desk: request.desk.clone(),
                ..request.facts.clone()
            },
        };
        Some(judge_again(app, unit, request, &facts, &waived).await?)
    } else {
        None
    };
    let successor = match (to, &step.destination) {
        (State::Redirected, Some(destination)) => {
            successor(app, unit, request, destination).await?
        }
        _ => None,
    };
    let successor_id = app.clock.new_id();
    let change = plan
        .take(
            step,
            decision,
            successor.as_ref().map(|_| successor_id),
            stamp.at,
        )
        .map_err(refuse)?;

    let acts_as_owner = parties.contains(&Party::Owner);
    let who = ask.who(acts_as_owner.then_some(request.owner_subject.as_str()));
    if let Some(new) = successor {
        let needs = Needs {
            number: true,
            ..Needs::default()
        };
        let loaded = unit.load(needs).await?;
        let identity = identity(app, successor_id, new.desk.as_deref(), &loaded)?;
        unit.writes.insert(identity, new, &who, super::stamp(app));
    }
    Ok(unit.writes.update(request, change, &who, stamp))
}

async fn judge_again(
    app: &App,
    unit: &mut Unit,
    request: &Request,
    facts: &Facts,
    waived: &[String],
) -> Result<Decision, FlowError> {
    let case = Case {
        facts,
        asker: Some(request.requested_by.relationship),
        of: Some(request),
        waived,
    };
    let needs = Needs {
        history: Some(case.history(app)),
        ..Needs::default()
    };
    let loaded = unit.load(needs).await?;
    Ok(case.judge(app, &loaded.history))
}

/// What goes on at the desk the request is handed to; nothing for a channel outside the service.
async fn successor(
    app: &App,
    unit: &mut Unit,
    request: &Request,
    destination: &str,
) -> Result<Option<NewRequest>, FlowError> {
    let invalid = |message: String| {
        refused(
            Refusal::Invalid {
                member: Need::Destination,
                message,
            },
            request,
        )
    };
    if app.catalogue.channel(destination).is_some() {
        return Ok(None);
    }
    if app.catalogue.desk(destination).is_none() {
        return Err(invalid(format!(
            "The catalogue has no desk and no channel {destination}."
        )));
    }
    if request.desk.as_deref() == Some(destination) {
        return Err(invalid(format!("The request is at {destination} already.")));
    }
    let question = Question {
        facts: &request.facts,
        asker: Some(request.requested_by.relationship),
        history: &History::default(),
        waived: &[],
    };
    let from = request.desk.as_deref();
    let facts = eligibility::handed_over(&app.catalogue, &question, from, destination);
    let decision = judge_again(app, unit, request, &facts, &[]).await?;
    if decision.refuses() {
        return Err(refused(Refusal::Ineligible(Box::new(decision)), request));
    }
    Ok(Some(NewRequest::succeeding(
        request,
        keepable(app, facts),
        decision,
    )))
}
