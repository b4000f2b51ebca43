use std::collections::BTreeMap;

use chrono::NaiveDate;
use serde::Deserialize;
use uuid::Uuid;
use validator::{Validate, ValidationError};

use super::*;
use crate::domain::facts::{Facts, Motion};
use crate::http::codes::Code;
use crate::http::problem::Place;

#[derive(Debug, PartialEq, Deserialize, Validate)]
struct Order {
    #[validate(length(min = 1, max = 5))]
    name: String,
    motion: Motion,
    #[validate(range(min = 0.5, max = 100.0))]
    hours: Option<f64>,
    count: Option<u8>,
    due: NaiveDate,
    id: Option<Uuid>,
    #[serde(default)]
    #[validate(nested)]
    lines: Vec<Line>,
    #[validate(nested)]
    place: Option<Venue>,
    #[serde(default)]
    #[validate(custom(function = labels))]
    labels: BTreeMap<String, String>,
    #[serde(rename = "type", default)]
    r#type: Option<String>,
}

#[derive(Debug, PartialEq, Deserialize, Validate)]
struct Line {
    #[validate(range(min = 1))]
    quantity: u32,
    flag: Option<bool>,
}

#[derive(Debug, PartialEq, Deserialize, Validate)]
struct Venue {
    #[validate(length(max = 3))]
    city: Option<String>,
}

fn labels(labels: &BTreeMap<String, String>) -> Result<(), ValidationError> {
    for (name, value) in labels {
        if value.len() > 3 {
            let mut error = ValidationError::new("too_long").with_message("is too long".into());
            error.add_param("member".into(), name);
            return Err(error);
        }
    }
    Ok(())
}

/// The code of the answer, then one line for each fault.
fn refusal(text: &str) -> String {
    refusal_of(body::<Order>(text.as_bytes()).unwrap_err())
}

fn refusal_of(problem: Problem) -> String {
    let mut lines = vec![problem.code().as_str().to_owned()];
    for fault in problem.listed_faults() {
        let Place::Pointer(pointer) = &fault.place else {
            panic!("not a pointer: {fault:?}")
        };
        lines.push(format!("{pointer} {} {}", fault.code, fault.message));
    }
    lines.join("\n")
}

fn detail(bytes: &[u8]) -> String {
    let problem = body::<Order>(bytes).unwrap_err();
    assert_eq!(problem.code(), Code::MalformedJson);
    problem.document();
    problem.to_string()
}

const GOOD: &str = r#"{"name":"a","motion":"sell_with","due":"2027-01-15"}"#;

#[test]
fn a_body_without_faults_is_read() {
    let order: Order = body(GOOD.as_bytes()).unwrap();
    assert_eq!(order.name, "a");
    assert_eq!(order.motion, Motion::SellWith);
    assert!(order.lines.is_empty());
}

#[test]
fn null_for_an_optional_member_is_absent() {
    let order: Order = body(
        br#"{"name":"a","motion":"sell_with","due":"2027-01-15","hours":null,"lines":null,"labels":null,"place":null}"#,
    )
    .unwrap();
    assert_eq!(order, body(GOOD.as_bytes()).unwrap());
}

#[test]
fn null_for_a_required_member_is_missing() {
    let text = r#"{"name":null,"motion":null,"due":null}"#;
    assert_eq!(
        refusal(text),
        "VALIDATION_FAILED\n/due REQUIRED is required\n/motion REQUIRED is required\n/name REQUIRED is required"
    );
}

#[test]
fn null_in_an_array_or_a_map_is_a_fault() {
    let text = r#"{"name":"a","motion":"sell_with","due":"2027-01-15","lines":[null],"labels":{"x":null}}"#;
    assert_eq!(
        refusal(text),
        "VALIDATION_FAILED\n/labels/x WRONG_TYPE must be a string\n/lines/0 WRONG_TYPE must be an object"
    );
}

#[test]
fn every_fault_is_named_at_once_in_our_own_words() {
    let text = r#"{
        "name": "too long", "motion": "sell", "hours": "3", "count": 300, "due": "tomorrow", "id": "7",
        "lines": [{"quantity": 0}, {"quantity": 1.5, "flag": "yes"}, 7, {"quanttiy": 1}],
        "place": {"city": "Zurich"}, "labels": {"a/b": "long"}, "hors": 1
    }"#;
    assert_eq!(
        refusal(text),
        "UNKNOWN_FIELD
/count RANGE must be a whole number from 0 to 255
/due FORMAT must be a date, such as 2027-01-15
/hors UNKNOWN_FIELD is not known here; did you mean hours?
/hours WRONG_TYPE must be a number
/id FORMAT must be a UUID, such as 01998a52-8e4b-7c31-9d7e-3b1f0a6c2d44
/labels/a~1b TOO_LONG is too long
/lines/0/quantity RANGE must be at least 1
/lines/1/flag WRONG_TYPE must be true or false
/lines/1/quantity WRONG_TYPE must be a whole number
/lines/2 WRONG_TYPE must be an object
/lines/3/quantity REQUIRED is required
/lines/3/quanttiy UNKNOWN_FIELD is not known here; did you mean quantity?
/motion UNKNOWN_WORD must be one of sell_with, build_with
/name LENGTH must have 1 to 5 characters
/place/city LENGTH must have at most 3 characters"
    );
}

#[test]
fn an_unknown_member_is_named_though_the_type_does_not_deny_it() {
    #[derive(Debug, Deserialize, Validate)]
    struct Wrapped {
        #[serde(rename = "facts")]
        _facts: Facts,
    }
    let text = br#"{"facts":{"partner":{"mpnid":"1"},"estimated_hour":3}}"#;
    assert_eq!(
        refusal_of(body::<Wrapped>(text).unwrap_err()),
        "UNKNOWN_FIELD
/facts/estimated_hour UNKNOWN_FIELD is not known here; did you mean estimated_hours?
/facts/partner/mpnid UNKNOWN_FIELD is not known here; did you mean mpn_id?"
    );
}

#[test]
fn faults_of_the_caller_come_with_the_others_but_never_about_a_stand_in() {
    let text = br#"{"name":"bad","motion":7,"due":"2027-01-15"}"#;
    let problem = json::<Order>(text)
        .unwrap()
        .check(|order, faults| {
            if order.name == "bad" {
                faults.at("/name", "UNKNOWN_NAME", "is not in the catalogue");
            }
            faults.at("/motion", "UNKNOWN_MOTION", "is not offered");
        })
        .into_result()
        .unwrap_err();
    assert_eq!(
        refusal_of(problem),
        "VALIDATION_FAILED
/motion UNKNOWN_WORD must be one of sell_with, build_with
/name UNKNOWN_NAME is not in the catalogue"
    );
}

#[test]
fn a_body_that_is_no_object_is_told_so_once() {
    for text in ["[]", "null", "7", "\"x\"", "true"] {
        assert_eq!(
            refusal(text),
            "VALIDATION_FAILED\n WRONG_TYPE must be an object",
            "{text}"
        );
    }
}

#[test]
fn a_whole_number_may_be_written_with_a_fraction_of_zero() {
    let order: Order =
        body(br#"{"name":"a","motion":"sell_with","due":"2027-01-15","count":2.0}"#).unwrap();
    assert_eq!(order.count, Some(2));
}

#[test]
fn nul_characters_are_faults_in_strings_and_in_names() {
    let text =
        r#"{"name":"a\u0000","motion":"sell_with","due":"2027-01-15","labels":{"a\u0000":"b"}}"#;
    assert_eq!(
        refusal(text),
        "VALIDATION_FAILED
/labels/a\0 NUL_CHARACTER has a NUL character in its name
/name NUL_CHARACTER must not have a NUL character"
    );
}

#[test]
fn malformed_json_is_placed_by_line_and_column() {
    let cases: [(&[u8], &str); 12] = [
        (b"", "The body is empty"),
        (b"  \n", "The body is empty"),
        (b"{\"name\":\n  }", "a value is expected (line 2, column 3)"),
        (
            b"{\"a\":1",
            "it ends before it is complete (line 1, column 6)",
        ),
        (b"{\"a\":1,}", "a comma too many"),
        (b"{\"a\":1} x", "something follows after its end"),
        (
            b"{'a':1}",
            "a member name must be a string in double quotes",
        ),
        (b"{\"a\":1e999}", "a number is too large"),
        (b"{\"a\":\"\\ud800\"}", "half of a surrogate pair"),
        (b"{\"a\":\"\\ud800x\"}", "half of a surrogate pair"),
        (b"{\"a\":\"\\q\"}", "an escape that JSON does not know"),
        (b"{\"a\":\"\xff\"}", "not UTF-8 at byte 6"),
    ];
    for (bytes, words) in cases {
        let detail = detail(bytes);
        assert!(
            detail.contains(words),
            "{}: {detail}",
            String::from_utf8_lossy(bytes)
        );
    }
}

#[test]
fn a_member_given_twice_is_malformed_and_named() {
    let problem = body::<Order>(br#"{"lines":[{"quantity":1,"quantity":2}]}"#).unwrap_err();
    assert_eq!(
        refusal_of(problem),
        "MALFORMED_JSON\n/lines/0/quantity DUPLICATE_MEMBER is given more than once"
    );
}

#[test]
fn nesting_beyond_32_levels_is_refused_cleanly() {
    let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    assert!(tree::read(nested(32).as_bytes()).is_ok());
    for depth in [33, 200, 100_000] {
        assert!(
            detail(nested(depth).as_bytes()).contains("nested deeper than 32"),
            "{depth}"
        );
    }
}

#[test]
fn many_faults_end_in_a_bounded_answer() {
    let members: Vec<String> = (0..2_000).map(|n| format!("\"x{n}\":1")).collect();
    let problem = body::<Order>(format!("{{{}}}", members.join(",")).as_bytes()).unwrap_err();
    assert_eq!(problem.code(), Code::UnknownField);
    assert!(problem.listed_faults().len() <= 60);
}

#[test]
fn a_merge_patch_changes_what_it_names_and_finds_misspelt_members_even_as_null() {
    #[derive(Debug, Default, Deserialize, serde::Serialize, Validate)]
    #[serde(default)]
    struct Draft {
        #[validate(length(max = 5))]
        title: Option<String>,
        hours: Option<f64>,
    }
    let base = Draft {
        title: Some("old".to_owned()),
        hours: Some(2.0),
    };
    let patched = |patch: &[u8]| merge_patch(&base, patch).unwrap().into_result();
    let draft = patched(br#"{"title":null}"#).unwrap();
    assert_eq!((draft.title, draft.hours), (None, Some(2.0)));
    assert_eq!(
        refusal_of(patched(br#"{"titel":null,"title":"too long"}"#).unwrap_err()),
        "UNKNOWN_FIELD
/titel UNKNOWN_FIELD is not known here; did you mean title?
/title LENGTH must have at most 5 characters"
    );
}

#[test]
fn a_type_may_refuse_in_its_own_words_and_no_others_get_out() {
    #[derive(Debug, Deserialize)]
    #[serde(try_from = "String")]
    struct Even(String);

    impl TryFrom<String> for Even {
        type Error = &'static str;

        fn try_from(text: String) -> Result<Self, Self::Error> {
            match text.len() {
                length if length % 2 == 0 => Ok(Self(text)),
                1 => Err("must have an even number of letters"),
                _ => Err("internal: Even::try_from"),
            }
        }
    }

    #[derive(Debug, Deserialize, Validate)]
    struct Pair {
        one: Even,
        other: Even,
    }
    let pair: Pair = body(br#"{"one":"ab","other":""}"#).unwrap();
    assert_eq!((pair.one.0.as_str(), pair.other.0.as_str()), ("ab", ""));
    assert_eq!(
        refusal_of(body::<Pair>(br#"{"one":"a","other":"abc"}"#).unwrap_err()),
        "VALIDATION_FAILED
/one FORMAT must have an even number of letters
/other FORMAT does not have the expected form"
    );
}

#[test]
fn types_that_no_stand_in_satisfies_end_in_an_answer_all_the_same() {
    #[derive(Debug, Deserialize)]
    #[serde(try_from = "u8")]
    struct Never;

    impl TryFrom<u8> for Never {
        type Error = &'static str;

        fn try_from(_: u8) -> Result<Self, Self::Error> {
            Err("must not be")
        }
    }

    #[derive(Debug, Deserialize, Validate)]
    struct Hopeless {
        #[serde(rename = "never")]
        _never: Never,
        #[serde(rename = "deep")]
        _deep: Vec<(Never, Never)>,
    }
    let text = br#"{"never":1,"deep":[[1,2],[3,4]],"more":1}"#;
    let problem = body::<Hopeless>(text).unwrap_err();
    assert_eq!(problem.code(), Code::UnknownField);
    assert!(!problem.listed_faults().is_empty());
}

#[test]
fn any_number_of_nulls_counts_as_absent() {
    #[derive(Debug, Deserialize, Validate)]
    struct Item {
        #[serde(default)]
        flag: bool,
    }
    #[derive(Debug, Deserialize, Validate)]
    struct Items {
        items: Vec<Item>,
    }
    let text = format!(r#"{{"items":[{}]}}"#, [r#"{"flag":null}"#; 3_000].join(","));
    let items: Items = body(text.as_bytes()).unwrap();
    assert_eq!(items.items.iter().filter(|item| !item.flag).count(), 3_000);
}

#[test]
fn names_that_clients_make_up_are_sent_back_only_so_far() {
    let text = format!(r#"{{"{}":1}}"#, "ü".repeat(20_000));
    let problem = body::<Order>(text.as_bytes()).unwrap_err();
    let document = serde_json::to_string(&problem.document()).unwrap();
    assert!(document.len() < 2_000, "{}", document.len());

    let text = format!("[{}]", vec![r#""\u0000""#; 5_000].join(","));
    let problem = body::<Order>(text.as_bytes()).unwrap_err();
    let document = serde_json::to_value(problem.document()).unwrap();
    assert_eq!(document["errors"].as_array().unwrap().len(), 200);
}

mod properties {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    #[derive(Debug, PartialEq, Deserialize, Validate)]
    #[serde(deny_unknown_fields)]
    struct Form {
        #[validate(length(max = 3))]
        name: String,
        motion: Option<Motion>,
        count: Option<u8>,
        hours: Option<f64>,
        due: Option<NaiveDate>,
        #[validate(nested)]
        line: Option<Line>,
        #[serde(default)]
        labels: BTreeMap<String, String>,
        #[serde(default)]
        tags: Vec<String>,
    }

    fn some_value() -> impl Strategy<Value = Value> {
        let scalars = prop::sample::select(vec![
            json!("ab"),
            json!("abcd"),
            json!("sell_with"),
            json!("2027-01-15"),
            json!(1),
            json!(300),
            json!(-1),
            json!(1.5),
            json!(true),
            json!([]),
            json!({}),
        ]);
        scalars.prop_recursive(3, 20, 4, |inner| {
            let names = prop::sample::select(vec!["name", "quantity", "flag", "line", "a/b", ""]);
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map(names, inner, 0..4).prop_map(|map| json!(map)),
            ]
        })
    }

    fn some_form() -> impl Strategy<Value = Value> {
        let names = prop::sample::select(vec![
            "name", "motion", "count", "hours", "due", "line", "labels", "tags", "nam",
        ]);
        prop::collection::btree_map(names, some_value(), 0..6).prop_map(|map| json!(map))
    }

    proptest! {
        #[test]
        fn what_is_read_and_what_is_refused_agrees_with_serde(form in some_form()) {
            let text = form.to_string();
            let by_serde = serde_json::from_str::<Form>(&text)
                .ok()
                .filter(|form| form.validate().is_ok());
            match body::<Form>(text.as_bytes()) {
                Ok(read) => prop_assert_eq!(Some(read), by_serde),
                Err(problem) => {
                    prop_assert_eq!(None, by_serde);
                    prop_assert!(!problem.listed_faults().is_empty());
                }
            }
        }

        #[test]
        fn every_fault_points_into_the_body_or_at_what_it_lacks(form in some_form()) {
            let Err(problem) = body::<Form>(form.to_string().as_bytes()) else { return Ok(()) };
            for fault in problem.listed_faults() {
                let Place::Pointer(pointer) = &fault.place else { panic!("{fault:?}") };
                let missing = fault.code == "REQUIRED";
                prop_assert_eq!(form.pointer(pointer).is_none(), missing, "{:?}", fault);
            }
        }

        #[test]
        fn no_bytes_whatever_upset_the_reader(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = body::<Form>(&bytes);
        }

        #[test]
        fn no_text_that_looks_like_json_upsets_the_reader(text in r#"[\[\]{}:,"\\a0-9.eE+\-u ]{0,60}"#) {
            let ours = body::<Anything>(text.as_bytes());
            if ours.is_ok() {
                prop_assert!(serde_json::from_str::<Value>(&text).is_ok());
            }
        }
    }

    #[derive(Debug, Deserialize)]
    struct Anything(#[expect(dead_code, reason = "only whether it is read counts")] Value);

    impl Validate for Anything {
        fn validate(&self) -> Result<(), validator::ValidationErrors> {
            Ok(())
        }
    }
}

#[test]
fn a_date_has_the_form_the_document_says() {
    #[derive(Debug, Deserialize, Validate)]
    struct Days {
        day: Option<NaiveDate>,
        time: Option<chrono::DateTime<chrono::Utc>>,
        text: Option<String>,
    }
    let good = br#"{"day": "2027-01-15", "time": "2027-01-15T09:30:00+01:00", "text": "2027-1-5"}"#;
    let read = body::<Days>(good).unwrap();
    assert!(read.day.is_some() && read.time.is_some() && read.text.is_some());
    for (text, fault) in [
        (r#"{"day": "2027-1-15"}"#, "/day"),
        (r#"{"day": " 2027-01-15"}"#, "/day"),
        (r#"{"day": "+2027-01-15"}"#, "/day"),
        (r#"{"time": "2027-01-15 09:30:00Z"}"#, "/time"),
        (r#"{"time": "2027-01-15T09:30:00"}"#, "/time"),
    ] {
        let problem = body::<Days>(text.as_bytes()).unwrap_err();
        let [only] = problem.listed_faults() else {
            panic!("{text}: {problem:?}")
        };
        assert_eq!(only.place, Place::Pointer(fault.to_owned()), "{text}");
        assert_eq!(only.code, "FORMAT");
        assert!(
            only.message.starts_with("must be a date"),
            "{}",
            only.message
        );
    }
}
