//! What the HTTP layer asks the rest of the service for: who a token stands for, and whether the
//! database can be used.

use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;

use super::auth::Authenticator;
use super::codes::Code;
use super::health::Readiness;
use super::problem::Problem;
use crate::app::App;
use crate::domain::actor::Caller;
use crate::flows::keys;
use crate::store::{Connection, ready};

/// Both hooks, on the running service.
pub struct Hooks(pub Arc<App>);

impl Authenticator for Hooks {
    fn authenticate<'a>(&'a self, token: &'a str) -> LocalBoxFuture<'a, Result<Caller, Problem>> {
        async move {
            keys::recognise(&self.0, token)
                .await?
                .ok_or_else(Problem::unauthenticated)
        }
        .boxed_local()
    }
}

impl Readiness for Hooks {
    fn check(&self) -> LocalBoxFuture<'_, Result<(), Problem>> {
        async move {
            let takes_writes = self
                .0
                .store
                .read(async |connection: &mut Connection| ready::takes_writes(connection).await)
                .await?;
            if takes_writes {
                Ok(())
            } else {
                Err(Problem::new(Code::NotReady).detail("The database takes no writes."))
            }
        }
        .boxed_local()
    }
}
