//! What was there before: the part of a decision that is not in the request itself.

use std::collections::BTreeMap;

use crate::catalog::{Catalogue, Check};
use crate::domain::facts::Facts;

/// What was there before a request; gathered in the transaction that stores it, so that two racing
/// requests cannot both be the third deal.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct History {
    /// Deals already counted, by the id of the rule that limits them.
    pub deals: BTreeMap<String, u32>,
    /// Earlier requests of the same partner for the same customer, this request left out.
    pub same_customer: Vec<EarlierRequest>,
}

/// An earlier request of the same partner for the same customer.
#[derive(Clone, Debug, PartialEq)]
pub struct EarlierRequest {
    /// Its reference, such as `TPD-2026-000123`.
    pub reference: String,
    /// Id of its desk.
    pub desk: String,
    /// Id of its service.
    pub service: String,
    /// Its [`Facts::solution_area_key`].
    pub solution_area_key: Option<String>,
    /// It is not closed, nor a draft.
    pub open: bool,
    /// It counts as worked or to be worked: no draft, and not ineligible, rejected, redirected or
    /// cancelled.
    pub counted: bool,
    /// The larger of the hours estimated and logged.
    pub hours: f64,
    /// Days since it was submitted.
    pub age_days: i64,
}

/// Which history a decision needs.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct HistoryWanted {
    /// Deals to be counted, each for one rule.
    pub deals: Vec<DealCount>,
    /// Earlier requests for the same customer, where the request has a partner and a customer.
    pub same_customer: Option<SameCustomer>,
}

/// Asks for the number of deals that one rule limits. Drafts and requests that are ineligible, rejected,
/// redirected or cancelled do not count.
#[derive(Clone, Debug, PartialEq)]
pub struct DealCount {
    /// Id of the rule, the key in [`History::deals`].
    pub rule: String,
    /// Id of the desk that had the deals.
    pub desk: String,
    /// Ids of the services that count.
    pub services: Vec<String>,
    /// The partner.
    pub partner_mpn_id: String,
    /// The solution area, as in [`Facts::solution_area_key`].
    pub solution_area_key: String,
    /// Counting may stop here.
    pub enough: u32,
}

/// Asks for earlier requests of a partner for a customer: the open ones of any age, and the counted ones
/// of the last days.
#[derive(Clone, Debug, PartialEq)]
pub struct SameCustomer {
    /// The partner.
    pub partner_mpn_id: String,
    /// The customer, as in [`Facts::customer_key`].
    pub customer_key: String,
    /// How many days back closed requests matter.
    pub within_days: u32,
}

/// Which history a decision about these facts needs, of whichever desk: a desk that was not named may
/// still be recommended.
pub fn history_wanted(catalogue: &Catalogue, facts: &Facts) -> HistoryWanted {
    let mut wanted = HistoryWanted::default();
    let Some(partner) = facts.partner_mpn_id() else {
        return wanted;
    };
    let area = facts.solution_area_key();
    let mut within_days = None;
    for desk in catalogue.desks() {
        for rule in &desk.rules {
            match (&rule.check, &area, facts.wanted_service()) {
                (Check::DealLimit { most }, Some(area), Some(service))
                    if rule.services.iter().any(|limited| limited == service) =>
                {
                    wanted.deals.push(DealCount {
                        rule: rule.id.clone(),
                        desk: desk.id.clone(),
                        services: rule.services.clone(),
                        partner_mpn_id: partner.to_owned(),
                        solution_area_key: area.clone(),
                        enough: *most,
                    });
                }
                (
                    Check::SplitNeed {
                        within_days: days, ..
                    },
                    ..,
                ) => {
                    within_days = within_days.max(Some(*days));
                }
                (Check::SimilarOpen {}, ..) => within_days = within_days.max(Some(0)),
                _ => {}
            }
        }
    }
    if let (Some(within_days), Some(customer_key)) = (within_days, facts.customer_key()) {
        let partner_mpn_id = partner.to_owned();
        wanted.same_customer = Some(SameCustomer {
            partner_mpn_id,
            customer_key,
            within_days,
        });
    }
    wanted
}
