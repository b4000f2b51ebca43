//! What a unit of work has to know before it decides, read for many units at once.

use std::collections::HashSet;

use diesel_async::AsyncPgConnection;
use futures_util::future::{try_join3, try_join4};
use uuid::Uuid;

use super::history::{self, Asked, gathered};
use super::idempotency::{self, Claim, Key};
use super::keys::{self, ApiKey};
use super::requests::{self, Lock, Wanted};
use super::{StoreError, numbers, transaction};
use crate::domain::eligibility::History;
use crate::domain::request::Request;

/// What is to be read. All of it takes one round trip to the database.
#[derive(Clone, Debug, Default)]
pub struct Needs {
    /// An idempotency key, to be claimed until the transaction ends.
    pub claim: Option<Key>,
    /// A request, locked until the transaction ends where there is one.
    pub request: Option<Wanted>,
    /// Nothing of a request but its version.
    pub version: Option<Wanted>,
    /// Earlier requests; those who count the same deals take turns until the transaction ends.
    pub history: Option<Asked>,
    /// A number for a new reference.
    pub number: bool,
    /// The API key of that id.
    pub key: Option<String>,
}

/// What was read. What was not asked for is not there.
#[derive(Debug, Default)]
pub struct Loaded {
    /// What is known of the key.
    pub claim: Option<Claim>,
    /// The request, where it is there and visible.
    pub request: Option<Request>,
    /// The version of the request, where it is there and visible.
    pub version: Option<i64>,
    /// Earlier requests.
    pub history: History,
    /// A number nobody else was given.
    pub number: Option<i64>,
    /// The API key, live or not.
    pub key: Option<ApiKey>,
}

/// What was found for one of several units of work.
#[derive(Debug)]
pub(super) enum Found {
    /// All it needs.
    All(Box<Loaded>),
    /// Somebody else has something of it, or it is not there: it has to be done in a transaction of its own,
    /// which waits for what it needs.
    Elsewhere,
}

/// What units of work that share a transaction have taken in it. A lock keeps others out, but not them.
#[derive(Debug, Default)]
pub(super) struct Held {
    keys: HashSet<[u8; 32]>,
    requests: HashSet<Uuid>,
    turns: HashSet<String>,
}

/// Reads what several units of work need, in one round trip; begins a transaction with it if asked to.
///
/// # Errors
/// Where the database does not answer.
pub(super) async fn load(
    connection: &AsyncPgConnection,
    needs: &[&Needs],
    lock: Lock,
    begin: bool,
    held: &mut Held,
) -> Result<Vec<Found>, StoreError> {
    let places = || needs.iter().enumerate();
    // A key that a neighbour has is in use; its lock would be given to us once more.
    let keys: Vec<(usize, &Key)> = places()
        .filter_map(|(place, needs)| Some((place, needs.claim.as_ref()?)))
        .filter(|(_, key)| held.keys.insert(key.scope))
        .collect();
    let wanted: Vec<(usize, &Wanted)> = places()
        .filter_map(|(place, needs)| Some((place, needs.request.as_ref()?)))
        .collect();
    let versions: Vec<(usize, &Wanted)> = places()
        .filter_map(|(place, needs)| Some((place, needs.version.as_ref()?)))
        .collect();
    let asked: Vec<(usize, &Asked)> = places()
        .filter_map(|(place, needs)| Some((place, needs.history.as_ref()?)))
        .collect();
    let ids: Vec<&str> = needs
        .iter()
        .filter_map(|needs| needs.key.as_deref())
        .collect();
    let how_many = needs.iter().filter(|needs| needs.number).count();

    // Sent in this order, and carried out in it.
    let (
        (_, taken, answers),
        (requests, versions, keys_found),
        (turns, deals, customers, mut numbers),
    ) = try_join3(
        try_join3(
            async {
                if begin {
                    transaction::begin(connection).await
                } else {
                    Ok(())
                }
            },
            idempotency::take(connection, &keys),
            idempotency::answers(connection, &keys),
        ),
        try_join3(
            requests::find_all(connection, &wanted, lock),
            requests::versions(connection, &versions),
            keys::find_all(connection, &ids),
        ),
        try_join4(
            history::take_turns(connection, &asked, lock),
            history::count_deals(connection, &asked),
            history::same_customer(connection, &asked),
            numbers::draw(connection, how_many),
        ),
    )
    .await?;

    let mut all: Vec<Loaded> = needs.iter().map(|_| Loaded::default()).collect();
    for (loaded, (place, needs)) in all.iter_mut().zip(places()) {
        let claim = || match taken.contains(&place) {
            true => Claim::New,
            false => Claim::Running,
        };
        loaded.claim = needs.claim.as_ref().map(|_| claim());
        if needs.history.is_some() {
            loaded.history = gathered(place, &deals, &customers);
        }
        if needs.number {
            loaded.number = numbers.pop();
        }
        if let Some(id) = &needs.key {
            loaded.key = keys_found.iter().find(|key| key.id == *id).cloned();
        }
    }
    for (place, claim) in answers {
        // What is kept under a key that somebody else has now may not be all.
        if let Some(loaded) = all.get_mut(place).filter(|_| taken.contains(&place)) {
            loaded.claim = Some(claim);
        }
    }
    for (place, request) in requests {
        if let Some(loaded) = all.get_mut(place) {
            loaded.request = Some(request);
        }
    }
    for (place, version) in versions {
        if let Some(loaded) = all.get_mut(place) {
            loaded.version = Some(version);
        }
    }
    let found = all.into_iter().zip(places());
    Ok(found
        .map(|(loaded, (place, needs))| {
            let has_turns = needs.history.is_none() || turns.contains(&place);
            if lock != Lock::Skip || is_mine(&loaded, needs, has_turns, held) {
                Found::All(Box::new(loaded))
            } else {
                Found::Elsewhere
            }
        })
        .collect())
}

/// Whether all that a unit of work needs is there, and no neighbour has it.
fn is_mine(loaded: &Loaded, needs: &Needs, has_turns: bool, held: &mut Held) -> bool {
    match &loaded.claim {
        None | Some(Claim::New) => {}
        // The request has only to be there and visible.
        Some(Claim::Answered(_)) => return needs.request.is_none() || loaded.request.is_some(),
        // Refused without the rest.
        Some(Claim::UsedForOther | Claim::Running) => return true,
    }
    let request_is_mine = match (&needs.request, &loaded.request) {
        (None, _) => true,
        (Some(_), None) => false,
        (Some(_), Some(request)) => held.requests.insert(request.id),
    };
    let mut turns = needs.history.iter().flat_map(Asked::turns);
    request_is_mine && has_turns && turns.all(|turn| held.turns.insert(turn))
}
