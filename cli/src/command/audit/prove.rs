//! `oam audit prove`: proofs that are checked without the log.

use std::fs;

use oam_audit::{
    checkpoint::SignedCheckpoint,
    files::{CHECKPOINT, FileError},
    proof::{EntryProof, GrowthProof},
    tile::{Tile, TileKind, WIDTH},
};

use super::Prove;
use crate::{
    command::{Context, Ending},
    exit::Exit,
    failure::Failure,
    log::{LogFolder, SignedLog},
    output::proof,
};

/// Prints the proof of an entry, or that the log continues an earlier checkpoint.
pub(super) fn run(command: &Prove, context: &mut Context) -> Ending {
    let log = LogFolder::find(command.dir.as_deref())?;
    let read =
        |path: &std::path::Path| fs::read_to_string(path).map_err(|source| Failure::read(path, source));
    let checkpoint = read(&log.path().join(CHECKPOINT))?;
    let size = claimed_size(&checkpoint)?;
    let text = match (command.entry, &command.since) {
        (Some(index), _) => entry(&log, index, size, checkpoint)?.to_string(),
        (None, Some(kept)) => {
            let old_size = claimed_size(&read(kept)?)?;
            let path = log.files().consistency(old_size, size).map_err(|error| failed(&log, error))?.path;
            GrowthProof { old_size, path, checkpoint }.to_string()
        }
        (None, None) => {
            return Err(Failure::Usage {
                what: "there is nothing to prove".into(),
                help: "give the number of an entry, or a checkpoint that you kept with `--since FILE`",
            });
        }
    };
    context.terminal.answer(&proof::json(&text), |_| text.clone())?;
    Ok(Exit::Ok)
}

/// The proof of an entry of a log that is open, as text.
///
/// # Errors
/// When a file cannot be read, or the log is not in order.
pub(in crate::command) fn signed(log: &mut SignedLog, index: u64) -> Result<String, Failure> {
    let folder = LogFolder::find(Some(log.path()))?;
    let path = folder.path().join(CHECKPOINT);
    let checkpoint = fs::read_to_string(&path).map_err(|source| Failure::read(&path, source))?;
    let size = SignedCheckpoint::parse(&checkpoint).and_then(|signed| Ok(signed.verify(log.key())?.size));
    let size = size.map_err(unusable)?;
    Ok(entry(&folder, index, size, checkpoint)?.to_string())
}

fn entry(log: &LogFolder, index: u64, size: u64, checkpoint: String) -> Result<EntryProof, Failure> {
    let path = log.files().inclusion(index, size).map_err(|error| failed(log, error))?.path;
    let first = index / WIDTH * WIDTH;
    let tile = Tile { kind: TileKind::Entries, index: index / WIDTH, width: WIDTH.min(size - first) };
    let bundle = log.files().bundle(tile).map_err(|error| failed(log, error))?;
    let at = usize::try_from(index - first).unwrap_or(usize::MAX);
    let entry = bundle.entries().nth(at).unwrap_or_default().to_vec();
    Ok(EntryProof { entry, index, path, checkpoint })
}

/// Whoever checks the proof looks who has signed.
fn claimed_size(checkpoint: &str) -> Result<u64, Failure> {
    Ok(SignedCheckpoint::parse(checkpoint).map_err(unusable)?.unverified().size)
}

fn unusable(error: impl std::fmt::Display) -> Failure {
    Failure::Usage { what: error.to_string(), help: "`oam audit verify` tells what is wrong with the log" }
}

fn failed(log: &LogFolder, error: FileError) -> Failure {
    match error {
        FileError::Io { path, source } => Failure::read(&log.path().join(path), source),
        error => unusable(error),
    }
}
