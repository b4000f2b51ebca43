//! The limits of the service as settings: their names, defaults and what makes sense together.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use clap::Args;
use clap::builder::RangedU64ValueParser;

use super::Failure;
use crate::http::connections::{Limits, connections_that_fit};
use crate::http::quotas::{QuotaLimits, Rate};
use crate::store::PoolLimits;

/// How much, how many and how long.
#[derive(Args, Debug)]
#[command(next_help_heading = "Limits")]
pub(super) struct LimitOptions {
    /// Threads that answer requests; one per processor core if left out.
    #[arg(long, env = "ED_WORKERS", value_parser = count(1_024))]
    workers: Option<usize>,
    /// Open connections per thread; 4096, or fewer where the system allows fewer open files, if left
    /// out.
    #[arg(long, env = "ED_CONNECTIONS_PER_WORKER", value_parser = count(1_000_000))]
    connections_per_worker: Option<usize>,
    /// Requests that run at once; more are answered 503 OVERLOADED.
    #[arg(long, env = "ED_REQUESTS_IN_FLIGHT", value_parser = count(1_000_000),
        default_value_t = Limits::default().requests_in_flight)]
    requests_in_flight: usize,
    /// Long polls that wait at once, besides those.
    #[arg(long, env = "ED_LONG_POLLS", value_parser = count(1_000_000),
        default_value_t = Limits::default().long_polls)]
    long_polls: usize,
    /// Requests of one caller in a time, as 600/60s, or off; more are answered 429 RATE_LIMITED.
    #[arg(long, env = "ED_QUOTA_REQUESTS",
        default_value_t = OrOff(QuotaLimits::default().requests))]
    quota_requests: OrOff<Rate>,
    /// Requests of one caller in a time that may store something, or off.
    #[arg(long, env = "ED_QUOTA_WRITES",
        default_value_t = OrOff(QuotaLimits::default().writes))]
    quota_writes: OrOff<Rate>,
    /// Requests of one caller that run at once, and as many long polls, or off.
    #[arg(long, env = "ED_QUOTA_CONCURRENT",
        default_value_t = OrOff(QuotaLimits::default().concurrent))]
    quota_concurrent: OrOff<u32>,
    /// Tokens from one source address in a time that open nothing, or off, as it should be where a
    /// proxy hides the addresses; after more, all tokens from there wait.
    #[arg(long, env = "ED_QUOTA_FAILED_AUTHENTICATIONS",
        default_value_t = OrOff(QuotaLimits::default().failed_authentications))]
    quota_failed_authentications: OrOff<Rate>,
    /// Time for the first head of a connection to be complete.
    #[arg(long, env = "ED_HEAD_TIME", default_value_t = Time(Limits::default().head))]
    head_time: Time,
    /// Time that a connection waits for its next request.
    #[arg(long, env = "ED_KEEP_ALIVE", default_value_t = Time(Limits::default().keep_alive))]
    keep_alive: Time,
    /// Time that a connection may be open with no request running, whatever it sends.
    #[arg(long, env = "ED_IDLE_TIME", default_value_t = Time(Limits::default().idle))]
    idle_time: Time,
    /// Time for a body to be complete; then 408 TIMEOUT.
    #[arg(long, env = "ED_BODY_TIME", default_value_t = Time(Limits::default().body))]
    body_time: Time,
    /// Time for the answer to a read; then 503 OVERLOADED.
    #[arg(long, env = "ED_READ_TIME", default_value_t = Time(Limits::default().read))]
    read_time: Time,
    /// Time for the answer to a write, its body included; then 503 COMMIT_OUTCOME_UNKNOWN.
    #[arg(long, env = "ED_WRITE_TIME", default_value_t = Time(Limits::default().write))]
    write_time: Time,
    /// Time between signs of life on an event stream that has nothing to say.
    #[arg(long, env = "ED_HEARTBEAT", default_value_t = Time(Limits::default().heartbeat))]
    heartbeat: Time,
    /// Bytes of a body; more are answered 413 BODY_TOO_LARGE.
    #[arg(long, env = "ED_BODY_BYTES", value_parser = bytes(16 * 1024 * 1024),
        default_value_t = Limits::default().json_bytes)]
    body_bytes: usize,
    /// Bytes of path and query string; more are answered 414 URI_TOO_LONG.
    #[arg(long, env = "ED_ADDRESS_BYTES", value_parser = bytes(60 * 1024),
        default_value_t = Limits::default().uri_bytes)]
    address_bytes: usize,
    /// Time between failing readiness and refusing connections, at a shutdown; 5s if left out, and
    /// none with a private Postgres, which no balancer stands before.
    #[arg(long, env = "ED_DRAIN_DELAY")]
    drain_delay: Option<Time>,
    /// Time for running requests to finish, at a shutdown.
    #[arg(long, env = "ED_DRAIN_TIME", default_value_t = Time(Limits::default().drain))]
    drain_time: Time,
    /// Connections to Postgres at most.
    #[arg(long, env = "ED_DATABASE_CONNECTIONS", value_parser = count(1_000),
        default_value_t = PoolLimits::default().connections)]
    database_connections: usize,
    /// Time that work waits for a connection to Postgres; then 503 DATABASE_UNAVAILABLE.
    #[arg(long, env = "ED_DATABASE_WAIT", default_value_t = Time(PoolLimits::default().wait))]
    database_wait: Time,
    /// Work that waits for a connection to Postgres at most; more is answered
    /// 503 DATABASE_UNAVAILABLE at once.
    #[arg(long, env = "ED_DATABASE_QUEUE", value_parser = count(1_000_000),
        default_value_t = PoolLimits::default().queue)]
    database_queue: usize,
}

fn count(most: u64) -> RangedU64ValueParser<usize> {
    RangedU64ValueParser::new().range(1..=most)
}

fn bytes(most: u64) -> RangedU64ValueParser<usize> {
    RangedU64ValueParser::new().range(1_024..=most)
}

impl LimitOptions {
    /// The limits, where they make sense together. `is_private` is whether the service brings its
    /// own Postgres.
    pub(super) fn limits(self, is_private: bool) -> Result<(Limits, PoolLimits), Failure> {
        let Self {
            workers,
            connections_per_worker,
            requests_in_flight,
            long_polls,
            quota_requests,
            quota_writes,
            quota_concurrent,
            quota_failed_authentications,
            head_time,
            keep_alive,
            idle_time,
            body_time,
            read_time,
            write_time,
            heartbeat,
            body_bytes,
            address_bytes,
            drain_delay,
            drain_time,
            database_connections,
            database_wait,
            database_queue,
        } = self;
        let (usual, second) = (Limits::default(), Duration::from_secs(1));
        for (name, time, at_least) in [
            ("ED_HEAD_TIME", head_time, Duration::from_millis(100)),
            ("ED_KEEP_ALIVE", keep_alive, Duration::ZERO),
            ("ED_IDLE_TIME", idle_time, second),
            ("ED_BODY_TIME", body_time, Duration::from_millis(100)),
            ("ED_READ_TIME", read_time, Duration::from_millis(100)),
            ("ED_WRITE_TIME", write_time, Duration::from_millis(100)),
            ("ED_HEARTBEAT", heartbeat, second),
            ("ED_DRAIN_TIME", drain_time, second),
            ("ED_DATABASE_WAIT", database_wait, Duration::from_millis(1)),
        ] {
            if time.0 < at_least {
                let least = Time(at_least);
                return Err(format!("{name} is {time}; it must be at least {least}.").into());
            }
        }
        if body_time.0 >= write_time.0 {
            return Err(format!(
                "ED_BODY_TIME ({body_time}) must be less than ED_WRITE_TIME ({write_time}), \
                 which includes it."
            )
            .into());
        }
        if drain_time.0 < write_time.0 {
            return Err(format!(
                "ED_DRAIN_TIME ({drain_time}) must be at least ED_WRITE_TIME ({write_time}), \
                 so that a running write can finish."
            )
            .into());
        }
        let workers = workers.unwrap_or(usual.workers);
        let fitting = connections_that_fit(workers, database_connections);
        let connections_per_worker = match connections_per_worker {
            Some(given) if given > fitting => {
                return Err(format!(
                    "ED_CONNECTIONS_PER_WORKER is {given}, but the system's limit on open files \
                     leaves room for {fitting}; raise it with ulimit -n."
                )
                .into());
            }
            Some(given) => given,
            None => usual.connections_per_worker.min(fitting),
        };
        let drain_delay = match drain_delay {
            Some(Time(given)) => given,
            None if is_private => Duration::ZERO,
            None => usual.drain_delay,
        };
        let limits = Limits {
            workers,
            connections_per_worker,
            requests_in_flight,
            long_polls,
            quotas: QuotaLimits {
                requests: quota_requests.0,
                writes: quota_writes.0,
                concurrent: quota_concurrent.0,
                failed_authentications: quota_failed_authentications.0,
            },
            head: head_time.0,
            keep_alive: keep_alive.0,
            idle: idle_time.0,
            body: body_time.0,
            read: read_time.0,
            write: write_time.0,
            heartbeat: heartbeat.0,
            json_bytes: body_bytes,
            uri_bytes: address_bytes,
            drain_delay,
            drain: drain_time.0,
        };
        let pool = PoolLimits {
            connections: database_connections,
            wait: database_wait.0,
            queue: database_queue,
        };
        Ok((limits, pool))
    }
}

/// A time as people write it: `250ms`, `5s`, `2m`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Time(Duration);

/// No setting is longer.
const LONGEST: Duration = Duration::from_secs(60 * 60);

impl fmt::Display for Time {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.subsec_millis() > 0 {
            write!(formatter, "{}ms", self.0.as_millis())
        } else {
            write!(formatter, "{}s", self.0.as_secs())
        }
    }
}

impl FromStr for Time {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let amount = text.trim_end_matches(char::is_alphabetic);
        let of = |millis: u64| {
            Some(Duration::from_millis(
                amount.parse::<u64>().ok()?.checked_mul(millis)?,
            ))
        };
        let time = match &text[amount.len()..] {
            "ms" => of(1),
            "s" => of(1_000),
            "m" => of(60_000),
            _ => None,
        };
        time.filter(|time| *time <= LONGEST)
            .map(Self)
            .ok_or("write a whole number and ms, s or m, such as 250ms or 5s, up to 60m")
    }
}

/// Something that `off` or `0` switches off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct OrOff<T>(Option<T>);

impl<T: fmt::Display> fmt::Display for OrOff<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Some(value) => value.fmt(formatter),
            None => formatter.write_str("off"),
        }
    }
}

impl<T: FromStr> FromStr for OrOff<T> {
    type Err = T::Err;

    fn from_str(text: &str) -> Result<Self, T::Err> {
        match text {
            "0" | "off" => Ok(Self(None)),
            text => text.parse().map(|value| Self(Some(value))),
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        options: LimitOptions,
    }

    fn read(line: &str) -> Result<(Limits, PoolLimits), String> {
        let words = ["serve"].into_iter().chain(line.split_whitespace());
        let line = Line::try_parse_from(words).map_err(|error| error.to_string())?;
        line.options
            .limits(false)
            .map_err(|error| error.to_string())
    }

    #[test]
    fn settings_that_are_left_out_are_as_the_code_says() {
        let (limits, pool) = read("--connections-per-worker 100").unwrap();
        let usual = Limits {
            connections_per_worker: 100,
            ..Limits::default()
        };
        assert_eq!((limits, pool), (usual, PoolLimits::default()));
    }

    #[test]
    fn settings_that_are_given_are_taken() {
        let (limits, pool) = read(
            "--read-time 250ms --drain-delay 0s --quota-requests 10/1m --quota-writes off \
             --quota-concurrent 0 --body-bytes 2048 --database-queue 3",
        )
        .unwrap();
        assert_eq!(limits.read, Duration::from_millis(250));
        assert_eq!(limits.drain_delay, Duration::ZERO);
        assert_eq!(limits.quotas.requests.unwrap().to_string(), "10/60s");
        assert_eq!(
            (limits.quotas.writes, limits.quotas.concurrent),
            (None, None)
        );
        assert!(limits.quotas.failed_authentications.is_some());
        assert_eq!((limits.json_bytes, pool.queue), (2_048, 3));
    }

    #[test]
    fn settings_that_make_no_sense_are_refused_in_a_sentence() {
        for (line, words) in [
            ("--read-time 5", "such as 250ms or 5s"),
            ("--read-time 5h", "such as 250ms or 5s"),
            ("--read-time 61m", "up to 60m"),
            ("--read-time=-1s", "such as 250ms or 5s"),
            (
                "--read-time 1ms",
                "ED_READ_TIME is 1ms; it must be at least 100ms.",
            ),
            ("--body-time 15s", "must be less than ED_WRITE_TIME (15s)"),
            ("--drain-time 14s", "must be at least ED_WRITE_TIME (15s)"),
            ("--quota-requests 600", "such as 600/60s"),
            ("--quota-concurrent many", "invalid digit"),
            ("--requests-in-flight 0", "0 is not in 1..=1000000"),
            ("--body-bytes 1", "1 is not in 1024..="),
            ("--address-bytes 65536", "65536 is not in 1024..="),
            (
                "--connections-per-worker 1000000",
                "raise it with ulimit -n",
            ),
        ] {
            let refused = read(line).unwrap_err();
            assert!(refused.contains(words), "{line}: {refused}");
        }
    }

    #[test]
    fn times_are_shown_as_they_are_written() {
        for text in ["0s", "1ms", "1500ms", "5s", "3600s"] {
            assert_eq!(text.parse::<Time>().unwrap().to_string(), text);
        }
        assert_eq!("2m".parse::<Time>().unwrap().to_string(), "120s");
    }
}
