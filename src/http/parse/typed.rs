//! A tree to a typed value, with every fault in our own words.
//!
//! A derived `Deserialize` stops at its first error. To find them all, the offending value is
//! replaced by a hole, which reads as whatever is asked of it, and the tree is read again.

use serde::de::value::StrDeserializer;
use serde::de::{
    self, DeserializeOwned, DeserializeSeed, Deserializer, Expected, IntoDeserializer, Visitor,
};
use serde::forward_to_deserialize_any;

use super::dates::is_rfc3339;
use super::error::{Error, Kind, hinted};
use super::pointer::{Step, pointer};
use super::tree::Tree;
use crate::http::problem::Fault;

/// Faults beyond this number are left for the next try.
const MAX_FAULTS: usize = 50;
/// Bound on the rounds, for types that no hole satisfies.
const MAX_ROUNDS: usize = 150;

/// How scalars are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Notation {
    /// As JSON.
    Json,
    /// As text, each top-level member a list of all its values: query parameters.
    Text,
}

/// What reading came to.
pub struct Typed<T> {
    /// The value; where there are faults, with stand-ins in the holes.
    pub value: Option<T>,
    /// What was found.
    pub faults: Vec<Fault>,
    /// Pointers of the stand-ins: what lies there says nothing.
    pub holes: Vec<String>,
}

/// Reads a typed value out of a tree.
pub fn read<T: DeserializeOwned>(mut tree: Tree, notation: Notation) -> Typed<T> {
    let mut faults = Vec::new();
    let mut holes: Vec<String> = Vec::new();
    for round in 0..MAX_ROUNDS {
        let node = Node {
            tree: &tree,
            notation,
            explain: round > 0,
        };
        let error = match T::deserialize(node) {
            Ok(value) => {
                return Typed {
                    value: Some(value),
                    faults,
                    holes,
                };
            }
            Err(error) => error,
        };
        if round == 0 {
            continue; // once more, now with words
        }
        let Error { mut path, kind } = error;
        path.reverse();
        if let Some(hole) = hole_on(&tree, &path) {
            if widen(&mut tree, &path[..hole]) {
                continue;
            }
            break;
        }
        match kind {
            Kind::Null { .. } if !path.is_empty() => tree.remove_nulls(&path),
            Kind::Null { expected } => {
                tree.put(&path, Tree::Hole(0));
                holes.push(String::new());
                faults.push(Fault::at("", "WRONG_TYPE", format!("must be {expected}")));
            }
            Kind::Key { code, message } => {
                tree.remove(&path);
                faults.push(Fault::at(pointer(&path), code, message));
            }
            Kind::Missing(name) => {
                path.push(Step::Member(name.to_owned()));
                tree.put(&path, Tree::Hole(0));
                holes.push(pointer(&path));
                faults.push(Fault::at(pointer(&path), "REQUIRED", "is required"));
            }
            Kind::Value { code, message } => {
                tree.put(&path, Tree::Hole(0));
                holes.push(pointer(&path));
                faults.push(Fault::at(pointer(&path), code, message));
            }
        }
        if faults.len() >= MAX_FAULTS {
            break;
        }
    }
    Typed {
        value: None,
        faults,
        holes,
    }
}

/// How many steps of the path lead to a hole, if any part of it is one.
fn hole_on(tree: &Tree, path: &[Step]) -> Option<usize> {
    (0..=path.len()).find(|&steps| matches!(tree.at(&path[..steps]), Some(Tree::Hole(_))))
}

/// A hole didn't satisfy: lets it read as something else, and at last makes its parent one. False
/// when nothing is left to try.
fn widen(tree: &mut Tree, path: &[Step]) -> bool {
    let tries = match tree.at(path) {
        Some(Tree::Hole(tries)) => tries + 1,
        _ => 0,
    };
    if tries < STAND_INS.len() {
        tree.put(path, Tree::Hole(tries));
    } else if let Some((_, parent)) = path.split_last() {
        tree.put(parent, Tree::Hole(0));
    } else {
        return false;
    }
    true
}

/// What a hole reads as where text is asked for, one after the other.
const STAND_INS: [&str; 4] = [
    "",
    "2000-01-01",
    "2000-01-01T00:00:00Z",
    "00000000-0000-7000-8000-000000000000",
];

/// A value of the tree, being read.
#[derive(Clone, Copy)]
struct Node<'a> {
    tree: &'a Tree,
    notation: Notation,
    /// Whether to spend time on words for errors.
    explain: bool,
}

impl<'a> Node<'a> {
    fn child(self, tree: &'a Tree) -> Self {
        Self { tree, ..self }
    }

    /// The one value of a query parameter, or the value itself.
    fn single(self) -> Result<&'a Tree, Error> {
        match (self.notation, self.tree) {
            (Notation::Text, Tree::Array(values)) => match values.as_slice() {
                [value] => Ok(value),
                _ => Err(Error::value("REPEATED", "may be given only once")),
            },
            _ => Ok(self.tree),
        }
    }

    /// The error for a value that isn't what was expected.
    fn wrong(self, expected: &str) -> Error {
        match self.tree {
            Tree::Null => Error {
                path: Vec::new(),
                kind: Kind::Null {
                    expected: expected.to_owned(),
                },
            },
            _ => Error::kind(expected),
        }
    }

    fn integer(self, min: i128, max: i128) -> Result<i128, Error> {
        let value = match self.single()? {
            Tree::Hole(_) => return Ok(min.max(0)),
            Tree::Number(number) => match (number.as_i64(), number.as_u64(), number.as_f64()) {
                (Some(value), _, _) => i128::from(value),
                (None, Some(value), _) => i128::from(value),
                (None, None, Some(value)) if value.fract() == 0.0 => whole(value),
                _ => return Err(Error::kind("a whole number")),
            },
            Tree::String(text) if self.notation == Notation::Text => {
                let digits = text.strip_prefix('-').unwrap_or(text);
                if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
                    return Err(Error::kind("a whole number"));
                }
                text.parse().unwrap_or(i128::MAX)
            }
            _ => return Err(self.wrong("a whole number")),
        };
        if (min..=max).contains(&value) {
            Ok(value)
        } else {
            Err(Error::value(
                "RANGE",
                format!("must be a whole number from {min} to {max}"),
            ))
        }
    }

    fn text<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.single()? {
            Tree::String(text) if self.explain => {
                let expected: &dyn Expected = &visitor;
                let hint = expected.to_string();
                let read = if is_loose_date(text, expected) {
                    Err(Error::value("FORMAT", "does not have the expected form"))
                } else {
                    visitor.visit_borrowed_str(text)
                };
                read.map_err(|error: Error| hinted(error, &hint))
            }
            Tree::String(text) if is_loose_date(text, &visitor) => {
                Err(Error::value("FORMAT", "does not have the expected form"))
            }
            Tree::String(text) => visitor.visit_borrowed_str(text),
            Tree::Hole(tries) => visitor.visit_str(STAND_INS.get(*tries).copied().unwrap_or("")),
            _ => Err(self.wrong("a string")),
        }
    }

    fn items<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.tree {
            Tree::Array(items) => visitor.visit_seq(Items {
                node: self,
                items: items.iter(),
                at: 0,
            }),
            Tree::Hole(_) => visitor.visit_seq(Items {
                node: self,
                items: [].iter(),
                at: 0,
            }),
            _ => Err(self.wrong("an array")),
        }
    }

    fn members<V: Visitor<'a>>(self, known: bool, visitor: V) -> Result<V::Value, Error> {
        let members = match self.tree {
            Tree::Object(members) => members.iter(),
            Tree::Hole(_) => [].iter(),
            _ => return Err(self.wrong("an object")),
        };
        visitor.visit_map(Members {
            node: self,
            members,
            current: None,
            known,
        })
    }
}

/// A double without a fraction as an integer; out of range it is further out than any type reaches.
fn whole(value: f64) -> i128 {
    format!("{value:.0}")
        .parse()
        .unwrap_or(if value < 0.0 { i128::MIN } else { i128::MAX })
}

/// Whether a day or time is asked for, and the text would be taken for one without having its form.
fn is_loose_date(text: &str, expected: &dyn Expected) -> bool {
    // Most texts are neither, and cost no more than a look at their first letter.
    text.starts_with(|letter: char| {
        letter.is_ascii_digit() || letter.is_whitespace() || "+-".contains(letter)
    }) && !is_rfc3339(text)
        && expected.to_string().contains("formatted date")
}

macro_rules! integers {
    ($($method:ident $visit:ident $type:ident;)+) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
            let value = self.integer($type::MIN.into(), $type::MAX.into())?;
            // `integer` keeps to the bounds
            visitor.$visit($type::try_from(value).unwrap_or_default())
        })+
    };
}

impl<'de> Deserializer<'de> for Node<'de> {
    type Error = Error;

    integers! {
        deserialize_i8 visit_i8 i8;
        deserialize_i16 visit_i16 i16;
        deserialize_i32 visit_i32 i32;
        deserialize_i64 visit_i64 i64;
        deserialize_u8 visit_u8 u8;
        deserialize_u16 visit_u16 u16;
        deserialize_u32 visit_u32 u32;
        deserialize_u64 visit_u64 u64;
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.tree {
            Tree::Null | Tree::Hole(_) => visitor.visit_unit(),
            Tree::Bool(value) => visitor.visit_bool(*value),
            Tree::Number(number) => match (number.as_i64(), number.as_u64(), number.as_f64()) {
                (Some(value), _, _) => visitor.visit_i64(value),
                (None, Some(value), _) => visitor.visit_u64(value),
                (None, None, value) => visitor.visit_f64(value.unwrap_or_default()),
            },
            Tree::String(text) => visitor.visit_borrowed_str(text),
            Tree::Array(_) => self.items(visitor),
            Tree::Object(_) => self.members(false, visitor),
        }
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.single()? {
            Tree::Bool(value) => visitor.visit_bool(*value),
            Tree::String(text) if self.notation == Notation::Text && text == "true" => {
                visitor.visit_bool(true)
            }
            Tree::String(text) if self.notation == Notation::Text && text == "false" => {
                visitor.visit_bool(false)
            }
            Tree::Hole(_) => visitor.visit_bool(false),
            _ => Err(self.wrong("true or false")),
        }
    }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let value = match self.single()? {
            Tree::Number(number) => number.as_f64(),
            Tree::String(text) if self.notation == Notation::Text => {
                text.parse().ok().filter(|value: &f64| value.is_finite())
            }
            Tree::Hole(_) => Some(0.0),
            _ => None,
        };
        visitor.visit_f64(value.ok_or_else(|| self.wrong("a number"))?)
    }

    fn deserialize_f32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_f64(visitor)
    }

    fn deserialize_char<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.text(visitor)
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.text(visitor)
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.text(visitor)
    }

    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.text(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.tree {
            Tree::Null | Tree::Hole(_) => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.items(visitor)
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Error> {
        self.items(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: usize,
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.items(visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.members(false, visitor)
    }

    /// Strict whether or not the type says `deny_unknown_fields`.
    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        match self.tree {
            Tree::Object(members) => {
                let stranger = members
                    .iter()
                    .find(|(name, _)| !fields.contains(&name.as_str()));
                if let Some((name, _)) = stranger {
                    return Err(<Error as de::Error>::unknown_field(name, fields));
                }
                self.members(true, visitor)
            }
            Tree::Hole(_) => visitor.visit_map(Holes {
                node: self,
                fields: fields.iter(),
            }),
            _ => self.members(true, visitor),
        }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        words: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        match self.single()? {
            Tree::String(text) => visitor.visit_enum(StrDeserializer::<Error>::new(text)),
            Tree::Hole(_) => {
                let word = words.first().copied().unwrap_or_default();
                visitor.visit_enum(StrDeserializer::<Error>::new(word))
            }
            Tree::Object(members) if members.len() == 1 => {
                visitor.visit_enum(de::value::MapAccessDeserializer::new(Members {
                    node: self,
                    members: members.iter(),
                    current: None,
                    known: false,
                }))
            }
            Tree::Null => Err(self.wrong("one of the words of its vocabulary")),
            _ => Err(Error::word(words)),
        }
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_unit()
    }

    forward_to_deserialize_any! { i128 u128 bytes byte_buf unit unit_struct }
}

impl<'a> IntoDeserializer<'a, Error> for Node<'a> {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

struct Items<'a> {
    node: Node<'a>,
    items: std::slice::Iter<'a, Tree>,
    at: usize,
}

impl<'a> de::SeqAccess<'a> for Items<'a> {
    type Error = Error;

    fn next_element_seed<S: DeserializeSeed<'a>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, Error> {
        let Some(item) = self.items.next() else {
            return Ok(None);
        };
        let at = self.at;
        self.at += 1;
        seed.deserialize(self.node.child(item))
            .map(Some)
            .map_err(|error| null_counts(error).under(Step::Index(at)))
    }
}

/// `null` counts as absent only as a member of a known object: an item of an array or an entry of a
/// map has to be something.
fn null_counts(error: Error) -> Error {
    match &error.kind {
        Kind::Null { expected } if error.path.is_empty() => Error::kind(expected),
        _ => error,
    }
}

struct Members<'a> {
    node: Node<'a>,
    members: std::slice::Iter<'a, (String, Tree)>,
    current: Option<&'a (String, Tree)>,
    /// Whether the names are those of a type, and not entries of a map.
    known: bool,
}

impl<'a> de::MapAccess<'a> for Members<'a> {
    type Error = Error;

    fn next_key_seed<S: DeserializeSeed<'a>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, Error> {
        self.current = self.members.next();
        let Some((name, _)) = self.current else {
            return Ok(None);
        };
        let key = StrDeserializer::<Error>::new(name);
        seed.deserialize(key)
            .map(Some)
            .map_err(|error| match error.kind {
                Kind::Value { code, message } => Error::key(
                    code,
                    format!("has a name that is not allowed: it {message}"),
                )
                .under(Step::Member(name.clone())),
                _ => error,
            })
    }

    fn next_value_seed<S: DeserializeSeed<'a>>(&mut self, seed: S) -> Result<S::Value, Error> {
        let Some((name, value)) = self.current else {
            return Err(Error::kind("an object"));
        };
        seed.deserialize(self.node.child(value)).map_err(|error| {
            let error = if self.known {
                error
            } else {
                null_counts(error)
            };
            error.under(Step::Member(name.clone()))
        })
    }
}

/// The members of an object that stands in for another: a hole for each.
struct Holes<'a> {
    node: Node<'a>,
    fields: std::slice::Iter<'static, &'static str>,
}

impl<'a> de::MapAccess<'a> for Holes<'a> {
    type Error = Error;

    fn next_key_seed<S: DeserializeSeed<'a>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, Error> {
        let Some(name) = self.fields.next() else {
            return Ok(None);
        };
        seed.deserialize(StrDeserializer::<Error>::new(name))
            .map(Some)
    }

    fn next_value_seed<S: DeserializeSeed<'a>>(&mut self, seed: S) -> Result<S::Value, Error> {
        seed.deserialize(self.node.child(self.node.tree))
    }
}
