//! Whether the process lives, and whether it should receive traffic.

pub mod live;
pub mod ready;

use futures_util::future::LocalBoxFuture;
use serde::Serialize;
use utoipa::ToSchema;

use super::problem::Problem;

/// Tells whether what the service needs is there.
pub trait Readiness: Send + Sync {
    /// `Ok`, or the problem that `/readyz` answers with.
    fn check(&self) -> LocalBoxFuture<'_, Result<(), Problem>>;
}

/// How the service is.
#[derive(Debug, Serialize, ToSchema)]
pub struct Health {
    /// `ok`, always: anything else is a problem.
    #[schema(example = "ok", max_length = 10)]
    pub status: &'static str,
}
