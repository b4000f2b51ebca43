//! Gets a Postgres onto a machine that has none. On Debian and its kin: as root by installing
//! the package, as anyone else by downloading the packages and unpacking them into a folder.

use super::{apt::Apt, binaries::Binaries, say};
use std::{
    env,
    fs::{self, File},
    path::{Path, PathBuf},
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
    let lock_in = |folder: &PathBuf| {
        fs::create_dir_all(folder).ok()?;
        Some((folder.clone(), File::create(folder.join("lock")).ok()?))
    };
    let (folder, turn) = folders
        .iter()
        .find_map(lock_in)
        .ok_or("there is no folder to put it in")?;
    // Several services may start at once; the first one fetches for all.
    turn.lock()
        .map_err(|error| format!("{} can't be locked: {error}", folder.display()))?;
    if let Some(found) = Binaries::find(wanted, folders) {
        return Ok(found);
    }
    if root {
        install(wanted)
    } else {
        unpack(wanted, &folder)
    }
}

fn install(wanted: Option<u32>) -> Result<Binaries, String> {
    let system = Apt::of_the_system();
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
    let work = folder.join("unpacking");
    let _left_by_one_that_was_killed = fs::remove_dir_all(&work);
    let unpacked = unpack_aside(wanted, &work).and_then(|root| {
        let major = Binaries::unpacked(&root)?.major;
        let place = folder.join(major.to_string());
        let _only_when_broken = fs::remove_dir_all(&place);
        fs::rename(&root, &place)
            .map_err(|error| format!("{} can't be created: {error}", place.display()))?;
        Binaries::unpacked(&place)
    });
    let _scratch = fs::remove_dir_all(&work);
    unpacked
}

/// Tries what asks the least of the network first. The error has all that was tried.
fn unpack_aside(wanted: Option<u32>, work: &Path) -> Result<PathBuf, String> {
    let mut tried = Vec::new();
    for own_lists in [false, true] {
        let apt = if own_lists {
            say("fetching the package lists of this system into a folder of our own");
            let apt = Apt::with_private_lists(&work.join("apt"));
            let apt = apt.map_err(|error| format!("{} can't be used: {error}", work.display()))?;
            apt.update();
            apt
        } else {
            Apt::of_the_system()
        };
        for every_library in [false, true] {
            let root = work.join(format!("root-{own_lists}-{every_library}"));
            let major = apt.choose(wanted);
            match major.and_then(|major| apt.unpack(major, every_library, &root)) {
                Ok(_) => return Ok(root),
                Err(why) if tried.contains(&why) => {}
                Err(why) => tried.push(why),
            }
        }
    }
    Err(tried.join("; "))
}
