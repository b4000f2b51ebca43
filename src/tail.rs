//! Waiting for events: one task reads what is new for all who wait, and wakes those it concerns.
//!
//! Who waits holds no database connection and asks nothing. The task looks at short intervals, and at
//! once after a commit of this process, but only while somebody waits. Being woken is a hint: whoever
//! is woken reads again and judges by what it reads.
//!
//! Nothing is missed: who waits says up to where it has read, and the task has either not come that far,
//! and will wake it, or has, and then it is woken at once.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, Semaphore, SemaphorePermit};
use uuid::Uuid;

use crate::app::App;
use crate::store::feed::{self, Filter, News, Position};
use crate::store::requests::Visibility;
use crate::store::{Connection, Plans, StoreError};

/// One caller may wait in so many places at once.
pub const PLACES_PER_CALLER: usize = 20;

/// So many may wait in this process at once.
pub const PLACES: usize = 2_000;

/// So many of those who wait may read at once; the other connections are for those who don't wait.
const TURNS: usize = 4;

/// What other instances commit is seen after this time.
const INTERVAL: Duration = Duration::from_millis(200);

/// Commits that follow each other within this time are looked at together.
const REST: Duration = Duration::from_millis(10);

/// After a failure it is tried again after this time.
const RECOVERY: Duration = Duration::from_secs(1);

/// Events looked at in one round.
const BATCH: i64 = 200;

/// What somebody waits for.
#[derive(Debug)]
pub enum Interest {
    /// Events of the feed.
    Events(Filter, Visibility),
    /// Anything that happens to this request.
    Request(Uuid),
}

impl Interest {
    fn covers(&self, news: &News) -> bool {
        match self {
            Self::Events(filter, visibility) => news.concerns(filter, visibility),
            Self::Request(id) => news.is_of(*id),
        }
    }
}

/// Why somebody can't wait now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Full {
    /// The caller waits in too many places already.
    #[error("the caller waits in too many places already")]
    ForCaller,
    /// Too many wait in this process.
    #[error("too many wait already")]
    ForAll,
}

/// Who waits, and how far the one who looks has come. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Tail(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    somebody_waits: Notify,
    turns: Semaphore,
}

#[derive(Debug, Default)]
struct State {
    places: HashMap<String, usize>,
    taken: usize,
    waiting: HashMap<u64, Waiter>,
    last_id: u64,
    /// Everything before it was looked at; `None` while nobody looks.
    seen: Option<Position>,
}

#[derive(Debug)]
struct Waiter {
    interest: Interest,
    wake: Arc<Notify>,
}

impl Default for Shared {
    fn default() -> Self {
        Self {
            state: Mutex::default(),
            somebody_waits: Notify::new(),
            turns: Semaphore::new(TURNS),
        }
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Tail {
    /// Takes a place for the caller, to read in turn and to wait.
    ///
    /// # Errors
    /// Where there is none left.
    pub fn enter(&self, subject: &str) -> Result<Place, Full> {
        let mut state = self.0.state();
        if state.taken >= PLACES {
            return Err(Full::ForAll);
        }
        let mine = state.places.entry(subject.to_owned()).or_default();
        if *mine >= PLACES_PER_CALLER {
            return Err(Full::ForCaller);
        }
        *mine += 1;
        state.taken += 1;
        drop(state);
        Ok(Place {
            shared: Arc::clone(&self.0),
            subject: subject.to_owned(),
            follows: None,
        })
    }

    /// How many places are taken.
    pub fn taken(&self) -> usize {
        self.0.state().taken
    }

    /// How many follow what is new.
    pub fn waiting(&self) -> usize {
        self.0.state().waiting.len()
    }

    /// Done as soon as somebody waits: how far has been looked.
    async fn wanted(&self) -> Position {
        loop {
            {
                let mut state = self.0.state();
                match state.seen {
                    Some(seen) if !state.waiting.is_empty() => return seen,
                    _ => state.seen = None,
                }
            }
            self.0.somebody_waits.notified().await;
        }
    }

    /// Wakes whom the news concern, and notes how far has been looked.
    fn tell(&self, news: &[News], seen: Position) {
        let mut state = self.0.state();
        for waiter in state.waiting.values() {
            if news.iter().any(|news| waiter.interest.covers(news)) {
                waiter.wake.notify_one();
            }
        }
        state.seen = Some(seen);
    }
}

/// A place among those who wait, given back when dropped.
#[derive(Debug)]
pub struct Place {
    shared: Arc<Shared>,
    subject: String,
    follows: Option<(u64, Arc<Notify>)>,
}

impl Place {
    /// A turn to read, for as long as it is kept. Those who wait are often woken together, and must
    /// not take all connections then.
    pub async fn turn(&self) -> Option<SemaphorePermit<'_>> {
        self.shared.turns.acquire().await.ok()
    }

    /// Follows what comes after the position up to which was read, from now on.
    pub fn follow(&mut self, interest: Interest, read_up_to: Position) {
        let wake = Arc::new(Notify::new());
        let mut state = self.shared.state();
        if let Some((former, _)) = &self.follows {
            state.waiting.remove(former);
        }
        state.last_id += 1;
        let id = state.last_id;
        let waiter = Waiter {
            interest,
            wake: Arc::clone(&wake),
        };
        state.waiting.insert(id, waiter);
        match state.seen {
            Some(seen) if seen > read_up_to => wake.notify_one(),
            Some(_) => {}
            None => {
                state.seen = Some(read_up_to);
                self.shared.somebody_waits.notify_one();
            }
        }
        drop(state);
        self.follows = Some((id, wake));
    }

    /// Done when there may be something new since it was last done. Never, before it is followed.
    pub async fn news(&self) {
        match &self.follows {
            Some((_, wake)) => wake.notified().await,
            None => std::future::pending().await,
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut state = self.shared.state();
        if let Some((id, _)) = &self.follows {
            state.waiting.remove(id);
        }
        state.taken -= 1;
        if let Some(mine) = state.places.get_mut(&self.subject) {
            *mine -= 1;
            if *mine == 0 {
                state.places.remove(&self.subject);
            }
        }
    }
}

/// Looks for all who wait, until the service stops. A round that fails is logged and done again.
pub async fn run(app: Arc<App>) {
    loop {
        let seen = app.tail.wanted().await;
        match look(&app, seen).await {
            Ok(true) => {}
            Ok(false) => {
                tokio::time::sleep(REST).await;
                // Whether a commit or the time ends the pause makes no difference.
                let _ = tokio::time::timeout(INTERVAL - REST, app.store.next_commit()).await;
            }
            Err(error) => {
                tracing::warn!(%error, "the feed can't be read for those who wait");
                tokio::time::sleep(RECOVERY).await;
            }
        }
    }
}

/// One round; tells whether there is more to look at.
async fn look(app: &App, seen: Position) -> Result<bool, StoreError> {
    let (news, end) = app
        .store
        .read(Plans::ForValues, async |connection: &mut Connection| {
            let horizon = feed::horizon(connection).await?;
            if horizon <= seen {
                return Ok::<_, StoreError>((Vec::new(), seen));
            }
            let news = feed::news(connection, seen, horizon, BATCH).await?;
            Ok((news, horizon))
        })
        .await?;
    match news.last() {
        Some(last) if i64::try_from(news.len()) == Ok(BATCH) => {
            app.tail.tell(&news, last.position());
            Ok(true)
        }
        _ => {
            app.tail.tell(&news, end);
            Ok(false)
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    fn at(transaction: i64) -> Position {
        serde_json::from_value(serde_json::json!({ "t": transaction, "n": 0 })).unwrap()
    }

    fn any_event() -> Interest {
        Interest::Events(Filter::default(), Visibility::Everything)
    }

    fn is_woken(place: &Place) -> bool {
        place.news().now_or_never().is_some()
    }

    #[test]
    fn places_are_limited_for_a_caller_and_for_all_and_given_back() {
        let tail = Tail::default();
        let mut places = Vec::new();
        for number in 0..PLACES / PLACES_PER_CALLER {
            for _ in 0..PLACES_PER_CALLER {
                places.push(tail.enter(&format!("caller {number}")).unwrap());
            }
            if number == 0 {
                assert_eq!(tail.enter("caller 0").unwrap_err(), Full::ForCaller);
            }
        }
        assert_eq!(tail.enter("another").unwrap_err(), Full::ForAll);
        places.pop();
        assert!(tail.enter("another").is_ok());
        places.clear();
        assert_eq!(tail.0.state().taken, 0);
        assert!(tail.0.state().places.is_empty(), "callers are forgotten");
    }

    #[test]
    fn the_one_who_looks_begins_where_the_first_who_waits_has_read_to() {
        let tail = Tail::default();
        assert_eq!(tail.wanted().now_or_never(), None);
        let mut place = tail.enter("somebody").unwrap();
        place.follow(any_event(), at(7));
        assert_eq!(tail.wanted().now_or_never(), Some(at(7)));
        assert!(!is_woken(&place));
        drop(place);
        assert_eq!(tail.wanted().now_or_never(), None);
        assert_eq!(tail.waiting(), 0);
    }

    #[test]
    fn who_has_not_read_as_far_as_was_looked_is_woken_at_once() {
        let tail = Tail::default();
        let mut first = tail.enter("first").unwrap();
        first.follow(any_event(), at(7));
        tail.tell(&[], at(9));
        assert!(!is_woken(&first), "there was nothing");
        for (read_up_to, woken) in [(8, true), (9, false), (10, false)] {
            let mut place = tail.enter("second").unwrap();
            place.follow(any_event(), at(read_up_to));
            assert_eq!(is_woken(&place), woken, "{read_up_to}");
        }
    }
}
