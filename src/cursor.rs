//! Cursors of lists: opaque, and good only for the list they came from.
//!
//! A cursor carries a position and no rights: what a caller may see is asked anew for every page.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};

/// Signs cursors.
pub struct CursorKey(Hmac<Sha256>);

/// Why a cursor is refused.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
pub enum BadCursor {
    /// It did not come from this service, or was changed.
    #[error("the cursor is not one of ours")]
    Forged,
    /// It came from a list with other filters.
    #[error("the cursor belongs to a list with other filters")]
    OtherFilters,
}

const TAG_LENGTH: usize = 16;
const FILTER_LENGTH: usize = 8;

impl CursorKey {
    /// A key from the secret that all instances share.
    pub fn new(secret: &[u8]) -> Self {
        // A hash of the secret, padded to a block as HMAC itself would: no key of a wrong length can arise.
        let mut block = [0; 64];
        block[..32].copy_from_slice(&Sha256::digest(secret));
        Self(Hmac::new(&block.into()))
    }

    /// A cursor for the position in the list with these filters.
    pub fn seal<P: Serialize>(&self, position: &P, filters: &str) -> String {
        let mut bytes = filter_hash(filters).to_vec();
        // A position is a few plain values and always serializes.
        bytes.extend(serde_json::to_vec(position).unwrap_or_default());
        let tag = self.0.clone().chain_update(&bytes).finalize().into_bytes();
        bytes.extend_from_slice(&tag[..TAG_LENGTH]);
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// The position in a cursor.
    ///
    /// # Errors
    /// Where the cursor is not one of ours, or is from a list with other filters.
    pub fn open<P: DeserializeOwned>(&self, cursor: &str, filters: &str) -> Result<P, BadCursor> {
        let forged = |_: &dyn std::error::Error| BadCursor::Forged;
        let bytes = URL_SAFE_NO_PAD
            .decode(cursor)
            .map_err(|error| forged(&error))?;
        let split = bytes
            .len()
            .checked_sub(TAG_LENGTH)
            .ok_or(BadCursor::Forged)?;
        let (signed, tag) = bytes.split_at(split);
        self.0
            .clone()
            .chain_update(signed)
            .verify_truncated_left(tag)
            .map_err(|error| forged(&error))?;
        let (filter, position) = signed
            .split_at_checked(FILTER_LENGTH)
            .ok_or(BadCursor::Forged)?;
        if filter != filter_hash(filters) {
            return Err(BadCursor::OtherFilters);
        }
        serde_json::from_slice(position).map_err(|error| forged(&error))
    }
}

fn filter_hash(filters: &str) -> [u8; FILTER_LENGTH] {
    let digest: [u8; 32] = Sha256::digest(filters.as_bytes()).into();
    let [a, b, c, d, e, f, g, h, ..] = digest;
    [a, b, c, d, e, f, g, h]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_leads_back_to_its_position() {
        let key = CursorKey::new(b"secret");
        let cursor = key.seal(&(7, "x".to_owned()), "desk=pad");
        assert_eq!(
            key.open::<(i32, String)>(&cursor, "desk=pad"),
            Ok((7, "x".to_owned()))
        );
    }

    #[test]
    fn a_cursor_of_another_list_is_told_apart_from_a_forged_one() {
        let key = CursorKey::new(b"secret");
        let cursor = key.seal(&7, "desk=pad");
        assert_eq!(
            key.open::<i32>(&cursor, "desk=gps"),
            Err(BadCursor::OtherFilters)
        );
        assert_eq!(
            CursorKey::new(b"other").open::<i32>(&cursor, "desk=pad"),
            Err(BadCursor::Forged)
        );
    }

    #[test]
    fn no_byte_of_a_cursor_can_be_changed() {
        let key = CursorKey::new(b"secret");
        let cursor = key.seal(&7, "");
        for place in 0..cursor.len() {
            let mut bytes = cursor.clone().into_bytes();
            bytes[place] = if bytes[place] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(bytes).unwrap();
            assert_eq!(
                key.open::<i32>(&changed, ""),
                Err(BadCursor::Forged),
                "{changed}"
            );
        }
        for text in ["", "x", "%", "AAAA"] {
            assert_eq!(key.open::<i32>(text, ""), Err(BadCursor::Forged), "{text}");
        }
    }
}
