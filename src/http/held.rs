//! What a request holds for as long as any work for it goes on.
//!
//! The places a request takes are given back when its work is done, not when its client goes away:
//! a write [runs to its end](super::answer::to_the_end) without a client, and whoever streams an
//! answer takes a clone along into the stream.

use std::sync::Arc;

use tokio::sync::mpsc;

use super::connections::Running;
use super::quotas::Place;

tokio::task_local! {
    static CURRENT: Held;
    static CONNECTION: Work;
}

/// Work that goes on for one connection. Clones are of the same.
#[derive(Clone)]
pub(super) struct Work {
    _going_on: mpsc::Sender<()>,
}

impl Work {
    /// Serves a connection, and is done when all work for it is: the connection itself may be over
    /// before, if its client goes away.
    pub async fn all_of<T>(connection: impl Future<Output = T>) -> T {
        let (going_on, mut none_left) = mpsc::channel(1);
        let work = Self {
            _going_on: going_on,
        };
        let served = CONNECTION.scope(work, connection).await;
        // Nothing is ever sent: this waits for the last sender to go.
        none_left.recv().await;
        served
    }
}

/// The places of one request. Clones share them; they are given back with the last.
#[derive(Clone)]
pub struct Held(Arc<Places>);

struct Places {
    /// Among all requests of the service.
    _running: Running,
    /// Among those of the caller.
    caller: Place,
    /// Among the work for its connection.
    _work: Option<Work>,
}

impl Held {
    pub(super) fn new(running: Running, caller: Place) -> Self {
        Self(Arc::new(Places {
            _running: running,
            caller,
            _work: CONNECTION.try_with(Clone::clone).ok(),
        }))
    }

    /// What the request holds that this task works for; `None` for one without a caller.
    pub fn current() -> Option<Self> {
        CURRENT.try_with(Clone::clone).ok()
    }

    /// Keeps it for as long as the work runs.
    pub(super) async fn over<T>(this: Option<Self>, work: impl Future<Output = T>) -> T {
        match this {
            Some(held) => CURRENT.scope(held, work).await,
            None => work.await,
        }
    }

    pub(super) fn caller(&self) -> &Place {
        &self.0.caller
    }
}
