//! Whether the signature of a commit or a tag is to be relied upon, and whose it is.
//!
//! **In:** signatures with what they sign, as hooks send them; the keys of people in the directory; a file of allowed
//! signers and one of revoked keys, which are followed. **Out:** a [`SignatureState`] for each.
//!
//! **Must never:** call a signature good that it could not verify, whatever it is made of; take long over one; hold a
//! private key. What it cannot tell because a file of ours is faulty is unreadable, and so never a refusal.

mod files;
mod followed;
mod judge;
mod keyring;
mod object;
mod openpgp;
mod signers;
mod ssh;

use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use oam_policy::{
    Snapshot,
    facts::{BadSignature, SignatureState},
};
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};

use files::FollowedFiles;
pub use files::SignatureFiles;
pub use judge::{Judge, MAX_SIGNATURES, TooMany};
use keyring::Keyring;

use crate::aside::PATIENCE;

/// How long a signature may be: several times what the largest key makes.
pub const MAX_SIGNATURE: usize = 16 << 10;

/// Verifies signatures. Cheap to clone; all clones are one.
#[derive(Debug, Clone)]
pub struct Signatures(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    files: FollowedFiles,
    /// The keys by which was judged last.
    ring: Mutex<Option<Arc<Keyring>>>,
    /// How many signatures are verified at the same time.
    threads: Arc<Semaphore>,
}

impl Signatures {
    /// Reads the files. What is wrong with them, or that they do not answer, is told by [`Self::warnings`], and does not stop a
    /// start.
    pub fn start(places: SignatureFiles) -> Self {
        // One processor is left for all else.
        let threads =
            std::thread::available_parallelism().map_or(1, |count| count.get().saturating_sub(1).max(1));
        Self(Arc::new(Shared {
            files: FollowedFiles::start(places, PATIENCE),
            ring: Mutex::default(),
            threads: Arc::new(Semaphore::new(threads)),
        }))
    }

    /// Follows the files for ever, as the policy's are.
    pub async fn follow(self, now: Arc<Notify>) {
        self.0.files.follow(&now).await;
    }

    /// What is wrong with the files, in sentences.
    pub fn warnings(&self) -> Vec<String> {
        self.0.files.warnings()
    }

    /// Who judges the signatures of one push.
    pub fn judge(&self, snapshot: Snapshot, now: Timestamp) -> Judge {
        Judge::new(self.clone(), snapshot, now)
    }

    /// Waits for one's turn to verify: not many signatures are looked at at the same time. Nothing once the daemon ends.
    pub async fn turn(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.0.threads).acquire_owned().await.ok()
    }

    /// The keys that the directory and the files give to people. Made anew when either has changed.
    fn keyring(&self, snapshot: &Snapshot) -> Arc<Keyring> {
        let files = self.0.files.say();
        let mut last = self.0.ring.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(ring) = last.as_ref().filter(|ring| ring.is_of(snapshot, &files)) {
            return Arc::clone(ring);
        }
        let ring = Arc::new(Keyring::of(snapshot, files));
        *last = Some(Arc::clone(&ring));
        ring
    }
}

/// A signature that is not to be relied upon.
fn bad(cause: BadSignature, why: impl Into<String>) -> SignatureState {
    SignatureState::Bad { cause, why: why.into() }
}
