//! `engagement-desk keys`: API keys from the command line.

use clap::{Args, Subcommand};

use super::{DatabaseOptions, Failure};
use crate::catalog;
use crate::clock::Clock;
use crate::domain::actor::{Role, Scope};
use crate::domain::facts::Relationship;
use crate::domain::rights;
use crate::flows::keys::{KeyInput, LONGEST_LIFE_DAYS, issue, withdraw};
use crate::store::{Connection, Plans, Store, keys, migrations};

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Make a key and print it, once.
    Create(CreateOptions),
    /// List the keys, without their secrets.
    List,
    /// Revoke a key; it opens nothing within a second.
    Revoke {
        /// Id of the key: the part after `edk_`.
        id: String,
    },
}

#[derive(Args, Debug)]
pub(super) struct CreateOptions {
    /// requester, desk_member, desk_lead, viewer, integration or admin.
    #[arg(long)]
    role: Role,
    /// E-mail address of the person, or a stable name of the tool.
    #[arg(long)]
    subject: String,
    /// Name to show; the subject if left out.
    #[arg(long)]
    name: Option<String>,
    /// What a requester is to the partner: pdm, pts, partner_contact or end_customer.
    #[arg(long, required_if_eq("role", "requester"))]
    relationship: Option<Relationship>,
    /// Desk of a member or lead; may be given several times.
    #[arg(long = "desk", required_if_eq_any([("role", "desk_member"), ("role", "desk_lead")]))]
    desks: Vec<String>,
    /// MPN id of a partner a requester manages; may be given several times.
    #[arg(long = "partner")]
    partners: Vec<String>,
    /// What of its role it is limited to: consult, requests.read, requests.write, desk.work, keys.manage or
    /// audit.read; may be given several times. Left out, it has all that its role gives.
    #[arg(long = "scope")]
    scopes: Vec<Scope>,
    /// Days until it ends.
    #[arg(long, default_value_t = 90, value_parser = clap::value_parser!(u32).range(1..=i64::from(LONGEST_LIFE_DAYS)))]
    days: u32,
}

pub(super) fn run(database: &DatabaseOptions, command: Command) -> Result<(), Failure> {
    let database = database.reach()?;
    let runtime = tokio::runtime::Runtime::new()?;
    runtime.block_on(async {
        migrations::run_pending(&database.url).await?;
        let store = Store::new(&database.url, 1)?;
        match command {
            Command::Create(options) => create(&store, options).await,
            Command::List => list(&store).await,
            Command::Revoke { id } => revoke(&store, &id).await,
        }
    })?;
    database.stop()
}

async fn create(store: &Store, options: CreateOptions) -> Result<(), Failure> {
    let CreateOptions {
        role,
        subject,
        name,
        relationship,
        desks,
        partners,
        scopes,
        days,
    } = options;
    if let Some(scope) = scopes.iter().find(|scope| !rights::suits(**scope, role)) {
        return Err(format!("A key of the role {role} has no use for the scope {scope}.").into());
    }
    let builtin = catalog::builtin()?;
    if let Some(stranger) = desks.iter().find(|desk| builtin.desk(desk).is_none()) {
        eprintln!("Note: {stranger} is not a desk of the built-in catalogue.");
    }
    let input = KeyInput {
        name: name.unwrap_or_else(|| subject.clone()),
        subject,
        role,
        relationship,
        desks,
        partners,
        scopes: (!scopes.is_empty()).then_some(scopes),
        lives_days: days,
    };
    let (key, text) = issue(store, input, "command line", Clock::real().now()).await?;
    eprintln!(
        "Key {} for {} ({}), good until {}. It is shown only now:",
        key.id,
        key.subject,
        key.role,
        key.expires_at.format("%Y-%m-%d")
    );
    println!("{text}");
    Ok(())
}

async fn list(store: &Store) -> Result<(), Failure> {
    let now = Clock::real().now();
    let mut after = None;
    loop {
        let page = store
            .read(Plans::ForValues, async |connection: &mut Connection| {
                keys::list(connection, after.clone(), 200).await
            })
            .await?;
        let Some(last) = page.last() else {
            return Ok(());
        };
        after = Some((last.created_at, last.id.clone()));
        for key in &page {
            let state = match (key.revoked_at, key.is_live(now)) {
                (Some(_), _) => "revoked",
                (None, true) => "live",
                (None, false) => "expired",
            };
            let scopes: Vec<&str> = key
                .scopes
                .iter()
                .flatten()
                .map(|scope| scope.as_str())
                .collect();
            let limited = if scopes.is_empty() {
                String::new()
            } else {
                format!("  only {}", scopes.join(", "))
            };
            println!(
                "{}  {:<11}  {state:<7}  {}  {}{limited}",
                key.id,
                key.role.as_str(),
                key.expires_at.format("%Y-%m-%d"),
                key.subject
            );
        }
    }
}

async fn revoke(store: &Store, id: &str) -> Result<(), Failure> {
    let now = Clock::real().now();
    match withdraw(store, id, "command line", now).await? {
        Some(key) => {
            println!("Revoked {} of {}.", key.id, key.subject);
            Ok(())
        }
        None => Err(format!("There is no key {id}.").into()),
    }
}
