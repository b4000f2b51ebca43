//! Gets a Postgres onto a machine that has none. On Debian and its kin: as root by installing
//! the package, as anyone else by downloading the packages and unpacking them into a folder.

use super::{
    binaries::{Binaries, OLDEST},
    error::While,
    say,
};
use std::{
    env,
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// While this file exists, installing Postgres doesn't set up and start a cluster.
const NO_SYSTEM_CLUSTER: &str = "/etc/postgresql-common/createcluster.d/engagement-desk.conf";

/// Where fetched programs are shared by all data folders of this user, if there is such a place.
pub(super) fn shared_folder(root: bool) -> Option<PathBuf> {
    if root {
        return Some(PathBuf::from("/var/cache/engagement-desk/postgres"));
    }
    let absolute = |name| {
        env::var_os(name)
            .map(PathBuf::from)
            .filter(|dir| dir.is_absolute())
    };
    let cache = absolute("XDG_CACHE_HOME").or_else(|| Some(absolute("HOME")?.join(".cache")))?;
    Some(cache.join("engagement-desk/postgres"))
}

/// Gets a Postgres of the major version `wanted`, or else the newest on offer. `folders` are
/// where unpacked packages may go, best first. The error says what was tried.
pub(super) fn obtain(
    wanted: Option<u32>,
    folders: &[PathBuf],
    root: bool,
) -> Result<Binaries, String> {
    if !Path::new("/usr/bin/apt-get").exists() || !Path::new("/usr/bin/dpkg").exists() {
        return Err("this system has no apt-get and dpkg to get it with".to_owned());
    }
    let usable = |folder: &&PathBuf| fs::create_dir_all(folder).is_ok() && writable(folder);
    let folder = folders
        .iter()
        .find(usable)
        .ok_or("there is no folder to put it in")?;
    // Several services may start at once; the first one fetches for all.
    let turn = File::create(folder.join("lock")).and_then(|file| file.lock().map(|()| file));
    let _turn = turn.map_err(|error| format!("{} can't be locked: {error}", folder.display()))?;
    if let Some(found) = Binaries::find(wanted, folders) {
        return Ok(found);
    }
    if root {
        install(wanted)
    } else {
        unpack(wanted, folder)
    }
}

fn writable(folder: &Path) -> bool {
    fs::OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(folder.join("lock"))
        .is_ok()
}

fn install(wanted: Option<u32>) -> Result<Binaries, String> {
    let system = Apt {
        options: Vec::new(),
    };
    let major = match system.choose(wanted) {
        Ok(major) => major,
        Err(_no_lists_yet) => {
            system.update();
            system.choose(wanted)?
        }
    };
    say(&format!(
        "no Postgres is installed: installing postgresql-{major} with apt-get"
    ));
    let hold = hold_back_the_system_cluster();
    let package = format!("postgresql-{major}");
    let arguments = [
        "install",
        "--yes",
        "--no-install-recommends",
        "-o",
        "DPkg::Lock::Timeout=300",
    ];
    let try_it = || system.run(&[&arguments[..], &[&package]].concat());
    let outcome = try_it().or_else(|_lists_may_be_old| {
        system.update();
        try_it()
    });
    drop(hold);
    outcome?;
    Binaries::find(Some(major), &[]).ok_or_else(|| format!("{package} came without its programs"))
}

/// Removes the file again when dropped, so that a later install by hand behaves as usual.
struct Hold;

impl Drop for Hold {
    fn drop(&mut self) {
        let _gone_already = fs::remove_file(NO_SYSTEM_CLUSTER);
    }
}

fn hold_back_the_system_cluster() -> Option<Hold> {
    let path = Path::new(NO_SYSTEM_CLUSTER);
    let written = fs::create_dir_all(path.parent()?)
        .and_then(|()| fs::write(path, "create_main_cluster = false\n"));
    written.is_ok().then_some(Hold)
}

fn unpack(wanted: Option<u32>, folder: &Path) -> Result<Binaries, String> {
    let work = folder.join(format!("unpacking-{}", std::process::id()));
    let lists = work.join("apt");
    let outcome = Apt {
        options: Vec::new(),
    }
    .unpack_into(wanted, &work)
    .or_else(|first| {
        // The system has no package lists, or old ones: use our own.
        let apt = Apt::with_private_lists(&lists).map_err(|error| error.to_string())?;
        say("fetching the package lists of this system into a folder of our own");
        apt.update();
        apt.unpack_into(wanted, &work)
            .map_err(|second| format!("{first}; {second}"))
    });
    let outcome = outcome.and_then(|major| {
        let unpacked = folder.join(major.to_string());
        let _only_when_broken = fs::remove_dir_all(&unpacked);
        fs::rename(work.join("root"), &unpacked)
            .doing(|| format!("create {}", unpacked.display()))
            .map_err(|error| error.to_string())?;
        Binaries::unpacked(&unpacked)
    });
    let _scratch = fs::remove_dir_all(&work);
    outcome
}

/// apt-get and its relatives, with the options that choose its folders.
struct Apt {
    options: Vec<String>,
}

impl Apt {
    fn with_private_lists(dir: &Path) -> io::Result<Self> {
        fs::create_dir_all(dir.join("state/lists/partial"))?;
        fs::create_dir_all(dir.join("cache/archives/partial"))?;
        let dir = dir.display();
        let options = [
            format!("Dir::State={dir}/state"),
            format!("Dir::Cache={dir}/cache"),
            "Dir::State::status=/var/lib/dpkg/status".to_owned(),
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
    fn update(&self) {
        let _seen_later = self.run(&["update"]);
    }

    /// Runs apt-get where the user can watch it.
    fn run(&self, arguments: &[&str]) -> Result<(), String> {
        let mut command = self.command("/usr/bin/apt-get");
        command.args(arguments).stdout(io::stderr());
        run(&mut command)
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
    fn choose(&self, wanted: Option<u32>) -> Result<u32, String> {
        let search = ["search", "--names-only", "^postgresql-[0-9]+$"];
        choose(&self.read("/usr/bin/apt-cache", &search), wanted)
    }

    /// Downloads what is missing and unpacks it into `work/root`. Gives the major version.
    fn unpack_into(&self, wanted: Option<u32>, work: &Path) -> Result<u32, String> {
        let major = self.choose(wanted)?;
        let server = format!("postgresql-{major}");
        let plan = self.read(
            "/usr/bin/apt-get",
            &["--simulate", "--no-install-recommends", "install", &server],
        );
        let packages = needed(&plan, major);
        let (archives, root) = (work.join("archives"), work.join("root"));
        say(&format!(
            "no Postgres is installed: fetching {server} and {} more packages into {}",
            packages.len().saturating_sub(1),
            work.parent().unwrap_or(work).display()
        ));
        let _from_a_first_try = fs::remove_dir_all(&archives);
        fs::create_dir_all(&archives)
            .and_then(|()| fs::create_dir_all(&root))
            .doing(|| format!("create {}", archives.display()))
            .map_err(|error| error.to_string())?;
        let mut download = self.command("/usr/bin/apt-get");
        download
            .arg("download")
            .args(&packages)
            .current_dir(&archives)
            .stdout(io::stderr());
        run(&mut download)?;
        let archives = fs::read_dir(&archives).into_iter().flatten().flatten();
        for archive in archives.map(|entry| entry.path()) {
            run(Command::new("/usr/bin/dpkg")
                .arg("-x")
                .arg(archive)
                .arg(&root))?;
        }
        Ok(major)
    }
}

fn run(command: &mut Command) -> Result<(), String> {
    let name = format!("{:?}", command.get_program()).replace('"', "");
    match command.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => {
            let first = command
                .get_args()
                .find(|argument| !argument.to_string_lossy().contains(['-', '=']));
            let first = first.unwrap_or_default().to_string_lossy().into_owned();
            Err(format!("`{name} {first}` failed ({status})"))
        }
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
            None => "apt-get offers no PostgreSQL".to_owned(),
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
