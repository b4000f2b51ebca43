//! stand-in
#![allow(missing_docs)]
use std::collections::BTreeMap;
#[derive(Default)]
pub struct History {
    pub deals: BTreeMap<String, u32>,
    pub same_customer: Vec<EarlierRequest>,
}
pub struct EarlierRequest {
    pub reference: String,
    pub desk: String,
    pub service: String,
    pub solution_area_key: Option<String>,
    pub open: bool,
    pub counted: bool,
    pub hours: f64,
    pub age_days: i64,
}
pub struct HistoryWanted {
    pub deals: Vec<DealCount>,
    pub same_customer: Option<SameCustomer>,
}
pub struct DealCount {
    pub rule: String,
    pub desk: String,
    pub services: Vec<String>,
    pub partner_mpn_id: String,
    pub solution_area_key: String,
    pub enough: u32,
}
pub struct SameCustomer {
    pub partner_mpn_id: String,
    pub customer_key: String,
    pub within_days: u32,
}
impl crate::domain::facts::Facts {
    pub fn customer_key(&self) -> Option<String> {
        None
    }
}
