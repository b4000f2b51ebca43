//! Every operation there is, tried by everybody. A route without a row in the table fails.

use std::collections::BTreeSet;

use engagement_desk::credentials::NewKey;
use engagement_desk::domain::actor::Role;
use engagement_desk::domain::{lifecycle, rights};
use engagement_desk::http::openapi;
use engagement_desk::http::routes;
use engagement_desk::http::routes::Access;
use serde_json::{Value, json};

use crate::support::app::{Client, TestApp, consultation_at_tpd};
use crate::support::cast::drafted;
use crate::support::client::{Answer, send};
use crate::support::generated;

/// An operation, the body it is tried with, and the status it answers each role: first where the request
/// is one of the caller's own (as owner, by its desk, as the integration that sent it), then where it is
/// not. One status stands for both.
pub type Row = (&'static str, &'static str, [&'static str; 6]);

const CANCEL: &str = r#"{ "to": "cancelled", "reason": "No longer needed." }"#;
const TITLE: &str = r#"{ "title": "Another title" }"#;
const HOURS: &str = r#"{ "hours": 1.5, "worked_on": "2026-11-20" }"#;
const NEW_KEY: &str = r#"{ "subject": "tool", "name": "A tool", "role": "viewer" }"#;
const NEW_DRAFT: &str = r#"{ "draft": true }"#;
const DRAFT_FOR_PIA: &str = r#"{ "draft": true,
    "requested_by": { "name": "Pia", "email": "pia@example.com", "relationship": "pts" } }"#;

#[rustfmt::skip]
pub const ROWS: &[Row] = &[
    // operation                               body           requester  member     lead       viewer integration  admin
    ("GET /v1/catalog",                        "",            ["200",     "200",     "200",     "200", "200",     "200"]),
    ("POST /v1/eligibility-checks",            "{}",          ["200",     "200",     "200",     "200", "200",     "200"]),
    ("POST /v1/requests",                      NEW_DRAFT,     ["201",     "403",     "403",     "403", "422",     "403"]),
    ("POST /v1/requests",                      DRAFT_FOR_PIA, ["403",     "403",     "403",     "403", "201",     "403"]),
    ("GET /v1/requests",                       "",            ["200",     "200",     "200",     "200", "200",     "200"]),
    ("GET /v1/requests/{id}",                  "",            ["200 404", "200 404", "200 404", "200", "200 404", "200"]),
    ("PATCH /v1/requests/{id}",                TITLE,         ["200 404", "403 404", "403 404", "403", "200 404", "403"]),
    ("POST /v1/requests/{id}/transitions",     CANCEL,        ["200 404", "403 404", "200 404", "403", "200 404", "403"]),
    ("GET /v1/requests/{id}/events",           "",            ["200 404", "200 404", "200 404", "200", "200 404", "200"]),
    ("POST /v1/requests/{id}/time-entries",    HOURS,         ["403 404", "409 404", "409 404", "403", "403 404", "403"]),
    ("GET /v1/requests/{id}/time-entries",     "",            ["200 404", "200 404", "200 404", "200", "200 404", "200"]),
    ("GET /v1/events",                         "",            ["200",     "200",     "200",     "200", "200",     "200"]),
    ("GET /v1/audit",                          "",            ["403",     "403",     "403",     "403", "403",     "200"]),
    ("GET /v1/me",                             "",            ["200",     "200",     "200",     "200", "200",     "200"]),
    ("POST /v1/api-keys",                      NEW_KEY,       ["403",     "403",     "403",     "403", "403",     "201"]),
    ("GET /v1/api-keys",                       "",            ["403",     "403",     "403",     "403", "403",     "200"]),
    ("GET /v1/api-keys/{id}",                  "",            ["403",     "403",     "403",     "403", "403",     "200"]),
    ("DELETE /v1/api-keys/{id}",               "",            ["403",     "403",     "403",     "403", "403",     "200"]),
];

/// What anybody may ask for.
const PUBLIC: &[&str] = &[
    "GET /livez",
    "GET /readyz",
    "GET /openapi.json",
    "GET /docs",
    "GET /docs/assets/{file}",
    "GET /docs/errors",
    "GET /docs/errors/{code}",
];

/// Two of each role: one to whom the tried request belongs somehow, and one to whom it does not.
pub struct Scene {
    pub app: TestApp,
    callers: Vec<(Role, [Client; 2])>,
}

impl Scene {
    pub fn start() -> Self {
        let app = TestApp::start();
        let callers = vec![
            (
                Role::Requester,
                [app.pdm("paula@example.com"), app.pdm("quentin@example.com")],
            ),
            (Role::DeskMember, [app.member("tpd"), app.member("pad")]),
            (Role::DeskLead, [app.lead("tpd"), app.lead("pad")]),
            (Role::Viewer, [app.viewer(), app.viewer()]),
            (
                Role::Integration,
                [app.integration("crm"), app.integration("other-crm")],
            ),
            (Role::Admin, [app.admin(), app.admin()]),
        ];
        assert!(callers.iter().map(|(role, _)| role).eq(Role::ALL));
        Self { app, callers }
    }

    /// The address of something new that no try before has touched.
    pub fn address(&self, path: &str) -> String {
        if !path.contains('{') {
            return path.to_owned();
        }
        let id = if path.starts_with("/v1/requests/") {
            let mut body = drafted(consultation_at_tpd(12.0));
            body["requested_by"] =
                json!({ "name": "Paula", "email": "paula@example.com", "relationship": "pdm" });
            let request = self.own(Role::Integration).create(&body);
            request["id"].as_str().unwrap().to_owned()
        } else {
            self.app.viewer().key_id
        };
        assert_eq!(
            path.matches('{').count(),
            1,
            "{path} needs more than one id"
        );
        path.replace("{id}", &id)
    }

    fn own(&self, role: Role) -> &Client {
        let (_, [own, _]) = self.callers.iter().find(|(its, _)| *its == role).unwrap();
        own
    }
}

/// Sends the operation with all that it needs but a caller.
fn try_as(authorization: Option<&str>, address: &str, row: &Row, at: &TestApp) -> (u16, Value) {
    let answer = ask_as(authorization, address, row, at);
    let code = if answer.status >= 400 {
        answer.problem()
    } else {
        String::new()
    };
    (answer.status, json!(code))
}

/// The answer to that, whole.
pub fn ask_as(authorization: Option<&str>, address: &str, row: &Row, at: &TestApp) -> Answer {
    let (operation, body, _) = row;
    let (method, _) = operation.split_once(' ').unwrap();
    let mut headers = vec![];
    if let Some(authorization) = authorization {
        headers.push(("Authorization", authorization));
    }
    if !body.is_empty() {
        headers.push(("Content-Type", "application/json"));
    }
    if method == "PATCH" {
        headers.push(("If-Match", "*"));
    }
    send(at.address, method, address, &headers, body)
}

/// Every route, as `GET /v1/requests`.
fn operations(wanted: Access) -> BTreeSet<String> {
    routes()
        .list()
        .filter(|(_, _, access)| *access == wanted)
        .map(|(method, path, _)| format!("{method} {path}"))
        .collect()
}

#[test]
fn every_route_has_its_row_and_every_row_its_route() {
    let rows: BTreeSet<String> = ROWS
        .iter()
        .map(|(operation, ..)| operation.to_string())
        .collect();
    assert_eq!(rows, operations(Access::Caller));
    let public: BTreeSet<String> = PUBLIC.iter().map(ToString::to_string).collect();
    assert_eq!(public, operations(Access::Public));

    let document = serde_json::to_value(openapi::document()).unwrap();
    let documented: BTreeSet<String> = document["paths"]
        .as_object()
        .unwrap()
        .iter()
        .flat_map(|(path, item)| {
            let methods = item.as_object().unwrap().keys();
            methods.map(move |method| format!("{} {path}", method.to_uppercase()))
        })
        .collect();
    assert!(rows.is_subset(&documented), "{documented:?}");
    assert!(
        documented
            .difference(&rows)
            .all(|operation| public.contains(operation))
    );
}

#[test]
fn every_role_gets_what_the_table_says_of_its_own_and_of_others() {
    let scene = Scene::start();
    let mut wrong = Vec::new();
    for row in ROWS {
        let (operation, _, expected) = row;
        let (_, path) = operation.split_once(' ').unwrap();
        for ((role, callers), expected) in scene.callers.iter().zip(expected) {
            let (own, stranger) = expected.split_once(' ').unwrap_or((expected, expected));
            for (caller, expected) in callers.iter().zip([own, stranger]) {
                let bearer = format!("Bearer {}", caller.token);
                let (status, code) = try_as(Some(&bearer), &scene.address(path), row, &scene.app);
                if status.to_string() != expected {
                    wrong.push(format!(
                        "{operation} as {role}: {status} {code}, not {expected}"
                    ));
                }
                let expected_code = match status {
                    403 => "ACTION_FORBIDDEN",
                    404 => "NOT_FOUND",
                    409 => "TRANSITION_NOT_ALLOWED",
                    422 => "VALIDATION_FAILED",
                    _ => "",
                };
                assert_eq!(code, expected_code, "{operation} as {role}");
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn without_good_credentials_nothing_is_done_whatever_is_sent() {
    let scene = Scene::start();
    let unknown = format!("Bearer {}", NewKey::generate().text);
    let good = &scene.own(Role::Admin).token;
    let garbage = [
        None,
        Some("Bearer nonsense"),
        Some("Bearer"),
        Some("Basic cGF1bGE6cGF1bGE="),
        Some("Bearer edk_aaaaaaaaaaaa_aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa_00000000"),
        Some("Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiJhZG1pbiJ9."),
        Some(&unknown),
        Some(good.as_str()),
    ];
    for row in ROWS {
        let (operation, body, expected) = row;
        let (_, path) = operation.split_once(' ').unwrap();
        let address = scene.address(path);
        for authorization in garbage {
            // An unreadable body does not come first.
            for body in [*body, "{"] {
                let row = (*operation, body, *expected);
                let (status, code) = try_as(authorization, &address, &row, &scene.app);
                assert_eq!(
                    (status, code),
                    (401, json!("UNAUTHENTICATED")),
                    "{operation}"
                );
            }
        }
    }
    let states = "select distinct version from requests";
    assert_eq!(scene.app.db.query(states).unwrap(), ["1"]);
    assert_eq!(
        scene
            .app
            .db
            .query("select count(*) from api_keys where revoked_at is not null")
            .unwrap(),
        ["0"]
    );
}

#[test]
fn anybody_may_ask_for_health_and_documentation() {
    let app = TestApp::start();
    for operation in PUBLIC {
        let path = operation.strip_prefix("GET ").unwrap();
        let path = path
            .replace("{file}", "swagger-ui.css")
            .replace("{code}", "not-found");
        for headers in [vec![], vec![("Authorization", "Bearer nonsense")]] {
            let answer = send(app.address, "GET", &path, &headers, "");
            assert_eq!(answer.status, 200, "{path}: {}", answer.body);
        }
    }
}

#[test]
fn the_committed_table_of_rights_is_what_the_code_says() {
    generated::compare("docs/generated/rights.md", &rights::document());
}

#[test]
fn the_committed_life_cycle_is_what_the_code_says() {
    generated::compare("docs/generated/lifecycle.md", &lifecycle::document());
}
