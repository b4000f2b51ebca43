//! Work that is done once for an idempotency key, however often it is asked for.

use super::{Ask, FlowError, audit};
use crate::app::App;
use crate::store::Connection;
use crate::store::audit::AuditOutcome;
use crate::store::idempotency::{self, Answer, Claim, Key};

/// An answer, and whether it is a first one.
#[derive(Clone, Debug, PartialEq)]
pub struct Given {
    /// What goes out.
    pub answer: Answer,
    /// It went out before and is only given again.
    pub replayed: bool,
}

/// Does the work in one transaction, with its line in the audit trail, and keeps its answer under the key,
/// if there is one.
///
/// Work that fails has no effect, so nothing is kept of it and a retry does it again.
///
/// # Errors
/// Those of the work, and those of a key that is in use or was used for something else.
pub async fn once<T>(
    app: &App,
    ask: &Ask,
    key: Option<&Key>,
    work: impl AsyncFn(&mut Connection) -> Result<T, FlowError>,
    render: impl Fn(&T) -> Answer,
) -> Result<Given, FlowError> {
    app.store
        .write(async |connection: &mut Connection| {
            if let Some(key) = key {
                match idempotency::claim(connection, key).await? {
                    Claim::New => {}
                    Claim::Answered(answer) => {
                        audit::record(app, connection, ask, AuditOutcome::Replayed, &answer)
                            .await?;
                        return Ok(Given {
                            answer,
                            replayed: true,
                        });
                    }
                    Claim::UsedForOther => return Err(FlowError::KeyUsedForOther),
                    Claim::Running => return Err(FlowError::KeyRunning),
                }
            }
            let answer = render(&work(connection).await?);
            audit::record(app, connection, ask, AuditOutcome::Done, &answer).await?;
            if let Some(key) = key {
                idempotency::remember(connection, key, &answer, app.clock.now()).await?;
            }
            Ok(Given {
                answer,
                replayed: false,
            })
        })
        .await
}
