//! git as the tests run it: nothing of the machine's or the user's configuration, and the same author and date always.

use std::{
    env,
    ffi::OsStr,
    path::{Path, PathBuf},
    process::Command,
};

use crate::process::{Finished, Run};

/// A hermetic git, with a home of its own.
#[derive(Debug, Clone)]
pub struct Git {
    home: PathBuf,
}

impl Git {
    /// With `home` as the home folder; it should be empty or not exist.
    pub fn new(home: &Path) -> Self {
        std::fs::create_dir_all(home).unwrap();
        Self { home: home.to_owned() }
    }

    /// The variables that make git hermetic. Everything else is to be cleared.
    pub fn environment(&self) -> Vec<(&'static str, String)> {
        let mut variables = vec![
            ("PATH", env::var("PATH").unwrap_or_else(|_| "/usr/local/bin:/usr/bin:/bin".into())),
            ("HOME", self.home.display().to_string()),
            ("LC_ALL", "C".into()),
            ("TZ", "UTC".into()),
            ("GIT_CONFIG_NOSYSTEM", "1".into()),
            ("GIT_CONFIG_GLOBAL", "/dev/null".into()),
            ("GIT_TERMINAL_PROMPT", "0".into()),
            ("GIT_AUTHOR_NAME", "Ann Author".into()),
            ("GIT_AUTHOR_EMAIL", "ann@example.com".into()),
            ("GIT_AUTHOR_DATE", "2026-01-02T03:04:05Z".into()),
            ("GIT_COMMITTER_NAME", "Carl Committer".into()),
            ("GIT_COMMITTER_EMAIL", "carl@example.com".into()),
            ("GIT_COMMITTER_DATE", "2026-01-02T03:04:05Z".into()),
        ];
        // Where a measured build of the hook leaves its coverage.
        if let Ok(profile) = env::var("LLVM_PROFILE_FILE") {
            variables.push(("LLVM_PROFILE_FILE", profile));
        }
        variables
    }

    /// `git`, to be run in `folder`.
    pub fn command(&self, folder: &Path) -> Command {
        let mut command = Command::new("git");
        command.current_dir(folder).env_clear().envs(self.environment());
        command
    }

    /// Runs git in `folder`, to its end.
    pub fn run<S: AsRef<OsStr>>(&self, folder: &Path, arguments: impl IntoIterator<Item = S>) -> Finished {
        self.command(folder).args(arguments).run()
    }

    /// Runs git in `folder` and gives what it printed, without the line feed at the end.
    ///
    /// # Panics
    /// When it fails.
    #[track_caller]
    pub fn read<S: AsRef<OsStr>>(&self, folder: &Path, arguments: impl IntoIterator<Item = S>) -> String {
        let mut command = self.command(folder);
        command.args(arguments);
        command.run().expect_success(&format!("{command:?}")).stdout_text().trim_end().to_owned()
    }
}
