//! From TOML to the plain data of a catalogue, noting every fault on the way.
//!
//! The file is parsed once into a tree that knows the place of every key. Each entry of each list is
//! then read on its own, so that a fault in one entry does not hide those in the others, and where a
//! key of an entry is at fault the entry is read again without it.

use std::collections::{BTreeMap, BTreeSet};

use serde::de::DeserializeOwned;
use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue, Error, ValueDeserializer};

use super::faults::{Fault, Lines};
use super::labels::Labels;
use super::model::{
    Channel, Check, Desk, Expiry, Handover, Rule, Service, SupportRow, Term, Wording, Work,
};
use crate::domain::decision::Basis;

/// One entry of a list, with its place in the file.
#[derive(Debug)]
pub(super) struct At<T> {
    /// Such as `desks[1].rules[0]`.
    pub path: String,
    pub item: T,
}

/// A desk whose rules are still apart, because each has its own place.
#[derive(Debug)]
pub(super) struct DeskEntry {
    pub desk: At<Desk>,
    pub rules: Vec<At<Rule>>,
    /// Kinds of the rules that could not be read: that the desk lacks one is not another fault.
    pub unread_kinds: Vec<String>,
}

/// Everything the file says, read but not yet checked.
#[derive(Debug, Default)]
pub(super) struct Contents {
    pub labels: Option<Labels>,
    pub expiry: Option<Expiry>,
    pub services: Vec<At<Service>>,
    pub solution_areas: Vec<At<Term>>,
    pub work: Vec<At<Work>>,
    pub problem_kinds: Vec<At<Term>>,
    pub channels: Vec<At<Channel>>,
    pub support_routing: Vec<At<SupportRow>>,
    pub handovers: Vec<At<Handover>>,
    pub wordings: Vec<At<Wording>>,
    pub desks: Vec<DeskEntry>,
    pub places: Places,
}

/// Where everything stands in the file, and what of it could not be read.
#[derive(Debug, Default)]
pub(super) struct Places {
    /// Line of every key and list entry, by path: `desks[1].rules[0].terms[2]`.
    lines: BTreeMap<String, usize>,
    /// Ids of entries that could not be read: naming one is not another fault.
    pub unread: BTreeSet<String>,
}

impl DeskEntry {
    /// The desk with its rules.
    pub(super) fn into_desk(self) -> Desk {
        let rules = self.rules.into_iter().map(|rule| rule.item).collect();
        Desk {
            rules,
            ..self.desk.item
        }
    }
}

impl Places {
    /// The line of a path, or else that of the nearest thing around it.
    pub(super) fn line(&self, path: &str) -> Option<usize> {
        let mut path = path;
        loop {
            if let Some(line) = self.lines.get(path) {
                return Some(*line);
            }
            path = &path[..path.rfind(['.', '['])?];
        }
    }
}

/// The part of a rule that all kinds share.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct RuleHead {
    id: String,
    citation: String,
    basis: Basis,
    #[serde(default)]
    waivable: bool,
    #[serde(default)]
    services: Vec<String>,
}

const RULE_HEAD: [&str; 5] = ["id", "citation", "basis", "waivable", "services"];

/// Reads the text, with the faults found on the way. Of a text that is not TOML nothing can be read.
pub(super) fn read(text: &str) -> Result<(Contents, Vec<Fault>), Vec<Fault>> {
    let lines = Lines::new(text);
    let (root, errors) = DeTable::parse_recoverable(text);
    if !errors.is_empty() {
        let faults = errors.iter().map(|error| {
            let start = error.span().map(|span| span.start);
            Fault {
                line: start.map(|start| lines.line(start)),
                column: start.map(|start| lines.column(text, start)),
                message: one_line(error.message()),
            }
        });
        return Err(faults.collect());
    }
    let mut reader = Reader {
        lines,
        faults: Vec::new(),
        places: Places::default(),
    };
    reader.note_lines("", root.get_ref());
    let contents = reader.contents(root.into_inner());
    Ok((contents, reader.faults))
}

struct Reader {
    lines: Lines,
    faults: Vec<Fault>,
    places: Places,
}

impl Reader {
    fn contents(&mut self, mut root: DeTable<'_>) -> Contents {
        let mut contents = Contents {
            labels: self.table(&mut root, "labels"),
            expiry: self.table(&mut root, "expiry_days"),
            services: self.list(&mut root, "services"),
            solution_areas: self.list(&mut root, "solution_areas"),
            work: self.list(&mut root, "work"),
            problem_kinds: self.list(&mut root, "problem_kinds"),
            channels: self.list(&mut root, "channels"),
            support_routing: self.list(&mut root, "support_routing"),
            handovers: self.list(&mut root, "handovers"),
            wordings: self.list(&mut root, "wordings"),
            desks: self.desks(&mut root),
            places: Places::default(),
        };
        for key in root.keys() {
            let message = format!("the key \"{}\" is not known here", key.get_ref());
            self.fault(key.span().start, message);
        }
        contents.places = std::mem::take(&mut self.places);
        contents
    }

    fn desks(&mut self, root: &mut DeTable<'_>) -> Vec<DeskEntry> {
        let mut desks = Vec::new();
        for (path, mut entry) in self.entries(root, "desks") {
            let (rules, unread_kinds) = match entry.get_mut() {
                DeValue::Table(table) => self.rules(table, &path),
                _ => Default::default(),
            };
            if let Some(item) = self.read_one(&entry, "desk", "") {
                desks.push(DeskEntry {
                    desk: At { path, item },
                    rules,
                    unread_kinds,
                });
            }
        }
        desks
    }

    /// Takes the rules out of a desk's table.
    fn rules(&mut self, desk: &mut DeTable<'_>, path: &str) -> (Vec<At<Rule>>, Vec<String>) {
        let of_desk = id_in(desk)
            .map(|id| format!("desk \"{id}\": "))
            .unwrap_or_default();
        let (mut rules, mut unread_kinds) = (Vec::new(), Vec::new());
        for (name, entry) in self.entries(desk, "rules") {
            let span = entry.span();
            let DeValue::Table(mut check) = entry.into_inner() else {
                self.fault(span.start, format!("{of_desk}a rule has to be a table"));
                continue;
            };
            let rule = format!("rule \"{}\"", id_in(&check).as_deref().unwrap_or("?"));
            let mut head = DeTable::new();
            for key in RULE_HEAD {
                if let Some((key, value)) = check.remove_entry(key) {
                    head.insert(key, value);
                }
            }
            let kind = check.get("kind").and_then(|kind| kind.get_ref().as_str());
            let kind = kind.map(str::to_owned);
            let head = Spanned::new(span.clone(), DeValue::Table(head));
            let head: Option<RuleHead> = self.read_one(&head, "rule", &of_desk);
            let check = Spanned::new(span, DeValue::Table(check));
            let check: Option<Check> = self.read_one(&check, &rule, &of_desk);
            if let (
                Some(RuleHead {
                    id,
                    citation,
                    basis,
                    waivable,
                    services,
                }),
                Some(check),
            ) = (head, check)
            {
                let item = Rule {
                    id,
                    citation,
                    basis,
                    waivable,
                    services,
                    check,
                };
                rules.push(At {
                    path: format!("{path}.{name}"),
                    item,
                });
            } else {
                unread_kinds.extend(kind);
            }
        }
        (rules, unread_kinds)
    }

    fn list<T: DeserializeOwned>(
        &mut self,
        root: &mut DeTable<'_>,
        key: &'static str,
    ) -> Vec<At<T>> {
        let mut list = Vec::new();
        for (path, entry) in self.entries(root, key) {
            if let Some(item) = self.read_one(&entry, singular(key), "") {
                list.push(At { path, item });
            }
        }
        list
    }

    fn table<T: DeserializeOwned>(&mut self, root: &mut DeTable<'_>, key: &str) -> Option<T> {
        match root.remove(key) {
            Some(value) => self.read_one(&value, key, ""),
            None => {
                self.fault(0, format!("the table [{key}] is missing"));
                None
            }
        }
    }

    /// Takes a list out of a table. A list that is missing is empty: the check says whether it may be.
    fn entries<'i>(
        &mut self,
        table: &mut DeTable<'i>,
        key: &str,
    ) -> Vec<(String, Spanned<DeValue<'i>>)> {
        let Some(value) = table.remove(key) else {
            return Vec::new();
        };
        let span = value.span();
        let DeValue::Array(array) = value.into_inner() else {
            self.fault(
                span.start,
                format!("\"{key}\" has to be a list of tables: [[{key}]]"),
            );
            return Vec::new();
        };
        let entries = array.into_iter().enumerate();
        entries
            .map(|(index, entry)| (format!("{key}[{index}]"), entry))
            .collect()
    }

    /// Reads one entry. Where a key is at fault, notes it and goes on without it.
    fn read_one<T: DeserializeOwned>(
        &mut self,
        entry: &Spanned<DeValue<'_>>,
        what: &str,
        context: &str,
    ) -> Option<T> {
        let id = entry.get_ref().as_table().and_then(id_in);
        let name = match &id {
            Some(id) => format!("{what} \"{id}\""),
            None => what.to_owned(),
        };
        let mut entry = entry.clone();
        let mut removed: Vec<String> = Vec::new();
        loop {
            let error = match T::deserialize(ValueDeserializer::from(entry.clone())) {
                // what was left out is a fault already; the rest is worth checking
                Ok(value) => return Some(value),
                Err(error) => error,
            };
            let follows = removed.iter().any(|key| is_missing(&error, key));
            let culprit = match entry.get_ref() {
                DeValue::Table(table) if !follows => culprit::<T>(table, &entry.span(), &error),
                _ => None,
            };
            if !follows {
                let offset = culprit.as_ref().map(|(_, offset)| *offset);
                let offset = offset.or(error.span().map(|span| span.start));
                let message = format!("{context}{name}: {}", one_line(error.message()));
                self.fault(offset.unwrap_or(entry.span().start), message);
            }
            match (culprit, entry.get_mut()) {
                (Some((key, _)), DeValue::Table(table)) => {
                    table.remove(key.as_str());
                    removed.push(key);
                }
                _ => {
                    self.places.unread.extend(id);
                    return None;
                }
            }
        }
    }

    fn fault(&mut self, offset: usize, message: String) {
        self.faults.push(Fault {
            line: Some(self.lines.line(offset)),
            column: None,
            message,
        });
    }

    fn note_lines(&mut self, path: &str, table: &DeTable<'_>) {
        for (key, value) in table {
            let path = match path {
                "" => key.get_ref().to_string(),
                _ => format!("{path}.{}", key.get_ref()),
            };
            self.places
                .lines
                .insert(path.clone(), self.lines.line(key.span().start));
            self.note_value(&path, value.get_ref());
        }
    }

    fn note_value(&mut self, path: &str, value: &DeValue<'_>) {
        match value {
            DeValue::Table(table) => self.note_lines(path, table),
            DeValue::Array(array) => {
                for (index, item) in array.iter().enumerate() {
                    let path = format!("{path}[{index}]");
                    self.places
                        .lines
                        .insert(path.clone(), self.lines.line(item.span().start));
                    self.note_value(&path, item.get_ref());
                }
            }
            _ => {}
        }
    }
}

/// The key of an entry that makes reading it fail, with its offset: the one the error points into, or
/// else the one without which the entry fails differently.
fn culprit<T: DeserializeOwned>(
    table: &DeTable<'_>,
    span: &std::ops::Range<usize>,
    error: &Error,
) -> Option<(String, usize)> {
    let named = |key: &Spanned<DeString<'_>>| (key.get_ref().to_string(), key.span().start);
    if error.message().starts_with("missing field") {
        return None;
    }
    if let Some(at) = error.span()
        && let Some((key, _)) = table.iter().find(|(key, value)| {
            at != *span && (key.span().contains(&at.start) || value.span().contains(&at.start))
        })
    {
        return Some(named(key));
    }
    table.keys().find_map(|key| {
        let mut without = table.clone();
        without.remove(key.get_ref().as_ref());
        let without = Spanned::new(span.clone(), DeValue::Table(without));
        match T::deserialize(ValueDeserializer::from(without)) {
            Err(other) if other.message() == error.message() => None,
            _ => Some(named(key)),
        }
    })
}

fn id_in(table: &DeTable<'_>) -> Option<String> {
    table
        .get("id")
        .and_then(|id| id.get_ref().as_str())
        .map(str::to_owned)
}

fn is_missing(error: &Error, key: &str) -> bool {
    error
        .message()
        .strip_prefix("missing field `")
        .is_some_and(|rest| rest.starts_with(key))
}

/// What one entry of a list is called in a fault.
fn singular(list: &'static str) -> &'static str {
    match list {
        "services" => "service",
        "solution_areas" => "solution area",
        "problem_kinds" => "problem kind",
        "channels" => "channel",
        "support_routing" => "support routing",
        "handovers" => "handover",
        "wordings" => "wording",
        other => other,
    }
}

fn one_line(message: &str) -> String {
    message.trim().replace('\n', "; ")
}
