//! No request for the same customer and service is open.

use super::super::case::Case;
use super::super::history::EarlierRequest;
use super::super::report::Page;
use super::Listed;

pub(super) fn check<'a>(case: &Case<'a>, page: &mut Page<'a, '_>) {
    let same = |earlier: &&EarlierRequest| earlier.open && case.service == Some(&earlier.service);
    let similar = || {
        case.reading
            .question
            .history
            .same_customer
            .iter()
            .filter(same)
    };
    if similar().next().is_some() {
        let references = Listed(similar().map(|earlier| earlier.reference.as_str()));
        page.warn(
            "/customer",
            format_args!("The same service is open for the same customer already: {references}."),
        );
    } else {
        page.pass(format_args!("Nothing similar is open for this customer."));
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::given::{earlier, request_at};
    use super::EarlierRequest;

    #[test]
    fn an_open_request_for_the_same_service_is_named() {
        let given = request_at("pad");
        let given = given.after(vec![earlier(
            "PAD-2026-000007",
            "pad",
            "architecture_design_session",
            8.0,
        )]);
        given.warns("pad.similar_open", "/customer");
        assert!(
            given
                .rule("pad.similar_open")
                .message
                .contains("PAD-2026-000007")
        );
    }

    #[test]
    fn a_closed_one_or_one_for_another_service_is_not() {
        let same = || earlier("A", "pad", "architecture_design_session", 8.0);
        let closed = EarlierRequest {
            open: false,
            ..same()
        };
        let other = EarlierRequest {
            service: "technical_briefing".to_owned(),
            ..same()
        };
        request_at("pad")
            .after(vec![closed, other])
            .passes("pad.similar_open");
    }

    #[test]
    fn many_are_counted_instead_of_listed() {
        let many = (0..9).map(|nth| {
            earlier(
                &format!("R{nth}"),
                "pad",
                "architecture_design_session",
                1.0,
            )
        });
        let message = request_at("pad")
            .after(many.collect())
            .rule("pad.similar_open")
            .message;
        assert!(
            message.contains("R4 and 4 more") && !message.contains("R5"),
            "{message}"
        );
    }
}
