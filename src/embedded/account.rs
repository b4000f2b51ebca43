//! The user that Postgres runs as. It refuses to run as root, so a service that does lends it
//! the user of existing data, else `postgres`, else `nobody`.

use super::error::{Error, While};
use std::{
    fs::{self, DirBuilder},
    io,
    os::unix::{
        fs::{DirBuilderExt, MetadataExt, lchown},
        process::CommandExt,
    },
    path::Path,
    process::{Command, Stdio},
};

/// A user of this machine, and whether a child process has to be switched to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Account {
    pub uid: u32,
    gid: u32,
    switch: bool,
}

impl Account {
    /// The user this process runs as.
    pub fn own() -> Result<Self, Error> {
        let id = |flag: &str| -> Result<u32, Error> {
            let doing = || format!("ask who is running this (`id {flag}`)");
            let output = Command::new("id").arg(flag).output().doing(doing)?;
            let text = String::from_utf8_lossy(&output.stdout);
            text.trim().parse().map_err(io::Error::other).doing(doing)
        };
        Ok(Self {
            uid: id("-u")?,
            gid: id("-g")?,
            switch: false,
        })
    }

    /// Whether this is root.
    pub fn is_root(self) -> bool {
        self.uid == 0
    }

    /// The user to run Postgres as on `cluster`, whether that exists yet or not.
    pub fn for_server(self, cluster: &Path) -> Result<Self, Error> {
        if !self.is_root() {
            return Ok(self);
        }
        if let Ok(data) = fs::metadata(cluster)
            && data.uid() != 0
        {
            return Ok(Self {
                uid: data.uid(),
                gid: data.gid(),
                switch: true,
            });
        }
        let users = fs::read_to_string("/etc/passwd").doing(|| "read /etc/passwd".to_owned())?;
        ["postgres", "nobody"]
            .iter()
            .find_map(|name| in_passwd(&users, name))
            .ok_or_else(|| io::Error::other("/etc/passwd has neither `postgres` nor `nobody`"))
            .doing(|| "find a user to run Postgres as, since it refuses root".to_owned())
    }

    /// A command that runs as this user, with nothing of our environment.
    pub fn command(self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command
            .env_clear()
            .env("PATH", "/usr/local/bin:/usr/bin:/bin")
            .env("LC_ALL", "C")
            .current_dir("/");
        if self.switch {
            command.uid(self.uid).gid(self.gid);
        }
        command
    }

    /// Whether this user can get into `dir`; asked of the system, which knows every rule.
    pub fn can_enter(self, dir: &Path) -> Result<bool, Error> {
        self.command(Path::new("/bin/sh"))
            .args(["-c", "cd -- \"$1\"", "sh"])
            .arg(dir)
            .stderr(Stdio::null())
            .status()
            .map(|status| status.success())
            .doing(|| {
                format!(
                    "run a program as the user that Postgres runs as (uid {})",
                    self.uid
                )
            })
    }

    /// Sends a signal, as this user, so that nobody else's process can be hit.
    pub fn signal(self, signal: &str, pid: u32) {
        // A process that has ended meanwhile is what the caller wants.
        let _ended_already = self
            .command(Path::new("/bin/sh"))
            .args([
                "-c",
                "kill -s \"$1\" \"$2\"",
                "sh",
                signal,
                &pid.to_string(),
            ])
            .stderr(Stdio::null())
            .status();
    }

    /// Makes `dir` a folder that only this user (and root) can look into, or checks that it is.
    pub fn private_folder(self, dir: &Path) -> Result<(), Error> {
        match DirBuilder::new().mode(0o700).create(dir) {
            Ok(()) if self.switch => lchown(dir, Some(self.uid), Some(self.gid))
                .doing(|| format!("give {} to uid {}", dir.display(), self.uid))?,
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error).doing(|| format!("create {}", dir.display())),
        }
        let found = fs::symlink_metadata(dir).doing(|| format!("look at {}", dir.display()))?;
        if found.uid() != self.uid {
            let path = dir.to_owned();
            return Err(Error::NotOurs {
                path,
                owner: found.uid(),
                wanted: self.uid,
            });
        }
        if !found.is_dir() || found.mode() & 0o077 != 0 {
            return Err(io::Error::other(
                "it is not a folder closed to other users (mode 0700)",
            ))
            .doing(|| format!("use {}", dir.display()));
        }
        Ok(())
    }
}

fn in_passwd(users: &str, name: &str) -> Option<Account> {
    users.lines().find_map(|line| {
        let mut fields = line.split(':');
        (fields.next()? == name).then_some(())?;
        let uid = fields.nth(1)?.parse().ok()?;
        let gid = fields.next()?.parse().ok()?;
        Some(Account {
            uid,
            gid,
            switch: true,
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_is_found_by_its_whole_name() {
        let users = "root:x:0:0::/root:/bin/sh\npostgres2:x:9:9::/:/bin/sh\n\
                     postgres:x:101:104:PostgreSQL,,,:/var/lib/postgresql:/bin/bash\n";
        let found = in_passwd(users, "postgres").unwrap();
        assert_eq!((found.uid, found.gid), (101, 104));
        assert_eq!(in_passwd(users, "nobody"), None);
    }
}
