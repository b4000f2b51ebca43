//! `GET /v1/events`

use actix_web::http::Method;
use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use validator::Validate;

use super::{FeedEvent, name_of, stream, wants_stream};
use crate::app::App;
use crate::domain::lifecycle::EventKind;
use crate::domain::rights::{Action, projection};
use crate::flows::feed::{self, Reading};
use crate::http::answer;
use crate::http::auth::Authenticated;
use crate::http::codes::Code;
use crate::http::page;
use crate::http::problem::{Fault, Problem};
use crate::http::query::Query;
use crate::http::refusal;
use crate::http::requests;
use crate::http::routes::Endpoint;
use crate::http::wait;
use crate::store::feed::{Filter, Position};
use crate::store::requests::{Name, Visibility};

/// Seconds that a client may be kept waiting for an event.
const LONGEST_WAIT: u16 = 30;

/// Where a reader without a cursor begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Start {
    /// With the first event there is.
    #[default]
    Beginning,
    /// With what happens from now on.
    Now,
}

/// Which events.
#[derive(Clone, Debug, Deserialize, utoipa::IntoParams, Validate)]
#[into_params(parameter_in = Query)]
#[serde(default)]
pub struct FeedParameters {
    /// After which the request is at this desk.
    #[validate(length(min = 1, max = 64))]
    #[param(min_length = 1, max_length = 64, example = "pad")]
    pub desk: Option<String>,
    /// Of this kind; may be repeated.
    #[serde(rename = "type")]
    #[validate(length(max = 20))]
    #[param(max_items = 20, style = Form, explode)]
    pub kinds: Vec<EventKind>,
    /// Of requests for the partner with this MPN id.
    #[validate(length(min = 1, max = 32))]
    #[param(min_length = 1, max_length = 32)]
    pub partner: Option<String>,
    /// Of this request, by its id or reference.
    #[validate(length(min = 1, max = 40))]
    #[param(min_length = 1, max_length = 40, example = "PAD-2026-000123")]
    pub request: Option<String>,
    /// Where to begin. Counts only without a cursor.
    #[param(inline)]
    pub from: Start,
    /// How many at most.
    #[validate(range(min = 1, max = 200))]
    #[param(minimum = 1, maximum = 200, default = 50)]
    pub limit: u16,
    /// Goes on after an event or a page. The filters have to be the same.
    #[validate(length(max = 1000))]
    #[param(max_length = 1000)]
    pub cursor: Option<String>,
    /// Seconds to wait for an event where there is none yet.
    #[validate(range(min = 1, max = 30))]
    #[param(minimum = 1, maximum = 30)]
    pub wait: Option<u16>,
}

impl Default for FeedParameters {
    fn default() -> Self {
        Self {
            desk: None,
            kinds: Vec::new(),
            partner: None,
            request: None,
            from: Start::default(),
            limit: page::DEFAULT_LIMIT,
            cursor: None,
            wait: None,
        }
    }
}

/// Part of the feed.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct FeedPage {
    /// The events, in order.
    #[schema(max_items = 200)]
    pub items: Vec<FeedEvent>,
    /// Where to go on: there always is a place, though there may be nothing beyond it yet.
    #[schema(max_length = 1000)]
    pub next_cursor: String,
}

/// What happened, in order
///
/// Every change of every request that the caller may see, each exactly once, however many clients write at
/// once: whoever goes on from `next_cursor`, or from the `cursor` of the last event it has dealt with,
/// misses none. An event appears as soon as no transaction that began to write before it is still running,
/// which is at once but for rare moments. A page may have fewer events than asked for, or none, with more to
/// come: as long as there is a `Link`, go on at once.
///
/// The caller sees the events of the requests that it may see when it reads. Where a request comes into the
/// caller's sight later, because a draft goes to another desk or partner, what happened to it before
/// the reader's cursor is not given afterwards; it is at `/v1/requests/{id}/events`. The filter `desk` goes by
/// the desk after the event, `partner` by the request as it is now.
///
/// With `wait=30` an answer that would be empty waits for an event, up to so many seconds; it comes as
/// soon as there is one.
///
/// With `Accept: text/event-stream` the answer is a stream of server-sent events that does not end: `id` is the
/// cursor, `event` the kind, `data` the event as in `items`. `Last-Event-ID` takes it up again where it broke
/// off, and counts more than `cursor`. A comment comes every 15 seconds where there is nothing else. A
/// client that reads too slowly is cut off, and so is one whose credential ends.
#[utoipa::path(
    get, path = "/v1/events", tag = "events", operation_id = "list_events",
    params(
        FeedParameters,
        ("Last-Event-ID" = Option<String>, Header, description = "For a stream: the `id` of the last event received.", max_length = 1000)
    ),
    responses((status = 200, description = "Part of the feed.",
        content(
            (FeedPage = "application/json", example = json!({
                "items": [{
                    "cursor": "Xq1PQ0d3a8x7InQiOjc0MTIsIm4iOjl9u1x0p0m9q2k",
                    "request_id": "01998a52-8e4b-7c31-9d7e-3b1f0a6c2d44",
                    "reference": "PAD-2026-000123",
                    "id": "01998a52-8e4b-7c31-9d7e-3b1f0a6c2d45",
                    "version": 2,
                    "kind": "transitioned",
                    "from": "submitted",
                    "to": "in_review",
                    "desk": "pad",
                    "changed": [],
                    "actor": { "subject": "mia@example.com", "name": "Mia Berg", "role": "desk_member" },
                    "at": "2026-11-22T10:00:00Z"
                }],
                "next_cursor": "Xq1PQ0d3a8x7InQiOjc0MTMsIm4iOjB9b6h2s1f8w5c"
            })),
            (String = "text/event-stream", example = json!("id: Xq1PQ0d3a8x7InQiOjc0MTIsIm4iOjl9u1x0p0m9q2k\nevent: transitioned\ndata: {…}\n\n"))
        ),
        headers(("Link" = Option<String>, description = "Where there is more at once, with `rel=\"next\"`."))))
)]
async fn list(
    request: HttpRequest,
    app: web::Data<App>,
    Authenticated(caller): Authenticated,
    Query(parameters): Query<FeedParameters>,
) -> Result<HttpResponse, Problem> {
    let FeedParameters {
        desk,
        mut kinds,
        partner,
        request: of_request,
        from,
        limit,
        cursor,
        wait,
    } = parameters;
    kinds.sort();
    let filter = Filter {
        desk,
        kinds,
        partner,
        request: of_request.as_deref().map(name).transpose()?,
    };
    let list = name_of(&filter);
    let streams = wants_stream(request.headers());
    let resumed = if streams {
        stream::last_event(&request, &app.cursor_key, &list)?
    } else {
        None
    };
    let after = match (resumed, &cursor, from) {
        (Some(position), _, _) => position,
        (None, Some(cursor), _) => page::open(&app.cursor_key, cursor, &list)?,
        (None, None, Start::Beginning) => Position::BEGINNING,
        (None, None, Start::Now) => feed::now(&app)
            .await
            .map_err(|error| refusal::problem(error, &caller, app.clock.now()))?,
    };
    if streams {
        return stream::answer(request, app, &caller, filter, after);
    }
    let visibility = Visibility::of(&caller);
    let read = match wait {
        // A body is what is waited for.
        Some(seconds) if request.method() != Method::HEAD => {
            let place = wait::place(&app, &caller)?;
            let until = wait::is_over(&request, seconds);
            feed::read_or_wait(&app, place, &filter, &visibility, after, limit, until).await
        }
        _ => feed::read(&app, &filter, &visibility, after, limit).await,
    };
    let Reading { rows, end, more } =
        read.map_err(|error| refusal::problem(error, &caller, app.clock.now()))?;
    let shown = projection(caller.role);
    let key = &app.cursor_key;
    let page = FeedPage {
        items: rows
            .into_iter()
            .map(|row| FeedEvent::new(row, shown, key, &list))
            .collect(),
        next_cursor: key.seal(&end, &list),
    };
    let mut response = HttpResponse::Ok();
    response.insert_header((header::VARY, "Authorization, Accept"));
    if more {
        response.insert_header((header::LINK, page::next(&request, &page.next_cursor)));
    }
    answer::untagged(&mut response, &page, page.items.len())
}

fn name(text: &str) -> Result<Name, Problem> {
    requests::name(text).ok().ok_or_else(|| {
        Problem::new(Code::ValidationFailed)
            .detail("A query parameter has a value that is not acceptable.")
            .fault(Fault::in_parameter(
                "request",
                "FORMAT",
                "must be an id or a reference",
            ))
    })
}

/// The endpoint.
pub fn endpoint() -> Endpoint {
    Endpoint::caller(__path_list, list)
        .does(&[Action::ReadRequest])
        .long_poll(wait::time_limit(LONGEST_WAIT))
        .problems(&[Code::RateLimited])
}
