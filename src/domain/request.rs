//! One engagement request as it stands: the aggregate every decision about it starts from.

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::actor::Requester;
use super::decision::Decision;
use super::facts::Facts;
use super::lifecycle::State;

/// A request with all that is known of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    /// Identity, a UUIDv7.
    pub id: Uuid,
    /// Identity for people, such as `PAD-2026-000123`; it never changes, not even when the desk does.
    pub reference: String,
    /// The desk that has it; none where none was named and none takes it.
    pub desk: Option<String>,
    /// Where it stands.
    pub state: State,
    /// Counts changes, from 1.
    pub version: i64,
    /// What the requester says.
    pub facts: Facts,
    /// The latest judgement; none for a draft that was never submitted.
    pub decision: Option<Decision>,
    /// What the desk and the life cycle added.
    pub progress: Progress,
    /// The person it belongs to.
    pub requested_by: Requester,
    /// Subject of that person's own credential.
    pub owner_subject: String,
    /// Subject of the credential that sent it: the person's own, or an integration's.
    pub submitted_by: String,
    /// When it was first stored (UTC).
    pub created_at: DateTime<Utc>,
    /// When it last changed (UTC).
    pub updated_at: DateTime<Utc>,
    /// When it came into its state (UTC).
    pub state_since: DateTime<Utc>,
}

/// The architect a request is given to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Assignee {
    /// Name to show.
    #[schema(min_length = 1, max_length = 200, example = "Ada Archer")]
    pub name: String,
    /// Address the requester can write to.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 254, format = "email", example = "ada.archer@example.com")]
    pub email: Option<String>,
}

/// What is added to a request on its way, apart from the facts.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Progress {
    /// Rules a lead has waived for this request.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub waived_rules: Vec<String>,
    /// JSON pointers of the facts the desk waits for; only these may change meanwhile.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub wanted_fields: Vec<String>,
    /// Why the last change was made, in the words of who made it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Code of a refusal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason_code: Option<String>,
    /// Who delivers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub assignee: Option<Assignee>,
    /// First day of delivery (UTC).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub starts_on: Option<NaiveDate>,
    /// Last day of delivery (UTC).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ends_on: Option<NaiveDate>,
    /// Day on which a paused request is taken up again (UTC).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resume_on: Option<NaiveDate>,
    /// Hours the desk agreed to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub approved_hours: Option<f64>,
    /// Hours worked on it so far; see [`Progress::remaining_hours`].
    #[serde(skip_serializing_if = "is_zero")]
    pub logged_hours: f64,
    /// What was delivered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outcome: Option<String>,
    /// Desk or channel it was handed to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub destination: Option<String>,
    /// The request that goes on in its place at another desk.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub successor_id: Option<Uuid>,
    /// The request it goes on for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub predecessor_id: Option<Uuid>,
    /// It was completed and reopened once.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub reopened: bool,
}

impl Progress {
    /// What is left of the hours the desk agreed to, or of those expected where it agreed to none.
    pub fn remaining_hours(&self, estimated: Option<f64>) -> Option<f64> {
        let budget = self.approved_hours.or(estimated)?;
        Some((budget - self.logged_hours).max(0.0))
    }
}

fn is_zero(hours: &f64) -> bool {
    *hours == 0.0
}
