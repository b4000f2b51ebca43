//! Finds the phrases of the wording lists in a text, in one pass over its words.

use std::ops::Range;

use super::model::Wording;

/// All phrases of a catalogue, in the order of the [`slot`] of their first word; longest phrase first.
#[derive(Debug)]
pub struct Phrases {
    phrases: Vec<Phrase>,
    /// Where those of each [`slot`] of the first word begin, and after the last slot the end.
    starts: Vec<usize>,
}

#[derive(Debug)]
struct Phrase {
    words: Vec<Pattern>,
    /// Index of its category, and whether it raises a warning or stands for something else.
    category: usize,
    raises: bool,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) struct Pattern {
    text: String,
    /// It stands for every word that begins with `text`.
    open: bool,
}

/// Phrases found in one text.
#[derive(Debug, Default)]
pub struct Found {
    /// The text in small letters; the ranges point into it.
    text: String,
    hits: Vec<(usize, Range<usize>)>,
}

impl Found {
    /// The phrases of one category as they stand in the text, each once, in its order.
    pub fn of(&self, category: usize) -> impl Iterator<Item = &str> + Clone {
        let hits = self
            .hits
            .iter()
            .enumerate()
            .filter(move |(_, hit)| hit.0 == category);
        hits.filter(|(index, (category, range))| {
            let before = self.hits[..*index].iter();
            !before.clone().any(|hit| {
                hit.0 == *category && self.text[hit.1.clone()] == self.text[range.clone()]
            })
        })
        .map(|(_, (_, range))| &self.text[range.clone()])
    }
}

/// A word of a text, and whether a sentence ends before it.
struct Word {
    range: Range<usize>,
    after_break: bool,
}

impl Phrases {
    /// Files the phrases of all categories; a category is known by its place in the list.
    pub(super) fn new(wordings: &[Wording]) -> Self {
        let mut phrases = Vec::new();
        for (category, wording) in wordings.iter().enumerate() {
            for (list, raises) in [(&wording.phrases, true), (&wording.unless, false)] {
                let parsed = list.iter().filter_map(|phrase| parse(phrase).ok());
                phrases.extend(parsed.map(|words| Phrase {
                    words,
                    category,
                    raises,
                }));
            }
        }
        // a phrase that means something else goes before one of the same length that raises
        phrases.sort_by_key(|phrase| {
            let longest_first = std::cmp::Reverse(phrase.words.len());
            (slot(&phrase.words[0].text), longest_first, phrase.raises)
        });
        let starts = (0..=SLOTS)
            .map(|wanted| phrases.partition_point(|phrase| slot(&phrase.words[0].text) < wanted))
            .collect();
        Self { phrases, starts }
    }

    /// Finds the phrases that raise a warning.
    pub fn find(&self, text: &str) -> Found {
        let mut lower = String::with_capacity(text.len());
        let words = words(text, &mut lower);
        let mut hits = Vec::new();
        let mut next = 0;
        while next < words.len() {
            let first = &lower[words[next].range.clone()];
            let slot = slot(first);
            let mut candidates = self.phrases[self.starts[slot]..self.starts[slot + 1]].iter();
            let Some(phrase) = candidates.find(|phrase| phrase.is_at(&words[next..], &lower))
            else {
                next += 1;
                continue;
            };
            let last = next + phrase.words.len() - 1;
            if phrase.raises {
                hits.push((
                    phrase.category,
                    words[next].range.start..words[last].range.end,
                ));
            }
            next = last + 1;
        }
        Found { text: lower, hits }
    }
}

impl Phrase {
    fn is_at(&self, words: &[Word], text: &str) -> bool {
        words.len() >= self.words.len()
            && self
                .words
                .iter()
                .zip(words)
                .enumerate()
                .all(|(nth, (pattern, word))| {
                    let text = &text[word.range.clone()];
                    (nth == 0 || !word.after_break)
                        && if pattern.open {
                            text.starts_with(&pattern.text)
                        } else {
                            text == pattern.text
                        }
                })
    }
}

/// The words of a phrase, or what is wrong with it.
pub(super) fn parse(phrase: &str) -> Result<Vec<Pattern>, &'static str> {
    let mut patterns = Vec::new();
    for part in phrase.split_whitespace() {
        let (text, open) = match part.strip_suffix('*') {
            Some(text) => (text, true),
            None => (part, false),
        };
        let text = text.trim_matches('\'');
        if text.is_empty() || !text.chars().all(|c| c.is_alphanumeric() || c == '\'') {
            return Err(
                "may hold only words, each of letters and digits, with a * at its end at most",
            );
        }
        if open && text.chars().count() < 3 {
            return Err("has a * after fewer than three letters");
        }
        patterns.push(Pattern {
            text: text.to_lowercase(),
            open,
        });
    }
    if patterns.is_empty() {
        Err("is empty")
    } else {
        Ok(patterns)
    }
}

/// What a byte of a text is to the words in it.
#[derive(Clone, Copy)]
enum Kind {
    /// A letter or a digit.
    Inside,
    /// Between words.
    Between,
    /// Between words, and the end of a sentence before a blank.
    Stop,
    /// Between words, and the end of a sentence.
    NewLine,
    Apostrophe,
    /// Part of a character that is not ASCII.
    Wide,
}

impl Kind {
    const fn of(byte: u8) -> Self {
        match byte {
            b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' => Self::Inside,
            b'\n' => Self::NewLine,
            b'.' | b'!' | b'?' | b';' | b':' => Self::Stop,
            b'\'' => Self::Apostrophe,
            0x80.. => Self::Wide,
            _ => Self::Between,
        }
    }
}

/// Cuts a text into words, and writes it down in small letters.
fn words(text: &str, lower: &mut String) -> Vec<Word> {
    let bytes = text.as_bytes();
    let kind_at = |at: usize| bytes.get(at).copied().map(Kind::of);
    let char_at = |at: usize| text[at..].chars().next();
    let mut words = Vec::with_capacity(text.len() / 5);
    let (mut start, mut after_break) = (None, false);
    // What is ASCII is copied a stretch at a time, and made small at the end.
    let mut copied = 0;
    let mut at = 0;
    while let Some(kind) = kind_at(at) {
        let here = lower.len() + at - copied;
        let mut after = at + 1;
        // an apostrophe belongs to a word only inside it; elsewhere it quotes
        let quotes = |after| start.is_none() || !char_at(after).is_some_and(char::is_alphanumeric);
        let is_inside = match kind {
            Kind::Inside => {
                while let Some(Kind::Inside) = kind_at(after) {
                    after += 1;
                }
                true
            }
            Kind::Between | Kind::Stop | Kind::NewLine => false,
            Kind::Apostrophe => !quotes(after),
            Kind::Wide => {
                let c = char_at(at).unwrap_or_default();
                after = at + c.len_utf8();
                lower.push_str(&text[copied..at]);
                copied = after;
                if c == '\u{2019}' {
                    lower.push('\'');
                    !quotes(after)
                } else {
                    lower.extend(c.to_lowercase());
                    c.is_alphanumeric()
                }
            }
        };
        if is_inside {
            start.get_or_insert(here);
        } else {
            if let Some(start) = start.take() {
                words.push(Word {
                    range: start..here,
                    after_break,
                });
                after_break = false;
            }
            after_break |= match kind {
                Kind::NewLine => true,
                Kind::Stop => char_at(after).is_none_or(char::is_whitespace),
                _ => false,
            };
        }
        at = after;
    }
    lower.push_str(&text[copied..]);
    if let Some(start) = start {
        words.push(Word {
            range: start..lower.len(),
            after_break,
        });
    }
    lower.make_ascii_lowercase();
    words
}

const SLOTS: usize = 4096;

/// Files a word under its first three bytes, of which the third counts by its last two bits. A pattern has the slot of
/// every word it stands for: an open one has three letters at least.
fn slot(word: &str) -> usize {
    let mut bytes = word.bytes().map(usize::from);
    let mut next = |mask| bytes.next().unwrap_or(0) & mask;
    (next(31) * 32 + next(31)) * 4 + next(3)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(phrases: &[&str], unless: &[&str], text: &str) -> Vec<String> {
        let owned = |list: &[&str]| list.iter().map(|text| (*text).to_owned()).collect();
        let wording = Wording {
            id: "outage".to_owned(),
            name: "an outage".to_owned(),
            phrases: owned(phrases),
            unless: owned(unless),
        };
        Phrases::new(&[wording])
            .find(text)
            .of(0)
            .map(str::to_owned)
            .collect()
    }

    #[test]
    fn a_phrase_is_found_as_it_stands_in_the_text() {
        assert_eq!(found(&["sev 1"], &[], "A Sev-1 is open"), ["sev-1"]);
        assert_eq!(
            found(&["can't sign in"], &[], "Users can’t sign in."),
            ["can't sign in"]
        );
    }

    #[test]
    fn words_are_matched_whole_unless_the_pattern_is_open() {
        assert!(found(&["bug"], &[], "debugging bugs").is_empty());
        assert_eq!(found(&["outage*"], &[], "two outages"), ["outages"]);
    }

    #[test]
    fn the_longer_phrase_wins() {
        assert!(found(&["error"], &["error budget"], "an error budget").is_empty());
        assert_eq!(
            found(&["error"], &["error budget"], "an error, budget spent"),
            Vec::<String>::new()
        );
        assert_eq!(
            found(&["error"], &["error budget"], "an error. Budget spent"),
            ["error"]
        );
    }

    #[test]
    fn a_phrase_does_not_reach_over_the_end_of_a_sentence() {
        assert!(found(&["is down"], &[], "This is. Down below").is_empty());
    }

    #[test]
    fn a_word_that_is_said_twice_is_named_once() {
        assert_eq!(found(&["outage"], &[], "outage, outage"), ["outage"]);
    }

    #[test]
    fn other_scripts_are_read_too() {
        assert_eq!(found(&["störung*"], &[], "Große STÖRUNGEN"), ["störungen"]);
        assert!(found(&["outage"], &[], "İstanbul 東京 \u{0}\u{1F600}").is_empty());
    }
}
