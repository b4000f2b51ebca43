//! API keys that are limited to some scopes.

use std::collections::BTreeMap;

use engagement_desk::domain::actor::{Role, Scope};
use engagement_desk::domain::facts::Relationship;
use engagement_desk::domain::rights::suits;
use engagement_desk::flows::keys::KeyInput;
use serde_json::{Value, json};

use crate::rights::{ROWS, Scene, ask_as};
use crate::support::app::{Client, TestApp, key, session_at_pad};
use crate::support::cast::{drafted, path, tag};
use crate::support::client::Answer;

/// What an operation needs, of that what the role has any use for.
fn needs(operation: &str) -> &'static [Scope] {
    match operation {
        "GET /v1/me" => &[],
        "GET /v1/catalog" | "POST /v1/eligibility-checks" => &[Scope::Consult],
        "POST /v1/requests" => &[Scope::RequestsWrite],
        "PATCH /v1/requests/{id}" => &[Scope::RequestsRead, Scope::RequestsWrite],
        "POST /v1/requests/{id}/transitions" => {
            &[Scope::RequestsRead, Scope::RequestsWrite, Scope::DeskWork]
        }
        "POST /v1/requests/{id}/time-entries" => &[Scope::RequestsRead, Scope::DeskWork],
        "GET /v1/audit" => &[Scope::AuditRead],
        keys if keys.contains("/v1/api-keys") => &[Scope::KeysManage],
        read if read.starts_with("GET /v1/requests") || read == "GET /v1/events" => {
            &[Scope::RequestsRead]
        }
        other => panic!("say here what {other} needs"),
    }
}

/// The one of that role whose own request is tried, with a key that is limited.
fn limited(app: &TestApp, role: Role, scopes: &[Scope]) -> Client {
    let (subject, desks) = match role {
        Role::Requester => ("paula@example.com", vec![]),
        Role::DeskMember | Role::DeskLead => ("of-the-desk@example.com", vec!["tpd".to_owned()]),
        Role::Viewer => ("dashboard", vec![]),
        Role::Integration => ("crm", vec![]),
        Role::Admin => ("admin@example.com", vec![]),
    };
    app.db_client(KeyInput {
        relationship: (role == Role::Requester).then_some(Relationship::Pdm),
        desks,
        scopes: Some(scopes.to_vec()),
        ..key(subject, role)
    })
}

fn assert_lacks(answer: &Answer, scope: Scope, what: &str) {
    assert_eq!(answer.status, 403, "{what}: {}", answer.body);
    assert_eq!(answer.problem(), "ACTION_FORBIDDEN", "{what}");
    let said = format!("Bearer error=\"insufficient_scope\", scope=\"{scope}\"");
    assert_eq!(answer.header("www-authenticate"), Some(said), "{what}");
}

#[test]
fn every_operation_needs_just_the_scopes_the_table_says() {
    let scene = Scene::start();
    let mut keys: BTreeMap<(Role, Vec<Scope>), Client> = BTreeMap::new();
    for row in ROWS {
        let (operation, _, expected) = row;
        let (_, address) = operation.split_once(' ').unwrap();
        for (role, expected) in Role::ALL.iter().zip(expected) {
            let useful: Vec<Scope> = Scope::ALL
                .iter()
                .copied()
                .filter(|s| suits(*s, *role))
                .collect();
            let needed: Vec<Scope> = needs(operation)
                .iter()
                .copied()
                .filter(|scope| useful.contains(scope))
                .collect();
            let mut ask = |scopes: Vec<Scope>| {
                let client = keys
                    .entry((*role, scopes.clone()))
                    .or_insert_with(|| limited(&scene.app, *role, &scopes));
                let bearer = format!("Bearer {}", client.token);
                ask_as(Some(&bearer), &scene.address(address), row, &scene.app)
            };
            let (own, _) = expected.split_once(' ').unwrap_or((expected, expected));
            let enough = if needed.is_empty() {
                useful.clone()
            } else {
                needed.clone()
            };
            let answer = ask(enough);
            assert_eq!(
                answer.status.to_string(),
                own,
                "{operation} as {role}: {}",
                answer.body
            );
            for lacking in &needed {
                let rest = useful.iter().copied().filter(|scope| scope != lacking);
                let answer = ask(rest.collect());
                assert_lacks(&answer, *lacking, &format!("{operation} as {role}"));
            }
        }
    }
}

#[test]
fn an_integration_that_only_reads_creates_nothing_and_one_that_only_writes_reads_nothing() {
    let app = TestApp::start();
    let reader = limited(&app, Role::Integration, &[Scope::RequestsRead]);
    let writer = limited(&app, Role::Integration, &[Scope::RequestsWrite]);
    let mut body = drafted(session_at_pad());
    body["requested_by"] =
        json!({ "name": "Pia", "email": "pia@example.com", "relationship": "pts" });

    assert_lacks(
        &reader.post("/v1/requests", &body),
        Scope::RequestsWrite,
        "create",
    );
    // What is wrong with the body is not looked at.
    assert_lacks(
        &reader.post("/v1/requests", &json!({ "x": 1 })),
        Scope::RequestsWrite,
        "create",
    );
    let made = writer.create(&body);
    let nothing = "/v1/requests/PAD-2026-999999";
    for address in [
        "/v1/requests",
        "/v1/requests?limit=0",
        "/v1/events",
        &path(&made),
        &format!("{}/events", path(&made)),
        &format!("{}/time-entries", path(&made)),
        nothing,
    ] {
        assert_lacks(&writer.get(address), Scope::RequestsRead, address);
    }
    // A tag guessed right tells nothing either.
    let patched = writer.patch(&path(&made), &tag(&made), &json!({ "title": "Another" }));
    assert_lacks(&patched, Scope::RequestsRead, "patch");
    assert_eq!(reader.get(&path(&made)).status, 200);
    let step = reader.step(&made, &json!({ "to": "cancelled", "reason": "Over." }));
    assert_lacks(&step, Scope::RequestsWrite, "step");
    assert_eq!(reader.get(nothing).status, 404);
    assert_eq!(
        app.db
            .query("select distinct version from requests")
            .unwrap(),
        ["1"]
    );
}

#[test]
fn a_key_is_made_with_scopes_and_shows_them_wherever_it_is_shown() {
    let app = TestApp::start();
    let admin = app.admin();
    let made = admin.post(
        "/v1/api-keys",
        &json!({ "subject": "crm", "name": "CRM", "role": "integration",
            "scopes": ["requests.write", "requests.read", "requests.write"] }),
    );
    assert_eq!(made.status, 201, "{}", made.body);
    let scopes = json!(["requests.read", "requests.write"]);
    assert_eq!(made.json()["api_key"]["scopes"], scopes);
    let address = made.header("location").unwrap();
    assert_eq!(admin.get(&address).json()["scopes"], scopes);
    let listed = admin.get("/v1/api-keys").json();
    for key in listed["items"].as_array().unwrap() {
        let limited_to = match key["subject"].as_str() {
            Some("crm") => &scopes,
            _ => &Value::Null,
        };
        assert_eq!(&key["scopes"], limited_to);
    }
    assert_eq!(listed["items"].as_array().unwrap().len(), 2);

    let holder = Client {
        token: made.json()["key"].as_str().unwrap().to_owned(),
        ..admin.clone()
    };
    let me = holder.get("/v1/me").json();
    assert_eq!(me["scopes"], scopes);
    let actions: Vec<&Value> = me["rights"]
        .as_array()
        .unwrap()
        .iter()
        .map(|right| &right["action"])
        .collect();
    assert_eq!(
        actions,
        [
            "create_request",
            "read_request",
            "revise_request",
            "act_as_owner"
        ]
    );
    assert_eq!(admin.get("/v1/me").json()["scopes"], Value::Null);

    assert_eq!(admin.delete(&address).status, 200);
    assert_eq!(holder.get("/v1/me").problem(), "UNAUTHENTICATED");
}

#[test]
fn scopes_that_say_nothing_or_that_the_role_has_no_use_for_are_refused() {
    let app = TestApp::start();
    let admin = app.admin();
    for (role, scopes, pointer) in [
        (
            "viewer",
            json!(["requests.read", "requests.write"]),
            "/scopes/1",
        ),
        ("viewer", json!([]), "/scopes"),
        ("viewer", json!(["everything"]), "/scopes/0"),
        ("viewer", json!("requests.read"), "/scopes"),
        ("admin", json!(["desk.work"]), "/scopes/0"),
        ("viewer", json!(vec!["consult"; 21]), "/scopes"),
    ] {
        let body = json!({ "subject": "s", "name": "S", "role": role, "scopes": scopes });
        let answer = admin.post("/v1/api-keys", &body);
        assert_eq!(answer.problem(), "VALIDATION_FAILED", "{body}");
        assert_eq!(answer.json()["errors"][0]["pointer"], pointer, "{body}");
    }
}

#[test]
fn a_limited_administrator_makes_no_administrator_with_more_scopes() {
    let app = TestApp::start();
    let limited = limited(&app, Role::Admin, &[Scope::KeysManage, Scope::Consult]);
    let body = |scopes: Value| json!({ "subject": "other@example.com", "name": "Other", "role": "admin", "scopes": scopes });
    for scopes in [
        Value::Null,
        json!(["audit.read"]),
        json!(["keys.manage", "requests.read"]),
    ] {
        let answer = limited.post("/v1/api-keys", &body(scopes.clone()));
        assert_eq!(answer.status, 403, "{scopes}: {}", answer.body);
        assert_eq!(answer.problem(), "ACTION_FORBIDDEN");
    }
    // Nor by repeating what an administrator without limits has made.
    let once = [("Idempotency-Key", "one-and-the-same")];
    assert_eq!(
        app.admin()
            .post_with("/v1/api-keys", &once, &body(Value::Null))
            .status,
        201
    );
    let again = limited.post_with("/v1/api-keys", &once, &body(Value::Null));
    assert_eq!(again.problem(), "ACTION_FORBIDDEN");

    assert_eq!(
        limited
            .post("/v1/api-keys", &body(json!(["keys.manage"])))
            .status,
        201
    );
    let viewer = json!({ "subject": "wall", "name": "Wall", "role": "viewer" });
    assert_eq!(limited.post("/v1/api-keys", &viewer).status, 201);
}
