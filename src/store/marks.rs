//! Marks in the index of words: where a request is, who submitted it and for what, as words that no text has. With them a
//! search looks at nothing else, and desk and service have an index in common.
//!
//! What a person owns or a partner has is mostly little, and gathered sooner than looked for among all: of those there
//! are none.
//!
//! They are there for speed alone. What the caller may see is said by the columns, for each row that was found.

use super::requests::{Filter, Visibility};
use super::words::LONGEST;
use crate::domain::request::Request;

/// Something said of a request that is written anew together with its words.
#[derive(Clone, Copy, Debug)]
pub(super) enum Mark<'a> {
    Desk(&'a str),
    Submitter(&'a str),
    Service(&'a str),
}

impl Mark<'_> {
    /// Adds the word, as `marks` in the migrations makes it.
    pub fn write(self, folded: &mut String) {
        let (kind, value) = match self {
            Self::Desk(desk) => ("@desk:", desk),
            Self::Submitter(subject) => ("@submitter:", subject),
            Self::Service(service) => ("@service:", service),
        };
        folded.push_str(kind);
        folded.extend(value.chars().take(LONGEST));
    }
}

/// The marks of a request.
pub(super) fn of(request: &Request) -> impl Iterator<Item = Mark<'_>> {
    [
        request.desk.as_deref().map(Mark::Desk),
        Some(Mark::Submitter(&request.submitted_by)),
        request.facts.wanted_service().map(Mark::Service),
    ]
    .into_iter()
    .flatten()
}

/// Whether there are marks for all that the caller sees and asks for, besides words, states and when requests were created.
pub(super) fn say_all(visibility: &Visibility, filter: &Filter) -> bool {
    !matches!(visibility, Visibility::Own { .. })
        && !filter.names_somebody()
        && filter.updated_from.is_none()
        && filter.updated_before.is_none()
}

/// The marks of what the caller sees and asks for, each as a `tsquery`, the rarest mostly first; none where that is
/// everything. The desks are those that are both seen and asked for.
pub(super) fn wanted(
    visibility: &Visibility,
    desks: Option<&[&str]>,
    filter: &Filter,
) -> Vec<String> {
    let submitter = match visibility {
        Visibility::SubmittedBy(subject) => Some(Mark::Submitter(subject)),
        Visibility::Nothing
        | Visibility::Everything
        | Visibility::Own { .. }
        | Visibility::AtDesks(_) => None,
    };
    let service = filter.service.as_deref().map(Mark::Service);
    let alone = [submitter, service].into_iter().flatten();
    let desks = desks.map(|desks| any_of(desks.iter().map(|desk| Mark::Desk(desk))));
    alone.map(|mark| any_of([mark])).chain(desks).collect()
}

/// A `tsquery` for what has one of the marks at least.
fn any_of<'a>(marks: impl IntoIterator<Item = Mark<'a>>) -> String {
    let quoted = marks.into_iter().map(|mark| {
        let mut word = String::new();
        mark.write(&mut word);
        format!("'{}'", word.replace('\\', "\\\\").replace('\'', "''"))
    });
    format!("({})", quoted.collect::<Vec<_>>().join(" | "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_is_one_word_of_a_query_whatever_it_says() {
        let marks = [
            Mark::Desk("pad"),
            Mark::Submitter("o'brien\\' | '@desk:gps"),
            Mark::Service("hackathon"),
        ];
        assert_eq!(
            any_of(marks),
            r"('@desk:pad' | '@submitter:o''brien\\'' | ''@desk:gps' | '@service:hackathon')"
        );
    }
}
