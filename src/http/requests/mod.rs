//! Engagement requests.

pub mod act;
pub mod body;
pub mod create;
pub mod history;
pub mod list;
pub mod revise;
pub mod show;
pub mod view;

use actix_web::http::StatusCode;
use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::domain::actor::Caller;
use crate::domain::lifecycle::State;
use crate::domain::request::Request;
use crate::http::answer;
use crate::http::problem::Problem;
use crate::http::refusal;
use crate::store::idempotency::Answer;
use crate::store::requests::Name;
use view::{RequestView, location, tag};

/// Reads the name in a path: an id, or a reference in whatever case.
pub(super) fn name(text: &str) -> Result<Name, Problem> {
    if let Ok(id) = Uuid::try_parse(text) {
        return Ok(Name::Id(id));
    }
    let reference = text.to_ascii_uppercase();
    let mut parts = reference.split('-');
    let is_reference = matches!(
        (parts.next(), parts.next(), parts.next(), parts.next()),
        (Some(prefix), Some(year), Some(number), None)
            if !prefix.is_empty() && [year, number].iter().all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit()))
    );
    if is_reference && reference.len() <= 40 {
        Ok(Name::Reference(reference))
    } else {
        Err(Problem::not_found())
    }
}

/// The answer to a write that may have had the request judged: how it stands now, or the problem that says why the rules
/// refused it, though it is stored.
fn judged(stored: Request, caller: &Caller, now: DateTime<Utc>, status: StatusCode) -> Answer {
    let (tag, location) = (tag(&stored, caller), location(&stored));
    let is_refused = stored.state == State::Ineligible;
    let refusal = is_refused.then(|| stored.decision.clone()).flatten();
    let view = RequestView::new(stored, caller, now);
    match refusal {
        Some(decision) => {
            answer::with_problem(&refusal::ineligible(&decision, view), &tag, &location)
        }
        None => {
            let is_new = status == StatusCode::CREATED;
            answer::with_object(status, &view, &tag, is_new.then_some(&*location))
        }
    }
}
