//! API keys as text: how they are made, recognised and compared.
//!
//! A key reads `edk_<id>_<secret>_<checksum>`. The id is public, the secret is 256 random bits and
//! kept only as its hash, and the checksum lets a mistyped key be refused without asking the database.
//!
//! A key that is asked for under an idempotency key has a secret that [`SecretMaker`] can make again, so
//! that a retry gets the same answer although the secret is stored nowhere.

use hmac::{Hmac, KeyInit, Mac};
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
        let secret = Alphanumeric.sample_string(&mut rand::rng(), SECRET_LENGTH);
        Self::of(fresh_id(), &secret)
    }

    fn of(id: String, secret: &str) -> Self {
        let body = format!("{PREFIX}_{id}_{secret}");
        let text = format!("{body}_{}", checksum(&body));
        let secret_hash = hash(secret);
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

/// A new public part of a key.
pub fn fresh_id() -> String {
    Alphanumeric.sample_string(&mut rand::rng(), ID_LENGTH)
}

/// Makes keys whose secrets can be made again by whoever knows the same two things: the secret that all
/// instances share, and a seed that only the client can send again.
///
/// Neither is enough. The database keeps the first, but of the client's idempotency key only a hash under
/// another name, so who reads the database makes no key from it unless the idempotency key can be guessed.
pub struct SecretMaker(Hmac<Sha256>);

impl SecretMaker {
    /// A maker from the secret that all instances share.
    pub fn new(secret: &[u8]) -> Self {
        let mut block = [0; 64];
        block[..32].copy_from_slice(&Sha256::digest(secret));
        Self(Hmac::new(&block.into()))
    }

    /// The key of that id for the seed: always the same one.
    pub fn key(&self, id: String, seed: &[u8; 32]) -> NewKey {
        let tag = self.0.clone().chain_update(seed).chain_update(&id);
        let secret = letters(tag.finalize().into_bytes().into());
        NewKey::of(id, &secret)
    }
}

/// 256 bits in letters and digits: a number written with 62 of them.
fn letters(mut number: [u8; 32]) -> String {
    const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let mut text = String::with_capacity(SECRET_LENGTH);
    for _ in 0..SECRET_LENGTH {
        let mut rest = 0;
        for byte in &mut number {
            let value = rest * 256 + usize::from(*byte);
            *byte = u8::try_from(value / DIGITS.len()).unwrap_or_default();
            rest = value % DIGITS.len();
        }
        text.push(char::from(DIGITS[rest]));
    }
    text
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
    fn a_key_can_be_made_again_only_from_the_same_secret_seed_and_id() {
        let maker = SecretMaker::new(b"secret");
        let key = |maker: &SecretMaker, id: &str, seed| maker.key(id.to_owned(), &[seed; 32]).text;
        let first = key(&maker, "abcdefghijkl", 7);
        assert_eq!(first, key(&SecretMaker::new(b"secret"), "abcdefghijkl", 7));
        assert!(PresentedKey::parse(&first).is_some());
        assert_ne!(first, key(&maker, "abcdefghijkl", 8));
        assert_ne!(first, key(&SecretMaker::new(b"other"), "abcdefghijkl", 7));
        let secret = |text: &str| text.split('_').nth(2).unwrap().to_owned();
        assert_ne!(secret(&first), secret(&key(&maker, "abcdefghijkm", 7)));
    }

    #[test]
    fn all_256_bits_are_in_the_letters() {
        assert_eq!(letters([0; 32]), "0".repeat(43));
        let largest = letters([255; 32]);
        let mut bytes = [255; 32];
        bytes[31] = 254;
        assert_ne!(letters(bytes), largest);
        bytes = [255; 32];
        bytes[0] = 127;
        assert_ne!(letters(bytes), largest);
        assert_eq!(largest.len(), 43);
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
