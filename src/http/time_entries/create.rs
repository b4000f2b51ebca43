//! `POST /v1/requests/{id}/time-entries`

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use validator::{Validate, ValidationError};

use super::TimeEntryView;
use crate::app::App;
use crate::domain::rights::{Action, projection};
use crate::flows::log_hours::{Worked, log_hours, may_log_hours};
use crate::http::answer;
use crate::http::auth::Authenticated;
use crate::http::body::RawBody;
use crate::http::codes::Code;
use crate::http::etag;
use crate::http::idempotency::MaybeKey;
use crate::http::path::Path;
use crate::http::problem::Problem;
use crate::http::refusal;
use crate::http::requests::{name, show::forbidden};
use crate::http::routes::Endpoint;

/// Hours worked.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "hours": 4.5, "worked_on": "2026-11-20", "note": "Network design" }))]
pub struct TimeEntryBody {
    /// How many hours, in quarters.
    #[validate(range(min = 0.25, max = 24.0), custom(function = quarters))]
    #[schema(minimum = 0.25, maximum = 24, multiple_of = 0.25)]
    pub hours: f64,
    /// On which day (UTC).
    pub worked_on: NaiveDate,
    /// What was done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[validate(length(min = 1, max = 2000))]
    #[schema(min_length = 1, max_length = 2000)]
    pub note: Option<String>,
}

/// Quarters add up exactly, so that a budget is met to the quarter.
fn quarters(hours: f64) -> Result<(), ValidationError> {
    if (hours * 4.0).fract() == 0.0 {
        Ok(())
    } else {
        Err(ValidationError::new("multiple_of")
            .with_message("must be in quarters of an hour".into()))
    }
}

/// Log hours on a request
///
/// Only while it is in progress, and only its desk. Where the desk gives one request so many hours and no
/// more, all that is logged stays within that, however many log at once.
#[utoipa::path(
    post, path = "/v1/requests/{id}/time-entries", tag = "requests", operation_id = "log_hours",
    request_body = TimeEntryBody,
    params(
        ("id" = String, Path, description = "Id or reference.", min_length = 1, max_length = 40, example = "PAD-2026-000123"),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes a retry safe: the same key and body get the first answer again.", min_length = 1, max_length = 255)
    ),
    responses((status = 201, description = "The entry.", body = TimeEntryView))
)]
async fn create(
    request: HttpRequest,
    app: web::Data<App>,
    Authenticated(caller): Authenticated,
    Path(id): Path<String>,
    MaybeKey(key): MaybeKey,
    body: RawBody,
) -> Result<HttpResponse, Problem> {
    let name = name(&id)?;
    let now = app.clock.now();
    if let Err(error) = may_log_hours(&caller) {
        return Err(forbidden(&app, &name, &caller, error).await);
    }
    let today = now.date_naive();
    let TimeEntryBody {
        hours,
        worked_on,
        note,
    } = body
        .parse::<TimeEntryBody>()?
        .check(|body, faults| {
            if body.worked_on > today {
                faults.at("/worked_on", "RANGE", "must not lie in the future");
            }
        })
        .into_result()?;
    let worked = Worked {
        hours,
        on: worked_on,
        note,
    };
    let key = answer::key(&request, &caller, key.as_ref(), &body.bytes);
    etag::adds_to_list(request.headers())?;
    let ask = answer::ask(caller.clone());
    let shown = projection(caller.role);
    let work = {
        let app = app.clone();
        async move {
            log_hours(&app, &ask, &name, &worked, key.as_ref(), |entry| {
                let view = TimeEntryView::new(entry, shown);
                answer::without_tag(StatusCode::CREATED, &view)
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
    Endpoint::caller(__path_create, create)
        .does(&[Action::ReadRequest, Action::ActAsDesk])
        .problems(&[
            Code::ActionForbidden,
            Code::TransitionNotAllowed,
            Code::IdempotencyInProgress,
            Code::IdempotencyKeyReused,
            Code::PreconditionFailed,
            Code::CommitOutcomeUnknown,
        ])
}
