//! The catalogue: which desks there are, what they offer, under which rules, and where else work goes.
//!
//! All of it is data in one file, [`catalog.toml`](builtin), which is built in and can be replaced at
//! the start. What is code is the closed set of rule kinds ([`Check`]). A catalogue that exists is
//! sound: [`load`] reports every fault of a file with its line and yields nothing then.

mod check;
mod document;
mod faults;
mod labels;
mod model;
mod read;
#[cfg(test)]
mod tests;
pub mod view;
mod wording;

use std::path::Path;

use sha2::{Digest, Sha256};

use crate::domain::facts::Facts;

pub use document::rules_document;
pub use faults::{CatalogueErrors, Fault};
pub use labels::{Labelled, Labels};
pub use model::{
    Also, Channel, Check, Comparison, Condition, Desk, Expiry, Handover, Note, PartnerFact, Route,
    Rule, Service, Sla, SupportRow, TargetBasis, Term, Wording, Work,
};
pub use wording::{Found, Phrases};

use faults::Lines;
use read::DeskEntry;

const BUILTIN: &str = include_str!("catalog.toml");

/// A sound catalogue.
#[derive(Debug)]
pub struct Catalogue {
    version: String,
    source: String,
    labels: Labels,
    expiry: Expiry,
    services: Vec<Service>,
    solution_areas: Vec<Term>,
    work: Vec<Work>,
    problem_kinds: Vec<Term>,
    channels: Vec<Channel>,
    support_routing: Vec<SupportRow>,
    handovers: Vec<Handover>,
    wordings: Vec<Wording>,
    phrases: Phrases,
    desks: Vec<Desk>,
}

/// Reads a catalogue from its text; `origin` is the name its faults are reported under.
pub fn load(text: &str, origin: &str) -> Result<Catalogue, CatalogueErrors> {
    let (contents, mut faults) =
        read::read(text).map_err(|faults| CatalogueErrors::new(origin, faults))?;
    faults.extend(check::check(&contents));
    let (Some(labels), Some(expiry), true) = (contents.labels, contents.expiry, faults.is_empty())
    else {
        return Err(CatalogueErrors::new(origin, faults));
    };
    let wordings: Vec<Wording> = items(contents.wordings);
    Ok(Catalogue {
        version: version_of(text),
        source: text.to_owned(),
        labels,
        expiry,
        services: items(contents.services),
        solution_areas: items(contents.solution_areas),
        work: items(contents.work),
        problem_kinds: items(contents.problem_kinds),
        channels: items(contents.channels),
        support_routing: items(contents.support_routing),
        handovers: items(contents.handovers),
        phrases: Phrases::new(&wordings),
        wordings,
        desks: contents
            .desks
            .into_iter()
            .map(DeskEntry::into_desk)
            .collect(),
    })
}

/// Reads a catalogue from a file.
pub fn load_file(path: &Path) -> Result<Catalogue, CatalogueErrors> {
    let origin = path.display().to_string();
    let bytes =
        std::fs::read(path).map_err(|error| CatalogueErrors::unreadable(&origin, &error))?;
    match String::from_utf8(bytes) {
        Ok(text) => load(&text, &origin),
        Err(error) => {
            let valid =
                String::from_utf8_lossy(&error.as_bytes()[..error.utf8_error().valid_up_to()]);
            let lines = Lines::new(&valid);
            let fault = Fault {
                line: Some(lines.line(valid.len())),
                column: Some(lines.column(&valid, valid.len())),
                message: "the file is not UTF-8 text".to_owned(),
            };
            Err(CatalogueErrors::new(&origin, vec![fault]))
        }
    }
}

/// The catalogue that is built into the program.
pub fn builtin() -> Result<Catalogue, CatalogueErrors> {
    load(BUILTIN, "catalog.toml")
}

impl Catalogue {
    /// A hash of the file's content, such as `sha256:9f2c4e1ab7d05c33`. Every decision records it.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// The text it was read from.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// Whether the description of a request with these facts is not to be kept, because it may give a
    /// vulnerability away.
    pub fn withholds_description(&self, facts: &Facts) -> bool {
        facts
            .involves
            .iter()
            .any(|id| self.work(id).is_some_and(|work| work.withhold_description))
    }

    /// The desks, in the order in which they are preferred when all else is equal.
    pub fn desks(&self) -> &[Desk] {
        &self.desks
    }

    /// The desk of this id.
    pub fn desk(&self, id: &str) -> Option<&Desk> {
        self.desks.iter().find(|desk| desk.id == id)
    }

    /// All services, whichever desk offers them.
    pub fn services(&self) -> &[Service] {
        &self.services
    }

    /// The service of this id.
    pub fn service(&self, id: &str) -> Option<&Service> {
        self.services.iter().find(|service| service.id == id)
    }

    /// The kinds of work that a request can declare in `involves`.
    pub fn all_work(&self) -> &[Work] {
        &self.work
    }

    /// The kind of work of this id.
    pub fn work(&self, id: &str) -> Option<&Work> {
        self.work.iter().find(|work| work.id == id)
    }

    /// The kinds of service problem that a request can state.
    pub fn problem_kinds(&self) -> &[Term] {
        &self.problem_kinds
    }

    /// The kind of service problem of this id.
    pub fn problem_kind(&self, id: &str) -> Option<&Term> {
        self.problem_kinds.iter().find(|kind| kind.id == id)
    }

    /// Solution areas that a form may suggest. Others can be typed.
    pub fn solution_areas(&self) -> &[Term] {
        &self.solution_areas
    }

    /// The channels outside the service.
    pub fn channels(&self) -> &[Channel] {
        &self.channels
    }

    /// The channel of this id.
    pub fn channel(&self, id: &str) -> Option<&Channel> {
        self.channels.iter().find(|channel| channel.id == id)
    }

    /// The rows of the support routing, in order: the first that applies counts.
    pub fn support_routing(&self) -> &[SupportRow] {
        &self.support_routing
    }

    /// The handovers from desk to desk, in order.
    pub fn handovers(&self) -> &[Handover] {
        &self.handovers
    }

    /// The wording categories.
    pub fn wordings(&self) -> &[Wording] {
        &self.wordings
    }

    /// The phrases of all wording categories, ready to be looked for; a category is known by its place
    /// in [`wordings`](Self::wordings).
    pub fn phrases(&self) -> &Phrases {
        &self.phrases
    }

    /// What the words of the closed vocabularies are called.
    pub fn labels(&self) -> &Labels {
        &self.labels
    }

    /// What a word of a closed vocabulary is called.
    pub fn label(&self, word: impl Labelled) -> &str {
        word.label(&self.labels)
    }

    /// Days after which a request that nobody moves expires.
    pub fn expiry(&self) -> Expiry {
        self.expiry
    }
}

impl Desk {
    /// Whether the desk offers the service of this id.
    pub fn offers(&self, service: &str) -> bool {
        self.services.iter().any(|offered| offered == service)
    }
}

fn items<T>(entries: Vec<read::At<T>>) -> Vec<T> {
    entries.into_iter().map(|entry| entry.item).collect()
}

/// The first eight bytes of the hash name a catalogue well enough among the few a service ever sees.
fn version_of(text: &str) -> String {
    let hash = Sha256::digest(text.as_bytes());
    let mut version = String::from("sha256:");
    for byte in &hash[..8] {
        version.push_str(&format!("{byte:02x}"));
    }
    version
}
