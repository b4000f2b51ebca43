//! Everybody around a request at `tpd`, and a way over HTTP into each of its states.

use engagement_desk::domain::lifecycle::State;
use serde_json::{Value, json};

use super::app::{Client, NOW, TestApp, consultation_at_tpd};

/// People with keys of their own, on a service of their own.
pub struct Cast {
    pub app: TestApp,
    /// Whose requests they are.
    pub owner: Client,
    pub member: Client,
    pub lead: Client,
    /// A requester with nothing to do with them.
    pub stranger: Client,
    /// A member of a desk they are not at.
    pub elsewhere: Client,
    pub viewer: Client,
    pub integration: Client,
    pub admin: Client,
}

impl Cast {
    pub fn start() -> Self {
        let app = TestApp::start();
        Self {
            owner: app.pdm("paula@example.com"),
            member: app.member("tpd"),
            lead: app.lead("tpd"),
            stranger: app.pdm("stranger@example.com"),
            elsewhere: app.member("gps"),
            viewer: app.viewer(),
            integration: app.integration("crm"),
            admin: app.admin(),
            app,
        }
    }

    /// A new request of the owner at `tpd`, brought into this state.
    pub fn request_in(&self, state: State) -> Value {
        let Self { owner, member, .. } = self;
        match state {
            State::Draft => owner.create(&drafted(consultation_at_tpd(12.0))),
            State::Submitted => owner.create(&consultation_at_tpd(12.0)),
            State::Ineligible => owner.refused(&consultation_at_tpd(30.0)),
            State::ExceptionReview => self.after(State::Ineligible, owner, state),
            State::InReview => self.after(State::Submitted, member, state),
            State::ActionRequired | State::Accepted | State::Rejected => {
                self.after(State::InReview, member, state)
            }
            State::Scheduled | State::InProgress => self.after(State::Accepted, member, state),
            State::OnHold | State::Completed => self.after(State::InProgress, member, state),
            State::Redirected => self.after(State::Submitted, member, state),
            State::Cancelled => self.after(State::Submitted, owner, state),
            State::Expired => {
                let draft = self.request_in(State::Draft);
                self.app.set_clock("2026-12-23T10:00:00Z");
                self.app.work();
                self.app.set_clock(NOW);
                owner.get(&path(&draft)).json()
            }
        }
    }

    fn after(&self, before: State, by: &Client, state: State) -> Value {
        by.take(&self.request_in(before), &step(state))
    }
}

/// A step with everything any step needs.
pub fn step(to: State) -> Value {
    json!({
        "to": to, "reason": "For a good reason.", "fields": ["/estimated_hours", "customer.name"],
        "assignee": { "name": "Ada Archer", "email": "ada.archer@example.com" },
        "starts_on": "2026-12-01", "ends_on": "2026-12-03", "resume_on": "2026-12-24",
        "outcome": "A plan for the rollout.", "destination": "partner_center_support",
        "waived_rules": ["tpd.hours"]
    })
}

/// The same body, to be kept and not submitted.
pub fn drafted(mut body: Value) -> Value {
    body["draft"] = json!(true);
    body
}

/// Where a request is found.
pub fn path(request: &Value) -> String {
    format!("/v1/requests/{}", request["id"].as_str().unwrap())
}

/// The tag of a request as those see it who see everything.
pub fn tag(request: &Value) -> String {
    format!("\"{}-full\"", request["version"])
}

/// What stands at this member in each of the items of a page.
pub fn each<'a>(page: &'a Value, member: &str) -> Vec<&'a Value> {
    let items = page["items"].as_array().unwrap();
    items.iter().map(|item| &item[member]).collect()
}
