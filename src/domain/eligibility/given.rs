//! Requests to judge in tests: sound ones, to be spoilt one fact at a time.

use super::{EarlierRequest, History, Question, decide};
use crate::catalog::{self, Catalogue};
use crate::domain::decision::{Decision, Outcome, RuleOutcome};
use crate::domain::facts::{
    Customer, CustomerKind, Delivery, Facts, Motion, Partner, Relationship,
};

/// A request with all that belongs to it.
pub(super) struct Given {
    pub catalogue: Catalogue,
    pub facts: Facts,
    pub asker: Option<Relationship>,
    pub history: History,
    pub waived: Vec<String>,
}

/// A request by a PDM that the desk takes as it is.
pub(super) fn request_at(desk: &str) -> Given {
    let (service, motion) = match desk {
        "pad" => ("architecture_design_session", Motion::SellWith),
        "gps" => ("architecture_design_session", Motion::BuildWith),
        _ => ("technical_presales_consultation", Motion::SellWith),
    };
    let text = |text: &str| Some(text.to_owned());
    Given {
        catalogue: catalog::builtin().expect("a sound catalogue"),
        facts: Facts {
            desk: text(desk),
            service: text(service),
            motion: Some(motion),
            title: text("Landing zone for a retail bank"),
            solution_area: text("Infrastructure"),
            partner: Some(Partner {
                mpn_id: text("4567890"),
                member: Some(true),
                partner_center_access: Some(true),
                ..Partner::default()
            }),
            customer: Some(Customer {
                kind: Some(CustomerKind::Named),
                name: text("Fabrikam Bank"),
                consent: Some(true),
                ..Customer::default()
            }),
            estimated_hours: Some(12.5),
            delivery: Some(Delivery::Remote),
            ..Facts::default()
        },
        asker: Some(Relationship::Pdm),
        history: History::default(),
        waived: Vec::new(),
    }
}

/// An open request of this customer, a few days old.
pub(super) fn earlier(reference: &str, desk: &str, service: &str, hours: f64) -> EarlierRequest {
    EarlierRequest {
        reference: reference.to_owned(),
        desk: desk.to_owned(),
        service: service.to_owned(),
        solution_area_key: Some("infrastructure".to_owned()),
        open: true,
        counted: true,
        hours,
        age_days: 3,
    }
}

impl Given {
    pub(super) fn with(mut self, change: impl FnOnce(&mut Facts)) -> Self {
        change(&mut self.facts);
        self
    }

    pub(super) fn partner(self, change: impl FnOnce(&mut Partner)) -> Self {
        self.with(|facts| change(facts.partner.get_or_insert_default()))
    }

    pub(super) fn customer(self, change: impl FnOnce(&mut Customer)) -> Self {
        self.with(|facts| change(facts.customer.get_or_insert_default()))
    }

    pub(super) fn involving(self, work: &[&str]) -> Self {
        self.with(|facts| facts.involves = work.iter().map(|id| (*id).to_owned()).collect())
    }

    pub(super) fn asked_by(mut self, asker: Option<Relationship>) -> Self {
        self.asker = asker;
        self
    }

    pub(super) fn after(mut self, earlier: Vec<EarlierRequest>) -> Self {
        self.history.same_customer = earlier;
        self
    }

    pub(super) fn deals(mut self, rule: &str, deals: u32) -> Self {
        self.history.deals.insert(rule.to_owned(), deals);
        self
    }

    pub(super) fn waiving(mut self, rule: &str) -> Self {
        self.waived.push(rule.to_owned());
        self
    }

    pub(super) fn decide(&self) -> Decision {
        let Self {
            catalogue,
            facts,
            asker,
            history,
            waived,
        } = self;
        decide(
            catalogue,
            &Question {
                facts,
                asker: *asker,
                history,
                waived,
            },
        )
    }

    /// The one outcome of a rule.
    pub(super) fn rule(&self, id: &str) -> RuleOutcome {
        let mut rules = self.decide().rules;
        rules.retain(|rule| rule.rule == id);
        assert_eq!(rules.len(), 1, "{id}: {rules:#?}");
        rules.remove(0)
    }

    /// The rule comes out so, points there, and nothing else stands in the way.
    pub(super) fn check(&self, id: &str, outcome: Outcome, pointer: Option<&str>) {
        let rule = self.rule(id);
        assert_eq!(
            (rule.outcome, rule.pointer.as_deref()),
            (outcome, pointer),
            "{rule:#?}"
        );
        let decision = self.decide();
        let blocking: Vec<_> = decision.blocking().filter(|rule| rule.rule != id).collect();
        assert!(blocking.is_empty(), "{blocking:#?}");
        assert_eq!(decision.eligible, !rule.blocks());
    }

    pub(super) fn passes(&self, id: &str) {
        self.check(id, Outcome::Pass, None);
    }

    pub(super) fn fails(&self, id: &str, pointer: &str) {
        self.check(id, Outcome::Fail, Some(pointer));
    }

    pub(super) fn is_unknown(&self, id: &str, pointer: &str) {
        self.check(id, Outcome::Unknown, Some(pointer));
    }

    pub(super) fn warns(&self, id: &str, pointer: &str) {
        self.check(id, Outcome::Warn, Some(pointer));
    }

    /// Ids of the destinations, in order.
    pub(super) fn destinations(&self) -> Vec<String> {
        self.decide()
            .destinations
            .into_iter()
            .map(|place| place.id)
            .collect()
    }

    /// What has no place: kinds of work, or else rules.
    pub(super) fn unplaced(&self) -> Vec<String> {
        let unplaced = self.decide().unplaced;
        unplaced
            .into_iter()
            .map(|part| part.work.unwrap_or(part.rule))
            .collect()
    }
}
