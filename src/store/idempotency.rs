//! First answers, kept with the work they answer, so that a retried write gets the same one.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{self, BigInt, Binary, Bool, SmallInt};
use diesel_async::RunQueryDsl;

use super::column::Json;
use super::columns::{ForEach, Raw, columns, from_place, to_place};
use super::schema::idempotency_keys;
use super::{Connection, StoreError};

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
    /// Id of what was made, if the answer says where it is found.
    pub fn made(&self) -> Option<&str> {
        let mut headers = self.headers.iter();
        headers
            .find(|(name, _)| name.eq_ignore_ascii_case("location"))
            .and_then(|(_, place)| place.rsplit('/').next())
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
    /// Nobody used it yet: the work is to be done, and its answer to be kept in the same transaction.
    New,
    /// It was answered: give this again.
    Answered(Answer),
    /// It was used for something else.
    UsedForOther,
    /// The first use is still running.
    Running,
}

columns! {
    /// A key that is to be taken.
    LockRows of LockRow {
        place: i64 => BigInt,
        key: i64 => BigInt,
    }
}

columns! {
    /// A key whose answer is looked for, and the body it comes with now.
    ScopeRows of ScopeRow {
        place: i64 => BigInt,
        scope: Vec<u8> => Binary,
        fingerprint: Vec<u8> => Binary,
    }
}

/// Takes the keys until the transaction ends; tells the places of those that nobody else has.
///
/// # Errors
/// Where the database does not answer.
pub async fn take(
    mut connection: &Connection,
    keys: &[(usize, &Key)],
) -> Result<Vec<usize>, StoreError> {
    if keys.is_empty() {
        return Ok(Vec::new());
    }
    let rows: Vec<LockRow> = keys
        .iter()
        .map(|(place, key)| {
            let [a, b, c, d, e, f, g, h, ..] = key.scope;
            LockRow {
                place: to_place(*place),
                key: i64::from_be_bytes([a, b, c, d, e, f, g, h]),
            }
        })
        .collect();
    let query = ForEach {
        columns: Raw::<Bool>::new("pg_try_advisory_xact_lock(given.key)"),
        given: LockRows::of(&rows),
        rest: String::new(),
    };
    let taken: Vec<(i64, bool)> = query.load(&mut connection).await?;
    let mine = taken.into_iter().filter(|(_, mine)| *mine);
    Ok(mine.map(|(place, _)| from_place(place)).collect())
}

/// The answers that are kept under the keys, or that a key was used for something else. To be read after the
/// keys were [taken](take): only then is it there, whoever had them before.
///
/// # Errors
/// Where the database does not answer.
pub async fn answers(
    mut connection: &Connection,
    keys: &[(usize, &Key)],
) -> Result<Vec<(usize, Claim)>, StoreError> {
    if keys.is_empty() {
        return Ok(Vec::new());
    }
    let rows: Vec<ScopeRow> = keys
        .iter()
        .map(|(place, key)| ScopeRow {
            place: to_place(*place),
            scope: key.scope.to_vec(),
            fingerprint: key.fingerprint.to_vec(),
        })
        .collect();
    let query = ForEach {
        columns: Raw::<(Bool, SmallInt, sql_types::Json, Binary)>::new(
            "kept.fingerprint = given.fingerprint, kept.status, kept.headers, kept.body",
        ),
        given: ScopeRows::of(&rows),
        // One key after the other: this table empties and fills, and a plan that was made for an empty one must not
        // read all of it.
        rest: " cross join lateral (select * from idempotency_keys \
             where idempotency_keys.scope = given.scope offset 0) as kept"
            .to_owned(),
    };
    type Row = (bool, i16, Json<Vec<(String, String)>>, Vec<u8>);
    let rows: Vec<(i64, Row)> = query.load(&mut connection).await?;
    Ok(rows
        .into_iter()
        .map(|(place, (is_the_same, status, headers, body))| {
            let claim = if is_the_same {
                Claim::Answered(Answer {
                    status: u16::try_from(status).unwrap_or(500),
                    headers: headers.0,
                    body,
                })
            } else {
                Claim::UsedForOther
            };
            (from_place(place), claim)
        })
        .collect())
}

/// Forgets answers older than the given time, a batch at a time; tells how many. Those another instance is busy with are
/// passed over. Has to run in a transaction.
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
        .order(idempotency_keys::created_at)
        .limit(batch)
        .for_update()
        .skip_locked()
        .load(connection)
        .await?;
    Ok(diesel::delete(idempotency_keys::table)
        .filter(idempotency_keys::scope.eq_any(old))
        .execute(connection)
        .await?)
}
