//! Finds the programs of a Postgres that is installed, and tells their version.

use super::error::Error;
use std::{
    collections::HashSet,
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

/// The oldest Postgres that the service's SQL works with.
pub(super) const OLDEST: u32 = 15;

/// The programs of one Postgres.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Binaries {
    dir: PathBuf,
    /// The major version.
    pub major: u32,
    /// Where to look for libraries that are not installed with the system.
    libraries: Vec<PathBuf>,
}

impl Binaries {
    /// The programs in `dir`, if they are there, run, and are new enough.
    pub fn at(dir: &Path, libraries: Vec<PathBuf>) -> Result<Self, String> {
        if let Some(missing) = ["postgres", "initdb"]
            .iter()
            .find(|name| !dir.join(name).is_file())
        {
            return Err(format!("there is no `{missing}` in {}", dir.display()));
        }
        let mut found = Self {
            dir: dir.to_owned(),
            major: 0,
            libraries,
        };
        // Both are asked, since each may lack a library of its own.
        found.version_of("initdb")?;
        found.major = found.version_of("postgres")?;
        if found.major < OLDEST {
            return Err(format!(
                "PostgreSQL {} in {} is too old",
                found.major,
                dir.display()
            ));
        }
        Ok(found)
    }

    fn version_of(&self, program: &str) -> Result<u32, String> {
        let program = self.program(program);
        let mut command = Command::new(&program);
        self.add_libraries(&mut command);
        let output = command
            .arg("--version")
            .output()
            .map_err(|error| format!("{} does not run: {error}", program.display()))?;
        major(&String::from_utf8_lossy(&output.stdout)).ok_or_else(|| {
            let said = String::from_utf8_lossy(&output.stderr);
            format!(
                "{} does not tell its version: {}",
                program.display(),
                said.trim()
            )
        })
    }

    /// The folder that the operator named, or the `bin` folder in it.
    pub fn named(dir: &Path) -> Result<Self, Error> {
        Self::at(dir, Vec::new())
            .or_else(|why| Self::at(&dir.join("bin"), Vec::new()).map_err(|_no_bin| why))
            .map_err(|why| Error::UnusableBinaries {
                dir: dir.to_owned(),
                why,
            })
    }

    /// The best Postgres at hand: of the major version `wanted`, or else the newest.
    pub fn find(wanted: Option<u32>, fetched: &[PathBuf]) -> Option<Self> {
        let mut folders = known_folders();
        folders.extend(on_path());
        let mut seen = HashSet::new();
        folders.retain(|dir| seen.insert(dir.clone()));
        let installed = folders
            .iter()
            .filter_map(|dir| Self::at(dir, Vec::new()).ok());
        let fetched = fetched.iter().flat_map(|root| unpacked_in(root));
        best(installed.chain(fetched), wanted)
    }

    /// The programs in a folder that packages were unpacked into.
    pub fn unpacked(root: &Path) -> Result<Self, String> {
        let library_folders = ["usr/lib", "lib"].iter().flat_map(|lib| {
            let is_for_machine = |dir: &PathBuf| {
                dir.file_name()
                    .is_some_and(|n| n.to_string_lossy().contains("-linux-"))
            };
            list(&root.join(lib)).into_iter().filter(is_for_machine)
        });
        let libraries: Vec<PathBuf> = library_folders.collect();
        list(&root.join("usr/lib/postgresql"))
            .iter()
            .map(|version| Self::at(&version.join("bin"), libraries.clone()))
            .reduce(Result::or)
            .unwrap_or_else(|| Err(format!("no Postgres was unpacked into {}", root.display())))
    }

    /// The path of one of the programs.
    pub fn program(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    /// Lets `command`, and what it starts, find the libraries.
    pub fn add_libraries(&self, command: &mut Command) {
        // Paths with a colon can't be listed; fetched ones have none unless the user's home has.
        if let Ok(paths) = env::join_paths(&self.libraries)
            && !self.libraries.is_empty()
        {
            command.env("LD_LIBRARY_PATH", paths);
        }
    }
}

/// Ties go to the one found first.
fn best(found: impl Iterator<Item = Binaries>, wanted: Option<u32>) -> Option<Binaries> {
    found
        .filter(|one| wanted.is_none_or(|major| one.major == major))
        .reduce(
            |best, next| {
                if next.major > best.major { next } else { best }
            },
        )
}

/// Where distributions put the programs, whatever PATH says.
fn known_folders() -> Vec<PathBuf> {
    let debian = list(Path::new("/usr/lib/postgresql"))
        .into_iter()
        .map(|dir| dir.join("bin"));
    let fedora = list(Path::new("/usr"))
        .into_iter()
        .filter(|dir| starts(dir, "pgsql-"));
    let alpine = list(Path::new("/usr/libexec"))
        .into_iter()
        .filter(|dir| starts(dir, "postgresql"));
    let brew = ["/opt/homebrew/opt", "/usr/local/opt"]
        .iter()
        .flat_map(|dir| list(Path::new(dir)));
    let brew = brew.filter(|dir| starts(dir, "postgresql@"));
    debian
        .chain(fedora.chain(brew).map(|dir| dir.join("bin")))
        .chain(alpine)
        .collect()
}

/// The folders of the `postgres` and `initdb` on PATH. Links are followed, because the folder a
/// link points into has the other programs as well.
fn on_path() -> Vec<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path)
        .flat_map(|dir| [dir.join("postgres"), dir.join("initdb")])
        .filter_map(|program| program.canonicalize().ok())
        .filter_map(|program| program.parent().map(Path::to_owned))
        .collect()
}

fn unpacked_in(root: &Path) -> Vec<Binaries> {
    list(root)
        .iter()
        .filter_map(|folder| Binaries::unpacked(folder).ok())
        .collect()
}

/// What is in a folder; nothing when it can't be read.
fn list(dir: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir).into_iter().flatten().flatten();
    entries.map(|entry| entry.path()).collect()
}

fn starts(dir: &Path, with: &str) -> bool {
    dir.file_name()
        .is_some_and(|name| name.to_string_lossy().starts_with(with))
}

/// The major version in `postgres (PostgreSQL) 15.16 (Debian 15.16-0+deb12u1)`.
fn major(version: &str) -> Option<u32> {
    let (_, number) = version.split_once("(PostgreSQL) ")?;
    let digits = number
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(number.len());
    number.get(..digits)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn binaries(dir: &str, major: u32) -> Binaries {
        Binaries {
            dir: dir.into(),
            major,
            libraries: Vec::new(),
        }
    }

    #[test]
    fn versions_are_read_from_released_and_unreleased_programs() {
        let debian = "postgres (PostgreSQL) 15.16 (Debian 15.16-0+deb12u1)\n";
        assert_eq!(major(debian), Some(15));
        assert_eq!(major("postgres (PostgreSQL) 19devel"), Some(19));
        assert_eq!(major("postgres (PostgreSQL) 18\n"), Some(18));
        assert_eq!(major("something else 15"), None);
    }

    #[test]
    fn the_newest_is_taken_unless_the_data_needs_another() {
        let all = || [binaries("/a", 15), binaries("/b", 17), binaries("/c", 17)].into_iter();
        assert_eq!(best(all(), None), Some(binaries("/b", 17)));
        assert_eq!(best(all(), Some(15)), Some(binaries("/a", 15)));
        assert_eq!(best(all(), Some(16)), None);
    }

    #[test]
    fn a_folder_without_postgres_is_named_in_the_error() {
        let error = Binaries::named(Path::new("/usr/share"))
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("/usr/share") && error.contains("`postgres`"),
            "{error}"
        );
    }
}
