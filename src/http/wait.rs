//! Answers that wait for something to happen: places, deadlines and `Prefer: wait` (RFC 7240).

use std::time::Duration;

use actix_web::HttpRequest;
use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};

use super::Http;
use super::codes::Code;
use super::problem::{Fault, Problem};
use crate::app::App;
use crate::domain::actor::Caller;
use crate::tail::{Full, PLACES_PER_CALLER, Place};

/// What a handler has for reading before and after it waited, besides the waiting.
const READING: Duration = Duration::from_secs(10);

/// Characters of a `Prefer` header.
const LONGEST_PREFERENCE: usize = 1_000;

/// The time limit of a handler that waits for so many seconds.
pub fn time_limit(seconds: u16) -> Duration {
    Duration::from_secs(seconds.into()) + READING
}

/// The seconds that the client would wait by `Prefer`, at most `longest`. A preference that can't be
/// read is none: a client is never refused for what it prefers.
pub fn preferred(headers: &HeaderMap, longest: u16) -> Option<u16> {
    headers
        .get_all("prefer")
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .find_map(|preference| {
            let (name, value) = preference.split(';').next()?.split_once('=')?;
            if !name.trim().eq_ignore_ascii_case("wait") {
                return None;
            }
            let seconds: u16 = value.trim().trim_matches('"').parse().ok()?;
            (seconds > 0).then_some(seconds.min(longest))
        })
}

/// Refuses a `Prefer` header beyond any that makes sense.
///
/// # Errors
/// The problem to answer with, where it is longer than the document allows.
pub fn check_length(headers: &HeaderMap) -> Result<(), Problem> {
    if headers
        .get_all("prefer")
        .all(|value| value.len() <= LONGEST_PREFERENCE)
    {
        return Ok(());
    }
    let message = format!("must have at most {LONGEST_PREFERENCE} characters");
    Err(Problem::new(Code::InvalidParameter).fault(Fault::in_header("Prefer", "LENGTH", message)))
}

/// Tells the client that it was kept waiting as it preferred.
pub fn applied(headers: &mut HeaderMap, seconds: u16) {
    if let Ok(value) = HeaderValue::try_from(format!("wait={seconds}")) {
        headers.insert(HeaderName::from_static("preference-applied"), value);
    }
}

/// A place among those who wait.
///
/// # Errors
/// The problem to answer with, where there is none left.
pub fn place(app: &App, caller: &Caller) -> Result<Place, Problem> {
    app.tail.enter(&caller.subject).map_err(|full| match full {
        Full::ForCaller => Problem::new(Code::RateLimited).detail(format!(
            "The caller waits in {PLACES_PER_CALLER} places already; more are not given to one."
        )),
        Full::ForAll => Problem::new(Code::Overloaded).detail("Too many wait already."),
    })
}

/// Done after so many seconds, or before, when the service goes down.
pub async fn is_over(request: &HttpRequest, seconds: u16) {
    let time = tokio::time::sleep(Duration::from_secs(seconds.into()));
    match Http::of(request) {
        Ok(http) => tokio::select! {
            () = time => {}
            () = http.drained() => {}
        },
        Err(_) => time.await,
    }
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::HeaderValue;

    use super::*;

    #[test]
    fn a_preference_to_wait_is_found_among_others_and_bounded() {
        for (lines, seconds) in [
            (&["wait=20"][..], Some(20)),
            (&["respond-async, wait=20"], Some(20)),
            (&["respond-async", "Wait = 20; foo=bar"], Some(20)),
            (&["wait=\"7\""], Some(7)),
            (&["wait=90"], Some(25)),
            (&["wait=1, wait=2"], Some(1)),
            (&["wait=0"], None),
            (&["wait"], None),
            (&["wait=-1"], None),
            (&["wait=soon"], None),
            (&["waiting=20"], None),
            (&[], None),
        ] {
            let mut headers = HeaderMap::new();
            for line in lines {
                headers.append(
                    HeaderName::from_static("prefer"),
                    HeaderValue::from_static(line),
                );
            }
            assert_eq!(preferred(&headers, 25), seconds, "{lines:?}");
        }
    }
}
