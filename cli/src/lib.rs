//! `oam`: what administrators, auditors and developers ask of Bitbucket OAM at a terminal.
//!
//! **In:** a command line, files, and the daemon's answers over its admin socket or from another host; an audit log's files, for
//! `oam audit verify`. **Out:** one answer, laid out for people or as JSON, and an exit code ([`exit`]).
//!
//! - [`mod@command`]: what each command takes and does;
//! - [`client`], [`socket`] and [`remote`]: the way to the daemon;
//! - [`ci`]: what a job of a CI system does before it pushes;
//! - [`signin`]: at an identity provider, and what is kept of it;
//! - [`output`]: layouts and JSON, and the only place that writes to a terminal;
//! - [`log`]: the folder of an audit log, read without any daemon;
//! - [`query`] and [`index`]: finding entries in it;
//! - [`failure`]: what ended a command before its answer.
//!
//! **Must never:** decide anything itself, change state other than by asking the daemon, mix up "no" with "could
//! not tell", or print what came from outside without escaping it.

pub mod ci;
pub mod client;
pub mod command;
pub mod exit;
pub mod failure;
pub mod index;
pub mod log;
pub mod output;
pub mod query;
pub mod remote;
pub mod signin;
pub mod socket;

use std::path::PathBuf;

use clap::{CommandFactory as _, Parser, Subcommand};
use clap_complete::Shell;

use crate::{
    client::Address,
    command::{
        Context, Ending,
        audit::Audit,
        bitbucket::Bitbucket,
        explain::Explain,
        lease::{Ci, Lease},
        policy::Policy,
        privilege::{Breakglass, Grant},
        report::Reports,
        session::Login,
        signals::Signals,
        snapshot::Snapshot,
        source::Source,
        user::User,
        who::Who,
    },
    exit::Exit,
    output::{Color, Terminal, help},
    remote::Remote,
};

/// Asks and administers Bitbucket OAM: who may push what, and who could
#[derive(Debug, Parser)]
#[command(name = "oam", version, after_long_help = help::of_all(), arg_required_else_help = true)]
pub struct Oam {
    /// The daemon's admin socket
    #[arg(long, env = "OAM_SOCKET", hide_env_values = true, global = true, value_name = "PATH")]
    socket: Option<PathBuf>,
    /// Also trust a socket that belongs to this user (a uid), besides root and you
    #[arg(long, env = "OAM_TRUST_OWNER", hide_env_values = true, global = true, value_name = "UID")]
    trust_owner: Option<u32>,
    /// A daemon on another host, as in `https://oam.example.com:7444`
    #[arg(long, env = "OAM_DAEMON", hide_env_values = true, global = true, value_name = "URL")]
    daemon: Option<String>,
    /// The authorities of that daemon's certificate (PEM), in place of the system's
    #[arg(long, env = "OAM_DAEMON_CA", hide_env_values = true, global = true, value_name = "FILE")]
    daemon_ca: Option<PathBuf>,
    /// When to use colour
    #[arg(long, global = true, value_enum, default_value_t, value_name = "WHEN")]
    color: Color,
    /// Answer in JSON
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    task: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Show whether the daemon is ready, and what is in force
    #[command(after_long_help = help::status())]
    Status,
    /// Sign in at a daemon on another host
    #[command(after_long_help = help::login())]
    Login(Login),
    /// Sign out again, and forget what was kept
    #[command(after_long_help = help::logout())]
    Logout,
    /// Show who you are to the daemon, and which roles you hold
    #[command(after_long_help = help::whoami())]
    Whoami,
    /// Load, show and roll back the directory of users and groups
    #[command(subcommand)]
    Snapshot(Snapshot),
    /// Show where the directory comes from, and keep the tokens of its sources
    #[command(subcommand)]
    Source(Source),
    /// Show who tells us what happens to people, and set up how
    #[command(subcommand)]
    Signals(Signals),
    /// Show how old each secret and certificate is, and when it ends
    #[command(after_long_help = help::secrets())]
    Secrets,
    /// Show a user, cut one off, or lift the cut
    #[command(subcommand)]
    User(User),
    /// Check, apply, show and roll back the policy
    #[command(subcommand)]
    Policy(Policy),
    /// Ask for a role for a while, and answer those who do
    #[command(subcommand)]
    Grant(Grant),
    /// Lift rules for a while, on the record; afterwards, answer for it
    #[command(after_long_help = help::privilege())]
    Breakglass(Breakglass),
    /// Lease what a push takes, in a job of a CI system
    #[command(subcommand)]
    Ci(Ci),
    /// Show what jobs have leased, and take it away
    #[command(subcommand)]
    Lease(Lease),
    /// Tell what would be decided, and why; nothing is recorded as a push
    Explain(Explain),
    /// List everybody who could do one thing to one ref, by which grant and role
    Who(Who),
    /// Read the audit log, and check that it is whole
    #[command(subcommand)]
    Audit(Audit),
    /// Install the hook in Bitbucket, take it away, and show how it is there
    #[command(subcommand)]
    Bitbucket(Bitbucket),
    /// Answer what auditors ask, from the signed log
    #[command(subcommand)]
    Report(Reports),
    /// Print a completion script for a shell
    Completions {
        /// The shell
        shell: Shell,
    },
    /// Write the man pages into a folder
    Man {
        /// The folder; it is made when it is missing
        dir: PathBuf,
    },
}

/// The command line of `oam`, for completions, man pages and tests.
pub fn command() -> clap::Command {
    Oam::command()
}

impl Oam {
    /// Runs the command and prints its answer, or why there is none. The exit code is for the shell.
    pub async fn run(self) -> Exit {
        let remote = self.daemon.filter(|url| !url.is_empty()).map(|url| Remote { url, ca: self.daemon_ca });
        let address = Address { socket: self.socket, trusted_owner: self.trust_owner, remote };
        let terminal = Terminal::new(self.json, self.color);
        let mut context = Context { address, terminal };
        match self.task.run(&mut context).await {
            Ok(exit) => exit,
            Err(failure) => {
                context.terminal.fail(&failure);
                failure.exit()
            }
        }
    }
}

impl Task {
    async fn run(self, context: &mut Context) -> Ending {
        match self {
            Self::Status => command::status::run(context).await,
            Self::Login(task) => command::session::login(task, context).await,
            Self::Logout => command::session::logout(context).await,
            Self::Whoami => command::session::whoami(context).await,
            Self::Snapshot(task) => command::snapshot::run(task, context).await,
            Self::Source(task) => command::source::run(task, context).await,
            Self::Secrets => command::secrets::run(context).await,
            Self::Signals(task) => command::signals::run(task, context).await,
            Self::User(task) => command::user::run(task, context).await,
            Self::Policy(task) => command::policy::run(task, context).await,
            Self::Grant(task) => command::privilege::grant(task, context).await,
            Self::Breakglass(task) => command::privilege::breakglass(task, context).await,
            Self::Ci(task) => command::lease::ci(task, context).await,
            Self::Lease(task) => command::lease::lease(task, context).await,
            Self::Explain(task) => command::explain::run(task, context).await,
            Self::Who(task) => command::who::run(task, context).await,
            Self::Audit(task) => command::audit::run(task, context).await,
            Self::Bitbucket(task) => command::bitbucket::run(task, context).await,
            Self::Report(report) => command::report::run(&report, context).await,
            Self::Completions { shell } => command::docs::completions(shell, context),
            Self::Man { dir } => command::docs::man(&dir, context),
        }
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_command_line_makes_sense() {
        super::command().debug_assert();
    }
}
