use std::time::Duration;

use oam_proto::v1::{self, authorize_request::Step};
use prost::Message as _;
use tokio::time::{self, Instant};
use tonic::{Status, Streaming};

/// How long a hook may be silent while it says what is to change.
const PATIENCE: Duration = Duration::from_secs(30);

/// How long it may be silent while it looks for facts: it has to read a history for some.
const PATIENCE_FOR_FACTS: Duration = Duration::from_secs(120);

/// What one conversation may take. No push of a person comes near; a hook that goes on and on is cut off.
#[derive(Debug, Clone, Copy)]
struct Allowance {
    messages: u64,
    bytes: u64,
    until: Instant,
}

/// The messages of one hook.
pub(super) struct Incoming<'a> {
    messages: &'a mut Streaming<v1::AuthorizeRequest>,
    left: Allowance,
}

impl<'a> Incoming<'a> {
    pub(super) fn new(messages: &'a mut Streaming<v1::AuthorizeRequest>) -> Self {
        Self { messages, left: Allowance::whole(Instant::now()) }
    }

    pub(super) async fn next(&mut self) -> Result<Step, Status> {
        self.next_within(PATIENCE).await.map(|(step, _)| step)
    }

    /// The first message, with the lease that may stand beside it.
    pub(super) async fn opening(&mut self) -> Result<(v1::Opening, v1::ShownLease), Status> {
        match self.next_within(PATIENCE).await? {
            (Step::Opening(opening), lease) => Ok((opening, lease.unwrap_or_default())),
            _ => Err(Status::invalid_argument("the first message of a conversation is its opening")),
        }
    }

    pub(super) async fn next_facts(&mut self) -> Result<v1::Facts, Status> {
        match self.next_within(PATIENCE_FOR_FACTS).await? {
            (Step::Facts(facts), _) => Ok(facts),
            (Step::Opening(_) | Step::Updates(_), _) => {
                Err(Status::invalid_argument("facts were asked for, and something else came"))
            }
        }
    }

    async fn next_within(&mut self, patience: Duration) -> Result<(Step, Option<v1::ShownLease>), Status> {
        let until = (Instant::now() + patience).min(self.left.until);
        let message = time::timeout_at(until, self.messages.message())
            .await
            .map_err(|_| Status::deadline_exceeded("the hook fell silent, or goes on for too long"))??;
        let message = message.ok_or_else(|| Status::cancelled("the hook went away"))?;
        self.left.spend(message.encoded_len())?;
        let step = message.step;
        let step =
            step.ok_or_else(|| Status::invalid_argument("a message without content, or of a newer version"))?;
        Ok((step, message.lease))
    }
}

impl Allowance {
    fn whole(now: Instant) -> Self {
        Self { messages: 2_000_000, bytes: 4 << 30, until: now + Duration::from_secs(15 * 60) }
    }

    fn spend(&mut self, bytes: usize) -> Result<(), Status> {
        let messages = self.messages.checked_sub(1);
        let bytes = u64::try_from(bytes).ok().and_then(|bytes| self.bytes.checked_sub(bytes));
        let (Some(messages), Some(bytes)) = (messages, bytes) else {
            return Err(Status::resource_exhausted(
                "the hook tells more than is listened to in one push: push fewer refs or commits at once",
            ));
        };
        (self.messages, self.bytes) = (messages, bytes);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::Instant;
    use tonic::Code;

    use super::Allowance;

    #[test]
    fn who_goes_on_and_on_is_cut_off() {
        let whole = Allowance::whole(Instant::now());
        let cut_off = |mut left: Allowance, bytes| left.spend(bytes).map_err(|status| status.code());
        assert_eq!(cut_off(whole, 4 << 20), Ok(()));
        assert_eq!(cut_off(Allowance { messages: 0, ..whole }, 1), Err(Code::ResourceExhausted));
        assert_eq!(cut_off(Allowance { bytes: 9, ..whole }, 10), Err(Code::ResourceExhausted));
        assert_eq!(cut_off(Allowance { bytes: 10, ..whole }, 10), Ok(()));
    }
}
