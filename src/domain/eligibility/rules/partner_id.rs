//! The partner's network id is there and is made of digits.

use super::super::case::Case;
use super::super::report::Page;

pub(super) fn check<'a>(fewest: u32, most: u32, case: &Case<'a>, page: &mut Page<'a, '_>) {
    const POINTER: &str = "/partner/mpn_id";
    let desk = &case.desk.name;
    match case.facts().partner_mpn_id() {
        Some(id) if is_well_formed(id, fewest, most) => {
            page.pass(format_args!("The partner's MPN id is given."));
        }
        Some(_) => page.fail(
            POINTER,
            format_args!(
                "An MPN id has {fewest} to {most} digits and nothing else; this one has not."
            ),
        ),
        None => page.unknown(
            POINTER,
            format_args!("Give the partner's MPN id: {desk} needs it."),
        ),
    }
}

fn is_well_formed(id: &str, fewest: u32, most: u32) -> bool {
    let digits = u32::try_from(id.len()).unwrap_or(u32::MAX);
    (fewest..=most).contains(&digits) && id.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::super::super::given::request_at;
    use super::*;

    #[test]
    fn tpd_needs_a_well_formed_id() {
        let (id, pointer) = ("tpd.partner_id", "/partner/mpn_id");
        request_at("tpd").passes(id);
        request_at("tpd")
            .partner(|it| it.mpn_id = Some(" 4567890 ".to_owned()))
            .passes(id);
        request_at("tpd")
            .partner(|it| it.mpn_id = Some("  ".to_owned()))
            .is_unknown(id, pointer);
        let given = request_at("tpd").partner(|partner| partner.mpn_id = Some("MPN-1".to_owned()));
        given.fails(id, pointer);
        assert_eq!((given.destinations().len(), given.unplaced().len()), (0, 0));
    }

    #[test]
    fn an_mpn_id_is_a_number_of_the_right_length() {
        for good in ["12345", "4567890", "1234567890"] {
            assert!(is_well_formed(good, 5, 10), "{good}");
        }
        for bad in [
            "",
            "1234",
            "12345678901",
            "45678A0",
            "456 890",
            "-567890",
            "１２３４５",
        ] {
            assert!(!is_well_formed(bad, 5, 10), "{bad}");
        }
    }
}
