//! `GET /v1/requests`

use actix_web::{HttpRequest, HttpResponse, web};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa::openapi::{Object, ObjectBuilder, Type};
use uuid::Uuid;
use validator::Validate;

use crate::app::App;
use crate::domain::lifecycle::{State, StatusCategory};
use crate::domain::rights::{Action, Projection, projection};
use crate::flows::read;
use crate::http::Http;
use crate::http::answer::PageAnswer;
use crate::http::auth::Authenticated;
use crate::http::codes::Code;
use crate::http::etag::EntityTag;
use crate::http::moment;
use crate::http::page::{self, ListName, Page};
use crate::http::problem::{Fault, Problem};
use crate::http::query::Query;
use crate::http::routes::Endpoint;
use crate::store::request_list::RequestList;
use crate::store::request_order::{Position, Sort};
use crate::store::requests::{Filter, Summary, Visibility};

/// One line of a list. The request itself has more to it.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = RequestSummary)]
pub struct SummaryView {
    /// Identity, a UUIDv7.
    pub id: Uuid,
    /// Identity for people.
    #[schema(max_length = 40, example = "PAD-2026-000123")]
    pub reference: String,
    /// Where it stands.
    pub state: State,
    /// The coarse state that dashboards group by.
    pub status_category: StatusCategory,
    /// Counts changes, from 1.
    #[schema(minimum = 1, example = 1)]
    pub version: i64,
    /// Tag of this version, for `If-Match` and `If-None-Match`.
    #[schema(max_length = 100, example = "\"1-full\"")]
    pub etag: String,
    /// The desk that has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, max_length = 64, example = "pad")]
    pub desk: Option<String>,
    /// The service wanted.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, max_length = 64)]
    pub service: Option<String>,
    /// One line that names it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, max_length = 200)]
    pub title: Option<String>,
    /// How much the requester presses.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, max_length = 20)]
    pub priority: Option<String>,
    /// The day by which help is needed (UTC).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, format = "date", max_length = 10)]
    pub needed_by: Option<String>,
    /// MPN id of the partner.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, max_length = 32)]
    pub partner_mpn_id: Option<String>,
    /// Name of the partner.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, max_length = 200)]
    pub partner_name: Option<String>,
    /// Name of the customer.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, max_length = 200)]
    pub customer_name: Option<String>,
    /// Name of the person it belongs to. Dashboards don't see it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, max_length = 200)]
    pub requester_name: Option<String>,
    /// Name of who delivers.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, max_length = 200)]
    pub assignee: Option<String>,
    /// When it was first stored (UTC).
    #[serde(serialize_with = "moment::serialize")]
    pub created_at: DateTime<Utc>,
    /// When it last changed (UTC).
    #[serde(serialize_with = "moment::serialize")]
    pub updated_at: DateTime<Utc>,
    /// When it came into its state (UTC).
    #[serde(serialize_with = "moment::serialize")]
    pub state_since: DateTime<Utc>,
}

impl SummaryView {
    /// The line in the projection that the caller sees.
    pub fn new(summary: Summary, shown: Projection) -> Self {
        let Summary {
            id,
            reference,
            desk,
            state,
            version,
            service,
            title,
            priority,
            needed_by,
            partner_mpn_id,
            partner_name,
            customer_name,
            requester_name,
            assignee,
            created_at,
            updated_at,
            state_since,
        } = summary;
        Self {
            id,
            reference,
            state,
            status_category: state.category(),
            version,
            etag: EntityTag::of_version(version, shown.as_str()).to_string(),
            desk,
            service,
            title,
            priority,
            needed_by,
            partner_mpn_id,
            partner_name,
            customer_name,
            requester_name: requester_name.filter(|_| shown == Projection::Full),
            assignee,
            created_at,
            updated_at,
            state_since,
        }
    }
}

/// A page, as all see it who may see the same.
pub type ListPage = PageAnswer<SummaryView>;

/// Which requests.
#[derive(Clone, Debug, Deserialize, utoipa::IntoParams, Serialize, Validate)]
#[into_params(parameter_in = Query)]
#[serde(default)]
pub struct ListParameters {
    /// At this desk.
    #[validate(length(min = 1, max = 64))]
    #[param(min_length = 1, max_length = 64, example = "pad")]
    pub desk: Option<String>,
    /// In this state; may be repeated.
    #[validate(length(max = 15))]
    #[param(max_items = 15, style = Form, explode)]
    pub state: Vec<State>,
    /// For this service.
    #[validate(length(min = 1, max = 64))]
    #[param(min_length = 1, max_length = 64)]
    pub service: Option<String>,
    /// Of the partner with this MPN id.
    #[validate(length(min = 1, max = 32))]
    #[param(min_length = 1, max_length = 32)]
    pub partner: Option<String>,
    /// Of the customer of this name, in whatever case.
    #[validate(length(min = 1, max = 200))]
    #[param(min_length = 1, max_length = 200)]
    pub customer: Option<String>,
    /// Given to the architect of this name, in whatever case.
    #[validate(length(min = 1, max = 200))]
    #[param(min_length = 1, max_length = 200)]
    pub assignee: Option<String>,
    /// Of the person with this e-mail address. Refused to dashboards, which see no addresses: 403.
    #[validate(length(min = 1, max = 254))]
    #[param(min_length = 1, max_length = 254)]
    pub requested_by: Option<String>,
    /// With all these words in its title, description, partner's or customer's name, reference or
    /// external reference. `"in quotes"` finds words in a row, `or` either, `-word` those without it.
    /// Words are found whole and in whatever case; a description that is withheld is not searched.
    #[validate(length(min = 1, max = 200))]
    #[param(
        min_length = 1,
        max_length = 200,
        example = "\"landing zone\" fabrikam -draft"
    )]
    pub q: Option<String>,
    /// Created at this time or later.
    pub created_from: Option<DateTime<Utc>>,
    /// Created before this time.
    pub created_before: Option<DateTime<Utc>>,
    /// Last changed at this time or later.
    pub updated_from: Option<DateTime<Utc>>,
    /// Last changed before this time.
    pub updated_before: Option<DateTime<Utc>>,
    /// The order.
    #[param(schema_with = sort)]
    pub sort: Sort,
    /// How many at most.
    #[validate(range(min = 1, max = 200))]
    #[param(minimum = 1, maximum = 200, default = 50)]
    pub limit: u16,
    /// Goes on where a page ended: its `next_cursor`. The filters and the order have to be the same.
    #[validate(length(max = 1000))]
    #[param(max_length = 1000)]
    pub cursor: Option<String>,
}

/// The words of the order: a derived schema would have the names of the variants.
fn sort() -> Object {
    ObjectBuilder::new()
        .schema_type(Type::String)
        .enum_values(Some(Sort::ALL.iter().map(|sort| sort.as_str())))
        .description(Some(
            "The order. By time of creation, a request that is there all the while is shown exactly \
             once. By time of change, one that changes while the pages are read may be shown again or \
             be missed. Bounds of a time are found fastest in the order of that time.",
        ))
        .default(Some(Sort::NewestFirst.as_str().into()))
        .build()
}

impl Default for ListParameters {
    fn default() -> Self {
        Self {
            desk: None,
            state: Vec::new(),
            service: None,
            partner: None,
            customer: None,
            assignee: None,
            requested_by: None,
            q: None,
            created_from: None,
            created_before: None,
            updated_from: None,
            updated_before: None,
            sort: Sort::NewestFirst,
            limit: page::DEFAULT_LIMIT,
            cursor: None,
        }
    }
}

impl From<ListParameters> for Filter {
    fn from(parameters: ListParameters) -> Self {
        let ListParameters {
            desk,
            state,
            service,
            partner,
            customer,
            assignee,
            requested_by,
            q,
            created_from,
            created_before,
            updated_from,
            updated_before,
            sort: _,
            limit: _,
            cursor: _,
        } = parameters;
        Self {
            desk,
            states: state,
            service,
            partner,
            customer,
            assignee,
            requested_by: requested_by.map(|email| email.to_lowercase()),
            words: q,
            created_from,
            created_before,
            updated_from,
            updated_before,
        }
    }
}

/// Requests, page by page
///
/// Those the caller may see. In the orders by time of creation a request that is there all the while is
/// shown exactly once, whatever is created meanwhile.
#[utoipa::path(
    get, path = "/v1/requests", tag = "requests", operation_id = "list_requests",
    params(
        ListParameters,
        ("If-None-Match" = Option<String>, Header, description = "Tag of the page the client has.", max_length = 1000)
    ),
    responses(
        (status = 200, description = "A page of requests.", body = inline(Page<SummaryView>),
            headers(
                ("Link" = Option<String>, description = "Where the next page is, with `rel=\"next\"`."),
                ("ETag" = String, description = "Weak tag of this page.")
            )),
        (status = 304, description = "The client has this page already.",
            headers(("ETag" = String, description = "Weak tag of this page.")))
    )
)]
async fn list(
    request: HttpRequest,
    app: web::Data<App>,
    Authenticated(caller): Authenticated,
    Query(parameters): Query<ListParameters>,
) -> Result<HttpResponse, Problem> {
    let shown = projection(caller.role);
    // What is not shown must not be guessed by asking for it.
    if shown == Projection::Public && parameters.requested_by.is_some() {
        return Err(Problem::new(Code::ActionForbidden)
            .detail("The role of the credential sees no addresses, and so finds nothing by one.")
            .fault(Fault::in_parameter(
                "requested_by",
                "NOT_FOR_ROLE",
                "may be used by those who see whose request it is",
            )));
    }
    let (limit, sort) = (parameters.limit, parameters.sort);
    let cursor = parameters.cursor.clone();
    let filter = Filter::from(parameters);
    let list = name_of(&filter, sort);
    let after: Option<Position> = match &cursor {
        Some(cursor) => Some(page::open(&app.cursor_key, cursor, &list)?),
        None => None,
    };
    let visibility = Visibility::of(&caller);
    let read = async {
        let wanted = || RequestList::new(&filter, &visibility, sort, after, page::one_more(limit));
        let rows = read::page(&app, wanted).await?;
        let page = Page::cut(rows, limit, |row| {
            app.cursor_key.seal(&Position::of(row, sort), &list)
        });
        let tag = EntityTag::of_page(
            &format!("{shown} {list}"),
            page.items.iter().map(|row| (row.id, row.version)),
            page.next_cursor.as_deref(),
        );
        let page = page.map(|row| SummaryView::new(row, shown));
        Ok::<_, Problem>(PageAnswer::new(page, tag))
    };
    // All that the page depends on.
    let key = format!("{shown} {visibility:?} {after:?} {limit} {list}");
    let page = Http::of(&request)?.lists.get(key, Box::pin(read)).await?;
    page.show(&request)
}

/// The name of this list. In whatever order states are given, it is the same.
fn name_of(filter: &Filter, sort: Sort) -> String {
    let Filter {
        desk,
        states,
        service,
        partner,
        customer,
        assignee,
        requested_by,
        words,
        created_from,
        created_before,
        updated_from,
        updated_before,
    } = filter;
    let mut states: Vec<&str> = states.iter().map(|state| state.as_str()).collect();
    states.sort_unstable();
    let time = |time: &Option<DateTime<Utc>>| time.as_ref().map(DateTime::to_rfc3339);
    ListName::of("requests")
        .with("sort", Some(sort))
        .with("desk", desk.as_ref())
        .with_any("state", states)
        .with("service", service.as_ref())
        .with("partner", partner.as_ref())
        .with("customer", customer.as_ref())
        .with("assignee", assignee.as_ref())
        .with("requested_by", requested_by.as_ref())
        .with("q", words.as_ref())
        .with("created_from", time(created_from))
        .with("created_before", time(created_before))
        .with("updated_from", time(updated_from))
        .with("updated_before", time(updated_before))
        .into_string()
}

/// The endpoint.
pub fn endpoint() -> Endpoint {
    Endpoint::caller(__path_list, list)
        .does(&[Action::ReadRequest])
        .problems(&[Code::CursorInvalid, Code::CursorFilterMismatch])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_named_by_its_query_in_whatever_order_states_are_given() {
        let with = |states: &[State], words: Option<&str>| {
            let filter = Filter {
                desk: Some("pad".to_owned()),
                states: states.to_vec(),
                words: words.map(str::to_owned),
                ..Filter::default()
            };
            name_of(&filter, Sort::NewestFirst)
        };
        let both = r#"requests sort="-created_at" desk="pad" state="accepted" state="submitted""#;
        assert_eq!(with(&[State::Submitted, State::Accepted], None), both);
        assert_eq!(with(&[State::Accepted, State::Submitted], None), both);
        // What is typed can't look like another filter.
        let words = Some(r#"x" state="draft"#);
        assert_ne!(with(&[], words), with(&[State::Draft], Some("x")));
    }
}
