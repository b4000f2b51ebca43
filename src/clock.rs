//! The time and the ids of the service: the one place that asks the machine for either.

use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, Utc};
use uuid::{ContextV7, Timestamp, Uuid};

/// Tells the time and makes ids that agree with it. Clones share one source.
#[derive(Clone, Debug, Default)]
pub struct Clock {
    fixed: Option<Arc<Fixed>>,
}

#[derive(Debug)]
struct Fixed {
    now: Mutex<DateTime<Utc>>,
    ids: Mutex<ContextV7>,
}

impl Clock {
    /// The clock of the machine.
    pub fn real() -> Self {
        Self::default()
    }

    /// A clock that stands still until it is [set](Self::set).
    pub fn fixed(now: DateTime<Utc>) -> Self {
        let fixed = Fixed {
            now: Mutex::new(now),
            ids: Mutex::new(ContextV7::new()),
        };
        Self {
            fixed: Some(Arc::new(fixed)),
        }
    }

    /// Moves a fixed clock; the real one can't be moved and stays as it is.
    pub fn set(&self, now: DateTime<Utc>) {
        if let Some(fixed) = &self.fixed {
            *fixed.now.lock().unwrap_or_else(PoisonError::into_inner) = now;
        }
    }

    /// The time, to the microsecond: what Postgres keeps.
    pub fn now(&self) -> DateTime<Utc> {
        let now = match &self.fixed {
            Some(fixed) => *fixed.now.lock().unwrap_or_else(PoisonError::into_inner),
            None => real_now(),
        };
        DateTime::from_timestamp_micros(now.timestamp_micros()).unwrap_or(now)
    }

    /// A new id, a version 7 UUID; ids of one process sort in the order they were made.
    pub fn new_id(&self) -> Uuid {
        let Some(fixed) = &self.fixed else {
            return real_id();
        };
        let now = *fixed.now.lock().unwrap_or_else(PoisonError::into_inner);
        let seconds = u64::try_from(now.timestamp()).unwrap_or_default();
        let ids = fixed.ids.lock().unwrap_or_else(PoisonError::into_inner);
        Uuid::new_v7(Timestamp::from_unix(
            &*ids,
            seconds,
            now.timestamp_subsec_nanos(),
        ))
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the clock is where the time comes from"
)]
fn real_now() -> DateTime<Utc> {
    Utc::now()
}

#[expect(
    clippy::disallowed_methods,
    reason = "the clock is where ids come from"
)]
fn real_id() -> Uuid {
    Uuid::now_v7()
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    #[test]
    fn a_fixed_clock_moves_only_when_it_is_set() {
        let start = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
        let clock = Clock::fixed(start);
        assert_eq!(clock.now(), start);
        clock.clone().set(start + TimeDelta::hours(1));
        assert_eq!(clock.now(), start + TimeDelta::hours(1));
    }

    #[test]
    fn ids_of_one_instant_still_sort_in_the_order_they_were_made() {
        for clock in [
            Clock::real(),
            Clock::fixed(DateTime::from_timestamp(1_800_000_000, 0).unwrap()),
        ] {
            let ids: Vec<Uuid> = (0..100).map(|_| clock.new_id()).collect();
            assert!(ids.is_sorted());
            assert!(ids.iter().all(|id| id.get_version_num() == 7));
        }
    }

    #[test]
    fn times_carry_no_more_than_the_database_keeps() {
        assert_eq!(Clock::real().now().timestamp_subsec_nanos() % 1_000, 0);
    }
}
