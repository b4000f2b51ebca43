//! Hours worked on requests.

pub mod create;
pub mod list;

use chrono::{DateTime, NaiveDate, Utc};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::domain::rights::Projection;
use crate::store::time_entries::TimeEntry;

/// Hours somebody worked on a request on one day.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = TimeEntry)]
pub struct TimeEntryView {
    /// Identity.
    pub id: Uuid,
    /// The request.
    pub request_id: Uuid,
    /// How many hours.
    #[schema(example = 4.5)]
    pub hours: f64,
    /// On which day (UTC).
    #[schema(example = "2026-11-20")]
    pub worked_on: NaiveDate,
    /// What was done. Dashboards don't see it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, max_length = 2000, example = "Network design")]
    pub note: Option<String>,
    /// Subject of who logged it. Dashboards don't see it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, max_length = 254, example = "ada@example.com")]
    pub logged_by: Option<String>,
    /// When it was logged (UTC).
    pub created_at: DateTime<Utc>,
}

impl TimeEntryView {
    fn new(entry: TimeEntry, shown: Projection) -> Self {
        let TimeEntry {
            id,
            request_id,
            hours,
            worked_on,
            note,
            logged_by,
            created_at,
        } = entry;
        let full = shown == Projection::Full;
        Self {
            id,
            request_id,
            hours,
            worked_on,
            note: note.filter(|_| full),
            logged_by: full.then_some(logged_by),
            created_at,
        }
    }
}
