//! The words of a request as they are searched: a `tsvector` of Postgres, and a `tsquery`.
//!
//! What a word is, is said here alone and not by Postgres: its parser goes by the locale of the database, and takes
//! `-000123` for a number below zero. A word is letters and digits in a row, in small letters; no language's
//! stems, as names and references hold in every language. Words have nothing in them that those forms
//! would have to quote.

use std::fmt::Write;
use std::ops::Range;

use diesel_async::SimpleAsyncConnection;

use super::column::Words;
use super::{Connection, StoreError, marks};
use crate::domain::request::Request;

/// Postgres takes words of 2,046 bytes at most, which is room for so many characters of any kind.
pub(super) const LONGEST: usize = 500;

/// The words of a text, as they are written there.
fn split(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
}

/// Adds a word in small letters.
fn fold_into(folded: &mut String, word: &str) {
    match word.get(..LONGEST).unwrap_or(word) {
        plain if plain.is_ascii() => {
            let start = folded.len();
            folded.push_str(plain);
            if let Some(added) = folded.get_mut(start..) {
                added.make_ascii_lowercase();
            }
        }
        _ => folded.extend(
            word.chars()
                .take(LONGEST)
                .flat_map(char::to_lowercase)
                .take(LONGEST),
        ),
    }
}

/// Stretches of time that a request lies in: a second, and each of the others 16 times as long as the one before.
const STRETCHES: u32 = 7;

/// The last place that Postgres counts.
const LAST_PLACE: u16 = 16_383;

/// Places of one word that Postgres keeps.
const MOST_PLACES: usize = 256;

/// All words of a request with their places, the stretches of time that it lies in, and its marks. What is withheld from
/// the facts, such as the description of a vulnerability, is not among them.
pub(super) fn of(request: &Request) -> Words {
    let facts = &request.facts;
    let partner = facts.partner.as_ref();
    let customer = facts.customer.as_ref();
    let texts = [
        Some(&request.reference),
        facts.title.as_ref(),
        facts.description.as_ref(),
        partner.and_then(|partner| partner.name.as_ref()),
        customer.and_then(|customer| customer.name.as_ref()),
        facts.external_reference.as_ref(),
    ];
    let mut all = Placed::with_room_for(texts.iter().flatten().map(|text| text.len()).sum());
    let mut places = (1..LAST_PLACE).chain(std::iter::repeat(LAST_PLACE));
    for word in texts.into_iter().flatten().flat_map(|text| split(text)) {
        all.add(places.next(), |folded| fold_into(folded, word));
    }
    let second = request.created_at.timestamp();
    for left_out in 0..STRETCHES {
        all.add(None, |folded| stretch_into(folded, second, left_out));
    }
    for mark in marks::of(request) {
        all.add(None, |folded| mark.write(folded));
    }
    all.binary()
}

/// Adds a stretch of time that a second of the epoch lies in, as a word: its hexadecimal digits without so many of the
/// last ones. `newest_with` in the migrations looks for it.
fn stretch_into(folded: &mut String, second: i64, left_out: u32) {
    // A text can be written to without end.
    let _ = write!(folded, "~{:x}", second >> (4 * left_out));
}

/// Words with their places. The letters of all stand in one text: a request has a hundred words.
struct Placed {
    letters: String,
    words: Vec<(Range<usize>, Option<u16>)>,
}

impl Placed {
    /// With room for the words of texts of so many bytes together, and for what is added to them.
    fn with_room_for(bytes: usize) -> Self {
        let bytes = bytes + 256;
        Self {
            letters: String::with_capacity(bytes),
            // Most words have six letters and a space.
            words: Vec::with_capacity(bytes / 7),
        }
    }

    fn add(&mut self, place: Option<u16>, write: impl FnOnce(&mut String)) {
        let start = self.letters.len();
        write(&mut self.letters);
        self.words.push((start..self.letters.len(), place));
    }

    /// In their order, each as often as it has places, in the form in which Postgres receives them.
    fn binary(&self) -> Words {
        let letters = self.letters.as_bytes();
        // Most words differ in their first letters, which are compared at once.
        let mut placed: Vec<(u64, &[u8], Option<u16>)> = self
            .words
            .iter()
            .map(|(range, place)| {
                let word = letters.get(range.clone()).unwrap_or_default();
                (first_letters(word), word, *place)
            })
            .collect();
        placed.sort_unstable();
        placed.dedup();
        let words = placed.chunk_by(|(_, one, _), (_, other, _)| one == other);
        let count = i32::try_from(words.clone().count()).unwrap_or(i32::MAX);
        let mut bytes = Vec::with_capacity(4 + letters.len() + 5 * placed.len());
        bytes.extend_from_slice(&count.to_be_bytes());
        for places in words {
            let word = places.first().map(|(_, word, _)| *word);
            bytes.extend_from_slice(word.unwrap_or_default());
            bytes.push(0);
            let places = places.iter().filter_map(|(.., place)| *place);
            let kept = places.take(MOST_PLACES);
            let count = u16::try_from(kept.clone().count()).unwrap_or(0);
            bytes.extend_from_slice(&count.to_be_bytes());
            for place in kept {
                bytes.extend_from_slice(&place.to_be_bytes());
            }
        }
        Words(bytes)
    }
}

/// The first eight letters as a number that orders as they do. What is shorter comes first, as no letter is 0.
fn first_letters(word: &[u8]) -> u64 {
    let mut first = [0; 8];
    let length = word.len().min(first.len());
    first[..length].copy_from_slice(&word[..length]);
    u64::from_be_bytes(first)
}

/// What somebody typed into a search box, as a `tsquery`: all the words, `"words in a row"`, `or` for either side,
/// `-word` for those without it. `None` where there is no word in it.
pub(super) fn query(typed: &str) -> Option<String> {
    let mut choices = Vec::new();
    let mut terms: Vec<String> = Vec::new();
    let mut is_quoted = false;
    let mut is_excluded = false;
    for part in typed.split('"') {
        if is_quoted {
            terms.extend(term(part, is_excluded));
        } else {
            for word in part.split_whitespace() {
                if word.eq_ignore_ascii_case("or") {
                    choices.push(std::mem::take(&mut terms));
                } else {
                    terms.extend(term(word, word.starts_with('-')));
                }
            }
            is_excluded = part.ends_with('-');
        }
        is_quoted = !is_quoted;
    }
    choices.push(terms);
    let choices: Vec<String> = choices
        .into_iter()
        .filter(|terms| !terms.is_empty())
        .map(|terms| terms.join(" & "))
        .collect();
    (!choices.is_empty()).then(|| choices.join(" | "))
}

/// Words in a row; `None` where there are none.
fn term(text: &str, is_excluded: bool) -> Option<String> {
    let row: Vec<String> = split(text)
        .map(|word| {
            let mut quoted = String::from("'");
            fold_into(&mut quoted, word);
            quoted.push('\'');
            quoted
        })
        .collect();
    let not = if is_excluded { "!" } else { "" };
    (!row.is_empty()).then(|| format!("{not}({})", row.join(" <-> ")))
}

/// Sorts the words of new requests into the index, which searches would otherwise look for in a list.
///
/// # Errors
/// Where the database does not answer.
pub async fn sort_in(connection: &mut Connection) -> Result<(), StoreError> {
    connection
        .batch_execute("select gin_clean_pending_list('request_words_by_word')")
        .await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_letters_and_digits_in_a_row() {
        let folded = |word| {
            let mut folded = String::new();
            fold_into(&mut folded, word);
            folded
        };
        let of = |text| split(text).map(folded).collect::<Vec<_>>();
        assert_eq!(of("PAD-2026-000123"), ["pad", "2026", "000123"]);
        assert_eq!(
            of("l'été, Straße & 株式会社!"),
            ["l", "été", "straße", "株式会社"]
        );
        assert_eq!(of("\0 ' \\ : * |"), [""; 0]);
        assert_eq!(of(&"İ".repeat(900)).remove(0).chars().count(), LONGEST);
    }

    #[test]
    fn first_letters_order_as_the_words_do() {
        let words = [
            "", "a", "ab", "abcdefg", "abcdefgh", "abd", "b", "été", "株",
        ];
        let letters = words.map(|word| first_letters(word.as_bytes()));
        assert!(
            letters.is_sorted_by(|one, other| one < other),
            "{letters:?}"
        );
        let longer = ["abcdefgh", "abcdefghi"].map(|word| first_letters(word.as_bytes()));
        assert_eq!(longer[0], longer[1], "the words themselves decide");
    }

    #[test]
    fn what_people_type_is_understood() {
        for (typed, meant) in [
            ("Landing zone", "('landing') & ('zone')"),
            ("\"landing zone\" 4711", "('landing' <-> 'zone') & ('4711')"),
            ("crm-881", "('crm' <-> '881')"),
            ("zone -draft", "('zone') & !('draft')"),
            ("zone -\"a draft\"", "('zone') & !('a' <-> 'draft')"),
            ("a or b c", "('a') | ('b') & ('c')"),
            ("or OR a or", "('a')"),
            ("\"never closed", "('never' <-> 'closed')"),
            ("it's 'a:* & !b'", "('it' <-> 's') & ('a') & ('b')"),
        ] {
            assert_eq!(query(typed).as_deref(), Some(meant), "{typed}");
        }
        for typed in ["", " ", "!!!", "\"\"", "or", "-", "-\"-\""] {
            assert_eq!(query(typed), None, "{typed}");
        }
    }
}
