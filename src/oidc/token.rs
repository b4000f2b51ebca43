//! A token is read, its signature checked, then its claims: pure, given the keys and the time.

use chrono::{DateTime, Utc};
use jsonwebtoken::{Algorithm, Validation, decode, decode_header};
use serde_json::{Map, Value};

use super::keyset::KeySet;
use super::settings::OidcSettings;

/// A longer token is not looked at.
const MOST_BYTES: usize = 16 * 1024;

/// Clocks may differ by this many seconds.
const LEEWAY_SECONDS: i64 = 30;

/// The claims of a token, as the issuer signed them.
pub type Claims = Map<String, Value>;

/// Why a token opens nothing. For the log: callers are told the same whatever the cause.
#[derive(Debug, thiserror::Error)]
pub enum Cause {
    /// It is longer than a token can be.
    #[error("the token is too long")]
    TooLong,
    /// It has not the shape of a signed token.
    #[error("this is no signed token: {0}")]
    Shape(jsonwebtoken::errors::Error),
    /// It is signed in a way that is not taken, if at all.
    #[error("signatures by {0:?} are not taken")]
    Algorithm(Algorithm),
    /// Its header says that it is something else than an access token.
    #[error("it is a token of another type")]
    Type,
    /// Its header has extensions that must be understood.
    #[error("its header has critical extensions")]
    Critical,
    /// The issuer has no such key for this algorithm.
    #[error("the issuer has no such key for {0:?}")]
    Key(Algorithm),
    /// The signature or a registered claim is not good.
    #[error("it does not pass: {0}")]
    Refused(jsonwebtoken::errors::Error),
    /// A claim is missing or has a value of the wrong form.
    #[error("the claim {0} is missing or of the wrong form")]
    Claim(&'static str),
    /// Its time is over.
    #[error("it has expired")]
    Expired,
    /// Its time has not come.
    #[error("it is not valid yet")]
    Early,
    /// It says who signed in, which is for the application that asked, and opens nothing here.
    #[error("it is an ID token: {0}")]
    IdToken(&'static str),
}

/// A token as somebody presents it: in shape, but not yet known to be good.
#[derive(Debug)]
pub struct PresentedToken<'a> {
    text: &'a str,
    algorithm: Algorithm,
    key_id: Option<String>,
    /// Whether the header says that this is an access token (RFC 9068).
    is_declared: bool,
}

impl<'a> PresentedToken<'a> {
    /// Reads the header. What it says about keys is not followed, but for the key's id.
    ///
    /// # Errors
    /// Where the text can't be a token this service takes.
    pub fn read(text: &'a str) -> Result<Self, Cause> {
        if text.len() > MOST_BYTES {
            return Err(Cause::TooLong);
        }
        let header = decode_header(text).map_err(Cause::Shape)?;
        if !matches!(
            header.alg,
            Algorithm::RS256 | Algorithm::ES256 | Algorithm::EdDSA
        ) {
            return Err(Cause::Algorithm(header.alg));
        }
        if header.crit.is_some() {
            return Err(Cause::Critical);
        }
        let is_declared = match header.typ.map(|typ| typ.to_ascii_lowercase()).as_deref() {
            Some("at+jwt" | "application/at+jwt") => true,
            Some("jwt") | None => false,
            Some(_) => return Err(Cause::Type),
        };
        Ok(Self {
            text,
            algorithm: header.alg,
            key_id: header.kid,
            is_declared,
        })
    }

    /// The id of the key it is said to be signed with.
    pub fn key_id(&self) -> Option<&str> {
        self.key_id.as_deref()
    }

    /// The claims, where the issuer signed them, for this service and for this time.
    ///
    /// # Errors
    /// Where the token is not good.
    pub fn verify(
        &self,
        keys: &KeySet,
        settings: &OidcSettings,
        now: DateTime<Utc>,
    ) -> Result<Claims, Cause> {
        let key = keys
            .find(self.key_id(), self.algorithm)
            .ok_or(Cause::Key(self.algorithm))?;
        let mut validation = Validation::new(key.algorithm);
        validation.set_issuer(&[&settings.issuer]);
        validation.set_audience(&settings.audiences);
        validation.set_required_spec_claims(&["exp", "sub", "iss", "aud"]);
        // Times are checked below, by the clock of the service.
        validation.validate_exp = false;
        validation.validate_nbf = false;
        let claims = decode::<Claims>(self.text, &key.key, &validation)
            .map_err(Cause::Refused)?
            .claims;
        // The library would take a list of issuers that has the right one in it.
        if claims.get("iss").and_then(Value::as_str) != Some(settings.issuer.as_str()) {
            return Err(Cause::Claim("iss"));
        }
        let subject = claims
            .get("sub")
            .and_then(Value::as_str)
            .unwrap_or_default();
        if subject.trim().is_empty() {
            return Err(Cause::Claim("sub"));
        }
        check_time(&claims, now)?;
        if !self.is_declared {
            check_kind(&claims)?;
        }
        Ok(claims)
    }
}

fn check_time(claims: &Claims, now: DateTime<Utc>) -> Result<(), Cause> {
    let now = now.timestamp();
    let ends = claims
        .get("exp")
        .and_then(seconds)
        .ok_or(Cause::Claim("exp"))?;
    if now >= ends.saturating_add(LEEWAY_SECONDS) {
        return Err(Cause::Expired);
    }
    if let Some(begins) = claims.get("nbf") {
        let begins = seconds(begins).ok_or(Cause::Claim("nbf"))?;
        if now < begins.saturating_sub(LEEWAY_SECONDS) {
            return Err(Cause::Early);
        }
    }
    Ok(())
}

/// A point in time, in whole seconds since 1970; fractions are cut off.
fn seconds(value: &Value) -> Option<i64> {
    if let Some(whole) = value.as_i64() {
        return Some(whole);
    }
    let parts = std::time::Duration::try_from_secs_f64(value.as_f64()?).ok()?;
    Some(i64::try_from(parts.as_secs()).unwrap_or(i64::MAX))
}

/// Refuses what has the marks of an ID token. An access token that is not declared as one in its
/// header can't be told by any mark of its own that all issuers set.
fn check_kind(claims: &Claims) -> Result<(), Cause> {
    let says = |name: &str, words: &[&str]| {
        claims.get(name).is_none_or(|value| {
            let word = value.as_str().unwrap_or_default();
            words.iter().any(|known| known.eq_ignore_ascii_case(word))
        })
    };
    if !says("typ", &["Bearer", "at+jwt"]) {
        return Err(Cause::IdToken("the claim typ says so"));
    }
    if !says("token_use", &["access"]) {
        return Err(Cause::IdToken("the claim token_use says so"));
    }
    for mark in ["at_hash", "c_hash", "s_hash"] {
        if claims.contains_key(mark) {
            return Err(Cause::IdToken("it vouches for another token"));
        }
    }
    let has_scope = ["scp", "scope"]
        .iter()
        .any(|name| claims.contains_key(*name));
    if claims.contains_key("nonce") && !has_scope {
        return Err(Cause::IdToken("it answers a sign-in"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn claims(value: Value) -> Claims {
        let Value::Object(claims) = value else {
            panic!("not an object: {value}");
        };
        claims
    }

    #[test]
    fn a_token_is_good_between_its_times_give_or_take_half_a_minute() {
        let now = DateTime::from_timestamp(1_000, 999_000_000).unwrap();
        let good = |value: Value| check_time(&claims(value), now).is_ok();
        assert!(good(json!({ "exp": 1_001 })));
        assert!(good(json!({ "exp": 971 })));
        assert!(!good(json!({ "exp": 970 })));
        assert!(good(json!({ "exp": 971.9 })));
        assert!(!good(json!({ "exp": u64::MAX })));
        assert!(good(json!({ "exp": i64::MAX })));
        assert!(!good(json!({ "exp": 0 })));
        assert!(!good(json!({ "exp": -5 })));
        assert!(!good(json!({ "exp": -5.5 })));
        assert!(!good(json!({ "exp": "2000" })));
        assert!(!good(json!({ "exp": null })));
        assert!(!good(json!({})));
        assert!(good(json!({ "exp": 2_000, "nbf": 1_030 })));
        assert!(!good(json!({ "exp": 2_000, "nbf": 1_031 })));
        assert!(good(json!({ "exp": 2_000, "nbf": 0 })));
        assert!(!good(json!({ "exp": 2_000, "nbf": "0" })));
        assert!(!good(json!({ "exp": 2_000, "nbf": null })));
        assert!(!good(json!({ "exp": 2_000, "nbf": u64::MAX })));
    }

    #[test]
    fn the_marks_of_an_id_token_are_known() {
        for (value, is_access) in [
            (json!({}), true),
            (json!({ "scp": "access_as_user" }), true),
            (
                json!({ "typ": "Bearer", "nonce": "n", "scope": "openid" }),
                true,
            ),
            (json!({ "token_use": "access" }), true),
            (json!({ "nonce": "n" }), false),
            (json!({ "typ": "ID" }), false),
            (json!({ "typ": "Refresh" }), false),
            (json!({ "typ": 7 }), false),
            (json!({ "token_use": "id", "scope": "openid" }), false),
            (json!({ "at_hash": "h", "scope": "openid" }), false),
            (json!({ "c_hash": "h" }), false),
        ] {
            assert_eq!(
                check_kind(&claims(value.clone())).is_ok(),
                is_access,
                "{value}"
            );
        }
    }

    #[test]
    fn only_signed_tokens_of_the_three_algorithms_are_read() {
        use base64::Engine;
        use base64::prelude::BASE64_URL_SAFE_NO_PAD;
        let token = |header: Value| {
            format!(
                "{}.e30.AAAA",
                BASE64_URL_SAFE_NO_PAD.encode(header.to_string())
            )
        };
        for algorithm in ["RS256", "ES256", "EdDSA"] {
            for typ in [
                json!("JWT"),
                json!("at+jwt"),
                json!("application/AT+JWT"),
                json!(null),
            ] {
                let text = token(json!({ "alg": algorithm, "typ": typ }));
                assert!(PresentedToken::read(&text).is_ok(), "{algorithm} {typ}");
            }
            for typ in ["", "ID", "logout+jwt", "dpop+jwt", "secevent+jwt", "JWE"] {
                let text = token(json!({ "alg": algorithm, "typ": typ }));
                assert!(PresentedToken::read(&text).is_err(), "{algorithm} {typ}");
            }
            let text = token(json!({ "alg": algorithm, "crit": ["b64"], "b64": false }));
            assert!(PresentedToken::read(&text).is_err());
        }
        for algorithm in [
            "none", "None", "NONE", "nOnE", "", "HS256", "HS384", "HS512", "RS384", "RS512",
            "PS256", "PS384", "PS512", "ES384", "ES512", "rs256", "eddsa", "RSA1_5",
        ] {
            let text = token(json!({ "alg": algorithm, "typ": "JWT" }));
            assert!(PresentedToken::read(&text).is_err(), "{algorithm}");
        }
        assert!(PresentedToken::read(&token(json!({ "typ": "JWT" }))).is_err());
        assert!(PresentedToken::read(&token(json!(["RS256"]))).is_err());
    }

    #[test]
    fn a_text_of_another_shape_is_no_token() {
        let header = "eyJhbGciOiJSUzI1NiJ9";
        for text in [
            "",
            ".",
            "..",
            "...",
            "a",
            "a.b",
            "a.b.c",
            header,
            &format!("{header}."),
            &format!("{header}=.e30.AAAA"),
            &format!("{header}.e30.AAAA.AAAA"),
            &format!("{header}.e30.AAAA.AAAA.AAAA"),
            &format!(".{header}.e30"),
            &"a".repeat(MOST_BYTES + 1),
        ] {
            assert!(PresentedToken::read(text).is_err(), "{text:.60}");
        }
    }
}
