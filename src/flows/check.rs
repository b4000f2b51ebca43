//! A dry run: the judgement a submission would get now. Nothing is stored.

use super::{Case, FlowError, judge};
use crate::app::App;
use crate::domain::decision::Decision;
use crate::domain::facts::{Facts, Relationship};
use crate::store::Connection;
use crate::store::requests::Lock;

/// Judges the facts for the desk they name, or for all with a recommendation.
///
/// # Errors
/// Where the database does not answer.
pub async fn check(
    app: &App,
    facts: &Facts,
    asker: Option<Relationship>,
) -> Result<Decision, FlowError> {
    let case = || Case {
        facts,
        asker,
        of: None,
        waived: &[],
        at: app.clock.now(),
        lock: Lock::No,
    };
    app.store
        .read(async |connection: &mut Connection| Ok(judge(app, connection, case()).await?))
        .await
}
