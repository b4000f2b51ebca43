//! What a caller may see: requests, their lists, their history and the hours on them.

use super::FlowError;
use crate::app::App;
use crate::domain::request::Request;
use crate::store::events::{self, EventRow};
use crate::store::needs::Needs;
use crate::store::request_list::{self, RequestList};
use crate::store::requests::{Name, Summary, Visibility, Wanted};
use crate::store::time_entries::{self, Position, TimeEntry};
use crate::store::{Connection, Plans, StoreError};

/// The request of that name, where it is visible.
pub(super) fn wanted(name: &Name, visibility: &Visibility) -> Wanted {
    Wanted {
        name: name.clone(),
        visibility: visibility.clone(),
    }
}

/// A request as it is now.
///
/// # Errors
/// Where there is no such request or the caller can't see it, and where the database does not answer.
pub async fn request(
    app: &App,
    name: &Name,
    visibility: &Visibility,
) -> Result<Request, FlowError> {
    let needs = Needs {
        request: Some(wanted(name, visibility)),
        ..Needs::default()
    };
    let loaded = app.store.load(needs).await?;
    loaded.request.ok_or(FlowError::NotFound)
}

/// The version of a request as it is now, and no more of it.
///
/// # Errors
/// As for the [request].
pub async fn version(app: &App, name: &Name, visibility: &Visibility) -> Result<i64, FlowError> {
    let needs = Needs {
        version: Some(wanted(name, visibility)),
        ..Needs::default()
    };
    let loaded = app.store.load(needs).await?;
    loaded.version.ok_or(FlowError::NotFound)
}

/// A page of a list; the list is made anew for each try.
///
/// # Errors
/// Where the database does not answer.
pub async fn page<'a>(
    app: &App,
    list: impl Fn() -> RequestList<'a>,
) -> Result<Vec<Summary>, StoreError> {
    app.store
        .read_anywhere(list().plans(), async |connection: &mut Connection| {
            request_list::page(connection, list()).await
        })
        .await
}

/// So many lines of the history of a request that the caller may see, after that of a version.
///
/// # Errors
/// Where the database does not answer.
pub async fn history(
    app: &App,
    request: &Request,
    after: i64,
    limit: i64,
) -> Result<Vec<EventRow>, StoreError> {
    app.store
        .read_anywhere(Plans::Once, async |connection: &mut Connection| {
            events::of_request(connection, request.id, after, limit).await
        })
        .await
}

/// So many entries of hours on a request that the caller may see, after a position.
///
/// # Errors
/// Where the database does not answer.
pub async fn time_entries(
    app: &App,
    request: &Request,
    after: Option<Position>,
    limit: i64,
) -> Result<Vec<TimeEntry>, StoreError> {
    app.store
        .read_anywhere(Plans::Once, async |connection: &mut Connection| {
            time_entries::of_request(connection, request.id, after, limit).await
        })
        .await
}
