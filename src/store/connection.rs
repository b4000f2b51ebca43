//! How a connection to Postgres is made: time limits, keepalives, TLS.

use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use diesel::{ConnectionError, ConnectionResult};
use diesel_async::AsyncPgConnection;
use tokio_postgres::config::{Config, Host, SslMode};

use super::StoreError;

/// Set on every session: no statement, lock or forgotten transaction holds others up for long. No statement runs long
/// enough for its compilation to pay, nor looks at so much that merging, hashing or remembering would; to consider
/// them took half of the time in which Postgres planned a page of the feed. To start processes that share the work takes
/// longer than the work. And none has to sort by a second column what an index has by the first, which Postgres takes to
/// be as good as the index that has both.
const SESSION: &str = "-c statement_timeout=5s -c lock_timeout=2s \
     -c idle_in_transaction_session_timeout=10s -c timezone=UTC \
     -c jit=off -c enable_mergejoin=off -c enable_hashjoin=off -c enable_memoize=off -c enable_incremental_sort=off \
     -c max_parallel_workers_per_gather=0";

/// Set where statements are planned once. They look up a few rows of whatever table by its index, in its order where they
/// have one. A plan that was made while the table was empty would read all of it instead and sort that, and stay in use
/// while it grows.
const PLANNED_ONCE: &str = "-c plan_cache_mode=force_generic_plan \
     -c enable_seqscan=off -c enable_sort=off";

/// How Postgres plans the statements of a session.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Plans {
    /// For the values they are given, as Postgres sees fit.
    ForValues,
    /// Once, whatever the values: for statements that have one good plan. Postgres would plan one over arrays anew each
    /// time, because it knows how long they are, and that takes as long as to run it.
    Once,
}

/// Connects with the limits of the service.
///
/// TLS follows the URL's `sslmode`: with `require` a connection without it is refused, and the
/// server's certificate is always checked against the well-known authorities.
pub async fn connect(url: &str) -> ConnectionResult<AsyncPgConnection> {
    connect_for(url, Plans::ForValues).await
}

/// The same for statements that are planned in this way.
///
/// # Errors
/// Where the database does not answer, or refuses.
pub async fn connect_for(url: &str, plans: Plans) -> ConnectionResult<AsyncPgConnection> {
    let config = settings(url, plans)?;
    let uses_socket = config
        .get_hosts()
        .iter()
        .all(|host| matches!(host, Host::Unix(_)));
    if uses_socket || config.get_ssl_mode() == SslMode::Disable {
        let (client, connection) = config
            .connect(tokio_postgres::NoTls)
            .await
            .map_err(bad_connection)?;
        AsyncPgConnection::try_from_client_and_connection(client, connection).await
    } else {
        let (client, connection) = config.connect(tls()?).await.map_err(bad_connection)?;
        AsyncPgConnection::try_from_client_and_connection(client, connection).await
    }
}

/// Whether a URL can be read.
///
/// # Errors
/// What is wrong with it, without the URL.
pub(super) fn check(url: &str) -> Result<(), StoreError> {
    match settings(url, Plans::ForValues) {
        Ok(_) => Ok(()),
        Err(error) => Err(StoreError::Url(error.to_string())),
    }
}

fn settings(url: &str, plans: Plans) -> ConnectionResult<Config> {
    let mut config = Config::from_str(url).map_err(bad_connection)?;
    // Each with one space before it: PgBouncer reads them more strictly than Postgres.
    let mut options = SESSION.to_owned();
    if plans == Plans::Once {
        options = format!("{options} {PLANNED_ONCE}");
    }
    if let Some(given) = config.get_options() {
        options = format!("{options} {given}");
    }
    config
        .options(options)
        .application_name("engagement-desk")
        .connect_timeout(Duration::from_secs(2))
        .tcp_user_timeout(Duration::from_secs(10))
        .keepalives_idle(Duration::from_secs(30));
    Ok(config)
}

fn tls() -> ConnectionResult<tokio_postgres_rustls::MakeRustlsConnect> {
    let roots = rustls::RootCertStore::from_iter(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(bad_connection)?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(tokio_postgres_rustls::MakeRustlsConnect::new(config))
}

/// Says what failed without the URL, which may hold a password.
fn bad_connection(error: impl std::error::Error) -> ConnectionError {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    ConnectionError::BadConnection(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_has_a_pooler_is_told_all_that_a_session_sets() {
        let told: Vec<String> = include_str!("../../docs/SCALING.md")
            .lines()
            .filter_map(|line| line.strip_prefix("alter role engagement_desk set "))
            .map(|line| line.replace([' ', '\'', ';'], ""))
            .collect();
        let set: Vec<&str> = SESSION
            .split("-c ")
            .map(str::trim)
            .filter(|setting| !setting.is_empty())
            .collect();
        assert_eq!(told, set);
    }

    #[test]
    fn settings_have_one_space_between_them_and_those_of_the_url_come_last() {
        for plans in [Plans::ForValues, Plans::Once] {
            for url in [
                "postgres://desk@localhost/desk",
                "postgres://desk@localhost/desk?options=-c%20jit%3Don",
            ] {
                let config = settings(url, plans).expect("a URL");
                let options = config.get_options().expect("options");
                assert!(
                    options.split(' ').all(|word| !word.is_empty()),
                    "{options:?}"
                );
                assert_eq!(options.ends_with("-c jit=on"), url.contains("jit"));
            }
        }
    }
}
