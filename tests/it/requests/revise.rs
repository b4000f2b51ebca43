//! `PATCH /v1/requests/{id}`

use engagement_desk::domain::lifecycle::State;
use serde_json::{Value, json};

use crate::support::app::{consultation_at_tpd, session_at_pad};
use crate::support::cast::{Cast, drafted, path, tag};

#[test]
fn a_change_names_the_version_it_is_for() {
    let cast = Cast::start();
    let draft = cast.request_in(State::Draft);
    let address = path(&draft);
    let change = |headers: &[(&str, &str)]| {
        let headers = [&[("Content-Type", "application/merge-patch+json")], headers].concat();
        let body = json!({ "title": "Another title" });
        cast.owner
            .send("PATCH", &address, &headers, body.to_string())
    };
    assert_eq!(change(&[]).problem(), "PRECONDITION_REQUIRED");
    assert_eq!(
        change(&[("If-Match", "1-full")]).problem(),
        "IF_MATCH_MALFORMED"
    );
    for other in ["W/\"1-full\"", "\"2-full\"", "\"1-public\"", "\"1\""] {
        let stale = change(&[("If-Match", other)]);
        assert_eq!(stale.problem(), "PRECONDITION_FAILED", "{other}");
        let problem = stale.json();
        assert_eq!(problem["current"], cast.owner.get(&address).json());
        assert_eq!(problem["current_etag"], "\"1-full\"");
        assert_eq!(stale.header("etag").as_deref(), Some("\"1-full\""));
    }
    let changed = change(&[("If-Match", "\"1-full\"")]);
    assert_eq!(changed.status, 200, "{}", changed.body);
    assert_eq!(changed.header("etag").as_deref(), Some("\"2-full\""));
    assert_eq!(changed.json()["title"], "Another title");
    assert_eq!(change(&[("If-Match", "\"1-full\"")]).status, 412);
}

#[test]
fn a_change_of_something_else_does_not_forget_that_a_description_was_withheld() {
    let cast = Cast::start();
    let mut body = drafted(session_at_pad());
    body["involves"] = json!(["security_vulnerability"]);
    body["description"] = json!("overflowing the frobnicator");
    let draft = cast.owner.create(&body);
    assert_eq!(draft["description_withheld"], true);
    let patch = |draft: &Value, patch: Value| {
        let answer = cast.owner.patch(&path(draft), &tag(draft), &patch);
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer.json()
    };
    let same = patch(&draft, json!({}));
    assert_eq!(same["version"], 1, "nothing changed");
    let renamed = patch(&same, json!({ "title": "Another title" }));
    assert_eq!(renamed["description_withheld"], true);
    let other = patch(
        &renamed,
        json!({ "involves": [], "description": "A plain one." }),
    );
    assert_eq!(other["description_withheld"], Value::Null);
    assert_eq!(other["description"], "A plain one.");
}

#[test]
fn who_is_asked_what_it_involves_may_answer_with_a_vulnerability() {
    let cast = Cast::start();
    let mut body = consultation_at_tpd(12.0);
    body["description"] = json!("overflowing the frobnicator");
    let submitted = cast.owner.create(&body);
    cast.member.take(&submitted, &json!({ "to": "in_review" }));
    let asking = json!({ "to": "action_required", "fields": ["/involves"] });
    let asked = cast.member.take(&submitted, &asking);
    let patch = json!({ "involves": ["security_vulnerability"] });
    let answer = cast.owner.patch(&path(&asked), &tag(&asked), &patch);
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_eq!(answer.json()["description_withheld"], true);
    assert_eq!(answer.json()["description"], Value::Null);
    assert_eq!(cast.app.db.places_of("frobnicator"), [""; 0]);
    let other = json!({ "title": "Another title" });
    let refused = cast
        .owner
        .patch(&path(&asked), &tag(&answer.json()), &other);
    assert_eq!(refused.json()["errors"][0]["code"], "NOT_WANTED");
}

#[test]
fn a_change_of_a_label_points_at_it() {
    let cast = Cast::start();
    let draft = cast.request_in(State::Draft);
    let patch = json!({ "metadata": { "a/b~c": "one", "two\nlines, {\"and\\more\"}": "two" } });
    let answer = cast.owner.patch(&path(&draft), &tag(&draft), &patch);
    assert_eq!(answer.status, 200, "{}", answer.body);
    let lines = cast.owner.get(&format!("{}/events", path(&draft))).json();
    assert_eq!(
        lines["items"][1]["changed"],
        json!(["/metadata/a~1b~0c", "/metadata/two\nlines, {\"and\\more\"}"])
    );
}

#[test]
fn members_change_and_null_takes_away() {
    let cast = Cast::start();
    let mut draft = cast.request_in(State::Draft);
    let mut patch = |body: Value| {
        let answer = cast.owner.patch(&path(&draft), &tag(&draft), &body);
        assert_eq!(answer.status, 200, "{}", answer.body);
        draft = answer.json();
        draft.clone()
    };
    let patched = patch(json!({
        "partner": { "csp": true, "mpn_id": null }, "delivery": null,
        "involves": ["code_review", "hotfix"],
        "metadata": { "region": "emea", "wave": "2" }, "needed_by": "2027-01-15"
    }));
    assert_eq!(
        patched["partner"],
        json!({ "member": true, "partner_center_access": true, "csp": true })
    );
    assert_eq!(patched["delivery"], Value::Null);
    assert_eq!(patched["involves"], json!(["code_review", "hotfix"]));
    assert_eq!(
        patched["metadata"],
        json!({ "region": "emea", "wave": "2" })
    );
    assert_eq!(patched["title"], "Rollout of device management");

    let patched =
        patch(json!({ "metadata": { "region": null }, "involves": null, "partner": null }));
    assert_eq!(patched["metadata"], json!({ "wave": "2" }));
    assert_eq!(patched["involves"], json!([]));
    assert_eq!(patched["partner"], Value::Null);
    assert_eq!(patch(json!({ "metadata": null }))["metadata"], Value::Null);
}

#[test]
fn a_patch_that_changes_nothing_makes_no_version() {
    let cast = Cast::start();
    let draft = cast.request_in(State::Draft);
    let nothing = json!({ "title": draft["title"], "priority": null, "metadata": {} });
    let answer = cast.owner.patch(&path(&draft), &tag(&draft), &nothing);
    assert_eq!(answer.status, 200);
    assert_eq!(answer.json(), draft);
    assert_eq!(
        cast.app
            .db
            .query("select count(*) from request_events")
            .unwrap(),
        ["1"]
    );
}

#[test]
fn what_is_no_fact_is_refused_and_everything_wrong_is_said_at_once() {
    let cast = Cast::start();
    let draft = cast.request_in(State::Draft);
    let refused = |body: Value| {
        let answer = cast.owner.patch(&path(&draft), &tag(&draft), &body);
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
        (answer.problem(), faults.join(", "))
    };
    let unknown = |faults: &str| ("UNKNOWN_FIELD".to_owned(), faults.to_owned());
    let invalid = |faults: &str| ("VALIDATION_FAILED".to_owned(), faults.to_owned());
    assert_eq!(
        refused(json!({ "estimated_hour": null })),
        unknown("/estimated_hour UNKNOWN_FIELD")
    );
    assert_eq!(
        refused(json!({ "customer": { "nmae": null } })),
        unknown("/customer/nmae UNKNOWN_FIELD")
    );
    assert_eq!(
        refused(json!({ "state": "submitted", "reference": "PAD-2026-1", "requested_by": null })),
        unknown("/reference UNKNOWN_FIELD, /requested_by UNKNOWN_FIELD, /state UNKNOWN_FIELD")
    );
    assert_eq!(
        refused(json!({
            "estimated_hours": 0, "desk": "nowhere", "involves": ["code_review", "idling"],
            "motion": "sideways", "title": "", "partner": { "member": "yes" }
        })),
        invalid(
            "/desk UNKNOWN_WORD, /estimated_hours RANGE, /involves/1 UNKNOWN_WORD, \
             /motion UNKNOWN_WORD, /partner/member WRONG_TYPE, /title LENGTH"
        )
    );
    assert_eq!(cast.owner.get(&path(&draft)).json(), draft);
}

#[test]
fn only_a_draft_and_what_the_desk_asked_for_can_change() {
    let cast = Cast::start();
    let title = json!({ "title": "Another title" });
    for state in State::ALL.iter().rev().copied() {
        let request = cast.request_in(state);
        let answer = cast.owner.patch(&path(&request), &tag(&request), &title);
        match state {
            State::Draft => assert_eq!(answer.status, 200),
            State::ActionRequired => {
                assert_eq!(answer.problem(), "VALIDATION_FAILED");
                let fault = &answer.json()["errors"][0];
                assert_eq!(fault["pointer"], "/title");
                assert_eq!(fault["code"], "NOT_WANTED");
            }
            _ => assert_eq!(answer.problem(), "TRANSITION_NOT_ALLOWED", "{state}"),
        }
    }
}

#[test]
fn while_the_desk_waits_only_the_wanted_facts_change() {
    let cast = Cast::start();
    let asked = cast.request_in(State::ActionRequired);
    let both =
        json!({ "estimated_hours": 13, "customer": { "name": "Fabrikam", "kind": "named" } });
    let answer = cast.owner.patch(&path(&asked), &tag(&asked), &both);
    assert_eq!(answer.problem(), "VALIDATION_FAILED");
    assert_eq!(answer.json()["errors"][0]["pointer"], "/customer/kind");
    assert_eq!(answer.json()["errors"].as_array().unwrap().len(), 1);

    let wanted = json!({ "estimated_hours": 13, "customer": { "name": "Fabrikam" } });
    let answer = cast.owner.patch(&path(&asked), &tag(&asked), &wanted);
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_eq!(answer.json()["state"], "action_required");
    assert_eq!(answer.json()["customer"]["name"], "Fabrikam");
    assert_eq!(answer.json()["state_since"], asked["state_since"]);
}

#[test]
fn only_the_requester_changes_facts() {
    let cast = Cast::start();
    let draft = cast.request_in(State::Draft);
    let title = json!({ "title": "Another title" });
    let change = |by: &crate::support::app::Client| by.patch(&path(&draft), "\"1-full\"", &title);
    for seeing in [&cast.member, &cast.lead, &cast.viewer, &cast.admin] {
        assert_eq!(change(seeing).problem(), "ACTION_FORBIDDEN");
    }
    for blind in [&cast.stranger, &cast.elsewhere, &cast.integration] {
        assert_eq!(change(blind).problem(), "NOT_FOUND");
    }
}

#[test]
fn a_patch_is_json_of_the_right_type() {
    let cast = Cast::start();
    let draft = cast.request_in(State::Draft);
    let send = |media: &str, body: &str| {
        let headers = [("Content-Type", media), ("If-Match", "\"1-full\"")];
        cast.owner.send("PATCH", &path(&draft), &headers, body)
    };
    assert_eq!(send("text/plain", "{}").problem(), "UNSUPPORTED_MEDIA_TYPE");
    assert_eq!(
        send("application/merge-patch+json", "{").problem(),
        "MALFORMED_JSON"
    );
    assert_eq!(send("application/json", "{}").status, 200);
    for no_object in ["[]", "null", "7"] {
        let answer = send("application/merge-patch+json", no_object);
        assert_eq!(answer.problem(), "VALIDATION_FAILED", "{no_object}");
    }
}

#[test]
fn what_lists_look_at_is_what_the_request_says_after_every_kind_of_write() {
    let cast = Cast::start();
    let draft = cast.request_in(State::Draft);
    cast.request_in(State::InProgress);
    let agrees = || {
        let sql = "select count(*) from requests \
             where (service, partner_mpn_id, estimated_hours, title, priority, needed_by, \
                    partner_name, customer_name, requester_name, assignee) \
                 is not distinct from (facts ->> 'service', btrim(facts #>> '{partner,mpn_id}'), \
                    (facts ->> 'estimated_hours')::double precision, facts ->> 'title', facts ->> 'priority', \
                    facts ->> 'needed_by', facts #>> '{partner,name}', facts #>> '{customer,name}', \
                    requested_by ->> 'name', progress #>> '{assignee,name}')";
        cast.app.db.query(sql).unwrap()
    };
    assert_eq!(agrees(), ["2"]);
    let all = json!({
        "service": "deployment_consultation", "estimated_hours": 7.5, "title": "Another title", "priority": "high",
        "needed_by": "2027-01-15", "partner": { "mpn_id": " 1234567 ", "name": "Another partner" },
        "customer": { "kind": "named", "name": "Another customer" }
    });
    let changed = cast.owner.patch(&path(&draft), &tag(&draft), &all);
    assert_eq!(changed.status, 200, "{}", changed.body);
    assert_eq!(agrees(), ["2"]);
    let none = json!({ "service": null, "estimated_hours": null, "title": null, "partner": null });
    let changed = changed.json();
    let emptied = cast.owner.patch(&path(&changed), &tag(&changed), &none);
    assert_eq!(emptied.status, 200, "{}", emptied.body);
    assert_eq!(agrees(), ["2"]);
    let assigned =
        "select count(*) from requests where assignee is not null and requester_name is not null";
    assert_eq!(cast.app.db.query(assigned).unwrap(), ["1"]);
}
