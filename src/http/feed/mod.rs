//! The feed: what happened to all requests, in order, as pages or as a stream.

pub mod list;
pub mod stream;

use actix_web::http::header::{self, HeaderMap};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::page::ListName;
use super::requests::history::EventView;
use crate::cursor::CursorKey;
use crate::domain::rights::Projection;
use crate::store::feed::{FeedRow, Filter};
use crate::store::requests::Name;

/// An event of the feed.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct FeedEvent {
    /// Leads on from here: what comes after this event under the same filters.
    #[schema(max_length = 1000)]
    pub cursor: String,
    /// The request it happened to.
    pub request_id: Uuid,
    /// The request's identity for people.
    #[schema(max_length = 40, example = "PAD-2026-000123")]
    pub reference: String,
    /// What happened, as in the request's own history.
    #[serde(flatten)]
    pub event: EventView,
}

impl FeedEvent {
    fn new(row: FeedRow, shown: Projection, key: &CursorKey, list: &str) -> Self {
        let FeedRow {
            position,
            request_id,
            reference,
            event,
        } = row;
        Self {
            cursor: key.seal(&position, list),
            request_id,
            reference,
            event: EventView::new(event, shown),
        }
    }
}

/// The name of this part of the feed. Consumers keep its cursors for as long as they like, so it has to stay as it is.
fn name_of(filter: &Filter) -> String {
    let Filter {
        desk,
        kinds,
        partner,
        request,
    } = filter;
    let request = request.as_ref().map(|name| match name {
        Name::Id(id) => id.to_string(),
        Name::Reference(reference) => reference.clone(),
    });
    ListName::of("feed")
        .with("desk", desk.as_ref())
        .with_any("type", kinds.iter().map(|kind| kind.as_str()))
        .with("partner", partner.as_ref())
        .with("request", request)
        .into_string()
}

/// Whether the client would rather have a stream of events than JSON.
fn wants_stream(headers: &HeaderMap) -> bool {
    let accept = |media_type: &str| {
        headers
            .get_all(header::ACCEPT)
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','))
            .filter_map(|range| {
                let mut parts = range.split(';').map(str::trim);
                if !parts.next()?.eq_ignore_ascii_case(media_type) {
                    return None;
                }
                let weight = parts.find_map(|part| part.strip_prefix("q="));
                weight.map_or(Some(1.0), |weight| weight.parse().ok())
            })
            .fold(0.0_f32, f32::max)
    };
    accept("text/event-stream") > accept("application/json")
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::HeaderValue;

    use super::*;
    use crate::domain::lifecycle::EventKind;

    #[test]
    fn the_feed_has_the_name_that_kept_cursors_are_bound_to() {
        assert_eq!(name_of(&Filter::default()), "feed");
        let filter = Filter {
            desk: Some("pad".to_owned()),
            kinds: vec![EventKind::Created, EventKind::Revised],
            partner: Some("4567890".to_owned()),
            request: Some(Name::Reference("PAD-2026-000123".to_owned())),
        };
        let name = r#"feed desk="pad" type="created" type="revised" partner="4567890" request="PAD-2026-000123""#;
        assert_eq!(name_of(&filter), name);
    }

    #[test]
    fn a_stream_is_given_only_to_those_who_would_rather_have_one() {
        for (accept, stream) in [
            ("text/event-stream", true),
            ("Text/Event-Stream;charset=utf-8", true),
            ("application/json;q=0.5, text/event-stream", true),
            ("text/event-stream, */*;q=0.1", true),
            ("application/json", false),
            ("application/json, text/event-stream", false),
            ("text/event-stream;q=0.2, application/json;q=0.3", false),
            ("text/event-stream;q=0", false),
            ("*/*", false),
            ("", false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT, HeaderValue::from_static(accept));
            assert_eq!(wants_stream(&headers), stream, "{accept}");
        }
    }
}
