//! `GET /v1/requests/{id}/events`

use engagement_desk::domain::lifecycle::State;
use serde_json::{Value, json};

use crate::support::cast::{Cast, each, path, step, tag};

#[test]
fn every_change_is_one_line_with_who_when_why_and_what() {
    let cast = Cast::start();
    let (owner, member) = (&cast.owner, &cast.member);
    let draft = cast.request_in(State::Draft);
    cast.app.set_clock("2026-11-22T11:00:00Z");
    let patch = json!({
        "title": "Another", "partner": { "csp": true, "name": "Contoso" }, "delivery": null,
        "metadata": { "region": "emea" }, "involves": ["code_review"]
    });
    owner.patch(&path(&draft), &tag(&draft), &patch);
    let mended = json!({ "delivery": "remote", "involves": [] });
    owner.patch(&path(&draft), "\"2-full\"", &mended);
    owner.take(&draft, &json!({ "to": "submitted" }));
    member.take(&draft, &json!({ "to": "in_review", "reason": "Looking." }));
    cast.app.set_clock("2026-11-22T12:00:00Z");
    member.take(&draft, &json!({ "to": "accepted", "approved_hours": 8 }));
    member.take(&draft, &step(State::Scheduled));
    member.take(&draft, &json!({ "to": "accepted" }));

    let page = owner.get(&format!("{}/events", path(&draft))).json();
    assert_eq!(page["next_cursor"], Value::Null);
    let lines = page["items"].as_array().unwrap();
    let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    let told: Vec<String> = lines
        .iter()
        .map(|line| {
            format!(
                "{} {} {}>{} {} [{}] {} {}",
                line["version"],
                text(&line["kind"]),
                text(&line["from"]),
                text(&line["to"]),
                text(&line["actor"]["subject"]),
                line["changed"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .map(text)
                    .collect::<Vec<_>>()
                    .join(" "),
                text(&line["reason"]),
                text(&line["at"]),
            )
        })
        .collect();
    assert_eq!(
        told,
        [
            "1 created ->draft paula@example.com [] - 2026-11-22T10:00:00Z",
            "2 revised draft>draft paula@example.com [/delivery /involves /metadata/region /partner/csp \
             /partner/name /title] - 2026-11-22T11:00:00Z",
            "3 revised draft>draft paula@example.com [/delivery /involves] - 2026-11-22T11:00:00Z",
            "4 transitioned draft>submitted paula@example.com [] - 2026-11-22T11:00:00Z",
            "5 transitioned submitted>in_review member@tpd.example [] Looking. 2026-11-22T11:00:00Z",
            "6 transitioned in_review>accepted member@tpd.example [/hours/approved] - 2026-11-22T12:00:00Z",
            "7 transitioned accepted>scheduled member@tpd.example [/assignee /ends_on /starts_on] \
             For a good reason. 2026-11-22T12:00:00Z",
            "8 transitioned scheduled>accepted member@tpd.example [/assignee /ends_on /starts_on] \
             - 2026-11-22T12:00:00Z",
        ]
    );
    assert!(lines.iter().all(|line| line["desk"] == "tpd"));
    assert_eq!(lines[4]["actor"]["role"], "desk_member");
    assert_eq!(lines[4]["actor"]["name"], "Name of member@tpd.example");
}

#[test]
fn a_refused_step_leaves_no_line() {
    let cast = Cast::start();
    let submitted = cast.request_in(State::Submitted);
    cast.member.step(&submitted, &json!({ "to": "completed" }));
    cast.member.step(&submitted, &json!({ "to": "redirected" }));
    cast.owner.step(&submitted, &json!({ "to": "in_review" }));
    cast.owner.patch(
        &path(&submitted),
        "\"1-full\"",
        &json!({ "title": "Another" }),
    );
    let page = cast
        .owner
        .get(&format!("{}/events", path(&submitted)))
        .json();
    assert_eq!(each(&page, "kind"), ["created"]);
}

#[test]
fn a_history_comes_in_pages() {
    let cast = Cast::start();
    let done = cast.request_in(State::Completed);
    let mut address = format!("{}/events?limit=2", path(&done));
    let mut versions = Vec::new();
    loop {
        let answer = cast.owner.get(&address);
        let page = answer.json();
        versions.extend(
            each(&page, "version")
                .iter()
                .map(|version| version.as_i64().unwrap()),
        );
        let Some(cursor) = page["next_cursor"].as_str() else {
            break;
        };
        address = format!("{}/events?limit=2&cursor={cursor}", path(&done));
        assert_eq!(
            answer.header("link"),
            Some(format!("<{address}>; rel=\"next\""))
        );
    }
    assert_eq!(
        versions,
        (1..=done["version"].as_i64().unwrap()).collect::<Vec<_>>()
    );

    // The place in one history is no place in another.
    let page = cast
        .owner
        .get(&format!("{}/events?limit=2", path(&done)))
        .json();
    let cursor = page["next_cursor"].as_str().unwrap();
    let other = cast.request_in(State::InReview);
    let answer = cast
        .owner
        .get(&format!("{}/events?cursor={cursor}", path(&other)));
    assert_eq!(answer.problem(), "CURSOR_FILTER_MISMATCH");
}

#[test]
fn a_successor_is_told_of_in_both_histories() {
    let cast = Cast::start();
    let mut body = crate::support::app::session_at_pad();
    body["motion"] = json!("build_with");
    let refused = cast.owner.refused(&body);
    let handed = cast.owner.take(
        &refused,
        &json!({ "to": "redirected", "destination": "gps" }),
    );
    let lines = |id: &Value| {
        let id = id.as_str().unwrap();
        cast.owner.get(&format!("/v1/requests/{id}/events")).json()
    };
    let before = lines(&handed["id"]);
    assert_eq!(each(&before, "to"), ["ineligible", "redirected"]);
    assert_eq!(
        before["items"][1]["changed"],
        json!(["/destination", "/successor_id"])
    );
    let after = lines(&handed["successor_id"]);
    assert_eq!(each(&after, "to"), ["submitted"]);
    assert_eq!(each(&after, "desk"), ["gps"]);
}
