//! `GET /v1/requests/{id}`

use actix_web::{HttpRequest, HttpResponse, web};

use super::name;
use super::view::{RequestView, tag, tag_of};
use crate::app::App;
use crate::domain::actor::Caller;
use crate::domain::request::Request;
use crate::domain::rights::Action;
use crate::flows::{FlowError, feed, read};
use crate::http::answer;
use crate::http::auth::Authenticated;
use crate::http::codes::Code;
use crate::http::etag;
use crate::http::path::Path;
use crate::http::problem::Problem;
use crate::http::refusal;
use crate::http::routes::Endpoint;
use crate::http::wait;
use crate::store::requests::{Name, Visibility};

/// Seconds that a client may be kept waiting for another version.
const LONGEST_WAIT: u16 = 25;

/// One request
///
/// By id or by reference. `allowed_transitions` are those of this caller.
///
/// With `If-None-Match` and `Prefer: wait=20` the answer waits for a change: it comes as soon as there is
/// one, and is 304 if there is none within so many seconds.
#[utoipa::path(
    get, path = "/v1/requests/{id}", tag = "requests", operation_id = "get_request",
    params(
        ("id" = String, Path, description = "Id or reference.", min_length = 1, max_length = 40, example = "PAD-2026-000123"),
        ("If-None-Match" = Option<String>, Header, description = "Tag of the version the client has.", max_length = 1000),
        ("Prefer" = Option<String>, Header, description = "`wait=` and the seconds to wait for another version than that; more than 25 count as 25.", max_length = 1000, example = "wait=20")
    ),
    responses(
        (status = 200, description = "The request.", body = RequestView,
            headers(
                ("ETag" = String, description = "Tag of this version."),
                ("Preference-Applied" = Option<String>, description = "`wait=` and the seconds the client would be kept waiting, if it asked for that."))),
        (status = 304, description = "The client has this version already.",
            headers(
                ("ETag" = String, description = "Tag of this version."),
                ("Preference-Applied" = Option<String>, description = "`wait=` and the seconds the client was kept waiting, if it asked for that.")))
    )
)]
async fn show(
    request: HttpRequest,
    app: web::Data<App>,
    Authenticated(caller): Authenticated,
    Path(id): Path<String>,
) -> Result<HttpResponse, Problem> {
    let visibility = Visibility::of(&caller);
    let name = name(&id)?;
    let known = etag::if_none_match(request.headers())?;
    wait::check_length(request.headers())?;
    let preferred = wait::preferred(request.headers(), LONGEST_WAIT);
    let (found, waited) = match (known, preferred) {
        (Some(known), Some(seconds)) => {
            let place = wait::place(&app, &caller)?;
            let is_news = |found: &Request| !known.matches_weakly(&tag(found, &caller));
            let until = wait::is_over(&request, seconds);
            let found =
                feed::read_when_changed(&app, place, &name, &visibility, is_news, until).await;
            (found, Some(seconds))
        }
        (Some(_), None) => {
            // Who polls mostly has the latest version already, and then no more than that is read.
            let version = read::version(&app, &name, &visibility).await;
            match version.map(|version| tag_of(version, &caller)) {
                Ok(tag) if etag::not_modified(request.headers(), &tag)? => {
                    return Ok(answer::unchanged(tag));
                }
                Ok(_) => (read::request(&app, &name, &visibility).await, None),
                Err(error) => (Err(error), None),
            }
        }
        (None, _) => (read::request(&app, &name, &visibility).await, None),
    };
    let now = app.clock.now();
    let found = found.map_err(|error| refusal::problem(error, &caller, now))?;
    let tag = tag(&found, &caller);
    let view = RequestView::new(found, &caller, now);
    let mut response = answer::show(request.headers(), &view, Some(tag), None)?;
    if let Some(seconds) = waited {
        wait::applied(response.headers_mut(), seconds);
    }
    Ok(response)
}

/// The answer to a caller whose role does not do such a thing to any request: what is not there for it
/// is still 404.
pub(in crate::http) async fn forbidden(
    app: &App,
    name: &Name,
    caller: &Caller,
    forbidden: FlowError,
) -> Problem {
    let error = match read::request(app, name, &Visibility::of(caller)).await {
        Ok(_) => forbidden,
        Err(missing) => missing,
    };
    refusal::problem(error, caller, app.clock.now())
}

/// The endpoint.
pub fn endpoint() -> Endpoint {
    Endpoint::caller(__path_show, show)
        .does(&[Action::ReadRequest])
        .long_poll(wait::time_limit(LONGEST_WAIT))
        .problems(&[Code::RateLimited])
}
