//! `GET /v1/api-keys`

use actix_web::{HttpRequest, HttpResponse, web};
use chrono::{DateTime, Utc};

use super::KeyView;
use crate::app::App;
use crate::domain::rights::Action;
use crate::flows::keys;
use crate::http::answer;
use crate::http::auth::Authenticated;
use crate::http::codes::Code;
use crate::http::page::{self, Page, PageParameters};
use crate::http::problem::Problem;
use crate::http::query::Query;
use crate::http::refusal;
use crate::http::routes::Endpoint;

const LIST: &str = "api keys";

/// API keys, newest first
///
/// Live ones, expired ones and revoked ones. Their secrets are not kept and so never shown.
#[utoipa::path(
    get, path = "/v1/api-keys", tag = "callers", operation_id = "list_api_keys",
    params(PageParameters),
    responses((status = 200, description = "A page of keys, without their secrets.", body = inline(Page<KeyView>),
        headers(("Link" = Option<String>, description = "Where the next page is, with `rel=\"next\"`."))))
)]
async fn list(
    request: HttpRequest,
    app: web::Data<App>,
    Authenticated(caller): Authenticated,
    Query(PageParameters { limit, cursor }): Query<PageParameters>,
) -> Result<HttpResponse, Problem> {
    let after: Option<(DateTime<Utc>, String)> = match &cursor {
        Some(cursor) => Some(page::open(&app.cursor_key, cursor, LIST)?),
        None => None,
    };
    let ask = answer::ask(caller.clone());
    let rows = keys::list(&app, &ask, after, page::one_more(limit))
        .await
        .map_err(|error| refusal::problem(error, &caller, app.clock.now()))?;
    let page = Page::cut(rows, limit, |key| {
        app.cursor_key.seal(&(key.created_at, &key.id), LIST)
    })
    .map(KeyView::from);
    let link = page.link(&request);
    answer::show_content_of_page(request.headers(), &page, link)
}

/// The endpoint.
pub fn endpoint() -> Endpoint {
    Endpoint::caller(__path_list, list)
        .does(&[Action::ManageKeys])
        .problems(&[
            Code::CursorInvalid,
            Code::CursorFilterMismatch,
            Code::ActionForbidden,
        ])
}
