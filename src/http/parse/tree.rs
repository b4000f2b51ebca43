//! JSON text to a tree, strictly: what RFC 8259 leaves open is refused here.

use std::cell::{Cell, RefCell};
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::Number;

use super::pointer::{Path, Step};
use crate::http::codes::Code;
use crate::http::problem::{Fault, Problem};

/// How deep arrays and objects may be nested.
const MAX_DEPTH: usize = 32;

/// A JSON value as it came in: members in their order.
#[derive(Clone, Debug, PartialEq)]
pub enum Tree {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number.
    Number(Number),
    /// A string.
    String(String),
    /// An array.
    Array(Vec<Tree>),
    /// An object.
    Object(Vec<(String, Tree)>),
    /// Stands in for a value with a fault, so that the rest can be read; the number counts tries.
    Hole(usize),
}

impl Tree {
    /// The value at a path.
    pub fn at(&self, path: &[Step]) -> Option<&Self> {
        let Some((step, rest)) = path.split_first() else {
            return Some(self);
        };
        match (self, step) {
            (Self::Array(items), Step::Index(index)) => items.get(*index)?.at(rest),
            (Self::Object(members), Step::Member(name)) => {
                members.iter().find(|(key, _)| key == name)?.1.at(rest)
            }
            _ => None,
        }
    }

    /// Puts a value at a path. A member that isn't there yet is added; nothing else is created.
    pub fn put(&mut self, path: &[Step], value: Self) {
        let Some((step, rest)) = path.split_first() else {
            *self = value;
            return;
        };
        match (self, step) {
            (Self::Array(items), Step::Index(index)) => {
                if let Some(item) = items.get_mut(*index) {
                    item.put(rest, value);
                }
            }
            (Self::Object(members), Step::Member(name)) => {
                match members.iter_mut().find(|(key, _)| key == name) {
                    Some((_, member)) => member.put(rest, value),
                    None if rest.is_empty() => members.push((name.clone(), value)),
                    None => {}
                }
            }
            _ => {}
        }
    }

    /// Changes what a merge patch names; a member it takes away becomes `null`.
    pub fn merge(&mut self, patch: Self) {
        match (&mut *self, patch) {
            (Self::Object(members), Self::Object(changes)) => {
                for (name, change) in changes {
                    match members.iter_mut().find(|(key, _)| *key == name) {
                        Some((_, member)) => member.merge(change),
                        None => members.push((name, change)),
                    }
                }
            }
            (_, patch) => *self = patch,
        }
    }

    /// Takes the `null` member at a path out of its object, and out of every object that lies as
    /// it does in an array: those are of one type.
    pub fn remove_nulls(&mut self, path: &[Step]) {
        match (self, path) {
            (Self::Object(members), [Step::Member(name)]) => {
                members.retain(|(key, value)| key != name || *value != Self::Null);
            }
            (Self::Object(members), [Step::Member(name), rest @ ..]) => {
                if let Some((_, member)) = members.iter_mut().find(|(key, _)| key == name) {
                    member.remove_nulls(rest);
                }
            }
            (Self::Array(items), [Step::Index(_), rest @ ..]) => {
                items.iter_mut().for_each(|item| item.remove_nulls(rest));
            }
            _ => {}
        }
    }

    /// Takes the member at a path out of its object.
    pub fn remove(&mut self, path: &[Step]) {
        match (self, path) {
            (Self::Object(members), [Step::Member(name)]) => members.retain(|(key, _)| key != name),
            (Self::Object(members), [Step::Member(name), rest @ ..]) => {
                if let Some((_, member)) = members.iter_mut().find(|(key, _)| key == name) {
                    member.remove(rest);
                }
            }
            (Self::Array(items), [Step::Index(index), rest @ ..]) => {
                if let Some(item) = items.get_mut(*index) {
                    item.remove(rest);
                }
            }
            _ => {}
        }
    }
}

/// Reads a body. NUL characters come back as faults beside the tree; all else that is wrong with
/// the text makes the answer `MALFORMED_JSON`.
pub fn read(bytes: &[u8]) -> Result<(Tree, Vec<Fault>), Problem> {
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Err(malformed(
            "The body is empty; a JSON value is needed.",
            "is empty",
        ));
    }
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let offset = error.valid_up_to();
        malformed(
            format!("The body is not UTF-8 at byte {offset}."),
            "is not UTF-8",
        )
    })?;

    let state = State::default();
    let mut json = serde_json::Deserializer::from_str(text);
    let read = Reader {
        state: &state,
        path: Path::Root,
        depth: 0,
    }
    .deserialize(&mut json)
    .and_then(|tree| json.end().map(|()| tree));
    match read {
        Ok(tree) => {
            let State {
                nuls, duplicates, ..
            } = state;
            let duplicates = duplicates.into_inner();
            if duplicates.is_empty() {
                return Ok((tree, nuls.into_inner()));
            }
            Err(Problem::new(Code::MalformedJson)
                .detail("The body gives a member more than once.")
                .faults(duplicates))
        }
        Err(_) if state.too_deep.get() => Err(malformed(
            format!("The body is nested deeper than {MAX_DEPTH} levels."),
            "is nested too deep",
        )),
        Err(error) => {
            let words = words(&error);
            let (line, column) = (error.line(), error.column());
            Err(malformed(
                format!("The body is not valid JSON: {words} (line {line}, column {column})."),
                format!("is not valid JSON at line {line}, column {column}"),
            ))
        }
    }
}

fn malformed(
    detail: impl Into<std::borrow::Cow<'static, str>>,
    fault: impl Into<String>,
) -> Problem {
    Problem::new(Code::MalformedJson)
        .detail(detail)
        .fault(Fault::at("", "SYNTAX", fault))
}

/// Our own words for a syntax error. The parser's text only tells which of them fit.
fn words(error: &serde_json::Error) -> &'static str {
    let text = error.to_string();
    let known = [
        ("EOF", "it ends before it is complete"),
        ("trailing comma", "there is a comma too many"),
        ("trailing characters", "something follows after its end"),
        (
            "key must be a string",
            "a member name must be a string in double quotes",
        ),
        ("number out of range", "a number is too large"),
        ("invalid number", "a number is malformed"),
        ("surrogate", "a string has half of a surrogate pair"),
        (
            "unexpected end of hex escape",
            "a string has half of a surrogate pair",
        ),
        ("control character", "a string has a raw control character"),
        ("escape", "a string has an escape that JSON does not know"),
        ("expected `:`", "a colon is missing"),
        ("expected `,`", "a comma or a closing bracket is missing"),
    ];
    known
        .iter()
        .find(|(mark, _)| text.contains(mark))
        .map_or("a value is expected", |(_, words)| *words)
}

#[derive(Default)]
struct State {
    nuls: RefCell<Vec<Fault>>,
    duplicates: RefCell<Vec<Fault>>,
    too_deep: Cell<bool>,
}

#[derive(Clone, Copy)]
struct Reader<'a> {
    state: &'a State,
    path: Path<'a>,
    depth: usize,
}

impl Reader<'_> {
    fn deeper<E: Error>(&self) -> Result<usize, E> {
        if self.depth == MAX_DEPTH {
            self.state.too_deep.set(true);
            return Err(E::custom("too deep"));
        }
        Ok(self.depth + 1)
    }

    fn note_nul(&self, text: &str, message: &str) {
        if text.contains('\0') {
            let fault = Fault::at(self.path.pointer(), "NUL_CHARACTER", message);
            self.state.nuls.borrow_mut().push(fault);
        }
    }
}

impl<'de> DeserializeSeed<'de> for Reader<'_> {
    type Value = Tree;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Tree, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Reader<'_> {
    type Value = Tree;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Tree, E> {
        Ok(Tree::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Tree, E> {
        Ok(Tree::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Tree, E> {
        Ok(Tree::Number(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Tree, E> {
        Ok(Tree::Number(value.into()))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Tree, E> {
        Number::from_f64(value)
            .map(Tree::Number)
            .ok_or_else(|| E::custom("number out of range"))
    }

    fn visit_str<E>(self, value: &str) -> Result<Tree, E> {
        self.note_nul(value, "must not have a NUL character");
        Ok(Tree::String(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Tree, A::Error> {
        let depth = self.deeper()?;
        let mut tree = Vec::new();
        loop {
            let path = Path::Index(&self.path, tree.len());
            let Some(item) = items.next_element_seed(Reader {
                state: self.state,
                path,
                depth,
            })?
            else {
                return Ok(Tree::Array(tree));
            };
            tree.push(item);
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Tree, A::Error> {
        let depth = self.deeper()?;
        let mut tree: Vec<(String, Tree)> = Vec::new();
        let mut names = std::collections::HashSet::new();
        while let Some(name) = members.next_key::<String>()? {
            let path = Path::Member(&self.path, &name);
            let inner = Reader {
                state: self.state,
                path,
                depth,
            };
            inner.note_nul(&name, "has a NUL character in its name");
            if !names.insert(name.clone()) {
                let fault = Fault::at(
                    path.pointer(),
                    "DUPLICATE_MEMBER",
                    "is given more than once",
                );
                self.state.duplicates.borrow_mut().push(fault);
            }
            let member = members.next_value_seed(inner)?;
            tree.push((name, member));
        }
        Ok(Tree::Object(tree))
    }
}
