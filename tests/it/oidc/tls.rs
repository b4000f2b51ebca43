//! Issuers with a certificate, of a well-known authority or of one's own.

use engagement_desk::oidc::{OidcSettings, read_authorities};

use super::{assert_me, assert_problem};
use crate::support::app::TestApp;
use crate::support::issuer::{Authority, Issuer, Signer};

/// The settings of an operator who trusts these authorities as well.
fn trusting(issuer: &Issuer, bundle: &str) -> OidcSettings {
    OidcSettings {
        authorities: read_authorities(bundle.as_bytes()).unwrap(),
        ..issuer.settings()
    }
}

#[test]
fn keys_are_fetched_over_https_from_an_issuer_whose_authority_is_trusted() {
    let (signer, authority) = (Signer::p256("e"), Authority::new());
    let issuer = Issuer::start_with_tls(&[&signer], authority.certify("127.0.0.1"));
    assert!(issuer.url().starts_with("https://127.0.0.1:"));
    let bundle = format!("# Ours\n{}\n{}", Authority::new().pem, authority.pem);
    let app = TestApp::with_oidc(trusting(&issuer, &bundle));
    let me = assert_me(&app.me(signer.token(&issuer.claims())));
    assert_eq!(me["subject"], "paula@example.com");
    assert_eq!(issuer.fetches(), 1);
}

#[test]
fn an_issuer_that_cannot_show_who_it_is_is_not_believed() {
    let (signer, authority) = (Signer::p256("e"), Authority::new());
    let good = Issuer::start_with_tls(&[&signer], authority.certify("127.0.0.1"));
    let other_host = Issuer::start_with_tls(&[&signer], authority.certify("login.example.com"));
    for (issuer, settings) in [
        (&good, good.settings()),
        (&good, trusting(&good, &Authority::new().pem)),
        (&other_host, trusting(&other_host, &authority.pem)),
    ] {
        let app = TestApp::with_oidc(settings);
        let answer = app.me(signer.token(&issuer.claims()));
        assert_problem(&answer, 503, "ISSUER_UNAVAILABLE");
        assert_eq!(issuer.fetches(), 0);
    }
}

#[test]
fn a_bundle_is_taken_whole_or_not_at_all() {
    let pem = Authority::new().pem;
    let cut = pem.replace("-----END", "-----");
    let garbled: String = pem
        .lines()
        .enumerate()
        .map(|(number, line)| match number {
            1 => "AAAA\n".to_owned(),
            _ => format!("{line}\n"),
        })
        .collect();
    let key = include_str!("../../data/oidc-test-only-rsa-key.pem");
    for (bundle, words) in [
        ("", "no certificate"),
        ("not PEM", "no certificate"),
        (
            &format!("{pem}{garbled}"),
            "certificate 2 of it can't be read",
        ),
        (&format!("{pem}{cut}"), "certificate 2 of it can't be read"),
        (&format!("{pem}{key}"), "private key"),
    ] {
        let error = read_authorities(bundle.as_bytes()).unwrap_err().to_string();
        assert!(error.contains(words), "{bundle}: {error}");
    }
    assert_eq!(read_authorities(pem.as_bytes()).unwrap().len(), 1);
}

#[test]
fn a_file_of_authorities_that_is_of_no_use_stops_the_start() {
    // A file that is there and has no certificate in it, and one that is not there.
    for path in [
        concat!(env!("CARGO_MANIFEST_DIR"), "/LICENSE"),
        "/nowhere/ca.pem",
    ] {
        let started = std::process::Command::new(env!("CARGO_BIN_EXE_engagement-desk"))
            .args([
                "serve",
                "--oidc-issuer=https://login.example.com",
                "--oidc-audience=a",
            ])
            .arg(format!("--oidc-ca-file={path}"))
            .output()
            .unwrap();
        assert!(!started.status.success());
        let said = String::from_utf8(started.stderr).unwrap();
        assert!(
            said.contains(&format!("ED_OIDC_CA_FILE {path} can't be used")),
            "{said}"
        );
    }
}
