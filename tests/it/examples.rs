//! Every example request is decided as it says.

use std::path::{Path, PathBuf};

use engagement_desk::catalog::{self, Catalogue};
use engagement_desk::domain::decision::{Decision, Outcome};
use engagement_desk::domain::eligibility::{
    EarlierRequest, History, Question, decide, history_wanted,
};
use engagement_desk::domain::facts::{Facts, Relationship};
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Example {
    situation: String,
    #[serde(rename = "as")]
    asker: Asker,
    #[serde(default)]
    earlier: Vec<Facts>,
    request: Facts,
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
    /// What the answer to a request would be that is decided so.
    fn from_decision(decision: Decision) -> Self {
        let rules = |outcome: Outcome| {
            let mut ids: Vec<String> = Vec::new();
            for rule in decision.rules.iter().filter(|rule| rule.outcome == outcome) {
                if !ids.contains(&rule.rule) {
                    ids.push(rule.rule.clone());
                }
            }
            ids
        };
        let (status, state) = if decision.eligible {
            (201, "submitted")
        } else {
            (422, "ineligible")
        };
        Self {
            status,
            state: state.to_owned(),
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

/// What the store would say was there before, had the earlier requests been sent one after the other.
fn history(catalogue: &Catalogue, facts: &Facts, before: &[(Facts, Decision)]) -> History {
    let wanted = history_wanted(catalogue, facts);
    let mut history = History::default();
    let same_partner = |other: &Facts| other.partner_mpn_id() == facts.partner_mpn_id();
    for count in wanted.deals {
        let counts = |(other, decision): &&(Facts, Decision)| {
            decision.eligible
                && decision.desk.as_ref() == Some(&count.desk)
                && same_partner(other)
                && other
                    .service
                    .as_ref()
                    .is_some_and(|service| count.services.contains(service))
                && other.solution_area_key().as_ref() == Some(&count.solution_area_key)
        };
        let deals = before.iter().filter(counts).count();
        history
            .deals
            .insert(count.rule, u32::try_from(deals).expect("few deals"));
    }
    if wanted.same_customer.is_some() {
        for (nth, (other, decision)) in before.iter().enumerate() {
            if same_partner(other) && other.customer_key() == facts.customer_key() {
                history.same_customer.push(EarlierRequest {
                    reference: format!("EARLIER-{nth}"),
                    desk: decision.desk.clone().unwrap_or_default(),
                    service: other.service.clone().unwrap_or_default(),
                    solution_area_key: other.solution_area_key(),
                    open: decision.eligible,
                    counted: decision.eligible,
                    hours: other.estimated_hours.unwrap_or(0.0),
                    age_days: 0,
                });
            }
        }
    }
    history
}

fn judge(catalogue: &Catalogue, facts: &Facts, asker: Relationship, history: &History) -> Decision {
    decide(
        catalogue,
        &Question {
            facts,
            asker: Some(asker),
            history,
            waived: &[],
        },
    )
}

fn files() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/requests");
    let entries = std::fs::read_dir(folder).expect("the examples");
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.expect("a file").path()).collect();
    files.sort();
    files
}

#[test]
fn every_example_is_decided_as_it_says() {
    let catalogue = catalog::builtin().expect("a sound catalogue");
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
        let asker = example.asker.relationship;
        let mut before: Vec<(Facts, Decision)> = Vec::new();
        for facts in example.earlier {
            let history = history(&catalogue, &facts, &before);
            let decision = judge(&catalogue, &facts, asker, &history);
            assert!(
                decision.eligible,
                "{name}: an earlier request is refused: {decision:#?}"
            );
            before.push((facts, decision));
        }
        let history = history(&catalogue, &example.request, &before);
        let decision = judge(&catalogue, &example.request, asker, &history);
        let got = Expected::from_decision(decision);
        if got != example.expect {
            let Example {
                situation, expect, ..
            } = example;
            wrong.push(format!(
                "{name} ({situation})\n   expected {expect:?}\n   got      {got:?}"
            ));
        }
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
