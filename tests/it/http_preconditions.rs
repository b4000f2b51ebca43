//! `If-Match` and `If-None-Match` on everything that has a tag (RFC 9110, section 13).

use serde_json::json;

use crate::support::app::{Client, TestApp, consultation_at_tpd, session_at_pad};
use crate::support::cast::{drafted, path, tag};
use crate::support::client::Answer;

/// A header's lines for an object of this tag, what a read with them in `If-Match` answers where the tag is
/// strong, and what one with them in `If-None-Match` answers.
fn cases(tag: &str) -> Vec<(Vec<String>, u16, u16)> {
    let opaque = tag.strip_prefix("W/").unwrap_or(tag);
    let lines = |lines: &[&str]| lines.iter().map(ToString::to_string).collect();
    vec![
        (lines(&["*"]), 200, 304),
        (lines(&[opaque]), 200, 304),
        (lines(&[&format!("\"a,b\", {opaque}")]), 200, 304),
        (lines(&["\"a\"", opaque]), 200, 304),
        (lines(&[&format!("W/{opaque}")]), 412, 304),
        (lines(&["\"another\""]), 412, 200),
        (lines(&["\"a\"", "\"b\""]), 412, 200),
        (lines(&["another"]), 400, 400),
        (lines(&["*", opaque]), 400, 400),
        (lines(&[""]), 400, 400),
    ]
}

fn ask(client: &Client, method: &str, address: &str, name: &str, lines: &[String]) -> Answer {
    let headers: Vec<(&str, &str)> = lines.iter().map(|line| (name, line.as_str())).collect();
    client.send(method, address, &headers, "")
}

#[test]
fn a_read_is_answered_as_its_preconditions_say_whatever_is_read() {
    let app = TestApp::start();
    let (pdm, admin) = (app.pdm("paula@example.com"), app.admin());
    let request = pdm.create(&session_at_pad());
    let reads = [
        (&pdm, path(&request)),
        (&pdm, format!("{}/events", path(&request))),
        (&pdm, format!("{}/time-entries", path(&request))),
        (&pdm, "/v1/requests".to_owned()),
        (&pdm, "/v1/catalog".to_owned()),
        (&pdm, "/v1/me".to_owned()),
        (&pdm, "/openapi.json".to_owned()),
        (&admin, format!("/v1/api-keys/{}", pdm.key_id)),
        (&admin, "/v1/audit?action=nothing".to_owned()),
    ];
    for (client, address) in reads {
        // The first use of a key is noted and changes what is shown of it.
        client.get(&address);
        let tag = client.get(&address).header("etag").unwrap();
        let is_weak = tag.starts_with("W/");
        for (lines, if_match, if_none_match) in cases(&tag) {
            let only_strong = is_weak && if_match == 200 && lines != ["*"];
            let if_match = if only_strong { 412 } else { if_match };
            for method in ["GET", "HEAD"] {
                let answer = ask(client, method, &address, "If-Match", &lines);
                assert_eq!(
                    answer.status, if_match,
                    "{method} {address} If-Match {lines:?}"
                );
                if if_match == 412 {
                    assert_eq!(answer.header("etag").as_ref(), Some(&tag));
                }
                let answer = ask(client, method, &address, "If-None-Match", &lines);
                assert_eq!(answer.status, if_none_match, "{method} {address} {lines:?}");
            }
        }
        // Which version it must be counts before which it must not be.
        let both = [("If-Match", "\"another\""), ("If-None-Match", tag.as_str())];
        assert_eq!(client.send("GET", &address, &both, "").status, 412);
    }
}

#[test]
fn a_change_that_if_none_match_rules_out_is_not_made() {
    let app = TestApp::start();
    let pdm = app.pdm("paula@example.com");
    let draft = pdm.create(&drafted(consultation_at_tpd(12.0)));
    let current = tag(&draft);
    let patch = |ruled_out: &str| {
        let headers = [
            ("Content-Type", "application/merge-patch+json"),
            ("If-Match", current.as_str()),
            ("If-None-Match", ruled_out),
        ];
        pdm.send("PATCH", &path(&draft), &headers, r#"{"title":"Another"}"#)
    };
    let address = format!("{}/transitions", path(&draft));
    let cancel = json!({ "to": "cancelled", "reason": "Over." });
    for ruled_out in ["*", current.as_str(), &format!("W/{current}")] {
        let step = pdm.post_with(&address, &[("If-None-Match", ruled_out)], &cancel);
        for answer in [patch(ruled_out), step] {
            assert_eq!(answer.problem(), "PRECONDITION_FAILED", "{ruled_out}");
            assert_eq!(answer.json()["current_etag"], current);
        }
    }
    assert_eq!(patch("\"0-full\"").status, 200);
    let step = pdm.post_with(&address, &[("If-None-Match", current.as_str())], &cancel);
    assert_eq!(step.status, 200, "{}", step.body);
}

#[test]
fn a_key_is_revoked_only_as_the_caller_knows_it() {
    let app = TestApp::start();
    let admin = app.admin();
    let address = format!("/v1/api-keys/{}", app.viewer().key_id);
    let shown = admin.get(&address).header("etag").unwrap();
    let weakened = format!("W/{shown}");
    let delete = |name, value| admin.send("DELETE", &address, &[(name, value)], "");
    for (name, value) in [
        ("If-Match", "\"another\""),
        ("If-Match", &weakened),
        ("If-None-Match", "*"),
        ("If-None-Match", &shown),
    ] {
        let refused = delete(name, value);
        assert_eq!(refused.problem(), "PRECONDITION_FAILED", "{name} {value}");
        assert_eq!(refused.json()["current_etag"], shown);
        assert_eq!(refused.json()["current"]["revoked_at"], json!(null));
    }
    assert_eq!(
        delete("If-Match", "another").problem(),
        "IF_MATCH_MALFORMED"
    );
    assert_eq!(delete("If-Match", &shown).status, 200);
    assert_eq!(delete("If-Match", &shown).status, 412);
    assert_eq!(admin.delete(&address).status, 200);
}

#[test]
fn nothing_is_added_to_a_list_under_a_precondition_that_fails() {
    let app = TestApp::start();
    let (pdm, lead, admin) = (app.pdm("paula@example.com"), app.lead("pad"), app.admin());
    let request = pdm.create(&session_at_pad());
    for to in ["in_review", "accepted", "in_progress"] {
        lead.take(&request, &json!({ "to": to }));
    }
    let hours = json!({ "hours": 1, "worked_on": "2026-11-20" });
    let key = json!({ "subject": "wall", "name": "Wall", "role": "viewer" });
    let adding = [
        (&pdm, "/v1/requests".to_owned(), drafted(session_at_pad())),
        (&lead, format!("{}/time-entries", path(&request)), hours),
        (&admin, "/v1/api-keys".to_owned(), key),
    ];
    for (client, address, body) in &adding {
        for precondition in [("If-Match", "\"4-full\""), ("If-None-Match", "*")] {
            let answer = client.post_with(address, &[precondition], body);
            assert_eq!(answer.problem(), "PRECONDITION_FAILED", "{address}");
        }
        // What is wrong with the body comes first.
        let answer = client.post_with(address, &[("If-Match", "\"1\"")], &json!([]));
        assert_eq!(answer.problem(), "VALIDATION_FAILED", "{address}");
        let answer = client.post_with(address, &[("If-Match", "*")], body);
        assert_eq!(answer.status, 201, "{}", answer.body);
    }
    assert_eq!(
        app.db.query("select count(*) from time_entries").unwrap(),
        ["1"]
    );
}
