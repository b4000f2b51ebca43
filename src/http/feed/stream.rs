//! The feed as a stream of server-sent events, as the HTML standard describes them.
//!
//! The stream is drawn on, never pushed into: nothing is read from the database before what was read last
//! has gone into the connection's buffer. While that buffer is full the connection does not count as
//! busy, so that the sweeper closes it, and with it the stream, after the time for idle connections.

use std::fmt::Write;
use std::pin::pin;

use actix_web::http::{Method, header};
use actix_web::{HttpRequest, HttpResponse, web};
use futures_util::stream;

use super::{FeedEvent, name_of};
use crate::app::App;
use crate::cursor::CursorKey;
use crate::domain::actor::Caller;
use crate::domain::rights::projection;
use crate::flows::feed::{self, Reading};
use crate::http::codes::Code;
use crate::http::page;
use crate::http::problem::{Fault, Problem};
use crate::http::{Http, auth, connections, refusal, wait};
use crate::store::feed::{Filter, Position};
use crate::store::requests::Visibility;
use crate::tail::{Interest, Place};

const LAST_EVENT_ID: &str = "last-event-id";

/// Events that go out together.
const BATCH: u16 = 100;

/// Milliseconds after which a client that was cut off comes back.
const RETRY: u32 = 2_000;

/// Where the client broke off, by `Last-Event-ID`.
pub(super) fn last_event(
    request: &HttpRequest,
    key: &CursorKey,
    list: &str,
) -> Result<Option<Position>, Problem> {
    let Some(value) = request.headers().get(LAST_EVENT_ID) else {
        return Ok(None);
    };
    let cursor = value.to_str().ok().ok_or_else(|| {
        Problem::new(Code::CursorInvalid).fault(Fault::in_header(
            "Last-Event-ID",
            "INVALID",
            "must be the id of an event",
        ))
    })?;
    // A browser that has seen no id sends none, some other clients an empty one.
    if cursor.is_empty() {
        return Ok(None);
    }
    page::open(key, cursor, list).map(Some)
}

/// The answer that goes on after the position, until either side ends it.
pub(super) fn answer(
    request: HttpRequest,
    app: web::Data<App>,
    caller: &Caller,
    filter: Filter,
    after: Position,
) -> Result<HttpResponse, Problem> {
    let place = wait::place(&app, caller)?;
    let mut response = HttpResponse::Ok();
    response
        .content_type("text/event-stream")
        .insert_header((header::VARY, "Authorization, Accept"))
        // Asks nginx not to hold events back.
        .insert_header(("x-accel-buffering", "no"));
    if request.method() == Method::HEAD {
        return Ok(response.finish());
    }
    let events = Events {
        list: name_of(&filter),
        request,
        app,
        filter,
        place,
        read_up_to: after,
        stage: Stage::Greeting,
    };
    Ok(response.streaming(stream::unfold(events, Events::next)))
}

/// What the next part of the stream needs.
struct Events {
    request: HttpRequest,
    app: web::Data<App>,
    filter: Filter,
    list: String,
    place: Place,
    read_up_to: Position,
    stage: Stage,
}

/// What the stream does next.
#[derive(Clone, Copy)]
enum Stage {
    /// It says how to come back.
    Greeting,
    /// It reads what is there already.
    Reading,
    /// It waits for what is new.
    Following,
}

impl Events {
    /// The next part; none where the stream is over. The client comes back by itself, and learns
    /// from the answer if it may not.
    async fn next(mut self) -> Option<(Result<web::Bytes, Problem>, Self)> {
        match self.part().await {
            Ok(Some(part)) => Some((Ok(part.into()), self)),
            Ok(None) => None,
            Err(problem) => {
                tracing::info!(?problem, "a stream of events ends");
                None
            }
        }
    }

    async fn part(&mut self) -> Result<Option<String>, Problem> {
        // Only while there is nothing to send: see above.
        let _busy = connections::hold(&self.request);
        if let Stage::Greeting = self.stage {
            self.stage = Stage::Reading;
            return Ok(Some(format!("retry: {RETRY}\nid: {}\n\n", self.cursor())));
        }
        let http = Http::of(&self.request)?;
        let mut heartbeat = pin!(tokio::time::sleep(http.limits.heartbeat));
        loop {
            if let Stage::Following = self.stage {
                tokio::select! {
                    () = http.drained() => return Ok(None),
                    () = self.place.news() => {}
                    () = &mut heartbeat => {
                        self.caller(http).await?;
                        return Ok(Some(self.sign_of_life()));
                    }
                }
            }
            if *http.draining.borrow() {
                return Ok(None);
            }
            let caller = self.caller(http).await?;
            let visibility = Visibility::of(&caller);
            let Reading { rows, end, more } = feed::read_in_turn(
                &self.app,
                &self.place,
                &self.filter,
                &visibility,
                self.read_up_to,
                BATCH,
            )
            .await
            .map_err(|error| refusal::problem(error, &caller, self.app.clock.now()))?;
            self.read_up_to = end;
            self.stage = match (self.stage, more) {
                (_, true) => Stage::Reading,
                (Stage::Following, false) => Stage::Following,
                (_, false) => {
                    let interest = Interest::Events(self.filter.clone(), visibility);
                    self.place.follow(interest, end);
                    Stage::Following
                }
            };
            if !rows.is_empty() {
                let shown = projection(caller.role);
                let mut part = String::new();
                for row in rows {
                    let event = FeedEvent::new(row, shown, &self.app.cursor_key, &self.list);
                    let data =
                        serde_json::to_string(&event).map_err(|error| Problem::internal(&error))?;
                    let (cursor, kind) = (&event.cursor, event.event.kind);
                    write!(part, "id: {cursor}\nevent: {kind}\ndata: {data}\n\n")
                        .map_err(|error| Problem::internal(&error))?;
                }
                return Ok(Some(part));
            }
            if more {
                return Ok(Some(self.sign_of_life()));
            }
        }
    }

    /// No event, but an id all the same: a client that breaks off here need not read so far again.
    fn sign_of_life(&self) -> String {
        format!(": nothing new\nid: {}\n\n", self.cursor())
    }

    /// Who is asking, found out anew: the credential may have ended since.
    async fn caller(&self, http: &Http) -> Result<Caller, Problem> {
        auth::authenticate(http, &self.request).await
    }

    fn cursor(&self) -> String {
        self.app.cursor_key.seal(&self.read_up_to, &self.list)
    }
}
