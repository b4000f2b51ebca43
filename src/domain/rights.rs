//! Who may do what to which objects: one table, nothing is allowed that has no row in it.

use super::actor::{Caller, Role, Scope};
use super::facts::vocabulary;
use super::request::Request;

vocabulary! {
    /// Something a caller can ask the service to do.
    Action {
        /// See the catalogue, and ask for a dry run.
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

/// The scope each action belongs to: what a key must have been left with to do it.
pub const fn scope(action: Action) -> Scope {
    match action {
        Action::Consult => Scope::Consult,
        Action::ReadRequest => Scope::RequestsRead,
        Action::CreateRequest | Action::ReviseRequest | Action::ActAsOwner => Scope::RequestsWrite,
        Action::ActAsDesk | Action::ActAsLead => Scope::DeskWork,
        Action::ManageKeys => Scope::KeysManage,
        Action::ReadAudit => Scope::AuditRead,
    }
}

/// How far the caller reaches with the action; `None` where it may not do it at all, be it for its role
/// or for the scopes its key is limited to.
pub fn reach(caller: &Caller, action: Action) -> Option<Reach> {
    given(caller.role, action).filter(|_| is_left_with(caller, scope(action)))
}

/// What the caller may do, in the order of the table.
pub fn rights(caller: &Caller) -> impl Iterator<Item = &'static Right> {
    RIGHTS
        .iter()
        .filter(|right| reach(caller, right.action) == Some(right.reach))
        .filter(|right| right.role == caller.role)
}

/// The scope that keeps the caller from one of these actions, though its role would give it.
pub fn lacks(caller: &Caller, actions: &[Action]) -> Option<Scope> {
    actions
        .iter()
        .filter(|action| given(caller.role, **action).is_some())
        .map(|action| scope(*action))
        .find(|scope| !is_left_with(caller, *scope))
}

/// Whether a key of this role has any use for the scope.
pub fn suits(scope: Scope, role: Role) -> bool {
    RIGHTS
        .iter()
        .any(|right| right.role == role && self::scope(right.action) == scope)
}

/// Whether the caller may make a key of this role with these scopes: a limited one makes none of its own
/// role that has more than itself.
pub fn may_hand_on(caller: &Caller, role: Role, scopes: Option<&[Scope]>) -> bool {
    role != caller.role
        || Scope::ALL
            .iter()
            .filter(|scope| suits(**scope, role))
            .filter(|scope| scopes.is_none_or(|scopes| scopes.contains(scope)))
            .all(|scope| is_left_with(caller, *scope))
}

/// What the role alone gives, whatever a key is limited to.
fn given(role: Role, action: Action) -> Option<Reach> {
    RIGHTS
        .iter()
        .find(|right| right.role == role && right.action == action)
        .map(|right| right.reach)
}

fn is_left_with(caller: &Caller, scope: Scope) -> bool {
    let scopes = caller.scopes.as_ref();
    scopes.is_none_or(|scopes| scopes.contains(&scope))
}

/// Whether the caller may do this to this request.
pub fn may(caller: &Caller, action: Action, request: &Request) -> bool {
    reach(caller, action).is_some_and(|reach| reaches(caller, reach, request))
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
         somebody. `desk`: requests at the caller's desks.\n\nA key that is limited to some scopes does only what belongs to \
         them; one that is not does all that its role gives.\n\n| action | scope |",
    );
    for role in Role::ALL {
        text.push_str(&format!(" {role} |"));
    }
    text.push_str("\n|---|---|");
    text.push_str(&"---|".repeat(Role::ALL.len()));
    for action in Action::ALL {
        text.push_str(&format!("\n| {action} | `{}` |", scope(*action)));
        for role in Role::ALL {
            let cell = given(*role, *action).map_or("", Reach::as_str);
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

    fn limited(role: Role, scopes: Option<&[Scope]>) -> Caller {
        Caller {
            subject: "somebody".to_owned(),
            name: "Somebody".to_owned(),
            role,
            relationship: None,
            desks: Vec::new(),
            partners: Vec::new(),
            scopes: scopes.map(<[Scope]>::to_vec),
            key_id: "key".to_owned(),
        }
    }

    #[test]
    fn a_limited_key_reaches_as_far_as_its_role_within_its_scopes_and_nowhere_else() {
        for role in Role::ALL {
            for action in Action::ALL {
                let of_role = given(*role, *action);
                assert_eq!(reach(&limited(*role, None), *action), of_role);
                for left in Scope::ALL {
                    let within = of_role.filter(|_| scope(*action) == *left);
                    let caller = limited(*role, Some(&[*left]));
                    assert_eq!(reach(&caller, *action), within, "{role} {left} {action}");
                    let lacked = of_role.is_some() && within.is_none();
                    let lacking = lacked.then(|| scope(*action));
                    assert_eq!(lacks(&caller, &[*action]), lacking, "{role} {left}");
                }
                assert_eq!(reach(&limited(*role, Some(&[])), *action), None);
            }
        }
    }

    #[test]
    fn every_scope_has_an_action_and_a_role_that_has_use_for_it() {
        for left in Scope::ALL {
            assert!(Action::ALL.iter().any(|action| scope(*action) == *left));
            assert!(Role::ALL.iter().any(|role| suits(*left, *role)), "{left}");
        }
    }

    #[test]
    fn what_a_caller_may_do_is_listed_within_its_scopes() {
        let caller = limited(Role::Requester, Some(&[Scope::RequestsWrite]));
        let actions: Vec<Action> = rights(&caller).map(|right| right.action).collect();
        assert_eq!(
            actions,
            [
                Action::CreateRequest,
                Action::ReviseRequest,
                Action::ActAsOwner
            ]
        );
    }

    #[test]
    fn a_key_hands_on_no_more_of_its_role_than_it_has() {
        let all = limited(Role::Admin, None);
        let some = limited(Role::Admin, Some(&[Scope::KeysManage, Scope::Consult]));
        assert!(may_hand_on(&all, Role::Admin, None));
        assert!(may_hand_on(&some, Role::Admin, Some(&[Scope::KeysManage])));
        assert!(!may_hand_on(&some, Role::Admin, None));
        let more = [Scope::KeysManage, Scope::AuditRead];
        assert!(!may_hand_on(&some, Role::Admin, Some(&more)));
        assert!(may_hand_on(&some, Role::Viewer, None));
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
                assert_eq!(given(role, action), None, "{role} {action}");
            }
        }
    }
}
