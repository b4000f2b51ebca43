//! Requests that nobody moves come to an end by themselves.

use engagement_desk::domain::lifecycle::State;
use engagement_desk::work::Report;
use serde_json::json;

use crate::support::app::{NOW, TestApp, deal_at_gps};
use crate::support::cast::{Cast, drafted, each, path, step};

const ALIVE: &str = "select state from requests order by reference";

#[test]
fn each_waiting_state_has_its_own_time_limit() {
    for (state, last_moment, after) in [
        (
            State::ActionRequired,
            "2026-12-06T10:00:00Z",
            "2026-12-06T10:00:01Z",
        ),
        (State::Draft, "2026-12-22T10:00:00Z", "2026-12-22T10:00:01Z"),
        (
            State::Accepted,
            "2027-01-21T10:00:00Z",
            "2027-01-21T10:00:01Z",
        ),
    ] {
        let cast = Cast::start();
        let request = cast.request_in(state);
        cast.app.set_clock(last_moment);
        assert_eq!(cast.app.work().expired, 0, "{state}");
        cast.app.set_clock(after);
        assert_eq!(cast.app.work().expired, 1, "{state}");
        assert_eq!(cast.app.work().expired, 0, "{state}");

        cast.app.set_clock(NOW);
        let expired = cast.owner.get(&path(&request)).json();
        assert_eq!(expired["state"], "expired");
        assert_eq!(expired["status_category"], "closed");
        assert_eq!(expired["state_since"], after);
        assert_eq!(expired["allowed_transitions"], json!([]));
        let lines = cast.owner.get(&format!("{}/events", path(&request))).json();
        let line = lines["items"].as_array().unwrap().last().unwrap();
        assert_eq!(line["actor"]["role"], "system");
        assert_eq!(line["to"], "expired");
        assert!(line["reason"].as_str().unwrap().contains("days"));
    }
}

#[test]
fn a_state_without_a_limit_never_ends_by_itself() {
    let cast = Cast::start();
    let limited = [State::Draft, State::ActionRequired, State::Accepted];
    let others: Vec<State> = State::ALL
        .iter()
        .copied()
        .filter(|state| !limited.contains(state) && *state != State::Expired)
        .collect();
    for state in &others {
        cast.request_in(*state);
    }
    let before = cast.app.db.query(ALIVE).unwrap();
    assert_eq!(before.len(), others.len());
    cast.app.set_clock("2036-11-22T10:00:00Z");
    assert_eq!(
        cast.app.work(),
        Report {
            expired: 0,
            forgotten: 0
        }
    );
    assert_eq!(cast.app.db.query(ALIVE).unwrap(), before);
}

#[test]
fn the_time_runs_from_the_last_change() {
    let cast = Cast::start();
    let in_review = cast.request_in(State::InReview);
    cast.app.set_clock("2026-12-20T10:00:00Z");
    let asked = cast.member.take(&in_review, &step(State::ActionRequired));
    cast.app.set_clock("2026-12-21T10:00:00Z");
    let patch = json!({ "estimated_hours": 13 });
    assert_eq!(
        cast.owner.patch(&path(&asked), "\"3-full\"", &patch).status,
        200
    );
    cast.app.set_clock("2027-01-04T10:00:00Z");
    assert_eq!(cast.app.work().expired, 0);
    cast.app.set_clock("2027-01-04T10:00:01Z");
    assert_eq!(cast.app.work().expired, 1);
}

#[test]
fn a_deal_that_was_never_submitted_is_none_when_it_expires_either() {
    let app = TestApp::start();
    let pdm = app.pdm("paula@example.com");
    pdm.create(&drafted(deal_at_gps("Fabrikam")));
    for customer in ["Northwind", "Contoso"] {
        let recalled = pdm.create(&deal_at_gps(customer));
        pdm.take(&recalled, &json!({ "to": "draft", "reason": "Too early." }));
    }
    app.set_clock("2026-12-23T10:00:00Z");
    assert_eq!(app.work().expired, 3);
    app.set_clock(NOW);
    for customer in ["Tailspin", "Litware", "Proseware"] {
        pdm.create(&deal_at_gps(customer));
    }
    assert_eq!(
        pdm.post("/v1/requests", &deal_at_gps("Adatum")).problem(),
        "INELIGIBLE"
    );
}

#[test]
fn one_round_expires_all_that_is_due_however_many() {
    let cast = Cast::start();
    for _ in 0..60 {
        cast.request_in(State::Draft);
    }
    cast.app.set_clock("2026-12-23T10:00:00Z");
    assert_eq!(cast.app.work().expired, 60, "a transaction takes 50");
}

#[test]
fn instances_that_work_at_once_expire_each_request_once() {
    let cast = Cast::start();
    for _ in 0..60 {
        cast.request_in(State::Draft);
    }
    cast.app.set_clock("2026-12-23T10:00:00Z");
    let expired: usize = std::thread::scope(|scope| {
        let runs: Vec<_> = (0..4)
            .map(|_| scope.spawn(|| cast.app.work().expired))
            .collect();
        runs.into_iter().map(|run| run.join().unwrap()).sum()
    });
    let rest = cast.app.work().expired;
    assert_eq!(expired + rest, 60);
    cast.app.set_clock(NOW);
    let list = cast.owner.get("/v1/requests?limit=200").json();
    assert!(
        each(&list, "state")
            .iter()
            .all(|state| **state == "expired")
    );
    assert!(each(&list, "version").iter().all(|version| **version == 2));
}
