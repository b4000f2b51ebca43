//! `/v1/requests/{id}/time-entries`

use serde_json::{Value, json};

use super::races::race;
use crate::support::app::{Client, TestApp, consultation_at_tpd};

/// A consultation of 24 hours that is being delivered, and somebody of its desk.
fn in_progress(app: &TestApp) -> (Value, Client) {
    let request = app
        .pdm("paula@example.com")
        .create(&consultation_at_tpd(24.0));
    let member = app.member("tpd");
    for to in ["in_review", "accepted", "in_progress"] {
        member.take(&request, &json!({ "to": to }));
    }
    (request, member)
}

fn path(request: &Value) -> String {
    format!(
        "/v1/requests/{}/time-entries",
        request["id"].as_str().unwrap()
    )
}

#[test]
fn hours_expected_agreed_logged_and_left_are_shown_apart() {
    let app = TestApp::start();
    let (request, member) = in_progress(&app);
    let entry = json!({ "hours": 4.5, "worked_on": "2026-11-20", "note": "Network design" });
    let answer = member.post(&path(&request), &entry);
    assert_eq!(answer.status, 201, "{}", answer.body);
    assert_eq!(answer.json()["logged_by"], "member@tpd.example");
    let shown = member
        .get(&format!("/v1/requests/{}", request["id"].as_str().unwrap()))
        .json();
    let hours = json!({ "estimated": 24.0, "approved": 24.0, "logged": 4.5, "remaining": 19.5 });
    assert_eq!(shown["hours"], hours);
    let entries = app.viewer().get(&path(&request)).json();
    assert_eq!(entries["items"][0]["hours"], 4.5);
    assert_eq!(
        entries["items"][0].get("note"),
        None,
        "a dashboard sees no notes"
    );
}

#[test]
fn a_desk_approves_no_more_hours_than_it_gives_one_request() {
    let app = TestApp::start();
    let owner = app.pdm("paula@example.com");
    let (member, lead) = (app.member("tpd"), app.lead("tpd"));
    let request = owner.create(&consultation_at_tpd(24.0));
    member.take(&request, &json!({ "to": "in_review" }));
    let refused = member.step(
        &request,
        &json!({ "to": "accepted", "approved_hours": 25.5 }),
    );
    assert_eq!(refused.problem(), "VALIDATION_FAILED");
    let fault = &refused.json()["errors"][0];
    assert_eq!(
        (&fault["pointer"], &fault["code"]),
        (&json!("/approved_hours"), &json!("OVER_BUDGET"))
    );
    let all = json!({ "to": "accepted", "approved_hours": 25 });
    assert_eq!(member.take(&request, &all)["hours"]["remaining"], 25.0);

    // An exception lets a longer one in, and not more hours be worked.
    let long = owner.refused(&consultation_at_tpd(30.0));
    owner.take(
        &long,
        &json!({ "to": "exception_review", "reason": "Both sites." }),
    );
    let waived = json!({ "to": "submitted", "reason": "Agreed.", "waived_rules": ["tpd.hours"] });
    lead.take(&long, &waived);
    member.take(&long, &json!({ "to": "in_review" }));
    let accepted = member.take(&long, &json!({ "to": "accepted" }));
    assert_eq!(
        accepted["hours"],
        json!({ "estimated": 30.0, "approved": 25.0, "logged": 0.0, "remaining": 25.0 })
    );
}

#[test]
fn however_many_log_at_once_a_consultation_gets_no_more_than_twenty_five_hours() {
    let app = TestApp::start();
    let (request, member) = in_progress(&app);
    let entry = json!({ "hours": 1, "worked_on": "2026-11-20" });
    let statuses = race(32, |_| member.post(&path(&request), &entry).status);
    assert_eq!(
        statuses.iter().filter(|status| **status == 201).count(),
        25,
        "{statuses:?}"
    );
    assert_eq!(
        statuses.iter().filter(|status| **status == 422).count(),
        7,
        "{statuses:?}"
    );
    assert_eq!(
        app.db.query("select sum(hours) from time_entries").unwrap(),
        ["25"]
    );
}

#[test]
fn hours_are_logged_by_the_desk_on_work_in_progress_in_quarters_and_not_ahead() {
    let app = TestApp::start();
    let (request, member) = in_progress(&app);
    let path = path(&request);
    let paula = app.pdm("paula@example.com");
    let entry = json!({ "hours": 1, "worked_on": "2026-11-20" });
    assert_eq!(paula.post(&path, &entry).problem(), "ACTION_FORBIDDEN");
    assert_eq!(app.member("pad").post(&path, &entry).problem(), "NOT_FOUND");
    let ahead = member.post(&path, &json!({ "hours": 1.1, "worked_on": "2026-11-23" }));
    assert_eq!(ahead.problem(), "VALIDATION_FAILED");
    assert_eq!(
        ahead.json()["errors"].as_array().unwrap().len(),
        2,
        "{}",
        ahead.body
    );
    member.take(&request, &json!({ "to": "completed", "outcome": "Done" }));
    assert_eq!(
        member.post(&path, &entry).problem(),
        "TRANSITION_NOT_ALLOWED"
    );
}
