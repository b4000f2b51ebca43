//! Runs a program that ends when this process does, however that comes about: a small shell
//! script watches a pipe whose other end only this process holds.

use super::{
    account::Account,
    binaries::Binaries,
    error::{Error, While},
};
use std::{
    ffi::OsString,
    io,
    os::unix::process::CommandExt,
    path::Path,
    process::{Child, ChildStdin, Stdio},
};

/// A program under guard.
#[derive(Debug)]
pub(super) struct Guarded {
    /// The guard, which ends when the program has ended, and with its exit status.
    pub guard: Child,
    /// Dropping this asks the program to end.
    pub leash: ChildStdin,
}

/// Starts one of the `binaries` as `account`, with its output added to `log`. It gets a process
/// group of its own, so that Ctrl-C reaches the service alone, which still needs its database.
pub(super) fn start(
    binaries: &Binaries,
    account: Account,
    log: &Path,
    program: &str,
    arguments: &[OsString],
) -> Result<Guarded, Error> {
    let program = binaries.program(program);
    let doing = || format!("start {}", program.display());
    let mut command = account.command(Path::new("/bin/sh"));
    binaries.add_libraries(&mut command);
    let mut guard = command
        .args(["-c", include_str!("guard.sh"), "engagement-desk-guard"])
        .arg(log)
        .arg(&program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .process_group(0)
        .spawn()
        .doing(doing)?;
    let leash = guard.stdin.take();
    let leash = leash
        .ok_or_else(|| io::Error::other("it has no input"))
        .doing(doing)?;
    Ok(Guarded { guard, leash })
}
