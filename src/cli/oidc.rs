//! What the command line says about the issuer of access tokens.

use std::path::PathBuf;

use clap::Args;

use super::Failure;
use crate::oidc::{ClaimNames, OidcSettings, WebAddress, read_authorities};

/// Access tokens of an OpenID Connect issuer, beside API keys. A claim is given by its name, or
/// where it is nested by a JSON Pointer such as /realm_access/roles.
#[derive(Args, Debug)]
#[command(next_help_heading = "Access tokens")]
pub(super) struct OidcOptions {
    /// Issuer whose access tokens are taken, exactly as it stands in their `iss`.
    #[arg(long, env = "ED_OIDC_ISSUER")]
    oidc_issuer: Option<WebAddress>,
    /// Audience that tokens have to be for; several with commas between them.
    #[arg(long, env = "ED_OIDC_AUDIENCE", value_delimiter = ',')]
    oidc_audience: Vec<String>,
    /// File with certificate authorities in PEM, trusted besides the well-known ones when the issuer's keys
    /// are fetched.
    #[arg(long, env = "ED_OIDC_CA_FILE")]
    oidc_ca_file: Option<PathBuf>,
    /// Claim with the stable id of the person or tool.
    #[arg(long, env = "ED_OIDC_ID_CLAIM", default_value = "sub")]
    oidc_id_claim: String,
    /// Claim with the name to show.
    #[arg(long, env = "ED_OIDC_NAME_CLAIM", default_value = "name")]
    oidc_name_claim: String,
    /// Claim with an e-mail address that the issuer answers for without saying so in
    /// `email_verified` or `xms_edov`.
    #[arg(long, env = "ED_OIDC_TRUSTED_EMAIL_CLAIM")]
    oidc_trusted_email_claim: Option<String>,
    /// Claim with the roles.
    #[arg(long, env = "ED_OIDC_ROLES_CLAIM", default_value = "roles")]
    oidc_roles_claim: String,
    /// Claim that says what a requester is to the partner.
    #[arg(
        long,
        env = "ED_OIDC_RELATIONSHIP_CLAIM",
        default_value = "relationship"
    )]
    oidc_relationship_claim: String,
    /// Claim with the desks of a member or lead.
    #[arg(long, env = "ED_OIDC_DESKS_CLAIM", default_value = "desks")]
    oidc_desks_claim: String,
    /// Claim with the MPN ids of the partners a requester manages.
    #[arg(long, env = "ED_OIDC_PARTNERS_CLAIM", default_value = "partners")]
    oidc_partners_claim: String,
    /// What values may have before the word that this service knows.
    #[arg(long, env = "ED_OIDC_PREFIX", default_value = "engagement-desk.")]
    oidc_prefix: String,
    /// Take no role without the prefix: for issuers that send the roles of other applications too.
    #[arg(long, env = "ED_OIDC_PREFIX_REQUIRED")]
    oidc_prefix_required: bool,
}

impl OidcOptions {
    /// The settings; `None` where access tokens are not taken.
    ///
    /// # Errors
    /// Where an issuer or an audience stands alone, or the file with authorities is of no use.
    pub(super) fn settings(self) -> Result<Option<OidcSettings>, Failure> {
        let Self {
            oidc_issuer,
            oidc_audience,
            oidc_ca_file,
            oidc_id_claim,
            oidc_name_claim,
            oidc_trusted_email_claim,
            oidc_roles_claim,
            oidc_relationship_claim,
            oidc_desks_claim,
            oidc_partners_claim,
            oidc_prefix,
            oidc_prefix_required,
        } = self;
        let mut audiences = oidc_audience;
        for audience in &mut audiences {
            *audience = audience.trim().to_owned();
        }
        audiences.retain(|audience| !audience.is_empty());
        let issuer = match (oidc_issuer, audiences.is_empty()) {
            (Some(issuer), false) => issuer,
            (None, true) => return Ok(None),
            (Some(_), true) => {
                return Err("ED_OIDC_ISSUER needs ED_OIDC_AUDIENCE: a token for anybody is no token for this service.".into());
            }
            (None, false) => {
                return Err("ED_OIDC_AUDIENCE says nothing without ED_OIDC_ISSUER.".into());
            }
        };
        let authorities = match oidc_ca_file {
            None => Vec::new(),
            Some(file) => {
                let unusable = |error: &dyn std::fmt::Display| {
                    format!("ED_OIDC_CA_FILE {} can't be used: {error}.", file.display())
                };
                let pem = std::fs::read(&file).map_err(|error| unusable(&error))?;
                read_authorities(&pem).map_err(|error| unusable(&error))?
            }
        };
        Ok(Some(OidcSettings {
            issuer,
            audiences,
            claims: ClaimNames {
                id: oidc_id_claim,
                name: oidc_name_claim,
                roles: oidc_roles_claim,
                relationship: oidc_relationship_claim,
                desks: oidc_desks_claim,
                partners: oidc_partners_claim,
                trusted_email: oidc_trusted_email_claim,
            },
            prefix: oidc_prefix,
            prefix_required: oidc_prefix_required,
            authorities,
        }))
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        oidc: OidcOptions,
    }

    fn settings(line: &[&str]) -> Result<Option<OidcSettings>, Failure> {
        let line = [&["serve"], line].concat();
        Line::try_parse_from(line)?.oidc.settings()
    }

    #[test]
    fn no_issuer_means_no_access_tokens() {
        assert!(settings(&[]).unwrap().is_none());
    }

    #[test]
    fn an_issuer_and_an_audience_are_all_that_is_needed() {
        let settings = settings(&[
            "--oidc-issuer=https://login.example.com/t/v2.0",
            "--oidc-audience=api://desk, 1b4e28ba",
        ]);
        let settings = settings.unwrap().unwrap();
        assert_eq!(settings.issuer.as_str(), "https://login.example.com/t/v2.0");
        assert_eq!(settings.audiences, ["api://desk", "1b4e28ba"]);
        let usual = OidcSettings::new(settings.issuer.clone(), settings.audiences.clone());
        assert_eq!(format!("{settings:?}"), format!("{usual:?}"));
    }

    #[test]
    fn half_of_the_settings_stop_the_start() {
        for line in [
            &["--oidc-issuer=https://login.example.com"][..],
            &[
                "--oidc-issuer=https://login.example.com",
                "--oidc-audience=,",
            ],
            &["--oidc-audience=api://desk"],
            &[
                "--oidc-issuer=http://login.example.com",
                "--oidc-audience=a",
            ],
            &["--oidc-issuer=", "--oidc-audience=a"],
        ] {
            assert!(settings(line).is_err(), "{line:?}");
        }
    }
}
