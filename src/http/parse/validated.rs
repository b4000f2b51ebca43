//! What `validator` found, as faults with JSON pointers and sentences.
//!
//! `validator` names members as Rust does, so a member's Rust name has to be its name in JSON; only
//! the `r#` of a keyword is taken off. A custom rule may add the parameter `member` to point at an
//! entry of the map or list it judges.

use serde_json::Value;
use validator::{ValidationError, ValidationErrors, ValidationErrorsKind};

use super::faults::Faults;
use super::pointer::member;
use crate::http::problem::Fault;

/// Adds everything that was found.
pub fn collect(errors: &ValidationErrors, faults: &mut Faults) {
    walk(errors, "", faults);
}

fn walk(errors: &ValidationErrors, at: &str, faults: &mut Faults) {
    for (name, kind) in errors.errors() {
        let pointer = match name.as_ref() {
            "__all__" => at.to_owned(),
            name => member(at, name.strip_prefix("r#").unwrap_or(name)),
        };
        match kind {
            ValidationErrorsKind::Struct(inner) => walk(inner, &pointer, faults),
            ValidationErrorsKind::List(items) => {
                for (index, inner) in items {
                    walk(inner, &format!("{pointer}/{index}"), faults);
                }
            }
            ValidationErrorsKind::Field(errors) => {
                for error in errors {
                    faults.push(fault(error, &pointer));
                }
            }
        }
    }
}

fn fault(error: &ValidationError, at: &str) -> Fault {
    let pointer = match error.params.get("member") {
        Some(Value::String(name)) => member(at, name),
        Some(Value::Number(index)) => format!("{at}/{index}"),
        _ => at.to_owned(),
    };
    let (code, sentence) = words(error);
    let message = error.message.as_ref().map_or(sentence, ToString::to_string);
    Fault::at(pointer, code, message)
}

fn words(error: &ValidationError) -> (String, String) {
    let number = |name: &str| error.params.get(name).and_then(Value::as_f64);
    let (code, sentence) = match error.code.as_ref() {
        "length" => ("LENGTH", length(error)),
        "range" => ("RANGE", range(number)),
        "email" => ("FORMAT", "must be an e-mail address".into()),
        "url" => ("FORMAT", "must be an absolute URL".into()),
        "regex" => ("FORMAT", "does not have the expected form".into()),
        "required" => ("REQUIRED", "is required".into()),
        "must_match" => ("MISMATCH", "does not match its counterpart".into()),
        "non_control_character" => ("FORMAT", "must not have control characters".into()),
        custom => {
            let code = custom.to_ascii_uppercase().replace('-', "_");
            return (code, String::from("is not acceptable"));
        }
    };
    (code.to_owned(), sentence)
}

fn length(error: &ValidationError) -> String {
    let bound = |name: &str| error.params.get(name).and_then(Value::as_u64);
    let unit = match error.params.get("value") {
        Some(Value::Array(_)) => "items",
        Some(Value::Object(_)) => "entries",
        _ => "characters",
    };
    match (bound("equal"), bound("min"), bound("max")) {
        (Some(equal), _, _) => format!("must have exactly {equal} {unit}"),
        (None, Some(1), None) => String::from("must not be empty"),
        (None, Some(min), Some(max)) => format!("must have {min} to {max} {unit}"),
        (None, Some(min), None) => format!("must have at least {min} {unit}"),
        (None, None, Some(max)) => format!("must have at most {max} {unit}"),
        (None, None, None) => String::from("has the wrong length"),
    }
}

fn range(number: impl Fn(&str) -> Option<f64>) -> String {
    let low = number("min").map(|min| format!("at least {min}"));
    let above = number("exclusive_min").map(|min| format!("more than {min}"));
    let high = number("max").map(|max| format!("at most {max}"));
    let below = number("exclusive_max").map(|max| format!("less than {max}"));
    match (low.or(above), high.or(below)) {
        (Some(low), Some(high)) => format!("must be {low} and {high}"),
        (Some(bound), None) | (None, Some(bound)) => format!("must be {bound}"),
        (None, None) => String::from("is out of range"),
    }
}
