//! What a start on the private Postgres shows, on one screen.

use std::net::SocketAddr;

use super::Failure;
use crate::app::App;
use crate::domain::actor::Role;
use crate::domain::facts::Relationship;
use crate::flows::keys::{KeyInput, issue};
use crate::store::{Connection, Plans, keys};

/// The keys of a first start last this long.
const DAYS: u32 = 30;

/// Shows where the service is, and on a first start a key for each role and a command to try.
pub(super) async fn show(app: &App, address: SocketAddr) -> Result<(), Failure> {
    let is_first = !app
        .store
        .read(Plans::ForValues, async |connection: &mut Connection| {
            keys::any(connection).await
        })
        .await?;
    println!("\nengagement-desk listens on http://{address}");
    println!("Its documentation is at     http://{address}/docs\n");
    if !is_first {
        println!("Another key: engagement-desk keys create --help");
        return Ok(());
    }
    println!("Keys for this new database, good for {DAYS} days and shown only now:\n");
    let desks: Vec<String> = app
        .catalogue
        .desks()
        .iter()
        .map(|desk| desk.id.clone())
        .collect();
    let mut requester = String::new();
    for role in Role::ALL.iter().copied() {
        let input = KeyInput {
            subject: format!("first-{}@localhost", role.as_str().replace('_', "-")),
            name: format!("First {}", role.as_str().replace('_', " ")),
            role,
            relationship: (role == Role::Requester).then_some(Relationship::Pdm),
            desks: match role {
                Role::DeskMember | Role::DeskLead => desks.clone(),
                Role::Requester | Role::Viewer | Role::Integration | Role::Admin => Vec::new(),
            },
            partners: Vec::new(),
            scopes: None,
            lives_days: DAYS,
        };
        let (_, text) = issue(&app.store, input, "first start", app.clock.now()).await?;
        println!("  {:<12} {text}", role.as_str());
        if role == Role::Requester {
            requester = text;
        }
    }
    println!(
        "\nAsk which desk takes 25 hours of deployment consulting, and where it goes if none does:\n"
    );
    println!(
        "curl -s http://{address}/v1/eligibility-checks -H 'Content-Type: application/json' \\\n  \
         -H 'Authorization: Bearer {requester}' \\\n  \
         -d '{{\"desk\": \"tpd\", \"service\": \"deployment_consultation\", \"estimated_hours\": 25}}'\n"
    );
    Ok(())
}
