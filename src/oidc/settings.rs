//! What an operator says about the issuer of access tokens.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use ureq::http::Uri;
use ureq::tls::Certificate;

/// An address that keys are fetched from: `https`, or `http` on this very machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebAddress {
    text: String,
    host: String,
    is_local: bool,
}

/// Why a text is no address that keys can be fetched from.
#[derive(Debug, thiserror::Error)]
#[error(
    "must be an https address without user, query and fragment; http is for this machine itself only"
)]
pub struct BadAddress;

impl WebAddress {
    /// The address as it was given, to the letter.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The name or number of the machine.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Whether it is on this very machine.
    pub fn is_local(&self) -> bool {
        self.is_local
    }
}

impl FromStr for WebAddress {
    type Err = BadAddress;

    fn from_str(text: &str) -> Result<Self, BadAddress> {
        let Ok(uri) = Uri::from_str(text) else {
            return Err(BadAddress);
        };
        let host = uri.host().unwrap_or_default().to_owned();
        let is_local = host == "localhost"
            || host
                .trim_matches(['[', ']'])
                .parse()
                .is_ok_and(|address: IpAddr| address.is_loopback());
        let is_safe = match uri.scheme_str() {
            Some("https") => true,
            Some("http") => is_local,
            _ => false,
        };
        if !is_safe || host.is_empty() || text.contains(['@', '#', '?', '\\']) {
            return Err(BadAddress);
        }
        Ok(Self {
            text: text.to_owned(),
            host,
            is_local,
        })
    }
}

impl fmt::Display for WebAddress {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text)
    }
}

/// Where in a token to look for what.
///
/// A name that begins with `/` is a JSON Pointer into nested claims, any other the name of a claim.
#[derive(Clone, Debug)]
pub struct ClaimNames {
    /// The stable id of the person or tool at the issuer.
    pub id: String,
    /// The name to show.
    pub name: String,
    /// The roles.
    pub roles: String,
    /// What a requester is to the partner.
    pub relationship: String,
    /// The desks of a member or lead.
    pub desks: String,
    /// The MPN ids of the partners a requester manages.
    pub partners: String,
    /// An e-mail address that the issuer answers for, besides a verified `email`.
    pub trusted_email: Option<String>,
}

impl Default for ClaimNames {
    fn default() -> Self {
        Self {
            id: String::from("sub"),
            name: String::from("name"),
            roles: String::from("roles"),
            relationship: String::from("relationship"),
            desks: String::from("desks"),
            partners: String::from("partners"),
            trusted_email: None,
        }
    }
}

/// Which access tokens are taken, and what they are read to say.
#[derive(Clone, Debug)]
pub struct OidcSettings {
    /// The one issuer, exactly as it stands in `iss`.
    pub issuer: WebAddress,
    /// A token has to be for one of these.
    pub audiences: Vec<String>,
    /// Where in a token to look for what.
    pub claims: ClaimNames,
    /// What a value may have before the word that this service knows.
    pub prefix: String,
    /// Whether a value must have it.
    pub prefix_required: bool,
    /// Authorities that the issuer's certificate may be signed by, besides the well-known ones.
    pub authorities: Vec<Certificate<'static>>,
}

impl OidcSettings {
    /// Settings with the usual claims.
    pub fn new(issuer: WebAddress, audiences: Vec<String>) -> Self {
        Self {
            issuer,
            audiences,
            claims: ClaimNames::default(),
            prefix: String::from("engagement-desk."),
            prefix_required: false,
            authorities: Vec::new(),
        }
    }

    /// Where the issuer describes itself.
    pub fn discovery_address(&self) -> String {
        let issuer = self.issuer.as_str().trim_end_matches('/');
        format!("{issuer}/.well-known/openid-configuration")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_travel_encrypted_or_not_at_all() {
        for good in [
            "https://login.example.com",
            "https://login.example.com:8443/tenant/v2.0",
            "http://127.0.0.1:9000",
            "http://localhost/realms/desk",
            "http://[::1]:8080",
        ] {
            assert_eq!(good.parse::<WebAddress>().unwrap().as_str(), good);
        }
        for bad in [
            "",
            "login.example.com",
            "/tenant",
            "ftp://login.example.com",
            "http://login.example.com",
            "http://127.0.0.1.example.com",
            "http://localhost.example.com",
            "https://",
            "https://user@login.example.com",
            "http://127.0.0.1@login.example.com",
            "https://login.example.com?tenant=1",
            "https://login.example.com#top",
            "http://192.168.1.5",
        ] {
            assert!(bad.parse::<WebAddress>().is_err(), "{bad}");
        }
    }

    #[test]
    fn the_discovery_document_is_below_the_issuer() {
        for issuer in ["https://a.example/t", "https://a.example/t/"] {
            let settings = OidcSettings::new(issuer.parse().unwrap(), Vec::new());
            assert_eq!(
                settings.discovery_address(),
                "https://a.example/t/.well-known/openid-configuration"
            );
        }
    }
}
