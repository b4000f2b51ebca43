//! How well the wording lists tell support work from engagements, measured on labelled texts.
//!
//! Precision is how many of the warnings are right, recall how many of the texts that deserve one get it.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;

use engagement_desk::catalog::{self, Catalogue};
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Labelled {
    tuned: Vec<Example>,
    unseen: Vec<Example>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Example {
    text: String,
    sounds_like: BTreeSet<String>,
}

#[derive(Default)]
struct Measure {
    right: f64,
    false_alarms: f64,
    missed: f64,
    report: String,
}

impl Measure {
    fn of(catalogue: &Catalogue, examples: &[Example]) -> Self {
        let mut measure = Self::default();
        for Example { text, sounds_like } in examples {
            let found = catalogue.phrases().find(text);
            for (category, wording) in catalogue.wordings().iter().enumerate() {
                let words: Vec<&str> = found.of(category).collect();
                let id = &wording.id;
                match (sounds_like.contains(id), words.is_empty()) {
                    (true, false) => measure.right += 1.0,
                    (false, true) => {}
                    (false, false) => {
                        measure.false_alarms += 1.0;
                        let _ = writeln!(measure.report, "false alarm, {id} for {words:?}: {text}");
                    }
                    (true, true) => {
                        measure.missed += 1.0;
                        let _ = writeln!(measure.report, "missed {id}: {text}");
                    }
                }
            }
        }
        measure
    }

    fn precision(&self) -> f64 {
        self.right / (self.right + self.false_alarms)
    }

    fn recall(&self) -> f64 {
        self.right / (self.right + self.missed)
    }

    fn check(&self, precision: f64, recall: f64) {
        let Self { report, .. } = self;
        let measured = format!(
            "precision {:.3}, recall {:.3}",
            self.precision(),
            self.recall()
        );
        println!("{measured}\n{report}");
        assert!(
            self.precision() >= precision && self.recall() >= recall,
            "{measured}; wanted at least {precision} and {recall}\n{report}"
        );
    }
}

fn measured() -> (Catalogue, Labelled) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/wording.toml");
    let text = std::fs::read_to_string(path).expect("the labelled texts");
    let labelled: Labelled =
        toml::from_str(&text).unwrap_or_else(|error| panic!("{}", error.message()));
    let catalogue = catalog::builtin().expect("a sound catalogue");
    for example in labelled.tuned.iter().chain(&labelled.unseen) {
        for id in &example.sounds_like {
            assert!(
                catalogue.wordings().iter().any(|wording| wording.id == *id),
                "{id}"
            );
        }
    }
    (catalogue, labelled)
}

#[test]
fn the_lists_fit_the_texts_they_were_improved_on() {
    let (catalogue, labelled) = measured();
    Measure::of(&catalogue, &labelled.tuned).check(0.98, 0.98);
}

#[test]
fn the_lists_hold_up_on_texts_they_were_not_improved_on() {
    let (catalogue, labelled) = measured();
    Measure::of(&catalogue, &labelled.unseen).check(0.85, 0.80);
}
