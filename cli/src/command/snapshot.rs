//! `oam snapshot …`.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use oam_proto::v1::{
    DiffSnapshotsRequest, ListSnapshotsRequest, RollBackSnapshotRequest, ShowSnapshotRequest,
};

use super::{Context, Ending, reason};
use crate::{
    exit::Exit,
    output::{
        help,
        snapshot::{self, DiffCount},
        user::{self, UserJson},
    },
};

mod import;
mod send;

/// `oam snapshot …`.
#[derive(Debug, Subcommand)]
pub enum Snapshot {
    /// Load the directory from a file, as a whole; a file with a fault changes nothing
    #[command(after_long_help = help::import())]
    Import(Import),
    /// List the users of the directory
    #[command(after_long_help = help::users())]
    Show {
        /// The generation; without it, the one in force
        #[arg(long)]
        generation: Option<u64>,
    },
    /// Show what differs between two generations
    #[command(after_long_help = help::diff())]
    Diff {
        /// The older generation
        from: u64,
        /// The newer generation; without it, the one in force
        to: Option<u64>,
    },
    /// List the generations, newest first
    #[command(after_long_help = help::snapshots())]
    History,
    /// Go back to an earlier generation; whoever was cut off since stays cut off
    #[command(after_long_help = help::snapshot_rollback())]
    Rollback(Rollback),
}

/// `oam snapshot import`.
#[derive(Debug, Args)]
pub struct Import {
    /// The file: `*.toml` is read as TOML, everything else as JSON; `-` is JSON from standard input
    file: PathBuf,
    /// Why, for the audit log
    #[arg(long, value_parser = reason)]
    reason: Option<String>,
    /// The source that the file is of, where the configuration has more than one
    #[arg(long, value_name = "NAME")]
    source: Option<String>,
    /// Only check the file, and say what would change
    #[arg(long)]
    dry_run: bool,
}

/// `oam snapshot rollback`.
#[derive(Debug, Args)]
pub struct Rollback {
    /// The generation to go back to
    generation: u64,
    /// Why, for the audit log
    #[arg(long, value_parser = reason)]
    reason: String,
    /// Also give access again to people who were deactivated or removed since
    #[arg(long)]
    reactivate: bool,
}

/// Runs one of them.
///
/// # Errors
/// When the daemon cannot be asked, or says no.
pub async fn run(command: Snapshot, context: &mut Context) -> Ending {
    match command {
        Snapshot::Import(import) => import::run(import, context).await,
        Snapshot::Show { generation } => show(generation.unwrap_or(0), context).await,
        Snapshot::Diff { from, to } => diff(from, to.unwrap_or(0), context).await,
        Snapshot::History => history(context).await,
        Snapshot::Rollback(rollback) => roll_back(rollback, context).await,
    }
}

async fn show(generation: u64, context: &mut Context) -> Ending {
    let mut admin = context.address.connect().await?;
    let mut users = admin.show_snapshot(ShowSnapshotRequest { generation }).await?.into_inner();
    let terminal = &mut context.terminal;
    while !terminal.is_closed()
        && let Some(one) = users.message().await?
    {
        terminal.item(&UserJson::from(&one), |page| user::line(&one, page))?;
    }
    Ok(Exit::Ok)
}

async fn diff(from: u64, to: u64, context: &mut Context) -> Ending {
    let mut admin = context.address.connect().await?;
    let mut changes = admin.diff_snapshots(DiffSnapshotsRequest { from, to }).await?.into_inner();
    let terminal = &mut context.terminal;
    let mut count = DiffCount::default();
    while !terminal.is_closed()
        && let Some(change) = changes.message().await?
    {
        count.add(&change);
        terminal.item(&snapshot::change_json(&change), |page| snapshot::change_text(&change, page))?;
    }
    if !terminal.is_json() {
        terminal.print(count.text().as_bytes())?;
    }
    Ok(Exit::Ok)
}

async fn history(context: &mut Context) -> Ending {
    let mut admin = context.address.connect().await?;
    let list = admin.list_snapshots(ListSnapshotsRequest {}).await?.into_inner();
    let json = snapshot::history_json(&list);
    context.terminal.answer(&json, |page| snapshot::history_text(&list, page))?;
    Ok(Exit::Ok)
}

async fn roll_back(command: Rollback, context: &mut Context) -> Ending {
    let Rollback { generation, reason, reactivate } = command;
    let mut admin = context.address.connect().await?;
    let request = RollBackSnapshotRequest { generation, reason, reactivate };
    let response = admin.roll_back_snapshot(request).await?.into_inner();
    let json = snapshot::rollback_json(&response, reactivate);
    context
        .terminal
        .answer(&json, |page| snapshot::rollback_text(&response, generation, reactivate, page))?;
    Ok(Exit::Ok)
}
