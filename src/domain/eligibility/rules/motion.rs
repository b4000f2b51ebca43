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
