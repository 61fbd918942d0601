//! Policies are read, checked, compared and asked beside the threads that serve pushes: a large one takes seconds.

use std::time::Duration;

use oam_policy::file::MAX_BYTES;
use oam_proto::v1;
use tokio::{
    sync::{Semaphore, SemaphorePermit},
    task,
};
use tonic::Status;

use super::unavailable;

/// How long one who asks waits for their turn.
const PATIENCE: Duration = Duration::from_secs(30);
/// How many may wait for one turn: what they sent is held meanwhile.
const WAITERS: usize = 16;

/// For whoever compares drafts, or asks by one.
pub(super) static DRAFTS: Turns = Turns::new("other policies are being compared");
/// For `check` alone, which people and pipelines wait for: no comparison keeps it.
pub(super) static CHECKS: Turns = Turns::new("other policies are being checked");

/// One at a time does this work: whoever may look may ask for it, and each takes time and memory of its own.
#[derive(Debug)]
pub(super) struct Turns {
    turn: Semaphore,
    /// Places for those who wait.
    room: Semaphore,
    /// What keeps those who wait, in words.
    others: &'static str,
}

/// Somebody's turn. It is over when this is dropped.
pub(super) type Turn = SemaphorePermit<'static>;

impl Turns {
    pub(super) const fn new(others: &'static str) -> Self {
        Self { turn: Semaphore::const_new(1), room: Semaphore::const_new(WAITERS), others }
    }

    /// Whose turn it is. Where it is not theirs in time, or too many wait already, they are told what keeps it.
    pub(super) async fn take(&self) -> Result<SemaphorePermit<'_>, Status> {
        self.take_within(PATIENCE).await
    }

    async fn take_within(&self, patience: Duration) -> Result<SemaphorePermit<'_>, Status> {
        let _place = self.room.try_acquire().map_err(|_| self.later())?;
        match tokio::time::timeout(patience, self.turn.acquire()).await {
            Ok(Ok(turn)) => Ok(turn),
            Ok(Err(_)) | Err(_) => Err(self.later()),
        }
    }

    fn later(&self) -> Status {
        Status::resource_exhausted(format!("{} at the moment: ask again later", self.others))
    }
}

/// Refuses what is too large for a policy, before it waits for a turn.
pub(super) fn fits(files: &[v1::PolicyFile]) -> Result<(), Status> {
    let bytes: usize = files.iter().map(|file| file.text.len()).sum();
    if bytes > MAX_BYTES {
        let message = format!("the policy has {bytes} bytes; {MAX_BYTES} are allowed");
        return Err(Status::invalid_argument(message));
    }
    Ok(())
}

/// Does `work` beside the threads that serve, when it is its turn. Also reading a draft is such work: it is large.
pub(super) async fn in_turn<T: Send + 'static>(
    turns: &'static Turns,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Status> {
    let turn = turns.take().await?;
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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use oam_policy::file::MAX_BYTES;
    use oam_proto::v1;
    use tonic::Code;

    use super::{Turns, WAITERS, fits};

    #[tokio::test]
    async fn there_is_one_draft_at_a_time() {
        let turns = Turns::new("others");
        let first = turns.take().await.unwrap();
        let second = turns.take_within(Duration::ZERO).await;
        assert_eq!(second.unwrap_err().code(), Code::ResourceExhausted);
        drop(first);
        assert!(turns.take().await.is_ok());
    }

    /// What they sent is held as long as they wait.
    #[tokio::test]
    async fn beyond_so_many_who_wait_nobody_else_does() {
        let turns = Turns::new("others");
        let first = turns.take().await.unwrap();
        let all = (0..WAITERS).map(|_| turns.take_within(Duration::from_secs(600)));
        let mut waiting: Vec<_> = all.map(Box::pin).collect();
        for one in &mut waiting {
            assert!(tokio::time::timeout(Duration::from_millis(1), one.as_mut()).await.is_err());
        }
        let another = tokio::time::timeout(Duration::from_secs(10), turns.take()).await.unwrap();
        assert_eq!(another.unwrap_err().code(), Code::ResourceExhausted);
        drop(waiting);
        drop(first);
        assert!(turns.take().await.is_ok());
    }

    #[test]
    fn what_is_too_large_for_a_policy_waits_for_no_turn() {
        let file = |bytes: usize| v1::PolicyFile { name: "p.toml".into(), text: "#".repeat(bytes) };
        assert!(fits(&[file(MAX_BYTES)]).is_ok());
        let refused = fits(&[file(MAX_BYTES), file(1)]).unwrap_err();
        assert_eq!(refused.code(), Code::InvalidArgument);
    }
}
