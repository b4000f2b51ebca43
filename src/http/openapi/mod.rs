//! The OpenAPI document, made from the registry.

mod headers;
mod samples;
mod schemas;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

use actix_web::http::{Method, header};
use actix_web::{HttpRequest, HttpResponse};
use serde_json::json;
use utoipa::ToSchema;
use utoipa::openapi::example::Example;
use utoipa::openapi::path::{HttpMethod, Operation, ParameterIn, PathItem};
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityScheme};
use utoipa::openapi::tag::TagBuilder;
use utoipa::openapi::{
    Components, Content, InfoBuilder, License, OpenApi, OpenApiBuilder, Ref, RefOr, Response,
    SecurityRequirement, Server,
};

use super::codes::{Code, Retry};
use super::etag::{self, EntityTag};
use super::problem::{self, Problem, ProblemDocument};
use super::routes::{Access, Described, Endpoint, Routes};

/// The security scheme of endpoints with a caller.
const SCHEME: &str = "bearer";

/// What the groups of operations are about.
const TAGS: &[(&str, &str)] = &[
    (
        "eligibility",
        "Desks, services and rules: which desk takes a request, and why.",
    ),
    ("requests", "Engagement requests, from draft to end."),
    ("events", "What happened, in order."),
    ("audit", "Who asked for which write."),
    ("callers", "Who asks: the caller itself, and API keys."),
    ("health", "Whether the service is well."),
];

/// Headers of answers, as components: name, meaning, example.
const HEADERS: &[(&str, &str, &str)] = &[
    (
        "X-Request-Id",
        "Id of the request: the one sent, or a new one.",
        "01998a52-8e4b-7c31-9d7e-3b1f0a6c2d44",
    ),
    ("Retry-After", "Seconds to wait before trying again.", "2"),
    ("WWW-Authenticate", "How to authenticate.", "Bearer"),
    (
        "RateLimit-Policy",
        "The quotas of the caller: `q` units in `w` seconds, or at once.",
        "\"default\";q=600;w=60, \"write\";q=120;w=60, \"concurrent\";q=20;qu=\"concurrent-requests\"",
    ),
    (
        "RateLimit",
        "What is left of the quotas the request counts for: `r` units, and more in `t` seconds.",
        "\"default\";r=599;t=1, \"concurrent\";r=19",
    ),
    (
        "ETag",
        "Entity tag of the object as it is now.",
        "\"7-full\"",
    ),
    (
        "Cache-Control",
        "Whether and how the answer may be kept.",
        "private, no-cache",
    ),
    (
        "Link",
        "Where the next page is, with `rel=\"next\"`; absent on the last page.",
        "</v1/requests?limit=50&cursor=ZK3pY2w0>; rel=\"next\"",
    ),
    (
        "Location",
        "Where the object is found.",
        "/v1/requests/01998a52-8e4b-7c31-9d7e-3b1f0a6c2d44",
    ),
    (
        "Idempotency-Replayed",
        "`true` where this is the first answer to the key, given again.",
        "true",
    ),
];

/// The document of the whole service.
pub fn document() -> OpenApi {
    super::routes().document()
}

/// The document as it is served and committed.
pub fn text() -> Result<String, Problem> {
    let mut text = document()
        .to_pretty_json()
        .map_err(|error| Problem::internal(&error))?;
    text.push('\n');
    Ok(text)
}

/// `GET /openapi.json`
pub(super) fn endpoint() -> Endpoint {
    Endpoint::page("/openapi.json", serve)
}

async fn serve(request: HttpRequest) -> Result<HttpResponse, Problem> {
    static MADE: OnceLock<(String, EntityTag)> = OnceLock::new();
    let (text, tag) = match MADE.get() {
        Some(made) => made,
        None => {
            let text = text()?;
            let tag = EntityTag::of_content(text.as_bytes());
            MADE.get_or_init(|| (text, tag))
        }
    };
    let known = etag::not_modified(request.headers(), tag)?;
    let mut response = if known {
        HttpResponse::NotModified()
    } else {
        HttpResponse::Ok()
    };
    response
        .insert_header((header::ETAG, tag.to_string()))
        .insert_header((header::CACHE_CONTROL, "public, no-cache"));
    if known {
        return Ok(response.finish());
    }
    Ok(response
        .content_type("application/json")
        .body(text.as_str()))
}

impl Routes {
    /// The document of these endpoints.
    pub fn document(&self) -> OpenApi {
        let mut components = Components::new();
        let mut schemas = vec![(
            ProblemDocument::name().into_owned(),
            <ProblemDocument<'_> as utoipa::PartialSchema>::schema(),
        )];
        ProblemDocument::schemas(&mut schemas);
        let mut used = BTreeSet::new();
        let mut paths: BTreeMap<String, PathItem> = BTreeMap::new();
        let mut tags = BTreeSet::new();
        for endpoint in &self.endpoints {
            let Some(described) = &endpoint.described else {
                continue;
            };
            (described.schemas)(&mut schemas);
            let operation = operation(endpoint, described, &mut used);
            tags.extend(operation.tags.clone().unwrap_or_default());
            let item = PathItem::new(method(&endpoint.method), operation);
            paths
                .entry(endpoint.path.clone())
                .or_default()
                .merge_operations(item);
        }
        components.schemas.extend(schemas);
        components.headers = headers::components().collect();
        components.examples = used
            .into_iter()
            .map(|code| (code.as_str().to_owned(), example(code)))
            .collect();
        components
            .security_schemes
            .insert(SCHEME.to_owned(), scheme().into());

        let mut document = OpenApiBuilder::new()
            .info(
                InfoBuilder::new()
                    .title("Engagement desk")
                    .version("1.0.0")
                    .description(Some(include_str!("about.md")))
                    .license(Some({
                        let mut license = License::new("MIT");
                        license.identifier = Some(String::from("MIT"));
                        license
                    }))
                    .build(),
            )
            .servers(Some([Server::new("/")]))
            .components(Some(components))
            .tags(Some(
                TAGS.iter()
                    .filter(|(name, _)| tags.contains(*name))
                    .map(|(name, about)| {
                        TagBuilder::new()
                            .name(*name)
                            .description(Some(*about))
                            .build()
                    }),
            ))
            .build();
        document.paths.paths = paths.into_iter().collect();
        schemas::settle(&mut document);
        samples::fill(&mut document);
        document
    }
}

fn operation(endpoint: &Endpoint, described: &Described, used: &mut BTreeSet<Code>) -> Operation {
    let mut operation = (described.operation)();
    let tags = (described.tags)();
    operation.tags = Some(tags.into_iter().map(str::to_owned).collect());
    headers::settle(endpoint, &mut operation);
    operation.security = Some(match endpoint.access {
        Access::Caller => vec![SecurityRequirement::new(SCHEME, Vec::<String>::new())],
        Access::Public => Vec::new(),
    });
    let mut codes: BTreeSet<Code> = described.problems.iter().copied().collect();
    codes.extend(implied(endpoint, &operation));
    let mut by_status: BTreeMap<u16, Vec<Code>> = BTreeMap::new();
    for code in &codes {
        by_status
            .entry(code.status().as_u16())
            .or_default()
            .push(*code);
    }
    for (status, codes) in by_status {
        operation
            .responses
            .responses
            .insert(status.to_string(), refusal(&codes).into());
    }
    operation
        .responses
        .responses
        .entry(String::from("default"))
        .or_insert_with(|| {
            let mut other = refusal(&[]);
            other.description = String::from("Any other refusal.");
            other.into()
        });
    for (status, response) in &mut operation.responses.responses {
        let RefOr::T(response) = response else {
            continue;
        };
        let mut names = vec!["X-Request-Id", "Cache-Control"];
        if endpoint.access == Access::Caller && status != "401" {
            names.extend(["RateLimit-Policy", "RateLimit"]);
        }
        for name in names {
            headers::add(response, name);
        }
    }
    used.extend(codes);
    operation
}

/// The refusals that follow from the shape of an endpoint.
fn implied(endpoint: &Endpoint, operation: &Operation) -> Vec<Code> {
    let mut codes = vec![Code::UnknownParameter, Code::UriTooLong, Code::Internal];
    if endpoint.access == Access::Caller {
        codes.extend([Code::Unauthenticated, Code::ActionForbidden]);
        codes.extend([Code::RateLimited, Code::Overloaded, Code::IssuerUnavailable]);
        if !endpoint.stores_nothing {
            codes.push(Code::CommitOutcomeUnknown);
        }
    }
    if endpoint.path.contains('{') {
        codes.push(Code::NotFound);
    }
    if operation.request_body.is_some() {
        codes.extend([
            Code::MalformedJson,
            Code::UnknownField,
            Code::Timeout,
            Code::BodyTooLarge,
            Code::UnsupportedMediaType,
            Code::ValidationFailed,
        ]);
    }
    for parameter in operation.parameters.iter().flatten() {
        let RefOr::T(parameter) = parameter else {
            continue;
        };
        match (&parameter.parameter_in, parameter.name.as_str()) {
            (ParameterIn::Query, name) => {
                codes.extend([Code::InvalidParameter, Code::ValidationFailed]);
                if name == "cursor" {
                    codes.extend([Code::CursorInvalid, Code::CursorFilterMismatch]);
                }
            }
            (ParameterIn::Header, "If-Match" | "If-None-Match") => {
                codes.extend([Code::IfMatchMalformed, Code::PreconditionFailed]);
            }
            (ParameterIn::Header, super::idempotency::HEADER) => {
                codes.push(Code::IdempotencyKeyInvalid);
                if !endpoint.stores_nothing {
                    codes.extend([Code::IdempotencyInProgress, Code::IdempotencyKeyReused]);
                }
            }
            _ => {}
        }
    }
    codes
}

/// The answer with one of these codes, which share a status.
fn refusal(codes: &[Code]) -> Response {
    let titles: Vec<String> = codes
        .iter()
        .map(|code| format!("`{}`: {}.", code.as_str(), code.title()))
        .collect();
    let mut content = Content::new(Some(Ref::from_schema_name(ProblemDocument::name())));
    content.examples = codes
        .iter()
        .map(|code| {
            let place = format!("#/components/examples/{}", code.as_str());
            (code.as_str().to_owned(), RefOr::Ref(Ref::new(place)))
        })
        .collect();
    let mut response = Response::new(titles.join(" "));
    response
        .content
        .insert(problem::MEDIA_TYPE.to_owned(), content.into());
    for code in codes {
        let names: &[&str] = match code {
            Code::Unauthenticated => &["WWW-Authenticate"],
            Code::PreconditionFailed | Code::TransitionNotAllowed => &["ETag"],
            _ if matches!(code.retry(), Retry::After(_)) => &["Retry-After"],
            _ => &[],
        };
        for name in names {
            headers::add(&mut response, name);
        }
    }
    response
}

fn example(code: Code) -> RefOr<Example> {
    let mut value = serde_json::to_value(Problem::new(code).document()).unwrap_or_default();
    let id = HEADERS[0].2;
    value["instance"] = json!(format!("urn:request:{id}"));
    value["request_id"] = json!(id);
    if matches!(code, Code::ValidationFailed | Code::UnknownField) {
        let (name, message) = match code {
            Code::UnknownField => ("UNKNOWN_FIELD", "is not known here"),
            _ => ("REQUIRED", "is required"),
        };
        value["errors"] = json!([{ "pointer": "/title", "code": name, "message": message }]);
    }
    if code == Code::RateLimited {
        value["violated-policies"] = json!(["default"]);
    }
    let mut example = Example::new();
    example.summary = code.title().to_owned();
    example.value = Some(value);
    example.into()
}

fn scheme() -> SecurityScheme {
    SecurityScheme::Http(
        Http::builder()
            .scheme(HttpAuthScheme::Bearer)
            .description(Some(
                "An API key (`edk_…`), or an access token (JWT) of the OpenID Connect issuer that the \
                 service trusts, signed with RS256, ES256 or EdDSA. Both are sent as \
                 `Authorization: Bearer <token>`, never in the address.",
            ))
            .build(),
    )
}

fn method(method: &Method) -> HttpMethod {
    match *method {
        Method::POST => HttpMethod::Post,
        Method::PUT => HttpMethod::Put,
        Method::PATCH => HttpMethod::Patch,
        Method::DELETE => HttpMethod::Delete,
        Method::OPTIONS => HttpMethod::Options,
        Method::HEAD => HttpMethod::Head,
        Method::TRACE => HttpMethod::Trace,
        _ => HttpMethod::Get,
    }
}
