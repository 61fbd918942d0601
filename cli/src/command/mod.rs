//! The commands: what each takes, what it asks, and how it ends.

pub mod audit;
pub mod bitbucket;
pub mod docs;
pub mod explain;
pub mod lease;
pub mod policy;
pub mod privilege;
pub mod question;
pub mod report;
pub mod secrets;
pub mod session;
pub mod signals;
pub mod snapshot;
pub mod source;
pub mod status;
pub mod user;
mod when;
pub mod who;

use crate::{client::Address, exit::Exit, failure::Failure, output::Terminal};

/// What every command is given besides its own arguments.
#[derive(Debug)]
pub struct Context {
    /// Where the daemon is.
    pub address: Address,
    /// Where the answer goes.
    pub terminal: Terminal,
}

/// How a command ends.
pub type Ending = Result<Exit, Failure>;

/// A reason that people will read in the log: something must be said.
fn reason(text: &str) -> Result<String, &'static str> {
    match text.trim() {
        "" => Err("say in a few words why; it is kept in the audit log"),
        text => Ok(text.to_owned()),
    }
}
