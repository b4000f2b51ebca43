//! Work that is done once for an idempotency key, however often it is asked for.

use super::{Ask, FlowError, audit};
use crate::app::App;
use crate::store::Unit;
use crate::store::audit::AuditOutcome;
use crate::store::idempotency::{Answer, Claim, Key};
use crate::store::needs::{Loaded, Needs};

/// An answer, and whether it is a first one.
#[derive(Clone, Debug, PartialEq)]
pub struct Given {
    /// What goes out.
    pub answer: Answer,
    /// It went out before and is only given again.
    pub replayed: bool,
}

/// Does the work in one transaction, with its line in the audit trail, and keeps its answer under the key,
/// if there is one. The work is given what it needs, which is read with the key.
///
/// Work that fails has no effect, so nothing is kept of it and a retry does it again.
///
/// # Errors
/// Those of the work, and those of a key that is in use or was used for something else.
pub async fn once<T>(
    app: &App,
    ask: &Ask,
    key: Option<&Key>,
    needs: Needs,
    work: impl AsyncFn(&mut Unit, Loaded) -> Result<T, FlowError>,
    render: impl Fn(T) -> Answer,
) -> Result<Given, FlowError> {
    app.store
        .write(async |unit: &mut Unit| {
            let is_about_one = needs.request.is_some();
            let needs = Needs {
                claim: key.cloned(),
                ..needs.clone()
            };
            let mut loaded = *unit.load(needs).await?;
            match loaded.claim.take() {
                None | Some(Claim::New) => {}
                // Who may not see the request any more is not shown it either.
                Some(Claim::Answered(_)) if is_about_one && loaded.request.is_none() => {
                    return Err(FlowError::NotFound);
                }
                Some(Claim::Answered(answer)) => {
                    audit::record(app, unit, ask, AuditOutcome::Replayed, &answer);
                    return Ok(Given {
                        answer,
                        replayed: true,
                    });
                }
                Some(Claim::UsedForOther) => return Err(FlowError::KeyUsedForOther),
                Some(Claim::Running) => return Err(FlowError::KeyRunning),
            }
            let answer = render(work(unit, loaded).await?);
            audit::record(app, unit, ask, AuditOutcome::Done, &answer);
            if let Some(key) = key {
                unit.writes.remember(key, &answer, app.clock.now());
            }
            Ok(Given {
                answer,
                replayed: false,
            })
        })
        .await
}
