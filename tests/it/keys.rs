//! `/v1/api-keys`: made, listed, revoked, and what a key opens.

use std::time::{Duration, Instant};

use engagement_desk::domain::actor::Role;
use engagement_desk::flows::keys::KeyInput;
use serde_json::{Value, json};

use crate::support::app::{Client, NOW, TestApp, key, session_at_pad};
use crate::support::cast::each;

const KEYS: &str = "/v1/api-keys";

fn member() -> Value {
    json!({ "subject": "Ada.Archer@Example.com", "name": "Ada Archer", "role": "desk_member", "desks": ["pad"] })
}

/// A client with the key in the answer.
fn holder(app: &TestApp, issued: &Value) -> Client {
    Client {
        address: app.address,
        token: issued["key"].as_str().unwrap().to_owned(),
        key_id: issued["api_key"]["id"].as_str().unwrap().to_owned(),
    }
}

#[test]
fn a_key_opens_what_its_role_may() {
    let app = TestApp::start();
    let admin = app.admin();
    let answer = admin.post(KEYS, &member());
    assert_eq!(answer.status, 201, "{}", answer.body);
    let issued = answer.json();
    let view = &issued["api_key"];
    assert_eq!(view["subject"], "ada.archer@example.com");
    assert_eq!(view["created_by"], "admin@example.com");
    assert_eq!(view["created_at"], NOW);
    assert_eq!(view["expires_at"], "2027-02-20T10:00:00Z");
    let location = answer.header("location").unwrap();
    assert_eq!(&admin.get(&location).json(), view);

    let ada = holder(&app, &issued);
    let me = ada.get("/v1/me").json();
    assert_eq!(me["role"], "desk_member");
    assert_eq!(me["desks"], json!(["pad"]));
    assert_eq!(admin.get(&location).json()["last_used_at"], NOW);
}

#[test]
fn the_secret_is_shown_once_and_kept_nowhere() {
    let app = TestApp::start();
    let admin = app.admin();
    let issued = admin.post(KEYS, &member()).json();
    let text = issued["key"].as_str().unwrap();
    let secret = text.split('_').nth(2).unwrap();
    assert_eq!(secret.len(), 43);
    holder(&app, &issued).get("/v1/me");
    let id = issued["api_key"]["id"].as_str().unwrap();
    for address in [KEYS, &format!("{KEYS}/{id}")] {
        let shown = admin.get(address);
        assert_eq!(shown.status, 200);
        assert!(!shown.body.contains(secret) && !shown.body.contains("hash"));
        assert!(shown.body.contains(id));
    }
    assert_eq!(app.db.places_of(secret), [""; 0]);
    assert_eq!(app.db.places_of(id), ["api_keys.id", "audit.object"]);
}

#[test]
fn a_revoked_key_opens_nothing_within_a_second_on_any_instance() {
    let app = TestApp::start();
    let beside = app.beside();
    let admin = app.admin();
    let issued = admin.post(KEYS, &member()).json();
    let here = holder(&app, &issued);
    let there = holder(&beside, &issued);
    assert_eq!(here.get("/v1/me").status, 200);
    assert_eq!(there.get("/v1/me").status, 200);

    let address = format!("{KEYS}/{}", here.key_id);
    let revoked = admin.delete(&address);
    let since = Instant::now();
    assert_eq!(revoked.status, 200, "{}", revoked.body);
    assert_eq!(revoked.json()["revoked_at"], NOW);
    assert_eq!(here.get("/v1/me").problem(), "UNAUTHENTICATED");
    loop {
        let sent = since.elapsed();
        if there.get("/v1/me").status != 200 {
            break;
        }
        assert!(sent < Duration::from_secs(1), "still open");
    }
    assert_eq!(there.get("/v1/me").problem(), "UNAUTHENTICATED");

    // A second revocation changes nothing, not even the time of the first.
    app.set_clock("2026-11-23T10:00:00Z");
    assert_eq!(admin.delete(&address).json()["revoked_at"], NOW);
    assert_eq!(admin.get(KEYS).json()["items"].as_array().unwrap().len(), 2);
}

#[test]
fn an_expired_key_opens_nothing() {
    let app = TestApp::start();
    let admin = app.db_client(KeyInput {
        lives_days: 365,
        ..key("a@example.com", Role::Admin)
    });
    let mut body = member();
    body["expires_in_days"] = json!(1);
    let issued = admin.post(KEYS, &body).json();
    let ada = holder(&app, &issued);
    app.set_clock("2026-11-23T09:59:59Z");
    assert_eq!(ada.get("/v1/me").status, 200);
    app.set_clock("2026-11-23T10:00:00Z");
    assert_eq!(ada.get("/v1/me").problem(), "UNAUTHENTICATED");
}

#[test]
fn what_is_no_live_key_is_refused_alike() {
    let app = TestApp::start();
    let admin = app.admin();
    let issued = admin.post(KEYS, &member()).json();
    let good = holder(&app, &issued);
    let other = holder(&app, &admin.post(KEYS, &member()).json());
    let (prefix, checksum) = good.token.rsplit_once('_').unwrap();
    let (id, secret) = prefix
        .strip_prefix("edk_")
        .unwrap()
        .split_once('_')
        .unwrap();
    let swapped = other.token.replace(&other.key_id, id);
    let mut bodies = Vec::new();
    for token in [
        String::from("nonsense"),
        format!("edk_{id}"),
        secret.to_owned(),
        format!("{prefix}_00000000"),
        format!("{prefix}x_{checksum}"),
        swapped,
        good.token.to_uppercase(),
    ] {
        let answer = Client {
            token,
            ..good.clone()
        }
        .get("/v1/me");
        assert_eq!(answer.problem(), "UNAUTHENTICATED");
        assert_eq!(answer.header("www-authenticate").as_deref(), Some("Bearer"));
        let mut problem = answer.json();
        for varying in ["request_id", "instance"] {
            problem.as_object_mut().unwrap().remove(varying);
        }
        bodies.push(problem);
    }
    bodies.dedup();
    assert_eq!(bodies.len(), 1);
    assert_eq!(good.get("/v1/me").status, 200);
}

#[test]
fn only_an_administrator_manages_keys() {
    let app = TestApp::start();
    for caller in [
        app.pdm("paula@example.com"),
        app.member("pad"),
        app.lead("pad"),
        app.viewer(),
        app.integration("crm"),
    ] {
        let own = format!("{KEYS}/{}", caller.key_id);
        for answer in [
            caller.post(KEYS, &member()),
            caller.get(KEYS),
            caller.get(&own),
            caller.get(&format!("{KEYS}/nothing")),
            caller.delete(&own),
        ] {
            assert_eq!(answer.problem(), "ACTION_FORBIDDEN");
        }
        assert_eq!(caller.get("/v1/me").status, 200);
    }
}

#[test]
fn a_key_that_could_do_nothing_is_not_made() {
    let app = TestApp::start();
    let admin = app.admin();
    for (body, pointer) in [
        (
            json!({ "subject": "p@example.com", "name": "P", "role": "requester" }),
            "/relationship",
        ),
        (
            json!({ "subject": "p@example.com", "name": "P", "role": "desk_lead" }),
            "/desks",
        ),
        (
            json!({ "subject": "p@example.com", "name": "P", "role": "desk_member", "desks": ["pad", "nowhere"] }),
            "/desks/1",
        ),
        (
            json!({ "subject": "p@example.com", "name": "P", "role": "owner" }),
            "/role",
        ),
        (
            json!({ "subject": "", "name": "P", "role": "admin" }),
            "/subject",
        ),
        (
            json!({ "subject": "p", "name": "P", "role": "admin", "expires_in_days": 366 }),
            "/expires_in_days",
        ),
        (json!({ "name": "P", "role": "admin" }), "/subject"),
    ] {
        let answer = admin.post(KEYS, &body);
        assert_eq!(answer.problem(), "VALIDATION_FAILED", "{body}");
        assert_eq!(answer.json()["errors"][0]["pointer"], pointer, "{body}");
    }
    let answer = admin.post(
        KEYS,
        &json!({ "subject": "p", "name": "P", "role": "admin", "secret": "1" }),
    );
    assert_eq!(answer.problem(), "UNKNOWN_FIELD");
    assert_eq!(
        app.db.query("select count(*) from api_keys").unwrap(),
        ["1"]
    );
    assert_eq!(admin.get(&format!("{KEYS}/nothing")).problem(), "NOT_FOUND");
    assert_eq!(
        admin.delete(&format!("{KEYS}/nothing")).problem(),
        "NOT_FOUND"
    );
}

#[test]
fn keys_are_listed_newest_first_in_pages() {
    let app = TestApp::start();
    let admin = app.admin();
    for day in 23..=25 {
        app.set_clock(&format!("2026-11-{day}T10:00:00Z"));
        admin.post(KEYS, &member());
        admin.post(KEYS, &member());
    }
    let everything = admin.get(KEYS).json();
    assert_eq!(everything["items"].as_array().unwrap().len(), 7);
    let mut seen = Vec::new();
    let mut address = format!("{KEYS}?limit=3");
    loop {
        let page = admin.get(&address).json();
        seen.extend(page["items"].as_array().unwrap().iter().cloned());
        let Some(cursor) = page["next_cursor"].as_str() else {
            break;
        };
        address = format!("{KEYS}?limit=3&cursor={cursor}");
    }
    assert_eq!(&json!(seen), &everything["items"]);
    let times: Vec<_> = each(&everything, "created_at")
        .iter()
        .map(|at| at.as_str().unwrap())
        .collect();
    assert!(
        times.is_sorted_by(|later, earlier| later >= earlier),
        "{times:?}"
    );
    assert_eq!(
        admin.get(&format!("{KEYS}?cursor=x")).problem(),
        "CURSOR_INVALID"
    );
}

#[test]
fn two_keys_of_one_person_open_the_same() {
    let app = TestApp::start();
    let (old, new) = (app.pdm("paula@example.com"), app.pdm("Paula@Example.com"));
    assert_ne!(old.token, new.token);
    let request = old.create(&session_at_pad());
    let address = format!("/v1/requests/{}", request["id"].as_str().unwrap());
    assert_eq!(new.get(&address).json(), request);
}
