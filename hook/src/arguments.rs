//! The command line. git passes a hook no arguments; these are for administrators and timers.

use std::{
    env,
    ffi::{OsStr, OsString},
    path::{Path, PathBuf},
};

use oam_policy::printable::Printable;
use thiserror::Error;

/// What `--help` prints.
pub const HELP: &str = "\
oam-hook: asks Bitbucket OAM whether a push may go in. git runs it as the
pre-receive hook; it reads the push from standard input. Run as post-receive, it
reports what was applied.

Usage: oam-hook [--config FILE] [COMMAND]

Commands:
  (none)     Check the push on standard input
  applied    Report the push on standard input as applied: for a post-receive
             hook that is not called `post-receive`
  deliver    Send what was let through without a check to the audit log

Options:
  --config FILE   Read FILE instead of `oam-hook.toml` beside the hook or
                  /etc/oam/hook.toml
  --version       Print the version
  --help          Print this

Exit codes: 0 permitted, 1 refused, 75 could not be checked.
";

/// The raw command line, program name first.
#[derive(Debug, Clone)]
pub struct Arguments(Vec<OsString>);

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Check a push.
    Check,
    /// Report that a push was applied.
    Applied,
    /// Deliver spooled pushes.
    Deliver,
    /// Print the version.
    Version,
    /// Print the help.
    Help,
}

/// A parsed command line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// What is to be done.
    pub command: Command,
    /// The configuration file that was named.
    pub config: Option<PathBuf>,
}

/// Why a command line cannot be followed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ArgumentsError {
    /// Nothing known.
    #[error("the hook was run with the unknown argument `{0}`")]
    Unknown(String),
    /// `--config` at the end.
    #[error("the hook was run with `--config` and no file after it")]
    NoConfigFile,
}

impl Arguments {
    /// Those of this process.
    pub fn of_process() -> Self {
        Self(env::args_os().collect())
    }

    /// The program as it was called, which is often a link to the binary: `hooks/pre-receive`.
    pub fn program(&self) -> Option<&Path> {
        self.0.first().map(Path::new)
    }

    /// Parses the command line.
    ///
    /// # Errors
    /// For an argument that is not known.
    pub fn parse(&self) -> Result<Call, ArgumentsError> {
        let is_post = self.program().and_then(Path::file_name) == Some(OsStr::new("post-receive"));
        let command = if is_post { Command::Applied } else { Command::Check };
        let mut call = Call { command, config: None };
        let mut rest = self.0.iter().skip(1);
        while let Some(argument) = rest.next() {
            match argument.to_str() {
                Some("--config") => {
                    let file = rest.next().ok_or(ArgumentsError::NoConfigFile)?;
                    call.config = Some(file.into());
                }
                Some("applied") => call.command = Command::Applied,
                Some("deliver") => call.command = Command::Deliver,
                Some("--version" | "-V") => return Ok(Call { command: Command::Version, config: None }),
                Some("--help" | "-h") => return Ok(Call { command: Command::Help, config: None }),
                _ => return Err(ArgumentsError::Unknown(shown(argument))),
            }
        }
        Ok(call)
    }
}

impl<S: Into<OsString>> FromIterator<S> for Arguments {
    fn from_iter<I: IntoIterator<Item = S>>(arguments: I) -> Self {
        Self(arguments.into_iter().map(Into::into).collect())
    }
}

fn shown(argument: &OsStr) -> String {
    Printable::new(argument.as_encoded_bytes()).to_string()
}

#[cfg(test)]
mod tests {
    use super::{Arguments, ArgumentsError, Call, Command};

    fn parse(arguments: &[&str]) -> Result<Call, ArgumentsError> {
        ["hook"].iter().chain(arguments).collect::<Arguments>().parse()
    }

    #[test]
    fn what_is_known() {
        let call = |command, config: Option<&str>| Ok(Call { command, config: config.map(Into::into) });
        assert_eq!(parse(&[]), call(Command::Check, None));
        assert_eq!(parse(&["--config", "/x"]), call(Command::Check, Some("/x")));
        assert_eq!(parse(&["deliver", "--config", "/x"]), call(Command::Deliver, Some("/x")));
        assert_eq!(parse(&["applied"]), call(Command::Applied, None));
        assert_eq!(parse(&["--version"]), call(Command::Version, None));
        assert_eq!(parse(&["--help"]), call(Command::Help, None));
    }

    #[test]
    fn git_says_by_the_name_whether_it_is_before_or_after() {
        let command = |program: &str| [program].into_iter().collect::<Arguments>().parse().unwrap().command;
        assert_eq!(command("hooks/pre-receive"), Command::Check);
        assert_eq!(command("hooks/post-receive"), Command::Applied);
        assert_eq!(command("post-receive.d"), Command::Check);
    }

    #[test]
    fn what_is_not_known_is_not_passed_over() {
        assert_eq!(parse(&["--config"]), Err(ArgumentsError::NoConfigFile));
        assert_eq!(parse(&["refs/heads/x\u{1b}"]), Err(ArgumentsError::Unknown("refs/heads/x\\x1b".into())));
    }
}
