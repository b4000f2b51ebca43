//! `GET /v1/requests/{id}`

use actix_web::{HttpRequest, HttpResponse, web};

use super::name;
use super::view::{RequestView, tag};
use crate::app::App;
use crate::domain::actor::Caller;
use crate::domain::request::Request;
use crate::flows::FlowError;
use crate::http::answer;
use crate::http::auth::Authenticated;
use crate::http::path::Path;
use crate::http::problem::Problem;
use crate::http::refusal;
use crate::http::routes::Endpoint;
use crate::store::Connection;
use crate::store::requests::{self, Lock, Name, Visibility};

/// One request
///
/// By id or by reference. `allowed_transitions` are those of this caller.
#[utoipa::path(
    get, path = "/v1/requests/{id}", tag = "requests", operation_id = "get_request",
    params(
        ("id" = String, Path, description = "Id or reference.", min_length = 1, max_length = 40, example = "PAD-2026-000123"),
        ("If-None-Match" = Option<String>, Header, description = "Tag of the version the client has.", max_length = 1000)
    ),
    responses(
        (status = 200, description = "The request.", body = RequestView,
            headers(("ETag" = String, description = "Tag of this version."))),
        (status = 304, description = "The client has this version already.",
            headers(("ETag" = String, description = "Tag of this version.")))
    )
)]
async fn show(
    request: HttpRequest,
    app: web::Data<App>,
    Authenticated(caller): Authenticated,
    Path(id): Path<String>,
) -> Result<HttpResponse, Problem> {
    let visibility = Visibility::of(&caller);
    let now = app.clock.now();
    let found = find(&app, &name(&id)?, &visibility)
        .await
        .map_err(|error| refusal::problem(error, &caller, now))?;
    let tag = tag(&found, &caller);
    answer::show(
        request.headers(),
        &RequestView::new(found, &caller, now),
        Some(tag),
        None,
    )
}

/// The request, where it is visible.
pub(in crate::http) async fn find(
    app: &App,
    name: &Name,
    visibility: &Visibility,
) -> Result<Request, FlowError> {
    app.store
        .read(async |connection: &mut Connection| {
            requests::find(connection, name, visibility, Lock::No)
                .await?
                .ok_or(FlowError::NotFound)
        })
        .await
}

/// The answer to a caller whose role does not do such a thing to any request: what is not there for it
/// is still 404.
pub(in crate::http) async fn forbidden(
    app: &App,
    name: &Name,
    caller: &Caller,
    forbidden: FlowError,
) -> Problem {
    let error = match find(app, name, &Visibility::of(caller)).await {
        Ok(_) => forbidden,
        Err(missing) => missing,
    };
    refusal::problem(error, caller, app.clock.now())
}

/// The endpoint.
pub fn endpoint() -> Endpoint {
    Endpoint::caller(__path_show, show)
}
