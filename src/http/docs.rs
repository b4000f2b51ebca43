//! Pages for people, complete without internet: the API's documentation and one page per error code.

use std::sync::Arc;

use actix_web::HttpResponse;
use actix_web::http::header;

use super::codes::{Code, Retry};
use super::path::Path;
use super::problem::Problem;
use super::routes::Endpoint;

/// Scripts and styles from ourselves only. Swagger UI draws icons from `data:` images and sets
/// styles on its elements.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; \
    img-src 'self' data:; font-src 'self'; connect-src 'self'; base-uri 'none'; \
    form-action 'none'; frame-ancestors 'none'";

const INDEX: &str = r#"<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Engagement desk: API</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/docs/assets/swagger-ui.css">
</head>
<body>
<div id="swagger-ui"></div>
<script src="/docs/assets/swagger-ui-bundle.js"></script>
<script src="/docs/assets/start.js"></script>
</body>
</html>
"#;

const START: &str = r##"SwaggerUIBundle({
  url: "/openapi.json",
  dom_id: "#swagger-ui",
  deepLinking: true,
  defaultModelsExpandDepth: 0,
  displayRequestDuration: true,
  persistAuthorization: false,
  validatorUrl: null,
});
"##;

const STYLE: &str = "body{font:1rem/1.5 system-ui,sans-serif;max-width:46rem;margin:2rem auto;\
    padding:0 1rem;color:#1b1b1b;background:#fff}code{background:#f0f0f0;padding:.1em .3em;\
    border-radius:3px}dt{font-weight:600;margin-top:.6rem}dd{margin:0}a{color:#0b57a4}";

/// `GET /docs`
pub(super) fn index() -> Endpoint {
    Endpoint::page("/docs", || async {
        page("text/html; charset=utf-8", INDEX)
    })
}

/// `GET /docs/assets/{file}`
pub(super) fn assets() -> Endpoint {
    Endpoint::page("/docs/assets/{file}", asset)
}

/// `GET /docs/errors`
pub(super) fn errors() -> Endpoint {
    Endpoint::page("/docs/errors", || async {
        page("text/html; charset=utf-8", all_codes())
    })
}

/// `GET /docs/errors/{code}`
pub(super) fn error() -> Endpoint {
    Endpoint::page("/docs/errors/{code}", error_page)
}

async fn asset(Path(file): Path<String>) -> Result<HttpResponse, Problem> {
    match file.as_str() {
        "start.js" => return Ok(page("text/javascript; charset=utf-8", START)),
        "errors.css" => return Ok(page("text/css; charset=utf-8", STYLE)),
        _ => {}
    }
    let config = Arc::new(utoipa_swagger_ui::Config::from("/openapi.json"));
    let file = utoipa_swagger_ui::serve(&file, config)
        .map_err(|error| Problem::internal(&error))?
        .ok_or_else(Problem::not_found)?;
    let mut response = HttpResponse::Ok();
    if file.gzpipped {
        response.insert_header((header::CONTENT_ENCODING, "gzip"));
    }
    Ok(response
        .insert_header((header::CACHE_CONTROL, "public, max-age=3600"))
        .content_type(file.content_type)
        .body(file.bytes.into_owned()))
}

async fn error_page(Path(slug): Path<String>) -> Result<HttpResponse, Problem> {
    let code = Code::from_slug(&slug).ok_or_else(Problem::not_found)?;
    Ok(page("text/html; charset=utf-8", one_code(code)))
}

fn page(kind: &'static str, body: impl Into<String>) -> HttpResponse {
    HttpResponse::Ok()
        .content_type(kind)
        .insert_header((header::CACHE_CONTROL, "public, max-age=3600"))
        .insert_header((header::CONTENT_SECURITY_POLICY, POLICY))
        .insert_header((header::REFERRER_POLICY, "no-referrer"))
        .body(body.into())
}

fn html(title: &str, main: &str) -> String {
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>{title}</title>\n<link rel=\"icon\" href=\"data:,\">\n\
         <link rel=\"stylesheet\" href=\"/docs/assets/errors.css\">\n</head>\n<body>\n\
         <main>\n{main}</main>\n</body>\n</html>\n"
    )
}

fn one_code(code: Code) -> String {
    let (name, status, title) = (code.as_str(), code.status(), code.title());
    let retry = match code.retry() {
        Retry::Never => String::from("No: sending the same request again changes nothing."),
        Retry::Later => String::from("Yes, the same request can succeed later."),
        Retry::After(seconds) => {
            format!("Yes, after the seconds in <code>Retry-After</code>, usually {seconds}.")
        }
    };
    let about = escaped(code.explanation());
    html(
        name,
        &format!(
            "<h1>{title}</h1>\n<p>{about}</p>\n<dl>\n<dt>Code</dt><dd><code>{name}</code></dd>\n\
             <dt>Status</dt><dd>{status}</dd>\n<dt>Try again?</dt><dd>{retry}</dd>\n</dl>\n\
             <p><a href=\"/docs/errors\">All error codes</a> · <a href=\"/docs\">API</a></p>\n"
        ),
    )
}

fn all_codes() -> String {
    let rows: String = Code::ALL
        .iter()
        .map(|code| {
            let (uri, name, title) = (code.type_uri(), code.as_str(), code.title());
            let status = code.status().as_u16();
            format!(
                "<dt>{status} <a href=\"{uri}\"><code>{name}</code></a></dt><dd>{title}.</dd>\n"
            )
        })
        .collect();
    html(
        "Error codes",
        &format!("<h1>Error codes</h1>\n<dl>\n{rows}</dl>\n<p><a href=\"/docs\">API</a></p>\n"),
    )
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}
