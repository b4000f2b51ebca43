//! Pages for people.

use engagement_desk::http::codes::Code;

use crate::support::server::TestServer;

#[test]
fn the_documentation_needs_nothing_from_elsewhere() {
    let server = TestServer::start();
    let page = server.get("/docs");
    assert_eq!(
        page.header("content-type").as_deref(),
        Some("text/html; charset=utf-8")
    );
    assert!(!page.body.contains("http"), "{}", page.body);
    let policy = page.header("content-security-policy").unwrap();
    assert!(policy.contains("script-src 'self';"), "{policy}");
    for asset in page
        .body
        .split('"')
        .filter(|part| part.starts_with("/docs/assets/"))
    {
        let answer = server.get(asset);
        assert_eq!(answer.status, 200, "{asset}");
        assert!(!answer.body.is_empty(), "{asset}");
    }
    assert_eq!(server.get("/docs/assets/nothing.js").status, 404);
    assert_eq!(server.get("/docs/assets/..%2fCargo.toml").status, 404);
}

#[test]
fn every_error_code_has_its_page() {
    let server = TestServer::start();
    let index = server.get("/docs/errors");
    for code in Code::ALL {
        assert!(index.body.contains(&code.type_uri()), "{code:?}");
        let page = server.get(&code.type_uri());
        assert_eq!(page.status, 200, "{code:?}");
        assert!(
            page.body.contains(code.as_str()) && page.body.contains(code.title()),
            "{code:?}"
        );
    }
}

#[test]
fn the_document_is_served_with_an_etag() {
    let server = TestServer::start();
    let document = server.get("/openapi.json");
    assert_eq!(
        document.header("content-type").as_deref(),
        Some("application/json")
    );
    assert_eq!(document.json()["openapi"], "3.1.0");
    let etag = document.header("etag").unwrap();
    let again = server.send("GET", "/openapi.json", &[("If-None-Match", &etag)], "");
    assert_eq!((again.status, again.header("etag")), (304, Some(etag)));
}
