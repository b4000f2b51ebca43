//! What was there before: the facts about earlier requests that rules read, for several requests at once.

use std::collections::HashSet;

use chrono::{DateTime, TimeDelta, Utc};
use diesel::sql_types::{
    BigInt, Bool, Double, Integer, Jsonb, Nullable, Text, Timestamptz, Uuid as SqlUuid,
};
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::column::{Document, Word};
use super::columns::{ForEach, Raw, columns, from_place, to_place};
use super::requests::Lock;
use super::{Connection, StoreError};
use crate::domain::eligibility::{DealCount, EarlierRequest, History, HistoryWanted, SameCustomer};
use crate::domain::lifecycle::State;

/// More earlier requests than this change no decision.
const ENOUGH: u32 = 50;

/// The history that a decision asks for.
#[derive(Clone, Debug)]
pub struct Asked {
    /// What of it.
    pub wanted: HistoryWanted,
    /// The request that is being decided on, which is not part of its own history.
    pub except: Option<Uuid>,
    /// When the decision is made (UTC).
    pub at: DateTime<Utc>,
}

impl Asked {
    /// What those name who count the same deals.
    pub fn turns(&self) -> impl Iterator<Item = String> {
        self.wanted.deals.iter().map(|deal| {
            format!(
                "deals/{}/{}/{}",
                deal.desk, deal.partner_mpn_id, deal.solution_area_key
            )
        })
    }
}

columns! {
    /// A turn that somebody takes.
    TurnRows of TurnRow {
        place: i64 => BigInt,
        key: String => Text,
    }
}

columns! {
    /// Deals to be counted, or earlier requests to be found.
    DealRows of DealRow {
        place: i64 => BigInt,
        desk: String => Text,
        services: Document => Jsonb,
        partner: String => Text,
        area: String => Text,
        besides: Uuid => SqlUuid,
        enough: i32 => Integer,
    }
}

columns! {
    /// A partner and a customer of it.
    CustomerRows of CustomerRow {
        place: i64 => BigInt,
        partner: String => Text,
        customer: String => Text,
        since: DateTime<Utc> => Timestamptz,
        besides: Uuid => SqlUuid,
    }
}

/// Has those who count the same deals take turns until their transactions end, so that two racing submissions
/// never see the same count. Tells the places of those whose turn it is: of all of them, where
/// [`Lock::Wait`] says to wait for it.
///
/// # Errors
/// Where the database does not answer.
pub async fn take_turns(
    mut connection: &Connection,
    asked: &[(usize, &Asked)],
    lock: Lock,
) -> Result<HashSet<usize>, StoreError> {
    let mut turns: Vec<(String, usize)> = asked
        .iter()
        .flat_map(|(place, asked)| asked.turns().map(|turn| (turn, *place)))
        .collect();
    let mut taken: HashSet<usize> = asked.iter().map(|(place, _)| *place).collect();
    if turns.is_empty() || lock == Lock::No {
        return Ok(taken);
    }
    // In one order everywhere, so that no two wait for each other.
    turns.sort_unstable();
    let rows: Vec<TurnRow> = turns
        .into_iter()
        .map(|(key, place)| TurnRow {
            place: to_place(place),
            key,
        })
        .collect();
    let query = ForEach {
        columns: Raw::<Bool>::new(match lock {
            Lock::Skip => "pg_try_advisory_xact_lock(hashtextextended(given.key, 0))",
            Lock::Wait | Lock::No => "take_turns(given.key)",
        }),
        given: TurnRows::of(&rows),
        rest: String::new(),
    };
    let tried: Vec<(i64, bool)> = query.load(&mut connection).await?;
    for (place, mine) in tried {
        if !mine {
            taken.remove(&from_place(place));
        }
    }
    Ok(taken)
}

/// Leaves out what expired as a draft: nothing was decided about it.
const SUBMITTED: &str = "(state <> 'expired' or decision is not null)";

/// How many deals there are, by the rule that asks.
///
/// # Errors
/// Where the database does not answer.
pub async fn count_deals(
    mut connection: &Connection,
    asked: &[(usize, &Asked)],
) -> Result<Vec<(usize, String, u32)>, StoreError> {
    let deals: Vec<(usize, &Asked, &DealCount)> = asked
        .iter()
        .flat_map(|(place, asked)| {
            let deals = asked.wanted.deals.iter();
            deals.map(|deal| (*place, *asked, deal))
        })
        .collect();
    if deals.is_empty() {
        return Ok(Vec::new());
    }
    let mut rows = Vec::with_capacity(deals.len());
    for (nth, (_, asked, deal)) in deals.iter().enumerate() {
        let DealCount {
            rule: _,
            desk,
            services,
            partner_mpn_id,
            solution_area_key,
            enough,
        } = deal;
        rows.push(DealRow {
            place: to_place(nth),
            desk: desk.clone(),
            services: Document::of(services),
            partner: partner_mpn_id.clone(),
            area: solution_area_key.clone(),
            besides: asked.except.unwrap_or_default(),
            enough: i32::try_from(*enough).unwrap_or(i32::MAX),
        });
    }
    // The states stand in the text as in the index, which is for these rows only.
    let uncounted = words(|state| !state.counts_as_deal());
    let query = ForEach {
        columns: Raw::<BigInt>::new("counted.deals"),
        given: DealRows::of(&rows),
        rest: format!(
            " cross join lateral (select count(*) as deals from (\
                 select 1 from requests \
                 where array[partner_mpn_id, solution_area_key, desk] = array[given.partner, given.area, given.desk] \
                     and given.services ? service and state not in ({uncounted}) and {SUBMITTED} and id <> given.besides \
                 limit given.enough) as deal) as counted"
        ),
    };
    let counts: Vec<(i64, i64)> = query.load(&mut connection).await?;
    Ok(counts
        .into_iter()
        .filter_map(|(nth, count)| {
            let (place, _, deal) = deals.get(from_place(nth))?;
            let count = u32::try_from(count).unwrap_or(u32::MAX);
            Some((*place, deal.rule.clone(), count))
        })
        .collect())
}

/// The earlier requests of the same partners for the same customers.
///
/// # Errors
/// Where the database does not answer.
pub async fn same_customer(
    mut connection: &Connection,
    asked: &[(usize, &Asked)],
) -> Result<Vec<(usize, EarlierRequest)>, StoreError> {
    let mut rows = Vec::new();
    for (place, asked) in asked {
        let Some(SameCustomer {
            partner_mpn_id,
            customer_key,
            within_days,
        }) = &asked.wanted.same_customer
        else {
            continue;
        };
        rows.push(CustomerRow {
            place: to_place(*place),
            partner: partner_mpn_id.clone(),
            customer: customer_key.clone(),
            since: asked.at - TimeDelta::days(i64::from(*within_days)),
            besides: asked.except.unwrap_or_default(),
        });
    }
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let open = words(State::is_open);
    type Columns = (
        Text,
        Nullable<Text>,
        Nullable<Text>,
        Nullable<Text>,
        Text,
        Double,
        Timestamptz,
    );
    let query = ForEach {
        columns: Raw::<Columns>::new(
            "earlier.reference, earlier.desk, earlier.service, earlier.solution_area_key, earlier.state, \
             earlier.hours, earlier.created_at",
        ),
        given: CustomerRows::of(&rows),
        rest: format!(
            " cross join lateral (\
                 select reference, desk, service, solution_area_key, state, created_at, \
                     greatest(coalesce(estimated_hours, 0), \
                              coalesce((progress ->> 'logged_hours')::double precision, 0)) as hours \
                 from requests \
                 where array[partner_mpn_id, customer_key] = array[given.partner, given.customer] \
                     and (created_at >= given.since or state in ({open})) and {SUBMITTED} and id <> given.besides \
                 order by created_at desc limit {ENOUGH}) as earlier"
        ),
    };
    type Row = (
        String,
        Option<String>,
        Option<String>,
        Option<String>,
        Word<State>,
        f64,
        DateTime<Utc>,
    );
    let rows: Vec<(i64, Row)> = query.load(&mut connection).await?;
    Ok(rows
        .into_iter()
        .filter_map(|(place, row)| {
            let place = from_place(place);
            let (_, asked) = asked.iter().find(|(asking, _)| *asking == place)?;
            let (reference, desk, service, solution_area_key, state, hours, created_at) = row;
            let earlier = EarlierRequest {
                reference,
                desk: desk.unwrap_or_default(),
                service: service.unwrap_or_default(),
                solution_area_key,
                open: state.0.is_open(),
                counted: state.0.counts_as_deal(),
                hours,
                age_days: (asked.at - created_at).num_days(),
            };
            Some((place, earlier))
        })
        .collect())
}

/// States, as they are listed in SQL.
fn words(which: impl Fn(State) -> bool) -> String {
    let states = State::ALL.iter().filter(|state| which(**state));
    let words: Vec<String> = states.map(|state| format!("'{state}'")).collect();
    words.join(", ")
}

/// The history of one of those who ask, put together.
pub(super) fn gathered(
    place: usize,
    deals: &[(usize, String, u32)],
    same_customer: &[(usize, EarlierRequest)],
) -> History {
    let deals = deals.iter().filter(|(of, ..)| *of == place);
    let same_customer = same_customer.iter().filter(|(of, _)| *of == place);
    History {
        deals: deals
            .map(|(_, rule, count)| (rule.clone(), *count))
            .collect(),
        same_customer: same_customer.map(|(_, earlier)| earlier.clone()).collect(),
    }
}
