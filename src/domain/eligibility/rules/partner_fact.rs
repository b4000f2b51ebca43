//! Something is true of the partner.

use super::super::case::Case;
use super::super::report::Page;
use crate::catalog::PartnerFact;

pub(super) fn check<'a>(fact: PartnerFact, case: &Case<'a>, page: &mut Page<'a, '_>) {
    let desk = &case.desk.name;
    let partner = case.partner();
    let (stated, pointer, what) = match fact {
        PartnerFact::Member => (
            partner.and_then(|partner| partner.member),
            "/partner/member",
            "a member of the Microsoft Partner Network",
        ),
        PartnerFact::PartnerCenterAccess => (
            partner.and_then(|partner| partner.partner_center_access),
            "/partner/partner_center_access",
            "reachable in Partner Center for the person asking",
        ),
    };
    match stated {
        Some(true) => page.pass(format_args!("The partner is {what}.")),
        Some(false) => page.fail(
            pointer,
            format_args!("The partner has to be {what} for {desk}, and is not."),
        ),
        None => page.unknown(
            pointer,
            format_args!("Say whether the partner is {what}: {desk} needs that."),
        ),
    }
}
