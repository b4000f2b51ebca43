//! API keys as text: how they are made, recognised and compared.
//!
//! A key reads `edk_<id>_<secret>_<checksum>`. The id is public, the secret is 256 random bits and
//! kept only as its hash, and the checksum lets a mistyped key be refused without asking the database.

use rand::distr::{Alphanumeric, SampleString};
use sha2::{Digest, Sha256};

const PREFIX: &str = "edk";
const ID_LENGTH: usize = 12;
/// 43 letters and digits carry 256 bits.
const SECRET_LENGTH: usize = 43;

/// A key in full, shown once to the person it is made for and kept nowhere.
pub struct NewKey {
    /// The public part, which names the key.
    pub id: String,
    /// The whole key.
    pub text: String,
    /// What is stored of the secret.
    pub secret_hash: [u8; 32],
}

impl NewKey {
    /// Makes a key from fresh randomness.
    pub fn generate() -> Self {
        let mut random = rand::rng();
        let id = Alphanumeric.sample_string(&mut random, ID_LENGTH);
        let secret = Alphanumeric.sample_string(&mut random, SECRET_LENGTH);
        let body = format!("{PREFIX}_{id}_{secret}");
        let text = format!("{body}_{}", checksum(&body));
        let secret_hash = hash(&secret);
        Self {
            id,
            text,
            secret_hash,
        }
    }
}

/// Whether the text is meant to be an API key, good or not: no access token begins like one.
pub fn looks_like_a_key(text: &str) -> bool {
    text.strip_prefix(PREFIX)
        .is_some_and(|rest| rest.starts_with('_'))
}

/// A key as somebody presents it: well formed, but not yet known to be good.
#[derive(Debug, PartialEq)]
pub struct PresentedKey {
    /// The public part.
    pub id: String,
    /// Hash of the secret part.
    pub secret_hash: [u8; 32],
}

impl PresentedKey {
    /// Reads a key; `None` where the text can't be one.
    pub fn parse(text: &str) -> Option<Self> {
        let (body, sum) = text.rsplit_once('_')?;
        let mut parts = body.split('_');
        let (prefix, id, secret) = (parts.next()?, parts.next()?, parts.next()?);
        let well_formed = parts.next().is_none()
            && prefix == PREFIX
            && id.len() == ID_LENGTH
            && secret.len() == SECRET_LENGTH
            && checksum(body) == sum;
        well_formed.then(|| Self {
            id: id.to_owned(),
            secret_hash: hash(secret),
        })
    }

    /// Whether this is the key with the stored hash, in a time that does not depend on the answer.
    pub fn matches(&self, stored: &[u8]) -> bool {
        stored.len() == self.secret_hash.len()
            && self
                .secret_hash
                .iter()
                .zip(stored)
                .fold(0, |rest, (a, b)| rest | (a ^ b))
                == 0
    }
}

fn hash(secret: &str) -> [u8; 32] {
    Sha256::digest(secret.as_bytes()).into()
}

fn checksum(body: &str) -> String {
    format!("{:08x}", crc32fast::hash(body.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_recognised_and_matches_only_its_own_hash() {
        let key = NewKey::generate();
        let presented = PresentedKey::parse(&key.text).unwrap();
        assert_eq!(presented.id, key.id);
        assert!(presented.matches(&key.secret_hash));
        assert!(!presented.matches(&NewKey::generate().secret_hash));
    }

    #[test]
    fn a_mistyped_key_is_not_a_key() {
        let key = NewKey::generate().text;
        let mistyped = key.replacen('_', "-", 1);
        for text in [
            "",
            "edk",
            "edk_a_b_c",
            &key[1..],
            &key[..key.len() - 1],
            &mistyped,
        ] {
            assert_eq!(PresentedKey::parse(text), None, "{text}");
        }
    }
}
