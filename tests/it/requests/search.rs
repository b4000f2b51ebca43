//! `GET /v1/requests`: words, orders and what they promise while rows come in.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value, json};

use crate::support::app::{Client, TestApp, session_at_pad};

fn named(title: &str) -> Value {
    let mut body = session_at_pad();
    body["title"] = json!(title);
    body
}

/// The titles of a page.
fn titles(client: &Client, query: &str) -> Vec<String> {
    let answer = client.get(&format!("/v1/requests?{query}"));
    assert_eq!(answer.status, 200, "{}", answer.body);
    let items = answer.json()["items"].as_array().unwrap().clone();
    items
        .iter()
        .map(|item| item["title"].as_str().unwrap().to_owned())
        .collect()
}

/// The references on all pages, from the first one on.
fn references(client: &Client, first: &str) -> Vec<String> {
    let mut references = Vec::new();
    let mut path = Some(first.to_owned());
    while let Some(next) = path {
        let answer = client.get(&next);
        assert_eq!(answer.status, 200, "{}", answer.body);
        for item in answer.json()["items"].as_array().unwrap() {
            references.push(item["reference"].as_str().unwrap().to_owned());
        }
        path = answer
            .header("link")
            .map(|link| link[1..link.find('>').unwrap()].to_owned());
    }
    references
}

#[test]
fn words_are_found_in_all_that_names_a_request() {
    let app = TestApp::start();
    let pdm = app.pdm("paula@example.com");
    let mut body = named("Landing zone");
    body["description"] = json!("Move the mainframe to Azure.");
    body["external_reference"] = json!("CRM-881");
    pdm.create(&body);
    pdm.create(&named("Something else"));
    let first = ["Landing zone".to_owned()];
    for words in [
        "landing",
        "LANDING+zone",
        "%22landing+zone%22",
        "mainframe",
        "crm-881",
        "881",
        "PAD-2026-000001",
        "000001",
        "mainframe+or+nonsense",
        "fabrikam+-something",
        "contoso+mainframe",
    ] {
        assert_eq!(titles(&pdm, &format!("q={words}")), first, "{words}");
    }
    for words in [
        "land",
        "%22zone+landing%22",
        "landing+nonsense",
        "paula",
        "%21%21%21",
    ] {
        assert_eq!(titles(&pdm, &format!("q={words}")), [""; 0], "{words}");
    }
    assert_eq!(titles(&pdm, "q=fabrikam").len(), 2);
    assert_eq!(titles(&app.pdm("other@example.com"), "q=fabrikam").len(), 0);
}

#[test]
fn a_revised_request_is_found_by_its_new_words() {
    let app = TestApp::start();
    let pdm = app.pdm("paula@example.com");
    let mut body = named("Before");
    body["draft"] = json!(true);
    let draft = pdm.create(&body);
    let path = format!("/v1/requests/{}", draft["id"].as_str().unwrap());
    let revised = pdm.patch(&path, "\"1-full\"", &json!({ "title": "After" }));
    assert_eq!(revised.status, 200, "{}", revised.body);
    assert_eq!(titles(&pdm, "q=before"), [""; 0]);
    assert_eq!(titles(&pdm, "q=after"), ["After"]);
}

#[test]
fn a_draft_is_found_at_the_desk_that_it_is_submitted_to() {
    let app = TestApp::start();
    let pdm = app.pdm("paula@example.com");
    let mut body = named("Landing zone");
    body["draft"] = json!(true);
    body.as_object_mut().unwrap().remove("desk");
    let draft = pdm.create(&body);
    let (member, stranger) = (app.member("pad"), app.member("tpd"));
    assert_eq!(titles(&member, "q=landing"), [""; 0]);
    let submitted = pdm.take(&draft, &json!({ "to": "submitted" }));
    assert_eq!(submitted["desk"], "pad", "{submitted}");
    assert_eq!(titles(&member, "q=landing"), ["Landing zone"]);
    assert_eq!(titles(&pdm, "q=landing&desk=pad"), ["Landing zone"]);
    assert_eq!(titles(&stranger, "q=landing"), [""; 0]);
}

#[test]
fn a_wrong_mark_shows_nobody_what_they_may_not_see() {
    let app = TestApp::start();
    app.pdm("paula@example.com").create(&named("Landing zone"));
    let everywhere =
        "update request_words set words = words || marks('tpd', 'crm', 'roadmap_planning')";
    app.db.query(everywhere).unwrap();
    for stranger in [app.member("tpd"), app.integration("crm")] {
        assert_eq!(titles(&stranger, "q=landing"), [""; 0]);
    }
    let viewer = app.viewer();
    assert_eq!(
        titles(&viewer, "q=landing&service=roadmap_planning"),
        [""; 0]
    );
    assert_eq!(titles(&viewer, "q=landing&desk=tpd"), [""; 0]);
    assert_eq!(titles(&viewer, "q=landing&desk=pad"), ["Landing zone"]);
}

#[test]
fn an_integration_with_an_odd_name_finds_what_it_submitted() {
    let app = TestApp::start();
    for name in ["o'brien", "a\\b", "x' | '@submitter:o''brien"] {
        let integration = app.integration(name);
        let mut body = named(&format!("Landing zone of {name}"));
        body["requested_by"] =
            json!({ "name": "Pia", "email": "pia@example.com", "relationship": "pdm" });
        integration.create(&body);
        let own = [format!("Landing zone of {name}")];
        assert_eq!(titles(&integration, "q=landing"), own);
        assert_eq!(
            titles(&integration, "service=architecture_design_session&desk=pad"),
            own
        );
    }
}

#[test]
fn a_description_that_is_withheld_cannot_be_searched() {
    let app = TestApp::start();
    let pdm = app.pdm("paula@example.com");
    let mut body = session_at_pad();
    body["involves"] = json!(["security_vulnerability"]);
    body["description"] = json!("The xyzzy endpoint gives every token away.");
    let answer = pdm.post("/v1/requests", &body);
    assert_eq!(answer.status, 422, "{}", answer.body);
    assert_eq!(answer.json()["request"]["description"], Value::Null);
    assert_eq!(titles(&pdm, "q=xyzzy").len(), 0);
    assert_eq!(titles(&pdm, "q=landing").len(), 1);
    let kept = app
        .db
        .query("select words::text from request_words")
        .unwrap();
    assert!(!kept[0].contains("xyzzy"), "{kept:?}");
}

#[test]
fn words_are_kept_as_postgres_itself_would_keep_them() {
    let app = TestApp::start();
    let pdm = app.pdm("paula@example.com");
    let mut body = named("Zone, ZONE & straße");
    body["description"] = json!("a ".repeat(3_000) + "zone " + &"ü".repeat(600));
    let reference = pdm.create(&body)["reference"].as_str().unwrap().to_owned();
    let (desk, rest) = reference.split_once('-').unwrap();
    let (year, number) = rest.split_once('-').unwrap();
    // Its parser does not take letters in a row for one word where they are this many.
    let long = "ü".repeat(500);
    let letters: Vec<String> = (7..3_007).map(|place| place.to_string()).collect();
    let letters = letters.join(",");
    let of_postgres = format!(
        "'{desk}':1 '{year}':2 '{number}':3 'zone':4,5,3007 'straße':6 'a':{letters} '{long}':3008 \
         'contoso':3009 'consulting':3010 'fabrikam':3011 'bank':3012",
        desk = desk.to_lowercase(),
    );
    let same = app.db.query(&format!(
        "select count(*) from request_words \
         where words = $${of_postgres}$$::tsvector || stretches(created_at) \
             || marks('pad', 'paula@example.com', 'architecture_design_session')"
    ));
    assert_eq!(same.unwrap(), ["1"]);
}

#[test]
fn new_words_are_sorted_into_the_index_in_the_background() {
    let app = TestApp::start();
    let pdm = app.pdm("paula@example.com");
    pdm.create(&session_at_pad());
    app.work();
    // Pages that were left to be sorted in.
    let left = app
        .db
        .query("select gin_clean_pending_list('request_words_by_word')");
    assert_eq!(left.unwrap(), ["0"]);
    assert_eq!(titles(&pdm, "q=fabrikam").len(), 1);
}

#[test]
fn it_is_known_whether_there_are_words_to_sort_in() {
    let app = TestApp::start();
    let store = &app.app.store;
    assert!(!store.take_new_words());
    let request = app.pdm("paula@example.com").create(&session_at_pad());
    assert!(store.take_new_words());
    assert!(!store.take_new_words());
    app.member("pad")
        .take(&request, &json!({ "to": "in_review" }));
    assert!(!store.take_new_words(), "a step brings no words");
}

#[test]
fn names_are_found_in_whatever_case() {
    let app = TestApp::start();
    let pdm = app.pdm("paula@example.com");
    let request = pdm.create(&session_at_pad());
    let member = app.member("pad");
    member.take(&request, &json!({ "to": "in_review" }));
    member.take(&request, &json!({ "to": "accepted" }));
    member.take(
        &request,
        &json!({ "to": "scheduled", "assignee": { "name": "Ada Archer" },
            "starts_on": "2026-12-01", "ends_on": "2026-12-02" }),
    );
    for query in [
        "customer=fabrikam+bank",
        "customer=FABRIKAM+Bank",
        "assignee=ada+archer",
        "assignee=Ada+Archer&customer=fabrikam+BANK",
        "requested_by=PAULA@example.com",
    ] {
        assert_eq!(titles(&member, query).len(), 1, "{query}");
    }
    assert_eq!(titles(&member, "customer=fabrikam").len(), 0);
}

#[test]
fn lists_come_in_the_order_that_is_asked_for() {
    let app = TestApp::start();
    let pdm = app.pdm("paula@example.com");
    let mut first = Value::Null;
    for (number, title) in ["first", "second", "third"].iter().enumerate() {
        app.set_clock(&format!("2026-11-22T10:0{number}:00Z"));
        let made = pdm.create(&named(title));
        if number == 0 {
            first = made;
        }
    }
    app.set_clock("2026-11-22T11:00:00Z");
    app.member("pad")
        .take(&first, &json!({ "to": "in_review" }));
    let newest_first = ["third", "second", "first"];
    assert_eq!(titles(&pdm, ""), newest_first);
    assert_eq!(titles(&pdm, "sort=-created_at"), newest_first);
    assert_eq!(
        titles(&pdm, "sort=created_at"),
        ["first", "second", "third"]
    );
    assert_eq!(
        titles(&pdm, "sort=-updated_at"),
        ["first", "third", "second"]
    );
    assert_eq!(
        titles(&pdm, "sort=updated_at"),
        ["second", "third", "first"]
    );
    let last = "updated_from=2026-11-22T10:30:00Z";
    assert_eq!(titles(&pdm, last), ["first"]);
    let answer = pdm.get("/v1/requests?sort=title");
    assert_eq!(answer.problem(), "INVALID_PARAMETER");
}

#[test]
fn a_cursor_belongs_to_its_filters_and_its_order() {
    let app = TestApp::start();
    let pdm = app.pdm("paula@example.com");
    for title in ["one", "two", "three"] {
        pdm.create(&named(title));
    }
    let page = pdm.get("/v1/requests?limit=2&desk=pad&q=fabrikam&sort=created_at");
    let link = page.header("link").unwrap();
    let next = link.strip_prefix('<').unwrap().split_once('>').unwrap();
    assert_eq!(next.1, "; rel=\"next\"");
    assert!(
        next.0
            .starts_with("/v1/requests?limit=2&desk=pad&q=fabrikam&sort=created_at&cursor=")
    );
    let rest = pdm.get(next.0);
    assert_eq!(rest.json()["items"][0]["title"], "three");
    assert_eq!(rest.json()["next_cursor"], Value::Null);
    assert_eq!(rest.header("link"), None);

    let cursor = page.json()["next_cursor"].as_str().unwrap().to_owned();
    for query in [
        "desk=pad&q=fabrikam",
        "desk=pad&q=fabrikam&sort=-created_at",
        "desk=pad&q=fabrikam&sort=updated_at",
        "desk=pad&q=contoso&sort=created_at",
        "q=fabrikam&sort=created_at",
    ] {
        let answer = pdm.get(&format!("/v1/requests?{query}&cursor={cursor}"));
        assert_eq!(answer.problem(), "CURSOR_FILTER_MISMATCH", "{query}");
    }
    let changed = cursor.replacen(
        &cursor[20..21],
        if &cursor[20..21] == "A" { "B" } else { "A" },
        1,
    );
    let answer = pdm.get(&format!("/v1/requests?cursor={changed}"));
    assert_eq!(answer.problem(), "CURSOR_INVALID");
}

#[test]
fn a_page_that_is_known_is_not_sent_again_until_it_changes() {
    let app = TestApp::start();
    let pdm = app.pdm("paula@example.com");
    let request = pdm.create(&session_at_pad());
    let known = |tag: &str| {
        pdm.send(
            "GET",
            "/v1/requests?desk=pad",
            &[("If-None-Match", tag)],
            "",
        )
    };
    let first = pdm.get("/v1/requests?desk=pad").header("etag").unwrap();
    assert!(first.starts_with("W/\""), "{first}");
    let answer = known(&first);
    assert_eq!((answer.status, answer.body.as_str()), (304, ""));
    assert_eq!(answer.header("etag"), Some(first.clone()));
    assert_eq!(
        answer.header("cache-control").as_deref(),
        Some("private, no-cache")
    );
    assert_eq!(answer.header("vary").as_deref(), Some("Authorization"));

    app.member("pad")
        .take(&request, &json!({ "to": "in_review" }));
    let changed = known(&first);
    assert_eq!(changed.status, 200);
    let second = changed.header("etag").unwrap();
    pdm.create(&named("another"));
    assert_eq!(known(&second).status, 200);
    // A dashboard sees less of the same page, so it is another one.
    let viewer = app.viewer().get("/v1/requests?desk=pad").header("etag");
    assert_ne!(viewer, pdm.get("/v1/requests?desk=pad").header("etag"));
}

#[test]
fn a_traversal_meets_what_was_there_exactly_once_whatever_is_created_meanwhile() {
    const STORED: usize = 2_000;
    let app = TestApp::start();
    app.db
        .query(&format!(
            "insert into requests (id, reference, state, version, facts, progress, requested_by, \
                owner_subject, submitted_by, created_at, updated_at, state_since)
             select md5(n::text)::uuid, 'OLD-' || n, 'draft', 1, '{{}}', '{{}}', '{{}}', 'x', 'x', at, at, at
             from generate_series(1, {STORED}) as n,
                 -- Several of one time, as a batch has them.
                 lateral (select timestamptz '2026-11-22T10:00:00Z' - n / 5 * interval '1 minute' as at) as times"
        ))
        .unwrap();
    let viewer = app.viewer();
    for sort in ["-created_at", "created_at"] {
        let done = AtomicBool::new(false);
        let mut met: BTreeMap<String, usize> = BTreeMap::new();
        std::thread::scope(|scope| {
            for inserter in 0..3 {
                let (app, done) = (&app, &done);
                scope.spawn(move || {
                    let pdm = app.pdm(&format!("pdm{inserter}@example.com"));
                    let mut number = 0;
                    while !done.load(Ordering::Relaxed) {
                        number += 1;
                        // Anywhere among the old ones: before and after where the reader is.
                        let (hour, minute) = (4 + number % 6, number * 7 % 60);
                        app.set_clock(&format!("2026-11-22T{hour:02}:{minute:02}:00Z"));
                        pdm.create(&json!({ "draft": true }));
                    }
                });
            }
            for reference in references(&viewer, &format!("/v1/requests?limit=50&sort={sort}")) {
                *met.entry(reference).or_default() += 1;
            }
            done.store(true, Ordering::Relaxed);
        });
        assert!(
            met.values().all(|times| *times == 1),
            "{sort}: something was met twice"
        );
        let old = met.keys().filter(|reference| reference.starts_with("OLD-"));
        assert_eq!(old.count(), STORED, "{sort}");
        assert!(met.len() > STORED, "nothing was created meanwhile");
    }
}

#[test]
fn words_are_found_from_the_newest_request_to_the_oldest_however_they_are_spread_over_time() {
    let app = TestApp::start();
    // Hundreds of one day, and then fewer and fewer, over thirty years. Every seventh is odd, and one is rare.
    app.db
        .query(
            "with made as (
                 insert into requests (id, reference, state, version, facts, progress, requested_by, \
                    owner_subject, submitted_by, created_at, updated_at, state_since)
                 select md5(n::text)::uuid, 'OLD-' || n, 'draft', 1, '{}', '{}', '{}', 'x', 'x', at, at, at
                 from generate_series(1, 800) as n,
                     lateral (select timestamptz '2026-11-22T10:00:00Z'
                         - n / 3 * 90 * interval '1 second' - power(1.026, n) * interval '1 second' as at) as times
                 returning id, created_at, substr(reference, 5)::integer as n
             )
             insert into request_words (request_id, created_at, words)
             select id, created_at, stretches(created_at) || to_tsvector('simple', 'common'
                 || case when n % 7 = 0 then ' odd' else '' end || case when n = 790 then ' rare' else '' end)
             from made",
        )
        .unwrap();
    let viewer = app.viewer();
    for (words, query) in [
        ("common", "'common'"),
        ("odd+common", "'odd' & 'common'"),
        ("common+-odd", "'common' & !'odd'"),
        ("rare", "'rare'"),
        ("rare+or+odd", "'rare' | 'odd'"),
        ("nowhere", "'nowhere'"),
    ] {
        let expected = format!(
            "select reference from requests join request_words on request_id = id
             where words @@ $${query}$$::tsquery order by requests.created_at desc, id desc"
        );
        let met = references(&viewer, &format!("/v1/requests?limit=50&q={words}"));
        assert_eq!(met, app.db.query(&expected).unwrap(), "{words}");
    }
}
