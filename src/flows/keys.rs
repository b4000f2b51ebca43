//! API keys: made, listed, revoked, and recognised at every request.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};

use super::audit::unasked;
use super::once::{Given, once};
use super::{Ask, FlowError};
use crate::app::App;
use crate::credentials::{NewKey, PresentedKey, fresh_id};
use crate::domain::actor::{Caller, Role, Scope};
use crate::domain::facts::Relationship;
use crate::domain::rights::{self, Action};
use crate::store::apply;
use crate::store::audit::Entry;
use crate::store::idempotency::{Answer, Key};
use crate::store::keys::{self, ApiKey};
use crate::store::needs::Needs;
use crate::store::writes::Writes;
use crate::store::{Connection, Plans, Store, StoreError, Unit};

/// A key lives for this long at most.
pub const LONGEST_LIFE_DAYS: u32 = 365;

/// What a key is to stand for.
#[derive(Clone, Debug)]
pub struct KeyInput {
    /// E-mail address of a person, stable name of a tool; kept in lower case.
    pub subject: String,
    /// Name to show.
    pub name: String,
    /// Its one role.
    pub role: Role,
    /// What a requester is to the partner.
    pub relationship: Option<Relationship>,
    /// Desks of a member or lead.
    pub desks: Vec<String>,
    /// MPN ids of the partners a requester manages.
    pub partners: Vec<String>,
    /// What of its role it is limited to; `None` for all of it.
    pub scopes: Option<Vec<Scope>>,
    /// Days until it ends.
    pub lives_days: u32,
}

impl KeyInput {
    /// The key as it is stored.
    fn key(self, new: &NewKey, created_by: &str, now: DateTime<Utc>) -> ApiKey {
        let Self {
            subject,
            name,
            role,
            relationship,
            desks,
            partners,
            scopes,
            lives_days,
        } = self;
        ApiKey {
            id: new.id.clone(),
            secret_hash: new.secret_hash.to_vec(),
            subject: subject.trim().to_lowercase(),
            name,
            role,
            relationship,
            desks,
            partners,
            scopes: scopes.map(|given| {
                let mut scopes = Scope::ALL.to_vec();
                scopes.retain(|scope| given.contains(scope));
                scopes
            }),
            created_at: now,
            created_by: created_by.to_owned(),
            expires_at: now + TimeDelta::days(i64::from(lives_days.min(LONGEST_LIFE_DAYS))),
            revoked_at: None,
            last_used_at: None,
        }
    }
}

/// Makes a key for whoever has the database, such as the command line, and stores all but its secret. The
/// text is shown once and kept nowhere.
///
/// # Errors
/// Where the database does not answer.
pub async fn issue(
    store: &Store,
    input: KeyInput,
    created_by: &str,
    now: DateTime<Utc>,
) -> Result<(ApiKey, String), StoreError> {
    let new = NewKey::generate();
    let key = input.key(&new, created_by, now);
    let line = unasked(created_by, "create_api_key", key.id.clone(), now);
    store
        .write_alone(async |connection: &mut Connection| {
            keys::insert(connection, key.clone()).await?;
            leave(connection, line.clone()).await
        })
        .await?;
    Ok((key, new.text))
}

/// Revokes a key for whoever has the database. `None` where there is no such key.
///
/// # Errors
/// Where the database does not answer.
pub async fn withdraw(
    store: &Store,
    id: &str,
    revoked_by: &str,
    now: DateTime<Utc>,
) -> Result<Option<ApiKey>, StoreError> {
    store
        .write_alone(async |connection: &mut Connection| {
            let key = keys::revoke(connection, id, now).await?;
            if key.is_some() {
                let line = unasked(revoked_by, "revoke_api_key", id.to_owned(), now);
                leave(connection, line).await?;
            }
            Ok(key)
        })
        .await
}

/// Leaves a line in the audit trail.
async fn leave(connection: &Connection, line: Entry) -> Result<(), StoreError> {
    let mut writes = Writes::default();
    writes.audit(line);
    apply::write(connection, &writes).await
}

/// Makes a key for an administrator. The answer is kept without the key's text, which is given apart.
///
/// Under an idempotency key the secret is made from it, so that a retry gets the same text: see
/// [`SecretMaker`](crate::credentials::SecretMaker).
///
/// # Errors
/// Where the caller does not manage keys or would make one with more rights than its own, the idempotency key
/// is in use, or the database does not answer.
pub async fn create(
    app: &App,
    ask: &Ask,
    input: KeyInput,
    key: Option<&Key>,
    render: impl Fn(ApiKey) -> Answer,
) -> Result<(Given, String), FlowError> {
    must_manage(&ask.caller)?;
    if !rights::may_hand_on(&ask.caller, input.role, input.scopes.as_deref()) {
        return Err(FlowError::Forbidden(format!(
            "A key that is limited makes no key of the role {} with more scopes than it has itself.",
            input.role
        )));
    }
    let new = match key {
        Some(key) => app.secret_maker.key(fresh_id(), &key.seed),
        None => NewKey::generate(),
    };
    let stored = input.key(&new, &ask.caller.subject, app.clock.now());
    let work = async |unit: &mut Unit, _| {
        keys::insert(unit.connection().await?, stored.clone()).await?;
        Ok(stored.clone())
    };
    let given = once(app, ask, key, Needs::default(), work, render).await?;
    let text = match (key, given.answer.made()) {
        (Some(key), Some(id)) if given.replayed => {
            app.secret_maker.key(id.to_owned(), &key.seed).text
        }
        _ => new.text,
    };
    Ok((given, text))
}

/// The keys, newest first.
///
/// # Errors
/// Where the caller does not manage keys, or the database does not answer.
pub async fn list(
    app: &App,
    ask: &Ask,
    after: Option<(DateTime<Utc>, String)>,
    limit: i64,
) -> Result<Vec<ApiKey>, FlowError> {
    must_manage(&ask.caller)?;
    app.store
        .read(Plans::ForValues, async |connection: &mut Connection| {
            Ok(keys::list(connection, after, limit).await?)
        })
        .await
}

/// One key.
///
/// # Errors
/// Where the caller does not manage keys, there is no such key, or the database does not answer.
pub async fn show(app: &App, ask: &Ask, id: &str) -> Result<ApiKey, FlowError> {
    must_manage(&ask.caller)?;
    app.store
        .read(Plans::ForValues, async |connection: &mut Connection| {
            keys::find(connection, id).await?.ok_or(FlowError::NotFound)
        })
        .await
}

/// Revokes a key, on this instance at once and on every other within [`CACHED_FOR`].
///
/// # Errors
/// Where the caller does not manage keys, there is no such key or not as expected, the idempotency key is in use,
/// or the database does not answer.
pub async fn revoke(
    app: &App,
    ask: &Ask,
    id: &str,
    expected: &dyn Fn(&ApiKey) -> bool,
    key: Option<&Key>,
    render: impl Fn(ApiKey) -> Answer,
) -> Result<Given, FlowError> {
    must_manage(&ask.caller)?;
    let now = app.clock.now();
    let work = async |unit: &mut Unit, _| {
        let connection = unit.connection().await?;
        let found = keys::find(connection, id).await?;
        let found = found.ok_or(FlowError::NotFound)?;
        if !expected(&found) {
            return Err(FlowError::StaleKey(Box::new(found)));
        }
        keys::revoke(connection, id, now)
            .await?
            .ok_or(FlowError::NotFound)
    };
    let given = once(app, ask, key, Needs::default(), work, render).await?;
    app.known_keys.forget(id);
    Ok(given)
}

fn must_manage(caller: &Caller) -> Result<(), FlowError> {
    if rights::reach(caller, Action::ManageKeys).is_some() {
        Ok(())
    } else {
        Err(FlowError::Forbidden(
            "Only an administrator manages API keys.".to_owned(),
        ))
    }
}

/// The caller a presented key stands for; `None` where it opens nothing, whatever the cause.
///
/// # Errors
/// Where the database does not answer.
pub async fn recognise(app: &App, text: &str) -> Result<Option<Caller>, StoreError> {
    let Some(presented) = PresentedKey::parse(text) else {
        return Ok(None);
    };
    let key = match app.known_keys.get(&presented.id) {
        Some(key) => key,
        None => {
            let needs = Needs {
                key: Some(presented.id.clone()),
                ..Needs::default()
            };
            let Some(key) = app.store.load(needs).await?.key else {
                return Ok(None);
            };
            app.known_keys.remember(key.clone());
            key
        }
    };
    let now = app.clock.now();
    if !presented.matches(&key.secret_hash) || !key.is_live(now) {
        return Ok(None);
    }
    if app.known_keys.use_is_news(&key, now) {
        let noted = app.store.write_alone(async |connection: &mut Connection| {
            keys::touch(connection, &key.id, now).await
        });
        // A note of the use is no reason to turn its user away: a read-only database can be read.
        if let Err(error) = noted.await {
            tracing::warn!(%error, "the use of a key was not noted");
        }
    }
    Ok(Some(key.caller()))
}

/// Keys as they were read a moment ago, so that a busy caller does not cost a query per request.
#[derive(Default)]
pub struct KnownKeys {
    keys: Mutex<HashMap<String, Known>>,
}

struct Known {
    key: ApiKey,
    read_at: Instant,
    /// Somebody reads it again at present.
    is_being_read: bool,
}

/// A revocation takes effect everywhere within this time.
pub const CACHED_FOR: Duration = Duration::from_millis(800);

/// After this time one of those who use a key reads it again, while the others go on with it: were all of them
/// to wait for the end of [`CACHED_FOR`], all of them would read it at once.
const READ_AGAIN_AFTER: Duration = Duration::from_millis(500);

/// More keys than this are not remembered at once.
const MOST_KNOWN: usize = 10_000;

impl KnownKeys {
    /// The key, unless it is this caller who has to read it.
    fn get(&self, id: &str) -> Option<ApiKey> {
        let mut keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        let known = keys.get_mut(id)?;
        let age = known.read_at.elapsed();
        if age >= CACHED_FOR || (age >= READ_AGAIN_AFTER && !known.is_being_read) {
            known.is_being_read = true;
            return None;
        }
        Some(known.key.clone())
    }

    fn remember(&self, mut key: ApiKey) {
        let mut keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        // A use that is being written down may not have been read.
        let last_known = keys.get(&key.id).and_then(|known| known.key.last_used_at);
        key.last_used_at = key.last_used_at.max(last_known);
        if keys.len() >= MOST_KNOWN {
            keys.clear();
        }
        keys.insert(
            key.id.clone(),
            Known {
                key,
                read_at: Instant::now(),
                is_being_read: false,
            },
        );
    }

    fn forget(&self, id: &str) {
        self.keys
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(id);
    }

    /// Whether the use should be written down: the last one written is more than a minute old. It is news to one of those
    /// who use the key at one moment, also where each of them has read it.
    fn use_is_news(&self, key: &ApiKey, now: DateTime<Utc>) -> bool {
        let is_news = |last: Option<DateTime<Utc>>| {
            last.is_none_or(|last| now - last > TimeDelta::minutes(1))
        };
        if !is_news(key.last_used_at) {
            return false;
        }
        let mut keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        match keys.get_mut(&key.id) {
            Some(known) if is_news(known.key.last_used_at) => {
                known.key.last_used_at = Some(now);
                true
            }
            Some(_) => false,
            None => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_key() -> ApiKey {
        let at = DateTime::UNIX_EPOCH;
        ApiKey {
            id: "key".to_owned(),
            secret_hash: Vec::new(),
            subject: "paula@example.com".to_owned(),
            name: "Paula".to_owned(),
            role: Role::Requester,
            relationship: None,
            desks: Vec::new(),
            partners: Vec::new(),
            scopes: None,
            created_at: at,
            created_by: "admin".to_owned(),
            expires_at: at,
            revoked_at: None,
            last_used_at: None,
        }
    }

    #[test]
    fn a_use_is_written_down_once_a_minute_however_many_read_the_key_at_once() {
        let known = KnownKeys::default();
        let now = DateTime::UNIX_EPOCH;
        for is_news in [true, false, false] {
            // Each has read it before the first use was written.
            known.remember(read_key());
            assert_eq!(known.use_is_news(&read_key(), now), is_news);
        }
        assert!(known.use_is_news(&read_key(), now + TimeDelta::seconds(61)));
    }
}
