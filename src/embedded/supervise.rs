//! Keeps the server running for as long as the service does.

use super::{error::Error, guard::Guarded, server::Server};
use std::{
    process::{Child, ChildStdin},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

const SHORTEST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// A running server and the thread that starts it again when it ends.
#[derive(Debug)]
pub(super) struct Supervisor {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct Shared {
    server: Server,
    hold: Mutex<Hold>,
    changed: Condvar,
}

#[derive(Debug)]
struct Hold {
    stopping: bool,
    /// Dropped to let the server end. `None` while there is no server, and after the stop.
    leash: Option<ChildStdin>,
}

impl Supervisor {
    /// Watches over a server that has been started.
    pub fn watch(server: Server, running: Guarded) -> Self {
        let hold = Mutex::new(Hold {
            stopping: false,
            leash: Some(running.leash),
        });
        let shared = Arc::new(Shared {
            server,
            hold,
            changed: Condvar::new(),
        });
        let its = Arc::clone(&shared);
        let thread = Some(thread::spawn(move || its.keep_running(running.guard)));
        Self { shared, thread }
    }

    /// The server.
    pub fn server(&self) -> &Server {
        &self.shared.server
    }

    /// Ends the server and waits until it has ended. A second call does nothing.
    pub fn stop(&mut self) -> Result<(), Error> {
        let Some(thread) = self.thread.take() else {
            return Ok(());
        };
        {
            let mut hold = self.shared.lock();
            hold.stopping = true;
            drop(hold.leash.take());
        }
        self.shared.changed.notify_all();
        // The guard does this too, but somebody may have killed it.
        let ended = self.shared.server.end();
        if ended.is_ok() {
            // The thread ends with the server; it has nothing to say.
            let _nothing = thread.join();
        }
        ended
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Hold> {
        self.hold.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn keep_running(&self, mut guard: Child) {
        let mut pause = SHORTEST_PAUSE;
        loop {
            let since = Instant::now();
            let ended = guard.wait();
            if self.lock().stopping {
                return;
            }
            tracing::error!(?ended, "the private Postgres ended: starting it again");
            if since.elapsed() > LONGEST_PAUSE {
                pause = SHORTEST_PAUSE;
            }
            guard = loop {
                if self.stopped_within(pause) {
                    return;
                }
                pause = (pause * 2).min(LONGEST_PAUSE);
                match self.launch() {
                    Ok(Some(guard)) => break guard,
                    Ok(None) => return,
                    Err(error) => tracing::error!(%error, "the private Postgres can't be started"),
                }
            };
        }
    }

    fn stopped_within(&self, pause: Duration) -> bool {
        let waited = self
            .changed
            .wait_timeout_while(self.lock(), pause, |hold| !hold.stopping);
        waited.unwrap_or_else(PoisonError::into_inner).0.stopping
    }

    /// `None` when the server shall stay down.
    fn launch(&self) -> Result<Option<Child>, Error> {
        // Held all along, so that a stop comes before the server is started or after.
        let mut hold = self.lock();
        if hold.stopping {
            return Ok(None);
        }
        // What is left of the old guard shall be done before process ids are used anew.
        hold.leash = None;
        let running = self.server.launch(Duration::ZERO)?;
        hold.leash = Some(running.leash);
        Ok(Some(running.guard))
    }
}
