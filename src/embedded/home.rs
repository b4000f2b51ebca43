//! The data folder: its lock, and where in it everything lies.
//!
//! ```text
//! <data folder>/lock                 held while a service runs; has its process id in it
//! <data folder>/server/              belongs to the user that Postgres runs as, mode 0700
//! <data folder>/server/cluster/      the data
//! <data folder>/server/postgres.log
//! <data folder>/server/socket/       the only way in
//! <data folder>/socket-at            says where the socket is
//! <data folder>/kept-at              a link, when `server` has to lie somewhere else
//! ```

use super::{
    account::Account,
    error::{Error, While},
    say,
};
use sha2::{Digest, Sha256};
use std::{
    env,
    ffi::OsString,
    fs::{self, DirBuilder, File, OpenOptions, TryLockError},
    io::{self, Read, Seek, Write},
    os::unix::{
        ffi::{OsStrExt, OsStringExt},
        fs::{DirBuilderExt, symlink},
    },
    path::{Path, PathBuf},
};

/// Where the data goes when root asks for a folder that no other user can get into.
const FALLBACK: &str = "/var/lib/engagement-desk";
/// A socket's path has to fit into 107 bytes; Postgres adds 14 to its folder.
const LONGEST_SOCKET_FOLDER: usize = 107 - "/.s.PGSQL.5432".len();

/// A data folder that this process has to itself.
#[derive(Debug)]
pub(super) struct Home {
    /// The folder that was asked for.
    asked: PathBuf,
    /// The folder that is used: nearly always the same one.
    used: PathBuf,
    locks: Vec<File>,
}

impl Home {
    /// Creates the folder when it is missing, and locks it.
    pub fn open(data_dir: &Path) -> Result<Self, Error> {
        let asked = make_folder(data_dir)?;
        let mut home = Self {
            used: asked.clone(),
            locks: vec![lock(&asked)?],
            asked,
        };
        let link = home.link();
        if link.is_symlink() {
            let used = link.canonicalize().doing(|| {
                format!(
                    "follow {}, which says where this folder's data is",
                    link.display()
                )
            })?;
            home.go_to(used)?;
        }
        Ok(home)
    }

    /// Moves to the fallback folder when `account` can't get into this one.
    pub fn be_reachable_by(&mut self, account: Account) -> Result<(), Error> {
        if account.can_enter(&self.used)? {
            return Ok(());
        }
        if self.cluster().exists() {
            return Err(Error::OutOfReach {
                dir: self.used.clone(),
                uid: account.uid,
            });
        }
        let used = make_folder(&Path::new(FALLBACK).join(short_name(&self.asked)))?;
        say(&format!(
            "Postgres can't run as root, and its user can't get into {}: keeping the data in {}",
            self.asked.display(),
            used.display()
        ));
        let link = self.link();
        symlink(&used, &link).doing(|| format!("create {}", link.display()))?;
        self.go_to(used)
    }

    /// The folder with the data of Postgres.
    pub fn cluster(&self) -> PathBuf {
        self.server().join("cluster")
    }

    /// Everything that belongs to the user that Postgres runs as.
    pub fn server(&self) -> PathBuf {
        self.used.join("server")
    }

    /// The log of Postgres.
    pub fn log(&self) -> PathBuf {
        self.server().join("postgres.log")
    }

    /// Where fetched programs go when there is no better place.
    pub fn binaries(&self) -> PathBuf {
        self.used.join("binaries")
    }

    /// A private folder for the socket: here where its path is short and plain enough, else in
    /// one of the places for such things.
    pub fn socket_folder(&self, account: Account, root: bool) -> Result<PathBuf, Error> {
        let here = self.server().join("socket");
        if fits(&here) {
            account.private_folder(&here)?;
            return Ok(here);
        }
        let run = if root {
            Some(PathBuf::from("/run"))
        } else {
            runtime_folder()
        };
        let name = format!("engagement-desk-{}", short_name(&self.used));
        let places = run.into_iter().chain([PathBuf::from("/tmp")]);
        // Somebody else may have taken a name in /tmp: the check of the owner tells.
        let mut candidates = places.flat_map(|place| {
            [
                place.join(&name),
                place.join(format!("{name}-2")),
                place.join(format!("{name}-3")),
            ]
        });
        candidates
            .find(|folder| fits(folder) && account.private_folder(folder).is_ok())
            .ok_or_else(|| io::Error::other("neither the data folder nor /run nor /tmp would do"))
            .doing(|| "find a folder for the socket of Postgres".to_owned())
    }

    /// Notes where the socket is, for commands that want to reach the server of a running service.
    pub fn announce(&self, socket_folder: &Path) -> Result<(), Error> {
        let note = note(&self.asked);
        fs::write(&note, socket_folder.as_os_str().as_bytes())
            .doing(|| format!("write {}", note.display()))
    }

    fn link(&self) -> PathBuf {
        self.asked.join("kept-at")
    }

    fn go_to(&mut self, used: PathBuf) -> Result<(), Error> {
        // A copied link leads two data folders to the same data.
        self.locks.push(lock(&used)?);
        self.used = used;
        Ok(())
    }
}

/// Where the running server of a data folder has its socket.
pub(super) fn announced(data_dir: &Path) -> Result<PathBuf, Error> {
    let note = note(data_dir);
    let bytes = fs::read(&note).doing(|| format!("read {}", note.display()))?;
    Ok(PathBuf::from(OsString::from_vec(bytes)))
}

fn note(data_dir: &Path) -> PathBuf {
    data_dir.join("socket-at")
}

fn make_folder(dir: &Path) -> Result<PathBuf, Error> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o755)
        .create(dir)
        .and_then(|()| dir.canonicalize())
        .doing(|| format!("create the data folder {}", dir.display()))
}

fn lock(dir: &Path) -> Result<File, Error> {
    let path = dir.join("lock");
    let doing = || format!("lock {}", path.display());
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(&path)
        .doing(doing)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let mut pid = String::new();
            // Only for the message: without it, the message is shorter.
            let _unread = file.take(20).read_to_string(&mut pid);
            return Err(Error::InUse {
                dir: dir.to_owned(),
                holder: pid.trim().parse().ok(),
            });
        }
        Err(TryLockError::Error(error)) => return Err(error).doing(doing),
    }
    file.set_len(0)
        .and_then(|()| file.rewind())
        .and_then(|()| writeln!(file, "{}", std::process::id()))
        .doing(doing)?;
    Ok(file)
}

/// A name for `path` that is short, the same each time, and nobody else's.
fn short_name(path: &Path) -> String {
    let digest = Sha256::digest(path.as_os_str().as_bytes());
    digest
        .iter()
        .take(8)
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// Whether Postgres takes the folder as it is: its setting is a list with commas and quotes.
fn fits(folder: &Path) -> bool {
    let bytes = folder.as_os_str().as_bytes();
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"/-_.".contains(byte);
    bytes.len() <= LONGEST_SOCKET_FOLDER && bytes.iter().all(plain)
}

fn runtime_folder() -> Option<PathBuf> {
    env::var_os("XDG_RUNTIME_DIR")
        .map(PathBuf::from)
        .filter(|dir| dir.is_absolute())
}

/// Removes what is left of a socket folder outside the data folder.
pub(super) fn forget_socket_folder(folder: &Path, home: &Home) {
    if !folder.starts_with(home.server()) {
        // It is empty after a clean end; if not, the next start takes it over.
        let _not_empty = fs::remove_dir(folder);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_socket_folder_is_short_and_plain() {
        assert!(fits(Path::new("/srv/desk/server/socket")));
        assert!(!fits(Path::new("/srv/a, b/server/socket")));
        assert!(fits(Path::new(&format!("/{}", "x".repeat(92)))));
        assert!(!fits(Path::new(&format!("/{}", "x".repeat(93)))));
    }

    #[test]
    fn short_names_tell_folders_apart() {
        assert_eq!(short_name(Path::new("/a")), short_name(Path::new("/a")));
        assert_ne!(short_name(Path::new("/a")), short_name(Path::new("/b")));
        assert_eq!(short_name(Path::new("/a")).len(), 16);
    }
}
