//! The `Idempotency-Key` header.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::http::header::HeaderMap;
use actix_web::{FromRequest, HttpRequest};

use super::codes::Code;
use super::problem::{Fault, Problem};

/// The header's name.
pub const HEADER: &str = "Idempotency-Key";

/// A key that stands for one operation of one caller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdempotencyKey(String);

impl IdempotencyKey {
    /// The key without quotes.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The key of a request, where it has one: a structured-field string `"…"` or the bare text.
    pub fn of(headers: &HeaderMap) -> Result<Option<Self>, Problem> {
        let mut values = headers.get_all(HEADER);
        let Some(value) = values.next() else {
            return Ok(None);
        };
        let key = value.to_str().ok().and_then(read);
        match key {
            Some(key) if values.next().is_none() => Ok(Some(Self(key))),
            _ => Err(Problem::new(Code::IdempotencyKeyInvalid)
                .detail(
                    "An Idempotency-Key has 1 to 255 visible ASCII characters and is sent once.",
                )
                .fault(Fault::in_header(
                    HEADER,
                    "FORMAT",
                    "must have 1 to 255 visible characters",
                ))),
        }
    }
}

/// Handlers take `Option<IdempotencyKey>` by way of this extractor's newtype.
#[derive(Clone, Debug)]
pub struct MaybeKey(pub Option<IdempotencyKey>);

impl FromRequest for MaybeKey {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(IdempotencyKey::of(request.headers()).map(Self))
    }
}

fn read(text: &str) -> Option<String> {
    let text = text.trim_matches([' ', '\t']);
    let key = match text.strip_prefix('"') {
        Some(quoted) => unquote(quoted)?,
        None => text.to_owned(),
    };
    let visible = key.bytes().all(|byte| byte.is_ascii_graphic());
    (visible && (1..=255).contains(&key.len())).then_some(key)
}

/// The inside of a structured-field string, after the opening quote (RFC 9651, section 3.3.3).
fn unquote(text: &str) -> Option<String> {
    let mut key = String::new();
    let mut letters = text.chars();
    loop {
        match letters.next()? {
            '"' => return letters.next().is_none().then_some(key),
            '\\' => match letters.next()? {
                escaped @ ('"' | '\\') => key.push(escaped),
                _ => return None,
            },
            letter => key.push(letter),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quoted_and_bare_keys_are_the_same_key() {
        assert_eq!(read("\"abc-1\"").as_deref(), Some("abc-1"));
        assert_eq!(read("abc-1").as_deref(), Some("abc-1"));
        assert_eq!(read("\"a\\\"b\\\\\"").as_deref(), Some("a\"b\\"));
    }

    #[test]
    fn keys_that_cannot_be_used_are_refused() {
        let long = "x".repeat(256);
        for text in ["", "\"\"", "\"a", "a b", "\"a\"b", "\"a\\n\"", "é", &long] {
            assert_eq!(read(text), None, "{text}");
        }
        assert_eq!(read(&"x".repeat(255)).map(|key| key.len()), Some(255));
    }
}
