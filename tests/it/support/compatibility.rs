//! Whether clients of one OpenAPI document get on with another one.
//!
//! What clients send may be taken more freely and never more strictly; what they are answered may have
//! more members, and never less or other ones. Members and parameters that the service doesn't know are
//! refused by it, so none may go.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::schema::resolved;

/// Every way in which the new document lets clients of the old one down, each a line.
pub fn breaks(old: &Value, new: &Value) -> Vec<String> {
    let mut gate = Gate {
        old,
        new,
        seen: BTreeSet::new(),
        found: Vec::new(),
    };
    for (path, item) in members(&old["paths"]) {
        for (method, operation) in members(item) {
            let at = format!("{method} {path}");
            match new["paths"][path].get(method) {
                Some(kept) => gate.operation(&at, operation, kept),
                None => gate.say(&at, "is gone"),
            }
        }
    }
    gate.found
}

/// Which way a value travels.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Way {
    /// From the client to the service.
    Sent,
    /// From the service to the client.
    Answered,
}

struct Gate<'a> {
    old: &'a Value,
    new: &'a Value,
    /// Pairs of named schemas that were compared: they may contain themselves.
    seen: BTreeSet<String>,
    found: Vec<String>,
}

impl Gate<'_> {
    fn say(&mut self, at: &str, what: impl std::fmt::Display) {
        self.found.push(format!("{at} {what}"));
    }

    fn operation(&mut self, at: &str, old: &Value, new: &Value) {
        if old["operationId"] != new["operationId"] {
            self.say(
                at,
                "has another operationId, after which clients name their functions",
            );
        }
        let public = |operation: &Value| operation["security"] == serde_json::json!([]);
        if public(old) && !public(new) {
            self.say(at, "needs credentials now");
        }
        self.parameters(at, old, new);
        self.request_body(at, &old["requestBody"], &new["requestBody"]);
        for (status, response) in members(&old["responses"]) {
            let at = format!("{at} {status}");
            match new["responses"].get(status) {
                Some(kept) => self.response(&at, response, kept),
                None => self.say(&at, "is no longer answered"),
            }
        }
    }

    fn parameters(&mut self, at: &str, old: &Value, new: &Value) {
        let name = |parameter: &Value| {
            let part = |member: &str| {
                parameter[member]
                    .as_str()
                    .unwrap_or_default()
                    .to_lowercase()
            };
            format!("{} {}", part("in"), part("name"))
        };
        let (before, after) = (items(&old["parameters"]), items(&new["parameters"]));
        for parameter in before {
            let at = format!("{at} {}", name(parameter));
            match after.iter().find(|other| name(other) == name(parameter)) {
                None => self.say(&at, "is no longer taken"),
                Some(kept) => {
                    if kept["required"] == true && parameter["required"] != true {
                        self.say(&at, "is required now");
                    }
                    self.schema(&at, &parameter["schema"], &kept["schema"], Way::Sent);
                }
            }
        }
        for parameter in after {
            let is_new = before.iter().all(|other| name(other) != name(parameter));
            if is_new && parameter["required"] == true {
                self.say(&format!("{at} {}", name(parameter)), "is new and required");
            }
        }
    }

    fn request_body(&mut self, at: &str, old: &Value, new: &Value) {
        let at = format!("{at} body");
        match (old.is_object(), new.is_object()) {
            (true, false) => self.say(&at, "is no longer taken"),
            (_, true) if new["required"] == true && old["required"] != true => {
                self.say(&at, "is required now");
            }
            _ => {}
        }
        self.contents(&at, old, new, Way::Sent);
    }

    fn response(&mut self, at: &str, old: &Value, new: &Value) {
        for (name, _) in members(&old["headers"]) {
            if new["headers"].get(name).is_none() {
                self.say(at, format_args!("no longer has the header {name}"));
            }
        }
        self.contents(at, old, new, Way::Answered);
    }

    fn contents(&mut self, at: &str, old: &Value, new: &Value, way: Way) {
        for (media_type, content) in members(&old["content"]) {
            match new["content"].get(media_type) {
                None => self.say(at, format_args!("is no longer {media_type}")),
                Some(kept) => self.schema(at, &content["schema"], &kept["schema"], way),
            }
        }
    }

    fn schema(&mut self, at: &str, old: &Value, new: &Value, way: Way) {
        if let (Some(one), Some(other)) = (old["$ref"].as_str(), new["$ref"].as_str())
            && !self.seen.insert(format!("{way:?} {one} {other}"))
        {
            return;
        }
        let (before, after) = (choices(self.old, old), choices(self.new, new));
        if let ([one], [other]) = (before.as_slice(), after.as_slice()) {
            return self.plain(at, one, other, way);
        }
        // Of several, each that could come has to have one that it fits.
        let (coming, expected) = match way {
            Way::Sent => (&before, &after),
            Way::Answered => (&after, &before),
        };
        for (index, one) in coming.iter().enumerate() {
            let fits = expected.iter().any(|other| {
                let (one, other) = match way {
                    Way::Sent => (one, other),
                    Way::Answered => (other, one),
                };
                let mut trial = Gate {
                    old: self.old,
                    new: self.new,
                    seen: self.seen.clone(),
                    found: Vec::new(),
                };
                trial.plain(at, one, other, way);
                trial.found.is_empty()
            });
            if !fits {
                let what = match way {
                    Way::Sent => "is no longer taken",
                    Way::Answered => "was never answered before",
                };
                self.say(&format!("{at} alternative {}", index + 1), what);
            }
        }
    }

    /// Two schemas without alternatives.
    fn plain(&mut self, at: &str, old: &Value, new: &Value, way: Way) {
        self.kinds(at, old, new, way);
        self.words(at, old, new, way);
        self.limits(at, old, new, way);
        self.forms(at, old, new, way);
        self.object(at, old, new, way);
        if old["items"].is_object() || new["items"].is_object() {
            let at = format!("{at}[]");
            self.schema(&at, &old["items"], &new["items"], way);
        }
    }

    fn kinds(&mut self, at: &str, old: &Value, new: &Value, way: Way) {
        let (before, after) = (kinds(old), kinds(new));
        let (coming, expected) = match way {
            Way::Sent => (&before, &after),
            Way::Answered => (&after, &before),
        };
        if expected.is_empty() {
            return;
        }
        let stranger = coming.iter().find(|kind| {
            let widened = **kind == "integer" && expected.contains(&"number");
            !expected.contains(kind) && !widened
        });
        if coming.is_empty() || stranger.is_some() {
            self.say(at, format_args!("was {before:?} and is {after:?}"));
        }
    }

    /// Closed vocabularies.
    fn words(&mut self, at: &str, old: &Value, new: &Value, way: Way) {
        let (before, after) = (&old["enum"], &new["enum"]);
        let (coming, expected) = match way {
            Way::Sent => (before, after),
            Way::Answered => (after, before),
        };
        if !expected.is_array() {
            return;
        }
        if !coming.is_array() {
            return self.say(
                at,
                match way {
                    Way::Sent => "takes only certain words now",
                    Way::Answered => "may be any word now",
                },
            );
        }
        for word in items(coming) {
            if !items(expected).contains(word) {
                self.say(
                    at,
                    match way {
                        Way::Sent => format!("no longer takes {word}"),
                        Way::Answered => format!("may be {word} now, in a closed vocabulary"),
                    },
                );
            }
        }
    }

    /// Sizes: what is sent may not be bounded more tightly. An answer's bounds are no promise.
    fn limits(&mut self, at: &str, old: &Value, new: &Value, way: Way) {
        if way == Way::Answered {
            return;
        }
        for (name, is_upper) in [
            ("maxLength", true),
            ("maxItems", true),
            ("maxProperties", true),
            ("maximum", true),
            ("exclusiveMaximum", true),
            ("minLength", false),
            ("minItems", false),
            ("minProperties", false),
            ("minimum", false),
            ("exclusiveMinimum", false),
        ] {
            let tighter = match (old[name].as_f64(), new[name].as_f64()) {
                (_, None) => false,
                (None, Some(least)) => is_upper || least > 0.0 || name.ends_with("imum"),
                (Some(before), Some(after)) if is_upper => after < before,
                (Some(before), Some(after)) => after > before,
            };
            if tighter {
                let (before, after) = (&old[name], &new[name]);
                self.say(
                    at,
                    format_args!("has a stricter {name}: {before} became {after}"),
                );
            }
        }
    }

    /// Formats and patterns.
    fn forms(&mut self, at: &str, old: &Value, new: &Value, way: Way) {
        for name in ["format", "pattern", "const"] {
            let (before, after) = (&old[name], &new[name]);
            let breaks = match way {
                Way::Sent => !after.is_null() && before != after,
                // Whoever reads a date goes on to read one; a pattern tells nobody how to.
                Way::Answered => name != "pattern" && !before.is_null() && before != after,
            };
            if breaks {
                self.say(
                    at,
                    format_args!("has another {name}: {before} became {after}"),
                );
            }
        }
    }

    fn object(&mut self, at: &str, old: &Value, new: &Value, way: Way) {
        let required = |schema: &Value, name: &String| {
            items(&schema["required"]).iter().any(|other| other == name)
        };
        for (name, member) in members(&old["properties"]) {
            let at = format!("{at}/{name}");
            let Some(kept) = new["properties"].get(name) else {
                self.say(&at, "is gone");
                continue;
            };
            match way {
                Way::Sent if required(new, name) && !required(old, name) => {
                    self.say(&at, "is required now");
                }
                Way::Answered if required(old, name) && !required(new, name) => {
                    self.say(&at, "may be missing now");
                }
                _ => {}
            }
            self.schema(&at, member, kept, way);
        }
        for (name, _) in members(&new["properties"]) {
            let is_new = old["properties"].get(name).is_none();
            if way == Way::Sent && is_new && required(new, name) {
                self.say(&format!("{at}/{name}"), "is new and required");
            }
        }
        let (before, after) = (&old["additionalProperties"], &new["additionalProperties"]);
        match (way, before, after) {
            (Way::Sent, before, Value::Bool(false)) if *before != false => {
                self.say(at, "takes no other members now");
            }
            (_, Value::Object(_), Value::Object(_)) => {
                self.schema(&format!("{at}/*"), before, after, way);
            }
            _ => {}
        }
    }
}

fn members(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flatten()
}

fn items(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

fn kinds(schema: &Value) -> Vec<&str> {
    match &schema["type"] {
        Value::Array(kinds) => kinds.iter().filter_map(Value::as_str).collect(),
        kind => kind.as_str().into_iter().collect(),
    }
}

/// The alternatives a schema has, or itself; each with references followed, and the parts of `allOf` and
/// what stands beside alternatives put together.
fn choices(document: &Value, schema: &Value) -> Vec<Value> {
    let mut whole = Map::new();
    merge(document, &mut whole, schema);
    for name in ["oneOf", "anyOf"] {
        if let Some(alternatives) = whole.remove(name) {
            let each = items(&alternatives).iter().flat_map(|alternative| {
                let mut one = whole.clone();
                merge(document, &mut one, alternative);
                choices(document, &Value::Object(one))
            });
            return each.collect();
        }
    }
    vec![Value::Object(whole)]
}

fn merge(document: &Value, whole: &mut Map<String, Value>, part: &Value) {
    for (name, value) in members(resolved(document, part)) {
        match (whole.get_mut(name), value) {
            (_, parts) if name == "allOf" => {
                for part in items(parts) {
                    merge(document, whole, part);
                }
            }
            (Some(Value::Object(known)), Value::Object(more)) => known.extend(more.clone()),
            (Some(Value::Array(known)), Value::Array(more)) if name == "required" => {
                known.extend(more.clone());
            }
            _ => {
                whole.insert(name.clone(), value.clone());
            }
        }
    }
}
