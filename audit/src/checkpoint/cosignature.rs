//! What a witness says of a checkpoint: that, as of some time, it is the newest and only history it was shown (C2SP
//! tlog-cosignature, cosignature/v1).

use crate::{
    keys::{CosignerKey, CosigningKey},
    note::{NoteSignature, signature_line},
};

use super::{CheckpointError, SignedCheckpoint};

/// How many bytes the time takes before the signature.
const TIME_BYTES: usize = 8;

impl CosigningKey {
    /// The line that says that this witness saw `checkpoint`, at `time` in seconds since 1970. Whoever calls this must
    /// have verified the checkpoint, and that it continues the one before.
    #[must_use]
    pub fn cosign(&self, checkpoint: &SignedCheckpoint, time: u64) -> String {
        let text = statement(checkpoint, time);
        let blob = [&time.to_be_bytes()[..], &self.0.sign(text.as_bytes())].concat();
        let NoteSignature { name, id, .. } = NoteSignature::of(self.verifier());
        signature_line(&NoteSignature { name, id, bytes: blob })
    }
}

impl SignedCheckpoint {
    /// The same checkpoint with the signatures of witnesses that are in `lines`: those of `witnesses` and no others,
    /// each verified. Whoever is in there with a false one is an error.
    ///
    /// # Errors
    /// When the lines are not signatures, or one of `witnesses` did not make the one that bears its name.
    pub fn with_cosignatures(&self, lines: &str, witnesses: &[CosignerKey]) -> Result<Self, CheckpointError> {
        let mut cosigned = self.clone();
        for line in lines.lines() {
            let signature = NoteSignature::parse(line)?;
            let Some(witness) = witnesses.iter().find(|witness| signature.is_by(witness)) else { continue };
            cosigned.note.replace(signature);
            cosigned.cosigned_by(witness)?;
        }
        Ok(cosigned)
    }

    /// When this witness saw the checkpoint, in seconds since 1970.
    ///
    /// # Errors
    /// When it did not sign it, or signed something else.
    pub fn cosigned_by(&self, witness: &CosignerKey) -> Result<u64, CheckpointError> {
        let time = self.note.open_with(witness, |bytes| {
            let (time, signature) = bytes.split_first_chunk::<TIME_BYTES>()?;
            let time = u64::from_be_bytes(*time);
            witness.accepts(statement(self, time).as_bytes(), signature).then_some(time)
        })?;
        Ok(time)
    }
}

/// What is signed.
fn statement(checkpoint: &SignedCheckpoint, time: u64) -> String {
    format!("cosignature/v1\ntime {time}\n{}", checkpoint.note.unverified_text())
}
