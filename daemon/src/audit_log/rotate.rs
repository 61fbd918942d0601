//! Another key for the log, said in the log itself.
//!
//! The next key is stored before the log tells of it, and takes the place of the old one only when that is durable. The old
//! one is gone then. Interrupted anywhere, the next start finishes it, or forgets a key that nobody was told of.

use std::{path::Path, sync::Arc};

use jiff::Timestamp;
use oam_audit::{
    Name,
    checkpoint::{Checkpoint, SignedCheckpoint},
    entry::{EncodeError, Entry, Event, KeyRotated},
    keys::{SigningKey, VerifierKey},
};

use super::{
    AppendError, AuditLog, OpenError,
    folder::{Folder, KeyFiles},
    people::People,
};

/// Gives the log in `folder`, which no daemon may be using, another key. Returns what it is verified with from now on.
///
/// # Errors
/// When the log cannot be opened, or the disk does not take it.
pub async fn rotate(
    folder: &Path,
    name: &Name,
    people: Option<Arc<People>>,
    actor: String,
    reason: String,
) -> Result<VerifierKey, RotateError> {
    let (log, _) = AuditLog::open_with(folder, name, Timestamp::now, people)?;
    let told = tell(&log, name, actor, reason).await;
    log.close().await;
    told?;
    // What the next start does after an interruption is the whole of the rest.
    let (log, _) = AuditLog::open(folder, name)?;
    let key = log.verifier().clone();
    log.close().await;
    Ok(key)
}

/// Stores the next key, and then tells the log of it.
pub(super) async fn tell(
    log: &AuditLog,
    name: &Name,
    actor: String,
    reason: String,
) -> Result<(), RotateError> {
    let folder = &log.shared.folder;
    let keys = KeyFiles(folder);
    let previous = keys.read(name)?.ok_or_else(|| OpenError::KeyMissing { folder: folder.clone() })?;
    let mut seed = [0; 32];
    getrandom::fill(&mut seed).map_err(OpenError::Randomness)?;
    let next = SigningKey::from_seed(name.clone(), &seed);
    keys.write_next(&next)?;
    // Nobody else appends: the log is ours alone.
    let head = log.shared.head();
    let before = Checkpoint { origin: name.clone(), size: head.size(), root: head.root() };
    let rotated = KeyRotated::new(&previous, &next, &before, actor, reason);
    log.append(log.batch(&Event::KeyRotated(rotated))?).await?;
    Ok(())
}

/// What a rotation that got no further needs: `last` is the last entry of the log, `checkpoint` what was signed so far.
/// Returns the key to go on with, and the newest checkpoint: by both keys when there is another one.
pub(super) fn finish_rotation(
    folder: &Folder,
    (key, signed): (SigningKey, SignedCheckpoint),
    checkpoint: &Checkpoint,
    last: &[u8],
) -> Result<(SigningKey, SignedCheckpoint), OpenError> {
    let Some(next) = folder.keys().read_next(key.verifier().name())? else { return Ok((key, signed)) };
    let told = Entry::decode(last).is_ok_and(|entry| match entry.event {
        Event::KeyRotated(rotated) => rotated.next == next.verifier().to_string(),
        _ => false,
    });
    if !told {
        folder.keys().forget_next()?;
        return Ok((key, signed));
    }
    let both = SignedCheckpoint::sign(checkpoint.size, checkpoint.root, &key).and_sign(&next);
    folder.write_checkpoint(&both.to_string()).map_err(OpenError::io("write", &folder.checkpoint()))?;
    folder.keys().take_next(&next)?;
    tracing::info!(key = %next.verifier(), "audit log: another key signs from now on");
    Ok((next, both))
}

/// Why the log has no other key.
#[derive(Debug, thiserror::Error)]
pub enum RotateError {
    /// The log cannot be opened, or a key not be stored.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// It does not take the entry.
    #[error(transparent)]
    Append(#[from] AppendError),
    /// The entry is too long.
    #[error("the reason is too long: {0}")]
    Encode(#[from] EncodeError),
}
