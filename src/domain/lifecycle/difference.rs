//! In what a request as it will be differs from what it was.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use crate::domain::facts::Facts;
use crate::domain::request::{Progress, Request};

/// JSON pointers of the members in which the request as it will be differs from what it was.
pub(super) fn changed_members(
    request: &Request,
    facts: &Facts,
    progress: &Progress,
) -> Vec<String> {
    let mut changed = Vec::new();
    compare(&json(&request.facts), &json(facts), "", 2, &mut changed);
    compare(
        &json(&request.progress),
        &json(progress),
        "",
        1,
        &mut changed,
    );
    changed.retain(|pointer| pointer != "/reason");
    for pointer in &mut changed {
        // Where it stands in what is shown.
        if pointer == "/approved_hours" {
            *pointer = "/hours/approved".to_owned();
        }
    }
    changed
}

fn json<T: serde::Serialize>(value: &T) -> Value {
    serde_json::to_value(value).unwrap_or(Value::Null)
}

fn compare(before: &Value, after: &Value, path: &str, depth: u8, changed: &mut Vec<String>) {
    if before == after {
        return;
    }
    match (before, after) {
        (Value::Object(before), Value::Object(after)) if depth > 0 => {
            let names: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
            for name in names {
                let (old, new) = (before.get(name), after.get(name));
                let empty = Value::Object(Map::new());
                // A member object that appears or goes is told by its own members.
                let (old, new) = match (old, new) {
                    (Some(old), Some(new)) => (old, new),
                    (None, Some(new @ Value::Object(_))) => (&empty, new),
                    (Some(old @ Value::Object(_)), None) => (old, &empty),
                    (None, Some(new)) => (&Value::Null, new),
                    (Some(old), None) => (old, &Value::Null),
                    (None, None) => continue,
                };
                let name = name.replace('~', "~0").replace('/', "~1");
                compare(old, new, &format!("{path}/{name}"), depth - 1, changed);
            }
        }
        _ => changed.push(path.to_owned()),
    }
}
