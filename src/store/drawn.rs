//! Columns that lists and counts look at. They say again what stands in the documents of a request, so that an index
//! can have it. They are drawn where a document is written, from the very value that is written.

use diesel::sql_types::{Double, Json, Nullable, Text};

use super::column::Document;
use super::columns::columns;
use crate::domain::facts::Facts;

columns! {
    /// The facts of a request, and what is drawn from them.
    FactsRows of FactsRow {
        facts: Document => Json,
        solution_area_key: Option<String> => Nullable<Text>,
        customer_key: Option<String> => Nullable<Text>,
        service: Option<String> => Nullable<Text>,
        partner_mpn_id: Option<String> => Nullable<Text>,
        estimated_hours: Option<f64> => Nullable<Double>,
        title: Option<String> => Nullable<Text>,
        priority: Option<&'static str> => Nullable<Text>,
        needed_by: Option<String> => Nullable<Text>,
        partner_name: Option<String> => Nullable<Text>,
        customer_name: Option<String> => Nullable<Text>,
    }
}

impl FactsRow {
    pub(super) fn of(facts: &Facts) -> Self {
        let partner = facts.partner.as_ref();
        let customer = facts.customer.as_ref();
        Self {
            facts: Document::of(facts),
            solution_area_key: facts.solution_area_key(),
            customer_key: facts.customer_key(),
            service: facts.wanted_service().map(str::to_owned),
            partner_mpn_id: facts.partner_mpn_id().map(str::to_owned),
            estimated_hours: facts.estimated_hours,
            title: facts.title.clone(),
            priority: facts.priority.map(|priority| priority.as_str()),
            needed_by: facts.needed_by.map(|day| day.to_string()),
            partner_name: partner.and_then(|partner| partner.name.clone()),
            customer_name: customer.and_then(|customer| customer.name.clone()),
        }
    }
}
