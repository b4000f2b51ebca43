//! `POST /v1/eligibility-checks`

use serde_json::{Value, json};

use crate::support::app::{Client, TestApp, consultation_at_tpd, deal_at_gps, session_at_pad};

const CHECKS: &str = "/v1/eligibility-checks";

fn check(client: &Client, body: &Value) -> Value {
    let answer = client.post(CHECKS, body);
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer.json()
}

#[test]
fn a_desk_that_is_named_judges() {
    let app = TestApp::start();
    let pdm = app.pdm("paula@example.com");
    let yes = check(&pdm, &consultation_at_tpd(24.75));
    assert_eq!(
        (&yes["eligible"], &yes["desk"]),
        (&json!(true), &json!("tpd"))
    );
    let no = check(&pdm, &consultation_at_tpd(25.0));
    assert_eq!(
        (&no["eligible"], &no["desk"]),
        (&json!(false), &json!("tpd"))
    );
    let rules = no["rules"].as_array().unwrap();
    let failed: Vec<_> = rules
        .iter()
        .filter(|rule| rule["outcome"] == "fail")
        .collect();
    let [hours] = failed.as_slice() else {
        panic!("{no}")
    };
    assert_eq!(hours["rule"], "tpd.hours");
    assert_eq!(hours["pointer"], "/estimated_hours");
    assert_eq!(hours["waivable"], true);
    assert!(hours["citation"].is_string() && hours["message"].is_string());
    assert_eq!(no["catalog_version"], app.app.catalogue.version());
}

#[test]
fn where_no_desk_is_named_all_are_compared_and_one_is_recommended() {
    let app = TestApp::start();
    let pdm = app.pdm("paula@example.com");
    for (mut body, desk) in [
        (session_at_pad(), "pad"),
        (deal_at_gps("Fabrikam"), "gps"),
        (consultation_at_tpd(3.0), "tpd"),
    ] {
        body["desk"] = Value::Null;
        let decision = check(&pdm, &body);
        assert_eq!(decision["recommended_desk"], desk);
        assert_eq!(decision["compared"].as_array().unwrap().len(), 3);
    }
}

#[test]
fn a_missing_fact_is_asked_for() {
    let app = TestApp::start();
    let decision = check(&app.pdm("paula@example.com"), &json!({ "desk": "tpd" }));
    assert_eq!(decision["eligible"], false);
    let rules = decision["rules"].as_array().unwrap();
    let asked: Vec<_> = rules
        .iter()
        .filter(|rule| rule["outcome"] == "unknown")
        .map(|rule| rule["pointer"].as_str().unwrap())
        .collect();
    for fact in [
        "/service",
        "/estimated_hours",
        "/partner/member",
        "/partner/mpn_id",
        "/delivery",
    ] {
        assert!(asked.contains(&fact), "{fact}: {asked:?}");
    }
}

#[test]
fn nothing_of_a_dry_run_is_stored() {
    let app = TestApp::start();
    let pdm = app.pdm("paula@example.com");
    let mut body = session_at_pad();
    body["description"] = json!("frobnication of the branches");
    for _ in 0..3 {
        assert_eq!(check(&pdm, &body)["eligible"], true);
    }
    let answer = pdm.post_with(CHECKS, &[("Idempotency-Key", "check")], &body);
    assert_eq!(answer.status, 200);
    assert_eq!(app.db.places_of("frobnication"), [""; 0]);
    for table in ["requests", "request_events", "idempotency_keys"] {
        let count = format!("select count(*) from {table}");
        assert_eq!(app.db.query(&count).unwrap(), ["0"], "{table}");
    }
    // Not even a number is used up.
    assert_eq!(
        pdm.create(&session_at_pad())["reference"],
        "PAD-2026-000001"
    );
}

#[test]
fn a_dry_run_knows_what_was_there_before() {
    let app = TestApp::start();
    let pdm = app.pdm("paula@example.com");
    for customer in ["Fabrikam", "Northwind", "Tailspin"] {
        assert_eq!(
            check(&pdm, &deal_at_gps(customer))["eligible"],
            true,
            "{customer}"
        );
        pdm.create(&deal_at_gps(customer));
    }
    let fourth = check(&pdm, &deal_at_gps("Contoso"));
    assert_eq!(fourth["eligible"], false);
}

#[test]
fn who_asks_counts_and_an_integration_says_for_whom() {
    let app = TestApp::start();
    let crm = app.integration("crm");
    let mut body = session_at_pad();
    let outcome = |body: &Value| {
        let decision = check(&crm, body);
        let rules = decision["rules"].as_array().unwrap().clone();
        let rule = rules
            .into_iter()
            .find(|rule| rule["rule"] == "pad.relationship")
            .unwrap();
        rule["outcome"].clone()
    };
    assert_eq!(outcome(&body), "unknown");
    for (relationship, expected) in [
        ("pdm", "pass"),
        ("pts", "pass"),
        ("partner_contact", "fail"),
        ("end_customer", "fail"),
    ] {
        body["relationship"] = json!(relationship);
        assert_eq!(outcome(&body), expected, "{relationship}");
    }
}

#[test]
fn every_role_may_ask_and_faults_are_told_at_once() {
    let app = TestApp::start();
    for caller in [
        app.pdm("p@example.com"),
        app.member("pad"),
        app.lead("pad"),
        app.viewer(),
        app.integration("crm"),
        app.admin(),
    ] {
        assert_eq!(caller.post(CHECKS, &json!({})).status, 200);
        let faulty = json!({ "desk": "nowhere", "estimated_hours": -1, "requested_by": null });
        let answer = caller.post(CHECKS, &faulty);
        assert_eq!(answer.problem(), "UNKNOWN_FIELD");
        assert_eq!(answer.json()["errors"].as_array().unwrap().len(), 3);
    }
}
