//! The request that a task is answering, for whatever names it: lines of the log, problems, the audit trail.

use std::fmt;
use std::sync::Arc;

use crate::clock::Clock;

tokio::task_local! {
    static CURRENT: Current;
}

/// A request on its way.
#[derive(Clone, Debug)]
pub struct Current {
    /// Its id.
    pub request_id: RequestId,
    /// The trace that its caller counts it among.
    pub trace_id: Option<Arc<str>>,
}

impl Current {
    /// Does work for this request.
    pub async fn scope<T>(self, work: impl Future<Output = T>) -> T {
        CURRENT.scope(self, work).await
    }

    /// Does work for this request at once.
    pub fn sync_scope<T>(self, work: impl FnOnce() -> T) -> T {
        CURRENT.sync_scope(self, work)
    }

    /// The request this task is answering. Work that was spawned has none.
    pub fn get() -> Option<Self> {
        CURRENT.try_with(Self::clone).ok()
    }

    /// Takes the request along into work that is going to be spawned.
    pub fn carried_into<T>(work: impl Future<Output = T>) -> impl Future<Output = T> {
        let current = Self::get();
        async move {
            match current {
                Some(current) => current.scope(work).await,
                None => work.await,
            }
        }
    }
}

/// The id of a request: the caller's own, or a new one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestId(Arc<str>);

impl RequestId {
    /// The id that a caller gave, if it may have one like that: it is repeated in headers and lines of the log.
    pub fn given(text: &str) -> Option<Self> {
        let is_sane = (1..=64).contains(&text.len())
            && text
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-'));
        is_sane.then(|| Self(text.into()))
    }

    /// A new id.
    pub fn new(clock: &Clock) -> Self {
        Self(clock.new_id().to_string().into())
    }

    /// The id of the request this task is answering.
    pub fn current() -> Option<Self> {
        Current::get().map(|current| current.request_id)
    }

    /// As it is written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_that_could_break_a_header_or_a_line_is_not_taken() {
        assert_eq!(
            RequestId::given("abc.DEF_1-2").unwrap().as_str(),
            "abc.DEF_1-2"
        );
        for bad in ["", "a b", "a/b", "a\"b", "a\nb", &"x".repeat(65)] {
            assert_eq!(RequestId::given(bad), None, "{bad}");
        }
        assert_eq!(RequestId::new(&Clock::real()).as_str().len(), 36);
    }

    #[tokio::test]
    async fn what_is_spawned_has_the_request_only_if_it_is_carried_along() {
        let current = Current {
            request_id: RequestId::given("1").unwrap(),
            trace_id: None,
        };
        let seen = current.scope(async {
            let carried = tokio::spawn(Current::carried_into(async { RequestId::current() }));
            let left = tokio::spawn(async { RequestId::current() });
            (carried.await.unwrap(), left.await.unwrap())
        });
        assert_eq!(seen.await, (RequestId::given("1"), None));
        assert_eq!(RequestId::current(), None);
    }
}
