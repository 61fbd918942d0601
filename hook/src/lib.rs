//! What the git server runs before it accepts a push: may this push go in?
//!
//! **For:** the pre-receive hook `oam-hook`. The pieces, in the order of a push: [`arguments`], [`config`],
//! [`environment`] (who pushes where), [`stdin`] (which refs), [`symref`] (which refs those move besides), [`ask`] (the
//! conversation with the daemon, with [`git`] and [`history`] for the facts that it asks for), [`mod@print`] (the words laid
//! out for a person), and [`spool`] for pushes that an administrator lets through while no daemon answers.
//!
//! **In:** arguments, environment, standard input, the git repository's object directories.
//! **Out:** text on standard error, an [exit code](exit).
//!
//! **Must never:** decide anything. Nothing but `OUTCOME_PERMITTED` from a daemon gives exit code 0, with the one
//! exception of `on_unavailable`, which the administrator writes into the configuration. No environment variable turns
//! a check off. No byte from outside is printed raw. Nothing in the repository is opened before the daemon asks,
//! except to see whether an updated ref is a symbolic one.

pub mod applied;
pub mod arguments;
pub mod ask;
pub mod config;
pub mod environment;
pub mod git;
pub mod git_child;
pub mod git_dir;
pub mod history;
pub mod print;
pub mod run;
pub mod spool;
pub mod stdin;
pub mod symref;
#[cfg(test)]
mod testing;
pub mod undecided;

/// What the process says to git: anything but 0 turns the push away.
pub mod exit {
    /// A daemon permitted the push, or `on_unavailable` let it through.
    pub const PERMITTED: i32 = 0;
    /// A daemon refused the push.
    pub const REFUSED: i32 = 1;
    /// Nobody could say: `EX_TEMPFAIL` of sysexits(3).
    pub const UNDECIDED: i32 = 75;
}
