//! `POST /v1/api-keys`

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use validator::Validate;

use super::KeyView;
use crate::app::App;
use crate::domain::actor::{Role, Scope};
use crate::domain::facts::Relationship;
use crate::domain::rights;
use crate::domain::rights::Action;
use crate::flows::keys::{KeyInput, LONGEST_LIFE_DAYS, create as issue};
use crate::http::answer;
use crate::http::auth::Authenticated;
use crate::http::body::RawBody;
use crate::http::codes::Code;
use crate::http::etag;
use crate::http::idempotency::MaybeKey;
use crate::http::parse::{self, CatalogueWord, ShortText};
use crate::http::problem::Problem;
use crate::http::refusal;
use crate::http::routes::Endpoint;

/// What a new key is to stand for.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "subject": "ada.archer@example.com", "name": "Ada Archer", "role": "desk_member",
    "desks": ["pad"], "expires_in_days": 90
}))]
pub struct CreateKeyBody {
    /// E-mail address of a person, or a stable name of a tool.
    #[validate(length(min = 1, max = 254))]
    #[schema(min_length = 1, max_length = 254)]
    pub subject: String,
    /// Name to show.
    #[validate(length(min = 1, max = 200))]
    #[schema(min_length = 1, max_length = 200)]
    pub name: String,
    /// Its one role.
    pub role: Role,
    /// What a requester is to the partner; a requester needs it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub relationship: Option<Relationship>,
    /// Desks of a member or lead, who need at least one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[validate(length(max = 50), custom(function = parse::words))]
    #[schema(value_type = Option<Vec<CatalogueWord>>, max_items = 50)]
    pub desks: Option<Vec<String>>,
    /// MPN ids of the partners a requester manages.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[validate(length(max = 1000), custom(function = parse::short_texts))]
    #[schema(value_type = Option<Vec<ShortText>>, max_items = 1000)]
    pub partners: Option<Vec<String>>,
    /// What of its role it is limited to; left out, it has all that its role gives.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[validate(length(min = 1, max = 20))]
    #[schema(min_items = 1, max_items = 20)]
    pub scopes: Option<Vec<Scope>>,
    /// Days until it ends; 90 where left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[validate(range(min = 1, max = 365))]
    #[schema(minimum = 1, maximum = 365)]
    pub expires_in_days: Option<u32>,
}

/// A key that was just made. Its text is shown here and never again.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct IssuedKey {
    /// The key in full: keep it, it is not shown again.
    #[schema(max_length = 100, example = "edk_h3Jq0ZsT8mVd_Xw0…_5f0c2d11")]
    pub key: String,
    /// What it stands for.
    pub api_key: KeyView,
}

const USUAL_LIFE_DAYS: u32 = 90;

/// Make an API key
///
/// Two keys of one subject may be live at once, so that one can take over from the other. A key can be limited
/// to some scopes of its role; a scope that the role has no use for is refused. A limited administrator's key
/// makes no administrator's key that has more scopes than itself: 403.
///
/// The secret is stored nowhere. Sent again with the same `Idempotency-Key`, the request gets the same answer
/// all the same: the secret is made from the `Idempotency-Key` and a secret of the service, and can be made
/// again from both. So choose one that nobody guesses, such as a random UUID.
#[utoipa::path(
    post, path = "/v1/api-keys", tag = "callers", operation_id = "create_api_key",
    request_body = CreateKeyBody,
    params(("Idempotency-Key" = Option<String>, Header, description = "Makes a retry safe: the same key and body get the first answer again.", min_length = 1, max_length = 255)),
    responses((status = 201, description = "The key, shown this once.", body = IssuedKey,
        headers(("Location" = String, description = "Where the key is found, without its secret."))))
)]
async fn create(
    request: HttpRequest,
    app: web::Data<App>,
    Authenticated(caller): Authenticated,
    MaybeKey(key): MaybeKey,
    body: RawBody,
) -> Result<HttpResponse, Problem> {
    let key = answer::key(&request, &caller, key.as_ref(), &body.bytes);
    let catalogue = &app.catalogue;
    let body = body.parse::<CreateKeyBody>()?.check(|body, faults| {
        let desks = body.desks.as_deref().unwrap_or_default();
        match body.role {
            _ if !faults.was_read("/role") => {}
            Role::Requester if body.relationship.is_none() => {
                faults.at("/relationship", "REQUIRED", "is required for a requester");
            }
            Role::DeskMember | Role::DeskLead if desks.is_empty() => {
                faults.at(
                    "/desks",
                    "REQUIRED",
                    "must name at least one desk for this role",
                );
            }
            _ => {}
        }
        for (index, desk) in desks.iter().enumerate() {
            if catalogue.desk(desk).is_none() {
                faults.at(
                    format!("/desks/{index}"),
                    "UNKNOWN_WORD",
                    "must be a desk of the catalogue",
                );
            }
        }
        for (index, scope) in body.scopes.iter().flatten().enumerate() {
            if faults.was_read("/role") && !rights::suits(*scope, body.role) {
                faults.at(
                    format!("/scopes/{index}"),
                    "NOT_FOR_ROLE",
                    format!("is of no use to the role {}", body.role),
                );
            }
        }
    });
    let CreateKeyBody {
        subject,
        name,
        role,
        relationship,
        desks,
        partners,
        scopes,
        expires_in_days,
    } = body.into_result()?;
    let input = KeyInput {
        subject,
        name,
        role,
        relationship,
        desks: desks.unwrap_or_default(),
        partners: partners.unwrap_or_default(),
        scopes,
        lives_days: expires_in_days
            .unwrap_or(USUAL_LIFE_DAYS)
            .min(LONGEST_LIFE_DAYS),
    };
    etag::adds_to_list(request.headers())?;
    let ask = answer::ask(caller.clone());
    let now = app.clock.now();
    let work = {
        let app = app.clone();
        async move {
            issue(&app, &ask, input, key.as_ref(), |api_key| {
                let location = format!("/v1/api-keys/{}", api_key.id);
                let shown = IssuedKey {
                    key: String::new(),
                    api_key: KeyView::from(api_key),
                };
                answer::for_no_cache(StatusCode::CREATED, &shown, Some(&location))
            })
            .await
        }
    };
    let (mut given, text) = answer::to_the_end(work)
        .await?
        .map_err(|error| refusal::problem(error, &caller, now))?;
    given.answer.body = with_text(&given.answer.body, &text)?;
    answer::give(given)
}

/// The body with the key's text in its place. The body was kept without it.
fn with_text(body: &[u8], text: &str) -> Result<Vec<u8>, Problem> {
    let rest = body.strip_prefix(br#"{"key":""#.as_slice());
    let rest = rest.ok_or_else(|| Problem::internal(&"an answer has no place for a key"))?;
    Ok([br#"{"key":""#.as_slice(), text.as_bytes(), rest].concat())
}

/// The endpoint.
pub fn endpoint() -> Endpoint {
    Endpoint::caller(__path_create, create)
        .does(&[Action::ManageKeys])
        .problems(&[
            Code::ActionForbidden,
            Code::PreconditionFailed,
            Code::CommitOutcomeUnknown,
        ])
}
