//! The issuer's keys, held in memory: fetched now and then, never for each request.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::watch;

use super::discovery::{FetchError, Source};
use super::keyset::KeySet;
use crate::clock::Clock;

/// Keys older than this are fetched anew, while requests go on with those that are there.
const REFRESH_AFTER: TimeDelta = TimeDelta::minutes(10);

/// Requests wait for an attempt at new keys when those that are there are older than this, as they
/// are after a quiet night: a key that was withdrawn meanwhile must not open anything.
const WAIT_AFTER: TimeDelta = TimeDelta::minutes(20);

/// Keys are used for this long while the issuer can't be reached.
const KEPT_FOR: TimeDelta = TimeDelta::hours(24);

/// An issuer that can't be reached is asked again after this time, and a key that nobody has heard
/// of makes it be asked once in this time.
const ATTEMPT_EVERY: TimeDelta = TimeDelta::seconds(30);

/// The same while there are no keys at all, as when the service starts before the issuer.
const FIRST_ATTEMPT_EVERY: TimeDelta = TimeDelta::seconds(5);

/// Holds the keys and decides when to fetch them. One fetch runs at a time, on a thread of its own.
pub struct KeyCache {
    source: Source,
    clock: Clock,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    held: Option<Held>,
    /// When the last attempt began, whatever came of it.
    attempted_at: Option<DateTime<Utc>>,
    /// When an unknown key last led to one.
    asked_at: Option<DateTime<Utc>>,
    /// The attempt that is under way: closed when it is over.
    flight: Option<watch::Receiver<()>>,
}

struct Held {
    keys: Arc<KeySet>,
    fetched_at: DateTime<Utc>,
}

/// What a request does about its key.
#[derive(Debug, PartialEq)]
enum Course {
    /// Goes on with the keys that are there.
    Use,
    /// Does so too, and new keys are fetched meanwhile.
    UseAndFetch,
    /// Waits for the fetch that is under way.
    Join,
    /// Waits for a fetch.
    Fetch,
    /// The same, and no other unknown key leads to one for a while.
    FetchForUnknown,
}

impl KeyCache {
    /// Holds no keys yet.
    pub fn new(source: Source, clock: Clock) -> Self {
        Self {
            source,
            clock,
            state: Mutex::default(),
        }
    }

    /// The keys among which the one of this id has to be; `None` where the issuer could not be
    /// reached for too long.
    pub async fn keys_for(self: &Arc<Self>, id: Option<&str>) -> Option<Arc<KeySet>> {
        let flight = {
            let now = self.clock.now();
            let mut state = self.lock();
            let course = state.course(id, now);
            match course {
                Course::Use => None,
                Course::UseAndFetch => {
                    self.depart(&mut state, now);
                    None
                }
                Course::Join => state.flight.clone(),
                Course::Fetch => Some(self.depart(&mut state, now)),
                Course::FetchForUnknown => {
                    state.asked_at = Some(now);
                    Some(self.depart(&mut state, now))
                }
            }
        };
        if let Some(mut flight) = flight {
            // An error says that the attempt is over, which is what is waited for.
            let _ = flight.changed().await;
        }
        self.lock().keys(self.clock.now()).cloned()
    }

    /// Starts an attempt that ends whether or not anybody waits for it.
    fn depart(self: &Arc<Self>, state: &mut State, now: DateTime<Utc>) -> watch::Receiver<()> {
        let (over, flight) = watch::channel(());
        state.attempted_at = Some(now);
        state.flight = Some(flight.clone());
        let cache = Arc::clone(self);
        tokio::spawn(async move {
            let fetching = Arc::clone(&cache);
            let fetched = tokio::task::spawn_blocking(move || fetching.source.fetch()).await;
            match fetched {
                Ok(fetched) => cache.land(fetched),
                Err(error) => tracing::error!(%error, "fetching the issuer's keys broke off"),
            }
            drop(over);
        });
        flight
    }

    fn land(&self, fetched: Result<KeySet, FetchError>) {
        match fetched {
            Ok(keys) => {
                tracing::debug!("fetched the issuer's keys");
                self.lock().held = Some(Held {
                    keys: Arc::new(keys),
                    fetched_at: self.clock.now(),
                });
            }
            Err(error) => tracing::warn!(%error, "the issuer's keys can't be fetched"),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn course(&self, id: Option<&str>, now: DateTime<Utc>) -> Course {
        // The task of an attempt may have gone down with its runtime, which closes the channel too.
        let under_way = self
            .flight
            .as_ref()
            .is_some_and(|flight| flight.has_changed().is_ok());
        let keys = self.keys(now);
        let age = self.held.as_ref().map(|held| since(held.fetched_at, now));
        let pause = match keys {
            Some(_) => ATTEMPT_EVERY,
            None => FIRST_ATTEMPT_EVERY,
        };
        let may_attempt = self.attempted_at.is_none_or(|at| since(at, now) >= pause);
        let may_ask = self
            .asked_at
            .is_none_or(|at| since(at, now) >= ATTEMPT_EVERY);
        let must_wait = age.is_none_or(|age| age > WAIT_AFTER);
        let is_due = age.is_none_or(|age| age > REFRESH_AFTER) && may_attempt;
        let is_known = keys.is_some_and(|keys| id.is_none() || keys.knows(id));
        match (keys, under_way) {
            (Some(_), true) if is_known && !must_wait => Course::Use,
            (_, true) => Course::Join,
            (None, false) if may_attempt => Course::Fetch,
            (None, false) => Course::Use,
            (Some(_), false) if is_due && must_wait => Course::Fetch,
            (Some(_), false) if is_known && is_due => Course::UseAndFetch,
            (Some(_), false) if is_known || !may_ask => Course::Use,
            (Some(_), false) => Course::FetchForUnknown,
        }
    }

    fn keys(&self, now: DateTime<Utc>) -> Option<&Arc<KeySet>> {
        self.held
            .as_ref()
            .filter(|held| since(held.fetched_at, now) <= KEPT_FOR)
            .map(|held| &held.keys)
    }
}

/// The time between; a clock that was set back must not make anything look fresh for long.
fn since(then: DateTime<Utc>, now: DateTime<Utc>) -> TimeDelta {
    (now - then).abs()
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEYS: &str = r#"{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"known",
        "x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_800_000_000 + seconds, 0).unwrap()
    }

    /// Keys that were fetched at 0.
    fn fetched() -> State {
        State {
            held: Some(Held {
                keys: Arc::new(KeySet::read(KEYS.as_bytes()).unwrap()),
                fetched_at: at(0),
            }),
            attempted_at: Some(at(0)),
            asked_at: None,
            flight: None,
        }
    }

    #[test]
    fn keys_are_fetched_anew_every_ten_minutes_without_anybody_waiting() {
        let state = fetched();
        for (seconds, course) in [
            (0, Course::Use),
            (600, Course::Use),
            (601, Course::UseAndFetch),
            (1_200, Course::UseAndFetch),
            (1_201, Course::Fetch),
        ] {
            assert_eq!(
                state.course(Some("known"), at(seconds)),
                course,
                "{seconds}"
            );
            assert_eq!(state.course(None, at(seconds)), course, "{seconds}");
        }
    }

    #[test]
    fn the_last_good_keys_last_a_day_of_attempts_every_half_minute() {
        let mut state = fetched();
        for (attempted, seconds, course) in [
            (700, 729, Course::Use),
            (700, 730, Course::UseAndFetch),
            (5_000, 5_029, Course::Use),
            (5_000, 5_030, Course::Fetch),
            (86_400, 86_400, Course::Use),
            (86_400, 86_404, Course::Use),
            (86_400, 86_405, Course::Fetch),
        ] {
            state.attempted_at = Some(at(attempted));
            assert_eq!(
                state.course(Some("known"), at(seconds)),
                course,
                "{seconds}"
            );
        }
        assert!(state.keys(at(86_400)).is_some());
        assert!(state.keys(at(86_401)).is_none());
    }

    #[test]
    fn an_unknown_key_leads_to_one_fetch_per_half_minute() {
        let mut state = fetched();
        assert_eq!(
            state.course(Some("unknown"), at(0)),
            Course::FetchForUnknown
        );
        state.asked_at = Some(at(0));
        assert_eq!(state.course(Some("unknown"), at(29)), Course::Use);
        assert_eq!(
            state.course(Some("unknown"), at(30)),
            Course::FetchForUnknown
        );
        assert_eq!(state.course(Some("known"), at(29)), Course::Use);
    }

    #[test]
    fn while_keys_are_fetched_only_those_wait_who_need_them() {
        let (over, flight) = watch::channel(());
        let mut state = State {
            flight: Some(flight),
            ..fetched()
        };
        assert_eq!(state.course(Some("known"), at(601)), Course::Use);
        assert_eq!(state.course(Some("unknown"), at(0)), Course::Join);
        assert_eq!(state.course(Some("known"), at(1_201)), Course::Join);
        state.held = None;
        assert_eq!(state.course(Some("known"), at(0)), Course::Join);
        drop(over);
        assert_eq!(state.course(Some("known"), at(5)), Course::Fetch);
    }

    #[test]
    fn a_clock_that_is_set_back_takes_no_keys_away() {
        let state = fetched();
        assert_eq!(state.course(Some("known"), at(-1)), Course::Use);
        assert_eq!(state.course(Some("known"), at(-601)), Course::UseAndFetch);
    }
}
