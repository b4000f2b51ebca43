//! `GET /v1/me`

use actix_web::{HttpRequest, HttpResponse};
use serde::Serialize;
use utoipa::ToSchema;

use super::answer;
use super::auth::Authenticated;
use super::problem::Problem;
use super::routes::Endpoint;
use crate::domain::actor::{Caller, Role, Scope};
use crate::domain::facts::Relationship;
use crate::domain::rights::{self, Action, Reach};

/// Something the caller may do, and how far it reaches.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct RightView {
    /// What.
    pub action: Action,
    /// To which objects.
    pub reach: Reach,
}

/// The caller, as the service knows it.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Me)]
pub struct MeView {
    /// Stable name of the person or tool.
    #[schema(max_length = 254, example = "paula@example.com")]
    pub subject: String,
    /// Name to show.
    #[schema(max_length = 254, example = "Paula Dimitrova Marsh")]
    pub name: String,
    /// The role of the credential.
    pub role: Role,
    /// What a requester is to the partner.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Relationship, required = false)]
    pub relationship: Option<Relationship>,
    /// Desks a member or lead works for.
    #[schema(max_items = 50)]
    pub desks: Vec<String>,
    /// MPN ids of the partners a requester manages.
    #[schema(max_items = 1000)]
    pub partners: Vec<String>,
    /// What of its role the credential is limited to; left out where it has all that its role gives.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, max_items = 20)]
    pub scopes: Option<Vec<Scope>>,
    /// What the caller may do.
    #[schema(max_items = 50)]
    pub rights: Vec<RightView>,
}

impl From<Caller> for MeView {
    fn from(caller: Caller) -> Self {
        let rights = rights::rights(&caller)
            .map(|right| RightView {
                action: right.action,
                reach: right.reach,
            })
            .collect();
        let Caller {
            subject,
            name,
            role,
            relationship,
            desks,
            partners,
            scopes,
            key_id: _,
        } = caller;
        Self {
            subject,
            name,
            role,
            relationship,
            desks,
            partners,
            scopes,
            rights,
        }
    }
}

/// The caller and its rights
///
/// Who the service takes the credential for, and what it lets its holder do.
#[utoipa::path(
    get, path = "/v1/me", tag = "callers", operation_id = "get_me",
    responses((status = 200, description = "The caller.", body = MeView))
)]
async fn me(
    request: HttpRequest,
    Authenticated(caller): Authenticated,
) -> Result<HttpResponse, Problem> {
    answer::show(request.headers(), &MeView::from(caller), None, None)
}

/// The endpoint.
pub fn endpoint() -> Endpoint {
    Endpoint::caller(__path_me, me)
}
