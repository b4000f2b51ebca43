//! What one caller may use of the service: so many requests and writes in a window, so many at once.
//!
//! ```text
//! known caller ─► Quotas::enter ─► Place ─► handler ─► Place::settle: RateLimit headers, 304s are free
//!                      └► Exhausted ─► 429
//! ```
//!
//! The counts are those of this process; of two instances behind a balancer each grants its own.
//! The `governor` crate can neither look without taking nor give back, which a free 304 needs.

mod bucket;
mod table;

use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};

pub use self::bucket::{BadRate, Bucket, Rate};
use self::table::{Forgettable, Table};
use super::codes::Code;
use super::problem::Problem;

/// The quotas of a caller, after draft-ietf-httpapi-ratelimit-headers.
pub const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
/// What is left of them.
pub const LEFT: HeaderName = HeaderName::from_static("ratelimit");

/// Callers that are counted apart at once.
const MOST_CALLERS: usize = 50_000;
/// Source addresses that are counted apart at once.
const MOST_ADDRESSES: usize = 50_000;

/// How much one caller may use. A quota that is `None` is not counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QuotaLimits {
    /// All requests of a caller: the policy `default`.
    pub requests: Option<Rate>,
    /// Requests of a caller that may store something: the policy `write`.
    pub writes: Option<Rate>,
    /// Requests of a caller that run at once, and as many long polls: the policy `concurrent`.
    pub concurrent: Option<u32>,
    /// Tokens from one source address that open nothing.
    pub failed_authentications: Option<Rate>,
}

impl Default for QuotaLimits {
    fn default() -> Self {
        let minute = Duration::from_secs(60);
        Self {
            requests: Rate::new(600, minute),
            writes: Rate::new(120, minute),
            concurrent: Some(20),
            failed_authentications: Rate::new(60, minute),
        }
    }
}

impl QuotaLimits {
    /// Nothing is counted.
    pub const OFF: Self = Self {
        requests: None,
        writes: None,
        concurrent: None,
        failed_authentications: None,
    };

    /// The value of `RateLimit-Policy`.
    fn policy(&self) -> Option<HeaderValue> {
        let rate = |name, rate: Rate| {
            let (count, seconds) = (rate.count(), rate.window().as_secs());
            format!("\"{name}\";q={count};w={seconds}")
        };
        let parts: Vec<String> = [
            self.requests.map(|requests| rate(DEFAULT, requests)),
            self.writes.map(|writes| rate(WRITE, writes)),
            self.concurrent
                .map(|places| format!("\"{CONCURRENT}\";q={places};qu=\"concurrent-requests\"")),
        ]
        .into_iter()
        .flatten()
        .collect();
        if parts.is_empty() {
            return None;
        }
        HeaderValue::from_str(&parts.join(", ")).ok()
    }
}

const DEFAULT: &str = "default";
const WRITE: &str = "write";
const CONCURRENT: &str = "concurrent";
const FAILED_AUTHENTICATIONS: &str = "failed-authentications";

/// What a request takes of its caller's quotas.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Use {
    /// Looks something up.
    Read,
    /// May store something.
    Write,
    /// Waits for something to happen.
    LongPoll,
}

/// The quotas of all callers.
pub struct Quotas {
    limits: QuotaLimits,
    policy: Option<HeaderValue>,
    callers: Table<String, Account>,
    addresses: Table<IpAddr, Failures>,
}

impl Quotas {
    /// Nobody has used anything yet.
    pub fn new(limits: QuotaLimits) -> Self {
        Self {
            limits,
            policy: limits.policy(),
            callers: Table::new(MOST_CALLERS),
            addresses: Table::new(MOST_ADDRESSES),
        }
    }

    /// Takes what the request needs of every quota, or nothing of any.
    ///
    /// # Errors
    /// The quotas that are used up.
    pub fn enter(&self, subject: &str, what: Use, now: Instant) -> Result<Place, Exhausted> {
        let account = self.callers.of(subject, now);
        let limits = self.limits;
        let mut usage = account.usage();
        let mut exhausted = Exhausted::default();
        let writes = limits.writes.filter(|_| what == Use::Write);
        for (name, rate, bucket) in [
            (DEFAULT, limits.requests, usage.requests),
            (WRITE, writes, usage.writes),
        ] {
            if let Some(rate) = rate
                && bucket.left(rate, now) == 0
            {
                exhausted.add(name, bucket.grows_in(rate, now));
            }
        }
        let running = *usage.running(what);
        if limits.concurrent.is_some_and(|places| running >= places) {
            exhausted.add(CONCURRENT, Duration::ZERO);
        }
        if !exhausted.policies.is_empty() {
            exhausted.policy = self.policy.clone();
            exhausted.left = usage.left(&limits, what, now);
            return Err(exhausted);
        }
        if let Some(rate) = limits.requests {
            usage.requests.take(rate, now);
        }
        if let Some(rate) = writes {
            usage.writes.take(rate, now);
        }
        *usage.running(what) += 1;
        drop(usage);
        Ok(Place {
            account,
            what,
            limits,
            policy: self.policy.clone(),
        })
    }

    /// Whether a token from this address is looked at. Too many that opened nothing have to be
    /// waited for.
    ///
    /// # Errors
    /// How long.
    pub fn may_authenticate(&self, address: IpAddr, now: Instant) -> Result<(), Exhausted> {
        let Some(rate) = self.limits.failed_authentications else {
            return Ok(());
        };
        let Some(failures) = self.addresses.find(&network(address)) else {
            return Ok(());
        };
        let bucket = failures.bucket();
        if bucket.left(rate, now) > 0 {
            return Ok(());
        }
        let mut exhausted = Exhausted::default();
        exhausted.add(FAILED_AUTHENTICATIONS, bucket.grows_in(rate, now));
        Err(exhausted)
    }

    /// Counts a token that opened nothing.
    pub fn failed_to_authenticate(&self, address: IpAddr, now: Instant) {
        if let Some(rate) = self.limits.failed_authentications {
            let failures = self.addresses.of(&network(address), now);
            let mut bucket = failures.bucket();
            // Several may have been looked at when the last token went: none goes into debt.
            if bucket.left(rate, now) > 0 {
                bucket.take(rate, now);
            }
        }
    }
}

/// The address, or of IPv6 the network that one customer usually has.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
    }
}

/// Failed tokens of one address.
#[derive(Default)]
struct Failures(Mutex<Bucket>);

impl Failures {
    fn bucket(&self) -> MutexGuard<'_, Bucket> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Forgettable for Failures {
    fn is_as_new(&self, now: Instant) -> bool {
        self.bucket().is_full(now)
    }
}

/// What one caller has used.
#[derive(Default)]
struct Account(Mutex<Usage>);

#[derive(Default)]
struct Usage {
    requests: Bucket,
    writes: Bucket,
    running: u32,
    waiting: u32,
}

impl Account {
    fn usage(&self) -> MutexGuard<'_, Usage> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Forgettable for Account {
    fn is_as_new(&self, now: Instant) -> bool {
        let Usage {
            requests,
            writes,
            running,
            waiting,
        } = *self.usage();
        requests.is_full(now) && writes.is_full(now) && running == 0 && waiting == 0
    }
}

impl Usage {
    fn running(&mut self, what: Use) -> &mut u32 {
        match what {
            Use::Read | Use::Write => &mut self.running,
            Use::LongPoll => &mut self.waiting,
        }
    }

    /// The value of `RateLimit`: what is left, and the seconds until there is more.
    fn left(&mut self, limits: &QuotaLimits, what: Use, now: Instant) -> Option<HeaderValue> {
        let rate = |name, rate: Rate, bucket: Bucket| {
            let (left, more) = (bucket.left(rate, now), bucket.grows_in(rate, now));
            format!("\"{name}\";r={left};t={}", whole_seconds(more))
        };
        let writes = limits.writes.filter(|_| what == Use::Write);
        let running = *self.running(what);
        let parts: Vec<String> = [
            limits.requests.map(|of| rate(DEFAULT, of, self.requests)),
            writes.map(|of| rate(WRITE, of, self.writes)),
            limits
                .concurrent
                .map(|places| format!("\"{CONCURRENT}\";r={}", places.saturating_sub(running))),
        ]
        .into_iter()
        .flatten()
        .collect();
        HeaderValue::from_str(&parts.join(", ")).ok()
    }
}

/// What a request of a known caller holds of its quotas while it runs.
pub struct Place {
    account: Arc<Account>,
    what: Use,
    limits: QuotaLimits,
    policy: Option<HeaderValue>,
}

impl Place {
    /// Tells the caller what is left. An answer that gave nothing new costs nothing.
    pub fn settle(&self, not_modified: bool, headers: &mut HeaderMap, now: Instant) {
        let Self {
            account,
            what,
            limits,
            policy,
        } = self;
        let Some(policy) = policy else { return };
        let mut usage = account.usage();
        if let (true, Some(rate)) = (not_modified, limits.requests) {
            usage.requests.give_back(rate, now);
        }
        let left = usage.left(limits, *what, now);
        drop(usage);
        headers.insert(POLICY, policy.clone());
        if let Some(left) = left {
            headers.insert(LEFT, left);
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut usage = self.account.usage();
        let running = usage.running(self.what);
        *running = running.saturating_sub(1);
    }
}

/// Why a request has to wait.
#[derive(Debug, Default)]
pub struct Exhausted {
    policies: Vec<&'static str>,
    wait: Duration,
    policy: Option<HeaderValue>,
    left: Option<HeaderValue>,
}

impl Exhausted {
    fn add(&mut self, policy: &'static str, wait: Duration) {
        self.policies.push(policy);
        self.wait = self.wait.max(wait);
    }
}

impl From<Exhausted> for Problem {
    fn from(exhausted: Exhausted) -> Self {
        let Exhausted {
            policies,
            wait,
            policy,
            left,
        } = exhausted;
        let detail = match policies.as_slice() {
            [FAILED_AUTHENTICATIONS] => {
                "Too many tokens from this address opened nothing; wait before sending another."
                    .to_owned()
            }
            [CONCURRENT] => {
                "Too many requests of this caller run at once; wait for one to end.".to_owned()
            }
            several => format!("The quota is used up: {}.", several.join(", ")),
        };
        let mut problem = Self::new(Code::RateLimited)
            .detail(detail)
            .violated_policies(policies)
            .retry_after(spread(wait, rand::random_range(0..=20)));
        for (name, value) in [(POLICY, policy), (LEFT, left)] {
            if let Some(value) = value.as_ref().and_then(|value| value.to_str().ok()) {
                problem = problem.header(name, value);
            }
        }
        problem
    }
}

/// The wait, longer by so many percent, so that those who wait don't come back all at once.
fn spread(wait: Duration, percent: u32) -> u32 {
    let seconds = whole_seconds(wait + wait * percent / 100);
    u32::try_from(seconds).unwrap_or(u32::MAX).max(1)
}

fn whole_seconds(time: Duration) -> u64 {
    time.as_secs() + u64::from(time.subsec_nanos() > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits() -> QuotaLimits {
        let minute = Duration::from_secs(60);
        QuotaLimits {
            requests: Rate::new(3, minute),
            writes: Rate::new(1, minute),
            concurrent: Some(2),
            failed_authentications: Rate::new(2, minute),
        }
    }

    fn policies(entered: Result<Place, Exhausted>) -> Vec<&'static str> {
        entered
            .err()
            .map_or_else(Vec::new, |exhausted| exhausted.policies)
    }

    #[test]
    fn a_refused_request_takes_nothing_of_any_quota() {
        let (quotas, now) = (Quotas::new(limits()), Instant::now());
        assert!(quotas.enter("ada", Use::Write, now).is_ok());
        for _ in 0..10 {
            assert_eq!(policies(quotas.enter("ada", Use::Write, now)), [WRITE]);
        }
        assert!(quotas.enter("ada", Use::Read, now).is_ok());
        assert!(quotas.enter("ada", Use::Read, now).is_ok());
        assert_eq!(policies(quotas.enter("ada", Use::Read, now)), [DEFAULT]);
        assert_eq!(
            policies(quotas.enter("ada", Use::Write, now)),
            [DEFAULT, WRITE]
        );
        assert!(
            quotas.enter("bob", Use::Write, now).is_ok(),
            "others have their own"
        );
        let later = now + Duration::from_secs(20);
        assert!(quotas.enter("ada", Use::Read, later).is_ok());
    }

    #[test]
    fn places_are_given_back_and_long_polls_have_their_own() {
        let quotas = Quotas::new(QuotaLimits {
            concurrent: Some(1),
            ..QuotaLimits::OFF
        });
        let now = Instant::now();
        let place = quotas.enter("ada", Use::Read, now);
        assert_eq!(policies(quotas.enter("ada", Use::Write, now)), [CONCURRENT]);
        assert!(quotas.enter("ada", Use::LongPoll, now).is_ok());
        drop(place);
        assert!(quotas.enter("ada", Use::Write, now).is_ok());
    }

    #[test]
    fn what_is_left_is_told_and_a_304_is_free() {
        let (quotas, now) = (Quotas::new(limits()), Instant::now());
        let mut headers = HeaderMap::new();
        let place = quotas.enter("ada", Use::Write, now).unwrap();
        place.settle(false, &mut headers, now);
        assert_eq!(
            headers.get(POLICY).unwrap(),
            "\"default\";q=3;w=60, \"write\";q=1;w=60, \
             \"concurrent\";q=2;qu=\"concurrent-requests\""
        );
        assert_eq!(
            headers.get(LEFT).unwrap(),
            "\"default\";r=2;t=20, \"write\";r=0;t=60, \"concurrent\";r=1"
        );
        drop(place);
        let place = quotas.enter("ada", Use::Read, now).unwrap();
        place.settle(true, &mut headers, now);
        assert_eq!(
            headers.get(LEFT).unwrap(),
            "\"default\";r=2;t=20, \"concurrent\";r=1"
        );
    }

    #[test]
    fn quotas_that_are_off_are_not_told() {
        let (quotas, now) = (Quotas::new(QuotaLimits::OFF), Instant::now());
        let mut headers = HeaderMap::new();
        let place = quotas.enter("ada", Use::Write, now).unwrap();
        place.settle(false, &mut headers, now);
        assert!(headers.is_empty());
    }

    #[test]
    fn failed_tokens_close_an_address_for_a_while_but_not_its_neighbours() {
        let (quotas, now) = (Quotas::new(limits()), Instant::now());
        let [guesser, same_network, other]: [IpAddr; 3] =
            ["2001:db8:0:1::7", "2001:db8:0:1:ffff::1", "2001:db8:0:2::7"]
                .map(|text| text.parse().unwrap());
        for _ in 0..10 {
            quotas.failed_to_authenticate(guesser, now);
        }
        assert!(quotas.may_authenticate(guesser, now).is_err());
        assert!(quotas.may_authenticate(same_network, now).is_err());
        assert!(quotas.may_authenticate(other, now).is_ok());
        let later = now + Duration::from_secs(30);
        assert!(quotas.may_authenticate(guesser, later).is_ok());
        let mapped: IpAddr = "::ffff:192.0.2.1".parse().unwrap();
        assert_eq!(network(mapped), "192.0.2.1".parse::<IpAddr>().unwrap());
    }

    #[test]
    fn the_wait_is_rounded_up_and_spread() {
        let seconds = Duration::from_secs;
        assert_eq!(spread(Duration::ZERO, 20), 1);
        assert_eq!(spread(Duration::from_millis(100), 20), 1);
        assert_eq!(spread(seconds(60), 0), 60);
        assert_eq!(spread(seconds(60), 20), 72);
        assert_eq!(spread(Duration::from_millis(10_001), 0), 11);
    }
}
