//! Every example request gets the answer it states, from the running service.

use std::path::{Path, PathBuf};

use engagement_desk::domain::decision::{Decision, Outcome};
use engagement_desk::domain::facts::Relationship;
use serde::Deserialize;
use serde_json::Value;

use crate::support::app::TestApp;
use crate::support::client::Answer;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Example {
    situation: String,
    #[serde(rename = "as")]
    asker: Asker,
    #[serde(default)]
    earlier: Vec<Value>,
    request: Value,
    expect: Expected,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Asker {
    relationship: Relationship,
}

#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Expected {
    status: u16,
    state: String,
    desk: Option<String>,
    failed_rules: Vec<String>,
    unknown_rules: Vec<String>,
    warned_rules: Vec<String>,
    destinations: Vec<String>,
    unplaced: Vec<String>,
    description_withheld: bool,
}

impl Expected {
    /// What a service answered.
    fn from_answer(answer: &Answer) -> Self {
        let body = answer.json();
        let stored = if answer.status == 422 {
            &body["request"]
        } else {
            &body
        };
        let decision: Decision =
            serde_json::from_value(stored["decision"].clone()).expect("a decision");
        if decision.description_withheld {
            assert_eq!(
                stored.get("description"),
                None,
                "the description is still there"
            );
        }
        let rules = |outcome: Outcome| {
            let mut ids: Vec<String> = Vec::new();
            for rule in decision.rules.iter().filter(|rule| rule.outcome == outcome) {
                if !ids.contains(&rule.rule) {
                    ids.push(rule.rule.clone());
                }
            }
            ids
        };
        Self {
            status: answer.status,
            state: stored["state"].as_str().expect("a state").to_owned(),
            failed_rules: rules(Outcome::Fail),
            unknown_rules: rules(Outcome::Unknown),
            warned_rules: rules(Outcome::Warn),
            desk: decision.desk,
            destinations: decision
                .destinations
                .into_iter()
                .map(|place| place.id)
                .collect(),
            unplaced: decision
                .unplaced
                .into_iter()
                .map(|part| part.work.unwrap_or(part.rule))
                .collect(),
            description_withheld: decision.description_withheld,
        }
    }
}

fn files() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/requests");
    let entries = std::fs::read_dir(folder).expect("the examples");
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.expect("a file").path()).collect();
    files.sort();
    files
}

#[test]
fn every_example_gets_its_stated_answer() {
    let mut wrong = Vec::new();
    for file in files() {
        let name = file
            .file_name()
            .expect("a name")
            .to_string_lossy()
            .into_owned();
        let text = std::fs::read_to_string(&file).expect("the example");
        let example: Example =
            serde_json::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
        let Example {
            situation,
            asker,
            earlier,
            request,
            expect,
        } = example;

        let app = TestApp::start();
        let client = app.requester("paula@example.com", asker.relationship, &[]);
        for body in &earlier {
            client.create(body);
        }
        let answer = client.post("/v1/requests", &request);
        let got = Expected::from_answer(&answer);
        if got != expect {
            wrong.push(format!(
                "{name} ({situation})\n   expected {expect:?}\n   got      {got:?}"
            ));
        }
        let dry = client.post("/v1/eligibility-checks", &request).json();
        assert_eq!(
            dry["eligible"],
            answer.status == 201,
            "{name}: the dry run says otherwise"
        );
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn there_are_enough_examples_and_their_numbers_have_no_gap() {
    let files = files();
    assert!(files.len() >= 18);
    for (index, file) in files.iter().enumerate() {
        let name = file
            .file_name()
            .expect("a name")
            .to_string_lossy()
            .into_owned();
        assert!(name.starts_with(&format!("{:02}-", index + 1)), "{name}");
    }
}
