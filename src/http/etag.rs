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

/// `If-Match`, where it is given.
pub fn if_match(headers: &HeaderMap) -> Result<Option<Condition>, Problem> {
    condition(headers, header::IF_MATCH, "If-Match")
}

/// `If-Match`, for an operation that can't do without: 428 where it is missing.
pub fn require_if_match(headers: &HeaderMap) -> Result<Condition, Problem> {
    if_match(headers)?.ok_or_else(|| {
        Problem::new(Code::PreconditionRequired)
            .detail("Send If-Match with the entity tag of the version you have read.")
            .fault(Fault::in_header("If-Match", "REQUIRED", "is required"))
    })
}

/// `If-None-Match`, where it is given.
pub fn if_none_match(headers: &HeaderMap) -> Result<Option<Condition>, Problem> {
    condition(headers, header::IF_NONE_MATCH, "If-None-Match")
}

/// Whether the client has the present version already and a 304 will do.
pub fn not_modified(headers: &HeaderMap, current: &EntityTag) -> Result<bool, Problem> {
    Ok(if_none_match(headers)?.is_some_and(|condition| condition.matches_weakly(current)))
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
            let condition = if_match(&sent(header::IF_MATCH, &[text])).unwrap().unwrap();
            assert_eq!(condition.matches(&current), strong, "{text}");
            let headers = sent(header::IF_NONE_MATCH, &[text]);
            assert_eq!(not_modified(&headers, &current).unwrap(), weak, "{text}");
        }
    }

    #[test]
    fn a_list_may_come_in_several_lines() {
        let headers = sent(header::IF_MATCH, &["\"1-a\"", "\"2-a\""]);
        assert!(
            if_match(&headers)
                .unwrap()
                .unwrap()
                .matches(&EntityTag::of_version(2, "a"))
        );
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
        let condition = if_match(&sent(header::IF_MATCH, &[&current.to_string()]));
        assert!(!condition.unwrap().unwrap().matches(&current));
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
            let problem = if_match(&sent(header::IF_MATCH, &[text])).unwrap_err();
            assert_eq!(problem.code(), Code::IfMatchMalformed, "{text}");
        }
    }
}
