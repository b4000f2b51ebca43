//! The life of a request: which steps there are, who may take them, and what each changes.
//!
//! [`plan`] says whether a step may be taken at all; [`Plan::take`] carries it out on values and
//! yields a [`Change`], which the store writes. Nothing else makes a `Change`, so nothing else moves
//! a request.

mod arrows;
mod change;
mod difference;
mod states;
#[cfg(test)]
mod tests;

pub use arrows::{ARROWS, Arrow, Guard, Need, Party, between, document, leaving};
pub use change::{Change, Event, EventKind, NewRequest, Sender, Step, log_hours, revise};
pub use states::{State, StatusCategory};

use chrono::{DateTime, TimeDelta, Utc};

use super::actor::Caller;
use super::decision::Decision;
use super::request::Request;
use super::rights::{self, Action};

/// A completed request may be reopened for this many days.
pub const REOPEN_DAYS: i64 = 14;

/// Why a step is not taken.
#[derive(Debug, PartialEq, thiserror::Error)]
pub enum Refusal {
    /// No arrow leads there from here.
    #[error("a request that is {from} can't become {to}")]
    NoSuchArrow {
        /// Where it stands.
        from: State,
        /// Where it was to go.
        to: State,
    },
    /// There is an arrow, but a condition of it does not hold.
    #[error("{0}")]
    GuardFails(&'static str),
    /// There is an arrow, but not for this caller.
    #[error("that step is for {0}")]
    NotForCaller(String),
    /// Members the step needs are missing.
    #[error("the step needs more to be said")]
    Missing(Vec<Need>),
    /// A member of the step says something that can't be.
    #[error("{message}")]
    Invalid {
        /// Which member.
        member: Need,
        /// What is wrong with it.
        message: String,
    },
    /// The rules refuse, and the request stays as it is.
    #[error("the rules refuse it")]
    Ineligible(Box<Decision>),
    /// The facts may not be changed in this state.
    #[error("the facts of a request that is {0} can't be changed")]
    NotRevisable(State),
    /// Hours are logged only while a request is in progress.
    #[error("hours are logged on a request in progress, and this one is {0}")]
    NotInProgress(State),
    /// The hours would be more than the desk gives one request.
    #[error("{logged} hours are logged, and the desk gives {at_most} in all")]
    OverBudget {
        /// Hours logged so far.
        logged: f64,
        /// Hours the desk gives one request.
        at_most: f64,
    },
    /// More hours were to be approved than the desk gives one request.
    #[error("the desk gives one request {at_most} hours in all")]
    TooManyApproved {
        /// Hours the desk gives one request.
        at_most: f64,
    },
    /// Only the facts asked for may change now.
    #[error("only the facts the desk asked for can change now")]
    NotWanted(Vec<String>),
}

/// What the caller is to the request.
pub fn parties(caller: &Caller, request: &Request) -> Vec<Party> {
    [
        (Action::ActAsOwner, Party::Owner),
        (Action::ActAsDesk, Party::DeskMember),
        (Action::ActAsLead, Party::DeskLead),
    ]
    .into_iter()
    .filter(|(action, _)| rights::may(caller, *action, request))
    .map(|(_, party)| party)
    .collect()
}

/// A step that may be taken.
#[derive(Debug)]
pub struct Plan<'a> {
    request: &'a Request,
    arrow: &'static Arrow,
    hours_at_most: Option<f64>,
}

impl Plan<'_> {
    /// The same at a desk that gives one request so many hours in all, if it has such a limit.
    pub fn with_hours_at_most(self, hours_at_most: Option<f64>) -> Self {
        Self {
            hours_at_most,
            ..self
        }
    }

    /// Whether the rules have to be asked before the step is taken.
    pub fn needs_judgement(&self) -> bool {
        self.arrow.to == State::Submitted || self.arrow.guard == Some(Guard::RulesPass)
    }
}

/// Looks up the arrow and checks state, party and guard, in this order.
pub fn plan<'a>(
    request: &'a Request,
    to: State,
    caller: &Caller,
    now: DateTime<Utc>,
) -> Result<Plan<'a>, Refusal> {
    let from = request.state;
    let arrow = leaving(from)
        .find(|arrow| arrow.to == to)
        .ok_or(Refusal::NoSuchArrow { from, to })?;
    let parties = parties(caller, request);
    if !arrow.by.iter().any(|party| parties.contains(party)) {
        let wanted: Vec<&str> = arrow.by.iter().map(|party| party.as_str()).collect();
        return Err(Refusal::NotForCaller(wanted.join(" or ")));
    }
    check_guard(request, arrow, caller, now)?;
    Ok(Plan {
        request,
        arrow,
        hours_at_most: None,
    })
}

/// The step the service takes by itself when a time limit has passed.
pub fn plan_expiry(request: &Request) -> Option<Plan<'_>> {
    let arrow = between(request.state, State::Expired)?;
    arrow.by.contains(&Party::System).then_some(Plan {
        request,
        arrow,
        hours_at_most: None,
    })
}

/// Where the caller may take the request from here.
pub fn allowed(request: &Request, caller: &Caller, now: DateTime<Utc>) -> Vec<State> {
    leaving(request.state)
        .filter(|arrow| plan(request, arrow.to, caller, now).is_ok())
        .map(|arrow| arrow.to)
        .collect()
}

/// Where anybody may take a request from this state.
pub fn legal(from: State) -> Vec<State> {
    leaving(from)
        .filter(|arrow| arrow.by != [Party::System])
        .map(|arrow| arrow.to)
        .collect()
}

fn check_guard(
    request: &Request,
    arrow: &Arrow,
    caller: &Caller,
    now: DateTime<Utc>,
) -> Result<(), Refusal> {
    match arrow.guard {
        None | Some(Guard::RulesPass | Guard::RulesRefuse) => Ok(()),
        Some(Guard::AllWaivable) => match &request.decision {
            Some(decision) if decision.may_be_appealed() => Ok(()),
            _ => Err(Refusal::GuardFails(
                "An exception can be asked for only where every rule that stands in the way can be waived.",
            )),
        },
        Some(Guard::HasDestination) => match &request.decision {
            Some(decision) if !decision.destinations.is_empty() => Ok(()),
            _ => Err(Refusal::GuardFails(
                "The decision names no desk and no channel for this request.",
            )),
        },
        Some(Guard::NotTheOwner) => {
            if caller.subject == request.owner_subject || caller.subject == request.submitted_by {
                Err(Refusal::NotForCaller(
                    "a desk lead who did not ask for it".to_owned(),
                ))
            } else {
                Ok(())
            }
        }
        Some(Guard::OnceWithin14Days) => {
            if request.progress.reopened {
                Err(Refusal::GuardFails("A request can be reopened only once."))
            } else if now - request.state_since > TimeDelta::days(REOPEN_DAYS) {
                Err(Refusal::GuardFails(
                    "A request can be reopened only within 14 days of its completion.",
                ))
            } else {
                Ok(())
            }
        }
    }
}
