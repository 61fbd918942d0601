use jiff::Timestamp;
use oam_policy::Repository;
use oam_proto::v1;

use super::convert;
use crate::{canary::Tried, service::Live};

pub(super) fn state(live: &Live) -> v1::BitbucketState {
    let url = live.config.bitbucket.as_ref().map(|bitbucket| bitbucket.url.to_string());
    v1::BitbucketState {
        url: url.unwrap_or_default(),
        trouble: live.canaries.trouble().unwrap_or_default(),
        proven_micros: live.canaries.proven().map_or(0, convert::micros),
        repositories: live.canaries.repositories().into_iter().map(repository).collect(),
    }
}

fn repository(
    (repository, decided, tried): (Repository, Option<Timestamp>, Option<Tried>),
) -> v1::BitbucketRepository {
    let canary = |tried: Tried| v1::Canary {
        at_micros: convert::micros(tried.at),
        outcome: tried.outcome.as_str().to_owned(),
        detail: tried.outcome.detail().unwrap_or_default().to_owned(),
    };
    v1::BitbucketRepository {
        repository: repository.to_string(),
        decided_micros: decided.map_or(0, convert::micros),
        canary: tried.map(canary),
    }
}
