//! A dry run: the judgement a submission would get now. Nothing is stored.

use super::{Case, FlowError};
use crate::app::App;
use crate::domain::decision::Decision;
use crate::domain::facts::{Facts, Relationship};
use crate::store::needs::Needs;

/// Judges the facts for the desk they name, or for all with a recommendation.
///
/// # Errors
/// Where the database does not answer.
pub async fn check(
    app: &App,
    facts: &Facts,
    asker: Option<Relationship>,
) -> Result<Decision, FlowError> {
    let case = Case {
        facts,
        asker,
        of: None,
        waived: &[],
    };
    let needs = Needs {
        history: Some(case.history(app)),
        ..Needs::default()
    };
    let loaded = app.store.load(needs).await?;
    Ok(case.judge(app, &loaded.history))
}
