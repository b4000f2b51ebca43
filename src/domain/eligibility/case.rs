//! One request before one desk: what a rule may look at.

use std::cell::OnceCell;

use crate::catalog::{Catalogue, Condition, Desk, Found, Work};
use crate::domain::facts::{Customer, Facts, Motion, Partner};

use super::{Question, report};

/// A request under a catalogue, with what is read out of it once for all desks.
pub(super) struct Reading<'a> {
    pub catalogue: &'a Catalogue,
    pub question: &'a Question<'a>,
    title: OnceCell<Found>,
    description: OnceCell<Found>,
    solution_area_key: OnceCell<Option<String>>,
}

impl<'a> Reading<'a> {
    pub(super) fn new(catalogue: &'a Catalogue, question: &'a Question<'a>) -> Self {
        Self {
            catalogue,
            question,
            title: OnceCell::new(),
            description: OnceCell::new(),
            solution_area_key: OnceCell::new(),
        }
    }

    /// The phrases of the wording lists in the title.
    pub(super) fn title(&self) -> &Found {
        let text = self.question.facts.title.as_deref().unwrap_or_default();
        self.title
            .get_or_init(|| self.catalogue.phrases().find(text))
    }

    /// The phrases of the wording lists in the description.
    pub(super) fn description(&self) -> &Found {
        let text = self
            .question
            .facts
            .description
            .as_deref()
            .unwrap_or_default();
        self.description
            .get_or_init(|| self.catalogue.phrases().find(text))
    }

    /// The solution area in the form in which areas are compared.
    pub(super) fn solution_area_key(&self) -> Option<&str> {
        self.solution_area_key
            .get_or_init(|| self.question.facts.solution_area_key())
            .as_deref()
    }

    /// The place in `involves` at which the request declares a kind of work.
    pub(super) fn involved(&self, term: &str) -> Option<usize> {
        self.question
            .facts
            .involves
            .iter()
            .position(|id| id == term)
    }

    /// The first desk, other than the one named, that takes the request exactly as it stands.
    pub(super) fn taker(&self, named: &Desk) -> Option<String> {
        let mut others = self
            .catalogue
            .desks()
            .iter()
            .filter(|desk| desk.id != named.id);
        let taker = others.find(|desk| report::survey(&Case::as_stated(self, desk)).takes())?;
        Some(taker.id.clone())
    }

    /// Whether a condition holds. A fact that is missing holds none.
    pub(super) fn holds(&self, condition: &Condition) -> bool {
        let Condition {
            relationship,
            involves,
            motion,
            customer_kind,
            contract,
            support_plan,
            problem_kind,
            csp,
            member,
        } = condition;
        let Question { facts, asker, .. } = self.question;
        let partner = facts.partner.as_ref();
        let customer = facts.customer.as_ref();
        one_of(relationship, *asker)
            && one_of(motion, facts.motion)
            && one_of(customer_kind, customer.and_then(|customer| customer.kind))
            && one_of(contract, customer.and_then(|customer| customer.contract))
            && one_of(
                support_plan,
                partner.and_then(|partner| partner.support_plan),
            )
            && (involves.is_empty() || involves.iter().any(|term| self.involved(term).is_some()))
            && (problem_kind.is_empty()
                || facts
                    .problem_kind
                    .as_ref()
                    .is_some_and(|kind| problem_kind.contains(kind)))
            && is(*csp, partner.and_then(|partner| partner.csp))
            && is(*member, partner.and_then(|partner| partner.member))
    }
}

fn one_of<T: PartialEq>(allowed: &[T], fact: Option<T>) -> bool {
    allowed.is_empty() || fact.is_some_and(|fact| allowed.contains(&fact))
}

fn is(wanted: Option<bool>, fact: Option<bool>) -> bool {
    wanted.is_none() || wanted == fact
}

/// A request before one desk. A handover may have it judged under another motion, or leave the service
/// open.
pub(super) struct Case<'a> {
    pub reading: &'a Reading<'a>,
    pub desk: &'a Desk,
    pub motion: Option<Motion>,
    pub service: Option<&'a str>,
}

impl<'a> Case<'a> {
    /// The request exactly as it stands.
    pub(super) fn as_stated(reading: &'a Reading<'a>, desk: &'a Desk) -> Self {
        let facts = reading.question.facts;
        Self {
            reading,
            desk,
            motion: facts.motion,
            service: facts.wanted_service(),
        }
    }

    pub(super) fn catalogue(&self) -> &'a Catalogue {
        self.reading.catalogue
    }

    pub(super) fn facts(&self) -> &'a Facts {
        self.reading.question.facts
    }

    pub(super) fn partner(&self) -> Option<&'a Partner> {
        self.facts().partner.as_ref()
    }

    pub(super) fn customer(&self) -> Option<&'a Customer> {
        self.facts().customer.as_ref()
    }

    /// The service as a message names it.
    pub(super) fn service_name(&self) -> Option<&'a str> {
        let id = self.service?;
        Some(
            self.catalogue()
                .service(id)
                .map_or(id, |service| service.name.as_str()),
        )
    }

    /// The kind of work of an id; a sound catalogue has every kind that a rule names.
    pub(super) fn work(&self, id: &str) -> Option<&'a Work> {
        self.catalogue().work(id)
    }
}
