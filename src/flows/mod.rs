//! The one way through the service: load, decide, apply, in one transaction.
//!
//! HTTP and the background work come through here alike. A flow knows no HTTP: what a caller gets to
//! see of its result is rendered by the closure it is given, inside the transaction, so that a first
//! answer can be kept with the work it answers.

pub mod act;
pub mod audit;
pub mod check;
pub mod create;
pub mod expire;
pub mod feed;
pub mod keys;
pub mod log_hours;
pub mod once;
pub mod read;
pub mod revise;

use std::sync::Arc;

use crate::app::App;
use crate::domain::actor::Caller;
use crate::domain::decision::Decision;
use crate::domain::eligibility::{self, History, Question};
use crate::domain::facts::{Facts, Relationship};
use crate::domain::lifecycle::Refusal;
use crate::domain::request::Request;
use crate::store::history::Asked;
use crate::store::keys::ApiKey;
use crate::store::needs::Needs;
use crate::store::requests::{Name, Visibility};
use crate::store::writes::{Stamp, Who};
use crate::store::{StoreError, WorkError};

/// Why a flow did nothing.
#[derive(Debug, thiserror::Error)]
pub enum FlowError {
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// There is no such object, or the caller may not see it.
    #[error("not found")]
    NotFound,
    /// The caller may not do that, whatever the state.
    #[error("{0}")]
    Forbidden(String),
    /// The life cycle says no.
    #[error("{refusal}")]
    Refused {
        /// Why.
        refusal: Refusal,
        /// The request as it stands.
        request: Box<Request>,
    },
    /// The request is not in the version the caller knows.
    #[error("somebody else changed it")]
    Stale(Box<Request>),
    /// The API key is not as the caller knows it.
    #[error("the key is another by now")]
    StaleKey(Box<ApiKey>),
    /// The idempotency key was used for something else.
    #[error("the idempotency key was used for something else")]
    KeyUsedForOther,
    /// The first use of the idempotency key is still running.
    #[error("the first use of the idempotency key is still running")]
    KeyRunning,
}

impl WorkError for FlowError {
    fn store_error(&self) -> Option<&StoreError> {
        match self {
            Self::Store(error) => Some(error),
            Self::NotFound
            | Self::Forbidden(_)
            | Self::Refused { .. }
            | Self::Stale(_)
            | Self::StaleKey(_)
            | Self::KeyUsedForOther
            | Self::KeyRunning => None,
        }
    }
}

/// Whether a request is in a version the caller means to change.
pub type Expected<'a> = &'a dyn Fn(&Request) -> bool;

fn must_be(expected: Expected<'_>, request: &Request) -> Result<(), FlowError> {
    if expected(request) {
        Ok(())
    } else {
        Err(FlowError::Stale(Box::new(request.clone())))
    }
}

/// Who asks, and under which HTTP request.
#[derive(Clone, Debug)]
pub struct Ask {
    /// The caller.
    pub caller: Caller,
    /// Id of the HTTP request, for the history.
    pub http_request_id: String,
    /// How it is asked for, for the audit trail.
    pub origin: Arc<audit::Origin>,
}

impl Ask {
    /// The caller as history keeps it; `owner` is the person it is done for, if that is somebody else.
    fn who(&self, owner: Option<&str>) -> Who {
        Who {
            subject: self.caller.subject.clone(),
            name: self.caller.name.clone(),
            role: self.caller.role.as_str().to_owned(),
            key_id: self.caller.key_id.clone(),
            on_behalf_of: owner
                .filter(|owner| *owner != self.caller.subject)
                .map(str::to_owned),
            http_request_id: self.http_request_id.clone(),
        }
    }
}

fn stamp(app: &App) -> Stamp {
    Stamp {
        event_id: app.clock.new_id(),
        at: app.clock.now(),
    }
}

/// What is to be judged.
#[derive(Clone, Copy)]
struct Case<'a> {
    facts: &'a Facts,
    /// What the asking person is to the partner.
    asker: Option<Relationship>,
    /// The stored request the facts are of, which is not part of its own history.
    of: Option<&'a Request>,
    /// Rules a lead has waived.
    waived: &'a [String],
}

impl Case<'_> {
    /// The history that the judgement needs.
    fn history(&self, app: &App) -> Asked {
        Asked {
            wanted: eligibility::history_wanted(&app.catalogue, self.facts),
            except: self.of.map(|request| request.id),
            at: app.clock.now(),
        }
    }

    /// Judges it with the history as it is in the same transaction.
    fn judge(&self, app: &App, history: &History) -> Decision {
        let question = Question {
            facts: self.facts,
            asker: self.asker,
            history,
            waived: self.waived,
        };
        eligibility::decide(&app.catalogue, &question)
    }
}

/// Takes out of the facts what must not be kept: a description that may give a vulnerability away. One that was taken
/// out before stays known to have been there.
fn keepable(app: &App, mut facts: Facts) -> Facts {
    if app.catalogue.withholds_description(&facts) {
        facts.description_withheld |= facts.description.take().is_some();
    }
    facts
}

/// The request of that name, where the caller may see it.
fn needs(ask: &Ask, name: &Name) -> Needs {
    Needs {
        request: Some(read::wanted(name, &Visibility::of(&ask.caller))),
        ..Needs::default()
    }
}

/// The hours that the desk that has the request gives one in all, if it has such a limit.
fn hours_at_most(app: &App, request: &Request) -> Option<f64> {
    let desk = app.catalogue.desk(request.desk.as_deref()?)?;
    desk.logged_hours_at_most
}

/// What the life cycle says no to, with the request as it stands.
fn refused(refusal: Refusal, request: &Request) -> FlowError {
    FlowError::Refused {
        refusal,
        request: Box::new(request.clone()),
    }
}
