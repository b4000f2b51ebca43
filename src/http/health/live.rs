//! `GET /livez`

use actix_web::web;

use super::Health;
use crate::http::routes::Endpoint;

/// Whether the process lives.
///
/// Looks at nothing else: a process that answers here need not be restarted.
#[utoipa::path(get, path = "/livez", tag = "health", operation_id = "get_liveness",
    responses((status = 200, description = "The process lives.", body = Health)))]
async fn live() -> web::Json<Health> {
    web::Json(Health { status: "ok" })
}

/// The endpoint.
pub fn endpoint() -> Endpoint {
    Endpoint::public(__path_live, live)
}
