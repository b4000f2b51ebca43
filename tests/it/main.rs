//! The one integration binary: it uses the crate as its users do.

mod wording;
