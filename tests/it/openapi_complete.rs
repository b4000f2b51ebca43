//! The document says all that a client needs, for every operation.

use std::collections::BTreeSet;

use engagement_desk::domain::actor::{Role, Scope};
use engagement_desk::domain::facts::Relationship;
use engagement_desk::domain::lifecycle::{EventKind, State};
use engagement_desk::domain::rights::Action;
use engagement_desk::http::openapi;
use engagement_desk::store::audit::AuditOutcome;
use serde_json::Value;

use crate::support::schema;

fn document() -> Value {
    serde_json::to_value(openapi::document()).unwrap()
}

/// `get /v1/requests`, whether anybody may call it, and what the document says of it.
fn operations(document: &Value) -> Vec<(String, bool, &Value)> {
    let paths = document["paths"].as_object().unwrap();
    let operations = paths.iter().flat_map(|(path, item)| {
        item.as_object().unwrap().iter().map(move |(method, said)| {
            let is_public = said["security"] == serde_json::json!([]);
            (format!("{method} {path}"), is_public, said)
        })
    });
    operations.collect()
}

fn responses(operation: &Value) -> impl Iterator<Item = (&str, &Value)> {
    let responses = operation["responses"].as_object().unwrap();
    responses
        .iter()
        .map(|(status, response)| (status.as_str(), response))
}

fn text<'a>(value: &'a Value, member: &str) -> &'a str {
    value[member].as_str().unwrap_or_default()
}

/// The faults, one a line, so that a failing test shows them all.
#[track_caller]
fn none(faults: Vec<String>) {
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn every_operation_says_what_it_does_and_to_which_group_it_belongs() {
    let document = document();
    let declared: BTreeSet<&str> = document["tags"]
        .as_array()
        .unwrap()
        .iter()
        .map(|tag| text(tag, "name"))
        .collect();
    let mut faults = Vec::new();
    let mut ids = BTreeSet::new();
    for (name, _, operation) in operations(&document) {
        let (summary, id) = (text(operation, "summary"), text(operation, "operationId"));
        if summary.is_empty() || summary.contains('\n') || summary.chars().count() > 80 {
            faults.push(format!("{name}: the summary is {summary:?}"));
        }
        if text(operation, "description").is_empty() {
            faults.push(format!("{name}: no description"));
        }
        if id.is_empty() || !ids.insert(id) {
            faults.push(format!(
                "{name}: the operationId is {id:?}, missing or twice"
            ));
        }
        match operation["tags"].as_array().map(Vec::as_slice) {
            Some([tag]) if declared.contains(tag.as_str().unwrap()) => {}
            tags => faults.push(format!(
                "{name}: needs one tag of the declared, has {tags:?}"
            )),
        }
    }
    none(faults);
}

#[test]
fn every_operation_but_health_checks_needs_a_caller() {
    let document = document();
    let public: Vec<String> = operations(&document)
        .into_iter()
        .filter(|(_, is_public, _)| *is_public)
        .map(|(name, ..)| name)
        .collect();
    assert_eq!(public, ["get /livez", "get /readyz"]);
}

#[test]
fn every_operation_documents_what_its_shape_can_be_refused_for() {
    let document = document();
    let mut faults = Vec::new();
    for (name, is_public, operation) in operations(&document) {
        let mut wanted = vec!["400", "414", "500", "default"];
        if !is_public {
            wanted.extend(["401", "503"]);
        }
        if name.contains('{') {
            wanted.push("404");
        }
        if operation["requestBody"].is_object() {
            wanted.extend(["408", "413", "415", "422"]);
        }
        let parameters = operation["parameters"].as_array().into_iter().flatten();
        for parameter in parameters {
            match (text(parameter, "name"), parameter["required"] == true) {
                ("If-Match", true) => wanted.extend(["412", "428"]),
                ("If-Match", false) => wanted.push("412"),
                ("Idempotency-Key", _) if !name.ends_with("/eligibility-checks") => {
                    wanted.extend(["409", "422"]);
                }
                ("If-None-Match", _) => wanted.push("304"),
                _ => {}
            }
        }
        let documented: BTreeSet<&str> = responses(operation).map(|(status, _)| status).collect();
        for status in wanted {
            if !documented.contains(status) {
                faults.push(format!("{name}: {status} is not documented"));
            }
        }
        if !documented.iter().any(|status| status.starts_with('2')) {
            faults.push(format!("{name}: no success is documented"));
        }
    }
    none(faults);
}

#[test]
fn every_answer_documents_its_headers() {
    let document = document();
    let mut faults = Vec::new();
    for (name, _, operation) in operations(&document) {
        for (status, response) in responses(operation) {
            let headers = |header: &str| response["headers"][header].is_object();
            let mut wanted = vec!["X-Request-Id", "Cache-Control"];
            match status {
                // Logged hours are read in their list only.
                "201" if !name.ends_with("/time-entries") => wanted.push("Location"),
                "304" | "412" => wanted.push("ETag"),
                "401" => wanted.push("WWW-Authenticate"),
                "429" | "503" => wanted.push("Retry-After"),
                _ => {}
            }
            for header in wanted {
                if !headers(header) {
                    faults.push(format!("{name} {status}: {header} is not documented"));
                }
            }
        }
    }
    none(faults);
}

#[test]
fn every_parameter_is_described_and_bounded() {
    let document = document();
    let mut faults = Vec::new();
    for (name, _, operation) in operations(&document) {
        for parameter in operation["parameters"].as_array().into_iter().flatten() {
            let (parameter_name, said) = (text(parameter, "name"), &parameter["schema"]);
            if text(parameter, "description").is_empty() {
                faults.push(format!("{name}: {parameter_name} is not described"));
            }
            let bounds = ["maxLength", "maximum", "maxItems", "format", "enum", "$ref"];
            let is_flag = said["type"] == "boolean";
            if !is_flag && bounds.iter().all(|bound| said[*bound].is_null()) {
                faults.push(format!("{name}: {parameter_name} has no bound"));
            }
        }
    }
    none(faults);
}

/// Every body of the document: where it is, and the media type object.
fn bodies(document: &Value) -> Vec<(String, &Value)> {
    fn contents<'a>(place: String, of: &'a Value, found: &mut Vec<(String, &'a Value)>) {
        for (media_type, content) in of["content"].as_object().into_iter().flatten() {
            found.push((format!("{place} {media_type}"), content));
        }
    }
    let mut found = Vec::new();
    for (name, _, operation) in operations(document) {
        contents(
            format!("{name} request"),
            &operation["requestBody"],
            &mut found,
        );
        for (status, response) in responses(operation) {
            contents(format!("{name} {status}"), response, &mut found);
        }
    }
    found
}

#[test]
fn every_body_has_an_example_that_fits_its_schema() {
    let document = document();
    let mut faults = Vec::new();
    for (name, content) in bodies(&document) {
        let said = &content["schema"];
        let mut examples: Vec<Value> = Vec::new();
        examples.extend(content.get("example").cloned());
        for example in content["examples"].as_object().into_iter().flatten() {
            let example = schema::resolved(&document, example.1);
            examples.push(example["value"].clone());
        }
        if examples.is_empty() && !name.contains(" default ") {
            faults.push(format!("{name}: no example"));
        }
        for example in examples {
            for fault in schema::faults(&document, said, &example) {
                faults.push(format!("{name}: {fault}"));
            }
        }
    }
    none(faults);
}

#[test]
fn examples_show_no_stand_ins() {
    let document = document();
    let stand_ins = bodies(&document)
        .into_iter()
        .filter(|(_, content)| content["example"].to_string().contains(":\"text\""))
        .map(|(name, _)| name);
    none(stand_ins.collect());
}

#[test]
fn closed_vocabularies_are_documented_in_the_words_of_the_wire() {
    fn words<T: ToString>(vocabulary: &[T]) -> Value {
        vocabulary.iter().map(ToString::to_string).collect()
    }
    let document = document();
    for (name, words) in [
        ("Role", words(Role::ALL)),
        ("Scope", words(Scope::ALL)),
        ("Action", words(Action::ALL)),
        ("State", words(State::ALL)),
        ("EventKind", words(EventKind::ALL)),
        ("AuditOutcome", words(AuditOutcome::ALL)),
        ("Relationship", words(Relationship::ALL)),
    ] {
        let schema = &document["components"]["schemas"][name];
        assert_eq!(schema["enum"], words, "{name}");
    }
}
