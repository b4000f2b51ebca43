//! All faults of one request, gathered before it is refused.

use super::pointer::{compare, touches};
use crate::http::codes::Code;
use crate::http::problem::{Fault, Place, Problem};

/// A collection of faults. What lies in or around a value that could not be read is not added
/// again: it would speak of a stand-in.
#[derive(Debug, Default)]
pub struct Faults {
    list: Vec<Fault>,
    unreadable: Vec<String>,
}

impl Faults {
    /// No faults yet.
    pub fn new() -> Self {
        Self::default()
    }

    pub(super) fn found(list: Vec<Fault>, unreadable: Vec<String>) -> Self {
        Self { list, unreadable }
    }

    /// Adds a fault.
    pub fn push(&mut self, fault: Fault) {
        let shadowed = match &fault.place {
            Place::Pointer(pointer) => self.unreadable.iter().any(|hole| touches(pointer, hole)),
            Place::Parameter(name) => self.unreadable.iter().any(|hole| hole == name),
            Place::Header(_) => false,
        };
        if !shadowed {
            self.list.push(fault);
        }
    }

    /// Adds a fault of the member at a pointer.
    pub fn at(
        &mut self,
        pointer: impl Into<String>,
        code: &'static str,
        message: impl Into<String>,
    ) {
        self.push(Fault::at(pointer, code, message));
    }

    /// Whether the member at the pointer was read as it was sent: what depends on a stand-in for it
    /// should not be judged.
    pub fn was_read(&self, pointer: &str) -> bool {
        !self.unreadable.iter().any(|hole| touches(pointer, hole))
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// Passes the value on if there is no fault.
    pub fn into_result<T>(self, value: Option<T>) -> Result<T, Problem> {
        match value {
            Some(value) if self.list.is_empty() => Ok(value),
            _ => Err(self.into_problem()),
        }
    }

    /// The answer that lists them all: 400 if a member is unknown, else 422.
    pub fn into_problem(mut self) -> Problem {
        let unknown = self.list.iter().any(|fault| fault.code == "UNKNOWN_FIELD");
        let code = if unknown {
            Code::UnknownField
        } else {
            Code::ValidationFailed
        };
        self.list
            .sort_by(|one, other| match (&one.place, &other.place) {
                (Place::Pointer(one), Place::Pointer(other)) => compare(one, other),
                _ => std::cmp::Ordering::Equal,
            });
        let detail = match self.list.len() {
            0 => String::from("The request could not be read."),
            1 => String::from("1 fault was found."),
            count => format!("{count} faults were found."),
        };
        Problem::new(code).detail(detail).faults(self.list)
    }
}
