//! Access tokens of an issuer, beside API keys.

use std::net::TcpListener;
use std::sync::Barrier;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use crate::support::app::{Client, TestApp, session_at_pad};
use crate::support::client::Answer;
use crate::support::issuer::{AUDIENCE, Conduct, Issuer, Signer, join, now, unsigned};

impl TestApp {
    fn with_token(&self, token: impl Into<String>) -> Client {
        Client {
            address: self.address,
            token: token.into(),
            key_id: String::new(),
        }
    }

    fn me(&self, token: impl Into<String>) -> Answer {
        self.with_token(token).get("/v1/me")
    }
}

#[track_caller]
fn assert_me(answer: &Answer) -> Value {
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer.json()
}

#[track_caller]
fn assert_problem(answer: &Answer, status: u16, code: &str) {
    assert_eq!(answer.status, status, "{}", answer.body);
    assert_eq!(answer.problem(), code);
}

#[test]
fn a_good_token_of_each_algorithm_opens_the_service() {
    let signers = [Signer::rsa("r"), Signer::p256("e"), Signer::ed25519("d")];
    let issuer = Issuer::start(&[&signers[0], &signers[1], &signers[2]]);
    let app = TestApp::with_oidc(issuer.settings());
    for signer in &signers {
        let me = assert_me(&app.me(signer.token(&issuer.claims())));
        assert_eq!(me["subject"], "paula@example.com");
        assert_eq!(me["name"], "Paula Marsh");
        assert_eq!(me["role"], "requester");
        assert_eq!(me["relationship"], "pdm");
        for header in [
            json!({ "alg": signer.algorithm(), "kid": signer.kid }),
            json!({ "alg": signer.algorithm(), "kid": signer.kid, "typ": "JWT" }),
            json!({ "alg": signer.algorithm(), "kid": signer.kid, "typ": "application/at+jwt" }),
            // What the header says about other keys is not followed, nor does it do harm.
            json!({ "alg": signer.algorithm(), "kid": signer.kid, "typ": "JWT",
                "jku": "https://attacker.example/keys", "x5u": "https://attacker.example/x" }),
        ] {
            let token = signer.token_with(&header, &issuer.claims());
            assert_me(&app.me(token));
        }
        for changes in [
            json!({ "aud": ["somebody-else", AUDIENCE] }),
            json!({ "aud": "another-audience" }),
            json!({ "nbf": null, "iat": null }),
            json!({ "exp": now() - 29, "nbf": now() + 30 }),
            json!({ "exp": f64::from(u32::try_from(now()).unwrap()) + 0.5 }),
        ] {
            let token = signer.token(&issuer.claims_with(changes.clone()));
            assert_eq!(app.me(token).status, 200, "{changes}");
        }
    }
    assert_eq!(issuer.fetches(), 1, "keys are not fetched per request");
}

/// Tokens that must open nothing, each with what is wrong with it.
fn bad_tokens(
    issuer: &Issuer,
    rsa: &Signer,
    p256: &Signer,
    ed25519: &Signer,
) -> Vec<(String, String)> {
    let mut bad: Vec<(String, String)> = Vec::new();
    let mut add = |what: &str, token: String| bad.push((what.to_owned(), token));
    let good = issuer.claims();
    let attacker = Signer::p256(&p256.kid);

    for (what, changes) in [
        ("expired", json!({ "exp": now() - 30 })),
        ("long expired", json!({ "exp": 0 })),
        (
            "no number as exp",
            json!({ "exp": (now() + 3_600).to_string() }),
        ),
        ("no exp", json!({ "exp": null })),
        ("not valid yet", json!({ "nbf": now() + 31 })),
        ("no number as nbf", json!({ "nbf": "now" })),
        ("no iss", json!({ "iss": null })),
        ("another iss", json!({ "iss": "https://login.example.com" })),
        (
            "an iss with a slash more",
            json!({ "iss": format!("{}/", issuer.url()) }),
        ),
        (
            "an iss in capitals",
            json!({ "iss": issuer.url().to_uppercase() }),
        ),
        (
            "an iss that begins alike",
            json!({ "iss": format!("{}.evil.example", issuer.url()) }),
        ),
        (
            "several iss",
            json!({ "iss": [issuer.url(), "https://evil.example"] }),
        ),
        ("no aud", json!({ "aud": null })),
        ("another aud", json!({ "aud": "api://other" })),
        (
            "other aud",
            json!({ "aud": ["api://other", "api://engagement"] }),
        ),
        (
            "an aud that begins alike",
            json!({ "aud": format!("{AUDIENCE}/") }),
        ),
        ("an empty list of aud", json!({ "aud": [] })),
        ("an object as aud", json!({ "aud": { AUDIENCE: true } })),
        ("no sub", json!({ "sub": null })),
        ("an empty sub", json!({ "sub": "" })),
        ("a number as sub", json!({ "sub": 7 })),
    ] {
        for signer in [rsa, p256] {
            add(what, signer.token(&issuer.claims_with(changes.clone())));
        }
    }

    for (what, changes) in [
        (
            "ID token of a sign-in",
            json!({ "nonce": "n", "scp": null }),
        ),
        (
            "ID token beside another token",
            json!({ "at_hash": "h", "nonce": "n" }),
        ),
        ("ID token by its claim typ", json!({ "typ": "ID" })),
        ("ID token by its use", json!({ "token_use": "id" })),
    ] {
        let header = json!({ "alg": "ES256", "kid": p256.kid, "typ": "JWT" });
        add(what, p256.token_with(&header, &issuer.claims_with(changes)));
    }
    for typ in ["id_token+jwt", "logout+jwt", "dpop+jwt", "JOSE", ""] {
        let header = json!({ "alg": "ES256", "kid": p256.kid, "typ": typ });
        add(&format!("typ {typ}"), p256.token_with(&header, &good));
    }

    for algorithm in ["none", "None", "NONE", "nOnE", ""] {
        let header = json!({ "alg": algorithm, "kid": rsa.kid, "typ": "JWT" });
        let message = unsigned(&header, &good);
        add(
            &format!("alg {algorithm:?}, unsigned"),
            format!("{message}."),
        );
        add(&format!("alg {algorithm:?}, no last dot"), message.clone());
        add(
            &format!("alg {algorithm:?}, signed"),
            rsa.token_with(&header, &good),
        );
    }
    // The public key as the secret of an HMAC: as the JWK, as the modulus, as the PEM of a page.
    for algorithm in ["HS256", "HS384", "HS512"] {
        for secret in [
            rsa.jwk().to_string().into_bytes(),
            BASE64_URL_SAFE_NO_PAD
                .decode(rsa.jwk()["n"].as_str().unwrap())
                .unwrap(),
            rsa.jwk()["n"].as_str().unwrap().as_bytes().to_vec(),
        ] {
            let header = json!({ "alg": algorithm, "kid": rsa.kid, "typ": "at+jwt" });
            let message = unsigned(&header, &good);
            let kind = match algorithm {
                "HS256" => ring::hmac::HMAC_SHA256,
                "HS384" => ring::hmac::HMAC_SHA384,
                _ => ring::hmac::HMAC_SHA512,
            };
            let tag = ring::hmac::sign(&ring::hmac::Key::new(kind, &secret), message.as_bytes());
            add("signed with the public key", join(&message, tag.as_ref()));
        }
    }
    for algorithm in [
        "RS384", "RS512", "PS256", "PS384", "PS512", "ES384", "ES512", "rs256",
    ] {
        let header = json!({ "alg": algorithm, "kid": rsa.kid, "typ": "at+jwt" });
        add(algorithm, rsa.token_with(&header, &good));
    }
    for (what, signer, algorithm) in [
        ("the alg of another key's type", p256, "RS256"),
        ("the alg of another key's type", rsa, "ES256"),
        ("the alg of another key's type", ed25519, "ES256"),
        ("the alg of another key's type", p256, "EdDSA"),
    ] {
        let header = json!({ "alg": algorithm, "kid": signer.kid, "typ": "at+jwt" });
        add(what, signer.token_with(&header, &good));
    }

    add(
        "another's signature under a known kid",
        attacker.token(&good),
    );
    let header = json!({ "alg": "ES256", "kid": ed25519.kid, "typ": "at+jwt" });
    add("the kid of another key", p256.token_with(&header, &good));
    let header = json!({ "alg": "ES256", "kid": "unheard-of", "typ": "at+jwt" });
    add("an unknown kid", p256.token_with(&header, &good));
    let header = json!({ "alg": "ES256", "kid": "../../../dev/null", "typ": "at+jwt" });
    add("a kid that is a path", attacker.token_with(&header, &good));
    let header = json!({ "alg": "ES256", "typ": "at+jwt" });
    add(
        "no kid where there are several keys",
        p256.token_with(&header, &good),
    );
    let header = json!({ "alg": "ES256", "kid": 7, "typ": "at+jwt" });
    add("a number as kid", p256.token_with(&header, &good));
    for (what, member, value) in [
        ("a key in the header", "jwk", attacker.jwk()),
        (
            "a key's address in the header",
            "jku",
            json!(format!("{}/attacker", issuer.url())),
        ),
        (
            "a certificate's address in the header",
            "x5u",
            json!("https://evil.example/x"),
        ),
        ("a certificate in the header", "x5c", json!(["AQAB"])),
    ] {
        for kid in [&p256.kid, "mine"] {
            let mut header = json!({ "alg": "ES256", "kid": kid, "typ": "at+jwt" });
            header[member] = value.clone();
            add(what, attacker.token_with(&header, &good));
        }
    }
    let mut header = p256.header();
    header["crit"] = json!(["b64"]);
    header["b64"] = json!(false);
    add("critical extensions", p256.token_with(&header, &good));

    for signer in [rsa, p256, ed25519] {
        let token = signer.token(&good);
        let parts: Vec<&str> = token.split('.').collect();
        let [header, payload, signature] = parts[..] else {
            panic!("{token}");
        };
        let more = issuer
            .claims_with(json!({ "roles": ["admin"] }))
            .to_string();
        let more = BASE64_URL_SAFE_NO_PAD.encode(more);
        add("other claims", format!("{header}.{more}.{signature}"));
        let other = BASE64_URL_SAFE_NO_PAD
            .encode(json!({ "alg": signer.algorithm(), "kid": signer.kid }).to_string());
        add("another header", format!("{other}.{payload}.{signature}"));
        add("no signature", format!("{header}.{payload}."));
        add("no last part", format!("{header}.{payload}"));
        add("a part more", format!("{token}.{signature}"));
        add("a dot more", format!("{token}."));
        add("a dot before", format!(".{token}"));
        add("an empty part", format!("{header}..{payload}.{signature}"));
        add(
            "parts in another order",
            format!("{payload}.{header}.{signature}"),
        );
        add("padding", format!("{token}=="));
        add(
            "half a signature",
            format!("{header}.{payload}.{}", &signature[..signature.len() / 2]),
        );
        add(
            "twice the signature",
            format!("{header}.{payload}.{signature}{signature}"),
        );
        let message = format!("{header}.{payload}");
        add(
            "a signature of another form",
            join(&message, &signer.sign_otherwise(&message)),
        );
        add("zeros for a signature", join(&message, &[0; 64]));
        add(
            "base64 of the other alphabet",
            format!("{header}.{payload}.{signature}+/"),
        );
    }

    let header = p256.header();
    for (what, payload) in [
        ("no JSON", "not json"),
        ("a list", "[]"),
        ("a text", "\"claims\""),
        ("nothing", ""),
        ("null", "null"),
    ] {
        let message = format!(
            "{}.{}",
            BASE64_URL_SAFE_NO_PAD.encode(header.to_string()),
            BASE64_URL_SAFE_NO_PAD.encode(payload)
        );
        add(
            &format!("{what} as claims"),
            join(&message, &p256.sign(&message)),
        );
    }
    add(
        "too long",
        p256.token(&issuer.claims_with(json!({ "more": "x".repeat(20_000) }))),
    );
    add(
        "an encrypted token",
        String::from("eyJhbGciOiJSU0EtT0FFUCIsImVuYyI6IkEyNTZHQ00ifQ.a.b.c.d"),
    );
    for text in [
        "x",
        ".",
        "..",
        "...",
        "a.b.c",
        "eyJ.eyJ.eyJ",
        "null",
        "edk_a.b.c",
        "Bearer",
    ] {
        add("no token at all", text.to_owned());
    }
    bad
}

#[test]
fn a_bad_token_opens_nothing_and_all_are_told_the_same() {
    let (rsa, p256, ed25519) = (Signer::rsa("r"), Signer::p256("e"), Signer::ed25519("d"));
    let issuer = Issuer::start(&[&rsa, &p256, &ed25519]);
    let app = TestApp::with_oidc(issuer.settings());
    assert_me(&app.me(p256.token(&issuer.claims())));

    let ask = |token: &str| {
        let client = app.with_token(token);
        client.send("GET", "/v1/me", &[("X-Request-Id", "same")], "")
    };
    let expected = ask("edk_no_key");
    assert_problem(&expected, 401, "UNAUTHENTICATED");
    let bad = bad_tokens(&issuer, &rsa, &p256, &ed25519);
    assert!(bad.len() >= 40, "{}", bad.len());
    for (what, token) in bad {
        let answer = ask(&token);
        assert_eq!(answer.status, 401, "{what}: {token}: {}", answer.body);
        assert_eq!(answer.body, expected.body, "{what}");
        let challenge = answer.header("www-authenticate");
        assert_eq!(challenge.as_deref(), Some("Bearer"), "{what}");
    }
    assert_eq!(issuer.fetches(), 2, "at the start, and for the unknown key");
    assert_eq!(issuer.requested("/tenant/attacker"), 0);
    assert_me(&app.me(p256.token(&issuer.claims())));
}

#[test]
fn without_an_issuer_a_token_is_nothing() {
    let signer = Signer::p256("e");
    let issuer = Issuer::start(&[&signer]);
    let answer = TestApp::start().me(signer.token(&issuer.claims()));
    assert_problem(&answer, 401, "UNAUTHENTICATED");
    assert_eq!(issuer.fetches(), 0);
}

#[test]
fn a_token_and_a_key_of_one_person_reach_the_same_requests() {
    let signer = Signer::p256("e");
    let issuer = Issuer::start(&[&signer]);
    let app = TestApp::with_oidc(issuer.settings());
    let by_token = app.with_token(signer.token(&issuer.claims()));
    let by_key = app.pdm("paula@example.com");

    let first = by_token.create(&session_at_pad());
    let second = by_key.create(&session_at_pad());
    assert_eq!(first["requested_by"]["email"], "paula@example.com");
    for client in [&by_token, &by_key] {
        for request in [&first, &second] {
            let path = format!("/v1/requests/{}", request["id"].as_str().unwrap());
            assert_eq!(client.get(&path).status, 200);
        }
    }
    by_key.take(
        &first,
        &json!({ "to": "cancelled", "reason": "Not needed any more" }),
    );

    let credentials = app
        .db
        .query("select distinct key_id from request_events order by 1")
        .unwrap();
    let by_token = String::from("oidc:127.0.0.1:subject-of-paula");
    let mut expected = vec![by_key.key_id.clone(), by_token];
    expected.sort();
    let mut credentials = credentials;
    credentials.sort();
    assert_eq!(credentials, expected);
}

#[test]
fn an_address_that_nobody_vouches_for_reaches_nobodys_requests() {
    let signer = Signer::p256("e");
    let issuer = Issuer::start(&[&signer]);
    let app = TestApp::with_oidc(issuer.settings());
    let request = app.pdm("paula@example.com").create(&session_at_pad());
    let path = format!("/v1/requests/{}", request["id"].as_str().unwrap());
    for changes in [
        json!({ "email_verified": false }),
        json!({ "email_verified": null }),
        json!({ "email": null, "preferred_username": "paula@example.com", "upn": "paula@example.com" }),
        json!({ "email": "paula@example.com", "email_verified": true, "xms_edov": false }),
    ] {
        let thief = app.with_token(signer.token(&issuer.claims_with(changes.clone())));
        let answer = thief.get(&path);
        assert_problem(&answer, 403, "ACTION_FORBIDDEN");
        assert!(answer.body.contains("an e-mail address"), "{}", answer.body);

        let mut changes = changes;
        changes["roles"] = json!(["integration"]);
        let tool = app.with_token(signer.token(&issuer.claims_with(changes)));
        assert_eq!(tool.get(&path).status, 404);
        let me = assert_me(&tool.get("/v1/me"));
        let subject = format!("{}#subject-of-paula", issuer.url());
        assert_eq!(me["subject"], subject);
    }
    let stranger = json!({ "email": "other@example.com" });
    let stranger = app.with_token(signer.token(&issuer.claims_with(stranger)));
    assert_eq!(stranger.get(&path).status, 404);
}

#[test]
fn claims_say_which_desks_and_partners_a_caller_reaches() {
    let signer = Signer::p256("e");
    let issuer = Issuer::start(&[&signer]);
    let app = TestApp::with_oidc(issuer.settings());
    let request = app.pdm("paula@example.com").create(&session_at_pad());
    let path = format!("/v1/requests/{}", request["id"].as_str().unwrap());
    let partner = session_at_pad()["partner"]["mpn_id"].clone();
    for (changes, status) in [
        (
            json!({ "roles": ["engagement-desk.desk_member"], "desks": ["pad"] }),
            200,
        ),
        (json!({ "roles": ["desk_lead"], "desks": "gps,pad" }), 200),
        (json!({ "roles": ["desk_lead"], "desks": ["gps"] }), 404),
        (
            json!({ "email": "ann@example.com", "partners": [partner] }),
            200,
        ),
        (
            json!({ "email": "ann@example.com", "partners": ["1"] }),
            404,
        ),
        (json!({ "email": "ann@example.com", "desks": ["pad"] }), 404),
        (json!({ "roles": ["viewer"] }), 200),
        (json!({ "roles": ["requester", "admin"] }), 200),
    ] {
        let client = app.with_token(signer.token(&issuer.claims_with(changes.clone())));
        assert_eq!(client.get(&path).status, status, "{changes}");
    }
    let admin = issuer.claims_with(json!({ "roles": ["requester", "admin"] }));
    let keys = app.with_token(signer.token(&admin)).get("/v1/api-keys");
    assert_eq!(keys.status, 200, "{}", keys.body);
}

#[test]
fn a_good_token_that_gives_no_right_is_told_what_it_lacks() {
    let signer = Signer::p256("e");
    let issuer = Issuer::start(&[&signer]);
    let app = TestApp::with_oidc(issuer.settings());
    for (changes, lack) in [
        (json!({ "roles": null }), "no role"),
        (json!({ "roles": ["other"] }), "no role"),
        (
            json!({ "relationship": null }),
            "what the caller is to the partner",
        ),
        (json!({ "roles": ["desk_lead"] }), "no desk"),
        (
            json!({ "roles": ["desk_lead"], "desks": ["elsewhere"] }),
            "no desk",
        ),
    ] {
        let answer = app.me(signer.token(&issuer.claims_with(changes.clone())));
        assert_problem(&answer, 403, "ACTION_FORBIDDEN");
        let detail = answer.json()["detail"].as_str().unwrap().to_owned();
        assert!(detail.contains(lack), "{changes}: {detail}");
        let challenge = answer.header("www-authenticate");
        assert_eq!(
            challenge.as_deref(),
            Some("Bearer error=\"insufficient_scope\"")
        );
    }
}

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
fn until(mut happened: impl FnMut() -> bool) {
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(10);
    while !happened() {
        assert!(std::time::Instant::now() < deadline, "it did not happen");
        std::thread::yield_now();
    }
}
