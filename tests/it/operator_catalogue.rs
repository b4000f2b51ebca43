//! An operator adds a whole desk by editing the file: the sample catalogue with a fourth desk.

use std::path::{Path, PathBuf};

use engagement_desk::catalog::{self, Catalogue};
use engagement_desk::domain::decision::{Decision, DestinationKind, Outcome};
use engagement_desk::domain::eligibility::{History, Question, decide, history_wanted};
use engagement_desk::domain::facts::{Facts, Relationship};
use serde_json::json;

fn file(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn sample() -> Catalogue {
    let path = file("examples/catalogs/cloud-enablement-desk.toml");
    catalog::load_file(&path).unwrap_or_else(|errors| panic!("{errors}"))
}

fn judge(facts: &serde_json::Value, history: &History) -> Decision {
    let facts: Facts = serde_json::from_value(facts.clone()).expect("facts");
    let asker = Some(Relationship::Pdm);
    decide(
        &sample(),
        &Question {
            facts: &facts,
            asker,
            history,
            waived: &[],
        },
    )
}

fn nomination() -> serde_json::Value {
    json!({
        "desk": "ced", "service": "marketplace_nomination", "motion": "sell_with",
        "solution_area": "Security", "involves": ["programme_enablement"],
        "partner": { "mpn_id": "4567890", "member": true },
        "customer": { "kind": "segment", "description": "Hospitals in the Benelux" },
    })
}

/// The line with which the sample goes beyond the built-in catalogue.
const ADDITIONS: &str =
    "\n# ================================================================ Cloud";

#[test]
fn the_sample_is_the_built_in_catalogue_with_additions() {
    let builtin = std::fs::read_to_string(file("src/catalog/catalog.toml")).expect("the file");
    let path = file("examples/catalogs/cloud-enablement-desk.toml");
    let sample = std::fs::read_to_string(&path).expect("the sample");
    let start = sample.find(ADDITIONS).expect("the additions");
    if sample[..start] == builtin {
        return;
    }
    assert!(
        std::env::var_os("UPDATE_GENERATED").is_some(),
        "the sample has to begin with the built-in catalogue; write it anew with \
         UPDATE_GENERATED=1 cargo test operator_catalogue"
    );
    std::fs::write(&path, builtin + &sample[start..]).expect("the sample can be written");
}

#[test]
fn the_fourth_desk_takes_nominations() {
    let decision = judge(&nomination(), &History::default());
    assert!(decision.eligible, "{decision:#?}");
    assert_eq!(sample().desk("ced").expect("the desk").prefix, "CED");
}

#[test]
fn the_fourth_desk_is_recommended_where_no_desk_is_named() {
    let mut facts = nomination();
    facts.as_object_mut().expect("an object").remove("desk");
    let decision = judge(&facts, &History::default());
    assert_eq!(decision.recommended_desk.as_deref(), Some("ced"));
    assert_eq!(decision.compared.len(), 4);
}

#[test]
fn the_other_desks_hand_nominations_over_to_the_fourth() {
    let mut facts = nomination();
    facts["desk"] = json!("tpd");
    let decision = judge(&facts, &History::default());
    let [place] = decision.destinations.as_slice() else {
        panic!("{decision:#?}")
    };
    assert_eq!(
        (place.kind, place.id.as_str()),
        (DestinationKind::Desk, "ced")
    );
    // a service of the desk asked is left open at the fourth
    facts["service"] = json!("technical_presales_consultation");
    let decision = judge(&facts, &History::default());
    assert!(
        decision.destinations[0]
            .reason
            .ends_with("Still to be given there: service.")
    );
    // where the fourth desk would refuse, the channel is still there
    facts["partner"]["member"] = json!(false);
    let decision = judge(&facts, &History::default());
    assert_eq!(decision.destinations[0].kind, DestinationKind::Channel);
    assert_eq!(decision.destinations[0].id, "cloud_enablement_desk");
}

#[test]
fn the_fourth_desk_has_rules_of_its_own() {
    let mut facts = nomination();
    facts["service"] = json!("co_sell_nomination");
    let wanted = history_wanted(
        &sample(),
        &serde_json::from_value(facts.clone()).expect("facts"),
    );
    assert_eq!(wanted.deals[0].rule, "ced.one_co_sell_nomination");
    let mut history = History::default();
    history
        .deals
        .insert("ced.one_co_sell_nomination".to_owned(), 1);
    let decision = judge(&facts, &history);
    let failed: Vec<_> = decision
        .rules
        .iter()
        .filter(|rule| rule.outcome == Outcome::Fail)
        .collect();
    assert_eq!(failed.len(), 1);
    assert_eq!(failed[0].rule, "ced.one_co_sell_nomination");
    assert!(decision.may_be_appealed());
}

#[test]
fn the_three_desks_decide_as_they_did() {
    let builtin = catalog::builtin().expect("a sound catalogue");
    for desk in builtin.desks() {
        for work in builtin.all_work() {
            let facts: Facts = serde_json::from_value(json!({
                "desk": desk.id, "service": desk.services[0], "motion": "sell_with",
                "involves": [work.id],
            }))
            .expect("facts");
            let history = History::default();
            let question = Question {
                facts: &facts,
                asker: None,
                history: &history,
                waived: &[],
            };
            assert_eq!(
                decide(&builtin, &question).rules,
                decide(&sample(), &question).rules
            );
        }
    }
}
