use std::{sync::Arc, time::Duration};

use oam_audit::entry::PolicyOrigin;
use tokio::{sync::Notify, time};

use super::{ApplyError, PolicyManager};
use crate::backoff::Again;

/// How often the policy's files are looked at. Looking, unlike waiting for notifications, also works on NFS and on
/// folders that are swapped by a link, as Bitbucket's shared home and configuration maps are.
const EVERY: Duration = Duration::from_millis(500);

/// Follows the policy's files for ever: loads them when they have changed and lain still for one look, or at once
/// when `now` is notified. What was not loaded for a reason that is not theirs is tried again, less and less often, as long as nobody is writing them.
pub async fn follow(policies: Arc<PolicyManager>, now: Arc<Notify>) {
    // What changed since it was read is a change; what could not be read then is read when it can be.
    let mut loaded = policies.as_loaded.load_full().map(|look| (*look).clone());
    let mut seen = loaded.clone();
    let mut again: Option<Again> = None;
    loop {
        let asked = tokio::select! {
            () = time::sleep(EVERY) => false,
            () = now.notified() => true,
        };
        let current = policies.look().await;
        let still = current.what == seen;
        seen = current.what;
        if current.was_late {
            loaded = None;
        }
        let is_due = again.as_ref().is_some_and(Again::is_due);
        let is_new = loaded != seen;
        if !(asked || (still && (is_due || is_new))) {
            continue;
        }
        let outcome = policies.reload(PolicyOrigin::File).await;
        // It may have changed once more before it was read.
        loaded = policies.as_loaded.load_full().map(|look| (*look).clone()).or_else(|| seen.clone());
        again = match outcome {
            Ok(_) => None,
            Err(error) => {
                tracing::error!(%error, "the changed policy was not loaded; the one before it stays in force");
                (!matches!(error, ApplyError::Faulty(_))).then(|| Again::after(again))
            }
        };
    }
}
