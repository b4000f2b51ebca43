//! Lanes and connections of one thread alone. A thread that serves requests may have its own, which it serves itself: then
//! no other thread has to be woken, neither for what is asked nor for the answer.

use std::cell::RefCell;
use std::sync::Arc;
use std::time::Duration;

use deadpool::managed::Object;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::StoreError;
use super::connection::Plans;
use super::connections::{Commits, Connections, Manager};
use super::lanes::Lanes;
use super::limits::PoolLimits;

/// Connections of such a thread for what is asked for many at once: one for what is read together, one for what is
/// written together, and one for what is written while that is held up.
const FOR_MANY: usize = 3;

/// Connections of such a thread for what is read by itself: one for each way to plan it.
pub(super) const FOR_ONE: usize = 2;

/// Connections of such a thread in all.
pub(super) const CONNECTIONS: usize = FOR_MANY + FOR_ONE;

/// Who has waited so long for one of these goes by those of all threads: something holds them up.
const LONG: Duration = Duration::from_millis(100);

thread_local! {
    static HERE: RefCell<Option<Here>> = const { RefCell::new(None) };
}

struct Here {
    lanes: Lanes,
    planned_once: Connections,
    planned_for_values: Connections,
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
        Self {
            url: url.into(),
            limits,
            commits,
            places: Arc::new(Semaphore::new(threads)),
        }
    }

    /// Opens lanes and connections for the thread this is called in, which has to be inside its Tokio runtime. They are
    /// there for as long as the thread runs. There are none where as many threads have theirs as may.
    ///
    /// # Errors
    /// Where the URL can't be read.
    pub fn open(&self) -> Result<(), StoreError> {
        if let Ok(place) = Arc::clone(&self.places).try_acquire_owned() {
            let open = |connections, plans| {
                let limits = self.limits.with(connections);
                Connections::new(&self.url, limits, plans, Arc::clone(&self.commits))
            };
            HERE.set(Some(Here {
                lanes: Lanes::open(&open(FOR_MANY, Plans::Once)?, 1),
                planned_once: open(1, Plans::Once)?,
                planned_for_values: open(1, Plans::ForValues)?,
                place,
            }));
        }
        Ok(())
    }

    /// The lanes of this thread, where it has some to this store.
    pub fn lanes(&self) -> Option<Lanes> {
        self.here(|here| here.lanes.clone())
    }

    /// The connection of this thread for what is read by itself and planned in this way, where it has one to this store.
    /// Who comes first is first; only who has waited [`LONG`] gets none.
    ///
    /// # Errors
    /// Where the database can't be reached.
    pub async fn connection(&self, plans: Plans) -> Result<Option<Object<Manager>>, StoreError> {
        let connections = self.here(|here| match plans {
            Plans::Once => here.planned_once.clone(),
            Plans::ForValues => here.planned_for_values.clone(),
        });
        match connections {
            Some(connections) => connections.get_within(LONG).await,
            None => Ok(None),
        }
    }

    fn here<T>(&self, part: impl FnOnce(&Here) -> T) -> Option<T> {
        HERE.with_borrow(|here| {
            let here = here.as_ref()?;
            Arc::ptr_eq(here.place.semaphore(), &self.places).then(|| part(here))
        })
    }
}
