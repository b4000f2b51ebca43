//! None of certain kinds of work is involved. Every one that is gets an outcome of its own.

use super::super::case::Case;
use super::super::report::Page;

pub(super) fn check<'a>(terms: &'a [String], case: &Case<'a>, page: &mut Page<'a, '_>) {
    let desk = &case.desk.name;
    let mut refused = false;
    for term in terms {
        let Some(index) = case.reading.involved(term) else {
            continue;
        };
        let name = case
            .work(term)
            .map_or(term.as_str(), |work| work.name.as_str());
        page.refuse(
            term,
            index,
            format_args!("{desk} does not do this: {name}."),
        );
        refused = true;
    }
    if !refused {
        page.pass(format_args!(
            "No work is involved that {desk} refuses here."
        ));
    }
}
