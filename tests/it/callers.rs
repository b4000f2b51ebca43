//! `/v1/me` and `/v1/catalog`: what every caller may ask for.

use engagement_desk::catalog;
use engagement_desk::domain::facts::Relationship;
use serde_json::json;

use crate::support::app::TestApp;

#[test]
fn a_caller_learns_who_it_is_and_what_it_may_do() {
    let app = TestApp::start();
    let manager = app.requester("m@example.com", Relationship::Pts, &["4567890"]);
    let me = manager.get("/v1/me");
    assert_eq!(me.status, 200);
    assert_eq!(
        me.json(),
        json!({
            "subject": "m@example.com", "name": "Name of m@example.com", "role": "requester",
            "relationship": "pts", "desks": [], "partners": ["4567890"],
            "rights": [
                { "action": "consult", "reach": "all" },
                { "action": "create_request", "reach": "own" },
                { "action": "read_request", "reach": "own" },
                { "action": "revise_request", "reach": "own" },
                { "action": "act_as_owner", "reach": "own" },
            ]
        })
    );
    let tag = me.header("etag").unwrap();
    let again = manager.send("GET", "/v1/me", &[("If-None-Match", &tag)], "");
    assert_eq!(again.status, 304);
}

#[test]
fn the_catalogue_has_all_that_a_form_needs_and_is_sent_once() {
    let app = TestApp::start();
    let viewer = app.viewer();
    let answer = viewer.get("/v1/catalog");
    assert_eq!(answer.status, 200);
    let shown = answer.json();
    let builtin = catalog::builtin().unwrap();
    assert_eq!(shown["version"], builtin.version());
    let desks: Vec<_> = shown["desks"]
        .as_array()
        .unwrap()
        .iter()
        .map(|desk| desk["id"].clone())
        .collect();
    assert_eq!(desks, ["pad", "gps", "tpd"]);
    let tag = answer.header("etag").unwrap();
    let again = viewer.send("GET", "/v1/catalog", &[("If-None-Match", &tag)], "");
    assert_eq!((again.status, again.body.as_str()), (304, ""));
    assert_eq!(again.header("etag").unwrap(), tag);
    // Every instance with the same catalogue gives the same tag.
    let beside = app.beside();
    let there = crate::support::app::Client {
        address: beside.address,
        ..viewer
    };
    let again = there.send("GET", "/v1/catalog", &[("If-None-Match", &tag)], "");
    assert_eq!(again.status, 304);
    assert_eq!(
        app.db.query("select version from catalogs").unwrap(),
        [builtin.version()]
    );
}
