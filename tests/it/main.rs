//! The one integration binary: it uses the crate as its users do.

mod operator_catalogue;
mod properties;
mod rules_document;
mod wording;
