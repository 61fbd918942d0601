//! That `oam bitbucket watch` goes on, as the daemon is told after each round: so it is missed when it does not.

use std::time::Duration;

use oam_proto::v1::TellBitbucketWatchRequest;

use crate::{command::Context, failure::Failure};

/// Tells it.
pub(super) async fn rounded(every: Duration, context: &mut Context) -> Result<(), Failure> {
    let request = TellBitbucketWatchRequest { every_seconds: every.as_secs() };
    context.address.connect().await?.tell_bitbucket_watch(request).await?;
    Ok(())
}
