//! Claims become a caller: pure.

use std::str::FromStr;

use serde_json::Value;
use validator::ValidateEmail;

use super::settings::OidcSettings;
use super::token::Claims;
use crate::domain::actor::{Caller, Role};

/// A credential has one role. A token that names several gives the first of these.
pub const PRECEDENCE: &[Role] = &[
    Role::Admin,
    Role::DeskLead,
    Role::DeskMember,
    Role::Integration,
    Role::Requester,
    Role::Viewer,
];

/// A subject is not longer than this, in bytes.
const LONGEST_SUBJECT: usize = 254;

/// A name is cut off here, in characters.
const LONGEST_NAME: usize = 200;

/// More values than this are not read from one claim.
const MOST_VALUES: usize = 1_000;

/// What a good token lacks to be of use here. The sentences are for the caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Lack {
    /// It names nobody in a way that can be kept.
    #[error("The token names its subject in a way that this service can't keep.")]
    Subject,
    /// It names no role of this service.
    #[error("The token gives no role in this service.")]
    Role,
    /// A requester is known by an e-mail address, and so is a lead, who must not decide on a request
    /// of one's own; the token has none to rely on.
    #[error(
        "The token gives a role that needs an e-mail address the issuer answers for, and has none."
    )]
    Email,
    /// A requester is something to the partner.
    #[error(
        "The token gives the role requester, but does not say what the caller is to the partner."
    )]
    Relationship,
    /// A member or lead works for a desk.
    #[error("The token gives a role at a desk, but names no desk that is in the catalogue.")]
    Desk,
}

/// The caller that a token with these claims stands for.
///
/// A person is known by the e-mail address in lower case, as with API keys, so that a token and a
/// key of one person reach the same requests. The address counts only where the issuer answers for
/// it. Whoever has none is known by issuer and id, which can't be mistaken for an address.
///
/// # Errors
/// Where the claims give no role, or lack what the role needs.
pub fn caller(
    claims: &Claims,
    settings: &OidcSettings,
    is_desk: impl Fn(&str) -> bool,
) -> Result<Caller, Lack> {
    let names = &settings.claims;
    let id = text(claims, &names.id).ok_or(Lack::Subject)?;
    let words = |claim: &str| words(claims, claim, settings);

    let roles: Vec<Role> = known(&words(&names.roles));
    let role = PRECEDENCE
        .iter()
        .copied()
        .find(|role| roles.contains(role))
        .ok_or(Lack::Role)?;

    let mut relationship = None;
    let mut partners = Vec::new();
    let mut desks = Vec::new();
    match role {
        Role::Requester => {
            relationship = match known(&words(&names.relationship)).as_slice() {
                [one] => Some(*one),
                _ => return Err(Lack::Relationship),
            };
            partners = words(&names.partners);
        }
        Role::DeskMember | Role::DeskLead => {
            desks = words(&names.desks);
            desks.retain(|desk| is_desk(desk));
            if desks.is_empty() {
                return Err(Lack::Desk);
            }
        }
        Role::Viewer | Role::Integration | Role::Admin => {}
    }

    let subject = match email(claims, settings) {
        Some(email) => email,
        None if matches!(role, Role::Requester | Role::DeskLead) => return Err(Lack::Email),
        None => format!("{}#{id}", settings.issuer),
    };
    if subject.len() > LONGEST_SUBJECT {
        return Err(Lack::Subject);
    }
    let name = [names.name.as_str(), "preferred_username", "email", "upn"]
        .iter()
        .find_map(|claim| text(claims, claim))
        .unwrap_or(id);
    Ok(Caller {
        name: name.chars().take(LONGEST_NAME).collect(),
        subject,
        role,
        relationship,
        desks,
        partners,
        scopes: None,
        key_id: format!("oidc:{}:{id}", settings.issuer.host()),
    })
}

/// The address of a person, in lower case, where the issuer answers for it.
fn email(claims: &Claims, settings: &OidcSettings) -> Option<String> {
    let trusted = settings
        .claims
        .trusted_email
        .as_ref()
        .and_then(|claim| address(claims, claim));
    trusted.or_else(|| {
        is_verified(claims)
            .then(|| address(claims, "email"))
            .flatten()
    })
}

/// Whether the issuer says that the address in `email` is the person's own: by `email_verified`, or
/// by `xms_edov` as Entra ID does. One that says no outweighs one that says yes.
fn is_verified(claims: &Claims) -> bool {
    let said: Vec<bool> = ["email_verified", "xms_edov"]
        .iter()
        .filter_map(|claim| claims.get(*claim))
        .map(|value| match value {
            Value::Bool(yes) => *yes,
            Value::Number(number) => number.as_u64() == Some(1),
            Value::String(word) => word == "1" || word.eq_ignore_ascii_case("true"),
            Value::Null | Value::Array(_) | Value::Object(_) => false,
        })
        .collect();
    !said.is_empty() && said.iter().all(|yes| *yes)
}

fn address(claims: &Claims, claim: &str) -> Option<String> {
    let address = text(claims, claim)?;
    // Beyond ASCII, two addresses can have one spelling in lower case.
    let is_plain = address.is_ascii() && address.validate_email();
    is_plain.then(|| address.to_ascii_lowercase())
}

/// The claim of that name, or what the JSON Pointer leads to.
fn find<'a>(claims: &'a Claims, name: &str) -> Option<&'a Value> {
    let Some(path) = name.strip_prefix('/') else {
        return claims.get(name);
    };
    let (first, rest) = match path.split_once('/') {
        Some((first, _)) => (first, &path[first.len()..]),
        None => (path, ""),
    };
    let first = first.replace("~1", "/").replace("~0", "~");
    claims.get(&first)?.pointer(rest)
}

/// A text that can be kept: not empty, and nothing in it that does not print.
fn text<'a>(claims: &'a Claims, claim: &str) -> Option<&'a str> {
    let text = find(claims, claim)?.as_str()?.trim();
    (!text.is_empty() && !text.contains(char::is_control)).then_some(text)
}

/// The values of a claim, without the prefix, each once: a list, or one text with commas or spaces.
fn words(claims: &Claims, claim: &str, settings: &OidcSettings) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut add = |text: &str| {
        let word = match text.strip_prefix(&settings.prefix) {
            Some(word) => word,
            None if settings.prefix_required && claim == settings.claims.roles => return,
            None => text,
        };
        let is_new = !words.iter().any(|known| known == word);
        if is_new && !word.is_empty() && !word.contains(char::is_control) {
            words.push(word.to_owned());
        }
    };
    match find(claims, claim) {
        Some(Value::String(text)) => text.split([',', ' ']).take(MOST_VALUES).for_each(&mut add),
        Some(Value::Array(values)) => {
            for value in values.iter().take(MOST_VALUES) {
                match value {
                    Value::String(text) => add(text.trim()),
                    Value::Number(number) => add(&number.to_string()),
                    Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => {}
                }
            }
        }
        Some(Value::Number(number)) => add(&number.to_string()),
        Some(Value::Null | Value::Bool(_) | Value::Object(_)) | None => {}
    }
    words
}

fn known<T: FromStr>(words: &[String]) -> Vec<T> {
    words.iter().filter_map(|word| word.parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::domain::facts::Relationship;

    fn settings() -> OidcSettings {
        OidcSettings::new(
            "https://login.example.com/t".parse().unwrap(),
            vec![String::from("desk")],
        )
    }

    /// A requester of whom everything is known, changed by these members; null takes one away.
    fn claims(changes: Value) -> Claims {
        let mut claims = json!({
            "sub": "s-1", "name": "Paula Marsh", "email": "Paula@Example.com",
            "email_verified": true, "roles": ["requester"], "relationship": "pdm",
            "partners": ["4567890"], "desks": ["pad"],
        });
        for (name, value) in changes.as_object().unwrap() {
            claims[name] = value.clone();
        }
        let mut claims = claims.as_object().unwrap().clone();
        claims.retain(|_, value| !value.is_null());
        claims
    }

    fn with(settings: &OidcSettings, changes: Value) -> Result<Caller, Lack> {
        caller(&claims(changes), settings, |desk| {
            ["pad", "gps", "tpd"].contains(&desk)
        })
    }

    fn of(changes: Value) -> Result<Caller, Lack> {
        with(&settings(), changes)
    }

    #[test]
    fn a_requester_is_known_by_address_relationship_and_partners() {
        assert_eq!(
            of(json!({})).unwrap(),
            Caller {
                subject: String::from("paula@example.com"),
                name: String::from("Paula Marsh"),
                role: Role::Requester,
                relationship: Some(Relationship::Pdm),
                desks: Vec::new(),
                partners: vec![String::from("4567890")],
                scopes: None,
                key_id: String::from("oidc:login.example.com:s-1"),
            }
        );
    }

    #[test]
    fn the_precedence_has_every_role_once() {
        assert_eq!(PRECEDENCE.len(), Role::ALL.len());
        for role in Role::ALL {
            assert!(PRECEDENCE.contains(role), "{role}");
        }
    }

    #[test]
    fn the_first_role_of_the_precedence_counts() {
        for (roles, role) in [
            (json!(["requester"]), Ok(Role::Requester)),
            (json!("requester"), Ok(Role::Requester)),
            (json!(["engagement-desk.requester"]), Ok(Role::Requester)),
            (json!(["viewer", "requester"]), Ok(Role::Requester)),
            (
                json!("viewer engagement-desk.desk_lead"),
                Ok(Role::DeskLead),
            ),
            (json!(["desk_member", "desk_lead"]), Ok(Role::DeskLead)),
            (json!(["desk_lead", "admin", "other"]), Ok(Role::Admin)),
            (json!(["integration", "requester"]), Ok(Role::Integration)),
            (json!(["Requester"]), Err(Lack::Role)),
            (json!(["other-app.requester"]), Err(Lack::Role)),
            (json!(["engagement-desk."]), Err(Lack::Role)),
            (
                json!(["engagement-desk.engagement-desk.admin"]),
                Err(Lack::Role),
            ),
            (json!([]), Err(Lack::Role)),
            (json!(""), Err(Lack::Role)),
            (json!({ "admin": true }), Err(Lack::Role)),
            (json!([["admin"]]), Err(Lack::Role)),
            (json!(true), Err(Lack::Role)),
            (json!(null), Err(Lack::Role)),
        ] {
            let found = of(json!({ "roles": roles }));
            assert_eq!(found.map(|caller| caller.role), role, "{roles}");
        }
    }

    #[test]
    fn a_required_prefix_is_required_of_roles_only() {
        let mut settings = settings();
        settings.prefix = String::from("desk:");
        settings.prefix_required = true;
        let roles = |roles: Value| with(&settings, json!({ "roles": roles }));
        assert_eq!(roles(json!(["requester"])), Err(Lack::Role));
        assert_eq!(roles(json!(["engagement-desk.requester"])), Err(Lack::Role));
        assert!(roles(json!(["admin", "desk:requester"])).unwrap().role == Role::Requester);
    }

    #[test]
    fn only_an_address_the_issuer_answers_for_makes_somebody_its_owner() {
        for (changes, owner) in [
            (json!({ "email_verified": true }), true),
            (json!({ "email_verified": "true" }), true),
            (json!({ "email_verified": null, "xms_edov": true }), true),
            (json!({ "email_verified": null, "xms_edov": "1" }), true),
            (json!({ "email_verified": null, "xms_edov": 1 }), true),
            (json!({ "email_verified": null }), false),
            (json!({ "email_verified": false }), false),
            (json!({ "email_verified": "false" }), false),
            (json!({ "email_verified": 2 }), false),
            (json!({ "email_verified": ["true"] }), false),
            (json!({ "email_verified": true, "xms_edov": false }), false),
            (json!({ "email_verified": false, "xms_edov": true }), false),
            (json!({ "email": "no address" }), false),
            (json!({ "email": ["paula@example.com"] }), false),
            (json!({ "email": "paula@example.com\u{0}" }), false),
            (json!({ "email": "paula@\u{212a}nights.example" }), false),
            (
                json!({ "email": null, "preferred_username": "paula@example.com", "upn": "paula@example.com" }),
                false,
            ),
        ] {
            let found = of(changes.clone());
            if owner {
                assert_eq!(found.unwrap().subject, "paula@example.com", "{changes}");
            } else {
                assert_eq!(found, Err(Lack::Email), "{changes}");
            }
        }
    }

    #[test]
    fn a_trusted_claim_needs_no_other_to_vouch_for_it() {
        let mut settings = settings();
        settings.claims.trusted_email = Some(String::from("upn"));
        let subject = |changes: Value| with(&settings, changes).map(|caller| caller.subject);
        let unverified = json!({ "upn": "P.Marsh@example.com", "email_verified": false });
        assert_eq!(subject(unverified).as_deref(), Ok("p.marsh@example.com"));
        assert_eq!(subject(json!({})).as_deref(), Ok("paula@example.com"));
        let neither = json!({ "upn": "CONTOSO\\paula", "email_verified": false });
        assert_eq!(subject(neither), Err(Lack::Email));
    }

    #[test]
    fn whoever_has_no_address_is_known_by_issuer_and_id() {
        for role in ["viewer", "integration", "admin", "desk_member"] {
            let changes = json!({ "roles": [role], "email_verified": false });
            let caller = of(changes).unwrap();
            assert_eq!(caller.subject, "https://login.example.com/t#s-1", "{role}");
        }
        let lead = json!({ "roles": ["desk_lead"], "email_verified": false });
        assert_eq!(of(lead), Err(Lack::Email));
        let long = json!({ "roles": ["viewer"], "email": null, "sub": "s".repeat(255) });
        assert_eq!(of(long), Err(Lack::Subject));
        let upper = json!({ "roles": ["viewer"], "email": null, "sub": "S-1" });
        assert_eq!(
            of(upper).unwrap().subject,
            "https://login.example.com/t#S-1"
        );
        for sub in [json!(""), json!(" "), json!("a\nb"), json!(7), json!(null)] {
            assert_eq!(of(json!({ "sub": sub })), Err(Lack::Subject), "{sub}");
        }
    }

    #[test]
    fn a_requester_is_exactly_one_thing_to_the_partner() {
        for (relationship, known) in [
            (json!("pdm"), true),
            (json!(["pts"]), true),
            (json!("engagement-desk.partner_contact"), true),
            (json!("pdm other"), true),
            (json!(["pdm", "pts"]), false),
            (json!("PDM"), false),
            (json!(null), false),
        ] {
            let found = of(json!({ "relationship": relationship }));
            match found {
                Ok(_) => assert!(known, "{relationship}"),
                Err(lack) => {
                    assert!(!known, "{relationship}");
                    assert_eq!(lack, Lack::Relationship);
                }
            }
        }
    }

    #[test]
    fn whoever_works_at_desks_names_some_of_the_catalogue() {
        for (desks, found) in [
            (json!(["pad", "gps"]), vec!["pad", "gps"]),
            (json!("pad, gps"), vec!["pad", "gps"]),
            (json!("engagement-desk.tpd"), vec!["tpd"]),
            (json!(["pad", "pad", "elsewhere"]), vec!["pad"]),
            (json!(["elsewhere"]), vec![]),
            (json!([]), vec![]),
            (json!(null), vec![]),
        ] {
            let caller = of(json!({ "roles": ["desk_lead"], "desks": desks }));
            if found.is_empty() {
                assert_eq!(caller, Err(Lack::Desk), "{desks}");
            } else {
                let caller = caller.unwrap();
                assert_eq!(caller.desks, found, "{desks}");
                assert_eq!((caller.relationship, caller.partners), (None, Vec::new()));
            }
        }
    }

    #[test]
    fn everything_can_stand_in_the_one_claim_that_a_directory_fills() {
        let mut settings = settings();
        settings.claims.relationship = String::from("roles");
        settings.claims.desks = String::from("roles");
        let roles = |roles: Value| with(&settings, json!({ "roles": roles })).unwrap();
        assert_eq!(roles(json!(["desk_lead", "pad"])).desks, ["pad"]);
        assert_eq!(
            roles(json!(["requester", "pts"])).relationship,
            Some(Relationship::Pts)
        );
    }

    #[test]
    fn partners_are_lists_texts_or_numbers() {
        for (partners, found) in [
            (json!(["1", 2, "1"]), vec!["1", "2"]),
            (json!("1,2 3"), vec!["1", "2", "3"]),
            (json!(4567890), vec!["4567890"]),
            (json!({ "1": 2 }), vec![]),
            (json!(["1\u{0}", "", null, [3]]), vec![]),
            (json!(null), vec![]),
        ] {
            let caller = of(json!({ "partners": partners })).unwrap();
            assert_eq!(caller.partners, found, "{partners}");
        }
        let many: Vec<usize> = (0..2_000).collect();
        assert_eq!(
            of(json!({ "partners": many })).unwrap().partners.len(),
            1_000
        );
    }

    #[test]
    fn claims_are_found_by_name_or_by_pointer() {
        let mut settings = settings();
        settings.claims.roles = String::from("/realm_access/roles");
        settings.claims.relationship = String::from("https://example.com/relationship");
        settings.claims.partners = String::from("/a~1b/0");
        let caller = with(
            &settings,
            json!({
                "roles": ["admin"], "relationship": null,
                "realm_access": { "roles": ["requester"] },
                "https://example.com/relationship": "pts",
                "a/b": ["77", "88"],
            }),
        )
        .unwrap();
        assert_eq!(caller.role, Role::Requester);
        assert_eq!(caller.relationship, Some(Relationship::Pts));
        assert_eq!(caller.partners, ["77"]);
    }

    #[test]
    fn a_name_is_shown_however_little_is_known() {
        for (changes, name) in [
            (json!({}), "Paula Marsh"),
            (json!({ "name": " " }), "Paula@Example.com"),
            (
                json!({ "name": null, "preferred_username": "paula" }),
                "paula",
            ),
            (
                json!({ "name": "a\u{0}b", "email": null, "roles": "viewer" }),
                "s-1",
            ),
        ] {
            assert_eq!(of(changes.clone()).unwrap().name, name, "{changes}");
        }
        let long = of(json!({ "name": "é".repeat(500) })).unwrap().name;
        assert_eq!(long.chars().count(), 200);
    }
}
