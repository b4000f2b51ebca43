//! What counts when many ask at once, on real connections.

use std::sync::Barrier;

use serde_json::json;

use crate::support::app::{TestApp, deal_at_gps, session_at_pad};
use crate::support::cast::{drafted, path};

/// Runs the work on so many threads, which start together.
pub fn race<T: Send>(threads: usize, work: impl Fn(usize) -> T + Sync) -> Vec<T> {
    let barrier = Barrier::new(threads);
    let (barrier, work) = (&barrier, &work);
    std::thread::scope(|scope| {
        let runners: Vec<_> = (0..threads)
            .map(|number| {
                scope.spawn(move || {
                    barrier.wait();
                    work(number)
                })
            })
            .collect();
        runners
            .into_iter()
            .map(|runner| runner.join().unwrap())
            .collect()
    })
}

#[test]
fn of_thirty_two_racing_third_deals_exactly_one_gets_through() {
    let app = TestApp::start();
    let pdm = app.pdm("paula@example.com");
    pdm.create(&deal_at_gps("Fabrikam"));
    pdm.create(&deal_at_gps("Northwind"));
    let statuses = race(32, |number| {
        pdm.post("/v1/requests", &deal_at_gps(&format!("Customer {number}")))
            .status
    });
    assert_eq!(
        statuses.iter().filter(|status| **status == 201).count(),
        1,
        "{statuses:?}"
    );
    assert_eq!(
        statuses.iter().filter(|status| **status == 422).count(),
        31,
        "{statuses:?}"
    );
}

#[test]
fn of_racing_steps_exactly_one_is_taken() {
    let app = TestApp::start();
    let request = app.pdm("paula@example.com").create(&session_at_pad());
    let member = app.member("pad");
    let statuses = race(16, |_| {
        member.step(&request, &json!({ "to": "in_review" })).status
    });
    assert_eq!(
        statuses.iter().filter(|status| **status == 200).count(),
        1,
        "{statuses:?}"
    );
    assert_eq!(
        statuses.iter().filter(|status| **status == 409).count(),
        15,
        "{statuses:?}"
    );
}

#[test]
fn of_identical_posts_with_one_key_one_request_comes() {
    let app = TestApp::start();
    let pdm = app.pdm("paula@example.com");
    let answers = race(32, |_| {
        pdm.post_with(
            "/v1/requests",
            &[("Idempotency-Key", "one")],
            &session_at_pad(),
        )
    });
    for answer in &answers {
        match answer.status {
            201 => assert_eq!(answer.json()["reference"], "PAD-2026-000001"),
            409 => assert_eq!(answer.problem(), "IDEMPOTENCY_IN_PROGRESS"),
            other => panic!("{other}: {}", answer.body),
        }
    }
    assert_eq!(
        app.db.query("select count(*) from requests").unwrap(),
        ["1"]
    );
}

#[test]
fn of_racing_changes_to_one_version_exactly_one_is_made() {
    let app = TestApp::start();
    let pdm = app.pdm("paula@example.com");
    let draft = pdm.create(&drafted(session_at_pad()));
    let answers = race(16, |number| {
        let title = json!({ "title": format!("Title {number}") });
        pdm.patch(&path(&draft), "\"1-full\"", &title)
    });
    let (made, refused): (Vec<_>, Vec<_>) = answers.iter().partition(|answer| answer.status == 200);
    let [made] = made.as_slice() else {
        panic!("{} were made", made.len())
    };
    assert_eq!(pdm.get(&path(&draft)).json(), made.json());
    for answer in refused {
        assert_eq!(answer.problem(), "PRECONDITION_FAILED");
        assert_eq!(answer.json()["current"], made.json());
    }
}

#[test]
fn of_racing_steps_and_changes_that_name_the_version_exactly_one_is_made() {
    let app = TestApp::start();
    let pdm = app.pdm("paula@example.com");
    let draft = pdm.create(&drafted(session_at_pad()));
    let steps = format!("{}/transitions", path(&draft));
    let answers = race(16, |number| match number % 2 {
        0 => pdm.patch(&path(&draft), "\"1-full\"", &json!({ "title": "Another" })),
        _ => pdm.post_with(
            &steps,
            &[("If-Match", "\"1-full\"")],
            &json!({ "to": "submitted" }),
        ),
    });
    let statuses: Vec<u16> = answers.iter().map(|answer| answer.status).collect();
    let count = |wanted: u16| statuses.iter().filter(|status| **status == wanted).count();
    assert_eq!((count(200), count(412)), (1, 15), "{statuses:?}");
    assert_eq!(pdm.get(&path(&draft)).json()["version"], 2);
}
