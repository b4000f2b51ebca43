//! `GET /v1/requests`

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::support::app::{Client, TestApp, consultation_at_tpd, deal_at_gps, session_at_pad};
use crate::support::cast::{Cast, drafted, each, path, step};
use engagement_desk::domain::lifecycle::State;

/// The numbers at the ends of the references that a query finds.
fn found(client: &Client, query: &str) -> Vec<u32> {
    let answer = client.get(&format!("/v1/requests{query}"));
    assert_eq!(answer.status, 200, "{query}: {}", answer.body);
    each(&answer.json(), "reference")
        .into_iter()
        .map(number)
        .collect()
}

fn number(reference: &Value) -> u32 {
    reference
        .as_str()
        .unwrap()
        .rsplit('-')
        .next()
        .unwrap()
        .parse()
        .unwrap()
}

#[test]
fn a_list_shows_the_newest_first_with_what_a_line_needs() {
    let cast = Cast::start();
    let first = cast.request_in(State::Submitted);
    let second = cast.request_in(State::Scheduled);
    let page = cast.owner.get("/v1/requests").json();
    assert_eq!(page["next_cursor"], Value::Null);
    assert_eq!(each(&page, "id"), [&second["id"], &first["id"]]);
    let line = &page["items"][0];
    for member in [
        "reference",
        "state",
        "status_category",
        "version",
        "desk",
        "service",
        "title",
        "created_at",
        "updated_at",
        "state_since",
    ] {
        assert_eq!(line[member], second[member], "{member}");
    }
    assert_eq!(
        line["etag"],
        "\"5-full\"".replace('5', &second["version"].to_string())
    );
    assert_eq!(line["partner_mpn_id"], "4567890");
    assert_eq!(line["requester_name"], "Name of paula@example.com");
    assert_eq!(line["assignee"], "Ada Archer");
    assert_eq!(line["description"], Value::Null);
}

#[test]
fn every_filter_finds_what_it_names_and_nothing_else() {
    let app = TestApp::start();
    let (paula, quentin) = (app.pdm("paula@example.com"), app.pdm("quentin@example.com"));
    let admin = app.admin();
    paula.create(&session_at_pad());
    app.set_clock("2026-11-22T11:00:00Z");
    quentin.create(&deal_at_gps("Fabrikam & Söhne"));
    app.set_clock("2026-11-22T12:00:00Z");
    let consultation = paula.create(&consultation_at_tpd(12.0));
    quentin.create(&drafted(consultation_at_tpd(12.0)));
    paula.refused(&consultation_at_tpd(30.0));
    app.set_clock("2026-11-22T13:00:00Z");
    let member = app.member("tpd");
    for state in [State::InReview, State::Accepted, State::Scheduled] {
        member.take(&consultation, &step(state));
    }
    let expectations: [(&str, &[u32]); 22] = [
        ("", &[5, 4, 3, 2, 1]),
        ("?desk=pad", &[1]),
        ("?desk=tpd", &[5, 4, 3]),
        ("?state=draft", &[4]),
        ("?state=draft&state=ineligible", &[5, 4]),
        ("?service=sales_deal_enablement", &[2]),
        ("?partner=7654321", &[2]),
        ("?customer=Fabrikam%20Bank", &[1]),
        ("?customer=Fabrikam+%26+S%C3%B6hne", &[2]),
        ("?assignee=Ada%20Archer", &[3]),
        ("?requested_by=Quentin@Example.com", &[4, 2]),
        ("?created_from=2026-11-22T12:00:00Z", &[5, 4, 3]),
        ("?created_before=2026-11-22T12:00:00Z", &[2, 1]),
        (
            "?created_from=2026-11-22T11:00:00Z&created_before=2026-11-22T12:00:00Z",
            &[2],
        ),
        ("?updated_from=2026-11-22T13:00:00Z", &[3]),
        ("?updated_before=2026-11-22T11:00:01Z", &[2, 1]),
        ("?created_from=2026-11-22T13:00:00%2B01:00", &[5, 4, 3]),
        (
            "?desk=tpd&state=scheduled&requested_by=paula@example.com",
            &[3],
        ),
        ("?desk=pad&state=draft", &[]),
        ("?desk=nowhere", &[]),
        ("?customer=%25", &[]),
        ("?limit=2", &[5, 4]),
    ];
    for (query, expected) in expectations {
        assert_eq!(found(&admin, query), expected, "{query}");
    }
    assert_eq!(found(&quentin, "?partner=4567890"), [4]);
    assert_eq!(
        found(&app.member("pad"), "?requested_by=paula@example.com"),
        [1]
    );
}

#[test]
fn a_filter_that_is_not_known_or_makes_no_sense_is_refused() {
    let app = TestApp::start();
    let admin = app.admin();
    for (query, code, parameter) in [
        ("?stat=draft", "UNKNOWN_PARAMETER", "stat"),
        ("?limit=0", "VALIDATION_FAILED", "limit"),
        ("?limit=201", "VALIDATION_FAILED", "limit"),
        ("?limit=many", "INVALID_PARAMETER", "limit"),
        ("?state=done", "INVALID_PARAMETER", "state"),
        ("?desk=pad&desk=gps", "INVALID_PARAMETER", "desk"),
        (
            "?created_from=yesterday",
            "INVALID_PARAMETER",
            "created_from",
        ),
        ("?desk=%FF", "INVALID_PARAMETER", "desk"),
        ("?cursor=x", "CURSOR_INVALID", "cursor"),
    ] {
        let answer = admin.get(&format!("/v1/requests{query}"));
        assert_eq!(answer.problem(), code, "{query}");
        assert_eq!(
            answer.json()["errors"][0]["parameter"],
            parameter,
            "{query}"
        );
    }
}

/// Follows `next_cursor` to the end, checking that `Link` leads to the same places.
fn walk(client: &Client, query: &str, mut between: impl FnMut()) -> Vec<u32> {
    let mut address = format!("/v1/requests{query}");
    let mut seen = Vec::new();
    loop {
        let answer = client.get(&address);
        let page = answer.json();
        seen.extend(each(&page, "reference").into_iter().map(number));
        let link = answer.header("link");
        let Some(cursor) = page["next_cursor"].as_str() else {
            assert_eq!(link, None);
            return seen;
        };
        address = format!("/v1/requests{query}&cursor={cursor}");
        assert_eq!(link, Some(format!("<{address}>; rel=\"next\"")));
        between();
    }
}

#[test]
fn a_walk_through_the_pages_shows_everything_once_whatever_is_created_meanwhile() {
    let app = TestApp::start();
    let pdm = app.pdm("paula@example.com");
    // Several at one instant, so that the time alone does not tell them apart.
    for number in 1..=11 {
        if number == 6 {
            app.set_clock("2026-11-22T10:00:01Z");
        }
        pdm.create(&drafted(session_at_pad()));
    }
    let oldest_first = |numbers: &[u32]| numbers.iter().rev().copied().collect::<Vec<_>>();
    let everything: Vec<u32> = (1..=11).collect();
    for limit in [1, 2, 3, 5, 11] {
        let seen = walk(&pdm, &format!("?limit={limit}&state=draft"), || ());
        assert_eq!(oldest_first(&seen), everything, "{limit}");
    }
    let seen = walk(&pdm, "?limit=2", || {
        pdm.create(&drafted(session_at_pad()));
    });
    let seen_once: BTreeSet<u32> = seen.iter().copied().collect();
    assert_eq!(seen.len(), seen_once.len(), "{seen:?}");
    assert!(
        everything.iter().all(|number| seen_once.contains(number)),
        "{seen:?}"
    );
}

#[test]
fn a_request_that_changes_meanwhile_keeps_its_place() {
    let app = TestApp::start();
    let pdm = app.pdm("paula@example.com");
    let requests: Vec<Value> = (0..6).map(|_| pdm.create(&session_at_pad())).collect();
    app.set_clock("2026-11-22T12:00:00Z");
    let mut changed = requests.iter();
    let seen = walk(&pdm, "?limit=2", || {
        pdm.take(changed.next().unwrap(), &step(State::Draft));
    });
    assert_eq!(seen, [6, 5, 4, 3, 2, 1]);
}

#[test]
fn a_cursor_goes_on_with_its_own_list_only() {
    let app = TestApp::start();
    let pdm = app.pdm("paula@example.com");
    for _ in 0..3 {
        pdm.create(&session_at_pad());
    }
    let page = pdm.get("/v1/requests?limit=1&desk=pad").json();
    let cursor = page["next_cursor"].as_str().unwrap();
    let with =
        |query: &str, cursor: &str| pdm.get(&format!("/v1/requests?{query}&cursor={cursor}"));
    assert_eq!(with("limit=2&desk=pad", cursor).status, 200);
    for other in [
        "limit=1",
        "limit=1&desk=gps",
        "limit=1&desk=pad&state=draft",
    ] {
        assert_eq!(
            with(other, cursor).problem(),
            "CURSOR_FILTER_MISMATCH",
            "{other}"
        );
    }
    let id = page["items"][0]["id"].as_str().unwrap();
    let of_history = pdm.get(&format!("/v1/requests/{id}/events?limit=1"));
    assert_eq!(of_history.json()["next_cursor"], Value::Null);

    for position in 0..cursor.len() {
        let mut forged = cursor.as_bytes().to_vec();
        forged[position] = if forged[position] == b'A' { b'B' } else { b'A' };
        let forged = String::from_utf8(forged).unwrap();
        let answer = with("limit=1&desk=pad", &forged);
        // The last character carries bits that say nothing.
        let harmless = position + 1 == cursor.len() && answer.status == 200;
        assert!(
            harmless || answer.problem() == "CURSOR_INVALID",
            "{position}"
        );
    }
    assert_eq!(
        with("limit=1&desk=pad", &cursor[1..]).problem(),
        "CURSOR_INVALID"
    );

    // It carries no rights: another caller goes on in what that caller may see.
    let stranger = app.pdm("stranger@example.com");
    let answer = stranger.get(&format!("/v1/requests?limit=2&desk=pad&cursor={cursor}"));
    assert_eq!(answer.json()["items"], json!([]));
    // And it is good on every instance.
    let beside = app.beside();
    let answer = Client {
        address: beside.address,
        ..pdm.clone()
    }
    .get(&format!("/v1/requests?limit=2&desk=pad&cursor={cursor}"));
    assert_eq!(answer.json()["items"].as_array().unwrap().len(), 2);
}

#[test]
fn an_unchanged_list_is_not_sent_again() {
    let cast = Cast::start();
    let request = cast.request_in(State::Submitted);
    let tag = cast.owner.get("/v1/requests").header("etag").unwrap();
    let list = || {
        cast.owner
            .send("GET", "/v1/requests", &[("If-None-Match", &tag)], "")
    };
    assert_eq!(list().status, 304);
    cast.member.take(&request, &json!({ "to": "in_review" }));
    assert_eq!(list().status, 200);
    assert_eq!(cast.owner.get(&path(&request)).json()["state"], "in_review");
}
