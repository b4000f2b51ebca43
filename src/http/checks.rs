//! `POST /v1/eligibility-checks`

use actix_web::{HttpResponse, web};

use super::answer;
use super::auth::Authenticated;
use super::body::RawBody;
use super::idempotency::MaybeKey;
use super::problem::Problem;
use super::refusal;
use super::requests::body::{CheckBody, check_words};
use super::routes::Endpoint;
use crate::app::App;
use crate::domain::decision::Decision;
use crate::domain::rights::Action;
use crate::flows::check::check as judge;

/// Ask which desk would take a request
///
/// The judgement a submission would get now, with every rule and, where it is refused, the places it
/// belongs. Without a desk, every desk is compared and one is recommended. Nothing is stored. An
/// ineligible request is an answer like any other here: 200.
#[utoipa::path(
    post, path = "/v1/eligibility-checks", tag = "eligibility", operation_id = "check_eligibility",
    request_body = CheckBody,
    params(("Idempotency-Key" = Option<String>, Header, description = "Taken, as everywhere, and of no effect: nothing is stored, so a retry is judged anew.", min_length = 1, max_length = 255)),
    responses((status = 200, description = "The judgement.", body = Decision))
)]
async fn check(
    app: web::Data<App>,
    Authenticated(caller): Authenticated,
    MaybeKey(_key): MaybeKey,
    body: RawBody,
) -> Result<HttpResponse, Problem> {
    let body = body
        .parse::<CheckBody>()?
        .check(|body, faults| check_words(&body.facts(), &app.catalogue, faults))
        .into_result()?;
    let asker = body.relationship.or(caller.relationship);
    match judge(&app, &body.facts(), asker).await {
        Ok(decision) => answer::untagged(&mut HttpResponse::Ok(), &decision, 0),
        Err(error) => Err(refusal::problem(error, &caller, app.clock.now())),
    }
}

/// The endpoint.
pub fn endpoint() -> Endpoint {
    Endpoint::caller(__path_check, check)
        .does(&[Action::Consult])
        .stores_nothing()
}
