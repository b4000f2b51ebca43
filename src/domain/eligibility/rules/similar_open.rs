//! No request for the same customer and service is open.

use super::super::case::Case;
use super::super::history::EarlierRequest;
use super::super::report::Page;
use super::Listed;

pub(super) fn check<'a>(case: &Case<'a>, page: &mut Page<'a, '_>) {
    let same = |earlier: &&EarlierRequest| earlier.open && case.service == Some(&earlier.service);
    let similar = || {
        case.reading
            .question
            .history
            .same_customer
            .iter()
            .filter(same)
    };
    if similar().next().is_some() {
        let references = Listed(similar().map(|earlier| earlier.reference.as_str()));
        page.warn(
            "/customer",
            format_args!("The same service is open for the same customer already: {references}."),
        );
    } else {
        page.pass(format_args!("Nothing similar is open for this customer."));
    }
}
