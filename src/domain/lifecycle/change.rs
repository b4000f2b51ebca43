//! What a step changes: the values the store writes, made here and nowhere else.

use chrono::{DateTime, NaiveDate, Utc};
use uuid::Uuid;

use super::difference::changed_members;
use super::{Need, Plan, Refusal, State};
use crate::domain::actor::Requester;
use crate::domain::decision::Decision;
use crate::domain::facts::{Facts, vocabulary};
use crate::domain::request::{Assignee, Progress, Request};

vocabulary! {
    /// What happened to a request.
    EventKind {
        /// It was stored for the first time.
        Created = "created",
        /// It came into another state.
        Transitioned = "transitioned",
        /// Its facts changed and its state did not.
        Revised = "revised",
        /// Somebody worked on it.
        HoursLogged = "hours_logged",
    }
}

/// One line of a request's history, without who and when, which the flow adds.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// What happened.
    pub kind: EventKind,
    /// The state before; none for a new request.
    pub from: Option<State>,
    /// The state after.
    pub to: State,
    /// Why, in the words of who did it.
    pub reason: Option<String>,
    /// JSON pointers of the members that changed besides the state.
    pub changed: Vec<String>,
}

/// Proof that a change was made by this module.
#[derive(Clone, Debug, PartialEq)]
struct Seal;

/// A change of a stored request, ready to be written.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// The state after.
    pub state: State,
    /// The desk after.
    pub desk: Option<String>,
    /// The facts after.
    pub facts: Facts,
    /// The judgement after.
    pub decision: Option<Decision>,
    /// What the desk and the life cycle added, after.
    pub progress: Progress,
    /// The line of history.
    pub event: Event,
    seal: Seal,
}

/// A request about to be stored for the first time.
#[derive(Clone, Debug, PartialEq)]
pub struct NewRequest {
    /// The first state: draft, or what the rules decide.
    pub state: State,
    /// The desk named, or the recommended one.
    pub desk: Option<String>,
    /// What the requester says.
    pub facts: Facts,
    /// The judgement, unless it is a draft.
    pub decision: Option<Decision>,
    /// Link to the request it goes on for, where there is one.
    pub progress: Progress,
    /// The person it belongs to.
    pub requested_by: Requester,
    /// Subject of the credential that sends it.
    pub submitted_by: String,
    /// The first line of history.
    pub event: Event,
    seal: Seal,
}

/// What the caller says with a step.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Step {
    /// Why, in words.
    pub reason: Option<String>,
    /// Code of a refusal; `other` where none is given.
    pub reason_code: Option<String>,
    /// JSON pointers of the facts the requester is to give.
    pub fields: Vec<String>,
    /// Who delivers.
    pub assignee: Option<Assignee>,
    /// First day of delivery (UTC).
    pub starts_on: Option<NaiveDate>,
    /// Last day of delivery (UTC).
    pub ends_on: Option<NaiveDate>,
    /// Day on which work resumes (UTC).
    pub resume_on: Option<NaiveDate>,
    /// What was delivered.
    pub outcome: Option<String>,
    /// Desk or channel it goes to.
    pub destination: Option<String>,
    /// Rules the exception waives.
    pub waived_rules: Vec<String>,
    /// Hours the desk agrees to.
    pub approved_hours: Option<f64>,
}

impl Step {
    fn says(&self, need: Need) -> bool {
        let words =
            |text: &Option<String>| text.as_ref().is_some_and(|text| !text.trim().is_empty());
        match need {
            Need::Reason => words(&self.reason),
            Need::Outcome => words(&self.outcome),
            Need::Destination => words(&self.destination),
            Need::Fields => !self.fields.is_empty(),
            Need::WaivedRules => !self.waived_rules.is_empty(),
            Need::Assignee => self.assignee.is_some(),
            Need::StartsOn => self.starts_on.is_some(),
            Need::EndsOn => self.ends_on.is_some(),
            Need::ResumeOn => self.resume_on.is_some(),
        }
    }
}

/// On whose behalf a new request is stored.
#[derive(Clone, Debug, PartialEq)]
pub struct Sender {
    /// The person it belongs to.
    pub requested_by: Requester,
    /// Subject of the credential that sends it: the person's own, or an integration's.
    pub submitted_by: String,
}

impl NewRequest {
    /// A draft: nothing is judged, facts may be missing.
    pub fn draft(facts: Facts, sender: Sender) -> Self {
        let desk = facts.desk.clone();
        Self::new(State::Draft, desk, facts, None, sender)
    }

    /// A submission: the decision says whether it is in the desk's queue or ineligible.
    pub fn submitted(facts: Facts, decision: Decision, sender: Sender) -> Self {
        let state = judged(&decision);
        let desk = decision.desk.clone();
        Self::new(state, desk, facts, Some(decision), sender)
    }

    /// The request that goes on at another desk for one that was redirected there. Where that desk still misses
    /// something it is a draft, for the requester to complete.
    pub fn succeeding(predecessor: &Request, facts: Facts, decision: Decision) -> Self {
        let sender = Sender {
            requested_by: predecessor.requested_by.clone(),
            submitted_by: predecessor.submitted_by.clone(),
        };
        let mut successor = if decision.eligible {
            Self::submitted(facts, decision, sender)
        } else {
            Self::draft(facts, sender)
        };
        successor.progress.predecessor_id = Some(predecessor.id);
        successor
    }

    fn new(
        state: State,
        desk: Option<String>,
        facts: Facts,
        decision: Option<Decision>,
        sender: Sender,
    ) -> Self {
        let Sender {
            requested_by,
            submitted_by,
        } = sender;
        let event = Event {
            kind: EventKind::Created,
            from: None,
            to: state,
            reason: None,
            changed: Vec::new(),
        };
        Self {
            state,
            desk,
            facts,
            decision,
            progress: Progress::default(),
            requested_by,
            submitted_by,
            event,
            seal: Seal,
        }
    }
}

impl Plan<'_> {
    /// Checks what the step says, which is all that can be told before the rules are asked.
    ///
    /// # Errors
    /// Where something is missing, or can't be.
    pub fn check(&self, step: &Step, now: DateTime<Utc>) -> Result<(), Refusal> {
        let Plan {
            request,
            arrow,
            hours_at_most,
        } = self;
        let missing: Vec<Need> = arrow
            .needs
            .iter()
            .copied()
            .filter(|need| !step.says(*need) && !is_kept(request, *need))
            .collect();
        if !missing.is_empty() {
            return Err(Refusal::Missing(missing));
        }
        check_dates(request, step, now)?;
        match (step.approved_hours, *hours_at_most) {
            (Some(approved), Some(at_most)) if approved > at_most => {
                return Err(Refusal::TooManyApproved { at_most });
            }
            _ => {}
        }
        match (request.state, arrow.to) {
            (State::ExceptionReview, State::Submitted) => {
                check_waivers(&step.waived_rules, request.decision.as_ref())
            }
            (State::Ineligible, State::Redirected) => {
                check_destination(step.destination.as_deref(), request.decision.as_ref())
            }
            _ => Ok(()),
        }
    }

    /// Takes the step: [checks](Self::check) what it says and works out everything that changes.
    ///
    /// `judged_now` is the fresh decision where [`Plan::needs_judgement`] asks for one. What the step says beyond what
    /// this one has a use for has no effect.
    ///
    /// # Errors
    /// Where something is missing, or can't be; where the rules refuse, or have not been asked.
    pub fn take(
        self,
        step: Step,
        judged_now: Option<Decision>,
        successor_id: Option<Uuid>,
        now: DateTime<Utc>,
    ) -> Result<Change, Refusal> {
        self.check(&step, now)?;
        let Plan {
            request,
            arrow,
            hours_at_most,
        } = self;
        let mut state = arrow.to;
        let mut desk = request.desk.clone();
        let facts = request.facts.clone();
        let mut decision = request.decision.clone();
        let mut progress = request.progress.clone();
        let Step {
            reason,
            reason_code,
            fields,
            assignee,
            starts_on,
            ends_on,
            resume_on,
            outcome,
            destination,
            waived_rules,
            approved_hours,
        } = step;

        match (request.state, arrow.to) {
            (State::Draft, State::Submitted) => {
                let verdict = asked(judged_now)?;
                state = judged(&verdict);
                desk = verdict.desk.clone();
                decision = Some(verdict);
            }
            (State::ActionRequired, State::InReview) => {
                decision = Some(passed(judged_now)?);
                progress.wanted_fields.clear();
            }
            (State::ExceptionReview, State::Submitted) => {
                decision = Some(passed(judged_now)?);
                progress.waived_rules = waived_rules;
            }
            (_, State::Draft) => {
                progress.waived_rules.clear();
                progress.wanted_fields.clear();
            }
            // What was decided before it was recalled is not about it any more: it ends without having been submitted.
            (State::Draft, State::Expired) => decision = None,
            (_, State::Rejected) => {
                progress.reason_code = Some(reason_code.unwrap_or_else(|| "other".to_owned()));
            }
            (_, State::ActionRequired) => progress.wanted_fields = fields,
            (_, State::Redirected) => {
                progress.destination = destination;
                progress.successor_id = successor_id;
            }
            (State::InReview, State::Accepted) => {
                // An estimate beyond what the desk gives may have been waived; no more can be logged all the same.
                let expected = request.facts.estimated_hours;
                let within = |hours: f64| hours_at_most.map_or(hours, |most| hours.min(most));
                progress.approved_hours = approved_hours.or(expected.map(within));
            }
            (State::Scheduled, State::Accepted) => {
                progress.assignee = None;
                progress.starts_on = None;
                progress.ends_on = None;
            }
            (State::Accepted, State::Scheduled) => {
                progress.assignee = assignee;
                progress.starts_on = starts_on;
                progress.ends_on = ends_on;
            }
            (_, State::OnHold) => progress.resume_on = resume_on,
            (State::OnHold, State::Scheduled) => {
                progress.resume_on = None;
                progress.assignee = assignee.or(progress.assignee);
                progress.starts_on = starts_on.or(progress.starts_on);
                progress.ends_on = ends_on.or(progress.ends_on);
            }
            (State::OnHold, _) => progress.resume_on = None,
            (_, State::Completed) => progress.outcome = outcome,
            (State::Completed, State::InProgress) => {
                progress.outcome = None;
                progress.reopened = true;
            }
            (State::Submitted, State::InReview)
            | (State::Accepted | State::Scheduled, State::InProgress) => {
                progress.assignee = assignee.or(progress.assignee);
            }
            _ => {}
        }
        progress.reason.clone_from(&reason);

        let changed = changed_members(request, &facts, &progress);
        let event = Event {
            kind: EventKind::Transitioned,
            from: Some(request.state),
            to: state,
            reason,
            changed,
        };
        Ok(Change {
            state,
            desk,
            facts,
            decision,
            progress,
            event,
            seal: Seal,
        })
    }
}

/// Changes the facts: any of a draft's, and of a request the desk waits for only those it asked for.
pub fn revise(request: &Request, facts: Facts) -> Result<Change, Refusal> {
    let changed = changed_members(request, &facts, &request.progress);
    match request.state {
        State::Draft => {}
        State::ActionRequired => {
            let unwanted: Vec<String> = changed
                .iter()
                .filter(|pointer| !is_wanted(pointer, &request.progress.wanted_fields))
                .filter(|pointer| !is_withheld(pointer, &facts))
                .cloned()
                .collect();
            if !unwanted.is_empty() {
                return Err(Refusal::NotWanted(unwanted));
            }
        }
        other => return Err(Refusal::NotRevisable(other)),
    }
    let desk = if request.state == State::Draft {
        facts.desk.clone()
    } else {
        request.desk.clone()
    };
    let event = Event {
        kind: EventKind::Revised,
        from: Some(request.state),
        to: request.state,
        reason: None,
        changed,
    };
    Ok(Change {
        state: request.state,
        desk,
        facts,
        decision: request.decision.clone(),
        progress: request.progress.clone(),
        event,
        seal: Seal,
    })
}

/// Adds hours worked to a request in progress, as long as all of them together stay within what the desk
/// gives one request.
pub fn log_hours(request: &Request, hours: f64, at_most: Option<f64>) -> Result<Change, Refusal> {
    if request.state != State::InProgress {
        return Err(Refusal::NotInProgress(request.state));
    }
    let mut progress = request.progress.clone();
    progress.logged_hours += hours;
    if let Some(at_most) = at_most
        && progress.logged_hours > at_most
    {
        return Err(Refusal::OverBudget {
            logged: request.progress.logged_hours,
            at_most,
        });
    }
    let event = Event {
        kind: EventKind::HoursLogged,
        from: Some(request.state),
        to: request.state,
        reason: None,
        changed: vec!["/hours/logged".to_owned()],
    };
    Ok(Change {
        state: request.state,
        desk: request.desk.clone(),
        facts: request.facts.clone(),
        decision: request.decision.clone(),
        progress,
        event,
        seal: Seal,
    })
}

/// Whether that changed because the service keeps the description no longer, and not by what the requester sent.
fn is_withheld(pointer: &str, facts: &Facts) -> bool {
    facts.description_withheld
        && facts.description.is_none()
        && ["/description", "/description_withheld"].contains(&pointer)
}

fn is_wanted(pointer: &str, wanted: &[String]) -> bool {
    wanted.iter().any(|field| {
        pointer == field
            || pointer
                .strip_prefix(field.as_str())
                .is_some_and(|rest| rest.starts_with('/'))
    })
}

fn judged(decision: &Decision) -> State {
    if decision.eligible {
        State::Submitted
    } else {
        State::Ineligible
    }
}

fn asked(decision: Option<Decision>) -> Result<Decision, Refusal> {
    decision.ok_or(Refusal::GuardFails("The rules have not been asked."))
}

fn passed(decision: Option<Decision>) -> Result<Decision, Refusal> {
    let decision = asked(decision)?;
    if decision.eligible {
        Ok(decision)
    } else {
        Err(Refusal::Ineligible(Box::new(decision)))
    }
}

/// Whether the request has it from before a pause, so that it need not be said again.
fn is_kept(request: &Request, need: Need) -> bool {
    let Progress {
        assignee,
        starts_on,
        ends_on,
        ..
    } = &request.progress;
    request.state == State::OnHold
        && match need {
            Need::Assignee => assignee.is_some(),
            Need::StartsOn => starts_on.is_some(),
            Need::EndsOn => ends_on.is_some(),
            Need::Reason
            | Need::Fields
            | Need::ResumeOn
            | Need::Outcome
            | Need::Destination
            | Need::WaivedRules => false,
        }
}

fn check_dates(request: &Request, step: &Step, now: DateTime<Utc>) -> Result<(), Refusal> {
    let today = now.date_naive();
    let kept = (request.state == State::OnHold).then_some(&request.progress);
    let starts_on = step.starts_on.or(kept.and_then(|kept| kept.starts_on));
    let ends_on = step.ends_on.or(kept.and_then(|kept| kept.ends_on));
    if let (Some(starts_on), Some(ends_on)) = (starts_on, ends_on)
        && ends_on < starts_on
    {
        return Err(Refusal::Invalid {
            member: Need::EndsOn,
            message: format!("Delivery can't end on {ends_on}, before it starts on {starts_on}."),
        });
    }
    match step.resume_on {
        Some(resume_on) if resume_on < today => Err(Refusal::Invalid {
            member: Need::ResumeOn,
            message: format!("The day to resume, {resume_on}, has passed."),
        }),
        _ => Ok(()),
    }
}

fn check_waivers(waived: &[String], decision: Option<&Decision>) -> Result<(), Refusal> {
    let failed: Vec<&str> = decision
        .map(|decision| decision.blocking().map(|rule| rule.rule.as_str()).collect())
        .unwrap_or_default();
    match waived.iter().find(|rule| !failed.contains(&rule.as_str())) {
        Some(stranger) => Err(Refusal::Invalid {
            member: Need::WaivedRules,
            message: format!(
                "The rule {stranger} is not one that stands in the way; these are: {}.",
                failed.join(", ")
            ),
        }),
        None => Ok(()),
    }
}

fn check_destination(
    destination: Option<&str>,
    decision: Option<&Decision>,
) -> Result<(), Refusal> {
    let offered: Vec<&str> = decision
        .map(|decision| {
            decision
                .destinations
                .iter()
                .map(|place| place.id.as_str())
                .collect()
        })
        .unwrap_or_default();
    if destination.is_some_and(|destination| offered.contains(&destination)) {
        return Ok(());
    }
    let message = format!(
        "must be one of the destinations of the decision: {}",
        offered.join(", ")
    );
    Err(Refusal::Invalid {
        member: Need::Destination,
        message,
    })
}
