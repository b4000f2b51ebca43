//! Why a value of a tree can't be read, in our own words.

use std::fmt;

use serde::de::{self, Expected, Unexpected};

use super::pointer::Step;

/// Why a value can't be read, and where: the steps innermost first.
#[derive(Debug)]
pub(super) struct Error {
    pub path: Vec<Step>,
    pub kind: Kind,
}

#[derive(Debug)]
pub(super) enum Kind {
    /// The value is of the wrong kind.
    Value { code: &'static str, message: String },
    /// The name of a member can't be taken.
    Key { code: &'static str, message: String },
    /// The object lacks a member.
    Missing(&'static str),
    /// `null`, where the type has no use for it: the member counts as absent.
    Null { expected: String },
}

impl Error {
    pub fn value(code: &'static str, message: impl Into<String>) -> Self {
        Self {
            path: Vec::new(),
            kind: Kind::Value {
                code,
                message: message.into(),
            },
        }
    }

    pub fn kind(expected: &str) -> Self {
        Self::value("WRONG_TYPE", format!("must be {expected}"))
    }

    pub fn word(words: &[&str]) -> Self {
        Self::value("UNKNOWN_WORD", one_of(words))
    }

    pub fn key(code: &'static str, message: impl Into<String>) -> Self {
        Self {
            path: Vec::new(),
            kind: Kind::Key {
                code,
                message: message.into(),
            },
        }
    }

    pub fn under(mut self, step: Step) -> Self {
        self.path.push(step);
        self
    }
}

fn one_of(words: &[&str]) -> String {
    match words {
        [] => String::from("has no value that could be given"),
        [word] => format!("must be {word}"),
        words => format!("must be one of {}", words.join(", ")),
    }
}

impl fmt::Display for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, formatter)
    }
}

impl std::error::Error for Error {}

impl de::Error for Error {
    /// A text of another crate is not for our callers. One that begins with "must " is ours: domain
    /// types may refuse in their own words.
    fn custom<T: fmt::Display>(text: T) -> Self {
        let text = text.to_string();
        if text.starts_with("must ") {
            Self::value("FORMAT", text)
        } else {
            Self::value("FORMAT", "does not have the expected form")
        }
    }

    fn invalid_type(_: Unexpected<'_>, _: &dyn Expected) -> Self {
        Self::value("WRONG_TYPE", "is of the wrong type")
    }

    fn invalid_value(_: Unexpected<'_>, _: &dyn Expected) -> Self {
        Self::value("FORMAT", "does not have the expected form")
    }

    fn invalid_length(_: usize, _: &dyn Expected) -> Self {
        Self::value("LENGTH", "has the wrong number of items")
    }

    fn unknown_variant(_: &str, words: &'static [&'static str]) -> Self {
        Self::word(words)
    }

    fn unknown_field(name: &str, known: &'static [&'static str]) -> Self {
        Self::key("UNKNOWN_FIELD", unknown(name, known)).under(Step::Member(name.to_owned()))
    }

    fn missing_field(name: &'static str) -> Self {
        Self {
            path: Vec::new(),
            kind: Kind::Missing(name),
        }
    }

    fn duplicate_field(name: &'static str) -> Self {
        Self::key("DUPLICATE_MEMBER", "is given more than once").under(Step::Member(name.into()))
    }
}

fn unknown(name: &str, known: &[&str]) -> String {
    let near = known
        .iter()
        .map(|known| (distance(name, known), known))
        .min();
    match near {
        Some((distance @ 1..=2, known)) if distance < known.chars().count() => {
            format!("is not known here; did you mean {known}?")
        }
        _ => String::from("is not known here"),
    }
}

/// How many letters have to be added, taken or changed to come from one word to the other.
fn distance(one: &str, other: &str) -> usize {
    if one.len().abs_diff(other.len()) > 2 {
        return usize::MAX;
    }
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (line, letter) in one.chars().enumerate() {
        let mut next = vec![line + 1];
        for (column, against) in other.iter().enumerate() {
            let change = row[column] + usize::from(letter != *against);
            next.push(change.min(row[column + 1] + 1).min(next[column] + 1));
        }
        row = next;
    }
    row[other.len()]
}

/// Puts the forms of well-known types into words.
pub(super) fn hinted(error: Error, hint: &str) -> Error {
    let Kind::Value {
        code: "FORMAT",
        message,
    } = &error.kind
    else {
        return error;
    };
    if message.starts_with("must ") {
        return error;
    }
    let hint = hint.to_ascii_lowercase();
    let form = if hint.contains("date") && hint.contains("time") {
        "a date and time with its offset, such as 2027-01-15T09:30:00Z"
    } else if hint.contains("date") {
        "a date, such as 2027-01-15"
    } else if hint.contains("uuid") {
        "a UUID, such as 01998a52-8e4b-7c31-9d7e-3b1f0a6c2d44"
    } else {
        return error;
    };
    Error::value("FORMAT", format!("must be {form}"))
}
