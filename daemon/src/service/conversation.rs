//! One push, from the hook's first message to the daemon's decision.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use oam_policy::{Facts, NonEmpty, RefUpdate, Repository, Request, Username, facts::FactsNeeded};
use oam_proto::{
    WireError, channel_from_wire, facts_from_wire, facts_needed_to_wire, limits, update_from_wire,
    v1::{self, authorize_request::Step as Asked, authorize_response::Step as Answer},
};
use tokio::{sync::mpsc, task, time};
use tonic::{Status, Streaming};

use super::{Live, Peer, untold};
use crate::authorize::{self, Attempt, Question};

/// How long a hook may be silent in the middle of a conversation.
const PATIENCE: Duration = Duration::from_secs(30);

/// How often facts are asked for. One round is enough, unless the policy changes in between.
const ROUNDS: usize = 4;

/// From how many refs on a decision is made beside the other conversations rather than between them.
const MANY_REFS: usize = 500;

type Messages = Streaming<v1::AuthorizeRequest>;
type Replies = mpsc::Sender<Result<v1::AuthorizeResponse, Status>>;

/// Holds one conversation to its end. A hook that goes away in the middle has been told nothing.
pub(super) async fn hold(live: Arc<Live>, peer: Peer, mut messages: Messages, replies: Replies) {
    if let Err(status) = converse(&live, &peer, &mut messages, &replies).await {
        tracing::warn!(%peer, code = ?status.code(), message = status.message(), "a conversation failed");
        // The hook may be gone: then there is nobody to tell.
        let _ = replies.send(Err(status)).await;
    }
}

async fn converse(
    live: &Arc<Live>,
    peer: &Peer,
    messages: &mut Messages,
    replies: &Replies,
) -> Result<(), Status> {
    let question = question(peer, messages).await?;
    let mut facts = Facts::none();
    for _ in 0..ROUNDS {
        let needed = match decide(live, &question, &facts) {
            Attempt::Decided(unrecorded) => {
                let (decision, span) = authorize::record(live, &question, *unrecorded).await;
                let outcome = decision.outcome();
                let said = say(replies, Answer::Decision(decision)).await;
                // After the answer: nobody waits for a line of the daemon's own log.
                span.in_scope(|| tracing::info!(?outcome, "decided"));
                return said;
            }
            Attempt::Needs(needed) => needed,
        };
        untold::learn(&mut facts, &needed);
        if needed.ancestry.is_empty() {
            continue;
        }
        say(replies, Answer::Needed(facts_needed_to_wire(&needed))).await?;
        learn(messages, &mut facts, &needed).await?;
    }
    Err(Status::aborted("the policy changed again and again while this push was being decided: push again"))
}

fn decide(live: &Live, question: &Question, facts: &Facts) -> Attempt {
    if question.request.updates.len() < MANY_REFS {
        return authorize::attempt(live, question, facts);
    }
    task::block_in_place(|| authorize::attempt(live, question, facts))
}

async fn question(peer: &Peer, messages: &mut Messages) -> Result<Question, Status> {
    let Asked::Opening(opening) = next(messages).await? else {
        return Err(Status::invalid_argument("the first message of a conversation is its opening"));
    };
    let fault = |field, detail: String| invalid(&WireError { field, detail });
    let repository = Repository::parse(&opening.repository)
        .map_err(|error| fault("opening.repository", error.to_string()))?;
    let pusher =
        Username::parse(&opening.pusher).map_err(|error| fault("opening.pusher", error.to_string()))?;
    let channel = channel_from_wire(opening.channel).map_err(|error| invalid(&error))?;
    let updates = updates(messages).await?;
    Ok(Question {
        request: Request { repository, pusher, channel, updates },
        asked_by: peer.asked_by(),
        received: Instant::now(),
    })
}

async fn updates(messages: &mut Messages) -> Result<NonEmpty<RefUpdate>, Status> {
    let mut updates = Vec::new();
    loop {
        let Asked::Updates(batch) = next(messages).await? else {
            return Err(Status::invalid_argument(
                "ref updates follow the opening, until one batch is the last",
            ));
        };
        if updates.len() + batch.updates.len() > limits::UPDATES_PER_PUSH {
            let most = limits::UPDATES_PER_PUSH;
            return Err(Status::resource_exhausted(format!(
                "a push of more than {most} refs: push fewer at once"
            )));
        }
        for update in batch.updates {
            updates.push(update_from_wire(update).map_err(|error| invalid(&error))?);
        }
        if batch.last {
            return NonEmpty::from_vec(updates)
                .ok_or_else(|| Status::invalid_argument("a push without a ref update"));
        }
    }
}

async fn learn(messages: &mut Messages, facts: &mut Facts, needed: &FactsNeeded) -> Result<(), Status> {
    loop {
        let Asked::Facts(batch) = next(messages).await? else {
            return Err(Status::invalid_argument("facts were asked for, and something else came"));
        };
        let last = batch.last;
        facts_from_wire(facts, batch, needed).map_err(|error| invalid(&error))?;
        if last {
            let missing = needed.ancestry.iter().find(|index| facts.ancestry(**index).is_none());
            return missing.map_or(Ok(()), |index| {
                Err(Status::invalid_argument(format!(
                    "the ancestry of update {index} was asked for and not answered"
                )))
            });
        }
    }
}

async fn next(messages: &mut Messages) -> Result<Asked, Status> {
    let message = time::timeout(PATIENCE, messages.message())
        .await
        .map_err(|_| Status::deadline_exceeded("the hook fell silent"))??;
    let step = message.ok_or_else(|| Status::cancelled("the hook went away"))?.step;
    step.ok_or_else(|| Status::invalid_argument("a message without content, or of a newer version"))
}

async fn say(replies: &Replies, step: Answer) -> Result<(), Status> {
    let message = v1::AuthorizeResponse { step: Some(step) };
    replies.send(Ok(message)).await.map_err(|_| Status::cancelled("the hook went away"))
}

fn invalid(error: &WireError) -> Status {
    Status::invalid_argument(error.to_string())
}
