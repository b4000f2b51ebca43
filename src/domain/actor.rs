//! Who is asking.

/// An authenticated caller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// Stable name of the caller.
    pub subject: String,
}
