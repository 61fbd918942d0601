//! One push, from the hook's first message to the daemon's decision.

mod incoming;
mod room;
mod round;
mod why_no_lease;

use std::{sync::Arc, time::Instant};

use oam_policy::{NonEmpty, RefUpdate, Repository, Request, Username, facts::FactsNeeded};
use oam_proto::{
    Asked as Questions, WireError, channel_from_wire, limits, merging_from_wire, update_from_wire,
    v1::{self, authorize_request::Step as Asked, authorize_response::Step as Answer},
};
use tokio::sync::mpsc;
use tonic::{Status, Streaming};

pub(super) use self::room::Room;
use self::{
    incoming::Incoming,
    round::{Push, Settled, changed},
};
use super::{Live, Peer};
use crate::authorize::{self, Question, Unrecorded};

/// How often facts are asked for. Three rounds are enough, unless the policy changes in between.
const ROUNDS: usize = 8;

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
    let mut incoming = Incoming::new(messages);
    let question = question(live, peer, &mut incoming).await?;
    let mut push = Push::new(live, &question);
    for _ in 0..ROUNDS {
        let decided = match push.settle()? {
            Settled::Decided(decided) => Some(decided),
            Settled::Needs(needed) => {
                let (asked, beyond) = Questions::of(&needed);
                let too_many = FactsNeeded { histories: beyond.histories, ..FactsNeeded::default() };
                if !too_many.is_empty() {
                    push.intake.learn_lack(&too_many, &untellable());
                }
                if !asked.is_empty() {
                    say(replies, Answer::Needed(asked.to_wire(&push.pusher()))).await?;
                    push.listen(&asked, &mut incoming).await?
                } else if beyond.pull_request {
                    look_up(&mut push, replies).await?;
                    None
                } else {
                    None
                }
            }
        };
        match decided {
            None => {}
            Some(decided) if push.rests_on_old_approvals(&decided) => look_up(&mut push, replies).await?,
            Some(decided) => return answer(push, *decided, replies).await,
        }
    }
    Err(changed())
}

/// Finds out who approved the pull request: the last thing before the decision, since it changes.
async fn look_up(push: &mut Push<'_>, replies: &Replies) -> Result<(), Status> {
    // A hook that hears nothing in its time may take the daemon for unreachable. One that names no pull request is not asked about.
    if push.question.pull_request.is_some() {
        say(replies, Answer::Working(v1::Working {})).await?;
    }
    push.learn_pull_request().await;
    Ok(())
}

/// Records what was decided, and then says it.
async fn answer(mut push: Push<'_>, decided: Unrecorded, replies: &Replies) -> Result<(), Status> {
    let claimed = push.claim(decided)?;
    let (mut decision, span) =
        authorize::record(push.live, push.question, push.intake.facts(), claimed).await;
    if push.question.shown_lease.is_none() {
        why_no_lease::add(&push.live.privileges, &push.question.request, &mut decision);
    }
    let outcome = decision.outcome();
    let said = say(replies, Answer::Decision(decision)).await;
    // After the answer: nobody waits for a line of the daemon's own log.
    span.in_scope(|| tracing::info!(?outcome, "decided"));
    said
}

/// Why some facts are not asked for.
fn untellable() -> String {
    format!(
        "of so many refs only the first {} are looked at: push fewer at once",
        limits::HISTORIES_PER_ROUND
    )
}

async fn question(live: &Live, peer: &Peer, messages: &mut Incoming<'_>) -> Result<Question, Status> {
    let (opening, lease) = messages.opening().await?;
    let fault = |field, detail: String| invalid(&WireError { field, detail });
    let repository = Repository::parse(&opening.repository)
        .map_err(|error| fault("opening.repository", error.to_string()))?;
    let pusher =
        Username::parse(&opening.pusher).map_err(|error| fault("opening.pusher", error.to_string()))?;
    let channel = channel_from_wire(opening.channel).map_err(|error| invalid(&error))?;
    let merging = opening.pull_request.as_ref().map(merging_from_wire).transpose();
    let pull_request = merging.map_err(|error| invalid(&error))?;
    let updates = updates(messages).await?;
    Ok(Question {
        request: Request { repository, pusher, channel, updates },
        pull_request,
        shown_lease: live.shown_lease(&lease.tokens),
        asked_by: peer.asked_by(),
        received: Instant::now(),
    })
}

async fn updates(messages: &mut Incoming<'_>) -> Result<NonEmpty<RefUpdate>, Status> {
    let mut updates = Vec::new();
    loop {
        let Asked::Updates(batch) = messages.next().await? else {
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

async fn say(replies: &Replies, step: Answer) -> Result<(), Status> {
    let message = v1::AuthorizeResponse { step: Some(step) };
    replies.send(Ok(message)).await.map_err(|_| Status::cancelled("the hook went away"))
}

fn invalid(error: &WireError) -> Status {
    Status::invalid_argument(error.to_string())
}
