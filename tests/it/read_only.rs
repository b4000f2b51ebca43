//! A database that takes no writes for a while, as in a failover or an upgrade.

use crate::support::app::{TestApp, session_at_pad};

#[test]
fn writes_are_refused_while_reads_go_on_and_both_work_again_at_once() {
    let app = TestApp::start();
    let pdm = app.pdm("paula@example.com");
    pdm.create(&session_at_pad());
    app.db.set("default_transaction_read_only", "on");
    app.db.throw_out();
    // Each connection that was thrown out is found out once.
    while pdm.get("/v1/requests").status != 200 {}
    for _ in 0..3 {
        let refused = pdm.post("/v1/requests", &session_at_pad());
        assert_eq!(
            (refused.status, refused.problem().as_str()),
            (503, "DATABASE_UNAVAILABLE")
        );
        assert!(refused.header("retry-after").is_some());
        assert_eq!(pdm.get("/v1/requests").status, 200);
    }
    // Nobody is thrown out this time: what is left in the pool must be good, or be found out.
    app.db.set("default_transaction_read_only", "off");
    let refused = pdm.post("/v1/requests", &session_at_pad());
    assert!([201, 503].contains(&refused.status), "{}", refused.body);
    pdm.create(&session_at_pad());
}
