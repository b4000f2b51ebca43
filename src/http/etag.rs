//! Entity tags and conditional requests (RFC 9110, sections 8.8.3 and 13).

use std::fmt;

use actix_web::http::header::{self, HeaderMap, HeaderName};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::codes::Code;
use super::problem::{Fault, Problem};

/// An entity tag. That of an object is strong: `"<version>-<projection>"`, where the projection names
/// the set of members that the caller's role sees, since bodies differ by it. That of a page is weak.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EntityTag {
    weak: bool,
    opaque: String,
}

impl EntityTag {
    /// The tag of a version of an object, as one projection of it is shown.
    pub fn of_version(version: i64, projection: &str) -> Self {
        Self {
            weak: false,
            opaque: format!("{version}-{projection}"),
        }
    }

    /// The tag of content that has no version, from its bytes.
    pub fn of_content(bytes: &[u8]) -> Self {
        Self {
            weak: false,
            opaque: short(Sha256::new_with_prefix(bytes)),
        }
    }

    /// The weak tag of a page: of its list, which items in which versions it has, and where it leads.
    pub fn of_page(
        list: &str,
        items: impl Iterator<Item = (Uuid, i64)>,
        next_cursor: Option<&str>,
    ) -> Self {
        let mut hasher = Sha256::new_with_prefix(list);
        for (id, version) in items {
            hasher.update(id);
            hasher.update(version.to_be_bytes());
        }
        hasher.update(next_cursor.unwrap_or_default());
        Self {
            weak: true,
            opaque: short(hasher),
        }
    }

    /// The same tag as a weak one, for a list.
    #[must_use]
    pub fn weakened(self) -> Self {
        Self { weak: true, ..self }
    }
}

fn short(hasher: Sha256) -> String {
    let digest = hasher.finalize();
    digest
        .iter()
        .take(12)
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// As it stands in `ETag`, quotes included.
impl fmt::Display for EntityTag {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let weak = if self.weak { "W/" } else { "" };
        write!(formatter, "{weak}\"{}\"", self.opaque)
    }
}

/// What `If-Match` or `If-None-Match` says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Condition {
    /// `*`: any present object.
    Any,
    /// One of these tags.
    Tags(Vec<Tag>),
}

/// A tag as a client sent it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tag {
    weak: bool,
    opaque: String,
}

impl Condition {
    /// Strong comparison, for `If-Match`: a weak tag matches nothing.
    pub fn matches(&self, current: &EntityTag) -> bool {
        match self {
            Self::Any => true,
            Self::Tags(tags) => tags
                .iter()
                .any(|tag| !tag.weak && !current.weak && tag.opaque == current.opaque),
        }
    }

    /// Weak comparison, for `If-None-Match`.
    pub fn matches_weakly(&self, current: &EntityTag) -> bool {
        match self {
            Self::Any => true,
            Self::Tags(tags) => tags.iter().any(|tag| tag.opaque == current.opaque),
        }
    }
}

/// What a client demands of the object as it is now. Both headers count for every method.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Preconditions {
    if_match: Option<Condition>,
    if_none_match: Option<Condition>,
}

impl Preconditions {
    /// Whether the object may be changed, if it is as it was shown with this tag.
    pub fn hold(&self, current: &EntityTag) -> bool {
        self.if_match
            .as_ref()
            .is_none_or(|condition| condition.matches(current))
            && !self
                .if_none_match
                .as_ref()
                .is_some_and(|condition| condition.matches_weakly(current))
    }
}

/// `If-Match` and `If-None-Match`, where they are given.
pub fn preconditions(headers: &HeaderMap) -> Result<Preconditions, Problem> {
    Ok(Preconditions {
        if_match: condition(headers, header::IF_MATCH, "If-Match")?,
        if_none_match: if_none_match(headers)?,
    })
}

/// The same for an operation that can't do without `If-Match`: 428 where it is missing.
pub fn require_if_match(headers: &HeaderMap) -> Result<Preconditions, Problem> {
    let found = preconditions(headers)?;
    if found.if_match.is_none() {
        return Err(Problem::new(Code::PreconditionRequired)
            .detail("Send If-Match with the entity tag of the version you have read.")
            .fault(Fault::in_header("If-Match", "REQUIRED", "is required")));
    }
    Ok(found)
}

/// Refuses what is demanded of a list that something is to be added to. It is always there, and its tag is
/// weak, so that no tag in `If-Match` is its own.
pub fn adds_to_list(headers: &HeaderMap) -> Result<(), Problem> {
    let Preconditions {
        if_match,
        if_none_match,
    } = preconditions(headers)?;
    if matches!(if_match, Some(Condition::Tags(_))) || if_none_match == Some(Condition::Any) {
        return Err(Problem::new(Code::PreconditionFailed).detail(
            "What is added to a list depends on no version: leave If-Match and If-None-Match out.",
        ));
    }
    Ok(())
}

/// `If-None-Match`, where it is given.
pub fn if_none_match(headers: &HeaderMap) -> Result<Option<Condition>, Problem> {
    condition(headers, header::IF_NONE_MATCH, "If-None-Match")
}

/// Whether the client has the present version already and a 304 will do; 412 where it demands another
/// version, which counts first (RFC 9110, section 13.2.2).
pub fn not_modified(headers: &HeaderMap, current: &EntityTag) -> Result<bool, Problem> {
    let Preconditions {
        if_match,
        if_none_match,
    } = preconditions(headers)?;
    if if_match.is_some_and(|condition| !condition.matches(current)) {
        return Err(Problem::new(Code::PreconditionFailed)
            .detail("None of the tags in If-Match is that of the object as it is now.")
            .header(header::ETAG, &current.to_string()));
    }
    Ok(if_none_match.is_some_and(|condition| condition.matches_weakly(current)))
}

fn condition(
    headers: &HeaderMap,
    header: HeaderName,
    name: &'static str,
) -> Result<Option<Condition>, Problem> {
    let malformed = || {
        Problem::new(Code::IfMatchMalformed)
            .detail(format!(
                "{name} must be * or a list of entity tags in double quotes."
            ))
            .fault(Fault::in_header(name, "FORMAT", "is malformed"))
    };
    let mut lines = Vec::new();
    for value in headers.get_all(header) {
        lines.push(value.to_str().ok().ok_or_else(malformed)?);
    }
    if lines.is_empty() {
        return Ok(None);
    }
    let text = lines.join(",");
    if text.trim() == "*" {
        return Ok(Some(Condition::Any));
    }
    tags(&text)
        .map(|tags| Some(Condition::Tags(tags)))
        .ok_or_else(malformed)
}

/// A list of entity tags. Empty elements are allowed, an empty list is not.
fn tags(text: &str) -> Option<Vec<Tag>> {
    let mut tags = Vec::new();
    let mut rest = text.trim_matches([' ', '\t']);
    while !rest.is_empty() {
        if let Some(after) = rest.strip_prefix(',') {
            rest = after.trim_start_matches([' ', '\t']);
            continue;
        }
        let (weak, quoted) = rest
            .strip_prefix("W/")
            .map_or((false, rest), |rest| (true, rest));
        let (opaque, after) = quoted.strip_prefix('"')?.split_once('"')?;
        if !opaque
            .bytes()
            .all(|byte| byte == 0x21 || (0x23..=0x7e).contains(&byte))
        {
            return None;
        }
        tags.push(Tag {
            weak,
            opaque: opaque.to_owned(),
        });
        rest = after.trim_start_matches([' ', '\t']);
        if !rest.is_empty() && !rest.starts_with(',') {
            return None;
        }
    }
    (!tags.is_empty()).then_some(tags)
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::HeaderValue;

    use super::*;

    fn sent(name: HeaderName, values: &[&str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(name.clone(), HeaderValue::from_str(value).unwrap());
        }
        headers
    }

    #[test]
    fn a_tag_says_version_and_projection() {
        assert_eq!(EntityTag::of_version(7, "full").to_string(), "\"7-full\"");
    }

    #[test]
    fn if_match_compares_strongly_and_if_none_match_weakly() {
        let current = EntityTag::of_version(7, "full");
        for (text, strong, weak) in [
            ("\"7-full\"", true, true),
            ("\"6-full\" , \"7-full\"", true, true),
            ("W/\"7-full\"", false, true),
            ("*", true, true),
            ("\"7-lead\"", false, false),
            (",, \"7-full\",", true, true),
        ] {
            let headers = sent(header::IF_MATCH, &[text]);
            let wanted = preconditions(&headers).unwrap();
            assert_eq!(wanted.hold(&current), strong, "{text}");
            assert_eq!(not_modified(&headers, &current).is_ok(), strong, "{text}");
            let headers = sent(header::IF_NONE_MATCH, &[text]);
            let wanted = preconditions(&headers).unwrap();
            assert_eq!(wanted.hold(&current), !weak, "{text}");
            assert_eq!(not_modified(&headers, &current).unwrap(), weak, "{text}");
        }
    }

    #[test]
    fn a_list_may_come_in_several_lines() {
        let headers = sent(header::IF_MATCH, &["\"1-a\"", "\"2-a\""]);
        let wanted = preconditions(&headers).unwrap();
        assert!(wanted.hold(&EntityTag::of_version(2, "a")));
    }

    #[test]
    fn the_tag_of_a_page_is_weak_and_says_what_is_on_it() {
        let items = [(Uuid::from_u128(1), 1), (Uuid::from_u128(2), 5)];
        let tag = |list, items: &[(Uuid, i64)], next| {
            EntityTag::of_page(list, items.iter().copied(), next).to_string()
        };
        let page = tag("desk=pad", &items, Some("x"));
        assert!(page.starts_with("W/\"") && page.ends_with('"'), "{page}");
        assert_eq!(page, tag("desk=pad", &items, Some("x")));
        for other in [
            tag("desk=gps", &items, Some("x")),
            tag("desk=pad", &items[..1], Some("x")),
            tag("desk=pad", &[items[0], (items[1].0, 6)], Some("x")),
            tag("desk=pad", &items, None),
        ] {
            assert_ne!(page, other);
        }
        let current = EntityTag::of_page("", items.into_iter(), None);
        let headers = sent(header::IF_NONE_MATCH, &[&current.to_string()]);
        assert!(not_modified(&headers, &current).unwrap());
        let wanted = preconditions(&sent(header::IF_MATCH, &[&current.to_string()]));
        assert!(!wanted.unwrap().hold(&current));
    }

    #[test]
    fn a_missing_if_match_is_asked_for() {
        let problem = require_if_match(&HeaderMap::new()).unwrap_err();
        assert_eq!(problem.code(), Code::PreconditionRequired);
    }

    #[test]
    fn malformed_tags_are_refused() {
        for text in [
            "7-full",
            "\"7-full",
            "w/\"7\"",
            "\"a\" \"b\"",
            "",
            ",",
            "\"a b\"",
            "*, \"a\"",
        ] {
            for name in [header::IF_MATCH, header::IF_NONE_MATCH] {
                let problem = preconditions(&sent(name, &[text])).unwrap_err();
                assert_eq!(problem.code(), Code::IfMatchMalformed, "{text}");
            }
        }
    }
}
