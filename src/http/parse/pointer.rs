//! Where in a body: paths and JSON pointers (RFC 6901).

use std::cmp::Ordering;

/// One step from a value to a part of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// To a member of an object.
    Member(String),
    /// To an item of an array.
    Index(usize),
}

/// A path under way, each step borrowing the one before it: costs nothing until it is written.
#[derive(Clone, Copy)]
pub enum Path<'a> {
    /// The whole body.
    Root,
    /// A member of an object.
    Member(&'a Path<'a>, &'a str),
    /// An item of an array.
    Index(&'a Path<'a>, usize),
}

impl Path<'_> {
    /// The path as a JSON pointer.
    pub fn pointer(&self) -> String {
        match self {
            Self::Root => String::new(),
            Self::Member(parent, name) => member(&parent.pointer(), name),
            Self::Index(parent, index) => format!("{}/{index}", parent.pointer()),
        }
    }
}

/// The pointer to a member, its name escaped.
pub fn member(parent: &str, name: &str) -> String {
    format!("{parent}/{}", name.replace('~', "~0").replace('/', "~1"))
}

/// A path as a JSON pointer.
pub fn pointer(path: &[Step]) -> String {
    path.iter().fold(String::new(), |pointer, step| match step {
        Step::Member(name) => member(&pointer, name),
        Step::Index(index) => format!("{pointer}/{index}"),
    })
}

/// Whether one pointer leads to the same value as the other, into it or out to it.
pub fn touches(one: &str, other: &str) -> bool {
    let (short, long) = if one.len() <= other.len() {
        (one, other)
    } else {
        (other, one)
    };
    long.strip_prefix(short)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// The order in which faults are listed: parents first, items by number.
pub fn compare(one: &str, other: &str) -> Ordering {
    let key = |step: &str| {
        (
            step.parse::<usize>().ok().map_or((1, 0), |n| (0, n)),
            step.to_owned(),
        )
    };
    one.split('/').map(key).cmp(other.split('/').map(key))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_escaped_as_rfc_6901_says() {
        let steps = [
            Step::Member("a/b".into()),
            Step::Index(3),
            Step::Member("m~n".into()),
        ];
        assert_eq!(pointer(&steps), "/a~1b/3/m~0n");
        assert_eq!(pointer(&[]), "");
    }

    #[test]
    fn pointers_touch_when_one_leads_through_the_other() {
        assert!(touches("/a", "/a/b"));
        assert!(touches("/a/b", "/a"));
        assert!(touches("", "/a"));
        assert!(!touches("/a", "/ab"));
        assert!(!touches("/a/b", "/a/c"));
    }

    #[test]
    fn items_are_listed_by_number() {
        let mut pointers = vec!["/a/10", "/a/9", "/a", "/b"];
        pointers.sort_by(|one, other| compare(one, other));
        assert_eq!(pointers, ["/a", "/a/9", "/a/10", "/b"]);
    }
}
