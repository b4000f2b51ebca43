//! The asking person is one who may ask the desk.

use super::super::case::Case;
use super::super::report::Page;
use super::Either;
use crate::domain::facts::Relationship;

pub(super) fn check<'a>(allowed: &'a [Relationship], case: &Case<'a>, page: &mut Page<'a, '_>) {
    const POINTER: &str = "/requested_by/relationship";
    let (desk, catalogue) = (&case.desk.name, case.catalogue());
    let name = |relationship: &Relationship| catalogue.label(*relationship);
    let askers = Either(allowed, &name);
    match &case.reading.question.asker {
        Some(asker) if allowed.contains(asker) => {
            page.pass(format_args!("{desk} takes requests from this role: {}.", name(asker)));
        }
        Some(Relationship::EndCustomer) => page.fail(
            POINTER,
            format_args!(
                "{desk} works for partners: an end customer cannot ask on the partner's entitlement."
            ),
        ),
        Some(asker) => page.fail(
            POINTER,
            format_args!(
                "{desk} takes no requests from this role: {}. Ask through the {askers}.",
                name(asker)
            ),
        ),
        None => page.unknown(
            POINTER,
            format_args!("Say what the asking person is to the partner: {desk} takes requests from: {askers}."),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::given::request_at;
    use super::*;

    #[test]
    fn partner_managers_may_ask_every_desk() {
        for desk in ["pad", "gps", "tpd"] {
            for asker in [Relationship::Pdm, Relationship::Pts] {
                request_at(desk)
                    .asked_by(Some(asker))
                    .passes(&format!("{desk}.relationship"));
            }
        }
    }

    #[test]
    fn a_partner_contact_may_ask_gps_and_tpd() {
        for desk in ["gps", "tpd"] {
            let given = request_at(desk).asked_by(Some(Relationship::PartnerContact));
            given.passes(&format!("{desk}.relationship"));
        }
    }

    #[test]
    fn a_partner_contact_at_pad_is_told_to_ask_through_a_manager() {
        let given = request_at("pad").asked_by(Some(Relationship::PartnerContact));
        given.fails("pad.relationship", "/requested_by/relationship");
        let message = given.rule("pad.relationship").message;
        assert!(message.contains("Partner Development Manager or Partner Technology Strategist"));
        assert_eq!((given.destinations().len(), given.unplaced().len()), (0, 0));
    }

    #[test]
    fn an_end_customer_is_refused_everywhere_and_sent_to_its_own_contract() {
        for desk in ["pad", "gps", "tpd"] {
            let given = request_at(desk).asked_by(Some(Relationship::EndCustomer));
            given.fails(
                &format!("{desk}.relationship"),
                "/requested_by/relationship",
            );
            assert!(!given.rule(&format!("{desk}.relationship")).waivable);
            assert_eq!(given.destinations(), ["customer_contract"]);
        }
    }

    #[test]
    fn a_missing_relationship_is_asked_for() {
        let given = request_at("pad").asked_by(None);
        given.is_unknown("pad.relationship", "/requested_by/relationship");
    }
}
