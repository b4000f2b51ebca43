//! x
use super::Catalogue;
/// x
pub fn rules_document(_c: &Catalogue) -> String {
    String::new()
}
