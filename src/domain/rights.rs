//! Who may do what to which objects: one table, nothing is allowed that has no row in it.

use super::actor::{Caller, Role};
use super::facts::vocabulary;
use super::request::Request;

vocabulary! {
    /// Something a caller can ask the service to do.
    Action {
        /// See the catalogue, one's own identity, and ask for a dry run.
        Consult = "consult",
        /// Create a request, as a draft or submitted.
        CreateRequest = "create_request",
        /// See requests and their history.
        ReadRequest = "read_request",
        /// Change the facts of a request.
        ReviseRequest = "revise_request",
        /// Take the requester's arrows of the life cycle.
        ActAsOwner = "act_as_owner",
        /// Take the desk's arrows of the life cycle.
        ActAsDesk = "act_as_desk",
        /// Take the arrows kept for a lead.
        ActAsLead = "act_as_lead",
        /// Make, list and revoke API keys.
        ManageKeys = "manage_keys",
        /// Read the audit trail.
        ReadAudit = "read_audit",
    }
}

vocabulary! {
    /// Which objects a right reaches.
    Reach {
        /// Every object.
        All = "all",
        /// Requests the caller owns, or of a partner the caller manages.
        Own = "own",
        /// Requests the caller submitted for somebody.
        Submitted = "submitted",
        /// Requests at one of the caller's desks.
        Desk = "desk",
    }
}

/// One line of the rights table.
#[derive(Clone, Copy, Debug)]
pub struct Right {
    /// What may be done.
    pub action: Action,
    /// By whom.
    pub role: Role,
    /// To what.
    pub reach: Reach,
}

const fn right(action: Action, role: Role, reach: Reach) -> Right {
    Right {
        action,
        role,
        reach,
    }
}

/// The rights table. A role has at most one line per action.
pub const RIGHTS: &[Right] = &[
    right(Action::Consult, Role::Requester, Reach::All),
    right(Action::Consult, Role::DeskMember, Reach::All),
    right(Action::Consult, Role::DeskLead, Reach::All),
    right(Action::Consult, Role::Viewer, Reach::All),
    right(Action::Consult, Role::Integration, Reach::All),
    right(Action::Consult, Role::Admin, Reach::All),
    right(Action::CreateRequest, Role::Requester, Reach::Own),
    right(Action::CreateRequest, Role::Integration, Reach::Submitted),
    right(Action::ReadRequest, Role::Requester, Reach::Own),
    right(Action::ReadRequest, Role::DeskMember, Reach::Desk),
    right(Action::ReadRequest, Role::DeskLead, Reach::Desk),
    right(Action::ReadRequest, Role::Viewer, Reach::All),
    right(Action::ReadRequest, Role::Integration, Reach::Submitted),
    right(Action::ReadRequest, Role::Admin, Reach::All),
    right(Action::ReviseRequest, Role::Requester, Reach::Own),
    right(Action::ReviseRequest, Role::Integration, Reach::Submitted),
    right(Action::ActAsOwner, Role::Requester, Reach::Own),
    right(Action::ActAsOwner, Role::Integration, Reach::Submitted),
    right(Action::ActAsDesk, Role::DeskMember, Reach::Desk),
    right(Action::ActAsDesk, Role::DeskLead, Reach::Desk),
    right(Action::ActAsLead, Role::DeskLead, Reach::Desk),
    right(Action::ManageKeys, Role::Admin, Reach::All),
    right(Action::ReadAudit, Role::Admin, Reach::All),
];

/// How far the role reaches with the action; `None` where it may not do it at all.
pub fn reach(role: Role, action: Action) -> Option<Reach> {
    RIGHTS
        .iter()
        .find(|right| right.role == role && right.action == action)
        .map(|right| right.reach)
}

/// Whether the caller may do this to this request.
pub fn may(caller: &Caller, action: Action, request: &Request) -> bool {
    reach(caller.role, action).is_some_and(|reach| reaches(caller, reach, request))
}

fn reaches(caller: &Caller, reach: Reach, request: &Request) -> bool {
    match reach {
        Reach::All => true,
        Reach::Own => {
            request.owner_subject == caller.subject
                || request
                    .facts
                    .partner_mpn_id()
                    .is_some_and(|id| caller.partners.iter().any(|managed| managed == id))
        }
        Reach::Submitted => request.submitted_by == caller.subject,
        Reach::Desk => request
            .desk
            .as_ref()
            .is_some_and(|desk| caller.desks.contains(desk)),
    }
}

vocabulary! {
    /// How much of a request a caller sees.
    Projection {
        /// Everything.
        Full = "full",
        /// No contact details and no internal notes.
        Public = "public",
    }
}

/// The projection in which the role sees requests.
pub const fn projection(role: Role) -> Projection {
    match role {
        Role::Viewer => Projection::Public,
        Role::Requester | Role::DeskMember | Role::DeskLead | Role::Integration | Role::Admin => {
            Projection::Full
        }
    }
}

/// The rights table as Markdown, for the documentation.
pub fn document() -> String {
    let mut text = String::from(
        "# Who may do what\n\nWritten from `src/domain/rights.rs`; a test compares it. What has no line here is refused.\n\
         `own`: requests the caller owns, or of a partner the caller manages. `submitted`: requests the caller sent for\n\
         somebody. `desk`: requests at the caller's desks.\n\n| action |",
    );
    for role in Role::ALL {
        text.push_str(&format!(" {role} |"));
    }
    text.push_str("\n|---|");
    text.push_str(&"---|".repeat(Role::ALL.len()));
    for action in Action::ALL {
        text.push_str(&format!("\n| {action} |"));
        for role in Role::ALL {
            let cell = reach(*role, *action).map_or("", Reach::as_str);
            text.push_str(&format!(" {cell} |"));
        }
    }
    text.push('\n');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_has_at_most_one_line_per_action() {
        for action in Action::ALL {
            for role in Role::ALL {
                let lines = RIGHTS
                    .iter()
                    .filter(|right| right.action == *action && right.role == *role);
                assert!(lines.count() <= 1, "{role} has two lines for {action}");
            }
        }
    }

    #[test]
    fn a_viewer_and_an_admin_change_no_request() {
        for role in [Role::Viewer, Role::Admin] {
            for action in [
                Action::CreateRequest,
                Action::ReviseRequest,
                Action::ActAsOwner,
                Action::ActAsDesk,
                Action::ActAsLead,
            ] {
                assert_eq!(reach(role, action), None, "{role} {action}");
            }
        }
    }
}
