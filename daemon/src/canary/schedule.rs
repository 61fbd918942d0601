use std::{sync::Arc, time::Instant};

use jiff::Timestamp;
use oam_audit::entry::{CanaryOutcome, CanaryTried, Event};
use oam_bitbucket::{Bitbucket, Error};
use oam_policy::{CANARIES, Repository};
use tokio::time;
use tokio_util::sync::CancellationToken;

use super::{
    attempt::Attempt,
    state::{Outcome, Tried},
};
use crate::{config::BitbucketConfig, service::Live};

/// Sends canaries until `stop`.
pub async fn follow(live: Arc<Live>, config: BitbucketConfig, stop: CancellationToken) {
    let mut every = time::interval(config.canary.every);
    every.set_missed_tick_behavior(time::MissedTickBehavior::Delay);
    while stop.run_until_cancelled(every.tick()).await.is_some() {
        round(&live, &config, &stop).await;
        live.canaries.keep();
        if let Some(why) = live.canaries.silence(config.canary.alarm_after, Instant::now()) {
            record(&live, &silence(why)).await;
        }
    }
}

/// One round: a few repositories, those first that were not tried for the longest time.
async fn round(live: &Live, config: &BitbucketConfig, stop: &CancellationToken) {
    // The token is read each time, so that another one can be put in its place.
    let bitbucket = match config.open() {
        Ok(bitbucket) => bitbucket,
        Err(why) => return gave_up(live, why),
    };
    let asked = Instant::now();
    match everything(&bitbucket).await {
        Ok(repositories) => live.canaries.listed(repositories, asked),
        Err(error) => return gave_up(live, error.to_string()),
    }
    for (repository, before) in live.canaries.due(config.canary.repositories) {
        // One that has begun is finished: it may have to be taken away again.
        if stop.is_cancelled() {
            return;
        }
        one(live, &bitbucket, &repository, before).await;
    }
}

fn gave_up(live: &Live, why: String) {
    tracing::warn!(%why, "canaries could not be sent");
    live.canaries.failed(why);
}

async fn everything(bitbucket: &Bitbucket) -> Result<Vec<Repository>, Error> {
    let mut all = Vec::new();
    for project in bitbucket.projects().await? {
        all.extend(bitbucket.repositories(&project).await?);
    }
    Ok(all)
}

async fn one(live: &Live, bitbucket: &Bitbucket, repository: &Repository, before: Option<Tried>) {
    let attempt = Attempt { bitbucket, canaries: &live.canaries, repository };
    let (branch, outcome) = match before {
        // Another one beside it would say nothing new.
        Some(Tried { branch, outcome: Outcome::Accepted { left: Some(left), .. }, .. }) => {
            let outcome = attempt.went_in(left).await;
            (branch, outcome)
        }
        _ => {
            let Some(branch) = Attempt::name() else { return };
            let outcome = attempt.make(&branch).await;
            (branch, outcome)
        }
    };
    live.metrics.canary(outcome.as_str());
    let tried = Tried { at: Timestamp::now(), branch, outcome };
    let event = event(repository, &tried);
    match tried.outcome {
        Outcome::Accepted { .. } => {
            tracing::error!(%repository, "CHANGES ARE NOT CHECKED: a forbidden branch went in");
        }
        Outcome::Unknown { .. } | Outcome::Empty | Outcome::Gone { .. } | Outcome::Refused { .. } => {
            tracing::debug!(%repository, outcome = tried.outcome.as_str(), "canary");
        }
    }
    let before = live.canaries.tried(repository, tried.clone(), Instant::now());
    live.canaries.keep();
    if before.is_none_or(|before| before.kind() != tried.outcome.kind()) {
        record(live, &event).await;
    }
}

fn event(repository: &Repository, tried: &Tried) -> Event {
    let decision = match &tried.outcome {
        Outcome::Refused { decision } => Some(decision.clone()),
        Outcome::Accepted { .. } | Outcome::Unknown { .. } | Outcome::Empty | Outcome::Gone { .. } => None,
    };
    Event::CanaryTried(CanaryTried {
        repository: repository.to_string(),
        branch: String::from_utf8_lossy(tried.branch.as_bytes()).into_owned(),
        outcome: tried.outcome.kind(),
        decision,
        detail: tried.outcome.detail().map(str::to_owned),
    })
}

/// That no canary is refused for long, wherever: who is told by the log only must learn it, too.
fn silence(why: String) -> Event {
    Event::CanaryTried(CanaryTried {
        repository: "**".to_owned(),
        branch: format!("{CANARIES}**"),
        outcome: CanaryOutcome::Unknown,
        decision: None,
        detail: Some(why),
    })
}

async fn record(live: &Live, event: &Event) {
    let recorded = match live.audit.batch(event) {
        Ok(batch) => live.audit.append(batch).await.map(|_| ()).map_err(|error| error.to_string()),
        Err(error) => Err(error.to_string()),
    };
    if let Err(error) = recorded {
        tracing::error!(%error, "what came of a canary could not be recorded");
    }
}
