//! Query strings, as strictly as bodies.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};
use serde::de::DeserializeOwned;
use validator::Validate;

use super::codes::Code;
use super::parse::{Faults, Notation, Tree, typed, validate};
use super::problem::{Fault, Place, Problem};

/// The query parameters as a struct. Parameters that it doesn't have are refused; only those that
/// are lists in it may be repeated.
#[derive(Debug)]
pub struct Query<T>(pub T);

impl<T: DeserializeOwned + Validate> FromRequest for Query<T> {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(read(request.query_string()).map(Self))
    }
}

/// Reads a query string.
pub fn read<T: DeserializeOwned + Validate>(text: &str) -> Result<T, Problem> {
    let (members, mut list) = pairs(text);
    let read = typed::<T>(Tree::Object(members), Notation::Text);
    list.extend(read.faults.into_iter().map(of_parameter));

    let rank = |fault: &Fault| match fault.code.as_ref() {
        "UNKNOWN_PARAMETER" => 0,
        "RANGE" => 2,
        _ => 1,
    };
    let unreadable = list.iter().map(rank).min();
    let mut checked = Faults::new();
    validate(read.value.as_ref(), &mut checked);
    if list.is_empty() && checked.is_empty() {
        return checked.into_result(read.value);
    }
    if let Err(problem) = checked.into_result(Some(())) {
        let known: Vec<Place> = list.iter().map(|fault| fault.place.clone()).collect();
        let more = problem.listed_faults().iter().cloned().map(of_parameter);
        list.extend(more.filter(|fault| !known.contains(&fault.place)));
    }
    let (code, detail) = match unreadable {
        Some(0) => (
            Code::UnknownParameter,
            "The query string has a parameter that is not known.",
        ),
        Some(1) => (Code::InvalidParameter, "A query parameter cannot be read."),
        _ => (
            Code::ValidationFailed,
            "A query parameter has a value that is not acceptable.",
        ),
    };
    Err(Problem::new(code).detail(detail).faults(list))
}

/// Refuses any parameter: for operations that document none.
pub(super) fn refuse_any(text: &str) -> Result<(), Problem> {
    let (members, mut faults) = pairs(text);
    faults.extend(members.iter().map(|(name, _)| {
        Fault::in_parameter(name.clone(), "UNKNOWN_PARAMETER", "is not known here")
    }));
    if faults.is_empty() {
        return Ok(());
    }
    Err(Problem::new(Code::UnknownParameter)
        .detail("This operation takes no query parameters.")
        .faults(faults))
}

/// A fault of a member as a fault of the parameter it came from.
fn of_parameter(fault: Fault) -> Fault {
    let Fault {
        place,
        code,
        message,
    } = fault;
    let Place::Pointer(pointer) = place else {
        return Fault {
            place,
            code,
            message,
        };
    };
    let first = pointer.split('/').nth(1).unwrap_or_default();
    let name = first.replace("~1", "/").replace("~0", "~");
    let code = if code == "UNKNOWN_FIELD" {
        "UNKNOWN_PARAMETER".into()
    } else {
        code
    };
    Fault {
        place: Place::Parameter(name),
        code,
        message,
    }
}

/// Every parameter with all its values, and those that can't be decoded as faults.
fn pairs(text: &str) -> (Vec<(String, Tree)>, Vec<Fault>) {
    let mut members: Vec<(String, Tree)> = Vec::new();
    let mut faults = Vec::new();
    for pair in text.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let Some(name) = decode(name) else {
            let message = "has a name that is not percent-encoded UTF-8 or has a NUL character";
            faults.push(Fault::in_parameter(
                name.escape_default().to_string(),
                "ENCODING",
                message,
            ));
            continue;
        };
        let Some(value) = decode(value) else {
            let message = "must be percent-encoded UTF-8 without NUL characters";
            faults.push(Fault::in_parameter(name, "ENCODING", message));
            continue;
        };
        let value = Tree::String(value);
        match members.iter_mut().find(|(known, _)| *known == name) {
            Some((_, Tree::Array(values))) => values.push(value),
            _ => members.push((name, Tree::Array(vec![value]))),
        }
    }
    (members, faults)
}

/// Undoes percent-encoding, `+` being a blank.
fn decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let mut digit = || char::from(rest.next()?).to_digit(16);
                u8::try_from(digit()? * 16 + digit()?).ok()?
            }
            byte => byte,
        });
    }
    String::from_utf8(bytes)
        .ok()
        .filter(|text| !text.contains('\0'))
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, PartialEq, Deserialize, Validate)]
    struct Filter {
        #[serde(default)]
        state: Vec<State>,
        #[validate(range(min = 1, max = 200))]
        limit: Option<u16>,
        #[validate(length(max = 5))]
        q: Option<String>,
        mine: Option<bool>,
    }

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(rename_all = "snake_case")]
    enum State {
        Draft,
        Submitted,
    }

    fn refusal(text: &str) -> String {
        let problem = read::<Filter>(text).unwrap_err();
        let mut lines = vec![problem.code().as_str().to_owned()];
        for fault in problem.listed_faults() {
            let Place::Parameter(name) = &fault.place else {
                panic!("not a parameter: {fault:?}")
            };
            lines.push(format!("{name} {} {}", fault.code, fault.message));
        }
        lines.join("\n")
    }

    #[test]
    fn parameters_are_read_and_lists_may_be_repeated() {
        let filter: Filter =
            read("state=draft&limit=20&q=a+b%C3%BC&state=submitted&mine=true").unwrap();
        assert_eq!(filter.state, [State::Draft, State::Submitted]);
        assert_eq!(
            (filter.limit, filter.q.as_deref(), filter.mine),
            (Some(20), Some("a bü"), Some(true))
        );
        assert!(read::<Filter>("").is_ok());
    }

    #[test]
    fn an_unknown_parameter_is_named_with_the_other_faults() {
        assert_eq!(
            refusal("lmit=3&state=x&limit=0"),
            "UNKNOWN_PARAMETER
lmit UNKNOWN_PARAMETER is not known here; did you mean limit?
state UNKNOWN_WORD must be one of draft, submitted
limit RANGE must be at least 1 and at most 200"
        );
    }

    #[test]
    fn a_value_that_cannot_be_read_is_a_bad_request() {
        for (text, line) in [
            ("limit=many", "limit WRONG_TYPE must be a whole number"),
            ("limit=", "limit WRONG_TYPE must be a whole number"),
            ("limit=1&limit=2", "limit REPEATED may be given only once"),
            ("mine=yes", "mine WRONG_TYPE must be true or false"),
            (
                "q=%zz",
                "q ENCODING must be percent-encoded UTF-8 without NUL characters",
            ),
            (
                "q=%ff",
                "q ENCODING must be percent-encoded UTF-8 without NUL characters",
            ),
            (
                "q=%00",
                "q ENCODING must be percent-encoded UTF-8 without NUL characters",
            ),
            (
                "q=%",
                "q ENCODING must be percent-encoded UTF-8 without NUL characters",
            ),
        ] {
            assert_eq!(
                refusal(text),
                format!("INVALID_PARAMETER\n{line}"),
                "{text}"
            );
        }
    }

    #[test]
    fn a_number_out_of_range_is_a_failed_validation_however_large() {
        for text in [
            "limit=0",
            "limit=201",
            "limit=-1",
            "limit=99999",
            "limit=99999999999999999999999999999999999999999",
        ] {
            assert!(
                refusal(text).starts_with("VALIDATION_FAILED\nlimit RANGE"),
                "{text}"
            );
        }
        assert!(refusal("q=toolong").starts_with("VALIDATION_FAILED\nq LENGTH"));
    }

    proptest::proptest! {
        #[test]
        fn no_query_string_upsets_the_reader(text in "[a-z=&%+0-9]{0,40}|(limit|state|q|mine)=[^&]{0,10}") {
            if let Err(problem) = read::<Filter>(&text) {
                proptest::prop_assert!(!problem.listed_faults().is_empty(), "{}", text);
            }
        }
    }
}
