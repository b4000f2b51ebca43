//! What went wrong in a flow, as the problem the caller gets.

use chrono::{DateTime, Utc};

use super::codes::Code;
use super::keys::KeyView;
use super::problem::{Fault, Problem};
use super::requests::view::{RequestView, tag};
use crate::domain::actor::Caller;
use crate::domain::lifecycle::{self, Refusal};
use crate::domain::request::Request;
use crate::flows::FlowError;
use crate::store::StoreError;

/// The problem for this caller, who sees of a request what the role lets it see.
pub fn problem(error: FlowError, caller: &Caller, now: DateTime<Utc>) -> Problem {
    match error {
        FlowError::Store(error) => Problem::from(error),
        FlowError::NotFound => Problem::not_found(),
        FlowError::Forbidden(why) => Problem::new(Code::ActionForbidden).detail(why),
        FlowError::Refused { refusal, request } => refused(refusal, *request, caller, now),
        FlowError::Stale(request) => {
            let etag = tag(&request, caller).to_string();
            Problem::new(Code::PreconditionFailed)
                .detail(format!(
                    "The request is in version {} by now; look at it in current and send its tag.",
                    request.version
                ))
                .current(&RequestView::new(*request, caller, now), &etag)
        }
        FlowError::StaleKey(key) => {
            let view = KeyView::from(*key);
            Problem::new(Code::PreconditionFailed)
                .detail("The key is another by now; look at it in current and send its tag.")
                .current(&view, &view.tag().to_string())
        }
        FlowError::KeyUsedForOther => Problem::new(Code::IdempotencyKeyReused),
        FlowError::KeyRunning => Problem::new(Code::IdempotencyInProgress),
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Unavailable(_)
            | StoreError::Lost(_)
            | StoreError::Contended
            | StoreError::ReadOnly => {
                tracing::warn!(%error, "database");
                Self::new(Code::DatabaseUnavailable)
            }
            StoreError::Busy => Self::new(Code::Overloaded),
            StoreError::CommitOutcomeUnknown => Self::new(Code::CommitOutcomeUnknown),
            StoreError::Url(_)
            | StoreError::Migration(_)
            | StoreError::Taken(_)
            | StoreError::Broken(_) => Self::internal(&error),
        }
    }
}

fn refused(refusal: Refusal, request: Request, caller: &Caller, now: DateTime<Utc>) -> Problem {
    match refusal {
        Refusal::NoSuchArrow { from, .. } => {
            let legal = lifecycle::legal(from);
            conflict(refusal.to_string(), request, caller, now).allowed_transitions(&legal)
        }
        Refusal::GuardFails(why) => {
            let allowed = lifecycle::allowed(&request, caller, now);
            conflict(why.to_owned(), request, caller, now).allowed_transitions(&allowed)
        }
        Refusal::NotRevisable(state) => {
            let words = match state {
                lifecycle::State::Ineligible => {
                    "The facts of a refused request can't be changed; take it back to draft first."
                        .to_owned()
                }
                other => format!("The facts of a request that is {other} can't be changed."),
            };
            let allowed = lifecycle::allowed(&request, caller, now);
            conflict(words, request, caller, now).allowed_transitions(&allowed)
        }
        Refusal::NotInProgress(_) => {
            let allowed = lifecycle::allowed(&request, caller, now);
            conflict(refusal.to_string(), request, caller, now).allowed_transitions(&allowed)
        }
        Refusal::OverBudget { logged, at_most } => {
            let left = (at_most - logged).max(0.0);
            Problem::new(Code::ValidationFailed)
                .detail(format!(
                    "The desk gives one request {at_most} hours in all; {logged} are logged, so {left} are left."
                ))
                .fault(Fault::at("/hours", "OVER_BUDGET", format!("must be at most {left}")))
        }
        Refusal::TooManyApproved { at_most } => Problem::new(Code::ValidationFailed)
            .detail(format!(
                "The desk gives one request {at_most} hours in all."
            ))
            .fault(Fault::at(
                "/approved_hours",
                "OVER_BUDGET",
                format!("must be at most {at_most}"),
            )),
        Refusal::NotForCaller(whom) => {
            Problem::new(Code::ActionForbidden).detail(format!("That step is for {whom}."))
        }
        Refusal::Missing(needs) => Problem::new(Code::ValidationFailed)
            .detail("The step needs more to be said.")
            .faults(needs.into_iter().map(|need| {
                Fault::at(format!("/{need}"), "REQUIRED", "is required for this step")
            })),
        Refusal::Invalid { member, message } => Problem::new(Code::ValidationFailed)
            .detail(message.clone())
            .fault(Fault::at(format!("/{member}"), "INVALID", message)),
        Refusal::NotWanted(pointers) => Problem::new(Code::ValidationFailed)
            .detail("Only the facts the desk asked for can change now; see wanted_fields.")
            .faults(pointers.into_iter().map(|pointer| {
                Fault::at(
                    pointer,
                    "NOT_WANTED",
                    "can't change while the desk waits for other facts",
                )
            })),
        Refusal::Ineligible(decision) => {
            ineligible(&decision, RequestView::new(request, caller, now))
                .detail("The rules refuse it, and the request stays as it is; see decision.")
        }
    }
}

fn conflict(detail: String, request: Request, caller: &Caller, now: DateTime<Utc>) -> Problem {
    let etag = tag(&request, caller).to_string();
    Problem::new(Code::TransitionNotAllowed)
        .detail(detail)
        .current(&RequestView::new(request, caller, now), &etag)
}

/// The problem that carries a refusal by the rules, with the request as it is stored.
pub fn ineligible(decision: &crate::domain::decision::Decision, request: RequestView) -> Problem {
    // Where no desk was named and none takes it, every desk says what stands in the way there.
    let compared = decision
        .compared
        .iter()
        .flat_map(|desk| &desk.rules)
        .filter(|rule| rule.blocks());
    let faults: Vec<Fault> = decision
        .blocking()
        .chain(compared)
        .map(|rule| {
            let pointer = rule.pointer.clone().unwrap_or_default();
            Fault::at(
                pointer,
                rule.outcome.as_str().to_uppercase(),
                rule.message.clone(),
            )
        })
        .collect();
    let summary = match decision.blocking().count() {
        0 => "No desk takes this request.".to_owned(),
        1 => "One rule stands in the way.".to_owned(),
        count => format!("{count} rules stand in the way."),
    };
    let elsewhere = match decision.destinations.first() {
        Some(place) => format!(" Where it belongs instead: {}.", place.name),
        None => String::new(),
    };
    let detail = format!("{summary} The request is kept and can be revised.{elsewhere}");
    Problem::new(Code::Ineligible)
        .detail(detail)
        .faults(faults)
        .decision(decision)
        .request(&request)
}
