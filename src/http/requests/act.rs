//! `POST /v1/requests/{id}/transitions`

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use validator::Validate;

use super::body::FactsBody;
use super::show::forbidden;
use super::view::{RequestView, tag};
use super::{judged, name};
use crate::app::App;
use crate::domain::lifecycle::{State, Step};
use crate::domain::request::Assignee;
use crate::domain::rights::Action;
use crate::flows::act::{Move, act as take_step, may_act};
use crate::http::answer;
use crate::http::auth::Authenticated;
use crate::http::body::RawBody;
use crate::http::codes::Code;
use crate::http::etag;
use crate::http::idempotency::MaybeKey;
use crate::http::parse::{self, Faults, ShortText};
use crate::http::path::Path;
use crate::http::problem::Problem;
use crate::http::refusal;
use crate::http::routes::Endpoint;

/// Who delivers.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
pub struct AssigneeBody {
    /// Name to show.
    #[validate(length(min = 1, max = 200))]
    #[schema(min_length = 1, max_length = 200, example = "Ada Archer")]
    pub name: String,
    /// Address the requester can write to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[validate(email, length(max = 254))]
    #[schema(format = "email", max_length = 254, example = "ada.archer@example.com")]
    pub email: Option<String>,
}

/// A step in the life of a request. What it has to say besides `to` depends on the step.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "to": "in_review" }))]
pub struct TransitionBody {
    /// The state to take it to.
    pub to: State,
    /// Why, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[validate(length(min = 1, max = 2000))]
    #[schema(min_length = 1, max_length = 2000)]
    pub reason: Option<String>,
    /// Code of a refusal; `other` where none is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[validate(length(min = 1, max = 64))]
    #[schema(min_length = 1, max_length = 64, example = "no_capacity")]
    pub reason_code: Option<String>,
    /// The facts the requester is to give: names of members, or JSON pointers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[validate(length(max = 50), custom(function = parse::short_texts))]
    #[schema(value_type = Option<Vec<ShortText>>, max_items = 50, example = json!(["/estimated_hours"]))]
    pub fields: Option<Vec<String>>,
    /// Who delivers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[validate(nested)]
    pub assignee: Option<AssigneeBody>,
    /// First day of delivery (UTC).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub starts_on: Option<NaiveDate>,
    /// Last day of delivery (UTC).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ends_on: Option<NaiveDate>,
    /// Day on which a paused request is taken up again (UTC).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resume_on: Option<NaiveDate>,
    /// What was delivered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[validate(length(min = 1, max = 2000))]
    #[schema(min_length = 1, max_length = 2000)]
    pub outcome: Option<String>,
    /// Desk or channel it goes to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[validate(length(min = 1, max = 64))]
    #[schema(min_length = 1, max_length = 64, example = "gps")]
    pub destination: Option<String>,
    /// Ids of the rules the exception waives.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[validate(length(max = 50), custom(function = parse::short_texts))]
    #[schema(value_type = Option<Vec<ShortText>>, max_items = 50, example = json!(["gps.deal_limit"]))]
    pub waived_rules: Option<Vec<String>>,
    /// Hours the desk agrees to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[validate(range(min = 0.25, max = 10000.0))]
    #[schema(minimum = 0.25, maximum = 10000, example = 12)]
    pub approved_hours: Option<f64>,
}

impl From<TransitionBody> for Move {
    fn from(body: TransitionBody) -> Self {
        let TransitionBody {
            to,
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
        } = body;
        let step = Step {
            reason,
            reason_code,
            fields: fields
                .unwrap_or_default()
                .iter()
                .map(|field| pointer(field))
                .collect(),
            assignee: assignee.map(|AssigneeBody { name, email }| Assignee { name, email }),
            starts_on,
            ends_on,
            resume_on,
            outcome,
            destination,
            waived_rules: waived_rules.unwrap_or_default(),
            approved_hours,
        };
        Self { to, step }
    }
}

/// The JSON pointer of a fact that is named by it, or by a name such as `partner.mpn_id`.
fn pointer(field: &str) -> String {
    if field.starts_with('/') {
        field.to_owned()
    } else {
        format!("/{}", field.replace('.', "/"))
    }
}

/// A field that is no fact could never be given, and the request would wait in vain. The desk is none
/// of them: a request goes to another by being redirected.
fn check_fields(body: &TransitionBody, faults: &mut Faults) {
    for (index, field) in body.fields.iter().flatten().enumerate() {
        let pointer = pointer(field);
        if pointer == "/desk" || !is_fact(&pointer) {
            let message = "must name a fact of the request, such as /customer/name";
            faults.at(format!("/fields/{index}"), "UNKNOWN_WORD", message);
        }
    }
}

fn is_fact(pointer: &str) -> bool {
    let names = pointer.strip_prefix('/').unwrap_or(pointer);
    let nested = names.rsplit('/').fold(
        serde_json::Value::Null,
        |inner, name| serde_json::json!({ name: inner }),
    );
    parse::json::<FactsBody>(nested.to_string().as_bytes())
        .is_ok_and(|parsed| parsed.into_result().is_ok())
}

/// Take a request to another state
///
/// A step that does not exist from where the request stands answers 409 with those that do; one that is
/// not for this caller answers 403. Taking a draft to `submitted` asks the rules, as creating does: a
/// request they refuse becomes `ineligible`, and the answer is a 422 problem that carries it. `If-Match`
/// may be sent to take the step only in the version that was read.
#[utoipa::path(
    post, path = "/v1/requests/{id}/transitions", tag = "requests", operation_id = "transition_request",
    request_body = TransitionBody,
    params(
        ("id" = String, Path, description = "Id or reference.", min_length = 1, max_length = 40, example = "PAD-2026-000123"),
        ("If-Match" = Option<String>, Header, description = "Tag of the version that was read.", min_length = 1, max_length = 1000),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes a retry safe: the same key and body get the first answer again.", min_length = 1, max_length = 255)
    ),
    responses((status = 200, description = "The request in its new state.", body = RequestView,
        headers(("ETag" = String, description = "Tag of the new version."))))
)]
async fn act(
    request: HttpRequest,
    app: web::Data<App>,
    Authenticated(caller): Authenticated,
    Path(id): Path<String>,
    MaybeKey(key): MaybeKey,
    body: RawBody,
) -> Result<HttpResponse, Problem> {
    let name = name(&id)?;
    let now = app.clock.now();
    if let Err(error) = may_act(&caller) {
        return Err(forbidden(&app, &name, &caller, error).await);
    }
    let expected = etag::preconditions(request.headers())?;
    let key = answer::key(&request, &caller, key.as_ref(), &body.bytes);
    let wanted = body.parse::<TransitionBody>()?.check(check_fields);
    let wanted = Move::from(wanted.into_result()?);
    let ask = answer::ask(caller.clone());
    let work = {
        let (app, caller) = (app.clone(), caller.clone());
        async move {
            let expected = |current: &_| expected.hold(&tag(current, &caller));
            take_step(
                &app,
                &ask,
                &name,
                &expected,
                &wanted,
                key.as_ref(),
                |moved| judged(moved, &caller, now, StatusCode::OK),
            )
            .await
        }
    };
    match answer::to_the_end(work).await? {
        Ok(given) => answer::give(given),
        Err(error) => Err(refusal::problem(error, &caller, now)),
    }
}

/// The endpoint.
pub fn endpoint() -> Endpoint {
    Endpoint::caller(__path_act, act)
        .does(&[
            Action::ReadRequest,
            Action::ActAsOwner,
            Action::ActAsDesk,
            Action::ActAsLead,
        ])
        .problems(&[
            Code::IfMatchMalformed,
            Code::IdempotencyKeyInvalid,
            Code::ActionForbidden,
            Code::TransitionNotAllowed,
            Code::IdempotencyInProgress,
            Code::IdempotencyKeyReused,
            // The released document lists it, though a step is taken without the header.
            Code::PreconditionRequired,
            Code::Ineligible,
            Code::CommitOutcomeUnknown,
        ])
}
