//! There is a customer context: a named customer who agreed to be named, or a described segment.

use super::super::case::Case;
use super::super::report::Page;
use super::Either;
use crate::domain::facts::{Customer, CustomerKind, given};

pub(super) fn check<'a>(accepts: &'a [CustomerKind], case: &Case<'a>, page: &mut Page<'a, '_>) {
    let (desk, catalogue) = (&case.desk.name, case.catalogue());
    let name = |kind: &CustomerKind| catalogue.label(*kind);
    let accepted = Either(accepts, &name);
    let context = case
        .customer()
        .and_then(|customer| Some((customer, customer.kind?)));
    let Some((customer, kind)) = context else {
        page.fail(
            "/customer",
            format_args!(
                "Without a customer this is a generic question, which no desk takes. \
                 Give the {accepted} it is about."
            ),
        );
        return;
    };
    if !accepts.contains(&kind) {
        page.fail(
            "/customer/kind",
            format_args!(
                "{desk} works for a {accepted} only, and this is a {}.",
                name(&kind)
            ),
        );
        return;
    }
    match kind {
        CustomerKind::Named => named(customer, case, page),
        CustomerKind::Segment if given(customer.description.as_ref()).is_some() => {
            page.pass(format_args!("The segment or scenario is described."));
        }
        CustomerKind::Segment => page.fail(
            "/customer/description",
            format_args!(
                "Describe the segment or scenario the partner will sell into: without that this is a \
                 generic question, which no desk takes."
            ),
        ),
    }
}

fn named<'a>(customer: &Customer, case: &Case<'a>, page: &mut Page<'a, '_>) {
    let desk = &case.desk.name;
    let stands_for = [&customer.name, &customer.opportunity_id];
    if stands_for
        .into_iter()
        .all(|text| given(text.as_ref()).is_none())
    {
        page.fail(
            "/customer/name",
            format_args!(
                "Give the customer's name or the opportunity: without either this is a generic \
                 question, which no desk takes."
            ),
        );
        return;
    }
    match customer.consent {
        Some(true) => page.pass(format_args!(
            "The customer is named and has agreed to that."
        )),
        Some(false) => page.fail(
            "/customer/consent",
            format_args!("The customer has not agreed to be named: {desk} needs its consent."),
        ),
        None => page.unknown(
            "/customer/consent",
            format_args!("Say whether the customer agrees to be named to {desk}."),
        ),
    }
}
