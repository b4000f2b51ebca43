//! `POST /v1/requests/{id}/transitions`

use engagement_desk::domain::actor::Role;
use engagement_desk::domain::lifecycle::{Party, State, between, legal};
use serde_json::{Value, json};

use crate::support::app::{Client, consultation_at_tpd, session_at_pad};
use crate::support::cast::{Cast, path, step, tag};

/// Tries one step as one caller and says what has to come of it.
fn try_step(request: &Value, from: State, to: State, caller: &Client, parties: &[Party]) -> u16 {
    let answer = caller.step(request, &step(to));
    let at = format!("{from} to {to}: {}", answer.body);
    let arrow = between(from, to).filter(|_| to != State::Ineligible);
    match arrow {
        _ if parties.is_empty() => assert_eq!(answer.problem(), "ACTION_FORBIDDEN", "{at}"),
        None => {
            assert_eq!(answer.problem(), "TRANSITION_NOT_ALLOWED", "{at}");
            let problem = answer.json();
            assert_eq!(problem["allowed_transitions"], json!(legal(from)), "{at}");
            assert_eq!(problem["current"]["state"], json!(from), "{at}");
            assert_eq!(
                answer.header("etag").unwrap(),
                problem["current_etag"].as_str().unwrap()
            );
        }
        Some(arrow) if !arrow.by.iter().any(|party| parties.contains(party)) => {
            assert_eq!(answer.problem(), "ACTION_FORBIDDEN", "{at}");
        }
        Some(_) => {
            assert_eq!(answer.status, 200, "{at}");
            assert_eq!(answer.json()["state"], json!(to), "{at}");
        }
    }
    answer.status
}

#[test]
fn every_step_of_every_state_is_taken_by_its_party_and_refused_to_everybody_else() {
    let cast = Cast::start();
    let callers: [(&Client, &[Party]); 5] = [
        (&cast.owner, &[Party::Owner]),
        (&cast.member, &[Party::DeskMember]),
        (&cast.lead, &[Party::DeskMember, Party::DeskLead]),
        (&cast.viewer, &[]),
        (&cast.admin, &[]),
    ];
    let mut taken = Vec::new();
    for from in State::ALL.iter().rev().copied() {
        let mut request = cast.request_in(from);
        assert_eq!(request["state"], json!(from));
        for invisible in [&cast.stranger, &cast.elsewhere, &cast.integration] {
            assert_eq!(
                invisible.step(&request, &step(State::Cancelled)).status,
                404
            );
        }
        for to in State::ALL.iter().copied() {
            for (caller, parties) in callers {
                if (from, to) == (State::Ineligible, State::Redirected) {
                    continue; // Only to where the decision leads: see below.
                }
                if try_step(&request, from, to, caller, parties) == 200 {
                    taken.push((from, to));
                    request = cast.request_in(from);
                }
            }
        }
    }
    taken.dedup();
    let asked_for = State::ALL.iter().flat_map(|from| legal(*from)).count();
    assert_eq!(taken.len(), asked_for - 1, "{taken:?}");
}

#[test]
fn a_request_lives_from_draft_to_completion() {
    let cast = Cast::start();
    let Cast {
        app, owner, member, ..
    } = &cast;
    let draft = cast.request_in(State::Draft);
    assert_eq!(
        draft["allowed_transitions"],
        json!(["submitted", "cancelled"])
    );
    let submitted = owner.take(&draft, &json!({ "to": "submitted" }));
    assert_eq!(submitted["decision"]["eligible"], true);
    assert_eq!(submitted["status_category"], "pending");
    app.set_clock("2026-11-23T08:00:00Z");
    let in_review = member.take(&submitted, &json!({ "to": "in_review" }));
    assert_eq!(in_review["state_since"], "2026-11-23T08:00:00Z");
    assert_eq!(in_review["updated_at"], "2026-11-23T08:00:00Z");
    assert_eq!(in_review["created_at"], "2026-11-22T10:00:00Z");

    let asked =
        json!({ "to": "action_required", "fields": ["estimated_hours"], "reason": "Is it more?" });
    let asked = member.take(&in_review, &asked);
    assert_eq!(asked["status_category"], "waiting");
    assert_eq!(asked["wanted_fields"], json!(["/estimated_hours"]));
    assert_eq!(asked["reason"], "Is it more?");
    let revised = owner.patch(
        &path(&asked),
        &tag(&asked),
        &json!({ "estimated_hours": 16 }),
    );
    assert_eq!(revised.status, 200, "{}", revised.body);
    let answered = owner.take(&asked, &json!({ "to": "in_review" }));
    assert_eq!(answered["wanted_fields"], Value::Null);
    assert_eq!(answered["reason"], Value::Null);

    let accepted = member.take(&asked, &json!({ "to": "accepted", "approved_hours": 14.5 }));
    assert_eq!(
        accepted["hours"],
        json!({ "estimated": 16.0, "approved": 14.5, "logged": 0.0, "remaining": 14.5 })
    );
    let ada = json!({ "name": "Ada Archer", "email": "ada.archer@example.com" });
    let dates = json!({ "to": "scheduled", "assignee": ada, "starts_on": "2026-12-01", "ends_on": "2026-12-01" });
    let scheduled = member.take(&accepted, &dates);
    assert_eq!(scheduled["assignee"], ada);
    assert_eq!(scheduled["starts_on"], "2026-12-01");
    let unassigned = member.take(&scheduled, &json!({ "to": "accepted" }));
    assert_eq!(unassigned["assignee"], Value::Null);
    assert_eq!(unassigned["starts_on"], Value::Null);
    assert_eq!(unassigned["hours"]["approved"], 14.5);

    let scheduled = member.take(&unassigned, &dates);
    let started = member.take(&scheduled, &json!({ "to": "in_progress" }));
    assert_eq!(started["assignee"], ada);
    let hold = json!({ "to": "on_hold", "reason": "Holidays", "resume_on": "2026-11-23" });
    let held = member.take(&started, &hold);
    assert_eq!(held["resume_on"], "2026-11-23");
    let resumed = member.take(&held, &json!({ "to": "in_progress" }));
    assert_eq!(resumed["resume_on"], Value::Null);
    let done = member.take(
        &resumed,
        &json!({ "to": "completed", "outcome": "Rolled out." }),
    );
    assert_eq!(done["outcome"], "Rolled out.");
    assert_eq!(done["status_category"], "closed");
    assert_eq!(done["allowed_transitions"], json!([]));
    assert_eq!(done["version"], 14);
    assert_eq!(done["reference"], draft["reference"]);
}

#[test]
fn a_step_that_says_too_little_is_told_everything_it_lacks() {
    let cast = Cast::start();
    let steps: [(State, &str, &[&str], &Client); 12] = [
        (State::Submitted, "draft", &["/reason"], &cast.owner),
        (State::Submitted, "cancelled", &["/reason"], &cast.owner),
        (
            State::Submitted,
            "redirected",
            &["/destination", "/reason"],
            &cast.member,
        ),
        (
            State::Ineligible,
            "exception_review",
            &["/reason"],
            &cast.owner,
        ),
        (
            State::ExceptionReview,
            "submitted",
            &["/reason", "/waived_rules"],
            &cast.lead,
        ),
        (State::ExceptionReview, "rejected", &["/reason"], &cast.lead),
        (
            State::InReview,
            "action_required",
            &["/fields"],
            &cast.member,
        ),
        (State::InReview, "rejected", &["/reason"], &cast.member),
        (
            State::Accepted,
            "scheduled",
            &["/assignee", "/starts_on", "/ends_on"],
            &cast.member,
        ),
        (
            State::InProgress,
            "on_hold",
            &["/reason", "/resume_on"],
            &cast.member,
        ),
        (State::InProgress, "completed", &["/outcome"], &cast.member),
        (State::Completed, "in_progress", &["/reason"], &cast.lead),
    ];
    for (from, to, lacking, caller) in steps {
        let request = cast.request_in(from);
        // Blanks say nothing.
        let blank = json!({ "to": to, "reason": " ", "outcome": "\t", "destination": " ", "fields": [], "waived_rules": [] });
        for body in [json!({ "to": to }), blank] {
            let answer = caller.step(&request, &body);
            assert_eq!(answer.problem(), "VALIDATION_FAILED", "{from} to {to}");
            let problem = answer.json();
            let errors = problem["errors"].as_array().unwrap();
            let pointers: Vec<_> = errors
                .iter()
                .map(|fault| fault["pointer"].as_str().unwrap())
                .collect();
            assert_eq!(pointers, lacking, "{from} to {to}");
            assert!(errors.iter().all(|fault| fault["code"] == "REQUIRED"));
        }
        assert_eq!(
            caller.get(&path(&request)).json(),
            request_as(caller, &request)
        );
    }
}

/// The request as this caller sees it, who may not be the one it was answered to.
fn request_as(caller: &Client, request: &Value) -> Value {
    let mut request = request.clone();
    let allowed = caller.get(&path(&request)).json()["allowed_transitions"].clone();
    request["allowed_transitions"] = allowed;
    request
}

#[test]
fn dates_that_cannot_be_are_refused() {
    let cast = Cast::start();
    let accepted = cast.request_in(State::Accepted);
    let mut schedule = step(State::Scheduled);
    schedule["ends_on"] = json!("2026-11-30");
    let answer = cast.member.step(&accepted, &schedule);
    assert_eq!(answer.problem(), "VALIDATION_FAILED");
    assert_eq!(answer.json()["errors"][0]["pointer"], "/ends_on");

    let started = cast.member.take(&accepted, &step(State::InProgress));
    let mut hold = step(State::OnHold);
    hold["resume_on"] = json!("2026-11-21");
    let answer = cast.member.step(&started, &hold);
    assert_eq!(answer.json()["errors"][0]["pointer"], "/resume_on");
    hold["resume_on"] = json!("2026-02-30");
    let answer = cast.member.step(&started, &hold);
    assert_eq!(answer.problem(), "VALIDATION_FAILED");
    assert_eq!(answer.json()["errors"][0]["pointer"], "/resume_on");
}

#[test]
fn a_lead_grants_an_exception_by_naming_the_rules_that_are_waived() {
    let cast = Cast::start();
    let Cast { owner, lead, .. } = &cast;
    let appealed = cast.request_in(State::ExceptionReview);
    let answer = lead.step(
        &appealed,
        &json!({ "to": "submitted", "reason": "Worth it.", "waived_rules": ["tpd.delivery"] }),
    );
    assert_eq!(answer.problem(), "VALIDATION_FAILED");
    assert_eq!(answer.json()["errors"][0]["pointer"], "/waived_rules");
    assert!(answer.body.contains("tpd.hours"), "{}", answer.body);

    let granted = lead.take(
        &appealed,
        &json!({ "to": "submitted", "reason": "Worth it.", "waived_rules": ["tpd.hours"] }),
    );
    assert_eq!(granted["waived_rules"], json!(["tpd.hours"]));
    assert_eq!(granted["reason"], "Worth it.");
    assert_eq!(granted["decision"]["eligible"], true);
    let rules = granted["decision"]["rules"].as_array().unwrap();
    let hours = rules
        .iter()
        .find(|rule| rule["rule"] == "tpd.hours")
        .unwrap();
    assert_eq!(hours["outcome"], "fail");
    assert_eq!(hours["waived"], true);

    // Taken back, the exception is gone with it.
    let recalled = owner.take(&granted, &json!({ "to": "draft", "reason": "Not yet." }));
    assert_eq!(recalled["waived_rules"], Value::Null);
    let again = owner.step(&recalled, &json!({ "to": "submitted" }));
    assert_eq!(again.problem(), "INELIGIBLE");
    assert_eq!(again.json()["request"]["state"], "ineligible");
    let etag = again.header("etag").unwrap();
    assert_eq!(etag, tag(&again.json()["request"]));
}

#[test]
fn an_exception_is_asked_for_only_where_all_that_failed_can_be_waived() {
    let cast = Cast::start();
    let mut body = consultation_at_tpd(30.0);
    body["delivery"] = json!("on_site");
    let refused = cast.owner.refused(&body);
    let open = json!(["draft"]);
    assert_eq!(refused["allowed_transitions"], open);
    let answer = cast.owner.step(&refused, &step(State::ExceptionReview));
    assert_eq!(answer.problem(), "TRANSITION_NOT_ALLOWED");
    assert_eq!(answer.json()["allowed_transitions"], open);

    // What is missing can be given, so it is no matter for an exception either.
    let mut body = consultation_at_tpd(30.0);
    body["delivery"] = Value::Null;
    let refused = cast.owner.refused(&body);
    let answer = cast.owner.step(&refused, &step(State::ExceptionReview));
    assert_eq!(answer.problem(), "TRANSITION_NOT_ALLOWED");
}

#[test]
fn a_lead_does_not_decide_on_a_request_of_their_own() {
    let cast = Cast::start();
    let own_lead = cast.app.of_desk("Paula@Example.com", Role::DeskLead, "tpd");
    let appealed = cast.request_in(State::ExceptionReview);
    for to in [State::Submitted, State::Rejected] {
        let answer = own_lead.step(&appealed, &step(to));
        assert_eq!(answer.problem(), "ACTION_FORBIDDEN", "{to}");
    }
    assert_eq!(
        own_lead.get(&path(&appealed)).json()["allowed_transitions"],
        json!(["cancelled"])
    );

    // Nor on one they have sent for somebody else.
    let mut body = consultation_at_tpd(30.0);
    body["requested_by"] =
        json!({ "name": "Pia", "email": "pia@example.com", "relationship": "pts" });
    let sent = cast.integration.refused(&body);
    let appealed = cast.integration.take(&sent, &step(State::ExceptionReview));
    for own in ["crm", "pia@example.com"] {
        let own_lead = cast.app.of_desk(own, Role::DeskLead, "tpd");
        let answer = own_lead.step(&appealed, &step(State::Submitted));
        assert_eq!(answer.problem(), "ACTION_FORBIDDEN", "{own}");
    }
    assert_eq!(
        cast.lead.take(&appealed, &step(State::Submitted))["state"],
        "submitted"
    );
}

#[test]
fn what_the_desk_asked_for_is_judged_before_the_review_goes_on() {
    let cast = Cast::start();
    let asked = cast.request_in(State::ActionRequired);
    let revised = cast
        .owner
        .patch(
            &path(&asked),
            &tag(&asked),
            &json!({ "estimated_hours": 25 }),
        )
        .json();
    let answer = cast.owner.step(&revised, &json!({ "to": "in_review" }));
    assert_eq!(answer.problem(), "INELIGIBLE");
    assert_eq!(answer.json()["errors"][0]["pointer"], "/estimated_hours");
    let now = cast.owner.get(&path(&asked)).json();
    assert_eq!(now["state"], "action_required");
    assert_eq!(now["version"], revised["version"]);
    let revised = cast
        .owner
        .patch(&path(&now), &tag(&now), &json!({ "estimated_hours": 24 }));
    assert_eq!(revised.status, 200);
    assert_eq!(
        cast.owner.take(&now, &json!({ "to": "in_review" }))["state"],
        "in_review"
    );
}

#[test]
fn a_desk_that_was_recommended_stays_the_one_that_judges() {
    let cast = Cast::start();
    let mut body = consultation_at_tpd(12.0);
    body["desk"] = Value::Null;
    let submitted = cast.owner.create(&body);
    assert_eq!(
        (&submitted["desk"], &submitted["desk_recommended"]),
        (&json!("tpd"), &json!(true))
    );
    let in_review = cast.member.take(&submitted, &json!({ "to": "in_review" }));
    let fields = json!(["service", "motion", "customer"]);
    let asked = cast.member.take(
        &in_review,
        &json!({ "to": "action_required", "fields": fields }),
    );
    let pad = session_at_pad();
    let patch =
        json!({ "service": pad["service"], "motion": pad["motion"], "customer": pad["customer"] });
    let revised = cast.owner.patch(&path(&asked), &tag(&asked), &patch);
    assert_eq!(revised.status, 200, "{}", revised.body);
    let answer = cast.owner.step(&asked, &json!({ "to": "in_review" }));
    assert_eq!(answer.problem(), "INELIGIBLE");
    assert_eq!(answer.json()["decision"]["desk"], "tpd");
    assert_eq!(answer.json()["errors"][0]["pointer"], "/service");
}

#[test]
fn a_desk_can_only_ask_for_facts_that_there_are() {
    let cast = Cast::start();
    let in_review = cast.request_in(State::InReview);
    let asking = |field: &str| json!({ "to": "action_required", "fields": ["/title", field] });
    for unknown in [
        "/estimated_hour",
        "/desk",
        "",
        "/customer/nmae",
        "/customer//name",
        "/involves/0",
        "/state",
        "/requested_by/email",
    ] {
        let answer = cast.member.step(&in_review, &asking(unknown));
        assert_eq!(answer.problem(), "VALIDATION_FAILED", "{unknown}");
        assert_eq!(answer.json()["errors"][0]["pointer"], "/fields/1");
    }
    for known in ["/metadata/region", "partner", "/partner/mpn_id", "involves"] {
        let asked = cast.member.take(&in_review, &asking(known));
        let again = cast.owner.take(&asked, &json!({ "to": "in_review" }));
        assert_eq!(again["state"], "in_review", "{known}");
    }
}

#[test]
fn a_completed_request_is_reopened_once_and_within_fourteen_days() {
    let cast = Cast::start();
    let app = &cast.app;
    let done = cast.request_in(State::Completed);
    let late = cast.request_in(State::Completed);
    app.set_clock("2026-12-06T10:00:00Z");
    let reopened = cast.lead.take(&done, &step(State::InProgress));
    assert_eq!(reopened["outcome"], Value::Null);
    let again = cast.member.take(&reopened, &step(State::Completed));
    let answer = cast.lead.step(&again, &step(State::InProgress));
    assert_eq!(answer.problem(), "TRANSITION_NOT_ALLOWED");
    assert_eq!(answer.json()["allowed_transitions"], json!([]));

    app.set_clock("2026-12-06T10:00:01Z");
    let answer = cast.lead.step(&late, &step(State::InProgress));
    assert_eq!(answer.problem(), "TRANSITION_NOT_ALLOWED");
}

#[test]
fn nothing_becomes_scheduled_again_without_an_architect_and_dates() {
    let cast = Cast::start();
    let held = cast.request_in(State::OnHold);
    assert_eq!(held["starts_on"], Value::Null);
    let answer = cast.member.step(&held, &json!({ "to": "scheduled" }));
    assert_eq!(answer.problem(), "VALIDATION_FAILED");
    let scheduled = cast.member.take(&held, &step(State::Scheduled));
    assert_eq!(scheduled["starts_on"], "2026-12-01");
    assert_eq!(scheduled["assignee"]["name"], "Ada Archer");

    // What was set before the pause still holds after it.
    let held = cast.member.take(&scheduled, &step(State::OnHold));
    let resumed = cast.member.take(&held, &json!({ "to": "scheduled" }));
    assert_eq!(resumed["assignee"], scheduled["assignee"]);
    assert_eq!(resumed["ends_on"], scheduled["ends_on"]);
}

#[test]
fn a_step_that_names_a_version_is_taken_in_that_version_only() {
    let cast = Cast::start();
    let submitted = cast.request_in(State::Submitted);
    let steps = format!("{}/transitions", path(&submitted));
    let in_review = json!({ "to": "in_review" });
    let with = |tag: &str| {
        cast.member
            .post_with(&steps, &[("If-Match", tag)], &in_review)
    };
    let stale = with("\"2-full\"");
    assert_eq!(stale.problem(), "PRECONDITION_FAILED");
    assert_eq!(stale.json()["current"]["version"], 1);
    assert_eq!(stale.json()["current_etag"], "\"1-full\"");
    assert_eq!(with("W/\"1-full\"").problem(), "PRECONDITION_FAILED");
    assert_eq!(with("1-full").problem(), "IF_MATCH_MALFORMED");
    assert_eq!(with("\"7-full\", \"1-full\"").status, 200);
    // The version counts before the state does.
    assert_eq!(with("\"1-full\"").problem(), "PRECONDITION_FAILED");
    assert_eq!(with("\"2-full\"").problem(), "TRANSITION_NOT_ALLOWED");
}

#[test]
fn a_step_that_cannot_be_read_is_refused() {
    let cast = Cast::start();
    let submitted = cast.request_in(State::Submitted);
    let fault = |body: Value| {
        let answer = cast.member.step(&submitted, &body);
        let pointer = answer.json()["errors"][0]["pointer"].clone();
        (answer.problem(), pointer)
    };
    let validation = |pointer: &str| ("VALIDATION_FAILED".to_owned(), json!(pointer));
    assert_eq!(fault(json!({})), validation("/to"));
    assert_eq!(fault(json!({ "to": "done" })), validation("/to"));
    assert_eq!(
        fault(json!({ "to": "accepted", "approved_hours": 0 })),
        validation("/approved_hours")
    );
    assert_eq!(
        fault(json!({ "to": "in_review", "because": "so" })),
        ("UNKNOWN_FIELD".to_owned(), json!("/because"))
    );
    let nobody = format!(
        "{}/transitions",
        "/v1/requests/01998a52-8e4b-7c31-9d7e-3b1f0a6c2d44"
    );
    let answer = cast.member.post(&nobody, &json!({ "to": "in_review" }));
    assert_eq!(answer.problem(), "NOT_FOUND");
}

#[test]
fn an_integration_acts_for_the_person_it_submits_for() {
    let cast = Cast::start();
    let mut body = consultation_at_tpd(12.0);
    body["requested_by"] =
        json!({ "name": "Pia", "email": "Pia@Example.com", "relationship": "pts" });
    let sent = cast.integration.create(&body);
    let recalled = cast.integration.take(&sent, &step(State::Draft));
    let pia = cast.app.pdm("pia@example.com");
    let submitted = pia.take(&recalled, &json!({ "to": "submitted" }));
    assert_eq!(submitted["submitted_by"], "crm");
    let lines = pia.get(&format!("{}/events", path(&sent))).json();
    let actors: Vec<_> = lines["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|line| (&line["actor"]["subject"], &line["actor"]["on_behalf_of"]))
        .collect();
    let (crm, pia) = (json!("crm"), json!("pia@example.com"));
    assert_eq!(actors, [(&crm, &pia), (&crm, &pia), (&pia, &Value::Null)]);
}
