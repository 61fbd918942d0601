//! What witnesses need, and what they add to a checkpoint.

use std::{io, sync::Arc, sync::PoisonError};

use oam_audit::{
    checkpoint::{CheckpointError, SignedCheckpoint},
    keys::CosignerKey,
    proof::GrowthProof,
};
use tokio::sync::watch;

use super::{AuditLog, ReadError, folder};

impl AuditLog {
    /// The newest signed checkpoint, and every later one, with the cosignatures that it has by then.
    #[must_use]
    pub fn checkpoints(&self) -> watch::Receiver<Arc<str>> {
        self.shared.checkpoint.subscribe()
    }

    /// Proof that `checkpoint`, one of this log, continues the one of `old_size` entries. The disk is read on a thread for
    /// blocking work.
    ///
    /// # Errors
    /// When it has fewer entries, a tile cannot be read, or the runtime is going down.
    pub async fn growth(&self, old_size: u64, checkpoint: &Arc<str>) -> Result<GrowthProof, ReadError> {
        let (log, checkpoint) = (self.clone(), Arc::clone(checkpoint));
        let prove = move || {
            let signed = SignedCheckpoint::parse(&checkpoint)
                .and_then(|signed| signed.verify(log.verifier()).map(|checkpoint| checkpoint.size));
            let size = signed.map_err(|_| ReadError::Changed { path: log.shared.folder.clone() })?;
            let path = folder::files(&log.shared.folder).consistency(old_size, size)?.path;
            Ok(GrowthProof { old_size, path, checkpoint: checkpoint.to_string() })
        };
        tokio::task::spawn_blocking(prove).await.map_err(|_| ReadError::Stopping)?
    }

    /// Adds the cosignature of a witness on `checkpoint`, which is in `lines`, to the newest checkpoint, when that is
    /// still the same. It blocks on the disk.
    ///
    /// # Errors
    /// When the witness has not signed it, or it cannot be stored.
    pub fn cosign(&self, checkpoint: &str, lines: &str, witness: &CosignerKey) -> Result<(), CosignError> {
        let signed = SignedCheckpoint::parse(checkpoint)?;
        signed.with_cosignatures(lines, std::slice::from_ref(witness))?.cosigned_by(witness)?;
        // Nobody replaces it from the look at the newest one on; and nobody writes in a folder that was given up.
        let open = self.shared.checkpoint_file.lock().unwrap_or_else(PoisonError::into_inner);
        let newest = SignedCheckpoint::parse(&self.checkpoint())?;
        if !*open || !newest.says_the_same(&signed) {
            return Ok(());
        }
        let text = newest.with_cosignatures(lines, std::slice::from_ref(witness))?.to_string();
        folder::write_checkpoint(&self.shared.folder, &text).map_err(CosignError::Store)?;
        self.shared.checkpoint.send_replace(text.into());
        drop(open);
        Ok(())
    }
}

/// Why a cosignature is not kept.
#[derive(Debug, thiserror::Error)]
pub enum CosignError {
    /// It is none of that witness on that checkpoint.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// The file cannot be written.
    #[error("the checkpoint cannot be stored with its cosignature: {0}; free space or repair the disk")]
    Store(#[source] io::Error),
}
