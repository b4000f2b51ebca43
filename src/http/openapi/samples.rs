//! Examples of bodies.
//!
//! `samples.json` has what the service really answered, by the name of the schema, or by the operation
//! whose 2xx body is declared in place. What is in neither is put together from the examples of members.

use serde_json::{Map, Value, json};
use utoipa::openapi::{Components, Content, OpenApi, RefOr};

/// How deep an example goes: beyond it, arrays are empty and optional members left out.
const DEEPEST: usize = 8;

/// Gives every body an example.
pub(super) fn fill(document: &mut OpenApi) {
    let Some(components) = document.components.clone() else {
        return;
    };
    let schemas = Samples {
        components: &components,
        kept: serde_json::from_str(include_str!("samples.json")).unwrap_or_default(),
    };
    for item in document.paths.paths.values_mut() {
        let operations = [
            &mut item.get,
            &mut item.put,
            &mut item.post,
            &mut item.delete,
            &mut item.patch,
        ];
        for operation in operations.into_iter().flatten() {
            let id = operation.operation_id.clone().unwrap_or_default();
            if let Some(RefOr::T(body)) = &mut operation.request_body {
                schemas.give("", body.content.values_mut());
            }
            for (status, response) in &mut operation.responses.responses {
                let known = if status.starts_with('2') { &id } else { "" };
                if let RefOr::T(response) = response {
                    schemas.give(known, response.content.values_mut());
                }
            }
        }
    }
}

struct Samples<'a> {
    components: &'a Components,
    kept: Value,
}

impl Samples<'_> {
    fn give<'c>(&self, operation: &str, contents: impl Iterator<Item = &'c mut RefOr<Content>>) {
        for content in contents {
            if let RefOr::T(content) = content
                && content.example.is_none()
                && content.examples.is_empty()
                && let Some(schema) = &content.schema
                && let Ok(schema) = serde_json::to_value(schema)
            {
                let example = match self.kept.get(operation) {
                    Some(kept) => kept.clone(),
                    None => self.of(&schema, 0),
                };
                content.example = Some(example);
            }
        }
    }

    fn of(&self, schema: &Value, depth: usize) -> Value {
        let given = [&schema["example"], &schema["examples"][0], &schema["const"]];
        if let Some(given) = given.into_iter().find(|given| !given.is_null()) {
            return given.clone();
        }
        if let Some(place) = schema["$ref"].as_str() {
            let name = place.rsplit('/').next().unwrap_or_default();
            return match self.kept.get(name) {
                Some(kept) => kept.clone(),
                None => self.of(&self.named(name), depth),
            };
        }
        if let Some(words) = schema["enum"].as_array() {
            return words.first().cloned().unwrap_or_default();
        }
        for choice in ["oneOf", "anyOf"] {
            if let Some(first) = schema[choice].get(0) {
                return self.of(first, depth);
            }
        }
        if let Some(parts) = schema["allOf"].as_array() {
            let mut whole = Map::new();
            for part in parts {
                if let Value::Object(members) = self.of(part, depth) {
                    whole.extend(members);
                }
            }
            return Value::Object(whole);
        }
        let kind = match &schema["type"] {
            Value::Array(kinds) => kinds.iter().find(|kind| **kind != "null"),
            kind => Some(kind),
        };
        match kind.and_then(Value::as_str) {
            Some("object") => self.object(schema, depth),
            Some("array") if depth < DEEPEST => json!([self.of(&schema["items"], depth + 1)]),
            Some("array") => json!([]),
            Some("integer" | "number") => match &schema["minimum"] {
                Value::Null => json!(1),
                least => least.clone(),
            },
            Some("boolean") => json!(false),
            Some("string") => text(schema),
            _ => Value::Null,
        }
    }

    fn object(&self, schema: &Value, depth: usize) -> Value {
        let required = |name: &String| {
            schema["required"]
                .as_array()
                .is_some_and(|names| names.iter().any(|other| other == name))
        };
        let members = schema["properties"].as_object().into_iter().flatten();
        let shown = members.filter(|(name, member)| {
            required(name) || (depth < DEEPEST && !member["example"].is_null())
        });
        shown
            .map(|(name, member)| (name.clone(), self.of(member, depth + 1)))
            .collect()
    }

    fn named(&self, name: &str) -> Value {
        let schema = self.components.schemas.get(name);
        serde_json::to_value(schema).unwrap_or_default()
    }
}

fn text(schema: &Value) -> Value {
    let text = match schema["format"].as_str() {
        Some("date-time") => "2026-11-22T10:00:00Z",
        Some("date") => "2027-01-15",
        Some("uuid") => "01998a52-8e4b-7c31-9d7e-3b1f0a6c2d44",
        Some("email") => "paula@example.com",
        _ => "text",
    };
    json!(text)
}
