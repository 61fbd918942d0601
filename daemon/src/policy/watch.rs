use std::sync::Arc;

use oam_audit::entry::PolicyOrigin;
use tokio::sync::Notify;

use super::{ApplyError, PolicyManager};
use crate::file_watch::FileWatch;

/// Follows the policy's files for ever: loads them when they have changed and lain still for one look, or at once
/// when `now` is notified. What was not loaded for a reason that is not theirs is tried again, less and less often, as long as nobody is writing them.
pub async fn follow(policies: Arc<PolicyManager>, now: Arc<Notify>) {
    let as_loaded = || policies.as_loaded.load_full().map(|look| (*look).clone());
    let mut watch = FileWatch::new(as_loaded());
    loop {
        let asked = watch.next(&now).await;
        if !watch.is_due(policies.look().await, asked) {
            continue;
        }
        let outcome = policies.reload(PolicyOrigin::File).await;
        if let Err(error) = &outcome {
            tracing::error!(%error, "the changed policy was not loaded; the one before it stays in force");
        }
        // It may have changed once more before it was read.
        watch.was_read(as_loaded(), !matches!(outcome, Ok(_) | Err(ApplyError::Faulty(_))));
    }
}
