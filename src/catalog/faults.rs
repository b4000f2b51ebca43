//! What is wrong with a catalogue file, and on which line.

use std::fmt;

/// Everything that is wrong with one catalogue file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct CatalogueErrors {
    /// Name of the file, as given.
    origin: String,
    faults: Vec<Fault>,
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Fault {
    /// Line it is on, counted from 1; absent where the file could not be read at all.
    pub line: Option<usize>,
    /// Column, counted from 1, where the file is not TOML.
    pub column: Option<usize>,
    /// What is wrong, as a sentence without a full stop.
    pub message: String,
}

impl CatalogueErrors {
    pub(super) fn new(origin: &str, mut faults: Vec<Fault>) -> Self {
        faults.sort();
        faults.dedup();
        Self {
            origin: origin.to_owned(),
            faults,
        }
    }

    pub(super) fn unreadable(origin: &str, error: &std::io::Error) -> Self {
        let message = format!("the file cannot be read: {error}");
        Self::new(
            origin,
            vec![Fault {
                line: None,
                column: None,
                message,
            }],
        )
    }

    /// The faults, in the order of their lines.
    pub fn faults(&self) -> &[Fault] {
        &self.faults
    }
}

/// One line per fault: `catalog.toml:42: desk "ced": rule "ced.hours" names the unknown service "x"`.
impl fmt::Display for CatalogueErrors {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (
            index,
            Fault {
                line,
                column,
                message,
            },
        ) in self.faults.iter().enumerate()
        {
            if index > 0 {
                formatter.write_str("\n")?;
            }
            formatter.write_str(&self.origin)?;
            for position in [line, column].into_iter().flatten() {
                write!(formatter, ":{position}")?;
            }
            write!(formatter, ": {message}")?;
        }
        Ok(())
    }
}

/// Says on which line and in which column an offset into a text is.
#[derive(Debug)]
pub(super) struct Lines {
    /// Offsets at which the lines begin.
    starts: Vec<usize>,
}

impl Lines {
    pub(super) fn new(text: &str) -> Self {
        let breaks = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
        Self {
            starts: std::iter::once(0)
                .chain(breaks.map(|(offset, _)| offset + 1))
                .collect(),
        }
    }

    /// The line, counted from 1.
    pub(super) fn line(&self, offset: usize) -> usize {
        self.starts.partition_point(|start| *start <= offset)
    }

    /// The column in characters, counted from 1.
    pub(super) fn column(&self, text: &str, offset: usize) -> usize {
        let start = self.starts[self.line(offset) - 1];
        text.get(start..offset)
            .map_or(1, |before| before.chars().count() + 1)
    }
}
