//! Judges a request: facts in, a [`Decision`] out.
//!
//! [`decide`] runs every rule of the desk named, or of every desk where none is named, and then looks
//! for the place of what was refused. It never stops at the first failure. What the catalogue says is
//! data; what a kind of rule means is one file of `rules`.

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

/// What a request says once it is handed to another desk: the same, but for the motion under which the catalogue hands it
/// over, and for a service that is not offered there. `from` is the desk that has it, if one has.
pub fn handed_over(
    catalogue: &Catalogue,
    question: &Question<'_>,
    from: Option<&str>,
    to: &str,
) -> Facts {
    placement::handed_over(&Reading::new(catalogue, question), from, to)
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
            } = placement::merge(reading.catalogue, &compared);
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

#[cfg(test)]
mod tests {
    use super::given::{earlier, request_at};
    use super::*;
    use crate::domain::facts::Motion;

    #[test]
    fn the_decision_names_every_rule_of_the_desk_in_order() {
        let given = request_at("tpd");
        let decision = given.decide();
        let expected: Vec<_> = given
            .catalogue
            .desk("tpd")
            .unwrap()
            .rules
            .iter()
            .map(|rule| &rule.id)
            .collect();
        assert_eq!(
            decision
                .rules
                .iter()
                .map(|rule| &rule.rule)
                .collect::<Vec<_>>(),
            expected
        );
        assert_eq!(decision.catalog_version, given.catalogue.version());
        assert!(decision.compared.is_empty());
    }

    #[test]
    fn it_never_stops_at_the_first_failure() {
        let given = request_at("tpd")
            .with(|facts| *facts = Facts::default())
            .asked_by(None);
        let given = given
            .with(|facts| facts.desk = Some("tpd".to_owned()))
            .involving(&["on_site"]);
        let blocking: Vec<String> = given
            .decide()
            .blocking()
            .map(|rule| rule.rule.clone())
            .collect();
        let expected = [
            "tpd.service",
            "tpd.relationship",
            "tpd.member",
            "tpd.partner_id",
            "tpd.partner_center_access",
            "tpd.customer",
            "tpd.hours",
            "tpd.delivery",
            "tpd.excluded_work",
        ];
        assert_eq!(blocking, expected);
    }

    #[test]
    fn a_waiver_counts_only_for_its_rule_and_only_where_a_lead_may_waive() {
        let given = request_at("pad")
            .involving(&["break_fix"])
            .waiving("pad.excluded_work");
        assert!(!given.decide().eligible && !given.rule("pad.excluded_work").waived);
        let given = request_at("tpd").with(|facts| facts.estimated_hours = Some(30.0));
        assert!(!given.waiving("gps.deal_limit").decide().eligible);
    }

    #[test]
    fn a_waiver_does_not_stand_in_for_a_missing_fact() {
        let given = request_at("tpd")
            .with(|facts| facts.estimated_hours = None)
            .waiving("tpd.hours");
        assert!(!given.decide().eligible);
    }

    #[test]
    fn without_a_desk_every_desk_is_judged_and_one_is_recommended() {
        for (from, expected) in [("pad", "pad"), ("gps", "gps"), ("tpd", "tpd")] {
            let decision = request_at(from).with(|facts| facts.desk = None).decide();
            assert!(decision.eligible);
            assert_eq!(decision.desk.as_deref(), Some(expected));
            assert_eq!(decision.recommended_desk.as_deref(), Some(expected));
            let desks: Vec<&str> = decision
                .compared
                .iter()
                .map(|desk| desk.desk.as_str())
                .collect();
            assert_eq!(desks, ["pad", "gps", "tpd"]);
            assert!(
                decision
                    .rules
                    .iter()
                    .all(|rule| rule.rule.starts_with(expected))
            );
            assert!(decision.destinations.is_empty() && decision.unplaced.is_empty());
        }
    }

    #[test]
    fn where_no_desk_fits_none_is_recommended_and_the_places_are_merged() {
        let given = request_at("pad").with(|facts| facts.desk = None);
        let given = given.involving(&["staff_augmentation", "break_fix", "security_vulnerability"]);
        let decision = given.decide();
        assert_eq!((decision.desk, decision.recommended_desk), (None, None));
        assert!(decision.rules.is_empty() && !decision.eligible);
        assert_eq!(given.destinations(), ["msrc"]);
        assert_eq!(given.unplaced(), ["staff_augmentation"]);
        assert!(decision.description_withheld);
    }

    #[test]
    fn without_a_desk_one_that_lacks_only_a_fact_is_named_as_a_place() {
        let given = request_at("pad")
            .with(|facts| facts.desk = None)
            .customer(|customer| customer.consent = None);
        assert!(!given.decide().eligible);
        assert_eq!(given.destinations(), ["pad"]);
        assert_eq!(given.unplaced(), [""; 0]);
        let given = request_at("tpd").with(|facts| {
            facts.desk = None;
            facts.estimated_hours = None;
        });
        assert_eq!(given.destinations(), ["tpd"]);
        let reason = &given.decide().destinations[0].reason;
        assert!(
            reason.ends_with("Still to be given there: estimated_hours."),
            "{reason}"
        );
    }

    #[test]
    fn a_named_desk_that_refuses_recommends_the_one_that_takes_it() {
        let given = request_at("pad").with(|facts| facts.motion = Some(Motion::BuildWith));
        let decision = given.decide();
        assert_eq!(decision.desk.as_deref(), Some("pad"));
        assert_eq!(decision.recommended_desk.as_deref(), Some("gps"));
    }

    #[test]
    fn a_desk_that_does_not_exist_takes_nothing() {
        let decision = request_at("pad")
            .with(|facts| facts.desk = Some("nope".to_owned()))
            .decide();
        assert!(!decision.eligible && decision.blocking().count() == 1);
    }

    #[test]
    fn the_history_that_is_asked_for_is_what_the_rules_read() {
        let given = request_at("gps").with(|facts| {
            facts.service = Some("sales_deal_enablement".to_owned());
            facts.solution_area = Some("Data & AI".to_owned());
        });
        let wanted = history_wanted(&given.catalogue, &given.facts);
        let [deals] = wanted.deals.as_slice() else {
            panic!("{wanted:#?}")
        };
        assert_eq!(
            (deals.rule.as_str(), deals.desk.as_str()),
            ("gps.deal_limit", "gps")
        );
        assert_eq!(
            (deals.solution_area_key.as_str(), deals.enough),
            ("data_ai", 3)
        );
        let same = wanted.same_customer.expect("a customer is named");
        assert_eq!(
            (same.customer_key.as_str(), same.within_days),
            ("fabrikam bank", 90)
        );
        assert_eq!(
            history_wanted(&given.catalogue, &Facts::default()),
            HistoryWanted::default()
        );
        let plain = history_wanted(&given.catalogue, &request_at("gps").facts);
        assert!(plain.deals.is_empty());
    }

    #[test]
    fn warnings_do_not_block() {
        let given =
            request_at("tpd").after(vec![earlier("A", "tpd", "deployment_consultation", 24.0)]);
        let decision = given.decide();
        assert!(decision.eligible);
        assert_eq!(
            decision
                .rules
                .iter()
                .filter(|rule| rule.outcome == Outcome::Warn)
                .count(),
            1
        );
    }
}
