//! What was there before: the facts about earlier requests that rules read.

use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::column::{Json, Word};
use super::requests::Lock;
use super::schema::requests;
use super::{Connection, StoreError};
use crate::domain::eligibility::{DealCount, EarlierRequest, History, HistoryWanted, SameCustomer};
use crate::domain::lifecycle::State;
use crate::domain::request::Progress;

diesel::define_sql_function! {
    /// Waits for the other transactions that named the same key.
    fn take_turns(key: diesel::sql_types::Text) -> diesel::sql_types::Bool;
}

/// More earlier requests than this change no decision.
const ENOUGH: i64 = 50;

/// Reads what a decision asks for, leaving out the request that is being decided on.
///
/// With [`Lock::ForUpdate`] those who count the same deals take turns until their transactions end,
/// so that two racing submissions never see the same count.
///
/// # Errors
/// Where the database does not answer.
pub async fn gather(
    connection: &mut Connection,
    wanted: &HistoryWanted,
    except: Option<Uuid>,
    now: DateTime<Utc>,
    lock: Lock,
) -> Result<History, StoreError> {
    let except = except.unwrap_or_default();
    let mut history = History::default();
    for deal in &wanted.deals {
        if lock == Lock::ForUpdate {
            let key = format!(
                "deals/{}/{}/{}",
                deal.desk, deal.partner_mpn_id, deal.solution_area_key
            );
            diesel::select(take_turns(key))
                .get_result::<bool>(connection)
                .await?;
        }
        history.deals.insert(
            deal.rule.clone(),
            count_deals(connection, deal, except).await?,
        );
    }
    if let Some(same) = &wanted.same_customer {
        history.same_customer = same_customer(connection, same, except, now).await?;
    }
    Ok(history)
}

async fn count_deals(
    connection: &mut Connection,
    deal: &DealCount,
    except: Uuid,
) -> Result<u32, StoreError> {
    let DealCount {
        rule: _,
        desk,
        services,
        partner_mpn_id,
        solution_area_key,
        enough,
    } = deal;
    let uncounted: Vec<&str> = State::ALL
        .iter()
        .filter(|state| !state.counts_as_deal())
        .map(|state| state.as_str())
        .collect();
    let found: Vec<Uuid> = requests::table
        .select(requests::id)
        .filter(requests::partner_mpn_id.eq(partner_mpn_id))
        .filter(requests::solution_area_key.eq(solution_area_key))
        .filter(requests::service.eq_any(services))
        .filter(requests::desk.eq(desk))
        .filter(requests::state.ne_all(uncounted))
        .filter(requests::id.ne(except))
        .limit(i64::from(*enough))
        .load(connection)
        .await?;
    Ok(u32::try_from(found.len()).unwrap_or(u32::MAX))
}

async fn same_customer(
    connection: &mut Connection,
    same: &SameCustomer,
    except: Uuid,
    now: DateTime<Utc>,
) -> Result<Vec<EarlierRequest>, StoreError> {
    let SameCustomer {
        partner_mpn_id,
        customer_key,
        within_days,
    } = same;
    type Row = (
        String,
        Option<String>,
        Option<String>,
        Option<String>,
        Word<State>,
        Option<f64>,
        Json<Progress>,
        DateTime<Utc>,
    );
    let since = now - TimeDelta::days(i64::from(*within_days));
    let open: Vec<&str> = State::ALL
        .iter()
        .filter(|state| state.is_open())
        .map(|state| state.as_str())
        .collect();
    let rows: Vec<Row> = requests::table
        .select((
            requests::reference,
            requests::desk,
            requests::service,
            requests::solution_area_key,
            requests::state,
            requests::estimated_hours,
            requests::progress,
            requests::created_at,
        ))
        .filter(requests::partner_mpn_id.eq(partner_mpn_id))
        .filter(requests::customer_key.eq(customer_key))
        .filter(
            requests::created_at
                .ge(since)
                .or(requests::state.eq_any(open)),
        )
        .filter(requests::id.ne(except))
        .order(requests::created_at.desc())
        .limit(ENOUGH)
        .load(connection)
        .await?;
    Ok(rows
        .into_iter()
        .map(
            |(
                reference,
                desk,
                service,
                solution_area_key,
                state,
                estimated,
                progress,
                created_at,
            )| {
                EarlierRequest {
                    reference,
                    desk: desk.unwrap_or_default(),
                    service: service.unwrap_or_default(),
                    solution_area_key,
                    open: state.0.is_open(),
                    counted: state.0.counts_as_deal(),
                    hours: estimated.unwrap_or_default().max(progress.0.logged_hours),
                    age_days: (now - created_at).num_days(),
                }
            },
        )
        .collect())
}
