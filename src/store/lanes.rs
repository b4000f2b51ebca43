//! Units of work that come together are done together: what they need is read in one round trip, what they
//! write is written and committed in another.
//!
//! A lane takes all that wait, at most [`MOST`], as soon as it is free, so the more there are, the fewer transactions they
//! take. It gives those whom it has just answered a moment to [come back](Regulars); nobody else waits for company. Who
//! takes part decides by itself, between the reading and the writing, where it runs; the lane waits for all of them. Nobody
//! is told of an end before it is there.
//!
//! ```text
//! unit ─ Turn(needs) ─► lane ─ reads for all ─► Loaded ─► unit decides ─ Next(writes) ─► lane ─ writes, commits ─► End
//! ```
//!
//! A unit never fails for what another one does. What one of them can't have at once, it is to do
//! [elsewhere](Found::Elsewhere), in a transaction of its own; and where the writing fails, all of them are.

use std::sync::Arc;
use std::time::{Duration, Instant};

use deadpool::managed::Object;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{Mutex, mpsc, oneshot};

use super::connections::{Connections, Manager};
use super::needs::{Found, Held, Loaded, Needs, load};
use super::regulars::Regulars;
use super::requests::Lock;
use super::transaction::Transaction;
use super::writes::Writes;
use super::{Connection, StoreError};

/// Units of work in one transaction.
const MOST: usize = 64;

/// Work that has waited longer than this before a lane is refused.
const PATIENCE: Duration = Duration::from_millis(120);

/// For so long work may come late before any is refused.
const STALL: Duration = Duration::from_millis(500);

/// A company that takes longer than this is held up by something, such as somebody else's lock. It goes on by itself,
/// and its lane takes those who came after it.
const SLOW: Duration = Duration::from_millis(25);

/// Units of work that wait before a lane. More than that would be refused for waiting too long.
const QUEUE: usize = 8_192;

/// What somebody needs, and the way back.
pub(super) struct Turn {
    since: Instant,
    needs: Needs,
    loaded: oneshot::Sender<Result<Box<Loaded>, StoreError>>,
    next: oneshot::Receiver<Next>,
}

/// What a unit of work does after it was given what it needs.
pub(super) enum Next {
    /// It needs more.
    More(Box<Turn>),
    /// It writes this, perhaps nothing.
    Write(Box<Writes>, oneshot::Sender<End>),
}

/// How a transaction ended for those who took part.
#[derive(Debug)]
pub(super) enum End {
    /// It was committed.
    Kept,
    /// Nothing was kept, and it is to be done again elsewhere.
    Elsewhere,
    /// Nothing was kept, or nobody knows; doing it again at once would not help.
    Failed(StoreError),
}

/// Where units of work go to be done.
#[derive(Clone)]
pub(super) struct Lanes {
    writing: mpsc::Sender<Turn>,
    reading: mpsc::Sender<Read>,
}

/// What somebody needs to read, and the way back.
struct Read {
    since: Instant,
    needs: Needs,
    loaded: oneshot::Sender<Result<Box<Loaded>, StoreError>>,
}

impl Lanes {
    /// Opens lanes on the current runtime, for as long as somebody has a clone of this: one for what is only read, and
    /// so many for units of work that write.
    pub fn open(connections: &Connections, writing_lanes: usize) -> Self {
        let (writing, turns) = mpsc::channel(QUEUE);
        let (reading, reads) = mpsc::channel(QUEUE);
        let turns = Arc::new(Mutex::new(turns));
        for _ in 0..writing_lanes {
            tokio::spawn(write(connections.clone(), Arc::clone(&turns)));
        }
        tokio::spawn(read(connections.clone(), reads));
        Self { writing, reading }
    }

    /// Reads what is needed, together with what others need. `None` where it has to be read elsewhere.
    ///
    /// # Errors
    /// Where the database does not answer.
    pub async fn read(&self, needs: Needs) -> Result<Option<Box<Loaded>>, StoreError> {
        let (loaded, answer) = oneshot::channel();
        match self.reading.try_send(Read {
            since: Instant::now(),
            needs,
            loaded,
        }) {
            Ok(()) => answer.await.ok().transpose(),
            Err(TrySendError::Full(_)) => Err(StoreError::Busy),
            Err(TrySendError::Closed(_)) => Ok(None),
        }
    }
}

/// A unit of work's place among those that are done together. It has none before it needs something.
pub(super) struct Seat {
    lanes: Lanes,
    next: Option<oneshot::Sender<Next>>,
}

impl Seat {
    pub fn new(lanes: Lanes) -> Self {
        Self { lanes, next: None }
    }

    /// Gets what is needed.
    ///
    /// # Errors
    /// [`StoreError::Contended`] where the work has to be done elsewhere, and where the database does not answer.
    pub async fn load(&mut self, needs: Needs) -> Result<Box<Loaded>, StoreError> {
        let (loaded, answer) = oneshot::channel();
        let (next_sender, next) = oneshot::channel();
        let turn = Turn {
            since: Instant::now(),
            needs,
            loaded,
            next,
        };
        match self.next.take() {
            None => self
                .lanes
                .writing
                .try_send(turn)
                .map_err(|error| match error {
                    TrySendError::Full(_) => StoreError::Busy,
                    TrySendError::Closed(_) => StoreError::Contended,
                })?,
            // A lane that is not there any more does not answer either.
            Some(next) => drop(next.send(Next::More(Box::new(turn)))),
        }
        let loaded = answer.await.unwrap_or(Err(StoreError::Contended))?;
        self.next = Some(next_sender);
        Ok(loaded)
    }

    /// Writes, and waits for the end of the transaction.
    pub async fn end(&mut self, writes: Box<Writes>) -> End {
        let Some(next) = self.next.take() else {
            return End::Elsewhere;
        };
        let (sender, end) = oneshot::channel();
        drop(next.send(Next::Write(writes, sender)));
        end.await.unwrap_or(End::Elsewhere)
    }
}

/// Refuses work that has waited too long, once there has been such work for a while: there is more than can be
/// done then, and who is refused soon can go elsewhere. A short stall refuses nobody.
#[derive(Default)]
struct Shedding {
    late_since: Option<Instant>,
}

impl Shedding {
    /// What is left of the work that waits.
    fn in_good_time<T>(
        &mut self,
        waiting: Vec<T>,
        since: impl Fn(&T) -> Instant,
        refuse: impl Fn(T),
    ) -> Vec<T> {
        let now = Instant::now();
        let is_late = |work: &T| now.duration_since(since(work)) > PATIENCE;
        if !waiting.iter().any(is_late) {
            self.late_since = None;
            return waiting;
        }
        let late_since = *self.late_since.get_or_insert(now);
        if now.duration_since(late_since) < STALL {
            return waiting;
        }
        let (late, in_time): (Vec<T>, Vec<T>) = waiting.into_iter().partition(is_late);
        late.into_iter().for_each(refuse);
        in_time
    }
}

async fn write(connections: Connections, turns: Arc<Mutex<mpsc::Receiver<Turn>>>) {
    let mut shedding = Shedding::default();
    let mut regulars = Regulars::default();
    loop {
        let connection;
        let together = {
            let mut turns = turns.lock().await;
            let mut together = regulars.company(&mut turns, MOST).await;
            if together.is_empty() {
                return;
            }
            connection = connections.get().await;
            // Whoever came while there was none takes part.
            while together.len() < MOST
                && let Ok(turn) = turns.try_recv()
            {
                together.push(turn);
            }
            together
        };
        let count = together.len();
        let together = shedding.in_good_time(
            together,
            |turn| turn.since,
            |turn| drop(turn.loaded.send(Err(StoreError::Busy))),
        );
        if together.is_empty() {
            continue;
        }
        let connection = match connection {
            Ok(connection) => connection,
            Err(error) => {
                refuse(error, together, Vec::new());
                continue;
            }
        };
        let connections = connections.clone();
        let mut work = Box::pin(async move {
            if let Err(error) = write_together(&connections, connection, together).await {
                tracing::debug!(%error, "units of work were not done together");
            }
        });
        match tokio::time::timeout(SLOW, &mut work).await {
            Ok(()) => regulars.were_answered(count),
            Err(_late) => drop(tokio::spawn(work)),
        }
    }
}

/// Does what several units of work want in one transaction. Who is not told of an end does it elsewhere.
async fn write_together(
    connections: &Connections,
    connection: Object<Manager>,
    turns: Vec<Turn>,
) -> Result<(), StoreError> {
    let mut turns = turns;
    let mut transaction = Transaction::new(connection, Lock::Skip);
    let mut writes = Writes::default();
    let mut ends = Vec::new();
    // They go elsewhere when what is taken here is free again.
    let mut elsewhere = Vec::new();
    while !turns.is_empty() {
        let needs: Vec<&Needs> = turns.iter().map(|turn| &turn.needs).collect();
        let found = match transaction.load(&needs).await {
            Ok(found) => found,
            Err(error) => {
                transaction.cancel(Some(&error)).await;
                return Err(refuse(error, turns, ends));
            }
        };
        let mut deciding = Vec::new();
        for (turn, found) in turns.into_iter().zip(found) {
            match found {
                Found::Elsewhere => elsewhere.push(turn.loaded),
                Found::All(loaded) => {
                    // Who went away meanwhile writes nothing.
                    if turn.loaded.send(Ok(loaded)).is_ok() {
                        deciding.push(turn.next);
                    }
                }
            }
        }
        turns = Vec::new();
        for next in deciding {
            match next.await {
                Ok(Next::More(turn)) => turns.push(*turn),
                Ok(Next::Write(more, end)) => {
                    writes.append(*more);
                    ends.push(end);
                }
                Err(_gone) => {}
            }
        }
    }
    match transaction.end(&writes).await {
        Ok(()) => {
            connections.wrote(&writes);
            for end in ends {
                // Nobody waits for it any more, and it is kept all the same.
                drop(end.send(End::Kept));
            }
            Ok(())
        }
        Err(error) => Err(refuse(error, Vec::new(), ends)),
    }
}

/// Tells those who take part of an error that concerns all of them; the others find out elsewhere what it is
/// about. Gives the error back.
fn refuse(error: StoreError, turns: Vec<Turn>, ends: Vec<oneshot::Sender<End>>) -> StoreError {
    for turn in turns {
        if let Some(error) = error.for_everybody() {
            drop(turn.loaded.send(Err(error)));
        }
    }
    for end in ends {
        if let Some(error) = error.for_everybody() {
            drop(end.send(End::Failed(error)));
        }
    }
    error
}

async fn read(connections: Connections, mut reads: mpsc::Receiver<Read>) {
    let mut shedding = Shedding::default();
    let mut regulars = Regulars::default();
    loop {
        let together = regulars.company(&mut reads, MOST).await;
        if together.is_empty() {
            return;
        }
        let count = together.len();
        let together = shedding.in_good_time(
            together,
            |read| read.since,
            |read| drop(read.loaded.send(Err(StoreError::Busy))),
        );
        if together.is_empty() {
            continue;
        }
        let needs: Vec<&Needs> = together.iter().map(|read| &read.needs).collect();
        let found = connections
            .read(async |connection: &mut Connection| {
                load(connection, &needs, Lock::No, false, &mut Held::default()).await
            })
            .await;
        match found {
            Ok(found) => {
                for (read, found) in together.into_iter().zip(found) {
                    if let Found::All(loaded) = found {
                        drop(read.loaded.send(Ok(loaded)));
                    }
                }
            }
            Err(error) => {
                for read in together {
                    if let Some(error) = error.for_everybody() {
                        drop(read.loaded.send(Err(error)));
                    }
                }
            }
        }
        regulars.were_answered(count);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The work that is left, of work that has waited so long, in milliseconds.
    fn left(shedding: &mut Shedding, waited: &[u64]) -> usize {
        let now = Instant::now();
        let begun = |waited: &u64| now.checked_sub(Duration::from_millis(*waited)).unwrap();
        let waiting: Vec<Instant> = waited.iter().map(begun).collect();
        shedding.in_good_time(waiting, |since| *since, |_| {}).len()
    }

    #[test]
    fn a_short_stall_refuses_nobody_and_lasting_overload_refuses_who_waited_too_long() {
        let mut shedding = Shedding::default();
        assert_eq!(left(&mut shedding, &[300, 250, 10]), 3);
        assert!(shedding.late_since.is_some());
        // It has been so for longer than a stall lasts.
        shedding.late_since = Instant::now().checked_sub(STALL);
        assert_eq!(left(&mut shedding, &[300, 250, 10]), 1);
        assert_eq!(left(&mut shedding, &[50, 10]), 2);
        assert!(shedding.late_since.is_none(), "it is over");
        assert_eq!(left(&mut shedding, &[300]), 1);
    }
}
