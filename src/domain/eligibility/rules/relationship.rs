//! The asking person is one who may ask the desk.

use super::super::case::Case;
use super::super::report::Page;
use super::Either;
use crate::domain::facts::Relationship;

pub(super) fn check<'a>(allowed: &'a [Relationship], case: &Case<'a>, page: &mut Page<'a, '_>) {
    const POINTER: &str = "/requested_by/relationship";
    let (desk, catalogue) = (&case.desk.name, case.catalogue());
    let name = |relationship: &Relationship| catalogue.label(*relationship);
    let askers = Either(allowed, &name);
    match &case.reading.question.asker {
        Some(asker) if allowed.contains(asker) => {
            page.pass(format_args!("A {} may ask {desk}.", name(asker)));
        }
        Some(Relationship::EndCustomer) => page.fail(
            POINTER,
            format_args!(
                "{desk} works for partners: an end customer cannot ask on the partner's entitlement."
            ),
        ),
        Some(asker) => page.fail(
            POINTER,
            format_args!("A {} cannot ask {desk} directly: ask through the {askers}.", name(asker)),
        ),
        None => page.unknown(
            POINTER,
            format_args!("Say what the asking person is to the partner: {desk} is asked by a {askers}."),
        ),
    }
}
