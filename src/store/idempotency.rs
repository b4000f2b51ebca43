//! First answers, kept with the work they answer, so that a retried write gets the same one.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use super::column::Json;
use super::schema::idempotency_keys;
use super::{Connection, StoreError};

diesel::define_sql_function! {
    /// Takes the lock until the transaction ends, or says at once that somebody else has it.
    fn pg_try_advisory_xact_lock(key: diesel::sql_types::BigInt) -> diesel::sql_types::Bool;
}

/// What an idempotency key stands for: who uses it, on which operation, for which body.
#[derive(Clone, Debug, PartialEq)]
pub struct Key {
    /// Hash of caller, method, route and key.
    pub scope: [u8; 32],
    /// Hash of what was sent under it.
    pub fingerprint: [u8; 32],
    /// Another hash of caller and key, which is never stored: what is made from it can be made again by
    /// the caller alone.
    pub seed: [u8; 32],
}

/// An answer as it went out the first time.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// Headers that belong to the answer, such as `Location` and `ETag`.
    pub headers: Vec<(String, String)>,
    /// The body, byte for byte.
    pub body: Vec<u8>,
}

impl Answer {
    /// Where the object is found, if the answer says so.
    pub fn location(&self) -> Option<&str> {
        let mut headers = self.headers.iter();
        headers
            .find(|(name, _)| name.eq_ignore_ascii_case("location"))
            .map(|(_, value)| value.as_str())
    }

    /// The code of the problem, if the answer is one.
    pub fn problem_code(&self) -> Option<String> {
        #[derive(serde::Deserialize)]
        struct Problem {
            code: String,
        }
        if self.status < 400 {
            return None;
        }
        let problem: Option<Problem> = serde_json::from_slice(&self.body).ok();
        problem.map(|problem| problem.code)
    }
}

/// What is known of a key.
#[derive(Clone, Debug, PartialEq)]
pub enum Claim {
    /// Nobody used it yet: do the work, then [`remember`] the answer in the same transaction.
    New,
    /// It was answered: give this again.
    Answered(Answer),
    /// It was used for something else.
    UsedForOther,
    /// The first use is still running.
    Running,
}

/// Claims the key until the transaction ends.
///
/// # Errors
/// Where the database does not answer.
pub async fn claim(connection: &mut Connection, key: &Key) -> Result<Claim, StoreError> {
    let [a, b, c, d, e, f, g, h, ..] = key.scope;
    let lock = i64::from_be_bytes([a, b, c, d, e, f, g, h]);
    let mine: bool = diesel::select(pg_try_advisory_xact_lock(lock))
        .get_result(connection)
        .await?;
    if !mine {
        return Ok(Claim::Running);
    }
    type Row = (Vec<u8>, i16, Json<Vec<(String, String)>>, Vec<u8>);
    let row: Option<Row> = idempotency_keys::table
        .select((
            idempotency_keys::fingerprint,
            idempotency_keys::status,
            idempotency_keys::headers,
            idempotency_keys::body,
        ))
        .filter(idempotency_keys::scope.eq(key.scope.as_slice()))
        .first(connection)
        .await
        .optional()?;
    Ok(match row {
        None => Claim::New,
        Some((fingerprint, ..)) if fingerprint != key.fingerprint => Claim::UsedForOther,
        Some((_, status, headers, body)) => Claim::Answered(Answer {
            status: u16::try_from(status).unwrap_or(500),
            headers: headers.0,
            body,
        }),
    })
}

/// Keeps the answer under the claimed key.
///
/// # Errors
/// Where the database does not answer.
pub async fn remember(
    connection: &mut Connection,
    key: &Key,
    answer: &Answer,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    diesel::insert_into(idempotency_keys::table)
        .values((
            idempotency_keys::scope.eq(key.scope.as_slice()),
            idempotency_keys::fingerprint.eq(key.fingerprint.as_slice()),
            idempotency_keys::status.eq(i16::try_from(answer.status).unwrap_or(500)),
            idempotency_keys::headers.eq(Json(&answer.headers)),
            idempotency_keys::body.eq(&answer.body),
            idempotency_keys::created_at.eq(now),
        ))
        .execute(connection)
        .await?;
    Ok(())
}

/// Forgets answers older than the given time, a batch at a time; tells how many.
///
/// # Errors
/// Where the database does not answer.
pub async fn forget(
    connection: &mut Connection,
    older_than: DateTime<Utc>,
    batch: i64,
) -> Result<usize, StoreError> {
    let old: Vec<Vec<u8>> = idempotency_keys::table
        .select(idempotency_keys::scope)
        .filter(idempotency_keys::created_at.lt(older_than))
        .limit(batch)
        .load(connection)
        .await?;
    Ok(diesel::delete(idempotency_keys::table)
        .filter(idempotency_keys::scope.eq_any(old))
        .execute(connection)
        .await?)
}
