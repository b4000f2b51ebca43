//! Good and bad tokens.

use super::*;

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
