//! What each step changes, and what it leaves.

use super::*;

#[test]
fn a_successor_is_linked_from_both_sides() {
    let predecessor = request(State::Submitted);
    let id = Uuid::from_u128(7);
    let plan = plan(&predecessor, State::Redirected, &member(), now()).unwrap();
    let change = plan.take(everything(), None, Some(id), now()).unwrap();
    assert_eq!(change.progress.successor_id, Some(id));
    let facts = Facts {
        desk: Some("gps".to_owned()),
        ..predecessor.facts.clone()
    };
    let successor = NewRequest::succeeding(&predecessor, facts, eligible());
    assert_eq!(successor.progress.predecessor_id, Some(predecessor.id));
    assert_eq!(successor.requested_by, predecessor.requested_by);
    assert_eq!(successor.submitted_by, predecessor.submitted_by);
    assert_eq!(successor.state, State::Submitted);
}

#[test]
fn what_was_scheduled_before_a_pause_need_not_be_said_again() {
    let mut held = request(State::OnHold);
    let needed = vec![Need::Assignee, Need::StartsOn, Need::EndsOn];
    let silent = take(&held, State::Scheduled, Step::default());
    assert_eq!(silent, Err(Refusal::Missing(needed)));

    held.progress.assignee = Some(ada());
    held.progress.starts_on = day("2026-12-01");
    held.progress.ends_on = day("2026-12-02");
    held.progress.resume_on = day("2026-12-24");
    let resumed = taken(&held, State::Scheduled, Step::default());
    assert_eq!(resumed.progress.assignee, Some(ada()));
    assert_eq!(resumed.progress.ends_on, day("2026-12-02"));
    assert_eq!(resumed.progress.resume_on, None);
    let later = Step {
        starts_on: day("2027-01-01"),
        ..Step::default()
    };
    let backwards = take(&held, State::Scheduled, later);
    assert!(matches!(
        backwards,
        Err(Refusal::Invalid {
            member: Need::EndsOn,
            ..
        })
    ));
}

#[test]
fn nobody_but_the_desk_says_who_delivers() {
    for arrow in ARROWS
        .iter()
        .filter(|arrow| arrow.by.contains(&Party::Owner))
    {
        let change = plan(&request(arrow.from), arrow.to, &owner(), now())
            .and_then(|plan| plan.take(everything(), Some(eligible()), None, now()));
        if let Ok(change) = change {
            assert_eq!(
                change.progress.assignee, None,
                "{} to {}",
                arrow.from, arrow.to
            );
        }
    }
    for (from, to) in [
        (State::Submitted, State::InReview),
        (State::Accepted, State::InProgress),
        (State::Scheduled, State::InProgress),
    ] {
        let change = taken(&request(from), to, everything());
        assert_eq!(change.progress.assignee, Some(ada()));
    }
}

#[test]
fn each_step_keeps_what_belongs_to_it() {
    let progress = |from, to| taken(&request(from), to, everything()).progress;
    let rejected = progress(State::InReview, State::Rejected);
    assert_eq!(rejected.reason_code.as_deref(), Some("no_capacity"));
    let step = Step {
        reason_code: None,
        ..everything()
    };
    let rejected = taken(&request(State::ExceptionReview), State::Rejected, step);
    assert_eq!(rejected.progress.reason_code.as_deref(), Some("other"));

    let accepted = progress(State::InReview, State::Accepted);
    assert_eq!(accepted.approved_hours, Some(10.0));
    let accepted = taken(&request(State::InReview), State::Accepted, Step::default());
    assert_eq!(accepted.progress.approved_hours, Some(12.0), "as estimated");

    let asked = progress(State::InReview, State::ActionRequired);
    assert_eq!(asked.wanted_fields, ["/estimated_hours"]);
    let scheduled = progress(State::Accepted, State::Scheduled);
    assert_eq!(scheduled.assignee, Some(ada()));
    assert_eq!(scheduled.starts_on, day("2026-12-01"));
    let completed = progress(State::InProgress, State::Completed);
    assert_eq!(completed.outcome.as_deref(), Some("A plan."));

    let mut scheduled = request(State::Scheduled);
    scheduled.progress.assignee = Some(ada());
    scheduled.progress.starts_on = day("2026-12-01");
    scheduled.progress.ends_on = day("2026-12-02");
    scheduled.progress.approved_hours = Some(10.0);
    let unassigned = taken(&scheduled, State::Accepted, everything());
    assert_eq!(
        unassigned.event.changed,
        ["/assignee", "/ends_on", "/starts_on"]
    );
    assert_eq!(unassigned.progress.approved_hours, Some(10.0));
    let started = taken(&scheduled, State::InProgress, Step::default());
    assert_eq!(started.progress.assignee, Some(ada()));
}

#[test]
fn what_is_taken_back_loses_its_exception_and_what_was_asked_for() {
    for from in [State::Submitted, State::InReview, State::ActionRequired] {
        let mut request = request(from);
        request.progress.waived_rules = vec!["tpd.hours".to_owned()];
        request.progress.wanted_fields = vec!["/title".to_owned()];
        let recalled = taken(&request, State::Draft, everything());
        assert_eq!(recalled.progress.waived_rules, [""; 0], "{from}");
        assert_eq!(recalled.progress.wanted_fields, [""; 0], "{from}");
    }
    let mut asked = request(State::ActionRequired);
    asked.progress.waived_rules = vec!["tpd.hours".to_owned()];
    asked.progress.wanted_fields = vec!["/title".to_owned()];
    let answered = taken(&asked, State::InReview, Step::default());
    assert_eq!(answered.progress.wanted_fields, [""; 0]);
    assert_eq!(
        answered.progress.waived_rules,
        ["tpd.hours"],
        "an answer keeps the exception"
    );
}

#[test]
fn facts_change_in_a_draft_and_while_the_desk_waits_only_as_asked() {
    let changed = |request: &Request| Facts {
        title: Some("Another".to_owned()),
        customer: Some(Customer {
            name: Some("Fabrikam".to_owned()),
            ..Customer::default()
        }),
        ..request.facts.clone()
    };
    for state in State::ALL.iter().copied() {
        let request = request(state);
        let result = revise(&request, changed(&request));
        match state {
            State::Draft => {
                let change = result.unwrap();
                assert_eq!(change.event.kind, EventKind::Revised);
                assert_eq!(change.event.changed, ["/customer/name", "/title"]);
                assert_eq!(change.state, State::Draft);
            }
            State::ActionRequired => {
                let unwanted = vec!["/customer/name".to_owned(), "/title".to_owned()];
                assert_eq!(result, Err(Refusal::NotWanted(unwanted)));
            }
            other => assert_eq!(result, Err(Refusal::NotRevisable(other))),
        }
    }
    let mut asked = request(State::ActionRequired);
    for (wanted, refused) in [
        (vec!["/title", "/customer"], vec![]),
        (vec!["/title", "/customer/name"], vec![]),
        (vec!["/title", "/cust"], vec!["/customer/name"]),
        (vec!["/title", "/customer/consent"], vec!["/customer/name"]),
        (vec!["/customer"], vec!["/title"]),
    ] {
        asked.progress.wanted_fields = wanted.iter().map(ToString::to_string).collect();
        let result = revise(&asked, changed(&asked));
        if refused.is_empty() {
            let change = result.unwrap();
            assert_eq!(change.state, State::ActionRequired);
            assert_eq!(change.progress, asked.progress);
        } else {
            let refused = refused.iter().map(ToString::to_string).collect();
            assert_eq!(result, Err(Refusal::NotWanted(refused)), "{wanted:?}");
        }
    }
}

#[test]
fn a_draft_goes_to_the_desk_its_facts_name_and_others_stay_where_they_are() {
    let draft = request(State::Draft);
    let at = |desk: Option<&str>| Facts {
        desk: desk.map(str::to_owned),
        ..draft.facts.clone()
    };
    assert_eq!(
        revise(&draft, at(Some("gps"))).unwrap().desk.as_deref(),
        Some("gps")
    );
    assert_eq!(revise(&draft, at(None)).unwrap().desk, None);
    let mut asked = request(State::ActionRequired);
    asked.progress.wanted_fields = vec!["/desk".to_owned()];
    assert_eq!(
        revise(&asked, at(Some("gps"))).unwrap().desk.as_deref(),
        Some("tpd")
    );
}
