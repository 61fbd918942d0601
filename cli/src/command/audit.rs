//! `oam audit …`.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use oam_proto::v1::{GetStatusRequest, TailAuditRequest};

use super::{Context, Ending};
use crate::{
    client::{Admin, CallError},
    exit::Exit,
    failure::Failure,
    output::{audit, help},
};

mod erase;
pub(super) mod prove;
mod proved;
mod query;
mod verify;
mod witness;

pub use query::{Format, Place};

/// `oam audit …`.
#[derive(Debug, Subcommand)]
pub enum Audit {
    /// Print the latest entries of the audit log
    #[command(after_long_help = help::tail())]
    Tail(Tail),
    /// Find entries of an audit log, with its files alone: no daemon is asked
    #[command(after_long_help = help::query())]
    Query(Box<query::Query>),
    /// Check an audit log, with its files alone: no daemon is asked
    #[command(after_long_help = help::verify())]
    Verify(Verify),
    /// Print a proof that an entry is in the log, or that the log continues an earlier checkpoint
    #[command(after_long_help = help::prove())]
    Prove(Prove),
    /// Forget who somebody was, where the audit log names people by aliases; nothing brings that back
    #[command(after_long_help = help::erase())]
    Erase(erase::Erase),
    /// Run a witness: it remembers how far logs have come, and signs only what continues that
    #[command(after_long_help = help::witness())]
    Witness(witness::Witness),
}

/// `oam audit tail`.
#[derive(Debug, Args)]
pub struct Tail {
    /// How many entries
    #[arg(short = 'n', long = "lines", value_name = "N", default_value_t = 10)]
    count: u64,
    /// Then go on as entries come
    #[arg(short, long)]
    follow: bool,
}

/// `oam audit verify`.
#[derive(Debug, Args)]
pub struct Verify {
    /// The folder of the log; without it, the first of /var/lib/oam/audit and ./oam-state/audit
    #[arg(long)]
    dir: Option<PathBuf>,
    /// The log's public key, or a file with it; without it, `checkpoint.pub` of the folder, which proves less. Of a log
    /// whose key was rotated any one of its keys; for proofs, one for each signature if they are different
    #[arg(long = "key", value_name = "FILE|TEXT")]
    keys: Vec<String>,
    /// A checkpoint that you kept, to be compared with besides the folder's own; without it, less is proved
    #[arg(long, value_name = "FILE")]
    checkpoint: Option<PathBuf>,
    /// Check only these entries: a number as `7`, or two as `100..200`, without the second
    #[arg(long, value_name = "N|A..B")]
    entries: Option<proved::Entries>,
    /// Check only this proof, without any log: the key must be given
    #[arg(long, value_name = "FILE", conflicts_with_all = ["entries", "dir"], requires = "keys")]
    proof: Option<PathBuf>,
}

/// `oam audit prove`.
#[derive(Debug, Args)]
pub struct Prove {
    /// The number of the entry
    #[arg(value_name = "SEQ", required_unless_present = "since")]
    entry: Option<u64>,
    /// A checkpoint that was kept: prove that the log continues it
    #[arg(long, value_name = "FILE", conflicts_with = "entry")]
    since: Option<PathBuf>,
    /// The folder of the log; without it, the first of /var/lib/oam/audit and ./oam-state/audit
    #[arg(long)]
    dir: Option<PathBuf>,
}

/// Runs one of them.
///
/// # Errors
/// When the daemon cannot be asked, or says no; when files cannot be read.
pub async fn run(command: Audit, context: &mut Context) -> Ending {
    match command {
        Audit::Tail(tail) => self::tail(tail, context).await,
        Audit::Query(query) => query::run(*query, context).await,
        Audit::Verify(verify) => verify::run(&verify, context),
        Audit::Prove(prove) => prove::run(&prove, context),
        Audit::Erase(erase) => erase::run(erase, context).await,
        Audit::Witness(witness) => witness::run(&witness, context).await,
    }
}

async fn tail(command: Tail, context: &mut Context) -> Ending {
    let mut admin = context.address.connect().await?;
    let Some(request) = request(&command, &mut admin).await? else { return Ok(Exit::Ok) };
    let mut entries = admin.tail_audit(request).await?.into_inner();
    let terminal = &mut context.terminal;
    while !terminal.is_closed()
        && let Some(entry) = entries.message().await?
    {
        if terminal.is_json() {
            terminal.raw_json(&entry.json)?;
        } else {
            let line = audit::line(&entry.json, &terminal.page());
            terminal.print(line.as_bytes())?;
        }
    }
    Ok(Exit::Ok)
}

/// The request for these entries; `None` when none are wanted. On the wire `last = 0` does not mean "no entries",
/// so to follow from now on the size of the log is asked for.
async fn request(command: &Tail, admin: &mut Admin) -> Result<Option<TailAuditRequest>, Failure> {
    let follow = command.follow;
    match (command.count, follow) {
        (0, false) => Ok(None),
        (0, true) => {
            let status = admin.get_status(GetStatusRequest {}).await?.into_inner();
            let audit = status.audit.ok_or(CallError::Incomplete { missing: "the size of the audit log" })?;
            Ok(Some(TailAuditRequest { from: audit.entries, follow, ..TailAuditRequest::default() }))
        }
        (last, _) => Ok(Some(TailAuditRequest { last, follow, ..TailAuditRequest::default() })),
    }
}
