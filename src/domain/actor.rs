//! Who is asking.

use super::facts::{Relationship, vocabulary};

vocabulary! {
    /// What a credential lets its holder be. One credential has one role.
    Role {
        /// A partner manager, strategist or partner contact who asks for help.
        Requester = "requester",
        /// Works the requests of named desks.
        DeskMember = "desk_member",
        /// Works them too, and grants exceptions, cancels and reopens.
        DeskLead = "desk_lead",
        /// A dashboard: reads everything but contact details and internal notes.
        Viewer = "viewer",
        /// An internal tool that submits for named requesters.
        Integration = "integration",
        /// Looks after keys and reads the audit trail.
        Admin = "admin",
    }
}

vocabulary! {
    /// A part of what a role may do. A credential may be limited to some of them.
    Scope {
        /// Read the catalogue, and ask for a dry run.
        Consult = "consult",
        /// Read requests, their history and their hours, and follow the feed.
        RequestsRead = "requests.read",
        /// Create requests, change their facts, and take the requester's steps.
        RequestsWrite = "requests.write",
        /// Take the desk's steps, a lead's among them, and log hours.
        DeskWork = "desk.work",
        /// Make, list and revoke API keys.
        KeysManage = "keys.manage",
        /// Read the audit trail.
        AuditRead = "audit.read",
    }
}

/// An authenticated caller. Made from a credential, never from a request body.
#[derive(Clone, Debug, PartialEq)]
pub struct Caller {
    /// Stable name of the person or tool; a person's is the e-mail address in lower case.
    pub subject: String,
    /// Name to show.
    pub name: String,
    /// The one role of the credential.
    pub role: Role,
    /// What a requester is to the partner.
    pub relationship: Option<Relationship>,
    /// Desks a member or lead works for.
    pub desks: Vec<String>,
    /// MPN ids of the partners a requester manages.
    pub partners: Vec<String>,
    /// What of its role the credential is limited to; `None` where it has all of it.
    pub scopes: Option<Vec<Scope>>,
    /// Id of the API key used; names the credential in the audit trail.
    pub key_id: String,
}

/// A person a request belongs to.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Requester {
    /// Name to show.
    pub name: String,
    /// E-mail address as given.
    pub email: String,
    /// What the person is to the partner.
    pub relationship: Relationship,
}

impl Requester {
    /// The subject the person's own credential has.
    pub fn subject(&self) -> String {
        self.email.trim().to_lowercase()
    }
}
