//! What is judged, moved and shown.

use chrono::{DateTime, Utc};
use engagement_desk::catalog::{self, Catalogue};
use engagement_desk::domain::actor::{Caller, Requester, Role};
use engagement_desk::domain::decision::Decision;
use engagement_desk::domain::eligibility::{History, Question, decide};
use engagement_desk::domain::facts::{Facts, Relationship};
use engagement_desk::domain::lifecycle::State;
use engagement_desk::domain::request::{Progress, Request};
use uuid::Uuid;

/// A body of the usual size, with a description of about 800 bytes.
pub fn body(desk: &str) -> String {
    let description =
        "The bank moves its branches to the cloud and wants a landing zone. ".repeat(12);
    let (service, hours) = match desk {
        "tpd" => ("deployment_consultation", 40),
        _ => ("architecture_design_session", 40),
    };
    format!(
        r#"{{"desk": "{desk}", "service": "{service}", "motion": "sell_with",
            "title": "Landing zone for a retail bank", "description": "{description}",
            "solution_area": "infrastructure", "estimated_hours": {hours}, "delivery": "remote",
            "partner": {{"mpn_id": "4567890", "name": "Contoso Consulting", "member": true,
                         "partner_center_access": true}},
            "customer": {{"kind": "named", "name": "Fabrikam Bank", "consent": true}},
            "needed_by": "2030-01-15", "priority": "normal"}}"#
    )
}

pub fn facts(desk: &str) -> Facts {
    match serde_json::from_str(&body(desk)) {
        Ok(facts) => facts,
        Err(error) => unreachable!("{error}"),
    }
}

pub fn catalogue() -> Catalogue {
    match catalog::builtin() {
        Ok(catalogue) => catalogue,
        Err(faults) => unreachable!("{faults}"),
    }
}

pub fn decision(catalogue: &Catalogue, facts: &Facts) -> Decision {
    let question = Question {
        facts,
        asker: Some(Relationship::Pdm),
        history: &History::default(),
        waived: &[],
    };
    decide(catalogue, &question)
}

/// A moment, so that nothing depends on the clock.
pub fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000, 0).unwrap_or_default()
}

/// A member of the Partner Architecture Desk.
pub fn member() -> Caller {
    Caller {
        subject: "ada@example.com".to_owned(),
        name: "Ada Archer".to_owned(),
        role: Role::DeskMember,
        relationship: None,
        desks: vec!["pad".to_owned()],
        partners: Vec::new(),
        key_id: "benchbench01".to_owned(),
        scopes: None,
    }
}

/// A request in the queue of the Partner Architecture Desk.
pub fn request() -> Request {
    let facts = facts("pad");
    Request {
        id: Uuid::from_u128(1),
        reference: "PAD-2026-000001".to_owned(),
        desk: Some("pad".to_owned()),
        state: State::Submitted,
        version: 1,
        decision: Some(decision(&catalogue(), &facts)),
        facts,
        progress: Progress::default(),
        requested_by: Requester {
            name: "Paula Marsh".to_owned(),
            email: "paula@example.com".to_owned(),
            relationship: Relationship::Pdm,
        },
        owner_subject: "paula@example.com".to_owned(),
        submitted_by: "paula@example.com".to_owned(),
        created_at: now(),
        updated_at: now(),
        state_since: now(),
    }
}
