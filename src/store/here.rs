//! Lanes of one thread alone. A thread that serves requests may have its own, with connections that it serves itself:
//! then no other thread has to be woken, neither for what is asked nor for the answer.

use std::cell::RefCell;
use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::StoreError;
use super::connection::Plans;
use super::connections::{Commits, Connections, PoolLimits};
use super::lanes::Lanes;

/// Connections of such a thread: one for what is read together, one for what is written together, and one for what is
/// written while that is held up.
pub(super) const CONNECTIONS: usize = 3;

thread_local! {
    static HERE: RefCell<Option<Here>> = const { RefCell::new(None) };
}

struct Here {
    lanes: Lanes,
    /// Given back when the thread ends.
    place: OwnedSemaphorePermit,
}

/// What threads need to open lanes of their own. Clones are of the same store.
#[derive(Clone)]
pub(super) struct ThreadLanes {
    url: Arc<str>,
    limits: PoolLimits,
    commits: Arc<Commits>,
    places: Arc<Semaphore>,
}

impl ThreadLanes {
    /// For so many threads.
    pub fn new(url: &str, limits: PoolLimits, threads: usize, commits: Arc<Commits>) -> Self {
        let connections = CONNECTIONS;
        Self {
            url: url.into(),
            limits: PoolLimits {
                connections,
                ..limits
            },
            commits,
            places: Arc::new(Semaphore::new(threads)),
        }
    }

    /// Opens lanes for the thread this is called in, which has to be inside its Tokio runtime. They are open for as
    /// long as the thread runs. There are none where as many threads have theirs as may.
    ///
    /// # Errors
    /// Where the URL can't be read.
    pub fn open(&self) -> Result<(), StoreError> {
        if let Ok(place) = Arc::clone(&self.places).try_acquire_owned() {
            let (limits, commits) = (self.limits.clone(), Arc::clone(&self.commits));
            let connections = Connections::new(&self.url, limits, Plans::Once, commits)?;
            let lanes = Lanes::open(&connections, 1);
            HERE.set(Some(Here { lanes, place }));
        }
        Ok(())
    }

    /// The lanes of this thread, where it has some to this store.
    pub fn here(&self) -> Option<Lanes> {
        HERE.with_borrow(|here| {
            let here = here.as_ref()?;
            let is_of_this = Arc::ptr_eq(here.place.semaphore(), &self.places);
            is_of_this.then(|| here.lanes.clone())
        })
    }
}
