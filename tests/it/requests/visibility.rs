//! Who sees which requests, and how much of them.

use engagement_desk::domain::facts::Relationship;
use engagement_desk::domain::lifecycle::State;
use serde_json::{Value, json};

use crate::support::app::{Client, consultation_at_tpd, session_at_pad};
use crate::support::cast::{Cast, each, path, step, tag};

/// How many requests the caller finds in the list.
fn listed(client: &Client) -> usize {
    client.get("/v1/requests").json()["items"]
        .as_array()
        .unwrap()
        .len()
}

#[test]
fn to_whoever_may_not_see_it_a_request_is_not_there() {
    let cast = Cast::start();
    let request = cast.request_in(State::Submitted);
    let reference = format!("/v1/requests/{}", request["reference"].as_str().unwrap());
    for blind in [&cast.stranger, &cast.elsewhere, &cast.integration] {
        assert_eq!(listed(blind), 0);
        for address in [&path(&request), &reference] {
            let answers = [
                blind.get(address),
                blind.get(&format!("{address}/events")),
                blind.patch(address, "\"1-full\"", &json!({ "title": "Mine" })),
                blind.post(&format!("{address}/transitions"), &step(State::Cancelled)),
            ];
            for answer in answers {
                assert_eq!(answer.problem(), "NOT_FOUND");
                let there = blind.get("/v1/requests/TPD-2026-999999").json();
                assert_eq!(answer.json()["detail"], there["detail"]);
            }
        }
    }
    assert_eq!(cast.owner.get(&path(&request)).json(), request);
}

#[test]
fn who_manages_a_partner_sees_and_works_the_requests_of_that_partner() {
    let cast = Cast::start();
    let manager = |partners: &[&str]| {
        cast.app
            .requester("m@example.com", Relationship::Pts, partners)
    };
    let mut body = session_at_pad();
    body["partner"]["mpn_id"] = json!(" 4567890 ");
    let request = cast.owner.create(&body);
    for stranger in [manager(&[]), manager(&["7654321"])] {
        assert_eq!(stranger.get(&path(&request)).status, 404);
    }
    let manager = manager(&["1111111", "4567890"]);
    assert_eq!(manager.get(&path(&request)).status, 200);
    assert_eq!(listed(&manager), 1);
    let recalled = manager.take(&request, &step(State::Draft));
    let revised = manager.patch(
        &path(&request),
        &tag(&recalled),
        &json!({ "title": "Ours" }),
    );
    assert_eq!(revised.status, 200, "{}", revised.body);
    assert_eq!(revised.json()["requested_by"]["email"], "paula@example.com");
    let lines = cast.owner.get(&format!("{}/events", path(&request))).json();
    let line = &lines["items"][2]["actor"];
    assert_eq!(line["subject"], "m@example.com");
    assert_eq!(line["on_behalf_of"], "paula@example.com");

    // A request of no partner is nobody's but the owner's.
    let nameless = cast.owner.create(&json!({ "draft": true }));
    assert_eq!(manager.get(&path(&nameless)).status, 404);
    assert_eq!(cast.owner.get(&path(&nameless)).status, 200);
}

#[test]
fn a_member_sees_the_requests_of_the_own_desks_only() {
    let cast = Cast::start();
    let at_tpd = cast.request_in(State::Submitted);
    let at_pad = cast.owner.create(&session_at_pad());
    let at_none = cast.owner.create(&json!({ "draft": true }));
    for (client, seen) in [
        (cast.app.member("tpd"), [200, 404, 404]),
        (cast.app.lead("pad"), [404, 200, 404]),
        (cast.app.member("gps"), [404, 404, 404]),
        (cast.app.viewer(), [200, 200, 200]),
        (cast.app.admin(), [200, 200, 200]),
    ] {
        for (request, status) in [&at_tpd, &at_pad, &at_none].into_iter().zip(seen) {
            assert_eq!(client.get(&path(request)).status, status);
        }
        assert_eq!(
            listed(&client),
            seen.iter().filter(|status| **status == 200).count()
        );
    }
}

#[test]
fn an_integration_sees_what_it_submitted_itself() {
    let cast = Cast::start();
    let other = cast.app.integration("another-crm");
    let mut body = consultation_at_tpd(12.0);
    body["requested_by"] =
        json!({ "name": "Paula", "email": "paula@example.com", "relationship": "pdm" });
    let sent = cast.integration.create(&body);
    cast.request_in(State::Submitted);
    assert_eq!(listed(&cast.integration), 1);
    assert_eq!(listed(&other), 0);
    assert_eq!(listed(&cast.owner), 2);
    assert_eq!(other.get(&path(&sent)).status, 404);
    assert_eq!(cast.integration.get(&path(&sent)).status, 200);
}

/// Texts in it that look like an e-mail address, or that somebody wrote for the inside.
fn private(value: &Value) -> Vec<String> {
    match value {
        Value::String(text) if text.contains('@') || text.contains("good reason") => {
            vec![text.clone()]
        }
        Value::Array(items) => items.iter().flat_map(private).collect(),
        Value::Object(members) => members.values().flat_map(private).collect(),
        _ => Vec::new(),
    }
}

#[test]
fn a_viewer_cannot_find_out_an_address_by_asking_for_it() {
    let cast = Cast::start();
    cast.request_in(State::Scheduled);
    for address in ["paula@example.com", "nobody@example.com", "x"] {
        let list = format!("/v1/requests?requested_by={address}");
        let answer = cast.viewer.get(&list);
        assert_eq!(
            (answer.status, answer.problem().as_str()),
            (403, "ACTION_FORBIDDEN")
        );
        let faults = answer.json()["errors"].clone();
        assert_eq!(faults[0]["parameter"], "requested_by");
        assert_eq!(faults.as_array().unwrap().len(), 1);
        assert_eq!(cast.admin.get(&list).status, 200);
    }
    // Nor through what is searched, filtered by, or put in order.
    for filter in [
        "q=paula",
        "q=paula%40example.com",
        "q=ada.archer",
        "assignee=ada.archer%40example.com",
        "customer=paula%40example.com",
        "partner=paula%40example.com",
    ] {
        let found = cast.viewer.get(&format!("/v1/requests?{filter}"));
        assert_eq!(found.json()["items"], json!([]), "{filter}");
    }
}

#[test]
fn a_warning_of_requests_the_caller_may_not_see_does_not_name_them() {
    let cast = Cast::start();
    let mut other = consultation_at_tpd(20.0);
    other["customer"] = json!({ "kind": "named", "name": "Fabrikam Bank", "consent": true });
    let reference = cast.owner.create(&other)["reference"].clone();
    let reference = reference.as_str().unwrap();
    other["estimated_hours"] = json!(6);
    let checked = cast.stranger.post("/v1/eligibility-checks", &other);
    assert_eq!(checked.status, 200, "{}", checked.body);
    for message in [
        "A request for the same service is open",
        "1 earlier request for this customer",
    ] {
        assert!(checked.body.contains(message), "{}", checked.body);
    }
    let created = cast.stranger.post("/v1/requests", &other);
    assert_eq!(created.status, 201);
    for answer in [checked, created] {
        assert!(!answer.body.contains(reference), "{}", answer.body);
    }
}

#[test]
fn a_viewer_finds_no_contact_details_and_no_internal_notes_anywhere() {
    let cast = Cast::start();
    let mut requests: Vec<Value> = State::ALL
        .iter()
        .rev()
        .filter(|state| **state != State::Expired)
        .map(|state| cast.request_in(*state))
        .collect();
    let scheduled = cast.request_in(State::Scheduled);
    requests.push(cast.member.take(&scheduled, &step(State::OnHold)));
    let mut body = consultation_at_tpd(12.0);
    body["requested_by"] =
        json!({ "name": "Pia", "email": "pia@example.com", "relationship": "pdm" });
    requests.push(cast.integration.create(&body));
    let viewer = &cast.viewer;
    for request in &requests {
        let address = path(request);
        let mut seen = vec![
            viewer.get(&address),
            viewer.get(&format!("{address}/events")),
            viewer.step(request, &step(State::Cancelled)),
            viewer.patch(&address, "\"1-full\"", &json!({ "title": "Mine" })),
        ];
        // The same request shown in full has something to hide.
        assert!(!private(&cast.admin.get(&address).json()).is_empty());
        assert!(!private(&cast.admin.get(&format!("{address}/events")).json()).is_empty());
        seen.push(viewer.get("/v1/requests?limit=200"));
        for answer in seen {
            let mut shown = answer.json();
            // Desks have mailboxes, which the catalogue publishes.
            if let Some(shown) = shown.as_object_mut() {
                shown.remove("decision");
            }
            assert_eq!(private(&shown), [""; 0], "{}", answer.body);
        }
    }
    let scheduled = viewer.get(&path(&scheduled)).json();
    assert_eq!(scheduled["assignee"], json!({ "name": "Ada Archer" }));
    for member in ["requested_by", "submitted_by", "reason"] {
        assert_eq!(scheduled[member], Value::Null, "{member}");
    }
    let list = viewer.get("/v1/requests").json();
    assert!(
        each(&list, "requester_name")
            .iter()
            .all(|name| name.is_null())
    );
    assert_eq!(
        listed(viewer),
        cast.admin.get("/v1/requests").json()["items"]
            .as_array()
            .unwrap()
            .len()
    );
}
