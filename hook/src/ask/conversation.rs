use std::{error::Error as _, sync::Arc};

use oam_policy::{RefChange, RefUpdate, printable::Printable};
use oam_proto::{
    limits,
    v1::{self, authorize_request::Step, authorize_response, authorizer_client::AuthorizerClient},
};
use tokio::sync::mpsc;
use tokio_stream::{StreamExt as _, wrappers::ReceiverStream};
use tonic::{Code, Status, Streaming, transport::Channel};

use super::{Answer, Failure, Question, batches::Batches, judge::judge, watched::Watch};
use crate::ancestry::{self, Pair};

/// How often a daemon may ask for facts. It asks for all that it needs at once, so more than twice is odd.
const MAX_ROUNDS: usize = 16;

/// How many characters of a daemon's own error text are passed on.
const SHOWN: usize = 200;

/// Asks, answers what is asked back, and returns the decision.
/// `heard` is set once the daemon asked for facts.
pub(super) async fn hold(
    channel: Channel,
    watch: &Watch,
    question: &Question,
    heard: &mut bool,
) -> Result<Answer, Failure> {
    talk(channel, question, heard).await.map_err(|trouble| match trouble {
        Trouble::Status(status) if watch.is_lost() || is_no_word(&status) => {
            Failure::Unreachable(format!("it was lost before it decided: {}", said(&status)))
        }
        Trouble::Ended if watch.is_lost() => {
            Failure::Unreachable("it closed the connection before it decided".into())
        }
        Trouble::Status(status) => {
            Failure::Protocol(format!("answered with the error {:?}: {}", status.code(), said(&status)))
        }
        Trouble::Ended => Failure::Protocol("ended the conversation without a decision".into()),
        Trouble::Nonsense(detail) => Failure::Protocol(detail),
    })
}

/// Whether a status tells that no answer came, rather than being one. Which code it has then depends on the layer that
/// noticed first; below TLS, a refused certificate is only bytes.
fn is_no_word(status: &Status) -> bool {
    let mut cause = status.source();
    while let Some(error) = cause {
        if error.is::<tonic::transport::Error>() {
            return true;
        }
        cause = error.source();
    }
    status.code() == Code::Unavailable
}

/// What can go wrong in a conversation.
enum Trouble {
    Status(Status),
    Ended,
    Nonsense(String),
}

impl From<Status> for Trouble {
    fn from(status: Status) -> Self {
        Self::Status(status)
    }
}

async fn talk(channel: Channel, question: &Question, heard: &mut bool) -> Result<Answer, Trouble> {
    let mut client = AuthorizerClient::new(channel).max_decoding_message_size(limits::MESSAGE_BYTES);
    let (facts, later) = mpsc::channel(2);
    let opening = tokio_stream::once(Step::Opening(question.opening.clone()));
    let updates = tokio_stream::iter(Batches::new(Arc::clone(&question.updates)).map(Step::Updates));
    let steps = opening.chain(updates).chain(ReceiverStream::new(later).map(Step::Facts));
    let requests = steps.map(|step| v1::AuthorizeRequest { step: Some(step) });
    let mut answers = client.authorize(requests).await?.into_inner();
    for _ in 0..MAX_ROUNDS {
        match next(&mut answers).await? {
            authorize_response::Step::Decision(decision) => {
                return judge(decision, question.updates.len()).map_err(Trouble::Nonsense);
            }
            authorize_response::Step::Needed(needed) => {
                *heard = true;
                answer(&needed, question, &facts).await?;
            }
        }
    }
    Err(Trouble::Nonsense("asked for facts again and again".into()))
}

async fn next(answers: &mut Streaming<v1::AuthorizeResponse>) -> Result<authorize_response::Step, Trouble> {
    let message = answers.message().await?.ok_or(Trouble::Ended)?;
    message.step.ok_or_else(|| Trouble::Nonsense("sent a message that this hook does not know".into()))
}

/// Finds out what is asked for, and sends it.
async fn answer(
    needed: &v1::FactsNeeded,
    question: &Question,
    facts: &mpsc::Sender<v1::Facts>,
) -> Result<(), Trouble> {
    let pairs = pairs(needed, &question.updates).map_err(Trouble::Nonsense)?;
    let found = question.history.are_ancestors(pairs).await;
    let found: Vec<_> =
        needed.ancestry.iter().zip(&found).map(|(index, answer)| ancestry::to_wire(*index, answer)).collect();
    if found.is_empty() {
        // Only histories were asked for, of which this hook tells nothing; the daemon draws its conclusion.
        let _ = facts.send(v1::Facts { last: true, ..v1::Facts::default() }).await;
    }
    let mut batches = found.chunks(limits::UPDATES_PER_MESSAGE).peekable();
    while let Some(batch) = batches.next() {
        let message =
            v1::Facts { ancestry: batch.to_vec(), last: batches.peek().is_none(), histories: Vec::new() };
        // Nobody takes it: the call is over, and reading the answer will say why.
        if facts.send(message).await.is_err() {
            break;
        }
    }
    Ok(())
}

/// The tips that are asked about.
fn pairs(needed: &v1::FactsNeeded, updates: &[RefUpdate]) -> Result<Vec<Pair>, String> {
    if needed.ancestry.is_empty() && needed.histories.is_empty() {
        return Err("asked for facts without saying which".into());
    }
    if !needed.ancestry.is_sorted_by(|one, next| one < next) {
        return Err("asked for facts in no order".into());
    }
    let pair = |index: &u64| {
        let update = usize::try_from(*index).ok().and_then(|index| updates.get(index));
        match update.map(|update| update.change) {
            Some(RefChange::Move { old, new }) => Ok(Pair { old, new }),
            _ => Err(format!("asked for the ancestry of update {index}, which moves no ref")),
        }
    };
    needed.ancestry.iter().map(pair).collect()
}

fn said(status: &Status) -> String {
    Printable::new(status.message()).to_string().chars().take(SHOWN).collect()
}
