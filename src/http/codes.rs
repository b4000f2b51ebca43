//! Every way the service says no: one row per error code.
//!
//! The row is all there is to a code. Its page under `/docs/errors`, its place in the OpenAPI
//! document and `docs/generated/error-codes.md` are made from it.

use actix_web::http::StatusCode;

/// Whether the same request can succeed later, unchanged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retry {
    /// Sending it again changes nothing.
    Never,
    /// It may, with no time known.
    Later,
    /// It may, after this many seconds; answered as `Retry-After` unless a handler knows better.
    After(u32),
}

macro_rules! codes {
    ($($variant:ident = $code:literal, $status:ident, $retry:expr, $title:literal, $doc:literal;)+) => {
        /// A stable, machine-readable name for one kind of refusal.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Code {
            $(#[doc = $doc] $variant,)+
        }

        impl Code {
            /// Every code, in the order of the table.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The word in the `code` member.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $code),+ }
            }

            /// The HTTP status it is answered with.
            pub const fn status(self) -> StatusCode {
                match self { $(Self::$variant => StatusCode::$status),+ }
            }

            /// Whether and when to try again.
            pub const fn retry(self) -> Retry {
                match self { $(Self::$variant => $retry),+ }
            }

            /// The short sentence in the `title` member.
            pub const fn title(self) -> &'static str {
                match self { $(Self::$variant => $title),+ }
            }

            /// The paragraph that explains the code to whoever meets it.
            pub const fn explanation(self) -> &'static str {
                match self { $(Self::$variant => $doc),+ }
            }
        }
    };
}

codes! {
    MalformedJson = "MALFORMED_JSON", BAD_REQUEST, Retry::Never, "The body is not valid JSON",
        "The body could not be read as one JSON value in UTF-8: a syntax error, a member given twice, a lone surrogate, a number that no double can hold, or nesting deeper than 32 levels. The detail says where.";
    UnknownField = "UNKNOWN_FIELD", BAD_REQUEST, Retry::Never, "The body has a member that is not known",
        "A member of the body is not part of the contract. Nothing is ignored silently, so that a misspelt member cannot vanish. The errors list names each unknown member by its JSON pointer, together with every other fault of the body.";
    UnknownParameter = "UNKNOWN_PARAMETER", BAD_REQUEST, Retry::Never, "A query parameter is not known",
        "The query string has a parameter that this operation does not take. Nothing is ignored silently, so that a misspelt filter cannot return everything.";
    InvalidParameter = "INVALID_PARAMETER", BAD_REQUEST, Retry::Never, "A query parameter cannot be read",
        "A query parameter has a value of the wrong form, is given more than once although it takes one value, or is not properly percent-encoded UTF-8.";
    CursorInvalid = "CURSOR_INVALID", BAD_REQUEST, Retry::Never, "The cursor is not valid",
        "The cursor was not made by this service, was changed, or was cut off. Start again without a cursor.";
    CursorFilterMismatch = "CURSOR_FILTER_MISMATCH", BAD_REQUEST, Retry::Never, "The cursor belongs to other filters",
        "A cursor continues one list. The filters or the sort order of this request differ from those the cursor was made for. Send the same ones, or start again without a cursor.";
    IfMatchMalformed = "IF_MATCH_MALFORMED", BAD_REQUEST, Retry::Never, "A conditional header cannot be read",
        "If-Match or If-None-Match must be * or a list of entity tags in double quotes, such as \"7-full\", separated by commas.";
    IdempotencyKeyInvalid = "IDEMPOTENCY_KEY_INVALID", BAD_REQUEST, Retry::Never, "The Idempotency-Key cannot be used",
        "An Idempotency-Key has 1 to 255 visible ASCII characters, with or without double quotes around them, and is sent once. A fresh UUID for each operation is a good choice.";
    Unauthenticated = "UNAUTHENTICATED", UNAUTHORIZED, Retry::Never, "The caller is not known",
        "The request needs a valid bearer token in the Authorization header. The answer is the same whether the token is missing, malformed, unknown, expired or revoked.";
    ActionForbidden = "ACTION_FORBIDDEN", FORBIDDEN, Retry::Never, "The caller may not do this",
        "The caller is known and may see the object, but has not the right to do this with it. Somebody with the right has to. An access token that is good but gives no role in this service, or lacks what the role needs, is answered so as well; the detail says what is missing.";
    NotFound = "NOT_FOUND", NOT_FOUND, Retry::Never, "There is nothing here",
        "No such path or object, or one that this caller may not see: the answer is the same for all of them.";
    MethodNotAllowed = "METHOD_NOT_ALLOWED", METHOD_NOT_ALLOWED, Retry::Never, "The method is not allowed here",
        "The path exists but does not take this method. The Allow header lists those it takes.";
    Timeout = "TIMEOUT", REQUEST_TIMEOUT, Retry::Later, "The body did not arrive in time",
        "The body was not complete when the time for it was over. Nothing was done. Send the request again over a connection that is fast enough.";
    TransitionNotAllowed = "TRANSITION_NOT_ALLOWED", CONFLICT, Retry::Never, "The request cannot go there from its state",
        "The life cycle has no such step from the state the request is in. The answer carries the request as it is now and the transitions that are allowed to this caller.";
    IdempotencyInProgress = "IDEMPOTENCY_IN_PROGRESS", CONFLICT, Retry::After(1), "The first request with this key is still running",
        "Another request with the same Idempotency-Key has not finished. Send this one again with the same key to receive its answer.";
    PreconditionFailed = "PRECONDITION_FAILED", PRECONDITION_FAILED, Retry::Never, "The object has changed",
        "The entity tag in If-Match is not that of the object as it is now, or one in If-None-Match is: somebody changed it since it was read. The answer to a change carries the present object and its tag: merge, then send the change again with the new tag.";
    BodyTooLarge = "BODY_TOO_LARGE", PAYLOAD_TOO_LARGE, Retry::Never, "The body is too large",
        "The body is larger than this operation takes. The detail says how many bytes it may have.";
    UriTooLong = "URI_TOO_LONG", URI_TOO_LONG, Retry::Never, "The address is too long",
        "Path and query string together are longer than the service takes. The detail says how many bytes they may have.";
    UnsupportedMediaType = "UNSUPPORTED_MEDIA_TYPE", UNSUPPORTED_MEDIA_TYPE, Retry::Never, "The body is not of a type this operation reads",
        "The Content-Type is missing or is not one this operation reads, or the body is compressed: Content-Encoding is not supported for requests.";
    ValidationFailed = "VALIDATION_FAILED", UNPROCESSABLE_ENTITY, Retry::Never, "The request has faults",
        "The request is well-formed but values are missing or not acceptable. The errors list has every fault that was found, each with the JSON pointer of the member or the name of the parameter or header.";
    Ineligible = "INELIGIBLE", UNPROCESSABLE_ENTITY, Retry::Never, "The desk does not take this request",
        "At least one rule of the desk is broken or lacks a fact. The decision in the answer lists every rule with its outcome and where the request belongs instead. Where the request was to be stored, it is, in the state ineligible, and is part of the answer: nothing typed in is lost.";
    IdempotencyKeyReused = "IDEMPOTENCY_KEY_REUSED", UNPROCESSABLE_ENTITY, Retry::Never, "The Idempotency-Key was used for another request",
        "The key was sent before with another path, body or If-Match. A key stands for one operation: make a new one for a new operation.";
    PreconditionRequired = "PRECONDITION_REQUIRED", PRECONDITION_REQUIRED, Retry::Never, "The change must say which version it is for",
        "The operation changes an object and needs If-Match with the entity tag from the ETag header of the last read, so that nobody's change is overwritten unseen.";
    RateLimited = "RATE_LIMITED", TOO_MANY_REQUESTS, Retry::After(1), "Too many requests",
        "The caller has used up its quota for now. Retry-After says when to go on.";
    Internal = "INTERNAL", INTERNAL_SERVER_ERROR, Retry::Never, "Something is wrong on our side",
        "The service met a fault of its own. It has been recorded under the request id of this answer. A write sent with an Idempotency-Key can be sent again safely.";
    Overloaded = "OVERLOADED", SERVICE_UNAVAILABLE, Retry::After(2), "The service is busy",
        "More requests are running than the service can serve well, or this one took too long and was given up. Nothing is known to have been done; a write sent with an Idempotency-Key can be sent again safely.";
    NotReady = "NOT_READY", SERVICE_UNAVAILABLE, Retry::After(5), "The service is not ready",
        "This instance is starting or stopping and should receive no traffic now.";
    DatabaseUnavailable = "DATABASE_UNAVAILABLE", SERVICE_UNAVAILABLE, Retry::After(2), "The database cannot be reached",
        "The service cannot read or write its data for the moment. Nothing was changed by this request.";
    IssuerUnavailable = "ISSUER_UNAVAILABLE", SERVICE_UNAVAILABLE, Retry::After(5), "The issuer of access tokens cannot be reached",
        "The service has no keys to check an access token with: their issuer has not answered since the service started, or for a day. The token may well be good. API keys work all the same.";
    CommitOutcomeUnknown = "COMMIT_OUTCOME_UNKNOWN", SERVICE_UNAVAILABLE, Retry::After(1), "It is not known whether the change was made",
        "The connection to the database was lost while the change was being committed. Send the request again with the same Idempotency-Key: it is done exactly once, and the answer says how it came out.";
}

impl Code {
    /// The code as the last part of its `type` URI: `MALFORMED_JSON` is `malformed-json`.
    pub fn slug(self) -> String {
        self.as_str().to_ascii_lowercase().replace('_', "-")
    }

    /// The URI in the `type` member: the page that explains the code.
    pub fn type_uri(self) -> String {
        format!("/docs/errors/{}", self.slug())
    }

    /// The code with this [slug](Self::slug).
    pub fn from_slug(slug: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|code| code.slug() == slug)
    }

    /// Whether the same request can succeed later, unchanged.
    pub fn retryable(self) -> bool {
        self.retry() != Retry::Never
    }

    /// The table of all codes in Markdown.
    pub fn table() -> String {
        let mut text = String::from(
            "# Error codes\n\nWritten by a test from `src/http/codes.rs`; do not edit.\n\n\
             | code | status | retry | meaning |\n|---|---|---|---|\n",
        );
        for code in Self::ALL {
            let retry = match code.retry() {
                Retry::Never => String::from("no"),
                Retry::Later => String::from("yes"),
                Retry::After(seconds) => format!("after {seconds} s"),
            };
            let (name, status) = (code.as_str(), code.status().as_u16());
            let (title, doc) = (code.title(), code.explanation());
            text.push_str(&format!(
                "| `{name}` | {status} | {retry} | **{title}.** {doc} |\n"
            ));
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn codes_are_distinct_and_found_by_their_slug() {
        let slugs: BTreeSet<String> = Code::ALL.iter().map(|code| code.slug()).collect();
        assert_eq!(slugs.len(), Code::ALL.len());
        for code in Code::ALL {
            assert_eq!(Code::from_slug(&code.slug()), Some(*code));
        }
        assert_eq!(Code::from_slug("MALFORMED_JSON"), None);
    }

    #[test]
    fn refusals_that_pass_say_when_to_come_back() {
        for code in Code::ALL {
            let status = code.status();
            if matches!(status.as_u16(), 429 | 503) {
                assert!(matches!(code.retry(), Retry::After(_)), "{code:?}");
            }
            assert!(
                status.is_client_error() || status.is_server_error(),
                "{code:?}"
            );
        }
    }
}
