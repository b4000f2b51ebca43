//! Times as answers tell them: the text that chrono makes of them, put together digit by digit. By chrono's own
//! way, a character at a time through the formatter, the three times of each line were a tenth of what a list costs.

use chrono::{DateTime, Datelike, Timelike, Utc};
use serde::{Serialize, Serializer};

/// Writes a time like `2026-11-20T09:30:00.123456Z`: to the second where it is a full one, else with as many
/// thousands as it needs.
pub(super) fn serialize<S: Serializer>(
    at: &DateTime<Utc>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let mut letters = Letters::default();
    match letters.put(at) {
        Some(()) => serializer.serialize_str(letters.text()),
        None => at.serialize(serializer),
    }
}

/// Room for the longest: date, time, nine digits after the second, `Z`.
#[derive(Default)]
struct Letters {
    bytes: [u8; 30],
    used: usize,
}

impl Letters {
    /// `None` where the year has not four digits, or the second is one that was put in: rare enough for chrono.
    fn put(&mut self, at: &DateTime<Utc>) -> Option<()> {
        let year = u32::try_from(at.year())
            .ok()
            .filter(|year| *year < 10_000)?;
        let nanoseconds = Some(at.nanosecond()).filter(|within| *within < 1_000_000_000)?;
        self.number(year, 4);
        for (before, part) in [
            (b'-', at.month()),
            (b'-', at.day()),
            (b'T', at.hour()),
            (b':', at.minute()),
            (b':', at.second()),
        ] {
            self.letter(before);
            self.number(part, 2);
        }
        if nanoseconds > 0 {
            self.letter(b'.');
            match (nanoseconds % 1_000_000, nanoseconds % 1_000) {
                (0, _) => self.number(nanoseconds / 1_000_000, 3),
                (_, 0) => self.number(nanoseconds / 1_000, 6),
                _ => self.number(nanoseconds, 9),
            }
        }
        self.letter(b'Z');
        Some(())
    }

    fn letter(&mut self, letter: u8) {
        self.bytes[self.used] = letter;
        self.used += 1;
    }

    /// A number in so many digits.
    fn number(&mut self, number: u32, digits: usize) {
        let mut rest = number;
        for place in (self.used..self.used + digits).rev() {
            let digit = u8::try_from(rest % 10).unwrap_or_default();
            self.bytes[place] = b'0' + digit;
            rest /= 10;
        }
        self.used += digits;
    }

    fn text(&self) -> &str {
        std::str::from_utf8(&self.bytes[..self.used]).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Serialize)]
    struct Line {
        #[serde(serialize_with = "serialize")]
        at: DateTime<Utc>,
    }

    #[test]
    fn a_time_is_told_as_chrono_tells_it() {
        for (seconds, nanoseconds) in [
            (0, 0),
            (1_795_772_712, 0),
            (1_795_772_712, 120_000_000),
            (1_795_772_712, 123_456_000),
            (1_795_772_712, 1_000),
            (1_795_772_712, 1),
            (1_795_772_712, 999_999_999),
            // 29 February, and the ends of what four digits tell
            (951_782_399, 7_000_000),
            (253_402_300_799, 999_999_000),
            (253_402_300_800, 0),
            (-62_167_219_200, 0),
            (-62_167_219_201, 5_000),
            // a second that was put in
            (1_483_228_799, 1_500_000_000),
        ] {
            let at = DateTime::from_timestamp(seconds, nanoseconds).unwrap();
            let by_chrono = serde_json::json!({ "at": at });
            let here = serde_json::to_value(Line { at }).unwrap();
            assert_eq!(here, by_chrono);
        }
    }
}
