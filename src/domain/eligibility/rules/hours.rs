//! The estimated effort stays within a limit.

use super::super::case::Case;
use super::super::report::Page;
use super::Hours;
use crate::catalog::Comparison;

pub(super) fn check<'a>(
    comparison: Comparison,
    limit: f64,
    case: &Case<'a>,
    page: &mut Page<'a, '_>,
) {
    const POINTER: &str = "/estimated_hours";
    let desk = &case.desk.name;
    let (bound, allowed) = match comparison {
        Comparison::LessThan => ("less than", Hours(limit)),
        Comparison::AtMost => ("at most", Hours(limit)),
    };
    match case.facts().estimated_hours {
        None => page.unknown(
            POINTER,
            format_args!("Estimate the hours: {desk} takes {bound} {allowed}."),
        ),
        // a number that is not one is refused here too, whatever it is compared with
        Some(hours) if !hours.is_finite() || hours < 0.0 => {
            page.fail(
                POINTER,
                format_args!("An estimate of {} makes no sense.", Hours(hours)),
            );
        }
        Some(hours) if within(comparison, hours, limit) => page.pass(format_args!(
            "{desk} takes {bound} {allowed}; the estimate is {}.",
            Hours(hours)
        )),
        Some(hours) => page.fail(
            POINTER,
            format_args!(
                "{desk} takes {bound} {allowed}; the estimate is {}.",
                Hours(hours)
            ),
        ),
    }
}

fn within(comparison: Comparison, hours: f64, limit: f64) -> bool {
    match comparison {
        Comparison::LessThan => hours < limit,
        Comparison::AtMost => hours <= limit,
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::given::request_at;
    use super::*;

    fn with(hours: Option<f64>) -> super::super::super::given::Given {
        request_at("tpd").with(|facts| facts.estimated_hours = hours)
    }

    #[test]
    fn less_than_25_hours_pass_at_tpd() {
        for hours in [0.0, 0.25, 24.75, 24.999] {
            with(Some(hours)).passes("tpd.hours");
        }
    }

    #[test]
    fn twenty_five_hours_is_refused_at_tpd_and_no_other_place_is_made_up() {
        for hours in [25.0, 25.25, 400.0] {
            let given = with(Some(hours));
            given.fails("tpd.hours", "/estimated_hours");
            assert_eq!(given.destinations(), [""; 0]);
            assert_eq!(given.unplaced(), ["tpd.hours"]);
        }
    }

    #[test]
    fn a_missing_estimate_is_asked_for_at_tpd() {
        with(None).is_unknown("tpd.hours", "/estimated_hours");
    }

    #[test]
    fn an_estimate_that_makes_no_sense_is_refused() {
        for hours in [-1.0, f64::NAN, f64::INFINITY] {
            with(Some(hours)).fails("tpd.hours", "/estimated_hours");
        }
    }

    #[test]
    fn four_hundred_hours_are_fine_at_pad() {
        for hours in [None, Some(25.0), Some(400.0)] {
            assert!(
                request_at("pad")
                    .with(|facts| facts.estimated_hours = hours)
                    .decide()
                    .eligible
            );
        }
    }

    #[test]
    fn a_lead_may_waive_the_limit() {
        let decision = with(Some(30.0)).waiving("tpd.hours").decide();
        assert!(decision.eligible && decision.unplaced.is_empty());
    }

    #[test]
    fn less_than_leaves_the_limit_out() {
        assert!(within(Comparison::LessThan, 24.75, 25.0));
        assert!(!within(Comparison::LessThan, 25.0, 25.0));
    }

    #[test]
    fn at_most_takes_the_limit_in() {
        assert!(within(Comparison::AtMost, 25.0, 25.0));
        assert!(!within(Comparison::AtMost, 25.25, 25.0));
    }

    #[test]
    fn hours_are_written_without_needless_decimals() {
        let written = [25.0, 24.75, 1.0].map(|hours| Hours(hours).to_string());
        assert_eq!(written, ["25 hours", "24.75 hours", "1 hour"]);
    }
}
