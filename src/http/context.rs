//! What goes around every request: its id, its span and log line, and headers every answer has.

use std::fmt;
use std::future::{Ready, ready};
use std::sync::Arc;
use std::time::{Duration, Instant};

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{Payload, ServiceRequest, ServiceResponse};
use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use actix_web::middleware::Next;
use actix_web::{Error, FromRequest, HttpMessage, HttpRequest, ResponseError};
use tracing::Instrument;

use super::codes::Code;
use super::connections;
use super::problem::Problem;
use crate::clock::Clock;

/// The header that carries the id both ways.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

const API_POLICY: HeaderValue =
    HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'");

/// The id of the request being answered: the caller's own, or a new one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestId(Arc<str>);

tokio::task_local! {
    static CURRENT: RequestId;
}

impl RequestId {
    /// The id of the request this task is answering. Work that was spawned has none.
    pub fn current() -> Option<Self> {
        CURRENT.try_with(Clone::clone).ok()
    }

    /// Takes the id along into work that is going to be spawned.
    pub fn carried_into<T>(work: impl Future<Output = T>) -> impl Future<Output = T> {
        let id = Self::current();
        let span = tracing::Span::current();
        let work = async move {
            match id {
                Some(id) => CURRENT.scope(id, work).await,
                None => work.await,
            }
        };
        work.instrument(span)
    }

    fn of(headers: &HeaderMap, clock: &Clock) -> Self {
        let given = headers
            .get(REQUEST_ID)
            .and_then(|value| value.to_str().ok())
            .filter(|id| {
                (1..=64).contains(&id.len())
                    && id.bytes().all(|byte| {
                        byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-')
                    })
            });
        Self(given.map_or_else(|| clock.new_id().to_string().into(), Arc::from))
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl FromRequest for RequestId {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let id = request.extensions().get::<Self>().cloned();
        ready(id.ok_or_else(|| Problem::internal(&"the request has no id")))
    }
}

/// The outermost layer. The request is never cloned here: actix forbids it before routing.
pub(super) async fn answer(
    clock: Clock,
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let id = RequestId::of(request.headers(), &clock);
    let busy = connections::hold(request.request());
    request.extensions_mut().insert(id.clone());
    let span = tracing::info_span!(
        "request",
        request_id = %id,
        trace_id = trace_id(request.headers()),
        method = %request.method(),
    );
    let started = Instant::now();
    let answered = CURRENT
        .scope(id.clone(), next.call(request).instrument(span.clone()))
        .await;
    drop(busy);

    let mut response = match answered {
        Ok(response) => span.in_scope(|| {
            CURRENT.sync_scope(id.clone(), || only_problems(response.map_into_boxed_body()))
        }),
        Err(error) => {
            span.in_scope(|| tracing::error!(%error, "a layer failed without an answer"));
            return Err(error);
        }
    };
    tell(&id, &response, started.elapsed());

    let headers = response.headers_mut();
    if let Ok(value) = HeaderValue::from_str(&id.0) {
        headers.insert(REQUEST_ID, value);
    }
    headers.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    default(
        headers,
        header::CACHE_CONTROL,
        HeaderValue::from_static("no-store"),
    );
    default(headers, header::CONTENT_SECURITY_POLICY, API_POLICY);
    Ok(response)
}

/// The line of the log that every request leaves. It names the request by itself: within a span, the subscriber would
/// read the fields of the span again to write them down once more.
fn tell(id: &RequestId, response: &ServiceResponse, took: Duration) {
    let request = response.request();
    let route = request.match_pattern();
    tracing::info!(
        parent: None,
        request_id = %id,
        trace_id = trace_id(request.headers()),
        method = request.method().as_str(),
        route = route.as_deref().unwrap_or("(none)"),
        status = response.status().as_u16(),
        duration_us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX),
        "answered"
    );
}

fn default(headers: &mut HeaderMap, name: HeaderName, value: HeaderValue) {
    if !headers.contains_key(&name) {
        headers.insert(name, value);
    }
}

/// Errors that actix makes by itself speak plain text: they leave as problems too.
fn only_problems(response: ServiceResponse) -> ServiceResponse {
    let Some(error) = response.response().error() else {
        return response;
    };
    if error.as_error::<Problem>().is_some() {
        return response;
    }
    let status = response.status();
    let problem = match Code::ALL.iter().find(|code| code.status() == status) {
        Some(code) if status.is_client_error() => Problem::new(*code),
        _ => Problem::internal(error),
    };
    response.into_response(problem.error_response())
}

/// The trace id of a `traceparent` header (W3C Trace Context, version 00).
fn trace_id(headers: &HeaderMap) -> Option<&str> {
    let text = headers.get("traceparent")?.to_str().ok()?;
    let mut parts = text.split('-');
    let (version, trace, parent) = (parts.next()?, parts.next()?, parts.next()?);
    let hex = |part: &str, len: usize| {
        part.len() == len
            && part
                .bytes()
                .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
            && part.bytes().any(|byte| byte != b'0')
    };
    (version.len() == 2 && version != "ff" && hex(trace, 32) && hex(parent, 16)).then_some(trace)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: &'static str, value: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(
            HeaderName::from_static(name),
            HeaderValue::from_str(value).unwrap(),
        );
        headers
    }

    #[test]
    fn a_sane_request_id_is_kept_and_any_other_replaced() {
        let clock = Clock::real();
        let kept = RequestId::of(&headers("x-request-id", "abc.DEF_1-2"), &clock);
        assert_eq!(kept.to_string(), "abc.DEF_1-2");
        for bad in ["", "a b", "a/b", &"x".repeat(65)] {
            let made = RequestId::of(&headers("x-request-id", bad), &clock);
            assert_ne!(made.to_string(), bad);
            assert_eq!(made.to_string().len(), 36);
        }
    }

    #[test]
    fn a_trace_id_is_taken_only_from_a_well_formed_traceparent() {
        let good = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        assert_eq!(
            trace_id(&headers("traceparent", good)),
            Some("4bf92f3577b34da6a3ce929d0e0e4736")
        );
        for bad in [
            "",
            "00-zz-00f067aa0ba902b7-01",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        ] {
            assert_eq!(trace_id(&headers("traceparent", bad)), None, "{bad}");
        }
    }
}
