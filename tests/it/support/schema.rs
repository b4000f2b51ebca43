//! As much of JSON Schema as the service's own document uses, to judge its examples by it.

use serde_json::Value;

/// What a `$ref` leads to, or the value itself.
pub fn resolved<'a>(document: &'a Value, value: &'a Value) -> &'a Value {
    match value["$ref"].as_str() {
        Some(place) => {
            let pointer = place.strip_prefix('#').unwrap();
            resolved(document, document.pointer(pointer).expect(place))
        }
        None => value,
    }
}

/// All that keeps a value from fitting a schema, each with its JSON pointer.
pub fn faults(document: &Value, schema: &Value, value: &Value) -> Vec<String> {
    let mut found = Vec::new();
    judge(document, schema, value, "", &mut found);
    found
}

fn judge(document: &Value, schema: &Value, value: &Value, at: &str, found: &mut Vec<String>) {
    let schema = resolved(document, schema);
    let fits = |choice: &Value| faults(document, choice, value).is_empty();
    for part in schema["allOf"].as_array().into_iter().flatten() {
        judge(document, part, value, at, found);
    }
    for (choice, most) in [("oneOf", 1), ("anyOf", usize::MAX)] {
        if let Some(choices) = schema[choice].as_array() {
            let count = choices.iter().filter(|choice| fits(choice)).count();
            if count == 0 || count > most {
                found.push(format!("{at} fits {count} of its {choice}"));
            }
        }
    }
    if let Some(words) = schema["enum"].as_array()
        && !words.contains(value)
    {
        found.push(format!("{at} is {value}, not one of {words:?}"));
    }
    if !of_kind(&schema["type"], value) {
        found.push(format!("{at} is {value}, not {}", schema["type"]));
    }
    let count = |bound: &str| schema[bound].as_u64().and_then(|n| usize::try_from(n).ok());
    let mut bounded = |size: usize, least: &str, most: &str| {
        if count(least).is_some_and(|bound| size < bound)
            || count(most).is_some_and(|bound| size > bound)
        {
            found.push(format!("{at} is of size {size}, out of {least} and {most}"));
        }
    };
    match value {
        Value::String(text) => bounded(text.chars().count(), "minLength", "maxLength"),
        Value::Array(items) => {
            bounded(items.len(), "minItems", "maxItems");
            for (index, item) in items.iter().enumerate() {
                judge(
                    document,
                    &schema["items"],
                    item,
                    &format!("{at}/{index}"),
                    found,
                );
            }
        }
        Value::Number(number) => {
            let number = number.as_f64().unwrap();
            let bound = |name: &str| schema[name].as_f64();
            if bound("minimum").is_some_and(|least| number < least)
                || bound("maximum").is_some_and(|most| number > most)
            {
                found.push(format!("{at} is {number}, out of range"));
            }
        }
        Value::Object(members) => {
            bounded(members.len(), "minProperties", "maxProperties");
            for name in schema["required"].as_array().into_iter().flatten() {
                if !members.contains_key(name.as_str().unwrap()) {
                    found.push(format!("{at} lacks {name}"));
                }
            }
            for (name, member) in members {
                let at = format!("{at}/{name}");
                match (&schema["properties"][name], &schema["additionalProperties"]) {
                    (Value::Null, Value::Bool(false)) => found.push(format!("{at} is unknown")),
                    (Value::Null, others @ Value::Object(_)) => {
                        judge(document, others, member, &at, found);
                    }
                    (Value::Null, _) => {}
                    (known, _) => judge(document, known, member, &at, found),
                }
            }
        }
        Value::Null | Value::Bool(_) => {}
    }
}

fn of_kind(kinds: &Value, value: &Value) -> bool {
    let is = |kind: &Value| match kind.as_str().unwrap() {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        other => panic!("{other} is no type"),
    };
    match kinds {
        Value::Null => true,
        Value::Array(kinds) => kinds.iter().any(is),
        kind => is(kind),
    }
}

#[test]
fn faults_of_every_kind_are_found() {
    let document = serde_json::json!({ "$defs": { "Word": { "type": "string", "maxLength": 3 } } });
    let schema = serde_json::json!({
        "type": "object", "required": ["word"], "additionalProperties": false,
        "properties": {
            "word": { "$ref": "#/$defs/Word" },
            "words": { "type": "array", "maxItems": 1, "items": { "enum": ["a"] } },
            "hours": { "type": ["number", "null"], "minimum": 1 },
            "one": { "oneOf": [{ "type": "string" }, { "enum": ["x"] }] },
        },
    });
    let good = serde_json::json!({ "word": "abc", "words": ["a"], "hours": null, "one": "y" });
    assert_eq!(faults(&document, &schema, &good), [""; 0]);
    for bad in [
        serde_json::json!({}),
        serde_json::json!({ "word": "abcd" }),
        serde_json::json!({ "word": 1 }),
        serde_json::json!({ "word": "a", "words": ["a", "a"] }),
        serde_json::json!({ "word": "a", "words": ["b"] }),
        serde_json::json!({ "word": "a", "hours": 0.5 }),
        serde_json::json!({ "word": "a", "one": "x" }),
        serde_json::json!({ "word": "a", "other": 1 }),
        serde_json::json!([]),
    ] {
        assert_eq!(faults(&document, &schema, &bad).len(), 1, "{bad}");
    }
}
