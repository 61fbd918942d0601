use std::sync::{
    Arc, OnceLock,
    atomic::{AtomicUsize, Ordering},
};

use jiff::Timestamp;
use oam_policy::{
    Snapshot, SnapshotVersion,
    facts::{BadSignature, SignatureState, Unreadable},
};
use oam_proto::v1;
use thiserror::Error;
use tokio::task;

use super::{MAX_SIGNATURE, Signatures, bad, keyring::Keyring, object::Object, openpgp, ssh};

/// How many signatures of one push are verified: some seconds of one processor.
pub const MAX_SIGNATURES: usize = 10_000;

/// More signatures than [`MAX_SIGNATURES`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("more than {MAX_SIGNATURES} signatures are to be verified; push in smaller parts")]
pub struct TooMany;

impl From<TooMany> for Unreadable {
    fn from(error: TooMany) -> Self {
        Self { why: error.to_string() }
    }
}

/// Judges the signatures of one push, by the keys that were in force when it began. Clones count together.
#[derive(Debug, Clone)]
pub struct Judge(Arc<Sitting>);

#[derive(Debug)]
struct Sitting {
    signatures: Signatures,
    snapshot: Snapshot,
    now: Timestamp,
    ring: OnceLock<Arc<Keyring>>,
    judged: AtomicUsize,
}

impl Judge {
    pub(super) fn new(signatures: Signatures, snapshot: Snapshot, now: Timestamp) -> Self {
        let (ring, judged) = (OnceLock::new(), AtomicUsize::new(0));
        Self(Arc::new(Sitting { signatures, snapshot, now, ring, judged }))
    }

    /// Whether it judges by the keys of that directory.
    pub fn is_by(&self, version: SnapshotVersion) -> bool {
        self.0.snapshot.version() == version
    }

    /// What each signature is worth, in order; where there is none, it is absent. They are verified away from the
    /// threads that answer hooks, and not many at once.
    ///
    /// # Errors
    /// When the push has too many of them, or a file of ours that they depend on cannot be read.
    pub async fn judge_all(
        &self,
        signed: Vec<Option<v1::Signed>>,
    ) -> Result<Vec<SignatureState>, Unreadable> {
        let stopped = |why: String| Unreadable { why: format!("a signature could not be verified: {why}") };
        let threads = Arc::clone(&self.0.signatures.0.threads);
        let permit = threads.acquire_owned().await.map_err(|error| stopped(error.to_string()))?;
        let judge = self.clone();
        let judged = task::spawn_blocking(move || {
            let _permit = permit;
            signed.iter().map(|signed| judge.judge(signed.as_ref())).collect()
        });
        // A library that panics over what it reads has judged nothing.
        judged.await.map_err(|error| stopped(error.to_string()))?
    }

    /// What a signature is worth; without one, it is absent. Takes up to some milliseconds of a processor.
    ///
    /// # Errors
    /// As [`Self::judge_all`].
    pub fn judge(&self, signed: Option<&v1::Signed>) -> Result<SignatureState, Unreadable> {
        let Some(signed) = signed else { return Ok(SignatureState::Absent) };
        if self.0.judged.fetch_add(1, Ordering::Relaxed) >= MAX_SIGNATURES {
            return Err(TooMany.into());
        }
        if signed.too_large {
            return Ok(bad(BadSignature::Invalid, "what it signs is too large to be verified"));
        }
        let Sitting { signatures, snapshot, now, ring, .. } = &*self.0;
        let ring = ring.get_or_init(|| signatures.keyring(snapshot));
        judge(&signed.signature, &Object::read(&signed.payload), *now, ring)
    }
}

/// By the first line of a signature, as git tells them apart.
fn judge(
    signature: &[u8],
    object: &Object<'_>,
    now: Timestamp,
    ring: &Keyring,
) -> Result<SignatureState, Unreadable> {
    if signature.len() > MAX_SIGNATURE {
        let why = format!("a signature has {MAX_SIGNATURE} bytes at most, this one {}", signature.len());
        return Ok(bad(BadSignature::Invalid, why));
    }
    let Ok(text) = std::str::from_utf8(signature) else {
        return Ok(bad(BadSignature::Invalid, "it is no text"));
    };
    let text = text.trim();
    let first = text.lines().next().unwrap_or_default().trim_end();
    match first {
        "-----BEGIN SSH SIGNATURE-----" => ssh::judge(text, object, now, ring),
        "-----BEGIN PGP SIGNATURE-----" => Ok(openpgp::judge(text, object, now, ring)),
        "-----BEGIN SIGNED MESSAGE-----" => Ok(bad(BadSignature::KindUnknown, "an X.509 signature")),
        _ => Ok(bad(BadSignature::KindUnknown, "neither SSH nor OpenPGP")),
    }
}
