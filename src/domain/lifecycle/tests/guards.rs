//! Each condition of an arrow, in both directions.

use super::*;

#[test]
fn the_rules_decide_what_becomes_of_a_submission() {
    let draft = request(State::Draft);
    for (verdict, state) in [
        (eligible(), State::Submitted),
        (too_long(), State::Ineligible),
    ] {
        let plan = plan(&draft, State::Submitted, &owner(), now()).unwrap();
        assert!(plan.needs_judgement());
        let change = plan
            .take(Step::default(), Some(verdict.clone()), None, now())
            .unwrap();
        assert_eq!(change.state, state);
        assert_eq!(change.event.to, state);
        assert_eq!(change.decision, Some(verdict));
    }
}

#[test]
fn nothing_is_submitted_before_the_rules_are_asked() {
    let mut recalled = request(State::Draft);
    recalled.decision = Some(eligible());
    let plan = plan(&recalled, State::Submitted, &owner(), now()).unwrap();
    let unasked = plan.take(Step::default(), None, None, now());
    assert!(matches!(unasked, Err(Refusal::GuardFails(_))));
}

#[test]
fn answers_and_exceptions_get_through_only_when_the_rules_let_them() {
    for (from, to, caller) in [
        (State::ActionRequired, State::InReview, owner()),
        (State::ExceptionReview, State::Submitted, lead()),
    ] {
        let request = request(from);
        let plan = || plan(&request, to, &caller, now()).unwrap();
        assert!(plan().needs_judgement());
        let refused = plan().take(everything(), Some(too_long()), None, now());
        assert_eq!(refused, Err(Refusal::Ineligible(Box::new(too_long()))));
        let unasked = plan().take(everything(), None, None, now());
        assert!(matches!(unasked, Err(Refusal::GuardFails(_))));
        let passed = plan()
            .take(everything(), Some(eligible()), None, now())
            .unwrap();
        assert_eq!(passed.decision, Some(eligible()));
    }
    // No other step asks them.
    for arrow in ARROWS.iter().filter(|arrow| arrow.by != [Party::System]) {
        let asks = matches!(
            (arrow.from, arrow.to),
            (State::Draft, State::Submitted)
                | (State::ActionRequired, State::InReview)
                | (State::ExceptionReview, State::Submitted)
        );
        let request = request(arrow.from);
        for caller in [owner(), member(), lead()] {
            if let Ok(plan) = plan(&request, arrow.to, &caller, now()) {
                assert_eq!(
                    plan.needs_judgement(),
                    asks,
                    "{} to {}",
                    arrow.from,
                    arrow.to
                );
            }
        }
    }
}

#[test]
fn an_exception_is_asked_for_only_where_everything_in_the_way_can_be_waived() {
    let hours = || rule("tpd.hours", Outcome::Fail, true);
    for (rules, may) in [
        (vec![hours()], true),
        (vec![hours(), rule("tpd.other", Outcome::Fail, true)], true),
        (
            vec![hours(), rule("tpd.service", Outcome::Pass, false)],
            true,
        ),
        (
            vec![hours(), rule("tpd.wording", Outcome::Warn, false)],
            true,
        ),
        (
            vec![hours(), rule("tpd.delivery", Outcome::Fail, false)],
            false,
        ),
        (
            vec![hours(), rule("tpd.member", Outcome::Unknown, true)],
            false,
        ),
        (vec![rule("tpd.delivery", Outcome::Fail, false)], false),
        (vec![], false),
    ] {
        let mut request = request(State::Ineligible);
        request.decision = Some(decision(rules.clone()));
        let got = plan(&request, State::ExceptionReview, &owner(), now());
        assert_eq!(got.is_ok(), may, "{rules:?}");
        if !may {
            assert!(matches!(got, Err(Refusal::GuardFails(_))), "{got:?}");
        }
    }
    let mut request = request(State::Ineligible);
    request.decision = None;
    assert!(plan(&request, State::ExceptionReview, &owner(), now()).is_err());
}

#[test]
fn nobody_decides_on_an_exception_of_their_own() {
    let mut appealed = request(State::ExceptionReview);
    appealed.submitted_by = "crm".to_owned();
    for to in [State::Submitted, State::Rejected] {
        for own in [OWNER, "crm"] {
            let got = plan(&appealed, to, &caller(Role::DeskLead, own), now());
            assert!(matches!(got, Err(Refusal::NotForCaller(_))), "{got:?}");
        }
        assert!(plan(&appealed, to, &lead(), now()).is_ok());
    }
    // To call it off is not to decide on it.
    assert!(
        plan(
            &appealed,
            State::Cancelled,
            &caller(Role::DeskLead, OWNER),
            now()
        )
        .is_ok()
    );
}

#[test]
fn only_rules_that_stand_in_the_way_are_waived() {
    let mut appealed = request(State::ExceptionReview);
    appealed.decision = Some(decision(vec![
        rule("tpd.hours", Outcome::Fail, true),
        rule("tpd.split_need", Outcome::Warn, false),
        rule("tpd.member", Outcome::Pass, false),
    ]));
    for stranger in ["tpd.split_need", "tpd.member", "nothing"] {
        let waived_rules = vec!["tpd.hours".to_owned(), stranger.to_owned()];
        let step = Step {
            waived_rules,
            ..everything()
        };
        let refusal = take(&appealed, State::Submitted, step).unwrap_err();
        assert!(
            matches!(&refusal, Refusal::Invalid { member: Need::WaivedRules, message } if message.contains("tpd.hours")),
            "{refusal:?}"
        );
    }
    let granted = taken(&appealed, State::Submitted, everything());
    assert_eq!(granted.progress.waived_rules, ["tpd.hours"]);
    assert_eq!(granted.event.changed, ["/waived_rules"]);
}

#[test]
fn whoever_is_refused_goes_only_where_the_decision_leads() {
    let refused = request(State::Ineligible);
    let step = |place: &str| Step {
        destination: Some(place.to_owned()),
        ..Step::default()
    };
    for elsewhere in ["gps", "msrc", "Premier"] {
        let refusal = take(&refused, State::Redirected, step(elsewhere)).unwrap_err();
        assert!(matches!(
            refusal,
            Refusal::Invalid {
                member: Need::Destination,
                ..
            }
        ));
    }
    let change = taken(&refused, State::Redirected, step("premier_support"));
    assert_eq!(
        change.progress.destination.as_deref(),
        Some("premier_support")
    );

    let mut homeless = refused;
    homeless.decision.as_mut().unwrap().destinations.clear();
    let refusal = plan(&homeless, State::Redirected, &owner(), now()).unwrap_err();
    assert!(matches!(refusal, Refusal::GuardFails(_)));
    // A desk knows its ways: it is not bound by the decision.
    assert!(take(&request(State::InReview), State::Redirected, everything()).is_ok());
}

#[test]
fn a_completed_request_is_reopened_once_and_for_fourteen_days() {
    let done = request(State::Completed);
    let reopen = |request: &Request, later: TimeDelta| {
        plan(request, State::InProgress, &lead(), now() + later).map(|_| ())
    };
    assert_eq!(reopen(&done, TimeDelta::days(14)), Ok(()));
    let late = TimeDelta::days(14) + TimeDelta::microseconds(1);
    assert!(matches!(reopen(&done, late), Err(Refusal::GuardFails(_))));
    let change = taken(&done, State::InProgress, everything());
    assert!(change.progress.reopened);
    assert_eq!(change.progress.outcome, None);
    let mut again = done;
    again.progress.reopened = true;
    assert!(matches!(
        reopen(&again, TimeDelta::zero()),
        Err(Refusal::GuardFails(_))
    ));
}

#[test]
fn dates_have_to_follow_each_other_and_a_pause_ends_in_the_future() {
    let accepted = request(State::Accepted);
    let dates = |starts_on: &str, ends_on: &str| Step {
        starts_on: day(starts_on),
        ends_on: day(ends_on),
        ..everything()
    };
    let backwards = take(
        &accepted,
        State::Scheduled,
        dates("2026-12-02", "2026-12-01"),
    );
    assert!(matches!(
        backwards,
        Err(Refusal::Invalid {
            member: Need::EndsOn,
            ..
        })
    ));
    assert!(
        take(
            &accepted,
            State::Scheduled,
            dates("2026-12-01", "2026-12-01")
        )
        .is_ok()
    );

    let started = request(State::InProgress);
    let pause = |until: &str| Step {
        resume_on: day(until),
        ..everything()
    };
    let past = take(&started, State::OnHold, pause("2026-11-21"));
    assert!(matches!(
        past,
        Err(Refusal::Invalid {
            member: Need::ResumeOn,
            ..
        })
    ));
    let held = taken(&started, State::OnHold, pause("2026-11-22"));
    assert_eq!(held.progress.resume_on, day("2026-11-22"));
}
