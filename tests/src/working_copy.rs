//! Where a developer works: commits, and pushes.

use std::{
    ffi::{OsStr, OsString},
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::atomic::{AtomicU32, Ordering},
};

use crate::{Git, PushOutput, Run};

/// A working copy. It lives as long as the folder that it was made in.
#[derive(Debug)]
pub struct WorkingCopy {
    git: Git,
    path: PathBuf,
    variables: Vec<(OsString, OsString)>,
}

impl WorkingCopy {
    /// An empty one in a new folder below `parent`, whose remote `origin` is `address`.
    pub fn new(git: &Git, parent: &Path, address: &str) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(1);
        let path = parent.join(format!("work-{}", COUNT.fetch_add(1, Ordering::Relaxed)));
        fs::create_dir(&path).unwrap();
        git.read(&path, ["init", "--quiet", "--template=", "--initial-branch=main"]);
        git.read(&path, ["remote", "add", "origin", address]);
        Self { git: git.clone(), path, variables: Vec::new() }
    }

    /// The same, pushing as `user`: over a local path the git server's `REMOTE_USER` is the pusher's own variable.
    #[must_use]
    pub fn pushing_as(self, user: &str) -> Self {
        self.with("REMOTE_USER", user)
    }

    /// The same, with a variable for git.
    #[must_use]
    pub fn with(mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        self.variables.retain(|(known, _)| known != name.as_ref());
        self.variables.push((name.as_ref().into(), value.as_ref().into()));
        self
    }

    /// Its folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// `git`, to be run here.
    pub fn command(&self) -> Command {
        let mut command = self.git.command(&self.path);
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        command
    }

    /// Runs git here and gives what it printed.
    ///
    /// # Panics
    /// When it fails.
    #[track_caller]
    pub fn git<S: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = S>) -> String {
        let mut command = self.command();
        command.args(arguments);
        command.run().expect_success(&format!("{command:?}")).stdout_text().trim_end().to_owned()
    }

    /// Makes a commit on the current branch that says and holds `message`; gives its id.
    pub fn commit(&self, message: &str) -> String {
        fs::write(self.path.join("file.txt"), format!("{message}\n")).unwrap();
        self.git(["add", "file.txt"]);
        self.git(["commit", "--quiet", "--allow-empty", "--message", message]);
        self.git(["rev-parse", "HEAD"])
    }

    /// Replaces the last commit by another one beside it; gives its id.
    pub fn amend(&self, message: &str) -> String {
        fs::write(self.path.join("file.txt"), format!("{message}\n")).unwrap();
        self.git(["commit", "--quiet", "--all", "--amend", "--message", message]);
        self.git(["rev-parse", "HEAD"])
    }

    /// Makes `count` local refs `refs/many/…` that name a commit, so that one pattern pushes them all: a refspec for
    /// each would cost git itself a time that grows with the square of their number. They are written as git packs
    /// them, since a file for each takes many seconds.
    pub fn name_many(&self, commit: &str, count: usize) {
        let id = self.git(["rev-parse", commit]);
        let mut packed = String::from("# pack-refs with: peeled fully-peeled sorted \n");
        packed.extend((0..count).map(|number| format!("{id} refs/many/{number:06}\n")));
        fs::write(self.path.join(".git/packed-refs"), packed).unwrap();
    }

    /// `git push origin …`, as `[+]source:destination` or options.
    pub fn push<S: AsRef<OsStr>>(&self, refspecs: impl IntoIterator<Item = S>) -> PushOutput {
        let mut command = self.command();
        command.args(["push", "--no-progress", "origin"]).args(refspecs);
        PushOutput { git: command.run() }
    }

    /// The same with the refspecs, one a line, on standard input of `git send-pack`: for names that no command line
    /// carries. Local paths only.
    pub fn send_pack(&self, refspecs: &[u8]) -> PushOutput {
        let address = self.git(["remote", "get-url", "origin"]);
        let mut command = self.command();
        command.args(["send-pack", "--stdin", &address]);
        PushOutput { git: command.run_with(refspecs) }
    }
}
