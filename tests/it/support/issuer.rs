//! An issuer of access tokens on a port of its own: it signs, serves its keys, counts how often they
//! are fetched, and can misbehave in every way that matters.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use base64::Engine;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use engagement_desk::oidc::OidcSettings;
use ring::rand::SystemRandom;
use ring::signature::{
    ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair,
    KeyPair, RSA_PKCS1_SHA256, RSA_PKCS1_SHA512,
};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use serde_json::{Value, json};

/// The audience of good tokens.
pub const AUDIENCE: &str = "api://engagement-desk";

/// A key that tokens are signed with.
pub struct Signer {
    pub kid: String,
    kind: Kind,
}

enum Kind {
    Rsa(Box<ring::rsa::KeyPair>),
    P256(Vec<u8>),
    Ed25519(Ed25519KeyPair),
}

impl Signer {
    /// The RSA key of the tests: it takes long to make one.
    pub fn rsa(kid: &str) -> Self {
        let pem = include_str!("../../data/oidc-test-only-rsa-key.pem");
        let base64: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
        let der = BASE64_STANDARD.decode(base64).unwrap();
        let pair = ring::rsa::KeyPair::from_pkcs8(&der).unwrap();
        Self::of(kid, Kind::Rsa(Box::new(pair)))
    }

    pub fn p256(kid: &str) -> Self {
        let document =
            EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new());
        Self::of(kid, Kind::P256(document.unwrap().as_ref().to_vec()))
    }

    pub fn ed25519(kid: &str) -> Self {
        let document = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).unwrap();
        let pair = Ed25519KeyPair::from_pkcs8(document.as_ref()).unwrap();
        Self::of(kid, Kind::Ed25519(pair))
    }

    fn of(kid: &str, kind: Kind) -> Self {
        Self {
            kid: kid.to_owned(),
            kind,
        }
    }

    pub fn algorithm(&self) -> &'static str {
        match self.kind {
            Kind::Rsa(_) => "RS256",
            Kind::P256(_) => "ES256",
            Kind::Ed25519(_) => "EdDSA",
        }
    }

    /// The public half, as a JWKS has it.
    pub fn jwk(&self) -> Value {
        let text = |bytes: &[u8]| BASE64_URL_SAFE_NO_PAD.encode(bytes);
        let mut jwk = match &self.kind {
            Kind::Rsa(pair) => {
                let public = ring::rsa::PublicKeyComponents::<Vec<u8>>::from(pair.public());
                json!({ "kty": "RSA", "n": text(&public.n), "e": text(&public.e) })
            }
            Kind::P256(document) => {
                let pair = EcdsaKeyPair::from_pkcs8(
                    &ECDSA_P256_SHA256_FIXED_SIGNING,
                    document,
                    &SystemRandom::new(),
                );
                let pair = pair.unwrap();
                let (x, y) = pair.public_key().as_ref()[1..].split_at(32);
                json!({ "kty": "EC", "crv": "P-256", "x": text(x), "y": text(y) })
            }
            Kind::Ed25519(pair) => {
                json!({ "kty": "OKP", "crv": "Ed25519", "x": text(pair.public_key().as_ref()) })
            }
        };
        jwk["kid"] = json!(self.kid);
        jwk["use"] = json!("sig");
        jwk
    }

    pub fn sign(&self, message: &str) -> Vec<u8> {
        let (random, message) = (SystemRandom::new(), message.as_bytes());
        match &self.kind {
            Kind::Rsa(pair) => {
                let mut signature = vec![0; pair.public().modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &random, message, &mut signature)
                    .unwrap();
                signature
            }
            Kind::P256(document) => {
                let algorithm = &ECDSA_P256_SHA256_FIXED_SIGNING;
                let pair = EcdsaKeyPair::from_pkcs8(algorithm, document, &random).unwrap();
                pair.sign(&random, message).unwrap().as_ref().to_vec()
            }
            Kind::Ed25519(pair) => pair.sign(message).as_ref().to_vec(),
        }
    }

    /// The signature in a form that JWS does not have: ASN.1, or of another hash.
    pub fn sign_otherwise(&self, message: &str) -> Vec<u8> {
        let (random, message) = (SystemRandom::new(), message.as_bytes());
        match &self.kind {
            Kind::Rsa(pair) => {
                let mut signature = vec![0; pair.public().modulus_len()];
                pair.sign(&RSA_PKCS1_SHA512, &random, message, &mut signature)
                    .unwrap();
                signature
            }
            Kind::P256(document) => {
                let algorithm = &ECDSA_P256_SHA256_ASN1_SIGNING;
                let pair = EcdsaKeyPair::from_pkcs8(algorithm, document, &random).unwrap();
                pair.sign(&random, message).unwrap().as_ref().to_vec()
            }
            Kind::Ed25519(pair) => pair.sign(&[message, b"!"].concat()).as_ref().to_vec(),
        }
    }

    pub fn header(&self) -> Value {
        json!({ "typ": "at+jwt", "alg": self.algorithm(), "kid": self.kid })
    }

    pub fn token(&self, claims: &Value) -> String {
        self.token_with(&self.header(), claims)
    }

    pub fn token_with(&self, header: &Value, claims: &Value) -> String {
        let message = unsigned(header, claims);
        let signature = self.sign(&message);
        join(&message, &signature)
    }
}

/// Header and claims, as they are signed.
pub fn unsigned(header: &Value, claims: &Value) -> String {
    let part = |value: &Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
    format!("{}.{}", part(header), part(claims))
}

pub fn join(message: &str, signature: &[u8]) -> String {
    format!("{message}.{}", BASE64_URL_SAFE_NO_PAD.encode(signature))
}

/// A certificate authority of its own.
pub struct Authority {
    issuer: rcgen::Issuer<'static, rcgen::KeyPair>,
    /// Its own certificate, as an operator is given it.
    pub pem: String,
}

/// A certificate and its key, for a server.
pub struct Certificate {
    config: ServerConfig,
}

impl Authority {
    pub fn new() -> Self {
        let mut parameters = rcgen::CertificateParams::default();
        parameters.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let key = rcgen::KeyPair::generate().unwrap();
        let pem = parameters.self_signed(&key).unwrap().pem();
        Self {
            issuer: rcgen::Issuer::new(parameters, key),
            pem,
        }
    }

    /// A certificate for the machine of that name.
    pub fn certify(&self, host: &str) -> Certificate {
        let key = rcgen::KeyPair::generate().unwrap();
        let parameters = rcgen::CertificateParams::new([host.to_owned()]).unwrap();
        let certificate = parameters.signed_by(&key, &self.issuer).unwrap();
        let key = rustls::pki_types::PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key)
            .unwrap();
        Certificate { config }
    }
}

/// What the issuer answers to those who fetch.
#[derive(Clone)]
pub enum Conduct {
    /// What it should.
    Good,
    /// That its description is elsewhere, where it is good.
    Moved,
    /// This status and body, to every path.
    Always(u16, String),
    /// Instead of its keys, this body.
    Keys(String),
    /// A discovery document with these members.
    Discovery(Value),
    /// Nothing, until it is good again.
    Silent,
}

struct State {
    url: String,
    keys: Mutex<Vec<Value>>,
    conduct: Mutex<Conduct>,
    changed: Condvar,
    requests: Mutex<BTreeMap<String, usize>>,
    waiting: AtomicUsize,
    stopping: AtomicBool,
}

pub struct Issuer {
    address: SocketAddr,
    state: Arc<State>,
    thread: Option<JoinHandle<()>>,
}

impl Issuer {
    pub fn start(signers: &[&Signer]) -> Self {
        Self::serve(signers, None)
    }

    /// Over https, with this certificate.
    pub fn start_with_tls(signers: &[&Signer], certificate: Certificate) -> Self {
        Self::serve(signers, Some(Arc::new(certificate.config)))
    }

    fn serve(signers: &[&Signer], tls: Option<Arc<ServerConfig>>) -> Self {
        let scheme = if tls.is_some() { "https" } else { "http" };
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(State {
            url: format!("{scheme}://{address}/tenant"),
            keys: Mutex::default(),
            conduct: Mutex::new(Conduct::Good),
            changed: Condvar::new(),
            requests: Mutex::default(),
            waiting: AtomicUsize::new(0),
            stopping: AtomicBool::new(false),
        });
        let served = Arc::clone(&state);
        let thread = std::thread::spawn(move || {
            for stream in listener.incoming() {
                if served.stopping.load(Ordering::Relaxed) {
                    return;
                }
                let state = Arc::clone(&served);
                let stream = stream.unwrap();
                let _ = stream.set_read_timeout(Some(Duration::from_secs(10)));
                let tls = tls.clone();
                std::thread::spawn(move || match tls {
                    None => state.answer(stream),
                    Some(tls) => {
                        let session = ServerConnection::new(tls).unwrap();
                        state.answer(StreamOwned::new(session, stream));
                    }
                });
            }
        });
        let issuer = Self {
            address,
            state,
            thread: Some(thread),
        };
        issuer.has_keys(signers);
        issuer
    }

    /// Serves these keys from now on.
    pub fn has_keys(&self, signers: &[&Signer]) {
        let keys = signers.iter().map(|signer| signer.jwk()).collect();
        *self.state.keys.lock().unwrap() = keys;
    }

    pub fn conducts_itself(&self, conduct: Conduct) {
        *self.state.conduct.lock().unwrap() = conduct;
        self.state.changed.notify_all();
    }

    /// Is gone: nobody answers at its port.
    pub fn stop(&mut self) {
        self.state.stopping.store(true, Ordering::Relaxed);
        self.conducts_itself(Conduct::Good);
        if let Some(thread) = self.thread.take() {
            let _ = TcpStream::connect(self.address);
            thread.join().unwrap();
        }
    }

    /// How often its keys were fetched.
    pub fn fetches(&self) -> usize {
        self.requested("/tenant/keys")
    }

    pub fn requested(&self, path: &str) -> usize {
        let requests = self.state.requests.lock().unwrap();
        requests.get(path).copied().unwrap_or_default()
    }

    /// Requests that it is silent to.
    pub fn waiting(&self) -> usize {
        self.state.waiting.load(Ordering::Relaxed)
    }

    pub fn url(&self) -> &str {
        &self.state.url
    }

    pub fn settings(&self) -> OidcSettings {
        OidcSettings::new(
            self.url().parse().unwrap(),
            vec![String::from("another-audience"), String::from(AUDIENCE)],
        )
    }

    /// The claims of a good token for a requester, at the time the tests take place.
    pub fn claims(&self) -> Value {
        json!({
            "iss": self.url(), "aud": AUDIENCE, "sub": "subject-of-paula",
            "iat": now(), "nbf": now(), "exp": now() + 3_600, "scp": "access_as_user",
            "name": "Paula Marsh", "email": "Paula@Example.com", "email_verified": true,
            "roles": ["engagement-desk.requester"], "relationship": "pdm",
        })
    }

    /// Those claims, changed by these members; null takes one away.
    pub fn claims_with(&self, changes: Value) -> Value {
        let mut claims = self.claims();
        for (name, value) in changes.as_object().unwrap() {
            if value.is_null() {
                claims.as_object_mut().unwrap().remove(name);
            } else {
                claims[name] = value.clone();
            }
        }
        claims
    }
}

/// When the tests take place, in seconds since 1970.
pub fn now() -> i64 {
    let now: chrono::DateTime<chrono::Utc> = super::app::NOW.parse().unwrap();
    now.timestamp()
}

impl Drop for Issuer {
    fn drop(&mut self) {
        self.stop();
    }
}

impl State {
    fn answer(&self, mut stream: impl Read + Write) {
        let mut lines = BufReader::new(&mut stream).lines();
        let Some(Ok(first)) = lines.next() else {
            return;
        };
        while lines
            .next()
            .is_some_and(|line| line.is_ok_and(|line| !line.is_empty()))
        {}
        let path = first.split(' ').nth(1).unwrap_or_default().to_owned();
        *self
            .requests
            .lock()
            .unwrap()
            .entry(path.clone())
            .or_default() += 1;

        let (status, body) = self.document(&path);
        let more = if status == 302 {
            format!("Location: {}/moved\r\n", self.url)
        } else {
            String::new()
        };
        // Whoever asked may be gone by now.
        let _ = write!(
            stream,
            "HTTP/1.1 {status} Status\r\n{more}Content-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
            body.len()
        );
        let _ = stream.flush();
    }

    fn document(&self, path: &str) -> (u16, String) {
        let mut conduct = self.conduct.lock().unwrap();
        self.waiting.fetch_add(1, Ordering::Relaxed);
        while matches!(*conduct, Conduct::Silent) {
            conduct = self.changed.wait(conduct).unwrap();
        }
        self.waiting.fetch_sub(1, Ordering::Relaxed);
        let conduct = conduct.clone();
        let keys = || json!({ "keys": *self.keys.lock().unwrap() }).to_string();
        let discovery = json!({ "issuer": self.url, "jwks_uri": format!("{}/keys", self.url) });
        match (conduct, path) {
            (Conduct::Always(status, body), _) => (status, body),
            (Conduct::Moved, "/tenant/.well-known/openid-configuration") => (302, String::new()),
            (Conduct::Moved, "/tenant/moved") => (200, discovery.to_string()),
            (Conduct::Discovery(other), "/tenant/.well-known/openid-configuration") => {
                (200, other.to_string())
            }
            (_, "/tenant/.well-known/openid-configuration") => (200, discovery.to_string()),
            (Conduct::Keys(body), "/tenant/keys") => (200, body),
            (_, "/tenant/keys") => (200, keys()),
            _ => (404, String::new()),
        }
    }
}
