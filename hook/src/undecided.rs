//! Why the hook itself could not have a push checked. Never a refusal: the pusher is not at fault.

use std::io;

use thiserror::Error;

use crate::{
    arguments::ArgumentsError, ask::AskError, config::ConfigError, environment::EnvironmentError,
    git_dir::PlacesError, spool::SpoolError, stdin::StdinError, symref::SymrefError,
};

/// What went wrong, in the order of the steps of a push.
#[derive(Debug, Error)]
pub enum Undecided {
    /// The command line.
    #[error(transparent)]
    Arguments(#[from] ArgumentsError),
    /// The configuration.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// Where the repository is.
    #[error(transparent)]
    Places(#[from] PlacesError),
    /// Who pushes where.
    #[error(transparent)]
    Environment(#[from] EnvironmentError),
    /// What is pushed.
    #[error(transparent)]
    Stdin(#[from] StdinError),
    /// The process itself.
    #[error("the hook could not start: {0}")]
    Start(#[source] io::Error),
    /// What a push moves besides.
    #[error(transparent)]
    Symref(#[from] SymrefError),
    /// The conversation.
    #[error(transparent)]
    Ask(#[from] AskError),
    /// The record of a push that would have gone in without a check.
    #[error("{ask}. The refs pushed may go in without a check, but that could not be recorded: {spool}")]
    Spool {
        /// Why no daemon decided.
        ask: AskError,
        /// Why it could not be recorded.
        spool: SpoolError,
    },
}

impl Undecided {
    /// What an administrator can do.
    pub fn advice(&self) -> &'static str {
        match self {
            Self::Arguments(_) => "see `oam-hook --help`; a hook is run without arguments",
            Self::Config(error) => error.advice(),
            Self::Places(error) => error.advice(),
            Self::Environment(error) => error.advice(),
            Self::Stdin(error) => error.advice(),
            Self::Start(_) => "see whether the machine is short of memory, processes or open files",
            Self::Symref(error) => error.advice(),
            Self::Ask(error) => error.advice(),
            Self::Spool { spool, .. } => spool.advice(),
        }
    }
}
