//! What counts when many ask at once, on real connections.

use std::sync::Barrier;

use serde_json::json;

use crate::support::app::{TestApp, deal_at_gps, session_at_pad};
use crate::support::cast::{drafted, path};
use crate::support::server::limits;

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

/// A service whose statements wait for locks as long as a test needs.
fn patient_app() -> TestApp {
    TestApp::with_limits(limits())
}

#[test]
fn a_third_deal_is_counted_only_once_the_one_before_it_is_stored() {
    for by_way_of_a_draft in [false, true] {
        let app = patient_app();
        let pdm = app.pdm("paula@example.com");
        pdm.create(&deal_at_gps("Fabrikam"));
        pdm.create(&deal_at_gps("Northwind"));
        let deals = ["Contoso", "Tailspin", "Litware", "Proseware"].map(deal_at_gps);
        let submissions = deals.map(|deal| {
            if by_way_of_a_draft {
                let address = format!("{}/transitions", path(&pdm.create(&drafted(deal))));
                (address, json!({ "to": "submitted" }))
            } else {
                (String::from("/v1/requests"), deal)
            }
        });
        let session = app.db.session();
        session.hold_writes();
        let statuses: Vec<u16> = std::thread::scope(|scope| {
            let pdm = &pdm;
            let posts = submissions
                .map(|(address, body)| scope.spawn(move || pdm.post(&address, &body).status));
            // What waits for its turn waits behind the one whose turn it is.
            app.db.wait_for_waiting(1);
            session.run("rollback");
            posts.map(|post| post.join().unwrap()).to_vec()
        });
        let refused = statuses.iter().filter(|status| **status == 422).count();
        assert_eq!(refused, 3, "{statuses:?}");
        let deals = "select count(*) from requests where state = 'submitted'";
        assert_eq!(app.db.query(deals).unwrap(), ["3"]);
    }
}

#[test]
fn while_the_first_use_of_a_key_is_running_a_second_is_told_so() {
    let app = patient_app();
    let pdm = app.pdm("paula@example.com");
    let post = || {
        let key = [("Idempotency-Key", "one")];
        pdm.post_with("/v1/requests", &key, &session_at_pad())
    };
    let session = app.db.session();
    session.hold_writes();
    let first = std::thread::scope(|scope| {
        let first = scope.spawn(post);
        app.db.wait_for_waiting(1);
        let second = post();
        assert_eq!(second.problem(), "IDEMPOTENCY_IN_PROGRESS");
        assert_eq!(second.header("retry-after").as_deref(), Some("1"));
        session.run("rollback");
        first.join().unwrap()
    });
    assert_eq!(first.status, 201);
    assert_eq!(post().body, first.body);
}

#[test]
fn white_space_around_its_id_gives_a_partner_no_more_deals() {
    let app = TestApp::start();
    let pdm = app.pdm("paula@example.com");
    let deal = |customer: &str, id: &str| {
        let mut body = deal_at_gps(customer);
        body["partner"]["mpn_id"] = json!(id);
        body
    };
    for (customer, id) in [
        ("Fabrikam", "7654321\t"),
        ("Northwind", "\u{a0}7654321"),
        ("Contoso", " 7654321\n"),
    ] {
        let created = pdm.create(&deal(customer, id));
        assert_eq!(created["partner"]["mpn_id"], "7654321");
    }
    let fourth = pdm.post("/v1/requests", &deal("Tailspin", "7654321\t"));
    assert_eq!(fourth.problem(), "INELIGIBLE");
    let found = pdm
        .get("/v1/requests?partner=7654321&state=submitted")
        .json();
    assert_eq!(found["items"].as_array().unwrap().len(), 3);
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
    let first = answers
        .iter()
        .find(|answer| answer.status == 201)
        .expect("one gets through")
        .json();
    for answer in &answers {
        match answer.status {
            201 => assert_eq!(answer.json()["id"], first["id"]),
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
