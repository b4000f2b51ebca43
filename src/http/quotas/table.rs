//! A table of buckets that forgets those nobody has drawn from lately.

use std::borrow::Borrow;
use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

/// The first sweep comes when there are so many.
const FIRST_SWEEP: usize = 1_024;

/// Something that need not be kept while it is as good as new.
pub(super) trait Forgettable: Default {
    /// Whether a new one would be the same.
    fn is_as_new(&self, now: Instant) -> bool;
}

/// One value for each key, made when it is first asked for.
pub(super) struct Table<K, V> {
    rows: Mutex<Rows<K, V>>,
    most: usize,
    /// Shared by all that come when the table is full.
    rest: Arc<V>,
}

struct Rows<K, V> {
    rows: HashMap<K, Arc<V>>,
    sweep_at: usize,
}

impl<K: Hash + Eq, V: Forgettable> Table<K, V> {
    /// A table of so many rows at most.
    pub fn new(most: usize) -> Self {
        Self {
            rows: Mutex::new(Rows {
                rows: HashMap::new(),
                sweep_at: FIRST_SWEEP.min(most),
            }),
            most,
            rest: Arc::default(),
        }
    }

    /// The value of a key, where there is one already.
    pub fn find(&self, key: &K) -> Option<Arc<V>> {
        let table = self.rows.lock().unwrap_or_else(PoisonError::into_inner);
        if table.rows.len() >= self.most {
            return Some(Arc::clone(table.rows.get(key).unwrap_or(&self.rest)));
        }
        table.rows.get(key).map(Arc::clone)
    }

    /// The value of a key.
    pub fn of<Q>(&self, key: &Q, now: Instant) -> Arc<V>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ToOwned<Owned = K> + ?Sized,
    {
        let mut table = self.rows.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(value) = table.rows.get(key) {
            return Arc::clone(value);
        }
        if table.rows.len() >= table.sweep_at {
            // Whoever uses a value holds it, and gets it only through this lock.
            table
                .rows
                .retain(|_, value| Arc::strong_count(value) > 1 || !value.is_as_new(now));
            table.sweep_at = (table.rows.len() * 2).max(FIRST_SWEEP).min(self.most);
        }
        if table.rows.len() >= self.most {
            return Arc::clone(&self.rest);
        }
        let value = Arc::<V>::default();
        table.rows.insert(key.to_owned(), Arc::clone(&value));
        value
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;

    #[derive(Default)]
    struct Used(AtomicBool);

    impl Forgettable for Used {
        fn is_as_new(&self, _: Instant) -> bool {
            !self.0.load(Ordering::Relaxed)
        }
    }

    fn count(table: &Table<u32, Used>) -> usize {
        table.rows.lock().unwrap().rows.len()
    }

    #[test]
    fn what_is_idle_is_forgotten_and_what_is_used_or_held_is_kept() {
        let (table, now) = (Table::<u32, Used>::new(10_000), Instant::now());
        table.of(&1, now).0.store(true, Ordering::Relaxed);
        let held = table.of(&2, now);
        for key in 3..20_000 {
            drop(table.of(&key, now));
        }
        assert!(count(&table) <= FIRST_SWEEP, "{}", count(&table));
        assert!(table.find(&1).is_some_and(|used| !used.is_as_new(now)));
        assert!(Arc::ptr_eq(&held, &table.of(&2, now)));
    }

    #[test]
    fn a_full_table_grows_no_further_and_newcomers_share_a_row() {
        let (table, now) = (Table::<u32, Used>::new(3), Instant::now());
        for key in 0..3 {
            table.of(&key, now).0.store(true, Ordering::Relaxed);
        }
        assert!(Arc::ptr_eq(&table.of(&7, now), &table.of(&8, now)));
        assert_eq!(count(&table), 3);
    }
}
