//! Files that are made from the code, and what they promise.

use std::collections::BTreeSet;

use engagement_desk::http::codes::Code;
use engagement_desk::http::openapi;
use serde_json::Value;

use crate::support::{endpoints, generated};

#[test]
fn the_committed_document_is_what_the_code_says() {
    generated::compare("openapi/openapi.json", &openapi::text().unwrap());
}

#[test]
fn the_committed_error_codes_are_what_the_code_says() {
    generated::compare("docs/generated/error-codes.md", &Code::table());
}

#[test]
fn the_committed_settings_are_what_the_code_says() {
    generated::compare(
        "docs/generated/settings.md",
        &engagement_desk::cli::settings::table(),
    );
}

/// The document of the service and of the tests' own endpoints.
fn documents() -> [Value; 2] {
    [openapi::document(), endpoints::routes().document()]
        .map(|document| serde_json::to_value(document).unwrap())
}

fn operations(document: &Value) -> impl Iterator<Item = (String, &Value)> {
    document["paths"]
        .as_object()
        .unwrap()
        .iter()
        .flat_map(|(path, item)| {
            let methods = item.as_object().unwrap().iter();
            methods.map(move |(method, operation)| (format!("{method} {path}"), operation))
        })
}

#[test]
fn every_reference_in_the_document_leads_somewhere() {
    fn references<'a>(value: &'a Value, found: &mut Vec<&'a str>) {
        match value {
            Value::Object(members) => {
                found.extend(members.get("$ref").and_then(Value::as_str));
                members
                    .values()
                    .for_each(|member| references(member, found));
            }
            Value::Array(items) => items.iter().for_each(|item| references(item, found)),
            _ => {}
        }
    }
    for document in documents() {
        let mut found = Vec::new();
        references(&document, &mut found);
        assert!(!found.is_empty());
        for reference in found {
            let pointer = reference.strip_prefix('#').unwrap();
            assert!(document.pointer(pointer).is_some(), "{reference}");
        }
    }
}

#[test]
fn every_operation_is_documented_completely() {
    for document in documents() {
        let mut ids = BTreeSet::new();
        for (name, operation) in operations(&document) {
            let id = operation["operationId"].as_str().unwrap();
            assert!(ids.insert(id), "{id} is given twice");
            assert!(!operation["tags"].as_array().unwrap().is_empty(), "{name}");
            let public = operation["security"] == serde_json::json!([]);
            let responses = operation["responses"].as_object().unwrap();
            assert!(responses.contains_key("default"), "{name}");
            assert_eq!(responses.contains_key("401"), !public, "{name}");
            for (status, response) in responses {
                let header = &response["headers"]["X-Request-Id"];
                assert!(header.is_object(), "{name} {status} has no X-Request-Id");
                if status.starts_with(['4', '5']) {
                    let problem = &response["content"]["application/problem+json"];
                    assert_eq!(
                        problem["schema"]["$ref"], "#/components/schemas/Problem",
                        "{name}"
                    );
                    assert!(
                        problem["examples"].is_object(),
                        "{name} {status} has no example"
                    );
                }
            }
        }
    }
}

#[test]
fn an_operation_with_a_body_documents_what_its_body_can_be_refused_for() {
    let [_, document] = documents();
    let responses = document["paths"]["/t/orders"]["post"]["responses"]
        .as_object()
        .unwrap();
    let statuses: Vec<&str> = responses.keys().map(String::as_str).collect();
    let expected = [
        "201", "400", "401", "403", "408", "409", "413", "414", "415", "422", "429", "500", "503",
        "default",
    ];
    assert_eq!(statuses, expected);
}

#[test]
fn a_schema_that_only_clients_send_takes_no_other_members() {
    let [_, document] = documents();
    let order = &document["components"]["schemas"]["Order"];
    assert_eq!(order["additionalProperties"], false);
    assert_eq!(
        order["properties"]["hours"]["type"],
        serde_json::json!(["number", "null"])
    );
}

#[test]
fn what_the_service_sends_and_what_addresses_take_is_never_null() {
    fn nulls(value: &Value, at: &str, found: &mut Vec<String>) {
        match value {
            Value::Object(members) => {
                if members
                    .get("type")
                    .is_some_and(|kind| kind.to_string().contains("\"null\""))
                {
                    found.push(at.to_owned());
                }
                members
                    .iter()
                    .for_each(|(name, member)| nulls(member, &format!("{at}/{name}"), found));
            }
            Value::Array(items) => items.iter().for_each(|item| nulls(item, at, found)),
            _ => {}
        }
    }
    for document in documents() {
        let mut found = Vec::new();
        for name in ["Problem", "Decision", "DeskDecision", "Destination"] {
            nulls(&document["components"]["schemas"][name], name, &mut found);
        }
        for (name, operation) in operations(&document) {
            nulls(&operation["parameters"], &name, &mut found);
        }
        assert_eq!(found, [""; 0]);
    }
}

#[test]
fn query_parameters_are_documented_from_the_handler() {
    let [_, document] = documents();
    let parameters = document["paths"]["/t/orders"]["get"]["parameters"]
        .as_array()
        .unwrap();
    let names: Vec<_> = parameters
        .iter()
        .map(|parameter| parameter["name"].clone())
        .collect();
    assert_eq!(names, ["motion", "limit"]);
}
