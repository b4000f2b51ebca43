//! `GET /v1/requests/{id}`

use engagement_desk::domain::lifecycle::State;
use serde_json::json;

use crate::support::cast::{Cast, path, tag};

#[test]
fn a_request_is_found_by_its_id_and_by_its_reference_in_any_case() {
    let cast = Cast::start();
    let request = cast.request_in(State::Submitted);
    let id = request["id"].as_str().unwrap();
    for name in [
        id,
        &id.to_uppercase(),
        "TPD-2026-000001",
        "tpd-2026-000001",
        "Tpd-2026-000001",
    ] {
        let answer = cast.owner.get(&format!("/v1/requests/{name}"));
        assert_eq!(answer.status, 200, "{name}");
        assert_eq!(answer.json(), request, "{name}");
    }
    for name in [
        "TPD-2026-000002",
        "TPD-2026-1",
        "PAD-2026-000001",
        "nonsense",
        "TPD-2026-000001-1",
        "01998a52-8e4b-7c31-9d7e-3b1f0a6c2d44",
        "%00",
        "%27%20or%20true--",
    ] {
        let answer = cast.owner.get(&format!("/v1/requests/{name}"));
        assert_eq!(answer.problem(), "NOT_FOUND", "{name}");
    }
}

#[test]
fn what_the_caller_has_already_is_not_sent_again() {
    let cast = Cast::start();
    let request = cast.request_in(State::Submitted);
    let show = |tag: &str| {
        cast.owner
            .send("GET", &path(&request), &[("If-None-Match", tag)], "")
    };
    for known in ["\"1-full\"", "W/\"1-full\"", "\"9-full\", \"1-full\"", "*"] {
        let answer = show(known);
        assert_eq!((answer.status, answer.body.as_str()), (304, ""), "{known}");
        assert_eq!(answer.header("etag").unwrap(), tag(&request));
        assert_eq!(answer.header("cache-control").unwrap(), "private, no-cache");
        assert!(answer.header("vary").unwrap().contains("Authorization"));
        assert_eq!(answer.header("content-type"), None);
    }
    for other in ["\"2-full\"", "\"1-public\""] {
        assert_eq!(show(other).status, 200, "{other}");
    }
    assert_eq!(show("1-full").problem(), "IF_MATCH_MALFORMED");
    cast.member.take(&request, &json!({ "to": "in_review" }));
    assert_eq!(show("\"1-full\"").status, 200);
}

#[test]
fn whoever_sees_less_has_another_tag() {
    let cast = Cast::start();
    let request = cast.request_in(State::Submitted);
    let full = cast.member.get(&path(&request));
    let public = cast.viewer.get(&path(&request));
    assert_eq!(full.header("etag").unwrap(), "\"1-full\"");
    assert_eq!(public.header("etag").unwrap(), "\"1-public\"");
    assert_ne!(full.json(), public.json());
    // A cache that mixed the two up would be found out.
    let answer = cast.viewer.send(
        "GET",
        &path(&request),
        &[("If-None-Match", "\"1-full\"")],
        "",
    );
    assert_eq!(answer.status, 200);
}

#[test]
fn the_steps_shown_are_those_of_the_caller() {
    let cast = Cast::start();
    let request = cast.request_in(State::Submitted);
    let steps = |who: &crate::support::app::Client| {
        who.get(&path(&request)).json()["allowed_transitions"].clone()
    };
    assert_eq!(steps(&cast.owner), json!(["draft", "cancelled"]));
    assert_eq!(steps(&cast.member), json!(["in_review", "redirected"]));
    assert_eq!(
        steps(&cast.lead),
        json!(["in_review", "redirected", "cancelled"])
    );
    assert_eq!(steps(&cast.viewer), json!([]));
    assert_eq!(steps(&cast.admin), json!([]));
}

#[test]
fn a_head_is_the_get_without_its_body() {
    let cast = Cast::start();
    let request = cast.request_in(State::Submitted);
    let head = cast.owner.send("HEAD", &path(&request), &[], "");
    let get = cast.owner.get(&path(&request));
    assert_eq!(head.status, 200);
    for header in ["etag", "content-type", "content-length", "cache-control"] {
        assert_eq!(head.header(header), get.header(header), "{header}");
    }
}
