//! Bodies read and written.

use divan::{Bencher, black_box};
use engagement_desk::domain::lifecycle::State;
use engagement_desk::domain::rights::Projection;
use engagement_desk::http::parse;
use engagement_desk::http::requests::body::CreateBody;
use engagement_desk::http::requests::list::SummaryView;
use engagement_desk::http::requests::view::RequestView;
use engagement_desk::store::requests::Summary;
use uuid::Uuid;

use super::given;

/// Lines of a page unless a client asks for another number.
const PAGE: u128 = 50;

#[divan::bench]
fn create_body_read(bencher: Bencher<'_, '_>) {
    let body = given::body("pad").into_bytes();
    assert!(parse::body::<CreateBody>(&body).is_ok());
    bencher.bench_local(|| parse::body::<CreateBody>(black_box(&body)));
}

#[divan::bench]
fn request_written(bencher: Bencher<'_, '_>) {
    let (request, member) = (given::request(), given::member());
    bencher.bench_local(|| {
        let view = RequestView::new(black_box(&request).clone(), &member, given::now());
        serde_json::to_vec(&view)
    });
}

#[divan::bench]
fn page_written(bencher: Bencher<'_, '_>) {
    let page: Vec<Summary> = (0..PAGE).map(summary).collect();
    bencher.bench_local(|| {
        let views: Vec<SummaryView> = black_box(&page)
            .iter()
            .map(|line| SummaryView::new(line.clone(), Projection::Public))
            .collect();
        serde_json::to_vec(&views)
    });
}

fn summary(number: u128) -> Summary {
    let text = |text: &str| Some(text.to_owned());
    Summary {
        id: Uuid::from_u128(number),
        reference: format!("PAD-2026-{number:06}"),
        desk: text("pad"),
        state: State::InReview,
        version: 2,
        service: text("architecture_design_session"),
        title: text("Landing zone for a retail bank"),
        priority: text("normal"),
        needed_by: text("2030-01-15"),
        partner_mpn_id: text("4567890"),
        partner_name: text("Contoso Consulting"),
        customer_name: text("Fabrikam Bank"),
        requester_name: text("Paula Marsh"),
        assignee: text("Ada Archer"),
        created_at: given::now(),
        updated_at: given::now(),
        state_since: given::now(),
    }
}
