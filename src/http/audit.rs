//! `GET /v1/audit`

use actix_web::{HttpRequest, HttpResponse, web};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;
use validator::Validate;

use super::answer;
use super::auth::Authenticated;
use super::codes::Code;
use super::moment;
use super::page::{self, DEFAULT_LIMIT, ListName, Page};
use super::problem::Problem;
use super::query::Query;
use super::refusal;
use super::routes::Endpoint;
use crate::app::App;
use crate::domain::rights::Action;
use crate::flows::audit;
use crate::store::audit::{AuditOutcome, Entry, Filter, Position};

/// One line of the audit trail.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = AuditEntry)]
pub struct EntryView {
    /// Identity.
    pub id: Uuid,
    /// When (UTC).
    #[serde(serialize_with = "moment::serialize")]
    pub at: DateTime<Utc>,
    /// Subject of the credential, or what did it without one, such as `command line`.
    #[schema(max_length = 254, example = "paula@example.com")]
    pub subject: String,
    /// Role of the credential, or `system`.
    #[schema(max_length = 20, example = "requester")]
    pub role: String,
    /// Id of the API key; absent for the service itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, max_length = 64, example = "h3Jq0ZsT8mVd")]
    pub key_id: Option<String>,
    /// Address the request came from: that of the client, or of a proxy before it that the operator does not
    /// name as trusted.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, max_length = 45, example = "203.0.113.7")]
    pub address: Option<String>,
    /// HTTP method.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, max_length = 10, example = "POST")]
    pub method: Option<String>,
    /// The path with names for its variable parts.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(
        nullable = false,
        max_length = 200,
        example = "/v1/requests/{id}/transitions"
    )]
    pub route: Option<String>,
    /// Id of the request: the `X-Request-Id` of its answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, max_length = 64)]
    pub request_id: Option<String>,
    /// What was to be done: the `operationId`, or a name for what the service did by itself.
    #[schema(max_length = 64, example = "transition_request")]
    pub action: String,
    /// To which object: the id or reference in the path, or the id of what was made.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, max_length = 64, example = "PAD-2026-000123")]
    pub object: Option<String>,
    /// What came of it.
    pub outcome: AuditOutcome,
    /// HTTP status of the answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, minimum = 100, maximum = 599, example = 200)]
    pub status: Option<u16>,
    /// Code of the problem that was answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, max_length = 60, example = "ACTION_FORBIDDEN")]
    pub code: Option<String>,
}

impl From<Entry> for EntryView {
    fn from(entry: Entry) -> Self {
        let Entry {
            id,
            at,
            subject,
            role,
            key_id,
            address,
            method,
            route,
            http_request_id,
            status,
            action,
            object,
            outcome,
            code,
        } = entry;
        Self {
            id,
            at,
            subject,
            role,
            key_id: Some(key_id).filter(|id| !id.is_empty()),
            address,
            method,
            route,
            request_id: http_request_id,
            action,
            object,
            outcome,
            status,
            code,
        }
    }
}

/// Which lines.
#[derive(Clone, Debug, Deserialize, utoipa::IntoParams, Validate)]
#[into_params(parameter_in = Query)]
#[serde(default)]
pub struct AuditParameters {
    /// Of this subject.
    #[validate(length(min = 1, max = 254))]
    #[param(min_length = 1, max_length = 254)]
    pub subject: Option<String>,
    /// About this object, by the id or reference that stood in the path, or the id of what was made.
    #[validate(length(min = 1, max = 64))]
    #[param(min_length = 1, max_length = 64)]
    pub object: Option<String>,
    /// Of this operation.
    #[validate(length(min = 1, max = 64))]
    #[param(min_length = 1, max_length = 64, example = "transition_request")]
    pub action: Option<String>,
    /// With this outcome.
    pub outcome: Option<AuditOutcome>,
    /// At this time or later.
    pub from: Option<DateTime<Utc>>,
    /// Before this time.
    pub before: Option<DateTime<Utc>>,
    /// How many at most.
    #[validate(range(min = 1, max = 200))]
    #[param(minimum = 1, maximum = 200, default = 50)]
    pub limit: u16,
    /// Goes on where a page ended: its `next_cursor`. The filters have to be the same.
    #[validate(length(max = 1000))]
    #[param(max_length = 1000)]
    pub cursor: Option<String>,
}

impl Default for AuditParameters {
    fn default() -> Self {
        Self {
            subject: None,
            object: None,
            action: None,
            outcome: None,
            from: None,
            before: None,
            limit: DEFAULT_LIMIT,
            cursor: None,
        }
    }
}

/// The audit trail, newest first
///
/// Every write that a known caller asked for, whatever came of it. One that was carried out is here as surely
/// as its effect is; one that was refused follows within a moment. Neither what was sent nor what was answered
/// is kept.
#[utoipa::path(
    get, path = "/v1/audit", tag = "audit", operation_id = "list_audit",
    params(AuditParameters),
    responses((status = 200, description = "A page of the trail.", body = inline(Page<EntryView>),
        headers(("Link" = Option<String>, description = "Where the next page is, with `rel=\"next\"`."))))
)]
async fn list(
    request: HttpRequest,
    app: web::Data<App>,
    Authenticated(caller): Authenticated,
    Query(parameters): Query<AuditParameters>,
) -> Result<HttpResponse, Problem> {
    let AuditParameters {
        subject,
        object,
        action,
        outcome,
        from,
        before,
        limit,
        cursor,
    } = parameters;
    let filter = Filter {
        subject,
        object,
        action,
        outcome,
        from,
        before,
    };
    let list = name_of(&filter);
    let after: Option<Position> = match &cursor {
        Some(cursor) => Some(page::open(&app.cursor_key, cursor, &list)?),
        None => None,
    };
    let ask = answer::ask(caller.clone());
    let rows = audit::list(&app, &ask, &filter, after, page::one_more(limit))
        .await
        .map_err(|error| refusal::problem(error, &caller, app.clock.now()))?;
    let page = Page::cut(rows, limit, |entry| {
        let (at, id) = (entry.at, entry.id);
        app.cursor_key.seal(&Position { at, id }, &list)
    })
    .map(EntryView::from);
    let link = page.link(&request);
    answer::show_content_of_page(request.headers(), &page, link)
}

/// The name of this part of the trail.
fn name_of(filter: &Filter) -> String {
    let Filter {
        subject,
        object,
        action,
        outcome,
        from,
        before,
    } = filter;
    ListName::of("audit")
        .with("subject", subject.as_ref())
        .with("object", object.as_ref())
        .with("action", action.as_ref())
        .with("outcome", outcome.map(AuditOutcome::as_str))
        .with("from", from.as_ref().map(DateTime::to_rfc3339))
        .with("before", before.as_ref().map(DateTime::to_rfc3339))
        .into_string()
}

/// The endpoint.
pub fn endpoint() -> Endpoint {
    Endpoint::caller(__path_list, list)
        .does(&[Action::ReadAudit])
        .problems(&[
            Code::CursorInvalid,
            Code::CursorFilterMismatch,
            Code::ActionForbidden,
        ])
}
