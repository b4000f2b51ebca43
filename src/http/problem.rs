//! Every error the service answers with: problem details after RFC 9457.

use std::borrow::Cow;
use std::fmt;

use actix_web::body::BoxBody;
use actix_web::http::header::{self, HeaderName, HeaderValue};
use actix_web::http::{Method, StatusCode};
use actix_web::{HttpResponse, ResponseError};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::codes::{Code, Retry};
use crate::current::RequestId;
use crate::domain::decision::Decision;
use crate::domain::lifecycle::State;

/// The media type of every error answer.
pub const MEDIA_TYPE: &str = "application/problem+json";

/// Faults beyond this number are not listed.
const MOST_FAULTS: usize = 200;
/// Names that clients made up are cut off here when they are sent back.
const LONGEST_NAME: usize = 1_000;

/// The part of the request a fault is in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// A member of the body, by its JSON pointer.
    Pointer(String),
    /// A query parameter, by its name.
    Parameter(String),
    /// A header, by its name.
    Header(&'static str),
}

/// One fault of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Where it is.
    pub place: Place,
    /// Which kind it is, UPPER_SNAKE.
    pub code: Cow<'static, str>,
    /// The rest of a sentence that begins with the name of the member: "must be a number".
    pub message: String,
}

impl Fault {
    /// A fault of a member of the body.
    pub fn at(
        pointer: impl Into<String>,
        code: impl Into<Cow<'static, str>>,
        message: impl Into<String>,
    ) -> Self {
        Self {
            place: Place::Pointer(pointer.into()),
            code: code.into(),
            message: message.into(),
        }
    }

    /// A fault of a query parameter.
    pub fn in_parameter(
        name: impl Into<String>,
        code: impl Into<Cow<'static, str>>,
        message: impl Into<String>,
    ) -> Self {
        Self {
            place: Place::Parameter(name.into()),
            code: code.into(),
            message: message.into(),
        }
    }

    /// A fault of a header.
    pub fn in_header(
        name: &'static str,
        code: impl Into<Cow<'static, str>>,
        message: impl Into<String>,
    ) -> Self {
        Self {
            place: Place::Header(name),
            code: code.into(),
            message: message.into(),
        }
    }
}

/// An answer that says no. Handlers return it as the error of their `Result`.
pub struct Problem(Box<Inner>);

struct Inner {
    code: Code,
    detail: Cow<'static, str>,
    request_id: Option<RequestId>,
    faults: Vec<Fault>,
    members: Members,
    headers: Vec<(HeaderName, HeaderValue)>,
}

/// The members that only some problems have.
#[derive(Default)]
struct Members {
    request: Option<Value>,
    decision: Option<Value>,
    current: Option<Value>,
    current_etag: Option<String>,
    allowed_transitions: Option<Value>,
    violated_policies: Vec<&'static str>,
}

impl Problem {
    /// A problem with the title of its code as the detail.
    pub fn new(code: Code) -> Self {
        let mut headers = Vec::new();
        if let Retry::After(seconds) = code.retry() {
            headers.push((header::RETRY_AFTER, HeaderValue::from(seconds)));
        }
        if code == Code::Unauthenticated {
            headers.push((header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer")));
        }
        Self(Box::new(Inner {
            code,
            detail: Cow::Borrowed(code.title()),
            request_id: RequestId::current(),
            faults: Vec::new(),
            members: Members::default(),
            headers,
        }))
    }

    /// The one answer to an object that is not there, or not for this caller.
    pub fn not_found() -> Self {
        Self::new(Code::NotFound)
            .detail("There is no such path or object, or it is not visible to the caller.")
    }

    /// The one answer to a caller that is not known, whatever the cause.
    pub fn unauthenticated() -> Self {
        Self::new(Code::Unauthenticated)
            .detail("Send a valid token as `Authorization: Bearer <token>`.")
    }

    /// The answer to a fault of our own; the cause is for the log only.
    pub fn internal(cause: &dyn fmt::Display) -> Self {
        tracing::error!(%cause, "internal error");
        Self::new(Code::Internal)
            .detail("The service met a fault of its own; quote the request id when reporting it.")
    }

    /// The answer to a method that the path doesn't take.
    pub fn method_not_allowed(allowed: &[Method]) -> Self {
        let list = allow(allowed);
        Self::new(Code::MethodNotAllowed)
            .detail(format!("This path takes {list}."))
            .header(header::ALLOW, &list)
    }

    /// Says what is wrong this time, in a sentence for people.
    pub fn detail(mut self, detail: impl Into<Cow<'static, str>>) -> Self {
        self.0.detail = detail.into();
        self
    }

    /// Adds one fault.
    pub fn fault(mut self, fault: Fault) -> Self {
        self.0.faults.push(fault);
        self
    }

    /// Adds faults.
    pub fn faults(mut self, faults: impl IntoIterator<Item = Fault>) -> Self {
        self.0.faults.extend(faults);
        self
    }

    /// Sets a header of the answer. A value that can't stand in a header is left out.
    pub fn header(mut self, name: HeaderName, value: &str) -> Self {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.0.headers.retain(|(present, _)| *present != name);
            self.0.headers.push((name, value));
        }
        self
    }

    /// Says when to come back, in place of what the code says.
    pub fn retry_after(self, seconds: u32) -> Self {
        self.header(header::RETRY_AFTER, &seconds.to_string())
    }

    /// Carries the stored request in `request`.
    pub fn request(mut self, request: &impl Serialize) -> Self {
        self.0.members.request = serde_json::to_value(request).ok();
        self
    }

    /// Carries the judgement in `decision`.
    pub fn decision(mut self, decision: &Decision) -> Self {
        self.0.members.decision = serde_json::to_value(decision).ok();
        self
    }

    /// Carries the object as it is now, and its entity tag, in `current`, `current_etag` and `ETag`.
    pub fn current(mut self, current: &impl Serialize, etag: &str) -> Self {
        self.0.members.current = serde_json::to_value(current).ok();
        self.0.members.current_etag = Some(etag.to_owned());
        self.header(header::ETAG, etag)
    }

    /// Carries the transitions that are open to the caller in `allowed_transitions`.
    pub fn allowed_transitions(mut self, allowed: &impl Serialize) -> Self {
        self.0.members.allowed_transitions = serde_json::to_value(allowed).ok();
        self
    }

    /// Names the quotas that are used up in `violated-policies`.
    pub fn violated_policies(mut self, policies: Vec<&'static str>) -> Self {
        self.0.members.violated_policies = policies;
        self
    }

    /// The code.
    pub fn code(&self) -> Code {
        self.0.code
    }

    /// The faults.
    pub fn listed_faults(&self) -> &[Fault] {
        &self.0.faults
    }

    /// The answer's body.
    pub fn document(&self) -> ProblemDocument<'_> {
        let Inner {
            code,
            detail,
            request_id,
            faults,
            members,
            headers: _,
        } = &*self.0;
        let request_id = request_id.clone().or_else(RequestId::current);
        ProblemDocument {
            r#type: code.type_uri(),
            title: code.title(),
            status: code.status().as_u16(),
            detail,
            instance: request_id.as_ref().map(|id| format!("urn:request:{id}")),
            code: code.as_str(),
            request_id: request_id.map(|id| id.to_string()),
            retryable: code.retryable(),
            errors: faults
                .iter()
                .take(MOST_FAULTS)
                .map(FaultDocument::from)
                .collect(),
            request: members.request.as_ref(),
            decision: members.decision.as_ref(),
            current: members.current.as_ref(),
            current_etag: members.current_etag.as_deref(),
            allowed_transitions: members.allowed_transitions.as_ref(),
            violated_policies: &members.violated_policies,
        }
    }
}

/// The value of `Allow` for these methods.
pub fn allow(methods: &[Method]) -> String {
    let names: Vec<&str> = methods.iter().map(Method::as_str).collect();
    names.join(", ")
}

impl fmt::Debug for Problem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Inner {
            code,
            detail,
            faults,
            ..
        } = &*self.0;
        formatter
            .debug_struct("Problem")
            .field("code", code)
            .field("detail", detail)
            .field("faults", faults)
            .finish_non_exhaustive()
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.0.code.as_str(), self.0.detail)
    }
}

impl std::error::Error for Problem {}

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        self.0.code.status()
    }

    fn error_response(&self) -> HttpResponse<BoxBody> {
        let mut response = HttpResponse::build(self.status_code());
        response.insert_header((
            header::CONTENT_TYPE,
            "application/problem+json; charset=utf-8",
        ));
        for (name, value) in &self.0.headers {
            response.insert_header((name.clone(), value.clone()));
        }
        let body = serde_json::to_string(&self.document()).unwrap_or_default();
        response.body(body)
    }
}

/// Why a request was refused, after RFC 9457. Further members may be added.
#[derive(Serialize, ToSchema)]
#[schema(as = Problem, example = json!({
    "type": "/docs/errors/validation-failed",
    "title": "The request has faults",
    "status": 422,
    "detail": "1 fault was found.",
    "instance": "urn:request:01998a52-8e4b-7c31-9d7e-3b1f0a6c2d44",
    "code": "VALIDATION_FAILED",
    "request_id": "01998a52-8e4b-7c31-9d7e-3b1f0a6c2d44",
    "retryable": false,
    "errors": [{ "pointer": "/estimated_hours", "code": "WRONG_TYPE", "message": "must be a number" }],
}))]
pub struct ProblemDocument<'a> {
    /// Address of the page that explains the code.
    #[schema(format = "uri-reference", max_length = 200)]
    r#type: String,
    /// What the code means, in one sentence. The same for every problem with this code.
    #[schema(max_length = 200)]
    title: &'a str,
    /// The HTTP status.
    #[schema(minimum = 400, maximum = 599)]
    status: u16,
    /// What is wrong this time, for people.
    #[schema(max_length = 2000)]
    detail: &'a str,
    /// This very answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, required = false, format = "uri", max_length = 80)]
    instance: Option<String>,
    /// What is wrong, for programs. Codes may be added.
    #[schema(pattern = "^[A-Z][A-Z0-9_]*$", max_length = 60)]
    code: &'a str,
    /// Id of the request: quote it when asking about this answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, required = false, max_length = 64)]
    request_id: Option<String>,
    /// Whether the same request can succeed later, unchanged.
    retryable: bool,
    /// Every fault found, where the problem is with parts of the request.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false, max_items = 200)]
    errors: Vec<FaultDocument<'a>>,
    /// The request as it is stored, where one is.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Object, required = false)]
    request: Option<&'a Value>,
    /// The judgement, where the request is ineligible.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Decision, required = false)]
    decision: Option<&'a Value>,
    /// The object as it is now, where a precondition or a transition failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Object, required = false)]
    current: Option<&'a Value>,
    /// Entity tag of `current`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, required = false, max_length = 100)]
    current_etag: Option<&'a str>,
    /// The transitions open to the caller, where one failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Vec<State>, required = false, max_items = 50)]
    allowed_transitions: Option<&'a Value>,
    /// The quotas that are used up, by their names in `RateLimit-Policy`.
    #[serde(rename = "violated-policies", skip_serializing_if = "<[_]>::is_empty")]
    #[schema(value_type = Vec<String>, required = false, max_items = 10)]
    violated_policies: &'a [&'static str],
}

/// One fault of a request. It names a pointer, a parameter or a header.
#[derive(Serialize, ToSchema)]
#[schema(as = ProblemFault)]
pub struct FaultDocument<'a> {
    /// JSON pointer (RFC 6901) of the member of the body; empty for the whole body.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, required = false, max_length = 1000, example = "/partner/mpn_id")]
    pointer: Option<&'a str>,
    /// Name of the query parameter.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, required = false, max_length = 1000)]
    parameter: Option<&'a str>,
    /// Name of the header.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, required = false, max_length = 100)]
    header: Option<&'a str>,
    /// Which kind of fault, for programs. Codes may be added.
    #[schema(pattern = "^[A-Z][A-Z0-9_]*$", max_length = 60, example = "WRONG_TYPE")]
    code: &'a str,
    /// What is wrong with it, for people.
    #[schema(max_length = 1000, example = "must be a number")]
    message: &'a str,
}

impl<'a> From<&'a Fault> for FaultDocument<'a> {
    fn from(fault: &'a Fault) -> Self {
        let Fault {
            place,
            code,
            message,
        } = fault;
        let (pointer, parameter, header) = match place {
            Place::Pointer(pointer) => (Some(cut(pointer)), None, None),
            Place::Parameter(name) => (None, Some(cut(name)), None),
            Place::Header(name) => (None, None, Some(*name)),
        };
        Self {
            pointer,
            parameter,
            header,
            code,
            message,
        }
    }
}

fn cut(name: &str) -> &str {
    &name[..name.floor_char_boundary(LONGEST_NAME)]
}
