//! `GET /v1/requests/{id}/time-entries`

use actix_web::{HttpRequest, HttpResponse, web};

use super::TimeEntryView;
use crate::app::App;
use crate::domain::rights::{Action, projection};
use crate::flows::read;
use crate::http::answer;
use crate::http::auth::Authenticated;
use crate::http::codes::Code;
use crate::http::page::{self, Page, PageParameters};
use crate::http::path::Path;
use crate::http::problem::Problem;
use crate::http::query::Query;
use crate::http::refusal;
use crate::http::requests::name;
use crate::http::routes::Endpoint;
use crate::store::requests::Visibility;
use crate::store::time_entries::Position;

/// The hours logged on a request
///
/// In the order they were logged.
#[utoipa::path(
    get, path = "/v1/requests/{id}/time-entries", tag = "requests", operation_id = "list_time_entries",
    params(
        ("id" = String, Path, description = "Id or reference.", min_length = 1, max_length = 40, example = "PAD-2026-000123"),
        PageParameters
    ),
    responses((status = 200, description = "A page of entries.", body = inline(Page<TimeEntryView>),
        headers(("Link" = Option<String>, description = "Where the next page is, with `rel=\"next\"`."))))
)]
async fn list(
    request: HttpRequest,
    app: web::Data<App>,
    Authenticated(caller): Authenticated,
    Path(id): Path<String>,
    Query(PageParameters { limit, cursor }): Query<PageParameters>,
) -> Result<HttpResponse, Problem> {
    let found = read::request(&app, &name(&id)?, &Visibility::of(&caller))
        .await
        .map_err(|error| refusal::problem(error, &caller, app.clock.now()))?;
    let list = format!("time entries of {}", found.id);
    let after: Option<Position> = match &cursor {
        Some(cursor) => Some(page::open(&app.cursor_key, cursor, &list)?),
        None => None,
    };
    let rows = read::time_entries(&app, &found, after, page::one_more(limit)).await?;
    let shown = projection(caller.role);
    let page = Page::cut(rows, limit, |entry| {
        app.cursor_key.seal(
            &Position {
                created_at: entry.created_at,
                id: entry.id,
            },
            &list,
        )
    })
    .map(|entry| TimeEntryView::new(entry, shown));
    let link = page.link(&request);
    answer::show(request.headers(), &page, None, link)
}

/// The endpoint.
pub fn endpoint() -> Endpoint {
    Endpoint::caller(__path_list, list)
        .does(&[Action::ReadRequest])
        .problems(&[Code::CursorInvalid, Code::CursorFilterMismatch])
}
