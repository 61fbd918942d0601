//! That `oam bitbucket watch` has done a round, and what it left.

use std::time::Duration;

use jiff::Timestamp;
use oam_proto::v1;
use tonic::Status;

use super::{provisioning::kept, unavailable};
use crate::{
    service::Live,
    watched::{LONGEST, Left},
};

/// Notes it. Answered once it is durable: a restart forgets nobody who is expected.
pub(super) fn rounded(
    live: &Live,
    request: &v1::TellBitbucketWatchRequest,
) -> Result<v1::TellBitbucketWatchResponse, Status> {
    kept(live)?;
    let every = Duration::from_secs(request.every_seconds);
    if every.is_zero() || every > LONGEST {
        let days = LONGEST.as_secs() / 86_400;
        return Err(Status::invalid_argument(format!(
            "a round is expected at least every {days} days, and at most every second: otherwise nobody would be missed"
        )));
    }
    let left = Left { leavers: request.leavers_left, places: request.places_unread };
    live.watched.rounded(every, left, Timestamp::now()).map_err(|error| unavailable(&error))?;
    Ok(v1::TellBitbucketWatchResponse {})
}
