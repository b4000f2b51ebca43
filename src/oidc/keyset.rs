//! The keys of an issuer, as its JWKS lists them.

use jsonwebtoken::jwk::{
    AlgorithmParameters, EllipticCurve, Jwk, KeyAlgorithm, KeyOperations, PublicKeyUse,
};
use jsonwebtoken::{Algorithm, DecodingKey};
use serde::Deserialize;
use serde_json::Value;

/// More keys than this are not read from one set.
const MOST_KEYS: usize = 100;

/// A key, with the one algorithm it is good for.
#[derive(Clone, Debug)]
pub struct VerificationKey {
    id: Option<String>,
    /// The algorithm its type calls for.
    pub algorithm: Algorithm,
    /// The key itself.
    pub key: DecodingKey,
}

/// The keys an issuer signs with at a time.
#[derive(Clone, Debug, Default)]
pub struct KeySet {
    keys: Vec<VerificationKey>,
}

#[derive(Deserialize)]
struct Document {
    keys: Vec<Value>,
}

impl KeySet {
    /// Reads a JWKS document. Keys for encryption, of other types and other algorithms are passed
    /// over: a set may hold them for others.
    ///
    /// # Errors
    /// Where the document is no JWKS.
    pub fn read(document: &[u8]) -> Result<Self, serde_json::Error> {
        let Document { keys } = serde_json::from_slice(document)?;
        let keys = keys.into_iter().take(MOST_KEYS);
        Ok(Self {
            keys: keys.filter_map(VerificationKey::read).collect(),
        })
    }

    /// Whether there is no key in it that the service can use.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// Whether it has a key of this id, or the one key that a token without an id can mean.
    pub fn knows(&self, id: Option<&str>) -> bool {
        self.keys.iter().any(|key| self.is_meant(key, id))
    }

    /// The key of this id for this algorithm.
    pub fn find(&self, id: Option<&str>, algorithm: Algorithm) -> Option<&VerificationKey> {
        self.keys
            .iter()
            .find(|key| self.is_meant(key, id) && key.algorithm == algorithm)
    }

    fn is_meant(&self, key: &VerificationKey, id: Option<&str>) -> bool {
        match id {
            Some(id) => key.id.as_deref() == Some(id),
            None => self.keys.len() == 1,
        }
    }
}

impl VerificationKey {
    fn read(value: Value) -> Option<Self> {
        let jwk: Jwk = serde_json::from_value(value).ok()?;
        let for_signatures = matches!(
            jwk.common.public_key_use,
            None | Some(PublicKeyUse::Signature)
        );
        let for_verifying = jwk
            .common
            .key_operations
            .as_ref()
            .is_none_or(|operations| operations.contains(&KeyOperations::Verify));
        let (algorithm, stated) = match &jwk.algorithm {
            AlgorithmParameters::RSA(_) => (Algorithm::RS256, KeyAlgorithm::RS256),
            AlgorithmParameters::EllipticCurve(key) if key.curve == EllipticCurve::P256 => {
                (Algorithm::ES256, KeyAlgorithm::ES256)
            }
            AlgorithmParameters::OctetKeyPair(key) if key.curve == EllipticCurve::Ed25519 => {
                (Algorithm::EdDSA, KeyAlgorithm::EdDSA)
            }
            _ => return None,
        };
        let as_stated = jwk
            .common
            .key_algorithm
            .is_none_or(|algorithm| algorithm == stated);
        if !(for_signatures && for_verifying && as_stated) {
            return None;
        }
        Some(Self {
            key: DecodingKey::from_jwk(&jwk).ok()?,
            id: jwk.common.key_id,
            algorithm,
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn set(keys: &[Value]) -> KeySet {
        KeySet::read(json!({ "keys": keys }).to_string().as_bytes()).unwrap()
    }

    fn ed25519(id: &str) -> Value {
        json!({ "kty": "OKP", "crv": "Ed25519", "kid": id, "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" })
    }

    fn with(mut key: Value, member: &str, value: Value) -> Value {
        key[member] = value;
        key
    }

    #[test]
    fn a_key_is_good_for_the_algorithm_of_its_type_only() {
        let set = set(&[
            json!({ "kty": "RSA", "kid": "r", "use": "sig", "n": "AQAB", "e": "AQAB",
                "x5t": "r", "x5c": ["AQAB"], "issuer": "https://login.example.com/t" }),
            json!({ "kty": "EC", "crv": "P-256", "kid": "e", "x": "AQAB", "y": "AQAB" }),
            ed25519("d"),
        ]);
        for (id, algorithm) in [
            ("r", Algorithm::RS256),
            ("e", Algorithm::ES256),
            ("d", Algorithm::EdDSA),
        ] {
            assert!(set.knows(Some(id)));
            for other in [
                Algorithm::RS256,
                Algorithm::RS512,
                Algorithm::PS256,
                Algorithm::HS256,
                Algorithm::ES256,
                Algorithm::ES384,
                Algorithm::EdDSA,
            ] {
                assert_eq!(
                    set.find(Some(id), other).is_some(),
                    other == algorithm,
                    "{id} {other:?}"
                );
            }
        }
    }

    #[test]
    fn keys_that_are_not_for_checking_signatures_are_passed_over() {
        let set = set(&[
            with(ed25519("enc"), "use", json!("enc")),
            with(ed25519("sign"), "key_ops", json!(["sign"])),
            with(ed25519("other"), "alg", json!("ES256")),
            json!({ "kty": "oct", "kid": "oct", "k": "AQAB" }),
            json!({ "kty": "EC", "crv": "P-384", "kid": "p384", "x": "AQAB", "y": "AQAB" }),
            json!({ "kty": "EC", "crv": "secp256k1", "kid": "k1", "x": "AQAB", "y": "AQAB" }),
            json!({ "kty": "OKP", "crv": "X25519", "kid": "x", "x": "AQAB" }),
            json!({ "kty": "RSA", "kid": "half", "n": "AQAB" }),
            json!({ "kty": "RSA", "kid": "bad", "n": "no base64!", "e": "AQAB" }),
            json!({ "kty": "AKP", "kid": "new" }),
            json!("no key"),
            with(
                with(ed25519("good"), "use", json!("sig")),
                "alg",
                json!("EdDSA"),
            ),
        ]);
        assert_eq!(set.keys.len(), 1, "{set:?}");
        assert!(set.knows(Some("good")));
    }

    #[test]
    fn a_token_without_a_key_id_means_the_only_key() {
        assert!(set(&[ed25519("a")]).knows(None));
        assert!(!set(&[ed25519("a"), ed25519("b")]).knows(None));
        assert!(!set(&[]).knows(None));
    }

    #[test]
    fn what_is_no_jwks_is_refused() {
        for text in ["", "{}", "[]", r#"{"keys":{}}"#, "<html>"] {
            assert!(KeySet::read(text.as_bytes()).is_err(), "{text}");
        }
    }
}
