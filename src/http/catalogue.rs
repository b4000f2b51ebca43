//! `GET /v1/catalog`

use actix_web::{HttpRequest, HttpResponse, web};

use super::answer;
use super::auth::Authenticated;
use super::etag::EntityTag;
use super::problem::Problem;
use super::routes::Endpoint;
use crate::app::App;
use crate::catalog::view::CatalogView;
use crate::domain::rights::Action;

/// Desks, services, rules, words and channels
///
/// All that a form for a request needs. It changes only with the catalogue file, so a client that sends
/// the tag it has gets 304.
#[utoipa::path(
    get, path = "/v1/catalog", tag = "eligibility", operation_id = "get_catalog",
    params(("If-None-Match" = Option<String>, Header, description = "Tag of the catalogue the client has.", max_length = 1000)),
    responses(
        (status = 200, description = "The catalogue in force.", body = CatalogView,
            headers(("ETag" = String, description = "Tag of the catalogue."))),
        (status = 304, description = "The client has this catalogue already.",
            headers(("ETag" = String, description = "Tag of the catalogue.")))
    )
)]
async fn show(
    request: HttpRequest,
    app: web::Data<App>,
    Authenticated(_caller): Authenticated,
) -> Result<HttpResponse, Problem> {
    let tag = EntityTag::of_content(app.catalogue.version().as_bytes());
    answer::show(
        request.headers(),
        &CatalogView::from(&*app.catalogue),
        Some(tag),
        None,
    )
}

/// The endpoint.
pub fn endpoint() -> Endpoint {
    Endpoint::caller(__path_show, show).does(&[Action::Consult])
}
