//! The desk offers the service.

use super::super::case::Case;
use super::super::report::Page;

pub(super) fn check<'a>(case: &Case<'a>, page: &mut Page<'a, '_>) {
    let desk = &case.desk.name;
    match (case.service, case.service_name()) {
        (Some(id), Some(name)) if case.desk.offers(id) => {
            page.pass(format_args!("{desk} offers {name}."));
        }
        (Some(_), Some(name)) => {
            page.fail("/service", format_args!("{desk} does not offer {name}."));
        }
        _ => page.unknown(
            "/service",
            format_args!("Say which service of {desk} is wanted."),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::given::request_at;

    #[test]
    fn a_service_of_the_desk_passes() {
        for desk in ["pad", "gps", "tpd"] {
            request_at(desk).passes(&format!("{desk}.service"));
        }
    }

    #[test]
    fn a_service_of_another_desk_is_refused() {
        let given = request_at("pad").with(|facts| facts.service = Some("hackathon".to_owned()));
        given.fails("pad.service", "/service");
        assert_eq!(given.unplaced(), [""; 0]);
    }

    #[test]
    fn a_service_that_nobody_knows_is_refused() {
        let given = request_at("gps").with(|facts| facts.service = Some("massage".to_owned()));
        assert!(given.rule("gps.service").message.contains("massage"));
        given.fails("gps.service", "/service");
    }

    #[test]
    fn a_missing_service_is_asked_for() {
        for service in [None, Some("  ".to_owned())] {
            request_at("pad")
                .with(|facts| facts.service = service)
                .is_unknown("pad.service", "/service");
        }
    }

    #[test]
    fn a_service_that_another_desk_takes_as_it_stands_is_sent_there() {
        let consultation = Some("technical_presales_consultation".to_owned());
        let given = request_at("pad").with(|facts| facts.service = consultation);
        given.fails("pad.service", "/service");
        assert_eq!(given.destinations(), ["tpd"]);
        assert_eq!(given.decide().recommended_desk.as_deref(), Some("tpd"));
    }
}
