//! A bucket of tokens that fills itself at an even pace.
//!
//! All that is kept is the moment at which the bucket will be full again: taking a token moves it
//! later, giving one back moves it earlier. The time is always given, so that tests can set it.

use std::fmt;
use std::str::FromStr;
use std::time::{Duration, Instant};

/// More than this in one window is no limit any more.
const MOST: u32 = 1_000_000;
const LONGEST_WINDOW: Duration = Duration::from_secs(24 * 60 * 60);

/// So many in so much time: `600/60s`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    count: u32,
    window: Duration,
}

/// Why a text is no [`Rate`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("write a number from 1 to 1000000, a slash and a time from 1s to 24h, such as 600/60s")]
pub struct BadRate;

impl Rate {
    /// `count` in `window`; `None` unless there are 1 to 1,000,000 in a second to a day.
    pub fn new(count: u32, window: Duration) -> Option<Self> {
        let good = (1..=MOST).contains(&count)
            && (Duration::from_secs(1)..=LONGEST_WINDOW).contains(&window);
        good.then_some(Self { count, window })
    }

    /// How many.
    pub fn count(self) -> u32 {
        self.count
    }

    /// In how much time.
    pub fn window(self) -> Duration {
        self.window
    }

    /// The time in which one token grows.
    fn pace(self) -> Duration {
        self.window / self.count
    }

    /// What a full bucket is worth in time.
    fn full(self) -> Duration {
        self.pace() * self.count
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/{}s", self.count, self.window.as_secs())
    }
}

impl FromStr for Rate {
    type Err = BadRate;

    fn from_str(text: &str) -> Result<Self, BadRate> {
        read(text).ok_or(BadRate)
    }
}

fn read(text: &str) -> Option<Rate> {
    let (count, window) = text.split_once('/')?;
    let window = window.trim();
    let amount = window.trim_end_matches(char::is_alphabetic);
    let unit: u64 = match &window[amount.len()..] {
        "" | "s" => 1,
        "m" => 60,
        "h" => 60 * 60,
        _ => return None,
    };
    let seconds = amount.parse::<u64>().ok()?.checked_mul(unit)?;
    Rate::new(count.trim().parse().ok()?, Duration::from_secs(seconds))
}

/// The tokens one caller has left.
#[derive(Clone, Copy, Debug, Default)]
pub struct Bucket {
    /// When it is full again; `None` where it never was anything else.
    full_at: Option<Instant>,
}

impl Bucket {
    /// What is missing, as the time it takes to grow.
    fn missing(self, now: Instant) -> Duration {
        self.full_at
            .map_or(Duration::ZERO, |at| at.saturating_duration_since(now))
    }

    /// Whether nothing is missing.
    pub fn is_full(self, now: Instant) -> bool {
        self.missing(now).is_zero()
    }

    /// Tokens that can be taken at once.
    pub fn left(self, rate: Rate, now: Instant) -> u32 {
        let there = rate.full().saturating_sub(self.missing(now));
        u32::try_from(there.as_nanos() / rate.pace().as_nanos()).unwrap_or(rate.count)
    }

    /// Time until there is one token more than now; zero where it is full.
    pub fn grows_in(self, rate: Rate, now: Instant) -> Duration {
        if self.is_full(now) {
            return Duration::ZERO;
        }
        let missing_then = rate
            .full()
            .saturating_sub(rate.pace() * self.left(rate, now).saturating_add(1));
        self.missing(now).saturating_sub(missing_then)
    }

    /// Takes a token. [Look](Self::left) first: an empty bucket goes into debt.
    pub fn take(&mut self, rate: Rate, now: Instant) {
        self.full_at = now.checked_add(self.missing(now) + rate.pace());
    }

    /// Undoes a [`take`](Self::take).
    pub fn give_back(&mut self, rate: Rate, now: Instant) {
        self.full_at = now.checked_add(self.missing(now).saturating_sub(rate.pace()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rate(text: &str) -> Rate {
        text.parse().unwrap()
    }

    #[test]
    fn a_bucket_empties_token_by_token_and_fills_at_an_even_pace() {
        let (rate, start) = (rate("3/60s"), Instant::now());
        let mut bucket = Bucket::default();
        for left in [3, 2, 1] {
            assert_eq!(bucket.left(rate, start), left);
            bucket.take(rate, start);
        }
        let after = |seconds| start + Duration::from_secs(seconds);
        assert_eq!(bucket.left(rate, start), 0);
        assert_eq!(bucket.grows_in(rate, start), Duration::from_secs(20));
        assert_eq!(bucket.left(rate, after(19)), 0);
        assert_eq!(bucket.grows_in(rate, after(19)), Duration::from_secs(1));
        assert_eq!(bucket.left(rate, after(20)), 1);
        assert_eq!(bucket.left(rate, after(59)), 2);
        assert!(!bucket.is_full(after(59)) && bucket.is_full(after(60)));
        assert_eq!(
            bucket.left(rate, after(600)),
            3,
            "it never holds more than it is made for"
        );
        assert_eq!(bucket.grows_in(rate, after(600)), Duration::ZERO);
    }

    #[test]
    fn a_token_that_is_given_back_can_be_taken_again() {
        let (rate, now) = (rate("2/10s"), Instant::now());
        let mut bucket = Bucket::default();
        bucket.take(rate, now);
        bucket.take(rate, now);
        bucket.give_back(rate, now);
        assert_eq!(bucket.left(rate, now), 1);
        bucket.give_back(rate, now);
        bucket.give_back(rate, now);
        assert_eq!(bucket.left(rate, now), 2, "never more than fits");
    }

    #[test]
    fn rates_that_do_not_divide_the_window_still_hold_what_they_say() {
        for text in ["7/60s", "999999/1s", "1/1s", "1000000/24h", "13/1m"] {
            let (rate, now) = (rate(text), Instant::now());
            let mut bucket = Bucket::default();
            assert_eq!(bucket.left(rate, now), rate.count(), "{text}");
            bucket.take(rate, now);
            assert_eq!(bucket.left(rate, now), rate.count() - 1, "{text}");
        }
    }

    #[test]
    fn a_rate_is_a_number_and_a_time() {
        assert_eq!(rate("600/60s").to_string(), "600/60s");
        assert_eq!(rate("600/1m"), rate("600/60"));
        assert_eq!(rate("1/24h").window(), Duration::from_secs(86_400));
        for bad in [
            "",
            "600",
            "/60s",
            "0/60s",
            "600/0s",
            "600/60x",
            "-1/60s",
            "1.5/60s",
            "600/25h",
            "1000001/1s",
            "600/60s/2",
            "1/999999999999999999h",
        ] {
            assert_eq!(bad.parse::<Rate>(), Err(BadRate), "{bad}");
        }
    }
}
