//! Fetches an issuer's keys: its discovery document says where they are.

use std::time::{Duration, Instant};

use serde::Deserialize;
use ureq::Agent;

use super::authorities;
use super::keyset::KeySet;
use super::settings::{OidcSettings, WebAddress};

/// Both documents have to be here within this time.
pub const FETCH_LIMIT: Duration = Duration::from_secs(2);

/// A document is not longer than this.
const MOST_BYTES: u64 = 256 * 1024;

/// Why there are no new keys.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// The issuer did not answer, or not in time.
    #[error("{address} can't be fetched: {cause}")]
    Unreachable {
        /// What was asked for.
        address: String,
        /// What became of it.
        cause: String,
    },
    /// The issuer answered with something other than the document.
    #[error("{address} answers with status {status}")]
    Status {
        /// What was asked for.
        address: String,
        /// The answer's status.
        status: u16,
    },
    /// The document can't be read.
    #[error("{address} is not what it should be: {cause}")]
    NotUnderstood {
        /// What was asked for.
        address: String,
        /// What is wrong with it.
        cause: serde_json::Error,
    },
    /// The discovery document is another issuer's.
    #[error("the discovery document is of the issuer {0:?}, not of the one in the settings")]
    OtherIssuer(String),
    /// The keys are where they must not be fetched from.
    #[error("the keys are said to be at {0:?}, which is not safe to fetch from")]
    UnsafeAddress(String),
    /// There is no key in the set that the service can use.
    #[error("{0} has no key for RS256, ES256 or EdDSA")]
    NoKeys(String),
}

#[derive(Deserialize)]
struct Discovery {
    issuer: String,
    jwks_uri: String,
}

/// Where an issuer's keys come from.
pub struct Source {
    settings: OidcSettings,
    agent: Agent,
}

impl Source {
    /// The keys of this issuer. No proxy is used and no redirect followed.
    pub fn new(settings: OidcSettings) -> Self {
        let agent = Agent::config_builder()
            .https_only(!settings.issuer.is_local())
            .proxy(None)
            .max_redirects(0)
            .max_idle_connections(0)
            .http_status_as_error(false)
            .user_agent(concat!("engagement-desk/", env!("CARGO_PKG_VERSION")))
            .accept("application/json")
            .tls_config(authorities::tls(&settings.authorities))
            .build()
            .new_agent();
        Self { settings, agent }
    }

    /// Fetches the keys. Blocks for [`FETCH_LIMIT`] at most.
    ///
    /// # Errors
    /// Where they can't be had, or are not this issuer's.
    pub fn fetch(&self) -> Result<KeySet, FetchError> {
        let until = Instant::now() + FETCH_LIMIT;
        let address = self.settings.discovery_address();
        let document = self.get(&address, until)?;
        let Discovery { issuer, jwks_uri } =
            serde_json::from_slice(&document).map_err(|cause| FetchError::NotUnderstood {
                address: address.clone(),
                cause,
            })?;
        if issuer != self.settings.issuer.as_str() {
            return Err(FetchError::OtherIssuer(shortened(&issuer)));
        }
        if !jwks_uri_is_safe(&jwks_uri, &self.settings.issuer) {
            return Err(FetchError::UnsafeAddress(shortened(&jwks_uri)));
        }
        let document = self.get(&jwks_uri, until)?;
        let keys = KeySet::read(&document).map_err(|cause| FetchError::NotUnderstood {
            address: jwks_uri.clone(),
            cause,
        })?;
        if keys.is_empty() {
            return Err(FetchError::NoKeys(jwks_uri));
        }
        Ok(keys)
    }

    fn get(&self, address: &str, until: Instant) -> Result<Vec<u8>, FetchError> {
        let unreachable = |error: ureq::Error| FetchError::Unreachable {
            address: address.to_owned(),
            cause: error.to_string(),
        };
        let left = until.saturating_duration_since(Instant::now());
        let mut answer = self
            .agent
            .get(address)
            .config()
            .timeout_global(Some(left))
            .build()
            .call()
            .map_err(unreachable)?;
        let status = answer.status().as_u16();
        if status != 200 {
            return Err(FetchError::Status {
                address: address.to_owned(),
                status,
            });
        }
        answer
            .body_mut()
            .with_config()
            .limit(MOST_BYTES)
            .read_to_vec()
            .map_err(unreachable)
    }
}

/// What somebody else wrote, as far as it belongs in the log.
fn shortened(text: &str) -> String {
    text.chars().take(200).collect()
}

/// An issuer out in the network can't send the service to look at the machine it runs on.
fn jwks_uri_is_safe(jwks_uri: &str, issuer: &WebAddress) -> bool {
    // A query is common here and harmless, other than in an issuer.
    let (path, _) = jwks_uri.split_once('?').unwrap_or((jwks_uri, ""));
    path.parse()
        .is_ok_and(|address: WebAddress| issuer.is_local() || !address.is_local())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_issuer_in_the_network_says_nothing_about_this_machine() {
        for (issuer, jwks_uri, is_safe) in [
            ("https://a.example", "https://keys.example/k?p=1", true),
            ("https://a.example", "http://a.example/k", false),
            ("https://a.example", "https://127.0.0.1/k", false),
            ("https://a.example", "http://localhost:9/k", false),
            ("https://a.example", "https://[::1]/k?x", false),
            ("http://127.0.0.1:1", "http://127.0.0.1:2/k", true),
            ("http://127.0.0.1:1", "https://keys.example/k", true),
            ("http://127.0.0.1:1", "http://keys.example/k", false),
            ("https://a.example", "file:///etc/passwd", false),
            ("https://a.example", "", false),
        ] {
            let issuer: WebAddress = issuer.parse().unwrap();
            assert_eq!(jwks_uri_is_safe(jwks_uri, &issuer), is_safe, "{jwks_uri}");
        }
    }
}
