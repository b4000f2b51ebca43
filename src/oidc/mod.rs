//! Access tokens of an OpenID Connect issuer, beside API keys.
//!
//! ```text
//! text ─► token::read ─► cache: keys ─► token::verify ─► claims::caller ─► Caller
//!         shape, header    discovery      signature, iss,   role, desks,
//!                          and JWKS       aud, exp, nbf     who it is
//! ```
//!
//! `token` and `claims` are pure; only `discovery` speaks to the issuer, and only `cache` calls it.

mod authorities;
mod cache;
mod claims;
mod discovery;
mod keyset;
mod settings;
mod signature;
mod token;

use std::sync::Arc;

pub use self::authorities::{BadBundle, read as read_authorities};
pub use self::claims::{Lack, PRECEDENCE};
pub use self::discovery::FETCH_LIMIT;
pub use self::settings::{BadAddress, ClaimNames, OidcSettings, WebAddress};

use self::cache::KeyCache;
use self::discovery::Source;
use self::token::PresentedToken;
use crate::catalog::Catalogue;
use crate::clock::Clock;
use crate::domain::actor::Caller;

/// Why a token does not get its holder in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// It is not good, for whatever cause; the cause is in the log.
    NotGood,
    /// It is good, but lacks what this service needs.
    Lacks(Lack),
    /// Nobody can tell: the issuer could not be reached for too long.
    NoKeys,
}

/// Recognises the access tokens of one issuer.
pub struct Oidc {
    settings: OidcSettings,
    keys: Arc<KeyCache>,
    catalogue: Arc<Catalogue>,
    clock: Clock,
}

impl Oidc {
    /// Knows no keys yet: they are fetched with the first token, or by [`Self::warm_up`].
    pub fn new(settings: OidcSettings, catalogue: Arc<Catalogue>, clock: Clock) -> Self {
        signature::by_ring();
        let source = Source::new(settings.clone());
        Self {
            settings,
            keys: Arc::new(KeyCache::new(source, clock.clone())),
            catalogue,
            clock,
        }
    }

    /// Whose tokens are taken.
    pub fn issuer(&self) -> &WebAddress {
        &self.settings.issuer
    }

    /// Fetches the issuer's keys ahead of the first token. Where that fails the log says why, and
    /// it is tried again when a token comes.
    pub async fn warm_up(&self) {
        self.keys.keys_for(None).await;
    }

    /// The caller that a token stands for. Waits for the issuer only where there is no key to check
    /// the token with.
    ///
    /// # Errors
    /// Where the token does not get its holder in.
    pub async fn recognise(&self, text: &str) -> Result<Caller, Refused> {
        let not_good = |cause| {
            tracing::debug!(%cause, "access token refused");
            Refused::NotGood
        };
        let presented = PresentedToken::read(text).map_err(not_good)?;
        let keys = self.keys.keys_for(presented.key_id()).await;
        let keys = keys.ok_or(Refused::NoKeys)?;
        let claims = presented
            .verify(&keys, &self.settings, self.clock.now())
            .map_err(not_good)?;
        claims::caller(&claims, &self.settings, |desk| {
            self.catalogue.desk(desk).is_some()
        })
        .map_err(|lack| {
            tracing::debug!(%lack, "access token is of no use here");
            Refused::Lacks(lack)
        })
    }
}
