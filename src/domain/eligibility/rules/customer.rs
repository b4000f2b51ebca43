//! There is a customer context: a named customer who agreed to be named, or a described segment.

use super::super::case::Case;
use super::super::report::Page;
use super::Either;
use crate::domain::facts::{Customer, CustomerKind, given};

pub(super) fn check<'a>(accepts: &'a [CustomerKind], case: &Case<'a>, page: &mut Page<'a, '_>) {
    let (desk, catalogue) = (&case.desk.name, case.catalogue());
    let name = |kind: &CustomerKind| catalogue.label(*kind);
    let accepted = Either(accepts, &name);
    let Some(customer) = case.customer().filter(|customer| says_something(customer)) else {
        page.fail(
            "/customer",
            format_args!(
                "Without a customer this is a generic question, which no desk takes. \
                 Give the {accepted} it is about."
            ),
        );
        return;
    };
    let Some(kind) = customer.kind else {
        page.unknown(
            "/customer/kind",
            format_args!("Say whether this is a {accepted}: {desk} works for no other."),
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

/// Whether there is a customer at all.
fn says_something(customer: &Customer) -> bool {
    let Customer {
        kind,
        name,
        opportunity_id,
        consent: _,
        description,
        contract: _,
    } = customer;
    let texts = [name, opportunity_id, description];
    kind.is_some() || texts.into_iter().any(|text| given(text.as_ref()).is_some())
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

#[cfg(test)]
mod tests {
    use super::super::super::given::request_at;
    use super::*;

    const DESKS: [&str; 3] = ["pad", "gps", "tpd"];

    #[test]
    fn a_named_customer_who_agreed_passes_everywhere() {
        for desk in DESKS {
            request_at(desk).passes(&format!("{desk}.customer"));
        }
    }

    #[test]
    fn an_opportunity_stands_for_a_name() {
        let given = request_at("pad").customer(|customer| {
            customer.name = None;
            customer.opportunity_id = Some("OPP-2231".to_owned());
        });
        given.passes("pad.customer");
    }

    #[test]
    fn a_generic_question_is_refused_everywhere() {
        for desk in DESKS {
            let id = format!("{desk}.customer");
            request_at(desk)
                .with(|facts| facts.customer = None)
                .fails(&id, "/customer");
            request_at(desk)
                .customer(|customer| {
                    *customer = Customer {
                        consent: Some(true),
                        ..Customer::default()
                    };
                })
                .fails(&id, "/customer");
            let given =
                request_at(desk).customer(|customer| customer.name = Some(" \t".to_owned()));
            given.fails(&id, "/customer/name");
            assert!(!given.rule(&id).waivable);
        }
    }

    #[test]
    fn whoever_gives_a_customer_and_not_its_kind_is_asked_for_that() {
        for desk in DESKS {
            let given = request_at(desk).customer(|customer| customer.kind = None);
            given.is_unknown(&format!("{desk}.customer"), "/customer/kind");
        }
    }

    #[test]
    fn consent_that_is_not_stated_is_asked_for() {
        let given = request_at("pad").customer(|customer| customer.consent = None);
        given.is_unknown("pad.customer", "/customer/consent");
    }

    #[test]
    fn a_customer_who_did_not_agree_is_not_named() {
        let given = request_at("tpd").customer(|customer| customer.consent = Some(false));
        given.fails("tpd.customer", "/customer/consent");
        assert_eq!((given.destinations().len(), given.unplaced().len()), (0, 0));
    }

    fn segment(customer: &mut Customer) {
        *customer = Customer {
            kind: Some(CustomerKind::Segment),
            description: Some("Retail banks in the Nordics".to_owned()),
            ..Customer::default()
        };
    }

    #[test]
    fn a_described_segment_passes_at_gps_and_tpd() {
        for desk in ["gps", "tpd"] {
            request_at(desk)
                .customer(segment)
                .passes(&format!("{desk}.customer"));
        }
    }

    #[test]
    fn a_segment_is_refused_at_pad() {
        request_at("pad")
            .customer(segment)
            .fails("pad.customer", "/customer/kind");
    }

    #[test]
    fn a_segment_without_description_is_a_generic_question() {
        let given = request_at("gps").customer(segment);
        let given = given.customer(|customer| customer.description = Some("  ".to_owned()));
        given.fails("gps.customer", "/customer/description");
    }
}
