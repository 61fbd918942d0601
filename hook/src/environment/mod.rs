//! Who pushes where, and by which way in: read from the variables that the git server sets.
//!
//! Three servers are known. With `[plain]` in the configuration only [`plain`] is read: otherwise whoever can pass
//! variables to the server (`SendEnv` of ssh) could name themselves by `BB_USER_NAME`. Without it only [`bitbucket`]
//! and [`external_hooks`] are read.

pub mod bitbucket;
pub mod external_hooks;
pub mod plain;
mod push_options;

use std::{
    collections::BTreeMap,
    ffi::{OsStr, OsString},
};

use oam_policy::{Channel, Merging, RefUpdate, Repository, Username};
use oam_proto::v1::ShownLease;
use thiserror::Error;

use crate::{arguments::Command, config::Config, git_dir::Places};

/// The variables of a process. They may hold secrets, so there is no `Debug`.
#[derive(Default)]
pub struct Variables(BTreeMap<OsString, OsString>);

/// Who pushes where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invocation {
    /// The repository that is pushed to.
    pub repository: Repository,
    /// Who pushes.
    pub pusher: Username,
    /// The way in.
    pub channel: Channel,
    /// The pull request that is merged or looked at, where the git server says which.
    pub pull_request: Option<Merging>,
    /// The lease whose token the push shows, where the git server hands push options on.
    pub lease: Option<ShownLease>,
    /// Where the updates come from.
    pub updates: Updates,
}

/// Whether a hook runs before the change, and can stop it, or after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// git's `pre-receive`.
    Before,
    /// git's `post-receive`.
    After,
}

/// Where the updates of a push come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Updates {
    /// Standard input has them.
    Stdin,
    /// It is a dry run: standard input is not read, and this is what would be done.
    DryRun(RefUpdate),
}

/// What is wrong with the variables.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum EnvironmentError {
    /// Not there, or empty.
    #[error("the variable `{variable}` is not set")]
    Missing {
        /// Which one.
        variable: String,
    },
    /// No UTF-8.
    #[error("the variable `{variable}` is not UTF-8 text")]
    NotText {
        /// Which one.
        variable: String,
    },
    /// No value of its kind.
    #[error("the variable `{variable}` cannot be used: {detail}")]
    Malformed {
        /// Which one.
        variable: String,
        /// What is wrong.
        detail: String,
    },
    /// Two variables for one thing that differ.
    #[error("the variables `{first}` and `{second}` contradict each other")]
    Contradiction {
        /// One.
        first: &'static str,
        /// The other.
        second: &'static str,
    },
    /// It would let everything in.
    #[error("the hook was told to report what was applied, and the git server runs it before anything is")]
    NotAppliedYet,
    /// Nothing that any known server sets.
    #[error("the git server set none of the variables that say who pushes where")]
    NoServer,
    /// The repository's name follows from its path, and its path is not as configured.
    #[error("the repository cannot be named: {detail}")]
    RepositoryPath {
        /// What is wrong.
        detail: String,
    },
}

impl EnvironmentError {
    /// What an administrator can do.
    pub fn advice(&self) -> &'static str {
        match self {
            Self::NotAppliedYet => {
                "run it as `oam-hook`, without `applied`, where pushes are checked, and `oam-hook applied` after them"
            }
            Self::NoServer => {
                "outside Bitbucket the hook's configuration needs `[plain]` with `principal_env` and `repository`"
            }
            Self::RepositoryPath { .. } => "look at `[plain]` in the hook's configuration",
            Self::Missing { .. }
            | Self::NotText { .. }
            | Self::Malformed { .. }
            | Self::Contradiction { .. } => "look at how the git server runs the hook",
        }
    }
}

/// When the hook runs. Bitbucket says so itself; elsewhere it goes by `command`, unless git shows that it cannot be so: only
/// before the change are there objects in quarantine.
///
/// # Errors
/// When the command is to report what was applied, and nothing is yet; when Bitbucket says something unknown.
pub fn moment(variables: &Variables, config: &Config, command: &Command) -> Result<Moment, EnvironmentError> {
    let is_hook_script = config.plain.is_none() && variables.get(bitbucket::TRIGGER).is_some();
    let is_before = if is_hook_script {
        bitbucket::moment(variables)? == Moment::Before
    } else {
        // By nothing else: a variable may be the pusher's own.
        *command != Command::Applied || variables.get("GIT_QUARANTINE_PATH").is_some()
    };
    match (is_before, command) {
        (true, Command::Applied) => Err(EnvironmentError::NotAppliedYet),
        (true, _) => Ok(Moment::Before),
        (false, _) => Ok(Moment::After),
    }
}

/// Whether it looks as if the change was made already. For words, where more is not known: whoever pushed must not be told
/// that nothing was changed.
pub fn seems_applied(variables: &Variables, command: &Command) -> bool {
    let is_after = *command == Command::Applied || variables.get(bitbucket::TYPE) == Some(OsStr::new("POST"));
    is_after && variables.get("GIT_QUARANTINE_PATH").is_none()
}

/// Reads who pushes where.
///
/// # Errors
/// The first variable that is missing or cannot be used.
pub fn read(variables: &Variables, config: &Config, places: &Places) -> Result<Invocation, EnvironmentError> {
    if let Some(plain) = &config.plain {
        return plain::read(variables, plain, places);
    }
    if variables.get(bitbucket::TRIGGER).is_some() {
        return bitbucket::read(variables);
    }
    external_hooks::read(variables)
}

impl Variables {
    /// The raw value; an empty one counts as not set.
    pub fn get(&self, variable: &str) -> Option<&OsStr> {
        self.0.get(OsStr::new(variable)).map(OsString::as_os_str).filter(|value| !value.is_empty())
    }

    /// A value that must be there, as text.
    ///
    /// # Errors
    /// When it is not set or not UTF-8.
    pub fn text(&self, variable: &str) -> Result<&str, EnvironmentError> {
        let missing = || EnvironmentError::Missing { variable: variable.to_owned() };
        self.optional_text(variable)?.ok_or_else(missing)
    }

    /// A value that may be there, as text.
    ///
    /// # Errors
    /// When it is set and not UTF-8.
    pub fn optional_text(&self, variable: &str) -> Result<Option<&str>, EnvironmentError> {
        let not_text = || EnvironmentError::NotText { variable: variable.to_owned() };
        self.get(variable).map(|value| value.to_str().ok_or_else(not_text)).transpose()
    }
}

impl<K: Into<OsString>, V: Into<OsString>> FromIterator<(K, V)> for Variables {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(variables: I) -> Self {
        Self(variables.into_iter().map(|(name, value)| (name.into(), value.into())).collect())
    }
}

/// The error for a value that is no value of its kind.
#[expect(clippy::needless_pass_by_value, reason = "errors and format arguments are given away")]
fn malformed(variable: &str, detail: impl ToString) -> EnvironmentError {
    EnvironmentError::Malformed { variable: variable.to_owned(), detail: detail.to_string() }
}

/// Parses the username in one variable.
fn username(variables: &Variables, variable: &str) -> Result<Username, EnvironmentError> {
    Username::parse(variables.text(variable)?).map_err(|error| malformed(variable, error))
}

/// Parses the repository whose halves stand in two variables.
fn repository(variables: &Variables, project: &str, slug: &str) -> Result<Repository, EnvironmentError> {
    let name = format!("{}/{}", variables.text(project)?, variables.text(slug)?);
    Repository::parse(&name).map_err(|error| malformed(&format!("{project}/{slug}"), error))
}
