//! The partner has had fewer deals in the solution area than the desk helps with.

use super::super::case::Case;
use super::super::report::Page;
use crate::catalog::Rule;

pub(super) fn check<'a>(rule: &'a Rule, most: u32, case: &Case<'a>, page: &mut Page<'a, '_>) {
    let desk = &case.desk.name;
    let area = case.facts().solution_area.as_deref().map_or("", str::trim);
    if case.reading.solution_area_key().is_none() {
        page.unknown(
            "/solution_area",
            format_args!(
                "Give the solution area: {desk} helps with a partner's first {most} deals in each."
            ),
        );
    } else if case.facts().partner_mpn_id().is_none() {
        page.unknown(
            "/partner/mpn_id",
            format_args!(
                "Give the partner's MPN id: {desk} helps with a partner's first {most} deals in each \
                 solution area."
            ),
        );
    } else {
        let deals = case
            .reading
            .question
            .history
            .deals
            .get(&rule.id)
            .copied()
            .unwrap_or(0);
        if deals < most {
            page.pass(format_args!(
                "{desk} helps with a partner's first {most} deals in a solution area; {deals} of them \
                 are counted in {area} so far."
            ));
        } else {
            page.fail(
                "/solution_area",
                format_args!(
                    "{desk} helps with a partner's first {most} deals in a solution area, and this \
                     partner has had them in {area}."
                ),
            );
        }
    }
}
