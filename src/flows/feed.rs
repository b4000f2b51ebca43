//! The feed is read, at once or when there is something to read; and so is one request.

use std::pin::pin;
use std::sync::Arc;

use super::FlowError;
use super::read::wanted;
use crate::app::App;
use crate::domain::request::Request;
use crate::store::feed::{self, FeedRow, Filter, Position, Stretch};
use crate::store::requests::{self, Lock, Name, Visibility};
use crate::store::{Connection, Plans, StoreError};
use crate::tail::{Interest, Place};

/// Events looked at in one query, whoever may see them.
const STRETCH: i64 = 2_000;

/// Queries in one reading: with few events to show among many, a page may come out short.
const STRETCHES: usize = 25;

/// Part of the feed.
#[derive(Clone, Debug)]
pub struct Reading {
    /// What was found there.
    pub rows: Vec<FeedRow>,
    /// Its end, where to go on.
    pub end: Position,
    /// There is more to read at once.
    pub more: bool,
}

impl Reading {
    fn is_worth_an_answer(&self) -> bool {
        !self.rows.is_empty() || self.more
    }
}

/// Where the feed goes on from now; read once for all who ask at one moment, as many do when their streams broke off.
///
/// # Errors
/// Where the database does not answer.
pub async fn now(app: &App) -> Result<Position, FlowError> {
    let read = app
        .store
        .read(Plans::Once, async |connection: &mut Connection| {
            Ok(feed::horizon(connection).await?)
        });
    app.ends.get((), read).await.map(|position| *position)
}

/// Reads on after a position, once for all who ask for the same at one moment.
///
/// # Errors
/// Where the database does not answer.
pub async fn read(
    app: &App,
    filter: &Filter,
    visibility: &Visibility,
    after: Position,
    limit: u16,
) -> Result<Reading, FlowError> {
    read_after(app, None, filter, visibility, after, limit).await
}

/// The same; whoever reads takes a turn where it has a place among those who wait.
async fn read_after(
    app: &App,
    place: Option<&Place>,
    filter: &Filter,
    visibility: &Visibility,
    after: Position,
    limit: u16,
) -> Result<Reading, FlowError> {
    let key = format!("{visibility:?} {filter:?} {after:?} {limit}");
    let read = async {
        let _turn = match place {
            Some(place) => place.turn().await,
            None => None,
        };
        let plans = filter.plans(visibility);
        app.store
            .read(plans, async |connection: &mut Connection| {
                Ok(read_stretches(connection, filter, visibility, after, limit).await?)
            })
            .await
    };
    let reading = app.readings.get(key, read).await;
    reading.map(Arc::unwrap_or_clone)
}

async fn read_stretches(
    connection: &mut Connection,
    filter: &Filter,
    visibility: &Visibility,
    after: Position,
    limit: u16,
) -> Result<Reading, StoreError> {
    let horizon = feed::horizon(connection).await?;
    let mut reading = Reading {
        rows: Vec::new(),
        end: after,
        more: after < horizon,
    };
    let shows_all = filter.shows_all(visibility);
    for _ in 0..STRETCHES {
        if !reading.more {
            break;
        }
        let after = reading.end;
        let Stretch { end, more } = if shows_all {
            // No more of them are looked at than fit.
            Stretch::rest(after, horizon)
        } else {
            feed::stretch(connection, after, horizon, STRETCH).await?
        };
        let room = usize::from(limit).saturating_sub(reading.rows.len());
        let one_more = i64::try_from(room + 1).unwrap_or(i64::MAX);
        let mut rows = feed::between(connection, filter, visibility, after, end, one_more).await?;
        let is_full = rows.len() > room;
        rows.truncate(room);
        reading.rows.append(&mut rows);
        if is_full {
            reading.end = reading.rows.last().map_or(after, |row| row.position);
            break;
        }
        reading.end = end;
        reading.more = more;
    }
    Ok(reading)
}

/// Reads on after a position; where there is nothing, waits for it until the given future is done.
///
/// # Errors
/// Where the database does not answer.
pub async fn read_or_wait(
    app: &App,
    mut place: Place,
    filter: &Filter,
    visibility: &Visibility,
    after: Position,
    limit: u16,
    until: impl Future<Output = ()>,
) -> Result<Reading, FlowError> {
    let mut until = pin!(until);
    let mut reading = read_in_turn(app, &place, filter, visibility, after, limit).await?;
    if reading.is_worth_an_answer() {
        return Ok(reading);
    }
    place.follow(
        Interest::Events(filter.clone(), visibility.clone()),
        reading.end,
    );
    loop {
        tokio::select! {
            () = place.news() => {}
            () = &mut until => return Ok(reading),
        }
        reading = read_in_turn(app, &place, filter, visibility, reading.end, limit).await?;
        if reading.is_worth_an_answer() {
            return Ok(reading);
        }
    }
}

/// [`read`], as one of those who wait.
///
/// # Errors
/// Where the database does not answer.
pub async fn read_in_turn(
    app: &App,
    place: &Place,
    filter: &Filter,
    visibility: &Visibility,
    after: Position,
    limit: u16,
) -> Result<Reading, FlowError> {
    read_after(app, Some(place), filter, visibility, after, limit).await
}

/// The request as soon as it is news to the caller, or as it is when the given future is done.
///
/// # Errors
/// Where the caller can't see it, or not any more, and where the database does not answer.
pub async fn read_when_changed(
    app: &App,
    mut place: Place,
    name: &Name,
    visibility: &Visibility,
    is_news: impl Fn(&Request) -> bool,
    until: impl Future<Output = ()>,
) -> Result<Request, FlowError> {
    let mut until = pin!(until);
    let (horizon, request) = find_in_turn(app, &place, name, visibility).await?;
    if is_news(&request) {
        return Ok(request);
    }
    place.follow(Interest::Request(request.id), horizon);
    loop {
        let is_over = tokio::select! {
            () = place.news() => false,
            () = &mut until => true,
        };
        let (_, request) = find_in_turn(app, &place, name, visibility).await?;
        if is_over || is_news(&request) {
            return Ok(request);
        }
    }
}

/// The request, and a position in the feed that it is not older than.
async fn find_in_turn(
    app: &App,
    place: &Place,
    name: &Name,
    visibility: &Visibility,
) -> Result<(Position, Request), FlowError> {
    let _turn = place.turn().await;
    app.store
        .read(Plans::Once, async |connection: &mut Connection| {
            let horizon = feed::horizon(connection).await?;
            let wanted = wanted(name, visibility);
            let found = requests::find_all(connection, &[(0, &wanted)], Lock::No).await?;
            let request = found.into_iter().next().ok_or(FlowError::NotFound)?;
            Ok((horizon, request.1))
        })
        .await
}
