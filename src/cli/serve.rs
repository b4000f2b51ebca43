//! `engagement-desk serve`

use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use actix_web::web;

use super::catalog::load;
use super::welcome;
use super::{Failure, ServeOptions};
use crate::app::App;
use crate::clock::Clock;
use crate::flows::audit;
use crate::http::Http;
use crate::http::hooks::Hooks;
use crate::http::server::{StopSignals, listen};
use crate::oidc::Oidc;
use crate::store::{Store, migrations};
use crate::{log, tail, work};

pub(super) fn run(options: ServeOptions) -> Result<(), Failure> {
    let ServeOptions {
        database,
        database_read_url,
        listen: address,
        catalog,
        trusted_proxies,
        limits,
        oidc,
    } = options;
    let oidc = oidc.settings()?;
    let is_private = database.is_private();
    let (limits, pool) = limits.limits(is_private)?;
    // The catalogue and the port come before the database: what is wrong with them is said before anything is started.
    let catalogue = load(catalog.as_ref())?;
    let listener = TcpListener::bind(address).map_err(|error| {
        format!("Can't listen on {address}: {error}. Choose another with --listen.")
    })?;
    let database = database.start()?;
    let url = database.url.clone();
    let served: Result<(), Failure> = actix_web::rt::System::new().block_on(async move {
        migrations::run_pending(&url).await?;
        let mut store = Store::with(&url, pool.clone())?;
        if let Some(replica) = database_read_url {
            store = store.with_replica(&replica, pool)?;
        }
        let clock = Clock::real();
        let app = Arc::new(App::start(store, catalogue, clock.clone()).await?);
        let oidc =
            oidc.map(|settings| Oidc::new(settings, Arc::clone(&app.catalogue), clock.clone()));
        if let Some(oidc) = &oidc {
            oidc.warm_up().await;
            tracing::info!(issuer = %oidc.issuer(), "taking access tokens");
        }
        let hooks = Arc::new(Hooks::new(Arc::clone(&app), oidc));
        let data = Arc::clone(&app);
        let http = Http::new(limits, clock, hooks.clone(), hooks)
            .behind(trusted_proxies.into())
            .with_data(move |config| {
                log::in_bunches_here();
                if let Err(error) = data.store.open_lanes_here() {
                    tracing::warn!(%error, "a thread has no connections of its own");
                }
                config.app_data(web::Data::from(Arc::clone(&data)));
            });
        let address = listener.local_addr()?;
        let stop = StopSignals::install()?;
        let server = listen(http, listener)?;
        if is_private {
            welcome::show(&app, address).await?;
        }
        tracing::info!(%address, catalogue = app.catalogue.version(), "serving");
        actix_web::rt::spawn(tail::run(Arc::clone(&app)));
        actix_web::rt::spawn(audit::run(Arc::clone(&app)));
        actix_web::rt::spawn(work::run(Arc::clone(&app)));
        actix_web::rt::spawn(work::sort_new_words(Arc::clone(&app)));
        server.run_until(stop.received()).await?;
        // Lines of the last refusals.
        let flushed = tokio::time::timeout(Duration::from_secs(2), audit::flush(&app)).await;
        if !matches!(flushed, Ok(Ok(()))) {
            tracing::warn!("audit lines were left unwritten");
        }
        Ok(())
    });
    let stopped = database.stop();
    served.and(stopped)
}
