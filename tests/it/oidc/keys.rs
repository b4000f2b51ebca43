//! The issuer's keys: found, refreshed, survived.

use super::*;

#[test]
fn new_keys_are_found_with_one_fetch_and_withdrawn_ones_forgotten() {
    let (old, new) = (Signer::p256("old"), Signer::ed25519("new"));
    let issuer = Issuer::start(&[&old]);
    let app = TestApp::with_oidc(issuer.settings());
    let (old_token, new_token) = (old.token(&issuer.claims()), new.token(&issuer.claims()));
    assert_me(&app.me(&old_token));
    assert_eq!(issuer.fetches(), 1);

    issuer.has_keys(&[&new]);
    assert_me(&app.me(&old_token));
    assert_eq!(issuer.fetches(), 1);
    assert_me(&app.me(&new_token));
    assert_eq!(issuer.fetches(), 2);
    assert_problem(&app.me(&old_token), 401, "UNAUTHENTICATED");
    assert_eq!(issuer.fetches(), 2);
}

#[test]
fn a_storm_of_unknown_keys_leads_to_one_fetch() {
    let (known, unknown) = (Signer::p256("known"), Signer::ed25519("unknown"));
    let issuer = Issuer::start(&[&known]);
    let app = TestApp::with_oidc(issuer.settings());
    assert_me(&app.me(known.token(&issuer.claims())));

    let storm = |count: usize| {
        let start = Barrier::new(count);
        std::thread::scope(|scope| {
            for index in 0..count {
                let (start, app, issuer, unknown) = (&start, &app, &issuer, &unknown);
                scope.spawn(move || {
                    let mut header = unknown.header();
                    header["kid"] = json!(format!("made-up-{index}"));
                    let token = unknown.token_with(&header, &issuer.claims());
                    start.wait();
                    assert_eq!(app.me(token).status, 401);
                });
            }
        });
    };
    storm(12);
    assert_eq!(issuer.fetches(), 2);
    storm(12);
    app.set_clock("2026-11-22T10:00:29Z");
    storm(3);
    assert_eq!(issuer.fetches(), 2);
    app.set_clock("2026-11-22T10:00:30Z");
    storm(12);
    assert_eq!(issuer.fetches(), 3);
}

#[test]
fn the_first_tokens_share_one_fetch() {
    let signer = Signer::p256("e");
    let issuer = Issuer::start(&[&signer]);
    let app = TestApp::with_oidc(issuer.settings());
    let token = signer.token(&issuer.claims());
    let start = Barrier::new(12);
    std::thread::scope(|scope| {
        for _ in 0..12 {
            scope.spawn(|| {
                start.wait();
                assert_eq!(app.me(&token).status, 200);
            });
        }
    });
    assert_eq!(issuer.fetches(), 1);
    assert_eq!(
        issuer.requested("/tenant/.well-known/openid-configuration"),
        1
    );
}

#[test]
fn an_outage_of_the_issuer_is_survived_for_a_day() {
    let signer = Signer::p256("e");
    let mut issuer = Issuer::start(&[&signer]);
    let app = TestApp::with_oidc(issuer.settings());
    let claims = issuer.claims_with(json!({ "exp": now() + 400_000 }));
    let token = signer.token(&claims);
    assert_me(&app.me(&token));

    issuer.stop();
    for later in [
        "2026-11-22T10:11:00Z",
        "2026-11-22T12:00:00Z",
        "2026-11-23T10:00:00Z",
    ] {
        app.set_clock(later);
        assert_eq!(app.me(&token).status, 200, "{later}");
    }
    app.set_clock("2026-11-23T10:00:01Z");
    let answer = app.me(&token);
    assert_problem(&answer, 503, "ISSUER_UNAVAILABLE");
    assert!(answer.header("retry-after").is_some());
    assert_eq!(app.pdm("paula@example.com").get("/v1/me").status, 200);
}

#[test]
fn keys_are_refreshed_while_requests_go_on() {
    let (old, new) = (Signer::p256("old"), Signer::p256("new"));
    let issuer = Issuer::start(&[&old]);
    let app = TestApp::with_oidc(issuer.settings());
    let token = old.token(&issuer.claims());
    assert_me(&app.me(&token));
    issuer.has_keys(&[&new]);
    issuer.conducts_itself(Conduct::Silent);

    app.set_clock("2026-11-22T10:10:01Z");
    assert_me(&app.me(&token));
    until(|| issuer.waiting() == 1);
    assert_me(&app.me(&token));
    issuer.conducts_itself(Conduct::Good);
    assert_me(&app.me(new.token(&issuer.claims())));
    assert_eq!(issuer.fetches(), 2);
    assert_problem(&app.me(&token), 401, "UNAUTHENTICATED");
}

#[test]
fn a_silent_issuer_holds_up_no_one_but_those_with_its_tokens() {
    let signer = Signer::p256("e");
    let issuer = Issuer::start(&[&signer]);
    issuer.conducts_itself(Conduct::Silent);
    let app = TestApp::with_oidc(issuer.settings());
    let pdm = app.pdm("paula@example.com");
    let token = signer.token(&issuer.claims());
    std::thread::scope(|scope| {
        let asked = scope.spawn(|| app.me(&token));
        until(|| issuer.waiting() == 1);
        for _ in 0..20 {
            assert_eq!(pdm.get("/v1/me").status, 200);
        }
        assert!(!asked.is_finished(), "the token's fate was known too early");
        assert_problem(&asked.join().unwrap(), 503, "ISSUER_UNAVAILABLE");
    });
    assert_problem(&app.me(&token), 503, "ISSUER_UNAVAILABLE");
    issuer.conducts_itself(Conduct::Good);
    app.set_clock("2026-11-22T10:00:05Z");
    assert_me(&app.me(&token));
}

#[test]
fn what_is_not_the_issuers_own_description_is_refused() {
    let signer = Signer::p256("e");
    let issuer = Issuer::start(&[&signer]);
    let token = signer.token(&issuer.claims());
    // A place that must not be fetched from, which notices when it is.
    let elsewhere = TcpListener::bind("127.0.0.1:0").unwrap();
    elsewhere.set_nonblocking(true).unwrap();
    let address = elsewhere.local_addr().unwrap();
    let keys = json!({ "keys": [signer.jwk()] });
    let jwks_uri = format!("{}/keys", issuer.url());
    for conduct in [
        Conduct::Discovery(json!({ "issuer": "https://login.example.com", "jwks_uri": jwks_uri })),
        Conduct::Discovery(json!({ "issuer": format!("{}/", issuer.url()), "jwks_uri": jwks_uri })),
        Conduct::Discovery(json!({ "jwks_uri": jwks_uri })),
        Conduct::Discovery(json!({ "issuer": issuer.url() })),
        Conduct::Discovery(
            json!({ "issuer": issuer.url(), "jwks_uri": "http://keys.example.com/keys" }),
        ),
        Conduct::Discovery(json!({ "issuer": issuer.url(), "jwks_uri": "file:///etc/passwd" })),
        Conduct::Discovery(
            json!({ "issuer": issuer.url(), "jwks_uri": format!("http://x@{address}/keys") }),
        ),
        Conduct::Discovery(json!({ "issuer": issuer.url(), "jwks_uri": issuer.url() })),
        Conduct::Moved,
        Conduct::Always(404, keys.to_string()),
        Conduct::Always(500, keys.to_string()),
        Conduct::Always(200, String::from("<html>")),
        Conduct::Always(200, String::new()),
        Conduct::Keys(String::from("{}")),
        Conduct::Keys(String::from("{\"keys\":[]}")),
        Conduct::Keys(json!({ "keys": [{ "kty": "oct", "k": "AQAB", "kid": "e" }] }).to_string()),
        Conduct::Keys(
            json!({ "keys": [signer.jwk()], "more": "x".repeat(256 * 1024) }).to_string(),
        ),
    ] {
        issuer.conducts_itself(conduct);
        let app = TestApp::with_oidc(issuer.settings());
        assert_problem(&app.me(&token), 503, "ISSUER_UNAVAILABLE");
        assert_eq!(app.viewer().get("/v1/me").status, 200);
    }
    assert!(elsewhere.accept().is_err(), "it was fetched from");
    assert_eq!(issuer.requested("/tenant/moved"), 0);

    // What was good before stays good meanwhile.
    issuer.conducts_itself(Conduct::Good);
    let app = TestApp::with_oidc(issuer.settings());
    assert_me(&app.me(&token));
    issuer.conducts_itself(Conduct::Keys(String::from("{\"keys\":[]}")));
    app.set_clock("2026-11-22T10:30:00Z");
    assert_me(&app.me(&token));
}

#[test]
fn an_issuer_that_should_speak_tls_and_does_not_is_not_believed() {
    let signer = Signer::p256("e");
    let issuer = Issuer::start(&[&signer]);
    let url = issuer.url().replacen("http:", "https:", 1);
    let mut settings = issuer.settings();
    settings.issuer = url.parse().unwrap();
    let app = TestApp::with_oidc(settings);
    let token = signer.token(&issuer.claims_with(json!({ "iss": url })));
    assert_problem(&app.me(token), 503, "ISSUER_UNAVAILABLE");
    assert_eq!(issuer.fetches(), 0);
}

#[test]
fn an_api_key_is_never_taken_for_a_token() {
    let signer = Signer::p256("e");
    let issuer = Issuer::start(&[&signer]);
    let app = TestApp::with_oidc(issuer.settings());
    let client = app.admin();
    assert_eq!(client.get("/v1/me").json()["role"], "admin");
    assert_eq!(
        client
            .delete(&format!("/v1/api-keys/{}", client.key_id))
            .status,
        200
    );
    assert_problem(&client.get("/v1/me"), 401, "UNAUTHENTICATED");
    assert_eq!(issuer.fetches(), 0);
}

/// Waits for something that is bound to come, and fails where it does not.
#[track_caller]
pub fn until(mut happened: impl FnMut() -> bool) {
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(10);
    while !happened() {
        assert!(std::time::Instant::now() < deadline, "it did not happen");
        std::thread::yield_now();
    }
}
