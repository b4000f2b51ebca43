//! What every part of the running service shares.

use std::sync::Arc;

use crate::catalog::Catalogue;
use crate::clock::Clock;
use crate::cursor::CursorKey;
use crate::flows::keys::KnownKeys;
use crate::store::{Connection, Store, StoreError, catalogs, feed, secrets};
use crate::tail::Tail;

/// The running service: four things, and nothing that differs from one instance to the next.
pub struct App {
    /// The database.
    pub store: Store,
    /// Desks, rules and channels.
    pub catalogue: Arc<Catalogue>,
    /// The time, and ids that agree with it.
    pub clock: Clock,
    /// Signs the cursors of lists.
    pub cursor_key: CursorKey,
    /// API keys read a moment ago.
    pub known_keys: KnownKeys,
    /// Who waits for events.
    pub tail: Tail,
}

impl App {
    /// Readies a migrated database for the service: the catalogue in force is kept, and the secret
    /// that all instances share is made by the first of them.
    ///
    /// # Errors
    /// Where the database does not answer.
    pub async fn start(
        store: Store,
        catalogue: Arc<Catalogue>,
        clock: Clock,
    ) -> Result<Self, StoreError> {
        let now = clock.now();
        let proposed: [u8; 32] = rand::random();
        let secret = store
            .write(async |connection: &mut Connection| {
                let (version, source) = (catalogue.version(), catalogue.source());
                if feed::carry_on(connection).await? {
                    tracing::info!("the database was restored on another server; the feed goes on");
                }
                catalogs::keep(connection, version, source, now).await?;
                secrets::shared(connection, "cursor", &proposed).await
            })
            .await?;
        let cursor_key = CursorKey::new(&secret);
        Ok(Self {
            store,
            catalogue,
            clock,
            cursor_key,
            known_keys: KnownKeys::default(),
            tail: Tail::default(),
        })
    }
}
