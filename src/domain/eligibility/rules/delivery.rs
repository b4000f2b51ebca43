//! The help is given in a way the desk offers.

use super::super::case::Case;
use super::super::report::Page;
use super::Either;
use crate::domain::facts::Delivery;

pub(super) fn check<'a>(allowed: &'a [Delivery], case: &Case<'a>, page: &mut Page<'a, '_>) {
    let (desk, catalogue) = (&case.desk.name, case.catalogue());
    let name = |delivery: &Delivery| catalogue.label(*delivery);
    let offered = Either(allowed, &name);
    match &case.facts().delivery {
        Some(delivery) if allowed.contains(delivery) => {
            page.pass(format_args!("{desk} works {}.", name(delivery)));
        }
        Some(delivery) => page.fail(
            "/delivery",
            format_args!(
                "{desk} works {offered} only, and this is {}.",
                name(delivery)
            ),
        ),
        None => page.unknown(
            "/delivery",
            format_args!("Say how the help is to be given: {desk} works {offered}."),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::given::request_at;
    use super::*;

    #[test]
    fn tpd_works_remotely() {
        request_at("tpd").passes("tpd.delivery");
        request_at("tpd")
            .with(|facts| facts.delivery = None)
            .is_unknown("tpd.delivery", "/delivery");
    }

    #[test]
    fn work_on_site_is_refused_at_tpd_and_has_no_place() {
        let given = request_at("tpd").with(|facts| facts.delivery = Some(Delivery::OnSite));
        given.fails("tpd.delivery", "/delivery");
        assert_eq!(given.destinations(), [""; 0]);
        assert_eq!(given.unplaced(), ["tpd.delivery"]);
    }
}
