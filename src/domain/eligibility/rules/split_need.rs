//! Earlier requests for the same need do not add up to more than the limit.

use super::super::case::Case;
use super::super::history::EarlierRequest;
use super::super::report::Page;
use super::{Hours, Listed};

pub(super) fn check<'a>(limit: f64, within_days: u32, case: &Case<'a>, page: &mut Page<'a, '_>) {
    let hours = case.facts().estimated_hours.unwrap_or(0.0);
    let area = case.reading.solution_area_key();
    let same_need = |earlier: &&EarlierRequest| {
        // an area that was not given may be the same
        let other_area = earlier.solution_area_key.as_deref();
        let same_area = area.is_none() || other_area.is_none() || area == other_area;
        earlier.desk == case.desk.id
            && same_area
            && earlier.counted
            && earlier.age_days <= i64::from(within_days)
            && earlier.hours < limit
    };
    let earlier = || {
        case.reading
            .question
            .history
            .same_customer
            .iter()
            .filter(same_need)
    };
    let together = hours + earlier().map(|earlier| earlier.hours).sum::<f64>();
    if hours < limit && together >= limit && earlier().next().is_some() {
        let references = Listed(earlier().map(|earlier| earlier.reference.as_str()));
        page.warn(
            "/estimated_hours",
            format_args!(
                "Together with {references} of the last {within_days} days this comes to {}: has one \
                 need been split to stay under {}?",
                Hours(together),
                Hours(limit)
            ),
        );
    } else {
        page.pass(format_args!(
            "No earlier requests add up with this one to {}.",
            Hours(limit)
        ));
    }
}
