//! The arrows against their specification, one by one.

use std::collections::BTreeSet;

use super::*;

/// The life cycle as it is specified, written down a second time: from any of these states to any of
/// those, and by whom.
const SPECIFICATION: &[(&str, &str, &str)] = &[
    ("draft", "submitted ineligible", "owner"),
    ("ineligible", "draft exception_review redirected", "owner"),
    ("exception_review", "submitted rejected", "desk_lead"),
    ("submitted in_review action_required", "draft", "owner"),
    ("submitted", "in_review", "desk_member"),
    (
        "in_review",
        "accepted rejected action_required",
        "desk_member",
    ),
    ("action_required", "in_review", "owner"),
    ("submitted in_review accepted", "redirected", "desk_member"),
    ("accepted", "scheduled in_progress", "desk_member"),
    ("scheduled", "in_progress accepted", "desk_member"),
    ("in_progress", "completed", "desk_member"),
    ("scheduled in_progress", "on_hold", "desk_member"),
    ("on_hold", "scheduled in_progress", "desk_member"),
    ("completed", "in_progress", "desk_lead"),
    (
        "draft submitted exception_review in_review action_required accepted scheduled in_progress on_hold",
        "cancelled",
        "owner desk_lead",
    ),
    ("action_required draft accepted", "expired", "system"),
];

type Line = (State, State, BTreeSet<Party>);

fn words<T: std::str::FromStr<Err: std::fmt::Debug>>(text: &str) -> impl Iterator<Item = T> {
    text.split_whitespace().map(|word| word.parse().unwrap())
}

fn specification() -> BTreeSet<Line> {
    let expand = |(from, to, by): &(&'static str, &'static str, &'static str)| {
        let by: BTreeSet<Party> = words(by).collect();
        let to: Vec<State> = words(to).collect();
        let lines: Vec<Line> = words(from)
            .flat_map(|from| to.iter().map(move |to| (from, *to)))
            .map(|(from, to)| (from, to, by.clone()))
            .collect();
        lines
    };
    SPECIFICATION.iter().flat_map(expand).collect()
}

#[test]
fn the_arrows_are_the_specified_ones_and_no_others() {
    let arrows: BTreeSet<Line> = ARROWS
        .iter()
        .map(|arrow| (arrow.from, arrow.to, arrow.by.iter().copied().collect()))
        .collect();
    assert_eq!(arrows, specification());
    assert_eq!(arrows.len(), ARROWS.len(), "an arrow is there twice");
}

#[test]
fn every_state_target_and_caller_comes_out_as_specified() {
    let lines = specification();
    let callers = [
        (owner(), "owner"),
        (member(), "desk_member"),
        (lead(), "desk_member desk_lead"),
        (caller(Role::Requester, "stranger"), ""),
        (caller(Role::Viewer, "viewer"), ""),
        (caller(Role::Integration, "crm"), ""),
        (caller(Role::Admin, "admin"), ""),
    ];
    for from in State::ALL.iter().copied() {
        let request = request(from);
        for (caller, parties) in &callers {
            let parties: BTreeSet<Party> = words(parties).collect();
            let mut allowed_here = Vec::new();
            for to in State::ALL.iter().copied() {
                let line = lines
                    .iter()
                    .find(|(its, target, _)| (*its, *target) == (from, to));
                // What the rules answer is never asked for.
                let line = line.filter(|_| to != State::Ineligible);
                let got = plan(&request, to, caller, now());
                let at = format!("{from} to {to} by {}", caller.subject);
                match line {
                    None => assert!(matches!(got, Err(Refusal::NoSuchArrow { .. })), "{at}"),
                    Some((.., by)) if by.is_disjoint(&parties) => {
                        assert!(matches!(got, Err(Refusal::NotForCaller(_))), "{at}");
                    }
                    Some(_) => {
                        assert!(got.is_ok(), "{at}: {got:?}");
                        allowed_here.push(to);
                    }
                }
            }
            let mut allowed = allowed(&request, caller, now());
            allowed.sort();
            assert_eq!(allowed, allowed_here, "{from} {}", caller.subject);
        }
    }
}

#[test]
fn a_caller_of_another_desk_or_of_nothing_takes_no_step() {
    for from in State::ALL.iter().copied() {
        for role in Role::ALL.iter().copied() {
            let mut elsewhere = caller(role, "elsewhere");
            elsewhere.desks = vec!["pad".to_owned()];
            assert_eq!(
                allowed(&request(from), &elsewhere, now()),
                [],
                "{from} {role}"
            );
            assert_eq!(parties(&elsewhere, &request(from)), [], "{from} {role}");
        }
    }
}

#[test]
fn only_the_service_itself_lets_a_request_expire() {
    for from in State::ALL.iter().copied() {
        let expires = [State::Draft, State::ActionRequired, State::Accepted].contains(&from);
        let request = request(from);
        match plan_expiry(&request) {
            None => assert!(!expires, "{from}"),
            Some(plan) => {
                assert!(expires, "{from}");
                let change = plan.take(Step::default(), None, None, now()).unwrap();
                assert_eq!(change.state, State::Expired);
            }
        }
        for caller in [owner(), member(), lead(), caller(Role::Admin, "admin")] {
            assert!(plan(&request, State::Expired, &caller, now()).is_err());
        }
        assert!(!legal(from).contains(&State::Expired));
        assert!(!legal(from).contains(&State::Ineligible));
    }
}

#[test]
fn a_step_needs_what_its_arrow_says_and_nothing_else() {
    for arrow in ARROWS.iter().filter(|arrow| arrow.by != [Party::System]) {
        if arrow.guard == Some(Guard::RulesRefuse) {
            continue;
        }
        let request = request(arrow.from);
        for need in Need::ALL.iter().copied() {
            let result = take(&request, arrow.to, without(need));
            let at = format!("{} to {} without {need}", arrow.from, arrow.to);
            if arrow.needs.contains(&need) {
                assert_eq!(result, Err(Refusal::Missing(vec![need])), "{at}");
            } else {
                assert!(result.is_ok(), "{at}: {result:?}");
            }
        }
        match take(&request, arrow.to, Step::default()) {
            Err(refusal) => assert_eq!(refusal, Refusal::Missing(arrow.needs.to_vec())),
            Ok(_) => assert!(arrow.needs.is_empty()),
        }
    }
}

#[test]
fn a_step_changes_the_state_and_leaves_facts_desk_and_identity_alone() {
    for arrow in ARROWS.iter().filter(|arrow| arrow.by != [Party::System]) {
        if arrow.guard == Some(Guard::RulesRefuse) {
            continue;
        }
        let before = request(arrow.from);
        let change = taken(&before, arrow.to, everything());
        let at = format!("{} to {}", arrow.from, arrow.to);
        assert_eq!(change.state, arrow.to, "{at}");
        assert_eq!(change.facts, before.facts, "{at}");
        assert_eq!(change.desk, before.desk, "{at}");
        assert_eq!(change.event.kind, EventKind::Transitioned);
        assert_eq!(
            (change.event.from, change.event.to),
            (Some(arrow.from), arrow.to)
        );
        assert_eq!(
            change.event.reason.as_deref(),
            Some("For a good reason."),
            "{at}"
        );
        assert_eq!(change.progress.reason, change.event.reason, "{at}");
        assert!(
            !change.event.changed.contains(&"/reason".to_owned()),
            "{at}"
        );
    }
}

#[test]
fn categories_say_what_a_dashboard_needs() {
    let of = |category: StatusCategory| -> Vec<State> {
        State::ALL
            .iter()
            .copied()
            .filter(|state| state.category() == category)
            .collect()
    };
    assert_eq!(of(StatusCategory::Draft), [State::Draft]);
    assert_eq!(
        of(StatusCategory::Pending),
        [
            State::Submitted,
            State::ExceptionReview,
            State::InReview,
            State::Accepted
        ]
    );
    assert_eq!(
        of(StatusCategory::Waiting),
        [State::ActionRequired, State::OnHold]
    );
    assert_eq!(
        of(StatusCategory::Active),
        [State::Scheduled, State::InProgress]
    );
    assert_eq!(of(StatusCategory::Closed).len(), 6);
    let uncounted: Vec<State> = State::ALL
        .iter()
        .copied()
        .filter(|state| !state.counts_as_deal())
        .collect();
    assert_eq!(
        uncounted,
        [
            State::Draft,
            State::Ineligible,
            State::Rejected,
            State::Redirected,
            State::Cancelled
        ]
    );
}

#[test]
fn the_document_has_every_state_and_every_arrow() {
    let text = document();
    for state in State::ALL {
        assert!(
            text.contains(&format!("| `{state}` | {} |", state.category())),
            "{state}"
        );
    }
    for arrow in ARROWS {
        assert!(text.contains(&format!("| `{}` | `{}` |", arrow.from, arrow.to)));
    }
}
