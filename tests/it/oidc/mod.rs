//! Access tokens of an issuer, beside API keys.

use std::net::TcpListener;
use std::sync::Barrier;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use crate::support::app::{Client, TestApp, session_at_pad};
use crate::support::client::Answer;
use crate::support::issuer::{AUDIENCE, Conduct, Issuer, Signer, join, now, unsigned};

mod claims;
mod keys;
mod tls;
mod tokens;

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
