//! `GET /v1/api-keys/{id}`

use actix_web::{HttpRequest, HttpResponse, web};

use super::KeyView;
use crate::app::App;
use crate::domain::rights::Action;
use crate::flows::keys;
use crate::http::answer;
use crate::http::auth::Authenticated;
use crate::http::codes::Code;
use crate::http::path::Path;
use crate::http::problem::Problem;
use crate::http::refusal;
use crate::http::routes::Endpoint;

/// One API key
///
/// Whom it stands for, how long, and when it was last used. Its secret is not kept and so never shown.
#[utoipa::path(
    get, path = "/v1/api-keys/{id}", tag = "callers", operation_id = "get_api_key",
    params(("id" = String, Path, description = "Id of the key.", min_length = 1, max_length = 20, example = "h3Jq0ZsT8mVd")),
    responses((status = 200, description = "The key, without its secret.", body = KeyView))
)]
async fn show(
    request: HttpRequest,
    app: web::Data<App>,
    Authenticated(caller): Authenticated,
    Path(id): Path<String>,
) -> Result<HttpResponse, Problem> {
    let ask = answer::ask(caller.clone());
    match keys::show(&app, &ask, &id).await {
        Ok(key) => answer::show(request.headers(), &KeyView::from(key), None, None),
        Err(error) => Err(refusal::problem(error, &caller, app.clock.now())),
    }
}

/// The endpoint.
pub fn endpoint() -> Endpoint {
    Endpoint::caller(__path_show, show)
        .does(&[Action::ManageKeys])
        .problems(&[Code::ActionForbidden])
}
