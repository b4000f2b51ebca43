//! Answers of writes, rendered once and given again as often as they are asked for; and of reads,
//! which need no body where the client has it already.

use std::sync::OnceLock;

use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use actix_web::web::Bytes;
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder};
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::codes::Code;
use super::etag::{self, EntityTag};
use super::held::Held;
use super::idempotency::IdempotencyKey;
use super::origin;
use super::page::Page;
use super::problem::{MEDIA_TYPE, Problem};
use crate::current::{Current, RequestId};
use crate::domain::actor::Caller;
use crate::flows::once::Given;
use crate::flows::{Ask, FlowError};
use crate::store::idempotency::{Answer, Key};

const JSON: &str = "application/json";
/// May be kept by the caller, who has to ask each time whether it is still good.
const REVALIDATE: &str = "private, no-cache";
const VARY: &str = "Authorization";

/// Bytes that most objects, and most items of a page, have room in: a text that grows is moved each time that it doubles.
const OBJECT: usize = 4_096;
const ITEM: usize = 512;

fn text_of<T: Serialize>(object: &T, room: usize) -> serde_json::Result<Vec<u8>> {
    let mut text = Vec::with_capacity(room);
    serde_json::to_writer(&mut text, object)?;
    Ok(text)
}

fn text_of_page<T: Serialize>(page: &Page<T>) -> serde_json::Result<Vec<u8>> {
    text_of(page, ITEM * (1 + page.items.len()))
}

/// An answer with an object.
pub fn with_object<T: Serialize>(
    status: StatusCode,
    object: &T,
    tag: &EntityTag,
    location: Option<&str>,
) -> Answer {
    let tag = (header::ETAG, tag.to_string());
    json(status, object, [Some(tag), location.map(located)])
}

/// An answer with an object that never changes, and so has no tag.
pub fn without_tag<T: Serialize>(status: StatusCode, object: &T) -> Answer {
    json(status, object, [])
}

/// An answer with an object that may hold a secret, so that no cache on the way keeps it.
pub fn for_no_cache<T: Serialize>(
    status: StatusCode,
    object: &T,
    location: Option<&str>,
) -> Answer {
    let not_kept = (header::CACHE_CONTROL, "no-store".to_owned());
    json(status, object, [Some(not_kept), location.map(located)])
}

fn located(location: &str) -> (HeaderName, String) {
    (header::LOCATION, location.to_owned())
}

fn json<T: Serialize>(
    status: StatusCode,
    object: &T,
    more: impl IntoIterator<Item = Option<(HeaderName, String)>>,
) -> Answer {
    let content_type = (header::CONTENT_TYPE, JSON.to_owned());
    let headers = [Some(content_type)].into_iter().chain(more).flatten();
    // Views are plain structs and always serialize.
    Answer {
        status: status.as_u16(),
        headers: headers
            .map(|(name, value)| (name.to_string(), value))
            .collect(),
        body: text_of(object, OBJECT).unwrap_or_default(),
    }
}

/// An answer that refuses, though the request was stored.
pub fn with_problem(problem: &Problem, tag: &EntityTag, location: &str) -> Answer {
    let headers = vec![
        (
            header::CONTENT_TYPE.to_string(),
            format!("{MEDIA_TYPE}; charset=utf-8"),
        ),
        (header::ETAG.to_string(), tag.to_string()),
        (header::LOCATION.to_string(), location.to_owned()),
    ];
    let body = text_of(&problem.document(), OBJECT).unwrap_or_default();
    Answer {
        status: problem.code().status().as_u16(),
        headers,
        body,
    }
}

/// What goes out for a write.
pub fn give(given: Given) -> Result<HttpResponse, Problem> {
    let Given {
        answer: Answer {
            status,
            headers,
            body,
        },
        replayed,
    } = given;
    let status = StatusCode::from_u16(status).map_err(|error| Problem::internal(&error))?;
    let mut response = HttpResponse::build(status);
    let has_cache_control = headers
        .iter()
        .any(|(name, _)| header::CACHE_CONTROL == name.as_str());
    for (name, value) in headers {
        let name = HeaderName::try_from(name).map_err(|error| Problem::internal(&error))?;
        let value = HeaderValue::try_from(value).map_err(|error| Problem::internal(&error))?;
        response.insert_header((name, value));
    }
    if !has_cache_control {
        response.insert_header((header::CACHE_CONTROL, REVALIDATE));
    }
    response.insert_header((header::VARY, VARY));
    if replayed {
        response.insert_header(("idempotency-replayed", "true"));
    }
    Ok(response.body(body))
}

/// What goes out for a read: the object, or 304 where the client has it already.
pub fn show<T: Serialize>(
    headers: &HeaderMap,
    object: &T,
    tag: Option<EntityTag>,
    link: Option<String>,
) -> Result<HttpResponse, Problem> {
    let body = text_of(object, OBJECT).map_err(|error| Problem::internal(&error))?;
    let tag = tag.unwrap_or_else(|| EntityTag::of_content(&body));
    let known = etag::not_modified(headers, &tag)?;
    Ok(shown(tag, link, (!known).then(|| body.into())))
}

/// What goes out without a tag, as no client asks for the same again: a judgement, or so many items of the feed.
pub fn untagged<T: Serialize>(
    response: &mut HttpResponseBuilder,
    object: &T,
    items: usize,
) -> Result<HttpResponse, Problem> {
    let text = text_of(object, OBJECT + ITEM * items).map_err(|error| Problem::internal(&error))?;
    Ok(response.content_type(JSON).body(text))
}

/// What goes out for a page whose items have no versions: its weak tag is made from all that it says.
pub fn show_content_of_page<T: Serialize>(
    headers: &HeaderMap,
    page: &Page<T>,
    link: Option<String>,
) -> Result<HttpResponse, Problem> {
    let body = text_of_page(page).map_err(|error| Problem::internal(&error))?;
    let tag = EntityTag::of_content(&body).weakened();
    let known = etag::not_modified(headers, &tag)?;
    Ok(shown(tag, link, (!known).then(|| body.into())))
}

/// A page of a list, which may go out many times: it is made into text once, and only for somebody who does
/// not have it already.
pub struct PageAnswer<T> {
    page: Page<T>,
    tag: EntityTag,
    text: OnceLock<Bytes>,
}

impl<T: Serialize> PageAnswer<T> {
    /// The page under its tag.
    pub fn new(page: Page<T>, tag: EntityTag) -> Self {
        Self {
            page,
            tag,
            text: OnceLock::new(),
        }
    }

    /// What goes out to this request: the page, or 304.
    ///
    /// # Errors
    /// Where the precondition can't be read or does not hold.
    pub fn show(&self, request: &HttpRequest) -> Result<HttpResponse, Problem> {
        let is_known = etag::not_modified(request.headers(), &self.tag)?;
        let body = (!is_known).then(|| {
            // Views are plain structs and always serialize.
            let text = || text_of_page(&self.page).unwrap_or_default().into();
            self.text.get_or_init(text).clone()
        });
        Ok(shown(self.tag.clone(), self.page.link(request), body))
    }
}

/// What goes out for a read where the client has the object already.
pub fn unchanged(tag: EntityTag) -> HttpResponse {
    shown(tag, None, None)
}

/// The answer to a read, without a body where the client has it already.
fn shown(tag: EntityTag, link: Option<String>, body: Option<Bytes>) -> HttpResponse {
    let mut response = if body.is_some() {
        HttpResponse::Ok()
    } else {
        HttpResponse::NotModified()
    };
    response
        .insert_header((header::ETAG, tag.to_string()))
        .insert_header((header::CACHE_CONTROL, REVALIDATE))
        .insert_header((header::VARY, VARY));
    if let Some(link) = link {
        response.insert_header((header::LINK, link));
    }
    match body {
        Some(body) => response.content_type(JSON).body(body),
        None => response.finish(),
    }
}

/// Who asks, for the flows.
pub fn ask(caller: Caller) -> Ask {
    let http_request_id = RequestId::current()
        .map(|id| id.to_string())
        .unwrap_or_default();
    Ask {
        caller,
        http_request_id,
        origin: origin::current(),
    }
}

/// What an idempotency key stands for in this request.
pub fn key(
    request: &HttpRequest,
    caller: &Caller,
    given: Option<&IdempotencyKey>,
    body: &[u8],
) -> Option<Key> {
    let given = given?;
    let route = request.match_pattern().unwrap_or_default();
    let header = |name: HeaderName| {
        request
            .headers()
            .get(name)
            .map(HeaderValue::as_bytes)
            .unwrap_or_default()
    };
    Some(Key {
        seed: hash(&[
            b"seed",
            caller.subject.as_bytes(),
            given.as_str().as_bytes(),
        ]),
        scope: hash(&[
            caller.subject.as_bytes(),
            request.method().as_str().as_bytes(),
            route.as_bytes(),
            given.as_str().as_bytes(),
        ]),
        fingerprint: hash(&[
            request.path().as_bytes(),
            request.query_string().as_bytes(),
            header(header::CONTENT_TYPE),
            header(header::IF_MATCH),
            body,
        ]),
    })
}

/// Hashes parts so that no two lists of parts look the same.
fn hash(parts: &[&[u8]]) -> [u8; 32] {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update(part.len().to_be_bytes());
        hasher.update(part);
    }
    hasher.finalize().into()
}

/// Runs a write to its end even when the client goes away meanwhile: a commit is never cut in two.
pub async fn to_the_end<T: 'static>(
    work: impl Future<Output = Result<T, FlowError>> + 'static,
) -> Result<Result<T, FlowError>, Problem> {
    let held = Held::current();
    // Boxed first: it is wrapped several times, and would be moved each time.
    let work = Box::pin(work);
    actix_web::rt::spawn(Current::carried_into(Held::over(held, work)))
        .await
        .map_err(|error| {
            tracing::error!(%error, "a write did not end");
            Problem::new(Code::CommitOutcomeUnknown)
        })
}
