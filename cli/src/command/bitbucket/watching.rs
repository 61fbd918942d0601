//! That `oam bitbucket watch` goes on, as the daemon is told after each round: so it is missed when it does not. And what the round
//! left, so that it is not only in a journal.

use std::time::Duration;

use oam_bitbucket::provision::Plan;
use oam_proto::v1::TellBitbucketWatchRequest;

use super::provision::Look;
use crate::{command::Context, failure::Failure};

/// What a round left.
#[derive(Debug, Clone, Copy)]
pub(super) struct Left {
    /// How many who are gone still have something, or may.
    leavers: usize,
    /// How many places could not be read.
    places: usize,
}

impl Left {
    /// After a round, by what is there now: whyever it is not done, be it too much at once, held back, or not asked for.
    pub(super) fn by(look: &Look) -> Self {
        let mut not_out = Plan::of(&look.seen, &look.basis).not_out(&look.basis);
        not_out.extend(look.plan.unread.iter().map(|(user, _)| user.clone()));
        Self { leavers: not_out.len(), places: look.plan.unread_places.len() }
    }

    /// Whether anybody who is gone is not out.
    pub(super) fn is_anybody(self) -> bool {
        self.leavers > 0
    }
}

/// Tells it.
pub(super) async fn rounded(every: Duration, left: Left, context: &mut Context) -> Result<(), Failure> {
    let request = TellBitbucketWatchRequest {
        every_seconds: every.as_secs(),
        leavers_left: left.leavers as u64,
        places_unread: left.places as u64,
    };
    context.address.connect().await?.tell_bitbucket_watch(request).await?;
    Ok(())
}
