//! Where support is asked for: the first row of the support routing that applies.

use crate::catalog::SupportRow;
use crate::domain::decision::{Basis, Destination, DestinationKind};

use super::case::Reading;

/// The channel of the first row that applies, and those named beside it.
pub(super) fn route(reading: &Reading<'_>) -> Vec<Destination> {
    let rows = reading.catalogue.support_routing();
    let Some(row) = rows.iter().find(|row| reading.holds(&row.when)) else {
        return Vec::new();
    };
    let SupportRow {
        channel: id,
        when: _,
        reason,
        notes,
        also,
        basis,
        citation,
    } = row;
    let mut reason = reason.clone();
    for note in notes.iter().filter(|note| reading.holds(&note.when)) {
        reason.push(' ');
        reason.push_str(&note.text);
    }
    let also = also.iter().filter(|also| reading.holds(&also.when));
    channel(reading, id, reason, *basis, citation)
        .into_iter()
        .chain(also.filter_map(|also| {
            channel(
                reading,
                &also.channel,
                also.reason.clone(),
                also.basis,
                &also.citation,
            )
        }))
        .collect()
}

/// A channel as a destination.
pub(super) fn channel(
    reading: &Reading<'_>,
    id: &str,
    reason: String,
    basis: Basis,
    citation: &str,
) -> Option<Destination> {
    let channel = reading.catalogue.channel(id)?;
    Some(Destination {
        kind: DestinationKind::Channel,
        id: channel.id.clone(),
        name: channel.name.clone(),
        address: channel.address.clone(),
        reason,
        basis,
        citation: citation.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::super::given::{Given, request_at};
    use crate::domain::decision::Destination;
    use crate::domain::facts::{Contract, Relationship, SupportPlan};

    /// A request for break-fix work at a desk, with nothing known about support.
    fn broken() -> Given {
        request_at("pad")
            .involving(&["break_fix"])
            .partner(|partner| partner.member = None)
    }

    fn plan(plan: SupportPlan) -> Given {
        broken().partner(|partner| partner.support_plan = Some(plan))
    }

    fn contract(contract: Contract) -> Given {
        broken().customer(|customer| customer.contract = Some(contract))
    }

    fn csp_with_problem(given: Given) -> Given {
        let given = given.partner(|partner| partner.csp = Some(true));
        given.with(|facts| facts.problem_kind = Some("unavailable_service".to_owned()))
    }

    fn first(given: &Given) -> Destination {
        given.decide().destinations.swap_remove(0)
    }

    #[test]
    fn row_1_a_vulnerability_goes_to_msrc_whoever_asks_and_whatever_else_is_said() {
        for desk in ["pad", "gps", "tpd"] {
            for asker in [
                Relationship::Pdm,
                Relationship::PartnerContact,
                Relationship::EndCustomer,
            ] {
                let given = request_at(desk)
                    .asked_by(Some(asker))
                    .involving(&[
                        "break_fix",
                        "programme_enablement",
                        "security_vulnerability",
                    ])
                    .partner(|partner| partner.support_plan = Some(SupportPlan::Asfp));
                assert_eq!(given.destinations(), ["msrc", "cloud_enablement_desk"]);
                assert!(first(&given).address.is_some());
                assert!(given.decide().description_withheld);
            }
        }
    }

    #[test]
    fn row_2_an_end_customer_goes_to_its_own_contract_even_where_the_partner_has_a_plan() {
        let given = plan(SupportPlan::Asfp).asked_by(Some(Relationship::EndCustomer));
        assert_eq!(given.destinations(), ["customer_contract"]);
        assert!(
            first(&given)
                .reason
                .contains("between Microsoft and the partner")
        );
    }

    #[test]
    fn row_3_a_partner_with_advanced_support_uses_it() {
        let given = plan(SupportPlan::Asfp);
        assert_eq!(given.destinations(), ["advanced_support"]);
        assert!(!first(&given).reason.contains("Enterprise Agreement"));
        assert!(!given.decide().description_withheld);
    }

    #[test]
    fn row_3_for_a_customer_on_an_ea_asks_for_a_relationship_first() {
        let given = contract(Contract::Ea).partner(|it| it.support_plan = Some(SupportPlan::Asfp));
        assert_eq!(given.destinations(), ["advanced_support"]);
        assert!(
            first(&given)
                .reason
                .contains("first request a relationship")
        );
        assert!(first(&given).reason.contains("affiliation"));
    }

    #[test]
    fn row_4_a_partner_with_premier_support_uses_it_and_hears_what_it_costs() {
        let given = contract(Contract::Unified);
        let given = given.partner(|partner| partner.support_plan = Some(SupportPlan::Psfp));
        assert_eq!(given.destinations(), ["premier_support"]);
        assert!(
            first(&given)
                .reason
                .contains("Time or incidents may be deducted")
        );
    }

    #[test]
    fn rows_3_and_4_name_the_report_on_behalf_too_for_a_csp_partner_with_a_problem() {
        for (plan_kind, channel) in [
            (SupportPlan::Asfp, "advanced_support"),
            (SupportPlan::Psfp, "premier_support"),
        ] {
            let given = csp_with_problem(plan(plan_kind));
            assert_eq!(given.destinations(), [channel, "csp_report_on_behalf"]);
            // neither without a problem nor without the programme
            let given = plan(plan_kind).partner(|partner| partner.csp = Some(true));
            assert_eq!(given.destinations(), [channel]);
            let given = csp_with_problem(plan(plan_kind)).partner(|it| it.csp = Some(false));
            assert_eq!(given.destinations(), [channel]);
        }
    }

    #[test]
    fn without_a_plan_a_csp_partner_with_a_problem_reports_on_behalf_and_nothing_else() {
        for plan_kind in [Some(SupportPlan::None), None] {
            let given = csp_with_problem(contract(Contract::Ea));
            let given = given.partner(|partner| partner.support_plan = plan_kind);
            assert_eq!(given.destinations(), ["csp_report_on_behalf"]);
        }
    }

    #[test]
    fn row_5_without_a_plan_the_customers_contract_is_drawn_on() {
        for kind in [Contract::Ea, Contract::Unified, Contract::Premier] {
            let given = contract(kind);
            assert_eq!(given.destinations(), ["customer_contract"]);
            assert!(first(&given).reason.contains("deducted"));
        }
    }

    #[test]
    fn row_6_without_plan_and_contract_a_member_uses_what_is_included() {
        let given = contract(Contract::None).partner(|partner| partner.member = Some(true));
        assert_eq!(given.destinations(), ["mpn_included_support"]);
        assert_eq!(first(&given).address, None);
    }

    #[test]
    fn row_6_everybody_else_goes_to_partner_center() {
        assert_eq!(broken().destinations(), ["partner_center_support"]);
        let given = broken().partner(|partner| partner.member = Some(false));
        assert_eq!(given.destinations(), ["partner_center_support"]);
    }

    #[test]
    fn all_support_work_goes_by_the_support_routing() {
        for work in [
            "break_fix",
            "troubleshooting",
            "hotfix",
            "delivery_or_operations_support",
            "direct_customer_support",
            "hands_on_production",
        ] {
            let given = request_at("tpd").involving(&[work]);
            assert_eq!(given.destinations(), ["mpn_included_support"], "{work}");
            assert_eq!(given.unplaced(), [""; 0], "{work}");
        }
    }
}
