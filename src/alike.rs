//! Reads that are the same and asked for at one moment, done once for all who ask.
//!
//! Dashboards that show the same list ask for it again and again. While one of such reads runs, those who come
//! wait for its end, and then one of them reads for all of them. So an answer is never older than the question:
//! who shares a read was there before it began.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

/// What those who wait for the read before are told.
enum Turn<K: Eq + Hash, V> {
    /// What was read for them.
    Read(Arc<V>),
    /// That it is on them to read, for these too.
    Lead(Lead<K, V>, Vec<Waiting<K, V>>),
}

type Waiting<K, V> = oneshot::Sender<Turn<K, V>>;

/// Reads that are under way, each with those who came meanwhile.
type UnderWay<K, V> = Mutex<HashMap<K, Vec<Waiting<K, V>>>>;

/// Reads that are done once for all who ask for the same.
pub struct Alike<K: Eq + Hash, V> {
    under_way: Arc<UnderWay<K, V>>,
}

impl<K: Eq + Hash, V> Default for Alike<K, V> {
    fn default() -> Self {
        Self {
            under_way: Arc::default(),
        }
    }
}

impl<K: Clone + Eq + Hash, V> Alike<K, V> {
    /// What `read` finds, run now or soon by this caller or by one with the same key.
    ///
    /// # Errors
    /// Those of `read`, of which each caller has its own.
    pub async fn get<E>(
        &self,
        key: K,
        read: impl Future<Output = Result<V, E>>,
    ) -> Result<Arc<V>, E> {
        let (lead, others) = match self.join(key) {
            Place::First(lead) => (lead, Vec::new()),
            Place::Waiting(turn) => match turn.await {
                Ok(Turn::Read(value)) => return Ok(value),
                Ok(Turn::Lead(lead, others)) => (lead, others),
                // Who was to read failed, or went away.
                Err(_) => return read.await.map(Arc::new),
            },
        };
        let value = Arc::new(read.await?);
        for other in others {
            // Who does not wait any more needs nothing.
            let _ = other.send(Turn::Read(Arc::clone(&value)));
        }
        drop(lead);
        Ok(value)
    }

    fn join(&self, key: K) -> Place<K, V> {
        let mut under_way = locked(&self.under_way);
        if let Some(waiting) = under_way.get_mut(&key) {
            let (sender, turn) = oneshot::channel();
            waiting.push(sender);
            return Place::Waiting(turn);
        }
        under_way.insert(key.clone(), Vec::new());
        Place::First(Lead {
            under_way: Arc::clone(&self.under_way),
            key: Some(key),
        })
    }
}

/// Where a caller stands.
enum Place<K: Eq + Hash, V> {
    /// No such read is under way.
    First(Lead<K, V>),
    /// One is, and this one waits for its end.
    Waiting(oneshot::Receiver<Turn<K, V>>),
}

/// It is on who has this to read. Whatever becomes of that, when this is dropped it is on one of those who came
/// meanwhile.
struct Lead<K: Eq + Hash, V> {
    under_way: Arc<UnderWay<K, V>>,
    /// None once somebody else leads.
    key: Option<K>,
}

impl<K: Eq + Hash, V> Drop for Lead<K, V> {
    fn drop(&mut self) {
        while let Some(key) = self.key.take() {
            let mut under_way = locked(&self.under_way);
            let mut waiting = under_way
                .get_mut(&key)
                .map(std::mem::take)
                .unwrap_or_default();
            let Some(last) = waiting.pop() else {
                under_way.remove(&key);
                return;
            };
            drop(under_way);
            let lead = Self {
                under_way: Arc::clone(&self.under_way),
                key: Some(key),
            };
            if let Err(Turn::Lead(mut lead, others)) = last.send(Turn::Lead(lead, waiting)) {
                // Gone: another one then.
                self.key = lead.key.take();
                let mut under_way = locked(&self.under_way);
                if let Some(waiting) = self.key.as_ref().and_then(|key| under_way.get_mut(key)) {
                    waiting.extend(others);
                }
            }
        }
    }
}

fn locked<K, V>(under_way: &UnderWay<K, V>) -> MutexGuard<'_, HashMap<K, Vec<Waiting<K, V>>>>
where
    K: Eq + Hash,
{
    under_way.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::cell::{Cell, RefCell};
    use std::pin::Pin;
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
            let read = async {
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

    type Asking = Pin<Box<dyn Future<Output = Result<usize, usize>>>>;

    /// One who asks for the list, which is being read from now on or waited for.
    async fn asking(reads: &Rc<Reads>) -> Asking {
        let mut one: Asking = Box::pin(Rc::clone(reads).get("list"));
        assert_eq!(poll_immediate(&mut one).await, None);
        one
    }

    /// One for whom it is read, and so many who came meanwhile.
    async fn under_way(reads: &Rc<Reads>, more: usize) -> (Asking, Vec<Asking>) {
        let first = asking(reads).await;
        let mut later = Vec::new();
        for _ in 0..more {
            later.push(asking(reads).await);
        }
        (first, later)
    }

    #[tokio::test]
    async fn those_who_come_while_it_is_read_share_the_next_read_and_not_this_one() {
        let reads = Reads::new();
        let (first, later) = under_way(&reads, 5).await;
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
        let (first, mut later) = under_way(&reads, 4).await;
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

    #[tokio::test]
    async fn who_goes_away_when_it_was_just_told_to_read_leaves_that_to_others() {
        let reads = Reads::new();
        let (first, mut later) = under_way(&reads, 3).await;
        reads.gate.add_permits(10);
        assert_eq!(first.await, Ok(1));
        // The last one leads by now, and is gone before it finds out.
        let late = asking(&reads).await;
        drop(later.pop());
        let (ends, late) = (join_all(later).await, late.await);
        assert!(ends.iter().all(Result::is_ok) && late.is_ok(), "{ends:?}");
        assert!(reads.alike.under_way.lock().unwrap().is_empty());
    }
}
