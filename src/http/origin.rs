//! How a write was asked for, for the audit trail; and the lines of those that were refused.

use std::sync::Arc;

use actix_web::dev::ServiceRequest;
use actix_web::http::StatusCode;
use actix_web::{HttpMessage, HttpRequest, web};

use super::codes::Code;
use super::proxies::client_address;
use crate::app::App;
use crate::current::RequestId;
use crate::domain::actor::Caller;
use crate::flows::audit::Origin;
use crate::store::audit::{AuditOutcome, Entry};

tokio::task_local! {
    static CURRENT: Arc<Origin>;
}

/// Names in paths are no longer than this. What is longer or looks otherwise is not an id of ours, and may
/// be something that should not be kept, such as a whole API key.
const LONGEST_NAME: usize = 40;

/// How the write that this task is answering was asked for.
pub(super) fn current() -> Arc<Origin> {
    CURRENT.try_with(Arc::clone).unwrap_or_default()
}

/// How this request asks for the operation.
pub(super) fn of(request: &ServiceRequest, action: &str) -> Arc<Origin> {
    let named = request.match_info().iter().next();
    let object = named.map(|(_, value)| value).filter(|value| {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
        value.len() <= LONGEST_NAME && value.bytes().all(plain)
    });
    let mut origin = Origin::default();
    origin.address = client_address(request.request()).map(|address| address.to_string());
    origin.method = request.method().to_string();
    origin.route = request.match_pattern().unwrap_or_default();
    origin.action = action.to_owned();
    origin.object = object.map(str::to_owned);
    Arc::new(origin)
}

/// Does the work with the origin at hand.
pub(super) async fn carried<T>(origin: Arc<Origin>, work: impl Future<Output = T>) -> T {
    CURRENT.scope(origin, work).await
}

/// Leaves a line where none was written with the work: for a write that was refused, whoever refused it.
pub(super) fn note(
    request: &HttpRequest,
    origin: &Origin,
    status: StatusCode,
    refusal: Option<Code>,
) {
    let Some(app) = request.app_data::<web::Data<App>>() else {
        return;
    };
    // A caller that is not known has no name to put down.
    let Some(caller) = request.extensions().get::<Caller>().cloned() else {
        return;
    };
    let outcome = match refusal {
        Some(code) if code.status().is_server_error() => AuditOutcome::Failed,
        Some(_) => AuditOutcome::Refused,
        None if origin.is_recorded() => return,
        None if status.is_server_error() => AuditOutcome::Failed,
        None if status.is_client_error() => AuditOutcome::Refused,
        None => {
            tracing::warn!(
                action = origin.action,
                "a write left its audit line to others"
            );
            AuditOutcome::Done
        }
    };
    let id = RequestId::current();
    let entry = origin.entry(app, &caller, id.as_ref().map_or("", RequestId::as_str));
    app.trail.push(Entry {
        status: Some(status.as_u16()),
        outcome,
        code: refusal.map(|code| code.as_str().to_owned()),
        ..entry
    });
}
