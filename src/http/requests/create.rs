//! `POST /v1/requests`

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};

use super::body::{CreateBody, check_words};
use super::judged;
use super::view::RequestView;
use crate::app::App;
use crate::domain::actor::{Requester, Role};
use crate::domain::rights::Action;
use crate::flows::create::{NewRequestInput, create as store_request, may_create};
use crate::http::answer;
use crate::http::auth::Authenticated;
use crate::http::body::RawBody;
use crate::http::codes::Code;
use crate::http::etag;
use crate::http::idempotency::MaybeKey;
use crate::http::problem::{Fault, Problem};
use crate::http::refusal;
use crate::http::routes::Endpoint;

/// Create and submit a request
///
/// The rules judge it at once. Eligible, it is in the desk's queue and the answer is 201. Ineligible,
/// the answer is a 422 problem `INELIGIBLE` that says why and where the request belongs instead; the
/// request is stored all the same, in state `ineligible`, and is embedded with its id, so that it can be
/// revised. With `"draft": true` it is stored without being judged. Where no desk is named, every desk
/// is compared and the recommended one is taken (`desk_recommended` says so).
#[utoipa::path(
    post, path = "/v1/requests", tag = "requests", operation_id = "create_request",
    request_body = CreateBody,
    params(("Idempotency-Key" = Option<String>, Header, description = "Makes a retry safe: the same key and body get the first answer again.", min_length = 1, max_length = 255)),
    responses((status = 201, description = "Stored: submitted, or a draft.", body = RequestView,
        headers(
            ("Location" = String, description = "Where the request is found."),
            ("ETag" = String, description = "Tag of the stored version.")
        )))
)]
async fn create(
    request: HttpRequest,
    app: web::Data<App>,
    Authenticated(caller): Authenticated,
    MaybeKey(key): MaybeKey,
    body: RawBody,
) -> Result<HttpResponse, Problem> {
    let now = app.clock.now();
    may_create(&caller).map_err(|error| refusal::problem(error, &caller, now))?;
    let key = answer::key(&request, &caller, key.as_ref(), &body.bytes);
    let catalogue = &app.catalogue;
    let may_name_requester = caller.role == Role::Integration;
    let parsed = body.parse::<CreateBody>()?.check(|body, faults| {
        check_words(&body.facts(), catalogue, faults);
        if may_name_requester && body.requested_by.is_none() {
            faults.at(
                "/requested_by",
                "REQUIRED",
                "is required from an integration",
            );
        }
    });
    let body = parsed.into_result()?;
    if body.requested_by.is_some() && !may_name_requester {
        return Err(Problem::new(Code::ActionForbidden)
            .detail("Only an integration names another person in requested_by.")
            .fault(Fault::at(
                "/requested_by",
                "FORBIDDEN",
                "may be given by an integration only",
            )));
    }
    let input = NewRequestInput {
        facts: body.facts(),
        draft: body.draft.unwrap_or_default(),
        requested_by: body.requested_by.map(Requester::from),
    };
    etag::adds_to_list(request.headers())?;
    let ask = answer::ask(caller.clone());
    let work = {
        let (app, caller) = (app.clone(), caller.clone());
        async move {
            store_request(&app, &ask, &input, key.as_ref(), |stored| {
                judged(stored, &caller, now, StatusCode::CREATED)
            })
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
    Endpoint::caller(__path_create, create)
        .does(&[Action::CreateRequest])
        .problems(&[
            Code::IdempotencyKeyInvalid,
            Code::ActionForbidden,
            Code::IdempotencyInProgress,
            Code::IdempotencyKeyReused,
            Code::PreconditionFailed,
            Code::Ineligible,
            Code::CommitOutcomeUnknown,
        ])
}
