//! What every part of the running service shares.

use std::sync::Arc;

use crate::alike::Alike;
use crate::catalog::Catalogue;
use crate::clock::Clock;
use crate::credentials::SecretMaker;
use crate::cursor::CursorKey;
use crate::flows::audit::Trail;
use crate::flows::feed::Reading;
use crate::flows::keys::KnownKeys;
use crate::store::feed::Position;
use crate::store::{Connection, Store, StoreError, catalogs, feed, secrets};
use crate::tail::Tail;

/// The running service: what it is given, and what it knows for a moment. Whatever has to last is in the database.
pub struct App {
    /// The database.
    pub store: Store,
    /// Desks, rules and channels.
    pub catalogue: Arc<Catalogue>,
    /// The time, and ids that agree with it.
    pub clock: Clock,
    /// Signs the cursors of lists.
    pub cursor_key: CursorKey,
    /// Makes the secrets of API keys that a retry has to get again.
    pub secret_maker: SecretMaker,
    /// API keys read a moment ago.
    pub known_keys: KnownKeys,
    /// Who waits for events.
    pub tail: Tail,
    /// Parts of the feed that are being read.
    pub readings: Alike<String, Reading>,
    /// The end of the feed, while it is being read.
    pub ends: Alike<(), Position>,
    /// Lines of the audit trail that wait to be written.
    pub trail: Trail,
}

impl App {
    /// Readies a migrated database for the service: the catalogue in force is kept, and the secrets
    /// that all instances share are made by the first of them.
    ///
    /// # Errors
    /// Where the database does not answer.
    pub async fn start(
        store: Store,
        catalogue: Arc<Catalogue>,
        clock: Clock,
    ) -> Result<Self, StoreError> {
        let now = clock.now();
        let proposed: [[u8; 32]; 2] = rand::random();
        let (cursors, api_keys) = store
            .write_alone(async |connection: &mut Connection| {
                let (version, source) = (catalogue.version(), catalogue.source());
                if feed::carry_on(connection).await? {
                    tracing::info!("the database was restored on another server; the feed goes on");
                }
                catalogs::keep(connection, version, source, now).await?;
                let cursors = secrets::shared(connection, "cursor", &proposed[0]).await?;
                let api_keys = secrets::shared(connection, "api keys", &proposed[1]).await?;
                Ok::<_, StoreError>((cursors, api_keys))
            })
            .await?;
        Ok(Self {
            store,
            catalogue,
            clock,
            cursor_key: CursorKey::new(&cursors),
            secret_maker: SecretMaker::new(&api_keys),
            known_keys: KnownKeys::default(),
            tail: Tail::default(),
            readings: Alike::default(),
            ends: Alike::default(),
            trail: Trail::default(),
        })
    }
}
