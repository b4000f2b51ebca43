//! `POST /v1/requests`

use serde_json::{Value, json};

use crate::support::app::{TestApp, consultation_at_tpd, session_at_pad};
use crate::support::cast::{drafted, path};

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
fn everything_said_is_kept_as_it_was_said() {
    let app = TestApp::start();
    let pdm = app.pdm("paula@example.com");
    let mut body = session_at_pad();
    body["description"] = json!("Zwei Tage, mit Übersetzung 🙂 \u{7f}\\ \" </script>");
    body["partner"] = json!({
        "mpn_id": "4567890", "name": "Contoso", "member": false, "partner_center_access": false,
        "csp": true, "support_plan": "asfp"
    });
    body["customer"] = json!({
        "kind": "named", "name": "Fabrikam", "opportunity_id": "OPP-1", "consent": true,
        "description": "A bank", "contract": "ea"
    });
    body["involves"] = json!([]);
    body["needed_by"] = json!("2027-01-15");
    body["priority"] = json!("high");
    body["external_reference"] = json!("CRM-881");
    body["metadata"] = json!({ "region": "emea", "": "empty name" });
    body["estimated_hours"] = json!(12.5);
    let created = pdm.create(&body);
    for (member, said) in body.as_object().unwrap() {
        assert_eq!(&created[member], said, "{member}");
    }
    assert_eq!(pdm.get(&path(&created)).json(), created);
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
    let answer = pdm.post("/v1/requests", &consultation_at_tpd(25.0));
    let refused = answer.json();
    let stored = &refused["request"];
    assert_eq!(stored["state"], "ineligible");
    assert_eq!(stored["estimated_hours"], 25.0);
    assert_eq!(stored["decision"], refused["decision"]);
    assert_eq!(answer.header("location"), Some(path(stored)));
    assert_eq!(answer.header("etag").as_deref(), Some("\"1-full\""));
    assert_eq!(&pdm.get(&path(stored)).json(), stored);

    let path = format!("/v1/requests/{}", stored["id"].as_str().unwrap());
    let draft = pdm.take(stored, &json!({ "to": "draft" }));
    assert_eq!(draft["state"], "draft");
    let revised = pdm.patch(&path, "\"2-full\"", &json!({ "estimated_hours": 24.75 }));
    assert_eq!(revised.status, 200, "{}", revised.body);
    let submitted = pdm.take(stored, &json!({ "to": "submitted" }));
    assert_eq!(submitted["state"], "submitted");
    assert_eq!(submitted["reference"], stored["reference"]);
}

#[test]
fn every_rule_that_stands_in_the_way_is_named_with_the_field_that_mends_it() {
    let app = TestApp::start();
    let mut body = consultation_at_tpd(40.0);
    body["delivery"] = Value::Null;
    body["customer"] = Value::Null;
    body["partner"]["partner_center_access"] = json!(false);
    let answer = app.pdm("paula@example.com").post("/v1/requests", &body);
    assert_eq!(answer.problem(), "INELIGIBLE");
    let problem = answer.json();
    let errors = problem["errors"].as_array().unwrap();
    let faults: Vec<_> = errors
        .iter()
        .map(|fault| {
            (
                fault["pointer"].as_str().unwrap(),
                fault["code"].as_str().unwrap(),
            )
        })
        .collect();
    assert_eq!(
        faults,
        [
            ("/partner/partner_center_access", "FAIL"),
            ("/customer", "FAIL"),
            ("/estimated_hours", "FAIL"),
            ("/delivery", "UNKNOWN"),
        ]
    );
}

#[test]
fn a_draft_is_kept_unjudged_with_whatever_is_missing() {
    let app = TestApp::start();
    let pdm = app.pdm("paula@example.com");
    let answer = pdm.post("/v1/requests", &json!({ "draft": true }));
    assert_eq!(answer.status, 201, "{}", answer.body);
    let draft = answer.json();
    assert_eq!(draft["state"], "draft");
    assert_eq!(draft["status_category"], "draft");
    assert_eq!(draft["reference"], "REQ-2026-000001");
    assert_eq!(draft["decision"], Value::Null);
    assert_eq!(answer.header("location"), Some(path(&draft)));
    assert_eq!(
        pdm.create(&drafted(session_at_pad()))["reference"],
        "PAD-2026-000002"
    );

    let submitted = pdm.step(&draft, &json!({ "to": "submitted" }));
    assert_eq!(submitted.problem(), "INELIGIBLE");
    assert_eq!(submitted.json()["request"]["state"], "ineligible");
}

#[test]
fn where_no_desk_is_named_the_recommended_one_is_taken_and_the_answer_says_so() {
    let app = TestApp::start();
    let pdm = app.pdm("paula@example.com");
    for (mut body, desk, reference) in [
        (session_at_pad(), "pad", "PAD-2026-000001"),
        (consultation_at_tpd(12.0), "tpd", "TPD-2026-000002"),
    ] {
        let named = pdm.post("/v1/eligibility-checks", &body).json();
        body["desk"] = Value::Null;
        let request = pdm.create(&body);
        assert_eq!(request["desk"], desk);
        assert_eq!(request["desk_recommended"], true);
        assert_eq!(request["reference"], reference);
        assert_eq!(request["decision"]["recommended_desk"], desk);
        assert_eq!(
            request["decision"]["rules"].as_array().unwrap().len(),
            named["rules"].as_array().unwrap().len()
        );
        let compared = request["decision"]["compared"].as_array().unwrap();
        assert_eq!(compared.len(), 3);
        let member = app.member(desk).get(&path(&request));
        assert_eq!(member.status, 200);
    }
    assert_eq!(
        pdm.create(&consultation_at_tpd(12.0))["desk_recommended"],
        false
    );

    // What no desk takes is kept all the same, at none.
    let refused = pdm.refused(&json!({ "service": "hackathon" }));
    assert_eq!(refused["desk"], Value::Null);
    assert_eq!(refused["reference"], "REQ-2026-000004");
}

#[test]
fn an_integration_submits_for_a_person_it_names() {
    let app = TestApp::start();
    let crm = app.integration("crm");
    let pia = json!({ "name": "Pia Person", "email": "Pia@Example.com", "relationship": "pts" });
    let mut body = session_at_pad();
    let nameless = crm.post("/v1/requests", &body);
    assert_eq!(nameless.problem(), "VALIDATION_FAILED");
    assert_eq!(nameless.json()["errors"][0]["pointer"], "/requested_by");

    body["requested_by"] = pia.clone();
    let request = crm.create(&body);
    assert_eq!(request["requested_by"], pia);
    assert_eq!(request["submitted_by"], "crm");
    let own = app.pdm("pia@example.com").get(&path(&request));
    assert_eq!(own.status, 200);

    // The person's relationship is what the rules read.
    body["requested_by"]["relationship"] = json!("end_customer");
    let refused = crm.refused(&body);
    assert_eq!(refused["state"], "ineligible");
    assert_eq!(
        app.db
            .query("select on_behalf_of from request_events")
            .unwrap(),
        ["pia@example.com", "pia@example.com"]
    );
}

#[test]
fn nobody_else_names_another_person_or_creates_at_all() {
    let app = TestApp::start();
    let mut body = session_at_pad();
    for (caller, status) in [
        (app.member("pad"), 403),
        (app.lead("pad"), 403),
        (app.viewer(), 403),
        (app.admin(), 403),
    ] {
        let answer = caller.post("/v1/requests", &body);
        assert_eq!(
            (answer.status, answer.problem().as_str()),
            (status, "ACTION_FORBIDDEN")
        );
    }
    body["requested_by"] =
        json!({ "name": "Pia", "email": "pia@example.com", "relationship": "pts" });
    let answer = app.pdm("paula@example.com").post("/v1/requests", &body);
    assert_eq!(answer.problem(), "ACTION_FORBIDDEN");
    assert_eq!(answer.json()["errors"][0]["pointer"], "/requested_by");
    assert_eq!(
        app.db.query("select count(*) from requests").unwrap(),
        ["0"]
    );
}

#[test]
fn all_faults_of_a_body_are_told_at_once() {
    let app = TestApp::start();
    let body = json!({
        "desk": "nowhere", "service": "tea", "problem_kind": "gloom", "involves": ["break_fix", "idling"],
        "motion": "sideways", "estimated_hours": "12", "needed_by": "soon", "priority": "extreme",
        "customer": { "kind": "named", "consent": "yes", "nmae": "Fabrikam" },
        "metadata": { "region": 7 }, "titel": "Typing error", "title": ""
    });
    let answer = app.pdm("paula@example.com").post("/v1/requests", &body);
    assert_eq!(answer.problem(), "UNKNOWN_FIELD");
    let problem = answer.json();
    let errors = problem["errors"].as_array().unwrap();
    let mut faults: Vec<String> = errors
        .iter()
        .map(|fault| {
            format!(
                "{} {}",
                fault["pointer"].as_str().unwrap(),
                fault["code"].as_str().unwrap()
            )
        })
        .collect();
    faults.sort();
    assert_eq!(
        faults,
        [
            "/customer/consent WRONG_TYPE",
            "/customer/nmae UNKNOWN_FIELD",
            "/desk UNKNOWN_WORD",
            "/estimated_hours WRONG_TYPE",
            "/involves/1 UNKNOWN_WORD",
            "/metadata/region WRONG_TYPE",
            "/motion UNKNOWN_WORD",
            "/needed_by FORMAT",
            "/priority UNKNOWN_WORD",
            "/problem_kind UNKNOWN_WORD",
            "/service UNKNOWN_WORD",
            "/titel UNKNOWN_FIELD",
            "/title LENGTH",
        ]
    );
    assert_eq!(
        app.db.query("select count(*) from requests").unwrap(),
        ["0"]
    );
}

#[test]
fn the_description_of_a_vulnerability_is_kept_nowhere_and_the_answer_says_so() {
    let app = TestApp::start();
    let pdm = app.pdm("paula@example.com");
    let secret = "overflowing the frobnicator of the widget service";
    let mut body = session_at_pad();
    body["involves"] = json!(["security_vulnerability"]);
    body["description"] = json!(format!("An exploit: {secret}."));
    let key = [("Idempotency-Key", "vulnerable")];
    let answer = pdm.post_with("/v1/requests", &key, &body);
    assert_eq!(answer.problem(), "INELIGIBLE");
    let problem = answer.json();
    assert_eq!(problem["decision"]["description_withheld"], true);
    assert_eq!(problem["decision"]["destinations"][0]["id"], "msrc");
    let reason = problem["decision"]["destinations"][0]["reason"]
        .as_str()
        .unwrap();
    assert!(reason.contains("not kept"), "{reason}");
    assert_eq!(problem["request"]["description"], Value::Null);
    assert!(!answer.body.contains("frobnicator"), "{}", answer.body);

    // Nor by way of a draft, of a revision, or of a transition.
    let draft = pdm.create(&drafted(body.clone()));
    body["involves"] = json!([]);
    let open = pdm.create(&drafted(
        json!({ "title": "Harmless", "involves": ["security_vulnerability"] }),
    ));
    let patch = json!({ "description": format!("An exploit: {secret}.") });
    let revised = pdm.patch(&path(&open), "\"1-full\"", &patch);
    assert_eq!(revised.status, 200, "{}", revised.body);
    pdm.step(&draft, &json!({ "to": "submitted" }));
    assert_eq!(app.db.places_of("frobnicator"), [""; 0]);
    // The search finds what is there.
    assert!(!app.db.places_of("Landing zone").is_empty());
    assert!(
        app.db
            .places_of("Landing zone")
            .contains(&"idempotency_keys.body".to_owned())
    );
}

#[test]
fn a_description_already_kept_goes_when_it_turns_out_to_be_of_a_vulnerability() {
    let app = TestApp::start();
    let pdm = app.pdm("paula@example.com");
    let mut body = drafted(session_at_pad());
    body["description"] = json!("overflowing the frobnicator");
    let draft = pdm.create(&body);
    assert_eq!(
        app.db.places_of("frobnicator"),
        ["request_words.words", "requests.facts"]
    );
    let patch = json!({ "involves": ["security_vulnerability"] });
    let revised = pdm.patch(&path(&draft), "\"1-full\"", &patch).json();
    assert_eq!(revised["description"], Value::Null);
    assert_eq!(app.db.places_of("frobnicator"), [""; 0]);
}
