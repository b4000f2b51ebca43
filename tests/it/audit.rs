//! The audit trail: who asked for which write, from where, and what came of it.

use std::time::{Duration, Instant};

use engagement_desk::http::routes::Access;
use serde_json::{Value, json};

use crate::support::app::{Client, TestApp, consultation_at_tpd, session_at_pad};
use crate::support::client::Answer;
use crate::support::server::limits;

/// Everything in the trail that was asked for over HTTP, oldest first.
fn lines(admin: &Client, query: &str) -> Vec<Value> {
    let answer = admin.get(&format!("/v1/audit?limit=200&{query}"));
    assert_eq!(answer.status, 200, "{}", answer.body);
    let mut lines = answer.json()["items"].as_array().unwrap().clone();
    lines.retain(|line| line["request_id"].is_string());
    lines.reverse();
    lines
}

/// The lines about a request, which may have to be waited for.
fn lines_of(admin: &Client, answer: &Answer) -> Vec<Value> {
    let id = answer.header("x-request-id").unwrap();
    let give_up = Instant::now() + Duration::from_secs(20);
    loop {
        let mut found = lines(admin, "");
        found.retain(|line| line["request_id"] == id.as_str());
        if !found.is_empty() || Instant::now() > give_up {
            return found;
        }
        std::thread::yield_now();
    }
}

/// The one line about a request.
fn line_of(admin: &Client, answer: &Answer) -> Value {
    let found = lines_of(admin, answer);
    assert_eq!(found.len(), 1, "{found:?} of {answer:?}");
    found[0].clone()
}

#[test]
fn the_address_is_the_clients_where_a_trusted_proxy_says_so_and_else_the_peers() {
    let forwarded = [
        ("Content-Type", "application/json"),
        ("X-Forwarded-For", "198.51.100.1, 2001:db8::7"),
        ("Forwarded", "for=198.51.100.2"),
    ];
    for (proxy, address) in [("127.0.0.0/8", "2001:db8::7"), ("127.0.0.2", "127.0.0.1")] {
        let app = TestApp::behind(proxy, limits());
        let (admin, pdm) = (app.admin(), app.pdm("paula@example.com"));
        let body = session_at_pad().to_string();
        let created = pdm.send("POST", "/v1/requests", &forwarded, &body);
        let refused = app.viewer().send("POST", "/v1/requests", &forwarded, &body);
        assert_eq!((created.status, refused.status), (201, 403));
        for answer in [created, refused] {
            assert_eq!(line_of(&admin, &answer)["address"], address, "{proxy}");
        }
    }
}

fn key_for(subject: &str) -> Value {
    json!({ "subject": subject, "name": "Somebody", "role": "viewer" })
}

#[test]
fn a_write_leaves_one_line_that_says_who_did_what_to_which_object_from_where() {
    let app = TestApp::start();
    let (admin, pdm, member) = (app.admin(), app.pdm("paula@example.com"), app.member("pad"));
    let created = pdm.post("/v1/requests", &session_at_pad());
    let id = created.json()["id"].as_str().unwrap().to_owned();
    let line = line_of(&admin, &created);
    assert_eq!(
        line,
        json!({
            "id": line["id"], "at": "2026-11-22T10:00:00Z",
            "subject": "paula@example.com", "role": "requester", "key_id": pdm.key_id,
            "address": "127.0.0.1", "method": "POST", "route": "/v1/requests",
            "request_id": created.header("x-request-id").unwrap(),
            "action": "create_request", "object": id, "outcome": "done", "status": 201,
        })
    );
    let path = format!("/v1/requests/{id}");
    let made = admin.post("/v1/api-keys", &key_for("dashboard"));
    let key_id = made.json()["api_key"]["id"].as_str().unwrap().to_owned();
    let mut draft = session_at_pad();
    draft["draft"] = json!(true);
    let draft = pdm.post("/v1/requests", &draft);
    let draft_id = draft.json()["id"].as_str().unwrap().to_owned();
    let draft_path = format!("/v1/requests/{draft_id}");
    let refused = pdm.post("/v1/requests", &consultation_at_tpd(25.0));
    let refused_id = refused.json()["request"]["id"].as_str().unwrap().to_owned();
    for (answer, action, object, status, code) in [
        (
            member.post(
                &format!("{path}/transitions"),
                &json!({ "to": "in_review" }),
            ),
            "transition_request",
            &id,
            200,
            Value::Null,
        ),
        (
            pdm.patch(&draft_path, "\"1-full\"", &json!({ "title": "Another" })),
            "revise_request",
            &draft_id,
            200,
            Value::Null,
        ),
        (made, "create_api_key", &key_id, 201, Value::Null),
        (
            admin.delete(&format!("/v1/api-keys/{key_id}")),
            "revoke_api_key",
            &key_id,
            200,
            Value::Null,
        ),
        // Refused by the rules, but stored.
        (
            refused,
            "create_request",
            &refused_id,
            422,
            json!("INELIGIBLE"),
        ),
    ] {
        assert_eq!(answer.status, status, "{}", answer.body);
        let line = line_of(&admin, &answer);
        assert_eq!(line["action"], action);
        assert_eq!(line["object"], object.as_str());
        assert_eq!(line["outcome"], "done");
        assert_eq!(line["status"], status);
        assert_eq!(line["code"], code);
    }
}

#[test]
fn a_refused_write_leaves_one_line_too() {
    let app = TestApp::start();
    let (admin, pdm, member) = (app.admin(), app.pdm("paula@example.com"), app.member("pad"));
    let request = pdm.create(&session_at_pad());
    let path = format!("/v1/requests/{}", request["id"].as_str().unwrap());
    let steps = format!("{path}/transitions");
    let once = [("Idempotency-Key", "used")];
    pdm.post_with("/v1/requests", &once, &session_at_pad());
    let json_type = [("Content-Type", "application/json")];
    for (answer, code) in [
        (
            app.viewer().post("/v1/requests", &session_at_pad()),
            "ACTION_FORBIDDEN",
        ),
        (
            pdm.post(&steps, &json!({ "to": "in_review" })),
            "ACTION_FORBIDDEN",
        ),
        (pdm.post("/v1/api-keys", &key_for("x")), "ACTION_FORBIDDEN"),
        (
            app.pdm("other@example.com")
                .post(&steps, &json!({ "to": "cancelled" })),
            "NOT_FOUND",
        ),
        (admin.delete("/v1/api-keys/AAAAAAAAAAAA"), "NOT_FOUND"),
        (
            member.post(&steps, &json!({ "to": "completed" })),
            "TRANSITION_NOT_ALLOWED",
        ),
        (
            pdm.patch(&path, "\"7-full\"", &json!({ "title": "x" })),
            "PRECONDITION_FAILED",
        ),
        (
            pdm.send("PATCH", &path, &json_type, "{}"),
            "PRECONDITION_REQUIRED",
        ),
        (
            pdm.post("/v1/requests", &json!({ "title": "" })),
            "VALIDATION_FAILED",
        ),
        (
            pdm.post("/v1/requests", &json!({ "titel": "x" })),
            "UNKNOWN_FIELD",
        ),
        (
            pdm.post("/v1/requests?x=1", &session_at_pad()),
            "UNKNOWN_PARAMETER",
        ),
        (
            pdm.send("POST", "/v1/requests", &json_type, "{"),
            "MALFORMED_JSON",
        ),
        (
            pdm.send("POST", "/v1/requests", &[], "{}"),
            "UNSUPPORTED_MEDIA_TYPE",
        ),
        (
            pdm.post_with("/v1/requests", &once, &json!({ "draft": true })),
            "IDEMPOTENCY_KEY_REUSED",
        ),
        (
            pdm.post_with(
                "/v1/requests",
                &[("Idempotency-Key", "a b")],
                &session_at_pad(),
            ),
            "IDEMPOTENCY_KEY_INVALID",
        ),
    ] {
        assert_eq!(answer.problem(), code, "{}", answer.body);
        let line = line_of(&admin, &answer);
        assert_eq!(line["outcome"], "refused", "{line}");
        assert_eq!(line["code"], code, "{line}");
        assert_eq!(line["status"], answer.status, "{line}");
        assert!(
            line["subject"].is_string() && line["key_id"].is_string(),
            "{line}"
        );
    }
}

#[test]
fn every_operation_that_writes_leaves_a_line_when_it_is_refused() {
    let app = TestApp::start();
    let (admin, viewer) = (app.admin(), app.viewer());
    for (method, path, access) in engagement_desk::http::routes().list() {
        // A dry run stores nothing.
        if access == Access::Public || method.is_safe() || path == "/v1/eligibility-checks" {
            continue;
        }
        let named = path.replace(['{', '}'], "x");
        let answer = viewer.send(
            method.as_str(),
            &named,
            &[("Content-Type", "text/plain")],
            "x",
        );
        assert!(
            (400..500).contains(&answer.status),
            "{method} {path}: {}",
            answer.status
        );
        let line = line_of(&admin, &answer);
        assert_eq!(line["outcome"], "refused", "{line}");
        assert_eq!(line["route"], path, "{line}");
        assert!(!line["action"].as_str().unwrap().is_empty(), "{line}");
    }
}

#[test]
fn a_replayed_answer_is_told_apart_from_a_first_one() {
    let app = TestApp::start();
    let (admin, pdm) = (app.admin(), app.pdm("paula@example.com"));
    let post = || {
        pdm.post_with(
            "/v1/requests",
            &[("Idempotency-Key", "k")],
            &session_at_pad(),
        )
    };
    let (first, second) = (post(), post());
    assert_eq!(
        second.header("idempotency-replayed").as_deref(),
        Some("true")
    );
    let (first, second) = (line_of(&admin, &first), line_of(&admin, &second));
    assert_eq!(
        (&first["outcome"], &second["outcome"]),
        (&json!("done"), &json!("replayed"))
    );
    assert_eq!(first["object"], second["object"]);
}

#[test]
fn what_writes_nothing_leaves_no_line() {
    let app = TestApp::start();
    let (admin, pdm) = (app.admin(), app.pdm("paula@example.com"));
    pdm.get("/v1/requests");
    assert_eq!(pdm.get("/v1/requests/nothing").status, 404);
    assert_eq!(
        pdm.post("/v1/eligibility-checks", &json!({ "desk": "pad" }))
            .status,
        200
    );
    assert_eq!(
        pdm.post("/v1/eligibility-checks", &json!({ "dsek": "pad" }))
            .status,
        400
    );
    let mut nobody = pdm.clone();
    nobody.token = "edk_nobody".to_owned();
    assert_eq!(nobody.post("/v1/requests", &session_at_pad()).status, 401);
    // Lines are written in order: had the others left any, they would be there before this one.
    let last = pdm.post("/v1/requests", &json!({}));
    assert_eq!(lines_of(&admin, &last).len(), 1);
    assert_eq!(lines(&admin, "").len(), 1);
}

#[test]
fn a_write_without_its_line_does_not_happen() {
    let app = TestApp::start();
    let (admin, pdm) = (app.admin(), app.pdm("paula@example.com"));
    let request = pdm.create(&session_at_pad());
    let state = || app.db.query("select state from requests").unwrap();
    let keys = || app.db.query("select count(*) from api_keys").unwrap();
    let before = (state(), keys());
    app.db
        .query("alter table audit add constraint none check (false) not valid")
        .unwrap();
    let step = json!({ "to": "cancelled", "reason": "No longer needed." });
    assert_eq!(pdm.step(&request, &step).problem(), "INTERNAL");
    assert_eq!(
        pdm.post("/v1/requests", &session_at_pad()).problem(),
        "INTERNAL"
    );
    assert_eq!(
        admin.post("/v1/api-keys", &key_for("x")).problem(),
        "INTERNAL"
    );
    let revoked = admin.delete(&format!("/v1/api-keys/{}", pdm.key_id));
    assert_eq!(revoked.problem(), "INTERNAL");
    assert_eq!((state(), keys()), before);
    assert_eq!(pdm.get("/v1/me").status, 200);
}

#[test]
fn what_the_service_and_the_command_line_do_is_there_too() {
    let app = TestApp::start();
    let admin = app.admin();
    let mut draft = session_at_pad();
    draft["draft"] = json!(true);
    let draft = app.pdm("paula@example.com").create(&draft);
    app.set_clock("2027-11-20T10:00:00Z");
    app.work();
    app.set_clock("2026-11-22T10:00:00Z");
    let answer = admin.get("/v1/audit?action=expire_request").json();
    let line = &answer["items"][0];
    assert_eq!(line["object"], draft["id"]);
    assert_eq!(
        (&line["subject"], &line["role"]),
        (&json!("system"), &json!("system"))
    );
    let answer = admin
        .get("/v1/audit?action=create_api_key&subject=test")
        .json();
    let made: Vec<&Value> = answer["items"].as_array().unwrap().iter().collect();
    assert!(
        made.iter()
            .any(|line| line["object"] == admin.key_id.as_str()),
        "{made:?}"
    );
}

#[test]
fn only_an_administrator_reads_the_trail() {
    let app = TestApp::start();
    for client in [
        app.pdm("paula@example.com"),
        app.member("pad"),
        app.lead("pad"),
        app.viewer(),
        app.integration("crm"),
    ] {
        let answer = client.get("/v1/audit");
        assert_eq!(answer.problem(), "ACTION_FORBIDDEN");
    }
    assert_eq!(app.admin().get("/v1/audit").status, 200);
}

#[test]
fn the_trail_cannot_be_changed_by_the_services_own_user() {
    let app = TestApp::start();
    app.pdm("paula@example.com").create(&session_at_pad());
    for sql in [
        "update audit set subject = 'somebody else'",
        "delete from audit",
        "truncate audit",
    ] {
        let error = app.db.query(sql).unwrap_err();
        let message = error.as_db_error().unwrap().message();
        assert_eq!(message, "history is never changed", "{sql}");
    }
}

#[test]
fn neither_secrets_nor_what_was_sent_are_in_the_trail() {
    let app = TestApp::start();
    let (admin, pdm) = (app.admin(), app.pdm("paula@example.com"));
    let mut body = session_at_pad();
    body["description"] = json!("A plan nobody should read in the trail.");
    let created = pdm.post("/v1/requests", &body);
    let made = admin.post_with(
        "/v1/api-keys",
        &[("Idempotency-Key", "guess-me-not")],
        &key_for("x"),
    );
    let text = made.json()["key"].as_str().unwrap().to_owned();
    // Somebody takes the whole key for its id.
    let mistaken = admin.delete(&format!("/v1/api-keys/{text}"));
    assert_eq!(mistaken.status, 404);
    for answer in [&created, &made, &mistaken] {
        line_of(&admin, answer);
    }
    let secret = text.split('_').nth(2).unwrap();
    let trail = app
        .db
        .query("select audit::text from audit")
        .unwrap()
        .join("\n");
    for never in [
        secret,
        "A plan",
        "Landing zone",
        "guess-me-not",
        "Name of",
        &pdm.token,
    ] {
        assert!(!trail.contains(never), "{never} is in the trail:\n{trail}");
    }
}

#[test]
fn the_trail_is_filtered_and_read_in_pages() {
    let app = TestApp::start();
    let (admin, pdm) = (app.admin(), app.pdm("paula@example.com"));
    let mut ids = Vec::new();
    for minute in 0..5 {
        app.set_clock(&format!("2026-11-22T11:0{minute}:00Z"));
        ids.push(
            pdm.create(&session_at_pad())["id"]
                .as_str()
                .unwrap()
                .to_owned(),
        );
    }
    app.set_clock("2026-11-22T11:10:00Z");
    let refused = app.viewer().post("/v1/requests", &session_at_pad());
    line_of(&admin, &refused);
    for (query, count) in [
        ("subject=paula@example.com", 5),
        ("subject=dashboard", 1),
        ("action=create_request", 6),
        ("action=create_request&outcome=done", 5),
        ("outcome=refused", 1),
        ("outcome=failed", 0),
        ("from=2026-11-22T11:03:00Z", 3),
        ("from=2026-11-22T11:01:00Z&before=2026-11-22T11:03:00Z", 2),
        (&format!("object={}", ids[2]), 1),
        (&format!("object={}&subject=dashboard", ids[2]), 0),
    ] {
        assert_eq!(lines(&admin, query).len(), count, "{query}");
    }
    let mut path = Some("/v1/audit?limit=2&subject=paula@example.com".to_owned());
    let mut met = Vec::new();
    while let Some(next) = path {
        let answer = admin.get(&next);
        for line in answer.json()["items"].as_array().unwrap() {
            met.push(line["object"].as_str().unwrap().to_owned());
        }
        path = answer
            .header("link")
            .map(|link| link[1..link.find('>').unwrap()].to_owned());
    }
    met.reverse();
    assert_eq!(met, ids);
    let cursor = admin.get("/v1/audit?limit=2").json()["next_cursor"]
        .as_str()
        .unwrap()
        .to_owned();
    let other = admin.get(&format!("/v1/audit?limit=2&outcome=done&cursor={cursor}"));
    assert_eq!(other.problem(), "CURSOR_FILTER_MISMATCH");
}
