//! Policies are read, checked and compared beside the threads that serve pushes: a large one takes seconds.

use std::time::Duration;

use tokio::{
    sync::{Semaphore, SemaphorePermit},
    task,
};
use tonic::Status;

use super::unavailable;

/// How many drafts are worked on at once: whoever may look may ask for it, and each takes time and memory of its own.
static TURNS: Semaphore = Semaphore::const_new(1);
/// How long one who asks waits for their turn.
pub(super) const PATIENCE: Duration = Duration::from_secs(30);

/// Does `work` on drafts, beside the threads that serve, when it is its turn. Also reading a draft is such work: it is large.
pub(super) async fn in_turn<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Status> {
    let turn = turn(&TURNS, PATIENCE, "other policies are being checked or compared").await?;
    beside(move || {
        // Nobody may be listening any more: the turn lasts as long as the work does.
        let _turn = turn;
        work()
    })
    .await
}

/// Does `work` beside the threads that serve.
pub(super) async fn beside<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Status> {
    task::spawn_blocking(work).await.map_err(|error| unavailable(&error))
}

/// Whose turn it is. Where it is not theirs in time, they are told what keeps it.
pub(super) async fn turn<'a>(
    turns: &'a Semaphore,
    patience: Duration,
    others: &str,
) -> Result<SemaphorePermit<'a>, Status> {
    match tokio::time::timeout(patience, turns.acquire()).await {
        Ok(Ok(turn)) => Ok(turn),
        Ok(Err(_)) | Err(_) => {
            Err(Status::resource_exhausted(format!("{others} at the moment: ask again later")))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::sync::Semaphore;
    use tonic::Code;

    use super::turn;

    #[tokio::test]
    async fn there_is_one_draft_at_a_time() {
        let turns = Semaphore::new(1);
        let first = turn(&turns, Duration::ZERO, "others").await.unwrap();
        let second = turn(&turns, Duration::ZERO, "others").await;
        assert_eq!(second.unwrap_err().code(), Code::ResourceExhausted);
        drop(first);
        assert!(turn(&turns, Duration::ZERO, "others").await.is_ok());
    }
}
