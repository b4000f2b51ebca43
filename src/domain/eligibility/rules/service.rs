//! The desk offers the service.

use super::super::case::Case;
use super::super::report::Page;

pub(super) fn check<'a>(case: &Case<'a>, page: &mut Page<'a, '_>) {
    let desk = &case.desk.name;
    match (case.service, case.service_name()) {
        (Some(id), Some(name)) if case.desk.offers(id) => {
            page.pass(format_args!("{desk} offers {name}."));
        }
        (Some(_), Some(name)) => {
            page.fail("/service", format_args!("{desk} does not offer {name}."));
        }
        _ => page.unknown(
            "/service",
            format_args!("Say which service of {desk} is wanted."),
        ),
    }
}
