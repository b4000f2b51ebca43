//! Request bodies: media type, size and time first, then [`parse`].

use std::marker::PhantomData;

use actix_web::dev::Payload;
use actix_web::http::header;
use actix_web::web::{Bytes, BytesMut};
use actix_web::{FromRequest, HttpRequest};
use futures_util::StreamExt;
use futures_util::future::LocalBoxFuture;
use serde::de::DeserializeOwned;
use validator::Validate;

use super::Http;
use super::codes::Code;
use super::parse::{self, Parsed};
use super::problem::{Fault, Problem};

/// The media types an operation reads.
pub trait MediaType: 'static {
    /// In lower case, without parameters.
    const ACCEPTED: &'static [&'static str];
}

/// `application/json`.
#[derive(Debug)]
pub struct Json;

impl MediaType for Json {
    const ACCEPTED: &'static [&'static str] = &["application/json"];
}

/// `application/merge-patch+json` (RFC 7396), or plain JSON.
#[derive(Debug)]
pub struct MergePatch;

impl MediaType for MergePatch {
    const ACCEPTED: &'static [&'static str] = &["application/merge-patch+json", "application/json"];
}

/// A complete body of the right media type and size, not yet parsed.
#[derive(Debug)]
pub struct RawBody<M = Json> {
    /// What was sent, byte for byte.
    pub bytes: Bytes,
    media: PhantomData<M>,
}

impl<M> RawBody<M> {
    /// Reads it as JSON, leaving room for faults that only the caller can find.
    pub fn parse<T: DeserializeOwned + Validate>(&self) -> Result<Parsed<T>, Problem> {
        parse::json(&self.bytes)
    }
}

impl<M: MediaType> FromRequest for RawBody<M> {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let accepted = accept::<M>(request);
        let limits = Http::of(request).map(|http| http.limits.clone());
        let declared = request
            .headers()
            .get(header::CONTENT_LENGTH)
            .and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
        let payload = payload.take();
        Box::pin(async move {
            accepted?;
            let limits = limits?;
            if declared.is_some_and(|bytes| {
                usize::try_from(bytes).map_or(true, |bytes| bytes > limits.json_bytes)
            }) {
                return Err(too_large(limits.json_bytes));
            }
            let bytes = tokio::time::timeout(limits.body, collect(payload, limits.json_bytes))
                .await
                .map_err(|elapsed| {
                    tracing::debug!(%elapsed, "body too slow");
                    Problem::new(Code::Timeout).detail(format!(
                        "The body was not complete within {} seconds.",
                        limits.body.as_secs_f32()
                    ))
                })??;
            Ok(Self {
                bytes,
                media: PhantomData,
            })
        })
    }
}

/// A JSON body without faults.
#[derive(Debug)]
pub struct JsonBody<T, M = Json> {
    /// What it says.
    pub value: T,
    /// What was sent, byte for byte.
    pub bytes: Bytes,
    media: PhantomData<M>,
}

impl<T: DeserializeOwned + Validate + 'static, M: MediaType> FromRequest for JsonBody<T, M> {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let raw = RawBody::<M>::from_request(request, payload);
        Box::pin(async move {
            let RawBody { bytes, media } = raw.await?;
            let value = parse::body(&bytes)?;
            Ok(Self {
                value,
                bytes,
                media,
            })
        })
    }
}

fn accept<M: MediaType>(request: &HttpRequest) -> Result<(), Problem> {
    let headers = request.headers();
    if headers.contains_key(header::CONTENT_ENCODING) {
        return Err(Problem::new(Code::UnsupportedMediaType)
            .detail("Send the body as it is, without Content-Encoding.")
            .fault(Fault::in_header(
                "Content-Encoding",
                "UNSUPPORTED",
                "must be absent",
            )));
    }
    let sent = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    let bare = sent
        .and_then(|text| text.split(';').next())
        .map(|text| text.trim().to_ascii_lowercase());
    match bare {
        Some(bare) if M::ACCEPTED.contains(&bare.as_str()) && utf8(sent.unwrap_or_default()) => {
            Ok(())
        }
        _ => {
            let names = M::ACCEPTED.join(" or ");
            Err(Problem::new(Code::UnsupportedMediaType)
                .detail(format!("Send the body as {names}, in UTF-8."))
                .fault(Fault::in_header(
                    "Content-Type",
                    "UNSUPPORTED",
                    format!("must be {names}"),
                )))
        }
    }
}

/// JSON is UTF-8; a `charset` that says something else is not ours to read.
fn utf8(content_type: &str) -> bool {
    content_type
        .split(';')
        .skip(1)
        .all(|parameter| match parameter.split_once('=') {
            Some((name, value)) if name.trim().eq_ignore_ascii_case("charset") => {
                value.trim().trim_matches('"').eq_ignore_ascii_case("utf-8")
            }
            _ => true,
        })
}

async fn collect(mut payload: Payload, limit: usize) -> Result<Bytes, Problem> {
    let mut body = BytesMut::new();
    while let Some(chunk) = payload.next().await {
        let chunk = chunk.map_err(|error| {
            tracing::debug!(%error, "body cut off");
            Problem::new(Code::MalformedJson).detail("The body could not be received completely.")
        })?;
        if body.len() + chunk.len() > limit {
            return Err(too_large(limit));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body.freeze())
}

fn too_large(limit: usize) -> Problem {
    Problem::new(Code::BodyTooLarge).detail(format!("The body may have at most {limit} bytes."))
}
