//! The forms of days and times that the document promises: those of RFC 3339, and no other.
//!
//! The types that hold them read more than that, such as `2027-1-5` or a blank for the `T`.

/// Whether a text has the form of a `full-date` or a `date-time` of RFC 3339.
pub(super) fn is_rfc3339(text: &str) -> bool {
    let Some((date, rest)) = text.as_bytes().split_at_checked(10) else {
        return false;
    };
    fits(date, b"0000-00-00") && (rest.is_empty() || is_time(rest))
}

/// `T09:30:00.123+01:00`, or with `Z` at its end.
fn is_time(text: &[u8]) -> bool {
    let Some((time, rest)) = text.split_at_checked(9) else {
        return false;
    };
    let fraction = match rest.split_first() {
        Some((b'.', digits)) => {
            1 + digits
                .iter()
                .take_while(|byte| byte.is_ascii_digit())
                .count()
        }
        _ => 0,
    };
    let offset = rest.get(fraction..).unwrap_or_default();
    let is_offset =
        offset.eq_ignore_ascii_case(b"Z") || fits(offset, b"+00:00") || fits(offset, b"-00:00");
    fits(&time.to_ascii_uppercase(), b"T00:00:00") && fraction != 1 && is_offset
}

/// Whether a text has a digit wherever the form has one, and is the same elsewhere.
fn fits(text: &[u8], form: &[u8]) -> bool {
    let same = |(byte, wanted): (&u8, &u8)| match wanted {
        b'0' => byte.is_ascii_digit(),
        wanted => byte == wanted,
    };
    text.len() == form.len() && text.iter().zip(form).all(same)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_forms_of_rfc_3339_are_taken() {
        for text in [
            "2027-01-15",
            "2027-01-15T09:30:00Z",
            "2027-01-15t09:30:00z",
            "2027-01-15T09:30:00.5+01:00",
            "2027-01-15T09:30:00.123456789-11:30",
        ] {
            assert!(is_rfc3339(text), "{text}");
        }
        for text in [
            "",
            "2027-1-5",
            "+2027-01-15",
            "2027-01-15 ",
            "2027-01-15 09:30:00Z",
            "2027-01-15T09:30Z",
            "2027-01-15T09:30:00",
            "2027-01-15T09:30:00.Z",
            "2027-01-15T09:30:00+0100",
            "2027-01-15T09:30:00 +01:00",
            "ä027-01-15",
        ] {
            assert!(!is_rfc3339(text), "{text}");
        }
    }
}
