//! API keys as they are kept: who they stand for, and the hash of the secret.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use super::column::Word;
use super::schema::api_keys;
use super::{Connection, StoreError};
use crate::domain::actor::{Caller, Role, Scope};
use crate::domain::facts::Relationship;

/// A key without its secret.
#[derive(Clone, Debug, PartialEq)]
pub struct ApiKey {
    /// The public part of the key.
    pub id: String,
    /// Hash of the secret part.
    pub secret_hash: Vec<u8>,
    /// Who it stands for.
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
    /// When it was made (UTC).
    pub created_at: DateTime<Utc>,
    /// Subject of who made it.
    pub created_by: String,
    /// When it ends (UTC).
    pub expires_at: DateTime<Utc>,
    /// When it was revoked (UTC).
    pub revoked_at: Option<DateTime<Utc>>,
    /// When it was last used (UTC), to the minute.
    pub last_used_at: Option<DateTime<Utc>>,
}

impl ApiKey {
    /// Whether it opens anything at that time.
    pub fn is_live(&self, now: DateTime<Utc>) -> bool {
        self.revoked_at.is_none() && now < self.expires_at
    }

    /// The caller it stands for.
    pub fn caller(&self) -> Caller {
        Caller {
            subject: self.subject.clone(),
            name: self.name.clone(),
            role: self.role,
            relationship: self.relationship,
            desks: self.desks.clone(),
            partners: self.partners.clone(),
            scopes: self.scopes.clone(),
            key_id: self.id.clone(),
        }
    }
}

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = api_keys, check_for_backend(diesel::pg::Pg))]
struct ApiKeyRow {
    id: String,
    secret_hash: Vec<u8>,
    subject: String,
    name: String,
    role: Word<Role>,
    relationship: Option<Word<Relationship>>,
    desks: Vec<String>,
    partners: Vec<String>,
    scopes: Option<Vec<Word<Scope>>>,
    created_at: DateTime<Utc>,
    created_by: String,
    expires_at: DateTime<Utc>,
    revoked_at: Option<DateTime<Utc>>,
    last_used_at: Option<DateTime<Utc>>,
}

impl From<ApiKeyRow> for ApiKey {
    fn from(row: ApiKeyRow) -> Self {
        let ApiKeyRow {
            id,
            secret_hash,
            subject,
            name,
            role,
            relationship,
            desks,
            partners,
            scopes,
            created_at,
            created_by,
            expires_at,
            revoked_at,
            last_used_at,
        } = row;
        Self {
            id,
            secret_hash,
            subject,
            name,
            role: role.0,
            relationship: relationship.map(|word| word.0),
            desks,
            partners,
            scopes: scopes.map(|words| words.into_iter().map(|word| word.0).collect()),
            created_at,
            created_by,
            expires_at,
            revoked_at,
            last_used_at,
        }
    }
}

impl From<ApiKey> for ApiKeyRow {
    fn from(key: ApiKey) -> Self {
        let ApiKey {
            id,
            secret_hash,
            subject,
            name,
            role,
            relationship,
            desks,
            partners,
            scopes,
            created_at,
            created_by,
            expires_at,
            revoked_at,
            last_used_at,
        } = key;
        Self {
            id,
            secret_hash,
            subject,
            name,
            role: Word(role),
            relationship: relationship.map(Word),
            desks,
            partners,
            scopes: scopes.map(|scopes| scopes.into_iter().map(Word).collect()),
            created_at,
            created_by,
            expires_at,
            revoked_at,
            last_used_at,
        }
    }
}

/// Stores a new key.
///
/// # Errors
/// Where the database does not answer.
pub async fn insert(connection: &mut Connection, key: ApiKey) -> Result<(), StoreError> {
    diesel::insert_into(api_keys::table)
        .values(ApiKeyRow::from(key))
        .execute(connection)
        .await?;
    Ok(())
}

/// The key of that id, live or not.
///
/// # Errors
/// Where the database does not answer.
pub async fn find(connection: &mut Connection, id: &str) -> Result<Option<ApiKey>, StoreError> {
    let row: Option<ApiKeyRow> = api_keys::table
        .select(ApiKeyRow::as_select())
        .filter(api_keys::id.eq(id))
        .first(connection)
        .await
        .optional()?;
    Ok(row.map(ApiKey::from))
}

/// The keys of these ids, live or not, for several callers at once.
///
/// # Errors
/// Where the database does not answer.
pub(super) async fn find_all(
    mut connection: &Connection,
    ids: &[&str],
) -> Result<Vec<ApiKey>, StoreError> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let rows: Vec<ApiKeyRow> = api_keys::table
        .select(ApiKeyRow::as_select())
        .filter(api_keys::id.eq_any(ids))
        .load(&mut connection)
        .await?;
    Ok(rows.into_iter().map(ApiKey::from).collect())
}

/// Whether there is any key at all.
///
/// # Errors
/// Where the database does not answer.
pub async fn any(connection: &mut Connection) -> Result<bool, StoreError> {
    let first: Option<String> = api_keys::table
        .select(api_keys::id)
        .limit(1)
        .first(connection)
        .await
        .optional()?;
    Ok(first.is_some())
}

/// The keys, newest first, after the given one.
///
/// # Errors
/// Where the database does not answer.
pub async fn list(
    connection: &mut Connection,
    after: Option<(DateTime<Utc>, String)>,
    limit: i64,
) -> Result<Vec<ApiKey>, StoreError> {
    let mut query = api_keys::table.select(ApiKeyRow::as_select()).into_boxed();
    if let Some((created_at, id)) = after {
        query = query.filter(
            api_keys::created_at
                .lt(created_at)
                .or(api_keys::created_at.eq(created_at).and(api_keys::id.lt(id))),
        );
    }
    let rows: Vec<ApiKeyRow> = query
        .order((api_keys::created_at.desc(), api_keys::id.desc()))
        .limit(limit)
        .load(connection)
        .await?;
    Ok(rows.into_iter().map(ApiKey::from).collect())
}

/// Revokes the key; the first revocation's time stays. `None` where there is no such key.
///
/// # Errors
/// Where the database does not answer.
pub async fn revoke(
    connection: &mut Connection,
    id: &str,
    now: DateTime<Utc>,
) -> Result<Option<ApiKey>, StoreError> {
    diesel::update(api_keys::table)
        .filter(api_keys::id.eq(id))
        .filter(api_keys::revoked_at.is_null())
        .set(api_keys::revoked_at.eq(now))
        .execute(connection)
        .await?;
    find(connection, id).await
}

/// Notes that the key was used.
///
/// # Errors
/// Where the database does not answer.
pub async fn touch(
    connection: &mut Connection,
    id: &str,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    diesel::update(api_keys::table)
        .filter(api_keys::id.eq(id))
        .set(api_keys::last_used_at.eq(now))
        .execute(connection)
        .await?;
    Ok(())
}
