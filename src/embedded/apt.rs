//! Debian's package tools: what they offer, and getting it without installing it.

use super::{
    binaries::{Binaries, OLDEST},
    say,
};
use std::{
    fs, io,
    path::Path,
    process::{Command, Stdio},
};

/// apt-get and its relatives, with the options that choose its folders.
pub(super) struct Apt {
    options: Vec<String>,
}

impl Apt {
    /// With the package lists of the system.
    pub fn of_the_system() -> Self {
        Self {
            options: Vec::new(),
        }
    }

    /// With package lists in `dir`, which are none until the first update.
    pub fn with_private_lists(dir: &Path) -> io::Result<Self> {
        fs::create_dir_all(dir.join("state/lists/partial"))?;
        fs::create_dir_all(dir.join("cache/archives/partial"))?;
        let dir = dir.display();
        let options = [
            format!("Dir::State={dir}/state"),
            format!("Dir::Cache={dir}/cache"),
            "Dir::State::status=/var/lib/dpkg/status".to_owned(),
            // Descriptions and icons, a third of the download.
            "Acquire::Languages=none".to_owned(),
            "Acquire::IndexTargets::deb::DEP-11::DefaultEnabled=false".to_owned(),
        ];
        Ok(Self {
            options: options
                .into_iter()
                .flat_map(|o| ["-o".to_owned(), o])
                .collect(),
        })
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command
            .args(&self.options)
            .env(
                "PATH",
                "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            )
            .env("DEBIAN_FRONTEND", "noninteractive")
            .env("LC_ALL", "C")
            .stdin(Stdio::null());
        command
    }

    /// A failed update still leaves the lists that could be had.
    pub fn update(&self) {
        let _seen_later = self.run(&["update"]);
    }

    /// Runs apt-get where the user can watch it.
    pub fn run(&self, arguments: &[&str]) -> Result<(), String> {
        let name = format!("apt-get {}", arguments.first().unwrap_or(&""));
        let mut command = self.command("/usr/bin/apt-get");
        run(&name, command.args(arguments).stdout(io::stderr()))
    }

    fn read(&self, program: &str, arguments: &[&str]) -> String {
        let output = self
            .command(program)
            .args(arguments)
            .stderr(Stdio::null())
            .output();
        output
            .map(|output| String::from_utf8_lossy(&output.stdout).into_owned())
            .unwrap_or_default()
    }

    /// The major version to get.
    pub fn choose(&self, wanted: Option<u32>) -> Result<u32, String> {
        let search = ["search", "--names-only", "^postgresql-[0-9]+$"];
        choose(&self.read("/usr/bin/apt-cache", &search), wanted)
    }

    /// Downloads PostgreSQL `major` and unpacks it into `root`, with the libraries that this
    /// machine lacks, or with `every_library` if what the machine says about itself is wrong.
    pub fn unpack(&self, major: u32, every_library: bool, root: &Path) -> Result<Binaries, String> {
        let server = format!("postgresql-{major}");
        let mut plan = vec!["--simulate", "--no-install-recommends", "install", &server];
        if every_library {
            plan.extend(["-o", "Dir::State::status=/dev/null"]);
        }
        let packages = needed(&self.read("/usr/bin/apt-get", &plan), major);
        say(&format!(
            "no Postgres is installed: fetching {} into {}",
            packages.join(", "),
            root.display()
        ));
        let archives = root.join("archives");
        fs::create_dir_all(&archives)
            .map_err(|error| format!("{} can't be created: {error}", archives.display()))?;
        let mut download = self.command("/usr/bin/apt-get");
        download
            .arg("download")
            .args(&packages)
            .current_dir(&archives)
            .stdout(io::stderr());
        run("apt-get download", &mut download)?;
        let entries = fs::read_dir(&archives).into_iter().flatten().flatten();
        for archive in entries.map(|entry| entry.path()) {
            let mut dpkg = Command::new("/usr/bin/dpkg");
            run("dpkg -x", dpkg.arg("-x").arg(archive).arg(root))?;
        }
        // They are unpacked: what is left of them only takes space.
        let _space = fs::remove_dir_all(&archives);
        Binaries::unpacked(root)
    }
}

fn run(name: &str, command: &mut Command) -> Result<(), String> {
    match command.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("`{name}` failed ({status})")),
        Err(error) => Err(format!("`{name}` could not be run: {error}")),
    }
}

fn choose(offered: &str, wanted: Option<u32>) -> Result<u32, String> {
    let majors: Vec<u32> = offered
        .lines()
        .filter_map(|line| {
            line.strip_prefix("postgresql-")?
                .split(' ')
                .next()?
                .parse()
                .ok()
        })
        .collect();
    let good = |major: &&u32| wanted.map_or(**major >= OLDEST, |wanted| **major == wanted);
    majors
        .iter()
        .filter(good)
        .max()
        .copied()
        .ok_or_else(|| match majors.iter().max() {
            Some(newest) => format!("apt-get offers PostgreSQL {newest} at best"),
            None => "apt-get offers no PostgreSQL, perhaps because its servers can't be reached"
                .to_owned(),
        })
}

/// The packages to unpack, from apt-get's plan for installing the server: it, the client
/// programs (`psql` and `pg_dump` are handy), and the libraries this machine lacks.
fn needed(plan: &str, major: u32) -> Vec<String> {
    let planned = plan
        .lines()
        .filter_map(|line| line.strip_prefix("Inst ")?.split(' ').next());
    let libraries = planned.filter(|name| is_library(name)).map(str::to_owned);
    let programs = [
        format!("postgresql-{major}"),
        format!("postgresql-client-{major}"),
    ];
    programs.into_iter().chain(libraries).collect()
}

/// Only what the server loads: not the compiler of its JIT, which is off, nor Perl's modules,
/// nor the C library, which must stay that of the system.
fn is_library(package: &str) -> bool {
    let not_loaded = ["libllvm", "libz3", "libc6", "libc-", "libperl"];
    package.starts_with("lib")
        && !package.ends_with("-perl")
        && !not_loaded.iter().any(|prefix| package.starts_with(prefix))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_good_version_on_offer_is_chosen() {
        let offered = "postgresql-14 - The World's\npostgresql-16 - The\npostgresql-17 - The\n";
        assert_eq!(choose(offered, None), Ok(17));
        assert_eq!(choose(offered, Some(16)), Ok(16));
        assert!(
            choose(offered, Some(15))
                .unwrap_err()
                .contains("17 at best")
        );
        assert!(
            choose("postgresql-14 - The World's\n", None)
                .unwrap_err()
                .contains("14")
        );
        assert!(choose("", None).is_err());
    }

    #[test]
    fn only_what_the_server_loads_is_fetched() {
        let plan = "NOTE: This is only a simulation!\n\
            Inst libjson-perl (4.10000-1 Debian:12 [all])\n\
            Inst libpq5 (15.18-0+deb12u1 Debian:12 [amd64])\n\
            Inst libllvm14 (1:14.0.6-12 Debian:12 [amd64])\n\
            Inst libc6 [2.36-9] (2.36-10 Debian:12 [amd64])\n\
            Inst ssl-cert (1.1.2 Debian:12 [all])\n\
            Inst libxslt1.1 (1.1.35-1 Debian:12 [amd64])\n\
            Inst postgresql-15 (15.18-0+deb12u1 Debian:12 [amd64])\n\
            Conf libpq5 (15.18-0+deb12u1 Debian:12 [amd64])\n";
        let expected = [
            "postgresql-15",
            "postgresql-client-15",
            "libpq5",
            "libxslt1.1",
        ];
        assert_eq!(needed(plan, 15), expected);
    }
}
