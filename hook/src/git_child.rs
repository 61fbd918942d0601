//! A `git` child process, for what the hook does not read itself.
//!
//! It is the `git` of the `PATH` that the hook was run with (git puts its own programs first there), run without a
//! shell. Of the environment it gets only what it needs: the quarantine, so that it sees the pushed objects, and
//! settings that keep replacement refs, grafts and everybody's configuration but the repository's own out of it.
//! It is killed when the future that waits for it is dropped, and so at the hook's deadline.

use std::{
    ffi::OsStr,
    path::Path,
    process::{self, ExitStatus, Stdio},
};

use oam_policy::printable::Printable;
use thiserror::Error;
use tokio::process::Command;

use crate::{environment::Variables, git_dir::OF_GIT};

/// How many characters of git's own words are passed on.
const SHOWN: usize = 200;

/// What git said.
#[derive(Debug)]
pub struct Output {
    /// How it ended.
    pub status: ExitStatus,
    /// Its standard output.
    pub stdout: Vec<u8>,
    /// Its standard error.
    pub stderr: Vec<u8>,
}

/// Why git said nothing.
#[derive(Debug, Error)]
#[error("git could not be run: {0}")]
pub struct GitError(#[from] std::io::Error);

/// Runs git in a repository, and waits for it.
///
/// # Errors
/// When it cannot be started.
pub async fn run(
    git_dir: &Path,
    variables: &Variables,
    arguments: &[impl AsRef<OsStr>],
) -> Result<Output, GitError> {
    let mut command = Command::from(command(git_dir, variables));
    command.args(arguments).stdin(Stdio::null()).kill_on_drop(true);
    let output = command.output().await?;
    Ok(Output { status: output.status, stdout: output.stdout, stderr: output.stderr })
}

pub(crate) fn command(git_dir: &Path, variables: &Variables) -> process::Command {
    let mut command = process::Command::new("git");
    command.env_clear();
    for name in OF_GIT.into_iter().chain(["PATH", "LD_LIBRARY_PATH", "TMPDIR"]) {
        if let Some(value) = variables.get(name) {
            command.env(name, value);
        }
    }
    command
        .env("GIT_DIR", git_dir)
        .env("GIT_NO_REPLACE_OBJECTS", "1")
        .env("GIT_GRAFT_FILE", "/dev/null")
        .env("GIT_NO_LAZY_FETCH", "1")
        // A git that is too old to know that has no way to fetch by.
        .env("GIT_ALLOW_PROTOCOL", "none")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("LC_ALL", "C");
    command
}

impl Output {
    /// The first line of what git complained of, made printable and kept short. Its advice is for somebody at a
    /// terminal of the server.
    pub fn complaint(&self) -> String {
        let mut lines = self.stderr.split(|byte| *byte == b'\n');
        let first = lines.find(|line| !line.starts_with(b"hint:")).unwrap_or_default();
        let said: String = Printable::new(first).to_string().chars().take(SHOWN).collect();
        if said.is_empty() { format!("git ended with {}", self.status) } else { said }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::ExitStatusExt as _;

    use super::{ExitStatus, Output};

    #[test]
    fn the_complaint_is_not_the_advice() {
        let said = |stderr: &str| {
            Output { status: ExitStatus::from_raw(0), stdout: vec![], stderr: stderr.into() }.complaint()
        };
        assert_eq!(
            said("hint: Support for grafts is deprecated\nhint: and more\nfatal: bad object\n"),
            "fatal: bad object"
        );
        assert_eq!(said("fatal: a\u{1b}[0m\nmore\n"), "fatal: a\\x1b[0m");
        assert!(said("hint: nothing else\n").starts_with("git ended with"));
    }
}
