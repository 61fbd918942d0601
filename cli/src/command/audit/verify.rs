//! `oam audit verify`: with files alone, and trusting nothing but the key.

use std::{fs, io::BufReader, path::Path, thread};

use oam_audit::{
    files::{CHECKPOINT, FileError},
    keys::VerifierKey,
    verify::{Report, VerifyError, verify_files, verify_log},
};

use super::{Verify, proved};
use crate::{
    command::{Context, Ending},
    exit::Exit,
    failure::Failure,
    log::{LogFolder, signed::key},
    output::verify::{self, Checked},
};

/// How often a log is looked at again that was written on meanwhile.
const ATTEMPTS: u32 = 5;

/// Checks the log, and prints what was found.
pub(super) fn run(command: &Verify, context: &mut Context) -> Ending {
    let kept = command.checkpoint.as_deref().map(read).transpose()?;
    if let Some(proof) = &command.proof {
        let of_proof = |text: &String| key(Some(text), Path::new("."));
        let keys = command.keys.iter().map(of_proof).collect::<Result<Vec<_>, _>>()?;
        return proved::proof(proof, &keys, kept.as_deref(), context);
    }
    let log = LogFolder::find(command.dir.as_deref())?;
    let key = match command.keys.as_slice() {
        [] => key(None, log.path())?,
        [one] => key(Some(one), log.path())?,
        _ => {
            return Err(Failure::Usage {
                what: "there are several keys".into(),
                help: "give one of them: the log itself tells which others come before and after it",
            });
        }
    };
    if let Some(entries) = &command.entries {
        return proved::range(&log, &key, entries, context);
    }
    let found = match check(&log, &key, kept.as_deref())? {
        // Not a verdict on the log: it could not be looked at.
        Err(VerifyError::Read { source, .. } | VerifyError::File(FileError::Io { source, .. })) => {
            return Err(Failure::read(log.path(), source));
        }
        found => found.map_err(|error| error.to_string()),
    };
    let (folder, key_text) = (log.path().to_string_lossy(), key.to_string());
    let checked = Checked {
        log: &folder,
        key: &key_text,
        key_name: key.name().as_str(),
        key_beside_log: command.keys.is_empty(),
        checkpoint_beside_log: kept.is_none(),
    };
    let found = found.as_ref().map_err(String::as_str);
    context.terminal.answer(&verify::json(checked, found), |page| verify::text(checked, found, page))?;
    Ok(if found.is_ok() { Exit::Ok } else { Exit::No })
}

/// What there is to say of the log, by its own checkpoint and one that was kept.
fn check(
    log: &LogFolder,
    key: &VerifierKey,
    kept: Option<&str>,
) -> Result<Result<Report, VerifyError>, Failure> {
    let path = log.path().join(CHECKPOINT);
    // Before the entries: those that the daemon adds meanwhile then only come after it.
    let mut newest = read(&path)?;
    if let Some(former) = log.former()? {
        return Ok(verify_log(BufReader::new(former), kept.unwrap_or(&newest), key));
    }
    let threads = thread::available_parallelism().map_or(1, usize::from);
    for attempt in 1..ATTEMPTS {
        let found = verify_files(&log.files(), log.journal()?, &newest, kept.as_slice(), key, threads);
        let now = read(&path)?;
        match found {
            // A running daemon replaces the tiles that are not full, and the checkpoint with them; and it removes old
            // entries.
            Err(VerifyError::File(FileError::Missing { .. })) if now != newest || attempt == 1 => {
                newest = now;
            }
            found => return Ok(found),
        }
    }
    Ok(verify_files(&log.files(), log.journal()?, &newest, kept.as_slice(), key, threads))
}

fn read(path: &Path) -> Result<String, Failure> {
    fs::read_to_string(path).map_err(|source| Failure::read(path, source))
}
