//! `DELETE /v1/api-keys/{id}`

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};

use super::KeyView;
use crate::app::App;
use crate::domain::rights::Action;
use crate::flows::keys;
use crate::http::answer;
use crate::http::auth::Authenticated;
use crate::http::codes::Code;
use crate::http::etag;
use crate::http::idempotency::MaybeKey;
use crate::http::path::Path;
use crate::http::problem::Problem;
use crate::http::refusal;
use crate::http::routes::Endpoint;
use crate::store::keys::ApiKey;

/// Revoke an API key
///
/// It opens nothing within a second, on every instance. The key stays in the list, as revoked.
#[utoipa::path(
    delete, path = "/v1/api-keys/{id}", tag = "callers", operation_id = "revoke_api_key",
    params(
        ("id" = String, Path, description = "Id of the key.", min_length = 1, max_length = 20, example = "h3Jq0ZsT8mVd"),
        ("If-Match" = Option<String>, Header, description = "Tag of the key as it was read: one that has changed is not revoked.", min_length = 1, max_length = 1000),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes a retry safe: the same key and body get the first answer again.", min_length = 1, max_length = 255)
    ),
    responses((status = 200, description = "The revoked key.", body = KeyView))
)]
async fn revoke(
    request: HttpRequest,
    app: web::Data<App>,
    Authenticated(caller): Authenticated,
    Path(id): Path<String>,
    MaybeKey(key): MaybeKey,
) -> Result<HttpResponse, Problem> {
    let expected = etag::preconditions(request.headers())?;
    let key = answer::key(&request, &caller, key.as_ref(), &[]);
    let ask = answer::ask(caller.clone());
    let now = app.clock.now();
    let work = {
        let app = app.clone();
        async move {
            let expected = |current: &ApiKey| expected.hold(&KeyView::from(current.clone()).tag());
            keys::revoke(&app, &ask, &id, &expected, key.as_ref(), |api_key| {
                answer::for_no_cache(StatusCode::OK, &KeyView::from(api_key), None)
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
    Endpoint::caller(__path_revoke, revoke)
        .does(&[Action::ManageKeys])
        .problems(&[Code::ActionForbidden, Code::CommitOutcomeUnknown])
}
