//! Requests as clients see them.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::body::{CustomerBody, PartnerBody, RequesterBody};
use crate::domain::actor::{Caller, Requester};
use crate::domain::decision::Decision;
use crate::domain::facts::{Delivery, Facts, Motion, Priority};
use crate::domain::lifecycle::{self, State, StatusCategory};
use crate::domain::request::{Assignee, Progress, Request};
use crate::domain::rights::{Projection, projection};
use crate::http::etag::EntityTag;
use crate::http::moment;

/// Hours, each kind apart.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct HoursView {
    /// What the requester expects.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = 12.5)]
    pub estimated: Option<f64>,
    /// What the desk agreed to.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = 12.0)]
    pub approved: Option<f64>,
    /// What was worked so far.
    #[schema(example = 4.5)]
    pub logged: f64,
    /// What is left of the hours agreed to, or else of those expected.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = 7.5)]
    pub remaining: Option<f64>,
}

/// A request with all that the caller may see of it.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Request)]
pub struct RequestView {
    /// Identity, a UUIDv7.
    pub id: Uuid,
    /// Identity for people; good in paths too. It stays, whatever becomes of the request.
    #[schema(max_length = 40, example = "PAD-2026-000123")]
    pub reference: String,
    /// Where it stands.
    pub state: State,
    /// The coarse state that dashboards group by.
    pub status_category: StatusCategory,
    /// Counts changes, from 1.
    #[schema(minimum = 1, example = 1)]
    pub version: i64,
    /// The desk that has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, max_length = 64, example = "pad")]
    pub desk: Option<String>,
    /// No desk was named, and this is the recommended one.
    pub desk_recommended: bool,
    /// The service wanted.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(
        nullable = false,
        max_length = 64,
        example = "architecture_design_session"
    )]
    pub service: Option<String>,
    /// Sell-with or build-with.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Motion, required = false)]
    pub motion: Option<Motion>,
    /// One line that names the engagement.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(
        nullable = false,
        max_length = 200,
        example = "Landing zone for a retail bank"
    )]
    pub title: Option<String>,
    /// What is wanted, in the requester's words.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, max_length = 10000)]
    pub description: Option<String>,
    /// A description was given and is not kept, because it may give a vulnerability away.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    #[schema(required = false)]
    pub description_withheld: bool,
    /// The solution area.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, max_length = 100, example = "infrastructure")]
    pub solution_area: Option<String>,
    /// The partner.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = PartnerBody, required = false)]
    pub partner: Option<PartnerBody>,
    /// The customer or segment.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = CustomerBody, required = false)]
    pub customer: Option<CustomerBody>,
    /// Kinds of work the engagement involves.
    #[schema(max_items = 50)]
    pub involves: Vec<String>,
    /// The kind of service problem.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, max_length = 64)]
    pub problem_kind: Option<String>,
    /// Expected effort in hours.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = 12.5)]
    pub estimated_hours: Option<f64>,
    /// Remote or on site.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Delivery, required = false)]
    pub delivery: Option<Delivery>,
    /// The day by which help is needed (UTC).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub needed_by: Option<NaiveDate>,
    /// How much the requester presses.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Priority, required = false)]
    pub priority: Option<Priority>,
    /// The requester's own number for this engagement.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, max_length = 100)]
    pub external_reference: Option<String>,
    /// Free labels.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    #[schema(required = false)]
    pub metadata: BTreeMap<String, String>,
    /// The person it belongs to. Dashboards don't see it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = RequesterBody, required = false)]
    pub requested_by: Option<RequesterBody>,
    /// Subject of the credential that sent it. Dashboards don't see it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, max_length = 254)]
    pub submitted_by: Option<String>,
    /// The latest judgement; absent for a draft that was never submitted.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Decision, required = false)]
    pub decision: Option<Decision>,
    /// Rules a lead has waived for this request.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    pub waived_rules: Vec<String>,
    /// JSON pointers of the facts the desk waits for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    pub wanted_fields: Vec<String>,
    /// Why the last step was taken. Dashboards don't see it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, max_length = 2000)]
    pub reason: Option<String>,
    /// Code of a refusal.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, max_length = 64)]
    pub reason_code: Option<String>,
    /// Who delivers. Dashboards see the name alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Assignee, required = false)]
    pub assignee: Option<Assignee>,
    /// First day of delivery (UTC).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub starts_on: Option<NaiveDate>,
    /// Last day of delivery (UTC).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub ends_on: Option<NaiveDate>,
    /// Day on which a paused request is taken up again (UTC).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub resume_on: Option<NaiveDate>,
    /// Hours, each kind apart.
    pub hours: HoursView,
    /// What was delivered.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, max_length = 2000)]
    pub outcome: Option<String>,
    /// Desk or channel it was handed to.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, max_length = 64)]
    pub destination: Option<String>,
    /// The request that goes on in its place at another desk.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub successor_id: Option<Uuid>,
    /// The request it goes on for.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub predecessor_id: Option<Uuid>,
    /// States into which this caller can take it from here.
    #[schema(max_items = 15)]
    pub allowed_transitions: Vec<State>,
    /// When it was first stored (UTC).
    #[serde(serialize_with = "moment::serialize")]
    pub created_at: DateTime<Utc>,
    /// When it last changed (UTC).
    #[serde(serialize_with = "moment::serialize")]
    pub updated_at: DateTime<Utc>,
    /// When it came into its state (UTC).
    #[serde(serialize_with = "moment::serialize")]
    pub state_since: DateTime<Utc>,
}

impl RequestView {
    /// The request as the caller may see it now.
    pub fn new(request: Request, caller: &Caller, now: DateTime<Utc>) -> Self {
        let allowed_transitions = lifecycle::allowed(&request, caller, now);
        let full = projection(caller.role) == Projection::Full;
        let Request {
            id,
            reference,
            desk,
            state,
            version,
            facts,
            decision,
            progress,
            requested_by,
            owner_subject: _,
            submitted_by,
            created_at,
            updated_at,
            state_since,
        } = request;
        let Facts {
            desk: asked_desk,
            service,
            motion,
            title,
            description,
            solution_area,
            partner,
            customer,
            involves,
            problem_kind,
            estimated_hours,
            delivery,
            needed_by,
            priority,
            external_reference,
            metadata,
            description_withheld,
        } = facts;
        let remaining = progress.remaining_hours(estimated_hours);
        let Progress {
            waived_rules,
            wanted_fields,
            reason,
            reason_code,
            assignee,
            starts_on,
            ends_on,
            resume_on,
            approved_hours,
            logged_hours,
            outcome,
            destination,
            successor_id,
            predecessor_id,
            reopened: _,
        } = progress;
        let assignee = assignee.map(|Assignee { name, email }| Assignee {
            name,
            email: email.filter(|_| full),
        });
        Self {
            id,
            reference,
            state,
            status_category: state.category(),
            version,
            desk_recommended: asked_desk.is_none() && desk.is_some(),
            desk,
            service,
            motion,
            title,
            description,
            description_withheld,
            solution_area,
            partner: partner.map(PartnerBody::from),
            customer: customer.map(CustomerBody::from),
            involves,
            problem_kind,
            estimated_hours,
            delivery,
            needed_by,
            priority,
            external_reference,
            metadata,
            requested_by: full.then(|| RequesterBody::from(requested_by)),
            submitted_by: full.then_some(submitted_by),
            decision,
            waived_rules,
            wanted_fields,
            reason: reason.filter(|_| full),
            reason_code,
            assignee,
            starts_on,
            ends_on,
            resume_on,
            hours: HoursView {
                estimated: estimated_hours,
                approved: approved_hours,
                logged: logged_hours,
                remaining,
            },
            outcome,
            destination,
            successor_id,
            predecessor_id,
            allowed_transitions,
            created_at,
            updated_at,
            state_since,
        }
    }
}

impl From<Requester> for RequesterBody {
    fn from(requester: Requester) -> Self {
        let Requester {
            name,
            email,
            relationship,
        } = requester;
        Self {
            name,
            email,
            relationship,
        }
    }
}

/// The entity tag of the request in the form the caller sees.
pub fn tag(request: &Request, caller: &Caller) -> EntityTag {
    tag_of(request.version, caller)
}

/// The entity tag of a version of a request in the form the caller sees.
pub fn tag_of(version: i64, caller: &Caller) -> EntityTag {
    EntityTag::of_version(version, projection(caller.role).as_str())
}

/// Where the request is found.
pub fn location(request: &Request) -> String {
    format!("/v1/requests/{}", request.id)
}
