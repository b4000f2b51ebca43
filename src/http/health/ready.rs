//! `GET /readyz`

use actix_web::{HttpRequest, web};

use super::Health;
use crate::http::Http;
use crate::http::codes::Code;
use crate::http::problem::Problem;
use crate::http::routes::Endpoint;

/// Whether the service should receive traffic.
///
/// Fails while the database cannot be used, and from the beginning of a shutdown.
#[utoipa::path(get, path = "/readyz", tag = "health", operation_id = "get_readiness",
    responses((status = 200, description = "The service takes requests.", body = Health)))]
async fn ready(request: HttpRequest) -> Result<web::Json<Health>, Problem> {
    let http = Http::of(&request)?;
    if http.is_stopping() {
        return Err(Problem::new(Code::NotReady).detail("The service is stopping."));
    }
    http.readiness.check().await?;
    Ok(web::Json(Health { status: "ok" }))
}

/// The endpoint.
pub fn endpoint() -> Endpoint {
    Endpoint::public(__path_ready, ready).problems(&[Code::NotReady, Code::DatabaseUnavailable])
}
