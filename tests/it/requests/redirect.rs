//! Requests that are handed to another desk, or to a channel outside the service.

use engagement_desk::catalog;
use engagement_desk::domain::lifecycle::State;
use serde_json::{Value, json};

use crate::support::app::{TestApp, consultation_at_tpd, session_at_pad};
use crate::support::cast::{Cast, path};

#[test]
fn a_request_handed_to_another_desk_goes_on_there() {
    let app = TestApp::start();
    let owner = app.pdm("paula@example.com");
    let mut body = session_at_pad();
    body["motion"] = json!("build_with");
    let refused = owner.refused(&body);
    assert_eq!(refused["decision"]["destinations"][0]["id"], "gps");
    let elsewhere = owner.step(
        &refused,
        &json!({ "to": "redirected", "destination": "tpd" }),
    );
    assert_eq!(elsewhere.problem(), "VALIDATION_FAILED");
    assert_eq!(elsewhere.json()["errors"][0]["pointer"], "/destination");

    let handed = owner.take(
        &refused,
        &json!({ "to": "redirected", "destination": "gps" }),
    );
    assert_eq!(handed["destination"], "gps");
    assert_eq!(handed["desk"], "pad");
    let id = handed["successor_id"].as_str().unwrap();
    let successor = app.member("gps").get(&format!("/v1/requests/{id}")).json();
    assert_eq!(successor["state"], "submitted");
    assert_eq!(successor["desk"], "gps");
    assert_eq!(successor["predecessor_id"], handed["id"]);
    assert_eq!(successor["requested_by"], handed["requested_by"]);
    assert_eq!(successor["title"], handed["title"]);
    assert!(
        successor["reference"]
            .as_str()
            .unwrap()
            .starts_with("GPS-2026-")
    );
    assert_eq!(owner.get(&path(&successor)).json()["id"], successor["id"]);
    assert_eq!(app.member("pad").get(&path(&successor)).status, 404);
}

#[test]
fn every_desk_that_a_decision_names_can_be_gone_to() {
    let app = TestApp::start();
    let owner = app.pdm("paula@example.com");
    let build = json!({ "involves": ["practice_or_solution_build"] });
    let application = json!({
        "motion": "build_with", "involves": ["application_development_beyond_poc"]
    });
    let discussion = json!({
        "motion": "sell_with", "involves": ["end_customer_discussion"],
        "customer": { "kind": "named", "name": "Fabrikam Bank", "consent": true }
    });
    for (body, change, desk) in [
        (session_at_pad(), build, "gps"),
        (consultation_at_tpd(12.0), application, "gps"),
        (consultation_at_tpd(12.0), discussion, "pad"),
    ] {
        let mut body = body;
        for (name, value) in change.as_object().unwrap() {
            body[name] = value.clone();
        }
        let refused = owner.refused(&body);
        let named = &refused["decision"]["destinations"];
        assert_eq!(named[0]["id"], desk, "{named}");
        let there = json!({ "to": "redirected", "destination": desk });
        let handed = owner.take(&refused, &there);
        let id = handed["successor_id"].as_str().unwrap();
        let successor = owner.get(&format!("/v1/requests/{id}")).json();
        assert_eq!(successor["desk"], desk);
        assert_eq!(successor["predecessor_id"], handed["id"]);
        if successor["service"].is_string() {
            // Both desks offer it.
            assert_eq!(successor["state"], "submitted");
            continue;
        }
        // The service is another one there, which only the requester can say.
        assert_eq!(successor["state"], "draft");
        let service = match desk {
            "gps" => "build_and_assist",
            _ => "architecture_design_session",
        };
        let patch = json!({ "service": service });
        let completed = owner.patch(&path(&successor), "\"1-full\"", &patch).json();
        let submitted = owner.take(&completed, &json!({ "to": "submitted" }));
        assert_eq!(submitted["desk"], desk);
    }
}

#[test]
fn a_desk_hands_a_request_to_another_that_takes_it() {
    let builtin = catalog::builtin().unwrap();
    let (both, only) = (
        "allowed = [\"build_with\", \"sell_with\"]",
        "allowed = [\"build_with\"]",
    );
    let text = builtin.source().replacen(only, both, 1);
    let app = TestApp::with_catalogue(catalog::load(&text, "a test").unwrap());
    let submitted = app.pdm("paula@example.com").create(&session_at_pad());
    let member = app.member("pad");
    let in_review = member.take(&submitted, &json!({ "to": "in_review" }));
    let accepted = member.take(&in_review, &json!({ "to": "accepted" }));
    let there =
        json!({ "to": "redirected", "reason": "They know it better.", "destination": "gps" });
    let handed = member.take(&accepted, &there);
    let id = handed["successor_id"].as_str().unwrap();
    let address = format!("/v1/requests/{id}");
    let successor = app.member("gps").get(&address).json();
    assert_eq!(successor["state"], "submitted");
    assert_eq!(successor["predecessor_id"], handed["id"]);
    assert_eq!(
        successor["hours"],
        json!({ "estimated": 400.0, "logged": 0.0, "remaining": 400.0 })
    );
    let lines = app.member("gps").get(&format!("{address}/events")).json();
    let actor = &lines["items"][0]["actor"];
    assert_eq!(actor["subject"], "member@pad.example");
}

#[test]
fn a_request_handed_to_a_channel_ends_here() {
    let cast = Cast::start();
    let submitted = cast.request_in(State::Submitted);
    let handed = cast.member.take(
        &submitted,
        &json!({ "to": "redirected", "reason": "It is support.", "destination": "premier_support" }),
    );
    assert_eq!(handed["destination"], "premier_support");
    assert_eq!(handed["successor_id"], Value::Null);
    assert_eq!(
        cast.app.db.query("select count(*) from requests").unwrap(),
        ["1"]
    );

    // The owner of a refused one follows the decision there.
    let mut body = consultation_at_tpd(12.0);
    body["involves"] = json!(["programme_enablement"]);
    let refused = cast.owner.refused(&body);
    let there = json!({ "to": "redirected", "destination": "cloud_enablement_desk" });
    assert_eq!(cast.owner.take(&refused, &there)["state"], "redirected");
}

#[test]
fn a_desk_hands_nothing_to_a_desk_that_would_refuse_it_or_that_there_is_not() {
    let cast = Cast::start();
    let submitted = cast.request_in(State::Submitted);
    let to =
        |place: &str| json!({ "to": "redirected", "reason": "Not ours.", "destination": place });
    let refused = cast.member.step(&submitted, &to("gps"));
    assert_eq!(refused.problem(), "INELIGIBLE");
    assert_eq!(refused.json()["decision"]["desk"], "gps");
    assert_eq!(refused.json()["request"]["state"], "submitted");
    for place in ["nowhere", "tpd"] {
        let answer = cast.member.step(&submitted, &to(place));
        assert_eq!(answer.problem(), "VALIDATION_FAILED", "{place}");
        assert_eq!(answer.json()["errors"][0]["pointer"], "/destination");
    }
    assert_eq!(
        cast.app.db.query("select count(*) from requests").unwrap(),
        ["1"]
    );
    assert_eq!(cast.owner.get(&path(&submitted)).json()["version"], 1);
}
