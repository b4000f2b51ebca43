//! The rows that are written, table by table.

use chrono::{DateTime, NaiveDate, Utc};
use diesel::sql_types::{
    BigInt, Binary, Bool, Date, Double, Json, Jsonb, Nullable, SmallInt, Text, Timestamptz,
    Uuid as SqlUuid,
};
use uuid::Uuid;

use super::column::{Document, Tsvector, Words};
use super::columns::columns;

columns! {
    /// A request that is new, but for its facts.
    NewRows of NewRow {
        id: Uuid => SqlUuid,
        reference: String => Text,
        desk: Option<String> => Nullable<Text>,
        state: &'static str => Text,
        version: i64 => BigInt,
        decision: Option<Document> => Nullable<Json>,
        progress: Document => Json,
        assignee: Option<String> => Nullable<Text>,
        requested_by: Document => Json,
        requester_name: String => Text,
        owner_subject: String => Text,
        submitted_by: String => Text,
        created_at: DateTime<Utc> => Timestamptz,
        updated_at: DateTime<Utc> => Timestamptz,
        state_since: DateTime<Utc> => Timestamptz,
    }
}

columns! {
    /// A change of a request in the version that was read.
    ChangedRows of ChangedRow {
        id: Uuid => SqlUuid,
        version: i64 => BigInt,
        desk: Option<String> => Nullable<Text>,
        state: &'static str => Text,
        is_judged: bool => Bool,
        decision: Option<Document> => Nullable<Json>,
        progress: Document => Json,
        assignee: Option<String> => Nullable<Text>,
        updated_at: DateTime<Utc> => Timestamptz,
        state_since: DateTime<Utc> => Timestamptz,
    }
}

columns! {
    /// The words of a request.
    WordsRows of WordsRow {
        request_id: Uuid => SqlUuid,
        created_at: DateTime<Utc> => Timestamptz,
        words: Words => Tsvector,
    }
}

columns! {
    /// A line of history.
    Lines of Line {
        id: Uuid => SqlUuid,
        request_id: Uuid => SqlUuid,
        request_version: i64 => BigInt,
        kind: &'static str => Text,
        from_state: Option<&'static str> => Nullable<Text>,
        to_state: &'static str => Text,
        desk: Option<String> => Nullable<Text>,
        reason: Option<String> => Nullable<Text>,
        changed: Document => Jsonb,
        actor_subject: String => Text,
        actor_name: String => Text,
        actor_role: String => Text,
        key_id: String => Text,
        on_behalf_of: Option<String> => Nullable<Text>,
        http_request_id: String => Text,
        at: DateTime<Utc> => Timestamptz,
    }
}

columns! {
    /// Hours worked.
    TimeEntryRows of TimeEntryRow {
        id: Uuid => SqlUuid,
        request_id: Uuid => SqlUuid,
        hours: f64 => Double,
        worked_on: NaiveDate => Date,
        note: Option<String> => Nullable<Text>,
        logged_by: String => Text,
        created_at: DateTime<Utc> => Timestamptz,
    }
}

columns! {
    /// A line of the audit trail.
    AuditRows of AuditRow {
        id: Uuid => SqlUuid,
        at: DateTime<Utc> => Timestamptz,
        subject: String => Text,
        role: String => Text,
        key_id: String => Text,
        address: Option<String> => Nullable<Text>,
        method: Option<String> => Nullable<Text>,
        route: Option<String> => Nullable<Text>,
        http_request_id: Option<String> => Nullable<Text>,
        status: Option<i16> => Nullable<SmallInt>,
        action: String => Text,
        object: Option<String> => Nullable<Text>,
        outcome: &'static str => Text,
        code: Option<String> => Nullable<Text>,
    }
}

columns! {
    /// An answer that is kept under its idempotency key.
    AnswerRows of AnswerRow {
        scope: Vec<u8> => Binary,
        fingerprint: Vec<u8> => Binary,
        status: i16 => SmallInt,
        headers: Document => Json,
        body: Vec<u8> => Binary,
        created_at: DateTime<Utc> => Timestamptz,
    }
}
