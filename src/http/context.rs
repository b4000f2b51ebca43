//! What goes around every request: its id, its line of the log, and headers every answer has.

use std::sync::Arc;
use std::time::{Duration, Instant};

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use actix_web::middleware::Next;
use actix_web::{Error, ResponseError};

use super::codes::Code;
use super::connections;
use super::problem::Problem;
use crate::clock::Clock;
use crate::current::{Current, RequestId};

/// The header that carries the id both ways.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

const API_POLICY: HeaderValue =
    HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'");

/// The outermost layer. The request is never cloned here: actix forbids it before routing.
pub(super) async fn answer(
    clock: Clock,
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let current = Current {
        request_id: request_id(request.headers(), &clock),
        trace_id: trace_id(request.headers()).map(Arc::from),
    };
    let busy = connections::hold(request.request());
    let started = Instant::now();
    let answered = current.clone().scope(next.call(request)).await;
    drop(busy);

    let mut response = current.clone().sync_scope(|| match answered {
        Ok(response) => {
            let response = only_problems(response.map_into_boxed_body());
            tell(&response, started.elapsed());
            Ok(response)
        }
        Err(error) => {
            tracing::error!(%error, "a layer failed without an answer");
            Err(error)
        }
    })?;

    let headers = response.headers_mut();
    if let Ok(value) = HeaderValue::from_str(current.request_id.as_str()) {
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

/// The line of the log that every request leaves.
fn tell(response: &ServiceResponse, took: Duration) {
    let request = response.request();
    let route = request.match_pattern();
    tracing::info!(
        method = request.method().as_str(),
        route = route.as_deref().unwrap_or("(none)"),
        status = response.status().as_u16(),
        duration_us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX),
        "answered"
    );
}

fn request_id(headers: &HeaderMap, clock: &Clock) -> RequestId {
    headers
        .get(REQUEST_ID)
        .and_then(|value| RequestId::given(value.to_str().ok()?))
        .unwrap_or_else(|| RequestId::new(clock))
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
        let kept = request_id(&headers("x-request-id", "abc.DEF_1-2"), &clock);
        assert_eq!(kept.as_str(), "abc.DEF_1-2");
        let made = request_id(&headers("x-request-id", "a b"), &clock);
        assert_eq!(made.as_str().len(), 36);
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
