//! The motion is one in which the desk works.

use super::super::case::Case;
use super::super::report::Page;
use super::Either;
use crate::domain::facts::Motion;

pub(super) fn check<'a>(allowed: &'a [Motion], case: &Case<'a>, page: &mut Page<'a, '_>) {
    let (desk, catalogue) = (&case.desk.name, case.catalogue());
    let name = |motion: &Motion| catalogue.label(*motion);
    let expected = Either(allowed, &name);
    match &case.motion {
        Some(motion) if allowed.contains(motion) => {
            page.pass(format_args!("{desk} takes {} work.", name(motion)));
        }
        Some(motion) => page.fail(
            "/motion",
            format_args!(
                "{desk} takes {expected} work only, and this is {}.",
                name(motion)
            ),
        ),
        None => page.unknown(
            "/motion",
            format_args!(
                "Say whether this is sell-with or build-with: {desk} takes {expected} work."
            ),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::given::request_at;
    use super::*;

    #[test]
    fn each_desk_takes_its_own_motion() {
        request_at("pad").passes("pad.motion");
        request_at("gps").passes("gps.motion");
    }

    #[test]
    fn build_with_is_refused_at_pad_and_sent_to_gps() {
        let given = request_at("pad").with(|facts| facts.motion = Some(Motion::BuildWith));
        given.fails("pad.motion", "/motion");
        assert_eq!(given.destinations(), ["gps"]);
        assert_eq!(given.unplaced(), [""; 0]);
    }

    #[test]
    fn sell_with_for_a_customer_is_refused_at_gps_and_sent_to_pad() {
        let given = request_at("gps").with(|facts| facts.motion = Some(Motion::SellWith));
        given.fails("gps.motion", "/motion");
        assert_eq!(given.destinations(), ["pad"]);
    }

    #[test]
    fn a_missing_motion_is_asked_for() {
        request_at("pad")
            .with(|facts| facts.motion = None)
            .is_unknown("pad.motion", "/motion");
    }

    #[test]
    fn tpd_takes_either_motion() {
        for motion in [None, Some(Motion::SellWith), Some(Motion::BuildWith)] {
            assert!(
                request_at("tpd")
                    .with(|facts| facts.motion = motion)
                    .decide()
                    .eligible
            );
        }
    }
}
