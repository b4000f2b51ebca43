//! API keys, for administrators.

pub mod create;
pub mod list;
pub mod revoke;
pub mod show;

use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::actor::{Role, Scope};
use crate::domain::facts::Relationship;
use crate::http::etag::EntityTag;
use crate::store::keys::ApiKey;

/// A key without its secret.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = ApiKey)]
pub struct KeyView {
    /// Names the key: the part after `edk_`.
    #[schema(max_length = 20, example = "h3Jq0ZsT8mVd")]
    pub id: String,
    /// Who it stands for.
    #[schema(max_length = 254, example = "paula@example.com")]
    pub subject: String,
    /// Name to show.
    #[schema(max_length = 200, example = "Paula Dimitrova Marsh")]
    pub name: String,
    /// Its one role.
    pub role: Role,
    /// What a requester is to the partner.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Relationship, required = false)]
    pub relationship: Option<Relationship>,
    /// Desks of a member or lead.
    #[schema(max_items = 50)]
    pub desks: Vec<String>,
    /// MPN ids of the partners a requester manages.
    #[schema(max_items = 1000)]
    pub partners: Vec<String>,
    /// What of its role it is limited to; left out where it has all that its role gives.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, max_items = 20)]
    pub scopes: Option<Vec<Scope>>,
    /// When it was made (UTC).
    pub created_at: DateTime<Utc>,
    /// Subject of who made it.
    #[schema(max_length = 254)]
    pub created_by: String,
    /// When it ends (UTC).
    pub expires_at: DateTime<Utc>,
    /// When it was revoked (UTC).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub revoked_at: Option<DateTime<Utc>>,
    /// When it was last used (UTC), to the minute.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub last_used_at: Option<DateTime<Utc>>,
}

impl KeyView {
    /// The tag it is shown with.
    pub fn tag(&self) -> EntityTag {
        // Views are plain structs and always serialize.
        EntityTag::of_content(&serde_json::to_vec(self).unwrap_or_default())
    }
}

impl From<ApiKey> for KeyView {
    fn from(key: ApiKey) -> Self {
        let ApiKey {
            id,
            secret_hash: _,
            subject,
            name,
            role,
            relationship,
            desks,
            partners,
            scopes,
            created_at,
            created_by,
            expires_at,
            revoked_at,
            last_used_at,
        } = key;
        Self {
            id,
            subject,
            name,
            role,
            relationship,
            desks,
            partners,
            scopes,
            created_at,
            created_by,
            expires_at,
            revoked_at,
            last_used_at,
        }
    }
}
