//! The partner has had fewer deals in the solution area than the desk helps with.

use super::super::case::Case;
use super::super::report::Page;
use crate::catalog::Rule;

pub(super) fn check<'a>(rule: &'a Rule, most: u32, case: &Case<'a>, page: &mut Page<'a, '_>) {
    let desk = &case.desk.name;
    let area = case.facts().solution_area.as_deref().map_or("", str::trim);
    let limit = format_args!("{desk} takes {most} of them per partner and solution area");
    if case.reading.solution_area_key().is_none() {
        page.unknown(
            "/solution_area",
            format_args!("Give the solution area: {limit}."),
        );
    } else if case.facts().partner_mpn_id().is_none() {
        page.unknown(
            "/partner/mpn_id",
            format_args!("Give the partner's MPN id: {limit}."),
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
        let name = case.service_name().unwrap_or("this service");
        if deals < most {
            page.pass(format_args!(
                "{name}: {limit}; {deals} counted in {area} so far."
            ));
        } else {
            page.fail(
                "/solution_area",
                format_args!("{name}: {limit}, and this partner has had as many in {area}."),
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::given::{Given, request_at};

    const ID: &str = "gps.deal_limit";

    fn deal() -> Given {
        request_at("gps").with(|facts| facts.service = Some("sales_deal_enablement".to_owned()))
    }

    #[test]
    fn the_first_three_sales_deals_pass() {
        for before in 0..3 {
            deal().deals(ID, before).passes(ID);
        }
    }

    #[test]
    fn a_fourth_sales_deal_is_refused() {
        let given = deal().deals(ID, 3);
        given.fails(ID, "/solution_area");
        assert_eq!(given.destinations(), [""; 0]);
        assert_eq!(given.unplaced(), [ID]);
    }

    #[test]
    fn a_lead_may_waive_the_limit() {
        let given = deal().deals(ID, 3).waiving(ID);
        assert!(given.rule(ID).waived);
        assert!(given.decide().eligible);
        assert_eq!(given.unplaced(), [""; 0]);
    }

    #[test]
    fn deals_are_not_limited_for_other_services() {
        request_at("gps").deals(ID, 99).passes(ID);
    }

    #[test]
    fn what_deals_are_counted_by_is_asked_for() {
        deal()
            .with(|facts| facts.solution_area = Some(" - ".to_owned()))
            .is_unknown(ID, "/solution_area");
        deal()
            .partner(|partner| partner.mpn_id = None)
            .is_unknown(ID, "/partner/mpn_id");
    }

    #[test]
    fn without_a_service_it_is_open_whether_deals_are_limited() {
        let given = request_at("gps").with(|facts| facts.service = None);
        assert_eq!(given.rule(ID).pointer.as_deref(), Some("/service"));
        assert!(given.rule(ID).blocks());
    }
}
