//! The life cycle, without a database. Here is what its tests are made of.

mod arrows;
mod changes;
mod guards;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use uuid::Uuid;

use super::*;
use crate::domain::actor::{Requester, Role};
use crate::domain::decision::{Basis, Destination, DestinationKind, Outcome, RuleOutcome};
use crate::domain::facts::{Customer, Facts, Relationship};
use crate::domain::request::{Assignee, Progress};

fn now() -> DateTime<Utc> {
    "2026-11-22T10:00:00Z".parse().unwrap()
}

fn day(text: &str) -> Option<NaiveDate> {
    Some(text.parse().unwrap())
}

const OWNER: &str = "paula@example.com";

fn caller(role: Role, subject: &str) -> Caller {
    Caller {
        subject: subject.to_owned(),
        name: subject.to_owned(),
        role,
        relationship: None,
        desks: vec!["tpd".to_owned()],
        partners: Vec::new(),
        scopes: None,
        key_id: "key".to_owned(),
    }
}

fn owner() -> Caller {
    caller(Role::Requester, OWNER)
}

fn member() -> Caller {
    caller(Role::DeskMember, "member")
}

fn lead() -> Caller {
    caller(Role::DeskLead, "lead")
}

fn rule(id: &str, outcome: Outcome, waivable: bool) -> RuleOutcome {
    RuleOutcome {
        rule: id.to_owned(),
        outcome,
        message: String::new(),
        pointer: None,
        citation: String::new(),
        waivable,
        waived: false,
    }
}

fn decision(rules: Vec<RuleOutcome>) -> Decision {
    Decision {
        catalog_version: "sha256:0".to_owned(),
        eligible: !rules.iter().any(RuleOutcome::blocks),
        desk: Some("tpd".to_owned()),
        recommended_desk: None,
        rules,
        destinations: vec![Destination {
            kind: DestinationKind::Channel,
            id: "premier_support".to_owned(),
            name: "Premier".to_owned(),
            address: None,
            reason: String::new(),
            basis: Basis::Stated,
            citation: String::new(),
        }],
        unplaced: Vec::new(),
        compared: Vec::new(),
        description_withheld: false,
    }
}

fn eligible() -> Decision {
    decision(vec![rule("tpd.hours", Outcome::Pass, true)])
}

/// Refused by one rule, which can be waived.
fn too_long() -> Decision {
    decision(vec![rule("tpd.hours", Outcome::Fail, true)])
}

fn request(state: State) -> Request {
    Request {
        id: Uuid::nil(),
        reference: "TPD-2026-000001".to_owned(),
        desk: Some("tpd".to_owned()),
        state,
        version: 3,
        facts: Facts {
            desk: Some("tpd".to_owned()),
            title: Some("Rollout".to_owned()),
            estimated_hours: Some(12.0),
            ..Facts::default()
        },
        decision: match state {
            State::Draft => None,
            State::Ineligible | State::ExceptionReview => Some(too_long()),
            _ => Some(eligible()),
        },
        progress: Progress::default(),
        requested_by: Requester {
            name: "Paula".to_owned(),
            email: OWNER.to_owned(),
            relationship: Relationship::Pdm,
        },
        owner_subject: OWNER.to_owned(),
        submitted_by: OWNER.to_owned(),
        created_at: now(),
        updated_at: now(),
        state_since: now(),
    }
}

fn ada() -> Assignee {
    Assignee {
        name: "Ada".to_owned(),
        email: None,
    }
}

/// A step that says everything any step may have to say.
fn everything() -> Step {
    Step {
        reason: Some("For a good reason.".to_owned()),
        reason_code: Some("no_capacity".to_owned()),
        fields: vec!["/estimated_hours".to_owned()],
        assignee: Some(ada()),
        starts_on: day("2026-12-01"),
        ends_on: day("2026-12-02"),
        resume_on: day("2026-12-24"),
        outcome: Some("A plan.".to_owned()),
        destination: Some("premier_support".to_owned()),
        waived_rules: vec!["tpd.hours".to_owned()],
        approved_hours: Some(10.0),
    }
}

fn without(need: Need) -> Step {
    let mut step = everything();
    match need {
        Need::Reason => step.reason = Some("  \t".to_owned()),
        Need::Fields => step.fields.clear(),
        Need::Assignee => step.assignee = None,
        Need::StartsOn => step.starts_on = None,
        Need::EndsOn => step.ends_on = None,
        Need::ResumeOn => step.resume_on = None,
        Need::Outcome => step.outcome = None,
        Need::Destination => step.destination = Some(String::new()),
        Need::WaivedRules => step.waived_rules.clear(),
    }
    step
}

/// Takes the step as whoever may, with the judgement that lets it through.
fn take(request: &Request, to: State, step: Step) -> Result<Change, Refusal> {
    let plan = [owner(), member(), lead()]
        .iter()
        .find_map(|caller| plan(request, to, caller, now()).ok())
        .unwrap_or_else(|| panic!("nobody takes {} to {to}", request.state));
    let judged = plan.needs_judgement().then(eligible);
    plan.take(step, judged, None, now())
}

fn taken(request: &Request, to: State, step: Step) -> Change {
    take(request, to, step).unwrap_or_else(|refusal| panic!("to {to}: {refusal:?}"))
}
