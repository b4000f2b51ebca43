//! `POST /v1/requests`

use serde_json::json;

use crate::support::app::{TestApp, consultation_at_tpd, session_at_pad};

#[test]
fn an_eligible_request_is_in_the_desks_queue_at_once() {
    let app = TestApp::start();
    let answer = app
        .pdm("paula@example.com")
        .post("/v1/requests", &session_at_pad());
    assert_eq!(answer.status, 201, "{}", answer.body);
    let request = answer.json();
    assert_eq!(request["state"], "submitted");
    assert_eq!(request["status_category"], "pending");
    assert_eq!(request["reference"], "PAD-2026-000001");
    assert_eq!(request["version"], 1);
    assert_eq!(request["requested_by"]["email"], "paula@example.com");
    let location = format!("/v1/requests/{}", request["id"].as_str().unwrap());
    assert_eq!(answer.header("location"), Some(location));
    assert_eq!(answer.header("etag").as_deref(), Some("\"1-full\""));
}

#[test]
fn four_hundred_hours_are_no_obstacle_at_pad_and_twenty_five_are_one_at_tpd() {
    let app = TestApp::start();
    let pdm = app.pdm("paula@example.com");
    assert_eq!(pdm.post("/v1/requests", &session_at_pad()).status, 201);
    assert_eq!(
        pdm.post("/v1/requests", &consultation_at_tpd(24.75)).status,
        201
    );
    let refused = pdm.post("/v1/requests", &consultation_at_tpd(25.0));
    assert_eq!(refused.status, 422);
    assert_eq!(refused.problem(), "INELIGIBLE");
    assert_eq!(refused.json()["errors"][0]["pointer"], "/estimated_hours");
}

#[test]
fn a_refused_request_is_kept_and_can_be_revised_into_an_eligible_one() {
    let app = TestApp::start();
    let pdm = app.pdm("paula@example.com");
    let refused = pdm.post("/v1/requests", &consultation_at_tpd(25.0)).json();
    let stored = &refused["request"];
    assert_eq!(stored["state"], "ineligible");
    assert_eq!(stored["estimated_hours"], 25.0);

    let path = format!("/v1/requests/{}", stored["id"].as_str().unwrap());
    let draft = pdm.take(stored, &json!({ "to": "draft" }));
    assert_eq!(draft["state"], "draft");
    let revised = pdm.patch(&path, "\"2-full\"", &json!({ "estimated_hours": 24.75 }));
    assert_eq!(revised.status, 200, "{}", revised.body);
    let submitted = pdm.take(stored, &json!({ "to": "submitted" }));
    assert_eq!(submitted["state"], "submitted");
    assert_eq!(submitted["reference"], stored["reference"]);
}
