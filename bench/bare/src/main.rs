//! `bare PORT WORKERS`: bodies of the sizes that the service takes and gives, and nothing behind them.

use std::env::args;
use std::io;

use actix_web::http::header::ContentType;
use actix_web::web::{self, Bytes};
use actix_web::{App, HttpResponse, HttpServer};
use serde::{Deserialize, Serialize};

/// Bytes of a body that shows one request.
const OBJECT: usize = 1_600;
/// Bytes of a body that shows a page of them.
const PAGE: usize = 24_000;

/// What a body says, as far as it is read into types.
#[derive(Deserialize, Serialize)]
struct Body {
    desk: Option<String>,
    title: Option<String>,
    description: Option<String>,
    to: Option<String>,
    #[serde(flatten)]
    more: serde_json::Map<String, serde_json::Value>,
}

#[derive(Serialize)]
struct Answer {
    id: u32,
    padding: String,
}

fn fixed(size: usize) -> Bytes {
    let answer = Answer {
        id: 1,
        padding: "x".repeat(size - 22),
    };
    Bytes::from(serde_json::to_vec(&answer).unwrap_or_default())
}

fn json(body: Bytes) -> HttpResponse {
    HttpResponse::Ok()
        .content_type(ContentType::json())
        .body(body)
}

async fn write(body: Bytes, object: web::Data<Bytes>) -> HttpResponse {
    match serde_json::from_slice::<Body>(&body) {
        Ok(_) => HttpResponse::Created()
            .content_type(ContentType::json())
            .body(object.get_ref().clone()),
        Err(error) => HttpResponse::BadRequest().body(error.to_string()),
    }
}

async fn read(object: web::Data<Bytes>) -> HttpResponse {
    json(object.get_ref().clone())
}

async fn unchanged() -> HttpResponse {
    HttpResponse::NotModified()
        .insert_header(("ETag", "\"1-full\""))
        .finish()
}

#[actix_web::main]
async fn main() -> io::Result<()> {
    let mut words = args()
        .skip(1)
        .map(|word| word.parse::<u16>().map_err(io::Error::other));
    let (Some(port), Some(workers)) = (words.next(), words.next()) else {
        return Err(io::Error::other("usage: bare PORT WORKERS"));
    };
    let (port, workers) = (port?, usize::from(workers?));
    let (object, page) = (web::Data::new(fixed(OBJECT)), fixed(PAGE));
    HttpServer::new(move || {
        let page = page.clone();
        App::new()
            .app_data(object.clone())
            .route("/write", web::post().to(write))
            .route("/read", web::get().to(read))
            .route("/unchanged", web::get().to(unchanged))
            .route(
                "/page",
                web::get().to(move || std::future::ready(json(page.clone()))),
            )
    })
    .workers(workers)
    .bind(("127.0.0.1", port))?
    .run()
    .await
}
