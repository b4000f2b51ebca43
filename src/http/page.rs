//! Pages of lists.

use std::fmt::Display;

use actix_web::HttpRequest;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use validator::Validate;

use super::codes::Code;
use super::problem::{Fault, Problem};
use crate::cursor::{BadCursor, CursorKey};

/// Items on a page where the client does not say.
pub const DEFAULT_LIMIT: u16 = 50;

/// Which part of a list that has no filters.
#[derive(Clone, Debug, Deserialize, utoipa::IntoParams, Validate)]
#[into_params(parameter_in = Query)]
#[serde(default)]
pub struct PageParameters {
    /// How many at most.
    #[validate(range(min = 1, max = 200))]
    #[param(minimum = 1, maximum = 200, default = 50)]
    pub limit: u16,
    /// Goes on where a page ended: its `next_cursor`.
    #[validate(length(max = 1000))]
    #[param(max_length = 1000)]
    pub cursor: Option<String>,
}

impl Default for PageParameters {
    fn default() -> Self {
        Self {
            limit: DEFAULT_LIMIT,
            cursor: None,
        }
    }
}

/// A page of a list.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Page<T> {
    /// The items.
    #[schema(max_items = 200)]
    pub items: Vec<T>,
    /// Leads to the next page; `null` on the last one.
    #[schema(
        required = true,
        max_length = 1000,
        example = "Xq1PQ0d3a8x7InQiOjc0MTMsIm4iOjB9b6h2s1f8w5c"
    )]
    pub next_cursor: Option<String>,
}

/// One item more than the page has room for tells whether there is another page.
pub fn one_more(limit: u16) -> i64 {
    i64::from(limit) + 1
}

impl<T> Page<T> {
    /// Cuts the rows read to a page, with the cursor of its last row if there are more.
    pub fn cut(mut rows: Vec<T>, limit: u16, cursor: impl FnOnce(&T) -> String) -> Self {
        let is_more = rows.len() > usize::from(limit);
        rows.truncate(usize::from(limit));
        let next_cursor = if is_more {
            rows.last().map(cursor)
        } else {
            None
        };
        Self {
            items: rows,
            next_cursor,
        }
    }

    /// The same page of something else.
    pub fn map<U>(self, change: impl FnMut(T) -> U) -> Page<U> {
        Page {
            items: self.items.into_iter().map(change).collect(),
            next_cursor: self.next_cursor,
        }
    }

    /// The `Link` header that leads to the next page.
    pub fn link(&self, request: &HttpRequest) -> Option<String> {
        self.next_cursor
            .as_ref()
            .map(|cursor| next(request, cursor))
    }
}

/// The name of a list, which its cursors and tags are bound to: what it lists, and each filter as the query calls it. They
/// outlive the process that gave them, so nothing is part of it that only our own code knows.
pub struct ListName(String);

impl ListName {
    /// The list of all of them.
    pub fn of(what: &str) -> Self {
        Self(what.to_owned())
    }

    /// Those for which the filter has that value. One that is not given is no part of the name.
    pub fn with(mut self, filter: &str, value: Option<impl Display>) -> Self {
        if let Some(value) = value {
            self.0
                .push_str(&format!(" {filter}={:?}", value.to_string()));
        }
        self
    }

    /// Those for which the filter has one of the values.
    pub fn with_any(self, filter: &str, values: impl IntoIterator<Item: AsRef<str>>) -> Self {
        values
            .into_iter()
            .fold(self, |name, value| name.with(filter, Some(value.as_ref())))
    }

    /// As it is written.
    pub fn into_string(self) -> String {
        self.0
    }
}

/// A `Link` header that leads on from the cursor, everything else being as in this request.
pub fn next(request: &HttpRequest, cursor: &str) -> String {
    let others = request
        .query_string()
        .split('&')
        .filter(|pair| !pair.is_empty() && !pair.starts_with("cursor="));
    let query: Vec<&str> = others.collect();
    let and = if query.is_empty() { "" } else { "&" };
    format!(
        "<{}?{}{and}cursor={cursor}>; rel=\"next\"",
        request.path(),
        query.join("&")
    )
}

/// The position in a cursor of this list.
///
/// # Errors
/// The problem to answer with, where it is none of ours or of another list.
pub fn open<P: DeserializeOwned>(key: &CursorKey, cursor: &str, list: &str) -> Result<P, Problem> {
    key.open(cursor, list).map_err(|error| match error {
        BadCursor::Forged => Problem::new(Code::CursorInvalid).fault(Fault::in_parameter(
            "cursor",
            "INVALID",
            "must be the next_cursor of a page",
        )),
        BadCursor::OtherFilters => {
            Problem::new(Code::CursorFilterMismatch).fault(Fault::in_parameter(
                "cursor",
                "OTHER_LIST",
                "belongs to a list with other filters",
            ))
        }
    })
}
