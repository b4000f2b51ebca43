//! Reads that are the same and asked for at one moment, done once for all who ask.
//!
//! Dashboards that show the same list ask for it again and again. While one of such reads runs, those who come
//! wait for its end, and then one of them reads for all of them. So an answer is never older than the question:
//! who shares a read was there before it began.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::oneshot;

/// What those who wait for the read before are told.
enum Turn<V> {
    /// What was read for them.
    Read(Arc<V>),
    /// That it is on them to read, for these too.
    Lead(Vec<Waiting<V>>),
}

type Waiting<V> = oneshot::Sender<Turn<V>>;

/// Reads that are under way, each with those who came meanwhile.
pub struct Alike<K, V> {
    under_way: Mutex<HashMap<K, Vec<Waiting<V>>>>,
}

impl<K, V> Default for Alike<K, V> {
    fn default() -> Self {
        Self {
            under_way: Mutex::default(),
        }
    }
}

impl<K: Clone + Eq + Hash, V> Alike<K, V> {
    /// What `read` finds, called now or soon by this caller or by one with the same key.
    ///
    /// # Errors
    /// Those of `read`, of which each caller has its own.
    pub async fn get<E>(&self, key: K, read: impl AsyncFn() -> Result<V, E>) -> Result<Arc<V>, E> {
        let others = match self.join(&key) {
            None => Vec::new(),
            Some(turn) => match turn.await {
                Ok(Turn::Read(value)) => return Ok(value),
                Ok(Turn::Lead(others)) => others,
                // Who was to read failed, or went away.
                Err(_) => return read().await.map(Arc::new),
            },
        };
        // Whatever becomes of this read, those who came meanwhile go on.
        let _next = Next { alike: self, key };
        let value = Arc::new(read().await?);
        for other in others {
            // Who does not wait any more needs nothing.
            let _ = other.send(Turn::Read(Arc::clone(&value)));
        }
        Ok(value)
    }

    /// A place among those who wait; `None` where no such read is under way.
    fn join(&self, key: &K) -> Option<oneshot::Receiver<Turn<V>>> {
        let mut under_way = self
            .under_way
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(waiting) = under_way.get_mut(key) {
            let (sender, turn) = oneshot::channel();
            waiting.push(sender);
            return Some(turn);
        }
        under_way.insert(key.clone(), Vec::new());
        None
    }
}

/// Passes the read on when it is dropped.
struct Next<'a, K: Clone + Eq + Hash, V> {
    alike: &'a Alike<K, V>,
    key: K,
}

impl<K: Clone + Eq + Hash, V> Drop for Next<'_, K, V> {
    fn drop(&mut self) {
        let mut under_way = self
            .alike
            .under_way
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let mut waiting = under_way
            .get_mut(&self.key)
            .map(std::mem::take)
            .unwrap_or_default();
        while let Some(first) = waiting.pop() {
            match first.send(Turn::Lead(waiting)) {
                Ok(()) => return,
                // Gone: the next one then.
                Err(Turn::Lead(others)) => waiting = others,
                Err(Turn::Read(_)) => return,
            }
        }
        under_way.remove(&self.key);
    }
}

#[cfg(test)]
mod tests {
    use std::cell::{Cell, RefCell};
    use std::rc::Rc;

    use futures_util::future::{join_all, poll_immediate};
    use tokio::sync::Semaphore;

    use super::*;

    /// Reads that run until they are let through, and are counted.
    struct Reads {
        alike: Alike<&'static str, usize>,
        begun: Cell<usize>,
        gate: Semaphore,
        failing: RefCell<Vec<usize>>,
    }

    impl Reads {
        fn new() -> Rc<Self> {
            Rc::new(Self {
                alike: Alike::default(),
                begun: Cell::new(0),
                gate: Semaphore::new(0),
                failing: RefCell::default(),
            })
        }

        async fn get(self: Rc<Self>, key: &'static str) -> Result<usize, usize> {
            let read = async || {
                self.begun.set(self.begun.get() + 1);
                let number = self.begun.get();
                self.gate.acquire().await.unwrap().forget();
                if self.failing.borrow().contains(&number) {
                    Err(number)
                } else {
                    Ok(number)
                }
            };
            self.alike.get(key, read).await.map(|value| *value)
        }
    }

    #[tokio::test]
    async fn those_who_come_while_it_is_read_share_the_next_read_and_not_this_one() {
        let reads = Reads::new();
        let mut first = Box::pin(Rc::clone(&reads).get("list"));
        assert_eq!(poll_immediate(&mut first).await, None);
        let mut later: Vec<_> = (0..5)
            .map(|_| Box::pin(Rc::clone(&reads).get("list")))
            .collect();
        for one in &mut later {
            assert_eq!(poll_immediate(one).await, None);
        }
        let mut other = Box::pin(Rc::clone(&reads).get("another list"));
        assert_eq!(poll_immediate(&mut other).await, None);
        assert_eq!(reads.begun.get(), 2, "another list does not wait");
        reads.gate.add_permits(10);
        assert_eq!(first.await, Ok(1));
        assert_eq!(join_all(later).await, [Ok(3); 5]);
        assert_eq!(other.await, Ok(2));
        assert_eq!(reads.get("list").await, Ok(4), "nothing is left behind");
    }

    #[tokio::test]
    async fn who_goes_away_or_fails_takes_nobody_along() {
        let reads = Reads::new();
        let mut first = Box::pin(Rc::clone(&reads).get("list"));
        let mut later: Vec<_> = (0..4)
            .map(|_| Box::pin(Rc::clone(&reads).get("list")))
            .collect();
        assert_eq!(poll_immediate(&mut first).await, None);
        for one in &mut later {
            assert_eq!(poll_immediate(one).await, None);
        }
        // The last one is to read next, and is not there any more; then one fails.
        drop(later.pop());
        drop(first);
        reads.failing.borrow_mut().push(2);
        reads.gate.add_permits(10);
        let mut ends = join_all(later).await;
        ends.sort_unstable_by_key(|end| end.is_ok());
        assert_eq!(ends[0], Err(2));
        assert!(ends[1..].iter().all(Result::is_ok), "{ends:?}");
        assert!(reads.alike.under_way.lock().unwrap().is_empty());
    }
}
