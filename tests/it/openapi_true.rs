//! What the document shows works on the running service as it stands there.

use engagement_desk::http::openapi;
use serde_json::{Value, json};

use crate::support::app::{Client, TestApp, session_at_pad};
use crate::support::client::Answer;
use crate::support::schema;

fn document() -> Value {
    serde_json::to_value(openapi::document()).unwrap()
}

/// One caller of each kind, for operations that are not for everybody.
fn everybody(app: &TestApp) -> Vec<Client> {
    vec![
        app.pdm("paula@example.com"),
        app.lead("pad"),
        app.integration("crm"),
        app.admin(),
    ]
}

/// The path with the variable parts filled by what is stored: a submitted request, a draft, one in progress
/// and a key.
fn addresses(app: &TestApp, path: &str) -> Vec<String> {
    let requester = app.pdm("paula@example.com");
    let mut draft = session_at_pad();
    draft["draft"] = json!(true);
    let of = |request: &Value| request["id"].as_str().unwrap().to_owned();
    let ids = [
        of(&requester.create(&session_at_pad())),
        of(&requester.create(&draft)),
        of(&in_progress(app, &requester)),
        app.viewer().key_id,
    ];
    match path.matches('{').count() {
        0 => vec![path.to_owned()],
        1 => ids.iter().map(|id| path.replace("{id}", id)).collect(),
        _ => Vec::new(),
    }
}

fn in_progress(app: &TestApp, requester: &Client) -> Value {
    let request = requester.create(&session_at_pad());
    let lead = app.lead("pad");
    for to in ["in_review", "accepted", "in_progress"] {
        lead.take(&request, &json!({ "to": to }));
    }
    request
}

#[test]
fn every_example_of_a_body_is_taken_as_it_stands() {
    let app = TestApp::start();
    let document = document();
    let mut tried = 0;
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let bodies = operation["requestBody"]["content"].as_object();
            for (media_type, content) in bodies.into_iter().flatten() {
                let body = content["example"].to_string();
                let mut headers = vec![("Content-Type", media_type.as_str())];
                if operation["parameters"].to_string().contains("\"If-Match\"") {
                    headers.push(("If-Match", "\"1-full\""));
                }
                let answers: Vec<Answer> = addresses(&app, path)
                    .iter()
                    .flat_map(|address| {
                        let send = |client: Client| {
                            client.send(&method.to_uppercase(), address, &headers, &body)
                        };
                        everybody(&app).into_iter().map(send).collect::<Vec<_>>()
                    })
                    .collect();
                assert!(
                    answers.iter().any(|answer| answer.status < 300),
                    "{method} {path} takes {body} from nobody: {answers:#?}"
                );
                tried += 1;
            }
        }
    }
    assert!(tried >= 5, "{tried} bodies were tried");
}

#[test]
fn every_read_has_the_documented_shape_and_a_tag_that_saves_the_next_one() {
    let app = TestApp::start();
    let document = document();
    let mut tried = 0;
    for (path, item) in document["paths"].as_object().unwrap() {
        let operation = &item["get"];
        let said = &operation["responses"]["200"]["content"]["application/json"]["schema"];
        if operation["responses"]["304"].is_null() || said.is_null() {
            continue;
        }
        if path == "/v1/events" {
            // The feed moves on all the while: nothing of it is worth keeping.
            continue;
        }
        let found = addresses(&app, path).into_iter().find_map(|address| {
            let clients = everybody(&app).into_iter();
            clients
                .map(|client| (client.get(&address), client, address.clone()))
                .find(|(answer, ..)| answer.status == 200)
        });
        let (answer, client, address) = found.unwrap_or_else(|| panic!("nobody may read {path}"));
        let faults = schema::faults(&document, said, &answer.json());
        assert!(faults.is_empty(), "{path}: {}", faults.join("\n"));
        let tag = answer
            .header("etag")
            .unwrap_or_else(|| panic!("{path} has no tag"));
        let again = client.send("GET", &address, &[("If-None-Match", &tag)], "");
        assert_eq!(
            (again.status, again.body.as_str(), again.header("etag")),
            (304, "", Some(tag)),
            "{path}"
        );
        tried += 1;
    }
    assert!(tried >= 5, "{tried} reads were tried");
}
