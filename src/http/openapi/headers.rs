//! What the document says of headers, once for all endpoints: an endpoint names them, and their form
//! is added here.

use actix_web::http::Method;
use serde_json::Value;
use utoipa::openapi::path::{Operation, Parameter, ParameterIn};
use utoipa::openapi::{Header, ObjectBuilder, Ref, RefOr, Required, Response, Schema, Type};

use super::{HEADERS, schemas};
use crate::http::idempotency;
use crate::http::routes::{Access, Endpoint};

/// A list of entity tags, or `*`.
const TAGS: &str = r#"^(\*|(W/)?"[!#-~]*"( *, *(W/)?"[!#-~]*")*)$"#;
/// A structured-field string, or the bare text.
const KEY: &str = r#"^("([!#-\[\]-~]|\\["\\])+"|[!#-~][!-~]*)$"#;
/// What `next_cursor` is made of.
const CURSOR: &str = "^[A-Za-z0-9_-]+$";

/// Completes what an operation says of the headers and parameters it takes and the headers it answers
/// with.
pub(super) fn settle(endpoint: &Endpoint, operation: &mut Operation) {
    for parameter in operation.parameters.iter_mut().flatten() {
        if let RefOr::T(parameter) = parameter {
            narrow(parameter);
        }
    }
    if endpoint.method == Method::GET && endpoint.access == Access::Caller {
        conditional(operation);
    }
    let replayable = takes(operation, idempotency::HEADER);
    for (status, response) in &mut operation.responses.responses {
        let RefOr::T(response) = response else {
            continue;
        };
        for (name, header) in &mut response.headers {
            if HEADERS.iter().any(|(known, ..)| known == name) {
                *header = reference(name);
            }
        }
        if replayable && status.starts_with('2') {
            add(response, "Idempotency-Replayed");
        }
    }
}

/// Adds a header to an answer.
pub(super) fn add(response: &mut Response, name: &str) {
    response.headers.insert(name.to_owned(), reference(name));
}

/// The components.
pub(super) fn components() -> impl Iterator<Item = (String, RefOr<Header>)> {
    HEADERS.iter().map(|(name, about, example)| {
        let schema = ObjectBuilder::new()
            .schema_type(Type::String)
            .max_length(Some(2000))
            .build();
        let mut header = Header::new(schema);
        header.description = Some((*about).to_owned());
        header.example = Some(Value::from(*example));
        ((*name).to_owned(), header.into())
    })
}

fn reference(name: &str) -> RefOr<Header> {
    RefOr::Ref(Ref::new(format!("#/components/headers/{name}")))
}

fn takes(operation: &Operation, header: &str) -> bool {
    operation.parameters.iter().flatten().any(|parameter| {
        matches!(parameter, RefOr::T(parameter)
            if parameter.name == header && matches!(parameter.parameter_in, ParameterIn::Header))
    })
}

/// Says of a parameter what follows from its name.
fn narrow(parameter: &mut Parameter) {
    let Some(schema) = &mut parameter.schema else {
        return;
    };
    schemas::without_null(schema);
    if let RefOr::T(Schema::Object(object)) = schema
        && parameter.description.as_ref().is_none_or(String::is_empty)
    {
        parameter.description = object.description.take();
    }
    let (pattern, example) = match (&parameter.parameter_in, parameter.name.as_str()) {
        (ParameterIn::Header, "If-Match" | "If-None-Match") => (TAGS, "\"7-full\""),
        (ParameterIn::Header, idempotency::HEADER) => (KEY, "01998a52-8e4b-7c31-9d7e-3b1f0a6c2d44"),
        (ParameterIn::Query, "cursor") => (CURSOR, "ZK3pY2w0"),
        _ => return schemas::without_nul(schema),
    };
    if let RefOr::T(Schema::Object(object)) = schema {
        object.pattern = Some(pattern.to_owned());
        if object.examples.is_empty() {
            object.examples.push(Value::from(example));
        }
    }
}

/// A read gives a tag, and 304 to a client that has it.
fn conditional(operation: &mut Operation) {
    let Some(RefOr::T(shown)) = operation.responses.responses.get_mut("200") else {
        return;
    };
    // What is also a stream moves on all the while, and nobody keeps it.
    if !shown.content.contains_key("application/json")
        || shown.content.contains_key("text/event-stream")
    {
        return;
    }
    add(shown, "ETag");
    if !takes(operation, "If-None-Match") {
        let mut parameter = Parameter::new("If-None-Match");
        parameter.parameter_in = ParameterIn::Header;
        parameter.required = Required::False;
        parameter.description = Some(String::from("Tag of what the client has already."));
        let schema = ObjectBuilder::new()
            .schema_type(Type::String)
            .min_length(Some(1))
            .max_length(Some(1000))
            .build();
        parameter.schema = Some(schema.into());
        narrow(&mut parameter);
        let parameters = operation.parameters.get_or_insert_default();
        parameters.push(parameter.into());
    }
    let unchanged = operation
        .responses
        .responses
        .entry(String::from("304"))
        .or_insert_with(|| Response::new("The client has it already.").into());
    if let RefOr::T(unchanged) = unchanged {
        add(unchanged, "ETag");
    }
}
