//! No request for the same customer and service is open.

use super::super::case::Case;
use super::super::history::EarlierRequest;
use super::super::report::Page;

pub(super) fn check<'a>(case: &Case<'a>, page: &mut Page<'a, '_>) {
    let same = |earlier: &&EarlierRequest| earlier.open && case.service == Some(&earlier.service);
    let history = case.reading.question.history;
    // They are counted, not named: whoever asks may not see them.
    match history.same_customer.iter().filter(same).count() {
        0 => page.pass(format_args!("Nothing similar is open for this customer.")),
        1 => page.warn(
            "/customer",
            format_args!(
                "A request for the same service is open for this customer already; ask the desk whether \
                 it covers this one."
            ),
        ),
        several => page.warn(
            "/customer",
            format_args!(
                "{several} requests for the same service are open for this customer already; ask the \
                 desk whether one of them covers this one."
            ),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::given::{earlier, request_at};
    use super::EarlierRequest;

    #[test]
    fn an_open_request_for_the_same_service_is_told_of_and_not_named() {
        let given = request_at("pad");
        let given = given.after(vec![earlier(
            "PAD-2026-000007",
            "pad",
            "architecture_design_session",
            8.0,
        )]);
        given.warns("pad.similar_open", "/customer");
        let message = given.rule("pad.similar_open").message;
        assert!(!message.contains("PAD-2026"), "{message}");
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
    fn several_are_counted() {
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
        assert!(message.starts_with("9 requests"), "{message}");
    }
}
