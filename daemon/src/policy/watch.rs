use std::{sync::Arc, time::Duration};

use oam_audit::entry::PolicyOrigin;
use tokio::{sync::Notify, time};

use super::PolicyManager;

/// How often the policy's files are looked at. Looking, unlike waiting for notifications, also works on NFS and on
/// folders that are swapped by a link, as Bitbucket's shared home and configuration maps are.
const EVERY: Duration = Duration::from_millis(500);

/// Follows the policy's files for ever: loads them when they have changed and lain still for one look, or at once
/// when `now` is notified.
pub async fn follow(policies: Arc<PolicyManager>, now: Arc<Notify>) {
    let mut loaded = policies.fingerprint();
    let mut seen = loaded.clone();
    loop {
        let asked = tokio::select! {
            () = time::sleep(EVERY) => false,
            () = now.notified() => true,
        };
        let current = policies.fingerprint();
        let still = current == seen;
        seen = current;
        if asked || (still && seen != loaded) {
            loaded.clone_from(&seen);
            if let Err(error) = policies.reload(PolicyOrigin::File).await {
                tracing::error!(%error, "the changed policy was not loaded; the one before it stays in force");
            }
        }
    }
}
