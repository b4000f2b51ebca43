//! What holds for every request, however it is put together.

use std::sync::OnceLock;

use engagement_desk::catalog::{self, Catalogue};
use engagement_desk::domain::decision::{Decision, DestinationKind, Outcome};
use engagement_desk::domain::eligibility::{
    EarlierRequest, History, Question, decide, history_wanted,
};
use engagement_desk::domain::facts::{
    Contract, Customer, CustomerKind, Delivery, Facts, Motion, Partner, Relationship, SupportPlan,
};
use proptest::option::of;
use proptest::prelude::*;
use proptest::sample::select;

fn catalogue() -> &'static Catalogue {
    static CATALOGUE: OnceLock<Catalogue> = OnceLock::new();
    CATALOGUE.get_or_init(|| catalog::builtin().expect("a sound catalogue"))
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        Just(String::new()),
        Just("  ".to_owned()),
        Just("Data & AI".to_owned()),
        Just("4567890".to_owned()),
        Just("The portal is down, CVE-2026-1, an error.".to_owned()),
        any::<String>(),
    ]
}

/// An id of the catalogue, or anything else.
fn id(known: Vec<String>) -> impl Strategy<Value = String> {
    prop_oneof![9 => select(known), 1 => text()]
}

fn partner() -> impl Strategy<Value = Partner> {
    let plan = select(SupportPlan::ALL);
    (
        of(text()),
        of(any::<bool>()),
        of(any::<bool>()),
        of(any::<bool>()),
        of(plan),
    )
        .prop_map(
            |(mpn_id, member, partner_center_access, csp, support_plan)| Partner {
                mpn_id,
                name: None,
                member,
                partner_center_access,
                csp,
                support_plan,
            },
        )
}

fn customer() -> impl Strategy<Value = Customer> {
    let (kind, contract) = (select(CustomerKind::ALL), select(Contract::ALL));
    (
        of(kind),
        of(text()),
        of(text()),
        of(any::<bool>()),
        of(text()),
        of(contract),
    )
        .prop_map(
            |(kind, name, opportunity_id, consent, description, contract)| Customer {
                kind,
                name,
                opportunity_id,
                consent,
                description,
                contract,
            },
        )
}

fn hours() -> impl Strategy<Value = f64> {
    prop_oneof![Just(24.75), Just(25.0), 0.0..60.0, any::<f64>()]
}

fn facts() -> impl Strategy<Value = Facts> {
    let desks = catalogue()
        .desks()
        .iter()
        .map(|desk| desk.id.clone())
        .collect();
    let services = catalogue()
        .services()
        .iter()
        .map(|service| service.id.clone())
        .collect();
    let work: Vec<String> = catalogue()
        .all_work()
        .iter()
        .map(|work| work.id.clone())
        .collect();
    let problems = catalogue()
        .problem_kinds()
        .iter()
        .map(|kind| kind.id.clone())
        .collect();
    let who = (
        of(id(desks)),
        of(id(services)),
        of(select(Motion::ALL)),
        of(text()),
        of(text()),
    );
    let what = (
        of(text()),
        of(partner()),
        of(customer()),
        proptest::collection::vec(id(work), 0..5),
    );
    let how = (of(id(problems)), of(hours()), of(select(Delivery::ALL)));
    (who, what, how).prop_map(
        |(
            (desk, service, motion, title, description),
            (solution_area, partner, customer, involves),
            (problem_kind, estimated_hours, delivery),
        )| Facts {
            desk,
            service,
            motion,
            title,
            description,
            solution_area,
            partner,
            customer,
            involves,
            problem_kind,
            estimated_hours,
            delivery,
            ..Facts::default()
        },
    )
}

fn history() -> impl Strategy<Value = History> {
    let earlier = (hours(), any::<bool>(), any::<bool>(), any::<i64>()).prop_map(
        |(hours, open, counted, age_days)| EarlierRequest {
            reference: "TPD-2026-000001".to_owned(),
            desk: "tpd".to_owned(),
            service: "deployment_consultation".to_owned(),
            solution_area_key: Some("data_ai".to_owned()),
            open,
            counted,
            hours,
            age_days,
        },
    );
    (of(0_u32..5), proptest::collection::vec(earlier, 0..4)).prop_map(|(deals, same_customer)| {
        let deals = deals.map(|deals| ("gps.deal_limit".to_owned(), deals));
        History {
            deals: deals.into_iter().collect(),
            same_customer,
        }
    })
}

fn judge(facts: &Facts, asker: Option<Relationship>, history: &History) -> Decision {
    decide(
        catalogue(),
        &Question {
            facts,
            asker,
            history,
            waived: &[],
        },
    )
}

fn without_pointers(mut decision: Decision) -> Decision {
    let compared = decision
        .compared
        .iter_mut()
        .flat_map(|desk| &mut desk.rules);
    for rule in decision.rules.iter_mut().chain(compared) {
        rule.pointer = rule
            .pointer
            .take()
            .filter(|pointer| !pointer.starts_with("/involves/"));
    }
    decision
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_combination_of_facts_panics_and_every_decision_is_consistent(
        facts in facts(), asker in of(select(Relationship::ALL)), history in history(),
    ) {
        let _ = history_wanted(catalogue(), &facts);
        let decision = judge(&facts, asker, &history);
        let blocked = |rules: &[engagement_desk::domain::decision::RuleOutcome]| {
            rules.iter().any(|rule| matches!(rule.outcome, Outcome::Fail | Outcome::Unknown))
        };
        match &decision.desk {
            Some(_) => prop_assert_eq!(decision.eligible, !blocked(&decision.rules)),
            None => prop_assert!(!decision.eligible && decision.rules.is_empty()),
        }
        for desk in &decision.compared {
            prop_assert_eq!(desk.eligible, !blocked(&desk.rules));
        }
        prop_assert_eq!(decision.compared.is_empty(), facts.desk.is_some());
        if decision.eligible {
            prop_assert!(decision.destinations.is_empty() && decision.unplaced.is_empty());
            prop_assert_eq!(&decision.recommended_desk, &decision.desk);
        }
        if let Some(recommended) = &decision.recommended_desk {
            let there = Facts { desk: Some(recommended.clone()), ..facts.clone() };
            prop_assert!(judge(&there, asker, &history).eligible);
        }
        let secret = facts.involves.iter().any(|work| work == "security_vulnerability");
        prop_assert_eq!(decision.description_withheld, secret);
        if secret && decision.desk.as_deref().is_none_or(|desk| catalogue().desk(desk).is_some()) {
            prop_assert_eq!(&decision.destinations[0].id, "msrc");
        }
        for place in &decision.destinations {
            let known = match place.kind {
                DestinationKind::Desk => catalogue().desk(&place.id).is_some(),
                DestinationKind::Channel => catalogue().channel(&place.id).is_some(),
            };
            prop_assert!(known && !place.reason.is_empty() && !place.citation.is_empty());
        }
    }

    #[test]
    fn the_order_of_the_work_and_its_repetition_do_not_matter(
        facts in facts(), asker in of(select(Relationship::ALL)), history in history(), turn in 0_usize..5,
    ) {
        let mut turned = facts.clone();
        if !turned.involves.is_empty() {
            let turn = turn % turned.involves.len();
            turned.involves.rotate_left(turn);
            turned.involves.push(turned.involves[0].clone());
        }
        let expected = without_pointers(judge(&facts, asker, &history));
        prop_assert_eq!(without_pointers(judge(&turned, asker, &history)), expected);
    }

    #[test]
    fn any_text_can_be_loaded_without_a_panic(text in any::<String>()) {
        let _ = catalog::load(&text, "catalog.toml");
    }

    #[test]
    fn any_damage_to_the_catalogue_is_reported_or_harmless(
        start in 0_usize..30_000, length in 0_usize..40, word in select(vec!["", "x", "\"", "[[", "\n", "= 3", "é"]),
    ) {
        let text = include_str!("../../src/catalog/catalog.toml");
        let (start, end) = (start.min(text.len()), (start + length).min(text.len()));
        if text.is_char_boundary(start) && text.is_char_boundary(end) {
            let damaged = format!("{}{word}{}", &text[..start], &text[end..]);
            if let Err(errors) = catalog::load(&damaged, "catalog.toml") {
                prop_assert!(!errors.faults().is_empty());
                prop_assert!(errors.to_string().starts_with("catalog.toml:"));
            }
        }
    }
}
