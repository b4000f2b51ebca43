//! `GET /v1/requests/{id}/events`

use actix_web::{HttpRequest, HttpResponse, web};
use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::name;
use crate::app::App;
use crate::domain::lifecycle::{EventKind, State};
use crate::domain::rights::{Action, Projection, projection};
use crate::flows::read;
use crate::http::answer;
use crate::http::auth::Authenticated;
use crate::http::codes::Code;
use crate::http::moment;
use crate::http::page::{self, Page, PageParameters};
use crate::http::path::Path;
use crate::http::problem::Problem;
use crate::http::query::Query;
use crate::http::refusal;
use crate::http::routes::Endpoint;
use crate::store::events::EventRow;
use crate::store::requests::Visibility;

/// Who did something.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ActorView {
    /// Subject of the credential. Dashboards don't see it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, max_length = 254)]
    pub subject: Option<String>,
    /// Name to show. Dashboards don't see it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, max_length = 254)]
    pub name: Option<String>,
    /// Role of the credential, or `system`.
    #[schema(max_length = 20, example = "desk_member")]
    pub role: String,
    /// Subject of the person it was done for, where that is somebody else. Dashboards don't see it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, max_length = 254)]
    pub on_behalf_of: Option<String>,
}

/// One line of a request's history.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Event)]
pub struct EventView {
    /// Identity.
    pub id: Uuid,
    /// Version of the request after it.
    #[schema(minimum = 1)]
    pub version: i64,
    /// What happened.
    pub kind: EventKind,
    /// State before; absent for the first line.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = State, required = false)]
    pub from: Option<State>,
    /// State after.
    pub to: State,
    /// Desk after.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, max_length = 64)]
    pub desk: Option<String>,
    /// Why. Dashboards don't see it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, max_length = 2000)]
    pub reason: Option<String>,
    /// JSON pointers of the members that changed besides the state.
    #[schema(max_items = 100)]
    pub changed: Vec<String>,
    /// Who did it.
    pub actor: ActorView,
    /// When (UTC).
    #[serde(serialize_with = "moment::serialize")]
    pub at: DateTime<Utc>,
}

impl EventView {
    pub(in crate::http) fn new(row: EventRow, shown: Projection) -> Self {
        let EventRow {
            id,
            request_version,
            kind,
            from_state,
            to_state,
            desk,
            reason,
            changed,
            actor_subject,
            actor_name,
            actor_role,
            on_behalf_of,
            at,
        } = row;
        let full = shown == Projection::Full;
        Self {
            id,
            version: request_version,
            kind: kind.0,
            from: from_state.map(|state| state.0),
            to: to_state.0,
            desk,
            reason: reason.filter(|_| full),
            changed,
            actor: ActorView {
                subject: full.then_some(actor_subject),
                name: full.then_some(actor_name),
                role: actor_role,
                on_behalf_of: on_behalf_of.filter(|_| full),
            },
            at,
        }
    }
}

/// The history of a request
///
/// Every change is one line, from the first on. A line never changes.
#[utoipa::path(
    get, path = "/v1/requests/{id}/events", tag = "requests", operation_id = "list_request_events",
    params(
        ("id" = String, Path, description = "Id or reference.", min_length = 1, max_length = 40, example = "PAD-2026-000123"),
        PageParameters
    ),
    responses((status = 200, description = "A page of the history.", body = inline(Page<EventView>),
        headers(("Link" = Option<String>, description = "Where the next page is, with `rel=\"next\"`."))))
)]
async fn history(
    request: HttpRequest,
    app: web::Data<App>,
    Authenticated(caller): Authenticated,
    Path(id): Path<String>,
    Query(PageParameters { limit, cursor }): Query<PageParameters>,
) -> Result<HttpResponse, Problem> {
    let found = read::request(&app, &name(&id)?, &Visibility::of(&caller))
        .await
        .map_err(|error| refusal::problem(error, &caller, app.clock.now()))?;
    let list = format!("events of {}", found.id);
    let after: i64 = match &cursor {
        Some(cursor) => page::open(&app.cursor_key, cursor, &list)?,
        None => 0,
    };
    let rows = read::history(&app, &found, after, page::one_more(limit)).await?;
    let shown = projection(caller.role);
    let page = Page::cut(rows, limit, |row| {
        app.cursor_key.seal(&row.request_version, &list)
    })
    .map(|row| EventView::new(row, shown));
    let link = page.link(&request);
    answer::show_content_of_page(request.headers(), &page, link)
}

/// The endpoint.
pub fn endpoint() -> Endpoint {
    Endpoint::caller(__path_history, history)
        .does(&[Action::ReadRequest])
        .problems(&[Code::CursorInvalid, Code::CursorFilterMismatch])
}
