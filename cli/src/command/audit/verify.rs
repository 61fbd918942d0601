//! `oam audit verify`: with files alone, and trusting nothing but the key.

use std::{
    fs::{self, File},
    io::BufReader,
    path::{Path, PathBuf},
};

use oam_audit::{
    keys::VerifierKey,
    verify::{VerifyError, verify_log},
};

use super::Verify;
use crate::{
    command::{Context, Ending},
    exit::Exit,
    failure::Failure,
    output::verify::{self, Checked},
};

/// Where a daemon keeps its log, in the order in which they are tried.
const USUAL_FOLDERS: [&str; 2] = ["/var/lib/oam/audit", "./oam-state/audit"];
const ENTRIES: &str = "entries.jsonl";
const CHECKPOINT: &str = "checkpoint";
const KEY: &str = "checkpoint.pub";

/// Checks the log, and prints what was found.
pub(super) fn run(command: &Verify, context: &mut Context) -> Ending {
    let folder = folder(command.dir.as_deref())?;
    let key = key(command.key.as_deref(), &folder)?;
    // Before the log: entries that the daemon adds meanwhile then only come after it.
    let checkpoint = read(&command.checkpoint.clone().unwrap_or_else(|| folder.join(CHECKPOINT)))?;
    let path = folder.join(ENTRIES);
    let log = File::open(&path).map_err(|source| Failure::read(&path, source))?;

    let found = match verify_log(BufReader::new(log), &checkpoint, &key) {
        // Not a verdict on the log: it could not be looked at.
        Err(VerifyError::Read { source, .. }) => return Err(Failure::read(&path, source)),
        found => found.map_err(|error| error.to_string()),
    };
    let (log, key_text) = (path.to_string_lossy(), key.to_string());
    let checked = Checked {
        log: &log,
        key: &key_text,
        key_name: key.name().as_str(),
        key_beside_log: command.key.is_none(),
        checkpoint_beside_log: command.checkpoint.is_none(),
    };
    let found = found.as_ref().map_err(String::as_str);
    context.terminal.answer(&verify::json(checked, found), |page| verify::text(checked, found, page))?;
    Ok(if found.is_ok() { Exit::Ok } else { Exit::No })
}

fn folder(given: Option<&Path>) -> Result<PathBuf, Failure> {
    if let Some(folder) = given {
        return Ok(folder.to_owned());
    }
    let mut folders = USUAL_FOLDERS.iter().map(PathBuf::from);
    folders.find(|folder| folder.join(ENTRIES).exists()).ok_or_else(|| Failure::Usage {
        what: format!("there is no audit log in {}", USUAL_FOLDERS.join(" or ")),
        help: "say where it lies with `--dir DIR`; `oam status` shows the state folder that it is in",
    })
}

/// The key: given as text, in a file that was given, or beside the log.
fn key(given: Option<&str>, folder: &Path) -> Result<VerifierKey, Failure> {
    if let Some(key) = given.and_then(|text| text.trim().parse().ok()) {
        return Ok(key);
    }
    let path = given.map_or_else(|| folder.join(KEY), PathBuf::from);
    read(&path)?.trim().parse().map_err(|error: oam_audit::keys::KeyError| Failure::Usage {
        what: format!("`{}`: {error}", crate::output::shown(path.as_os_str().as_encoded_bytes())),
        help: "give the text that the daemon wrote to `checkpoint.pub`, or a file with it",
    })
}

fn read(path: &Path) -> Result<String, Failure> {
    fs::read_to_string(path).map_err(|source| Failure::read(path, source))
}
