//! Engagement requests.

pub mod act;
pub mod body;
pub mod create;
pub mod history;
pub mod list;
pub mod revise;
pub mod show;
pub mod view;

use uuid::Uuid;

use crate::http::problem::Problem;
use crate::store::requests::Name;

/// Reads the name in a path: an id, or a reference in whatever case.
pub(super) fn name(text: &str) -> Result<Name, Problem> {
    if let Ok(id) = Uuid::try_parse(text) {
        return Ok(Name::Id(id));
    }
    let reference = text.to_ascii_uppercase();
    let mut parts = reference.split('-');
    let is_reference = matches!(
        (parts.next(), parts.next(), parts.next(), parts.next()),
        (Some(prefix), Some(year), Some(number), None)
            if !prefix.is_empty() && [year, number].iter().all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit()))
    );
    if is_reference && reference.len() <= 40 {
        Ok(Name::Reference(reference))
    } else {
        Err(Problem::not_found())
    }
}
