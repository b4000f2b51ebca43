//! What the HTTP layer asks the rest of the service for: who a token stands for, and whether the
//! database can be used.

use std::sync::Arc;

use actix_web::http::header;
use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;

use super::auth::Authenticator;
use super::codes::Code;
use super::health::Readiness;
use super::problem::Problem;
use crate::app::App;
use crate::credentials;
use crate::domain::actor::Caller;
use crate::flows::keys;
use crate::oidc::{Oidc, Refused};

/// Both hooks, on the running service.
pub struct Hooks {
    app: Arc<App>,
    oidc: Option<Oidc>,
}

impl Hooks {
    /// Callers come with API keys, or with access tokens where there is an issuer.
    pub fn new(app: Arc<App>, oidc: Option<Oidc>) -> Self {
        Self { app, oidc }
    }
}

impl Authenticator for Hooks {
    fn authenticate<'a>(&'a self, token: &'a str) -> LocalBoxFuture<'a, Result<Caller, Problem>> {
        async move {
            match &self.oidc {
                Some(oidc) if !credentials::looks_like_a_key(token) => {
                    oidc.recognise(token).await.map_err(refused)
                }
                _ => keys::recognise(&self.app, token)
                    .await?
                    .ok_or_else(Problem::unauthenticated),
            }
        }
        .boxed_local()
    }
}

/// After RFC 6750: a token that is not good is 401, one that is but gives no right here is 403.
fn refused(refused: Refused) -> Problem {
    match refused {
        Refused::NotGood => Problem::unauthenticated(),
        Refused::Lacks(lack) => Problem::new(Code::ActionForbidden)
            .detail(lack.to_string())
            .header(
                header::WWW_AUTHENTICATE,
                "Bearer error=\"insufficient_scope\"",
            ),
        Refused::NoKeys => Problem::new(Code::IssuerUnavailable),
    }
}

impl Readiness for Hooks {
    fn check(&self) -> LocalBoxFuture<'_, Result<(), Problem>> {
        async move {
            if self.app.store.takes_writes().await? {
                Ok(())
            } else {
                Err(Problem::new(Code::NotReady).detail("The database takes no writes."))
            }
        }
        .boxed_local()
    }
}
