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

#[cfg(test)]
mod tests {
    use super::super::super::given::request_at;

    #[test]
    fn membership_is_needed_at_tpd_and_never_waived() {
        request_at("tpd").passes("tpd.member");
        request_at("tpd")
            .partner(|it| it.member = None)
            .is_unknown("tpd.member", "/partner/member");
        let given = request_at("tpd").partner(|partner| partner.member = Some(false));
        given
            .waiving("tpd.member")
            .fails("tpd.member", "/partner/member");
    }

    #[test]
    fn partner_center_access_is_needed_at_tpd() {
        let (id, pointer) = (
            "tpd.partner_center_access",
            "/partner/partner_center_access",
        );
        request_at("tpd").passes(id);
        request_at("tpd")
            .partner(|it| it.partner_center_access = None)
            .is_unknown(id, pointer);
        request_at("tpd")
            .partner(|it| it.partner_center_access = Some(false))
            .fails(id, pointer);
    }

    #[test]
    fn neither_is_asked_at_pad() {
        assert!(
            request_at("pad")
                .with(|facts| facts.partner = None)
                .decide()
                .eligible
        );
    }
}
