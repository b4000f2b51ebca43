//! Judges a request: facts in, a [`Decision`] out.
//!
//! [`decide`] runs every rule of the desk named, or of every desk where none is named, and then looks
//! for the place of what was refused. It never stops at the first failure. What the catalogue says is
//! data; what a kind of rule means is one file of [`rules`].

mod case;
#[cfg(test)]
mod given;
mod history;
mod placement;
mod report;
mod rules;
mod support;

pub use history::{
    DealCount, EarlierRequest, History, HistoryWanted, SameCustomer, history_wanted,
};

use crate::catalog::{Catalogue, Desk};
use crate::domain::decision::{Decision, DeskDecision, Outcome, RuleOutcome};
use crate::domain::facts::{Facts, Relationship};

use case::{Case, Reading};
use placement::Placement;

/// What is asked: the facts of a request, who asks, and what was there before.
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    /// What the request says.
    pub facts: &'a Facts,
    /// What the asking person is to the partner; absent where that is not known.
    pub asker: Option<Relationship>,
    /// What was there before.
    pub history: &'a History,
    /// Ids of the rules that a lead has waived for this request.
    pub waived: &'a [String],
}

/// Judges a request under a catalogue.
///
/// A desk that the catalogue does not have refuses everything.
pub fn decide(catalogue: &Catalogue, question: &Question<'_>) -> Decision {
    let reading = Reading::new(catalogue, question);
    let mut decision = match question.facts.desk.as_deref() {
        None => compare(&reading),
        Some(id) => match catalogue.desk(id) {
            Some(desk) => named(&reading, desk),
            None => unknown_desk(id),
        },
    };
    decision.catalog_version = catalogue.version().to_owned();
    decision.description_withheld = catalogue.withholds_description(question.facts);
    decision
}

/// The desk is named: its rules count. Another desk is recommended only if it takes the request as it is.
fn named(reading: &Reading<'_>, desk: &Desk) -> Decision {
    let DeskDecision {
        desk: id,
        eligible,
        rules,
        destinations,
        unplaced,
    } = judge(reading, desk);
    let recommended_desk = if eligible {
        Some(id.clone())
    } else {
        reading.taker(desk)
    };
    Decision {
        eligible,
        desk: Some(id),
        recommended_desk,
        rules,
        destinations,
        unplaced,
        ..empty_decision()
    }
}

/// No desk is named: every desk is judged, and of those that take the request the one with the fewest
/// warnings is recommended, the first in the catalogue where several have as few.
fn compare(reading: &Reading<'_>) -> Decision {
    let desks = reading.catalogue.desks();
    let compared: Vec<DeskDecision> = desks.iter().map(|desk| judge(reading, desk)).collect();
    let warnings = |decision: &&DeskDecision| {
        decision
            .rules
            .iter()
            .filter(|rule| rule.outcome == Outcome::Warn)
            .count()
    };
    let best = compared
        .iter()
        .filter(|decision| decision.eligible)
        .min_by_key(warnings);
    match best {
        Some(best) => Decision {
            eligible: true,
            desk: Some(best.desk.clone()),
            recommended_desk: Some(best.desk.clone()),
            rules: best.rules.clone(),
            compared,
            ..empty_decision()
        },
        None => {
            let Placement {
                destinations,
                unplaced,
            } = placement::merge(&compared);
            Decision {
                destinations,
                unplaced,
                compared,
                ..empty_decision()
            }
        }
    }
}

/// Every rule of one desk, and the place of what it refuses.
fn judge(reading: &Reading<'_>, desk: &Desk) -> DeskDecision {
    let case = Case::as_stated(reading, desk);
    let report::Judged {
        outcomes, refusals, ..
    } = report::full(&case);
    let Placement {
        destinations,
        unplaced,
    } = placement::place(&case, &refusals);
    DeskDecision {
        desk: desk.id.clone(),
        eligible: !outcomes.iter().any(RuleOutcome::blocks),
        rules: outcomes,
        destinations,
        unplaced,
    }
}

fn unknown_desk(id: &str) -> Decision {
    let outcome = RuleOutcome {
        rule: "desk".to_owned(),
        outcome: Outcome::Fail,
        message: format!("There is no desk \"{id}\"."),
        pointer: Some("/desk".to_owned()),
        citation: String::new(),
        waivable: false,
        waived: false,
    };
    Decision {
        desk: Some(id.to_owned()),
        rules: vec![outcome],
        ..empty_decision()
    }
}

fn empty_decision() -> Decision {
    Decision {
        catalog_version: String::new(),
        eligible: false,
        desk: None,
        recommended_desk: None,
        rules: Vec::new(),
        destinations: Vec::new(),
        unplaced: Vec::new(),
        compared: Vec::new(),
        description_withheld: false,
    }
}
