//! Bodies and query strings to typed values, strictly, and with all faults at once.
//!
//! ```text
//! text ─ tree::read ─► Tree ─ typed::read ─► T, faults ─ validator ─► + faults ─ caller ─► + faults
//! ```
//!
//! Request types are plain `Deserialize + Validate` structs. Unknown members are refused whether or
//! not a type says so. `null` counts as absent. A type that refuses in its own words gives a custom
//! error that begins with "must ". `#[serde(flatten)]` and untagged enums lose the pointers of
//! their members: keep them out of request types.

mod dates;
mod error;
mod faults;
mod pointer;
mod texts;
mod tree;
mod typed;
mod validated;

use serde::Serialize;
use serde::de::DeserializeOwned;
use validator::Validate;

pub use faults::Faults;
pub use pointer::member as pointer_to_member;
pub use texts::{CatalogueWord, ShortText, short_texts, words};
pub(super) use tree::Tree;
pub(super) use typed::{Notation, read as typed};

use super::problem::{Fault, Problem};

/// A value that was read, with the faults found so far.
#[derive(Debug)]
pub struct Parsed<T> {
    value: Option<T>,
    faults: Faults,
}

impl<T> Parsed<T> {
    /// Adds the faults that only the caller can find, such as words of the catalogue. Called also
    /// where there are faults already, so that all are reported together: values that could not be
    /// read have stand-ins then, and faults about those are dropped.
    #[must_use]
    pub fn check(mut self, find: impl FnOnce(&T, &mut Faults)) -> Self {
        if let Some(value) = &self.value {
            find(value, &mut self.faults);
        }
        self
    }

    /// The value, or the answer with every fault.
    pub fn into_result(self) -> Result<T, Problem> {
        self.faults.into_result(self.value)
    }
}

/// Reads a JSON body. `Err` only if it isn't JSON; all other faults are in the [`Parsed`].
pub fn json<T: DeserializeOwned + Validate>(bytes: &[u8]) -> Result<Parsed<T>, Problem> {
    let (tree, nuls) = tree::read(bytes)?;
    Ok(parsed(tree, nuls))
}

fn parsed<T: DeserializeOwned + Validate>(tree: Tree, nuls: Vec<Fault>) -> Parsed<T> {
    let typed::Typed {
        value,
        faults: mut list,
        holes,
    } = typed::read::<T>(tree, Notation::Json);
    list.extend(nuls);
    let mut faults = Faults::found(list, holes);
    validate(value.as_ref(), &mut faults);
    Parsed { value, faults }
}

/// Reads a JSON body: the value, or the answer with every fault.
pub fn body<T: DeserializeOwned + Validate>(bytes: &[u8]) -> Result<T, Problem> {
    json(bytes)?.into_result()
}

/// Reads a merge patch (RFC 7396) and what becomes of `base` under it. A member that the patch takes
/// away is left as `null`, which counts as absent, so that a misspelt one is still found out.
pub fn merge_patch<T: DeserializeOwned + Serialize + Validate>(
    base: &T,
    patch: &[u8],
) -> Result<Parsed<T>, Problem> {
    let (patch, nuls) = tree::read(patch)?;
    let text = serde_json::to_vec(base).map_err(|error| Problem::internal(&error))?;
    let (mut tree, _) = tree::read(&text)?;
    tree.merge(patch);
    Ok(parsed(tree, nuls))
}

pub(super) fn validate<T: Validate>(value: Option<&T>, faults: &mut Faults) {
    if let Some(Err(errors)) = value.map(Validate::validate) {
        validated::collect(&errors, faults);
    }
}

#[cfg(test)]
mod tests;
