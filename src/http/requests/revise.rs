//! `PATCH /v1/requests/{id}`

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};

use super::body::{FactsBody, check_words};
use super::name;
use super::view::{RequestView, tag};
use crate::app::App;
use crate::domain::rights::Action;
use crate::flows::read;
use crate::flows::revise::{Revision, may_revise, revise as store_revision};
use crate::http::answer;
use crate::http::auth::Authenticated;
use crate::http::body::{MergePatch, RawBody};
use crate::http::codes::Code;
use crate::http::etag;
use crate::http::idempotency::MaybeKey;
use crate::http::parse;
use crate::http::path::Path;
use crate::http::problem::Problem;
use crate::http::refusal;
use crate::http::routes::Endpoint;
use crate::store::requests::Visibility;

/// Change the facts of a request
///
/// A merge patch (RFC 7396): members that are named change, `null` takes a fact away. The facts of a
/// draft can all be changed; while the desk waits (`action_required`) only those in `wanted_fields`.
/// The rules run when the request is submitted again.
#[utoipa::path(
    patch, path = "/v1/requests/{id}", tag = "requests", operation_id = "revise_request",
    request_body(content = FactsBody, content_type = "application/merge-patch+json"),
    params(
        ("id" = String, Path, description = "Id or reference.", min_length = 1, max_length = 40, example = "PAD-2026-000123"),
        ("If-Match" = String, Header, description = "Tag of the version that was read.", min_length = 1, max_length = 1000),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes a retry safe: the same key and body get the first answer again.", min_length = 1, max_length = 255)
    ),
    responses((status = 200, description = "The request with the facts changed.", body = RequestView,
        headers(("ETag" = String, description = "Tag of the new version."))))
)]
async fn revise(
    request: HttpRequest,
    app: web::Data<App>,
    Authenticated(caller): Authenticated,
    Path(id): Path<String>,
    MaybeKey(key): MaybeKey,
    body: RawBody<MergePatch>,
) -> Result<HttpResponse, Problem> {
    let name = name(&id)?;
    let now = app.clock.now();
    let refuse = |error| refusal::problem(error, &caller, now);
    let found = read::request(&app, &name, &Visibility::of(&caller))
        .await
        .map_err(refuse)?;
    may_revise(&caller, &found).map_err(refuse)?;
    let facts =
        parse::merge_patch::<FactsBody>(&FactsBody::from(found.facts.clone()), &body.bytes)?
            .check(|patched, faults| check_words(&patched.facts(), &app.catalogue, faults))
            .into_result()?
            .facts();
    let expected = etag::require_if_match(request.headers())?;
    let key = answer::key(&request, &caller, key.as_ref(), &body.bytes);
    let revision = Revision {
        facts,
        read_version: found.version,
    };
    let ask = answer::ask(caller.clone());
    let work = {
        let (app, caller) = (app.clone(), caller.clone());
        async move {
            let expected = |current: &_| expected.hold(&tag(current, &caller));
            store_revision(
                &app,
                &ask,
                &name,
                &expected,
                &revision,
                key.as_ref(),
                |stored| {
                    let tag = tag(&stored, &caller);
                    let view = RequestView::new(stored, &caller, now);
                    answer::with_object(StatusCode::OK, &view, &tag, None)
                },
            )
            .await
        }
    };
    answer::give(answer::to_the_end(work).await?.map_err(refuse)?)
}

/// The endpoint.
pub fn endpoint() -> Endpoint {
    Endpoint::caller(__path_revise, revise)
        .does(&[Action::ReadRequest, Action::ReviseRequest])
        .problems(&[
            Code::IfMatchMalformed,
            Code::IdempotencyKeyInvalid,
            Code::ActionForbidden,
            Code::TransitionNotAllowed,
            Code::IdempotencyInProgress,
            Code::IdempotencyKeyReused,
            Code::PreconditionRequired,
            Code::CommitOutcomeUnknown,
        ])
}
