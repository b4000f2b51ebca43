//! All settings, as the command line defines them: for whoever looks one up or misspells one.

use std::collections::BTreeSet;

use clap::{Arg, Command, CommandFactory};

use super::{Cli, Failure};

/// Read by the log, before there is a command line.
const LOG: &str = "RUST_LOG";

/// Every argument that can be given in the environment, in the order of the help, with the command
/// it belongs to.
fn settings() -> Vec<(String, Arg)> {
    let mut found = Vec::new();
    let mut seen = BTreeSet::new();
    for command in Cli::command().get_subcommands() {
        collect(command, &mut seen, &mut found);
    }
    found
}

fn collect(command: &Command, seen: &mut BTreeSet<String>, found: &mut Vec<(String, Arg)>) {
    for argument in command.get_arguments() {
        if let Some(name) = argument.get_env().and_then(|name| name.to_str())
            && seen.insert(name.to_owned())
        {
            found.push((name.to_owned(), argument.clone()));
        }
    }
    for inner in command.get_subcommands() {
        collect(inner, seen, found);
    }
}

/// A misspelt setting would vanish without a word, so it stops the start.
pub(super) fn refuse_unknown() -> Result<(), Failure> {
    let known: Vec<String> = settings().into_iter().map(|(name, _)| name).collect();
    let unknown: Vec<String> = std::env::vars_os()
        .filter_map(|(name, _)| name.into_string().ok())
        .filter(|name| name.starts_with("ED_") && !known.contains(name))
        .collect();
    if unknown.is_empty() {
        return Ok(());
    }
    Err(format!(
        "There is no setting {}. The settings are {LOG}, {}.",
        unknown.join(", "),
        known.join(", ")
    )
    .into())
}

/// The table of all settings in Markdown.
pub fn table() -> String {
    let mut text = String::from(
        "# Settings\n\nWritten by a test from the definitions in `src/cli`; do not edit.\n\n\
         Each is an environment variable and an option of the command line, which wins. A variable \
         that begins with\n`ED_` and is none of these stops the start.\n\n\
         | variable | option | default | meaning |\n|---|---|---|---|\n",
    );
    for (name, argument) in settings() {
        let option = argument.get_long().unwrap_or_default();
        let defaults: Vec<String> = argument
            .get_default_values()
            .iter()
            .map(|value| format!("`{}`", value.to_string_lossy()))
            .collect();
        let help = argument
            .get_long_help()
            .or(argument.get_help())
            .map(ToString::to_string)
            .unwrap_or_default();
        let meaning = help.split_whitespace().collect::<Vec<_>>().join(" ");
        let full_stop = if meaning.ends_with('.') { "" } else { "." };
        text.push_str(&format!(
            "| `{name}` | `--{option}` | {} | {}{full_stop} |\n",
            defaults.join(", "),
            meaning.replace('|', "\\|")
        ));
    }
    text.push_str(&format!(
        "| `{LOG}` | | `info` | What is logged, such as `warn` or `engagement_desk=debug`. |\n"
    ));
    text
}
