//! Counts and times of answers, by status.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use serde_json::{Value, json};

/// Shared by the tasks of one thread.
#[derive(Clone, Default)]
pub struct Tally(Rc<RefCell<Counts>>);

#[derive(Default)]
struct Counts {
    times: BTreeMap<u16, Vec<u32>>,
    broken: usize,
}

impl Tally {
    /// An answer with this status came after this time.
    pub fn answered(&self, status: u16, after: Duration) {
        let micros = u32::try_from(after.as_micros()).unwrap_or(u32::MAX);
        self.0
            .borrow_mut()
            .times
            .entry(status)
            .or_default()
            .push(micros);
    }

    /// No answer came.
    pub fn broken(&self) {
        self.0.borrow_mut().broken += 1;
    }

    /// Counts and times in milliseconds by status, and how many got no answer.
    pub fn report(&self) -> Value {
        let mut counts = self.0.borrow_mut();
        let by_status: BTreeMap<String, Value> = counts
            .times
            .iter_mut()
            .map(|(status, times)| {
                times.sort_unstable();
                let summary = json!({
                    "count": times.len(),
                    "p50_ms": quantile(times, 50),
                    "p99_ms": quantile(times, 99),
                });
                (status.to_string(), summary)
            })
            .collect();
        json!({ "by_status": by_status, "broken": counts.broken })
    }
}

fn quantile(sorted: &[u32], percent: usize) -> f64 {
    let place = (sorted.len() * percent / 100).min(sorted.len().saturating_sub(1));
    sorted
        .get(place)
        .map_or(0.0, |micros| f64::from(*micros) / 1_000.0)
}
