//! `engagement-desk catalog` and `decide`: the catalogue, and judgements under it, without a service.

use std::io::Read;
use std::path::PathBuf;
use std::sync::Arc;

use clap::{Args, Subcommand};

use super::Failure;
use crate::catalog::{self, Catalogue};
use crate::domain::eligibility::{History, Question, decide as judge};
use crate::domain::facts::Relationship;
use crate::http::parse;
use crate::http::requests::body::{FactsBody, check_words};

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Say what is wrong with a catalogue file, and where.
    Check {
        /// The file.
        file: PathBuf,
    },
    /// Print the built-in catalogue, to start a file of one's own from.
    Print,
}

#[derive(Args, Debug)]
pub(super) struct DecideOptions {
    /// JSON file with the facts, as they would be sent; `-` reads standard input.
    facts: PathBuf,
    /// What the asking person is to the partner.
    #[arg(long, default_value = "pdm")]
    relationship: Relationship,
    /// Catalogue to judge by instead of the one built in.
    #[arg(long, env = "ED_CATALOG")]
    catalog: Option<PathBuf>,
}

/// The catalogue in the file, or the one built in.
pub(super) fn load(file: Option<&PathBuf>) -> Result<Arc<Catalogue>, Failure> {
    let catalogue = match file {
        Some(file) => catalog::load_file(file)?,
        None => catalog::builtin()?,
    };
    Ok(Arc::new(catalogue))
}

pub(super) fn run(command: Command) -> Result<(), Failure> {
    match command {
        Command::Check { file } => {
            let catalogue = catalog::load_file(&file)?;
            println!(
                "{} is fine: {} desks, version {}.",
                file.display(),
                catalogue.desks().len(),
                catalogue.version()
            );
        }
        Command::Print => print!("{}", catalog::builtin()?.source()),
    }
    Ok(())
}

pub(super) fn decide(options: &DecideOptions) -> Result<(), Failure> {
    let catalogue = load(options.catalog.as_ref())?;
    let mut text = Vec::new();
    if options.facts.as_os_str() == "-" {
        std::io::stdin().read_to_end(&mut text)?;
    } else {
        text = std::fs::read(&options.facts)
            .map_err(|error| format!("{}: {error}", options.facts.display()))?;
    }
    let body = parse::json::<FactsBody>(&text)
        .map(|parsed| parsed.check(|body, faults| check_words(&body.facts(), &catalogue, faults)))
        .and_then(parse::Parsed::into_result);
    let facts = match body {
        Ok(body) => body.facts(),
        Err(problem) => return Err(serde_json::to_string_pretty(&problem.document())?.into()),
    };
    let history = History::default();
    let question = Question {
        facts: &facts,
        asker: Some(options.relationship),
        history: &history,
        waived: &[],
    };
    println!(
        "{}",
        serde_json::to_string_pretty(&judge(&catalogue, &question))?
    );
    Ok(())
}
