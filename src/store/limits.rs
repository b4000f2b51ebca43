//! How many connections a store has, and who gets which of them.

use std::time::Duration;

use super::here;

/// Connections that all threads share at the least: for what a thread can't do over its own, and for what runs in the
/// background.
const FOR_ALL_THREADS: usize = 6;

/// How the connections of a store are used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PoolLimits {
    /// Connections at most.
    pub connections: usize,
    /// Time that work waits for one of them.
    pub wait: Duration,
    /// Work that waits at once; more is refused at once.
    pub queue: usize,
}

impl Default for PoolLimits {
    fn default() -> Self {
        Self {
            connections: 16,
            wait: Duration::from_secs(1),
            queue: 256,
        }
    }
}

/// Who gets which connections. Those for what is asked for many at once do without those for what is read by itself, and
/// the other way round.
///
/// The latter are few, because each has its reading done for milliseconds: with more of them at work than Postgres has
/// cores, all wait for each other, and so does what is asked for many at once.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Shares {
    /// So many threads have connections of their own.
    pub threads: usize,
    /// Of the connections that all threads share, those for what is read by itself.
    pub for_one: usize,
    /// Of the connections that all threads share, those for what is asked for many at once.
    pub for_many: usize,
}

impl PoolLimits {
    /// Who gets which of them: each thread its own as long as there are enough left for all, and of these one of three
    /// is for what is read by itself.
    pub(super) fn shares(&self) -> Shares {
        let threads = self.connections.saturating_sub(FOR_ALL_THREADS) / here::CONNECTIONS;
        let shared = self.connections - threads * here::CONNECTIONS;
        let for_one = (shared / 3).max(1);
        Shares {
            threads,
            for_one,
            for_many: shared.saturating_sub(for_one).max(1),
        }
    }

    /// The same with so many connections.
    pub(super) fn with(&self, connections: usize) -> Self {
        Self {
            connections,
            ..self.clone()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shares(connections: usize) -> Shares {
        PoolLimits::default().with(connections).shares()
    }

    #[test]
    fn all_shares_together_have_as_many_connections_as_are_allowed() {
        for connections in 2..60 {
            let Shares {
                threads,
                for_one,
                for_many,
            } = shares(connections);
            let of_threads = threads * here::CONNECTIONS;
            assert_eq!(of_threads + for_one + for_many, connections);
            assert!(for_one > 0 && for_many > 0);
        }
    }

    #[test]
    fn every_thread_has_connections_of_its_own_with_as_many_as_the_operator_is_told() {
        for (connections, threads) in [
            (PoolLimits::default().connections, 2),
            (16, 2),
            (26, 4),
            (46, 8),
            (15, 1),
            (10, 0),
        ] {
            assert_eq!(shares(connections).threads, threads, "{connections}");
        }
    }
}
