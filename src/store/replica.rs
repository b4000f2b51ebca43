//! Reads on a replica: a hot standby that follows the primary, for what is heavy and only read.
//!
//! Nobody can tell. What was acknowledged before a read came is in its answer, whoever wrote it and on whichever
//! instance:
//!
//! 1. The primary is asked how far its log is kept, once for all who ask at that moment ([`Alike`]): whatever was
//!    acknowledged before is below that.
//! 2. The replica is asked, on the connection that will read, whether it has replayed so much. What is read after
//!    that sees all of it.
//!
//! A replica that does not come so far in time, can't be reached, or follows another primary than ours is *out*:
//! the primary is read instead, and nobody waits for the replica, until a look at it from time to time finds it
//! good again. A read that fails on the replica, such as one that stands in the way of what is replayed, is done
//! again on the primary.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use deadpool::managed::Object;
use diesel::QueryResult;
use diesel::pg::Pg;
use diesel::pg::data_types::PgLsn;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types::{self, BigInt, Bool, Integer, Nullable};
use diesel_async::RunQueryDsl;
use tokio::time::{sleep, timeout};

use super::connections::{Connections, Manager, NoConnection, give_back};
use super::{Connection, StoreError, WorkError};
use crate::alike::Alike;

/// The replica has so long to come as far as the primary was.
const PATIENCE: Duration = Duration::from_millis(100);

/// Time between two questions whether it has.
const PAUSE: Duration = Duration::from_millis(2);

/// A read that takes longer than this is done on the primary, which then has time left for it.
const LONGEST_READ: Duration = Duration::from_secs(2);

/// A replica that is out is looked at again after this time.
const REST: Duration = Duration::from_secs(1);

/// It is not said more often than this that the primary was read instead.
const SILENCE: Duration = Duration::from_secs(60);

/// A replica, as all in this process see it. Clones share it.
#[derive(Clone)]
pub(super) struct Replica(Arc<Shared>);

struct Shared {
    replica: Connections,
    primary: Connections,
    positions: Alike<(), Position>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Since it is out: when it is looked at again.
    next_look: Option<Instant>,
    /// When it was last said that the primary was read instead.
    last_said: Option<Instant>,
    /// That it is out was said, so that it is back has to be said too.
    is_said_to_be_out: bool,
}

/// Why the primary has to be read.
#[derive(Debug, thiserror::Error)]
enum Useless {
    #[error("the primary does not say how far it has come: {0}")]
    Unknown(StoreError),
    #[error("all connections to it are in use")]
    Busy,
    #[error("it can't be reached: {0}")]
    Away(String),
    #[error("it is not as far as the primary")]
    Behind,
    #[error("it follows another primary, or none")]
    NotOurs,
    #[error("it takes too long to read")]
    Slow,
    #[error(transparent)]
    Failed(#[from] StoreError),
}

impl Useless {
    /// Whether the next one would fare no better.
    fn lasts(&self) -> bool {
        match self {
            Self::Away(_) | Self::Behind | Self::NotOurs | Self::Failed(_) => true,
            Self::Unknown(_) | Self::Busy | Self::Slow => false,
        }
    }
}

impl Replica {
    /// The replica behind these connections, of the primary behind those.
    pub fn new(replica: Connections, primary: Connections) -> Self {
        Self(Arc::new(Shared {
            replica,
            primary,
            positions: Alike::default(),
            state: Mutex::default(),
        }))
    }

    /// Runs queries on the replica; `None` where they have to be run on the primary.
    pub async fn read<T, E: WorkError>(
        &self,
        work: &impl AsyncFn(&mut Connection) -> Result<T, E>,
    ) -> Option<Result<T, E>> {
        if self.is_out() {
            return None;
        }
        let position = self.0.positions.get((), self.0.position()).await;
        let caught_up = match position {
            Ok(position) => self.0.caught_up(&position).await,
            Err(error) => Err(Useless::Unknown(error)),
        };
        let mut connection = match caught_up {
            Ok(connection) => connection,
            Err(useless) => {
                self.0.give_up(&useless);
                return None;
            }
        };
        let Ok(result) = timeout(LONGEST_READ, work(&mut connection)).await else {
            // Its answer may still come, and nobody wants it.
            drop(Object::take(connection));
            self.0.say(&Useless::Slow);
            return None;
        };
        let error = result.as_ref().err().and_then(WorkError::store_error);
        if let Some(error) = error {
            self.0.say(error);
        }
        let is_answered = error.is_none();
        give_back(connection, error);
        is_answered.then_some(result)
    }

    /// Whether the replica is left alone for now. When it has been for long enough, somebody looks at it, and
    /// nobody waits for what comes of that.
    fn is_out(&self) -> bool {
        let now = Instant::now();
        let mut state = self.0.state();
        let Some(next_look) = state.next_look else {
            return false;
        };
        if now >= next_look {
            state.next_look = Some(now + REST);
            let shared = Arc::clone(&self.0);
            tokio::spawn(async move { shared.look().await });
        }
        true
    }
}

impl Shared {
    /// A connection to the replica on which all can be read that the primary had kept when it was there.
    async fn caught_up(&self, position: &Position) -> Result<Object<Manager>, Useless> {
        let mut connection = match self.replica.get_or_tell().await {
            Ok(connection) => connection,
            Err(NoConnection::AllInUse(_)) => return Err(Useless::Busy),
            Err(NoConnection::Failed(why)) => return Err(Useless::Away(why)),
        };
        let followed = timeout(PATIENCE, follow(&mut connection, position)).await;
        match followed.unwrap_or(Err(Useless::Behind)) {
            Ok(()) => Ok(connection),
            Err(useless) => {
                // Another one may lead to another server, when the replica was moved.
                drop(Object::take(connection));
                Err(useless)
            }
        }
    }

    /// How far the primary's log is kept by now: whatever was acknowledged is below that.
    async fn position(&self) -> Result<Position, StoreError> {
        let ask = async |connection: &mut Connection| {
            Ok::<(PgLsn, i32, i64), StoreError>(AskPrimary.get_result(connection).await?)
        };
        let (reached, timeline, cluster) = self.primary.read(ask).await?;
        Ok(Position {
            reached: reached.0,
            timeline,
            cluster,
        })
    }

    /// Looks whether the replica can be read again.
    async fn look(&self) {
        let caught_up = match self.position().await {
            Ok(position) => self.caught_up(&position).await,
            Err(error) => Err(Useless::Unknown(error)),
        };
        match caught_up {
            Err(useless) => self.give_up(&useless),
            Ok(connection) => {
                give_back(connection, None);
                let mut state = self.state();
                state.next_look = None;
                if std::mem::take(&mut state.is_said_to_be_out) {
                    tracing::info!("the replica is read again");
                }
            }
        }
    }

    /// Notes that the primary is read instead, and leaves the replica alone where that would not change.
    fn give_up(&self, useless: &Useless) {
        let is_said = self.say(useless);
        if useless.lasts() {
            let mut state = self.state();
            state.next_look = Some(Instant::now() + REST);
            state.is_said_to_be_out |= is_said;
        }
    }

    /// Says why the primary is read, unless that was said a short time ago.
    fn say(&self, reason: &(impl std::fmt::Display + ?Sized)) -> bool {
        let now = Instant::now();
        let mut state = self.state();
        let is_new = state
            .last_said
            .is_none_or(|said| now.duration_since(said) >= SILENCE);
        if is_new {
            state.last_said = Some(now);
            tracing::warn!(%reason, "the primary is read instead of the replica");
        }
        is_new
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Waits until the replica has come so far.
async fn follow(connection: &mut Connection, position: &Position) -> Result<(), Useless> {
    loop {
        let (is_standby, replayed, timeline, cluster): (bool, Option<PgLsn>, i32, i64) = AskReplica
            .get_result(connection)
            .await
            .map_err(StoreError::from)?;
        let replay = Replay {
            is_standby,
            replayed: replayed.map(|replayed| replayed.0),
            timeline,
            cluster,
        };
        match replay.compared_to(position) {
            Compared::AsFar => return Ok(()),
            Compared::Behind => sleep(PAUSE).await,
            Compared::Elsewhere => return Err(Useless::NotOurs),
        }
    }
}

/// How far the primary has come.
#[derive(Clone, Copy, Debug)]
struct Position {
    /// In its log.
    reached: u64,
    /// Which changes whenever another server becomes the primary.
    timeline: i32,
    /// Identifier that a primary and its standbys have in common.
    cluster: i64,
}

/// How far a replica has come.
#[derive(Clone, Copy, Debug)]
struct Replay {
    is_standby: bool,
    replayed: Option<u64>,
    timeline: i32,
    cluster: i64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Compared {
    /// All that the primary had kept can be read.
    AsFar,
    /// Not all of it, yet.
    Behind,
    /// Positions of the two mean different things.
    Elsewhere,
}

impl Replay {
    fn compared_to(&self, position: &Position) -> Compared {
        let Some(replayed) = self.replayed.filter(|_| self.is_standby) else {
            // It was promoted, or never was a standby: what it has is not what the primary has.
            return Compared::Elsewhere;
        };
        if (self.cluster, self.timeline) != (position.cluster, position.timeline) {
            Compared::Elsewhere
        } else if replayed < position.reached {
            Compared::Behind
        } else {
            Compared::AsFar
        }
    }
}

/// Asks the primary for its [`Position`]. Where commits don't wait for the disk, they are acknowledged before the
/// log is flushed, so what counts is what was put into it. The name of a file of the log begins with its timeline.
#[derive(QueryId)]
struct AskPrimary;

impl QueryFragment<Pg> for AskPrimary {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql(
            "select case when current_setting('synchronous_commit') = 'off' \
                 then pg_current_wal_insert_lsn() else pg_current_wal_flush_lsn() end, \
                 ('x' || left(pg_walfile_name(pg_current_wal_flush_lsn()), 8))::bit(32)::integer, \
                 system_identifier \
             from pg_control_system()",
        );
        Ok(())
    }
}

impl Query for AskPrimary {
    type SqlType = (sql_types::PgLsn, Integer, BigInt);
}

/// Asks a replica for its [`Replay`]. The timeline is that of its last restart point, so after a failover it takes
/// until the next one for the replica to be known as one of the new primary.
#[derive(QueryId)]
struct AskReplica;

impl QueryFragment<Pg> for AskReplica {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql(
            "select pg_is_in_recovery(), pg_last_wal_replay_lsn(), timeline_id, system_identifier \
             from pg_control_checkpoint(), pg_control_system()",
        );
        Ok(())
    }
}

impl Query for AskReplica {
    type SqlType = (Bool, Nullable<sql_types::PgLsn>, Integer, BigInt);
}

#[cfg(test)]
mod tests {
    use super::super::connection::Plans;
    use super::super::limits::PoolLimits;
    use super::*;

    /// One that nobody has connected to.
    fn replica() -> Replica {
        let connections = || {
            let (limits, commits) = (PoolLimits::default(), Arc::default());
            Connections::new("postgres://nowhere", limits, Plans::Once, commits).unwrap()
        };
        Replica::new(connections(), connections())
    }

    #[test]
    fn that_the_primary_is_read_is_said_once_in_a_while() {
        let Replica(shared) = replica();
        assert!(shared.say(&Useless::Slow));
        assert!(!shared.say(&Useless::Behind));
        shared.state().last_said = Instant::now().checked_sub(SILENCE);
        assert!(shared.say(&Useless::Behind));
    }

    #[tokio::test]
    async fn a_replica_is_out_until_it_was_looked_at_if_the_next_read_would_fare_no_better() {
        let replica = replica();
        replica.0.give_up(&Useless::Busy);
        assert!(!replica.is_out());
        replica.0.give_up(&Useless::Behind);
        assert!(replica.is_out());
        // When that is due, somebody else looks, and it is out meanwhile.
        replica.0.state().next_look = Some(Instant::now());
        assert!(replica.is_out());
        assert!(replica.0.state().next_look > Some(Instant::now()));
    }

    const PRIMARY: Position = Position {
        reached: 1_000,
        timeline: 3,
        cluster: 7,
    };

    const REPLICA: Replay = Replay {
        is_standby: true,
        replayed: Some(1_000),
        timeline: 3,
        cluster: 7,
    };

    #[test]
    fn a_standby_is_read_once_it_has_replayed_what_the_primary_had_kept() {
        let replayed = |replayed| Replay {
            replayed: Some(replayed),
            ..REPLICA
        };
        assert_eq!(replayed(999).compared_to(&PRIMARY), Compared::Behind);
        assert_eq!(replayed(1_000).compared_to(&PRIMARY), Compared::AsFar);
        assert_eq!(replayed(1_001).compared_to(&PRIMARY), Compared::AsFar);
    }

    #[test]
    fn what_is_no_standby_of_this_primary_is_never_read_however_far_it_is() {
        let far = Replay {
            replayed: Some(u64::MAX),
            ..REPLICA
        };
        for other in [
            Replay {
                is_standby: false,
                ..far
            },
            Replay {
                replayed: None,
                ..far
            },
            Replay { timeline: 2, ..far },
            Replay { timeline: 4, ..far },
            Replay { cluster: 8, ..far },
        ] {
            assert_eq!(
                other.compared_to(&PRIMARY),
                Compared::Elsewhere,
                "{other:?}"
            );
        }
    }
}
