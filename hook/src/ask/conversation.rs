use std::{error::Error as _, pin::pin, sync::Arc};

use oam_policy::printable::Printable;
use oam_proto::{
    limits,
    v1::{self, authorize_request::Step, authorize_response, authorizer_client::AuthorizerClient},
};
use tokio::sync::mpsc;
use tokio_stream::{StreamExt as _, wrappers::ReceiverStream};
use tonic::{Code, Status, Streaming, transport::Channel};

use super::{Answer, Failure, Question, batches::Batches, judge::judge, watched::Watch};
use crate::{git::ancestry, history::Asked};

/// How often a daemon may ask for facts. It asks for all that it needs at once, so more than twice is odd.
const MAX_ROUNDS: usize = 16;

/// How many characters of a daemon's own error text are passed on.
const SHOWN: usize = 200;

/// Asks, answers what is asked back, and returns the decision.
/// `heard` is set once the daemon asked for facts, or said that it is at work.
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
    let opening = v1::AuthorizeRequest {
        step: Some(Step::Opening(question.opening.clone())),
        lease: question.lease.clone(),
    };
    let updates = tokio_stream::iter(Batches::new(Arc::clone(&question.updates)).map(Step::Updates));
    let steps = updates.chain(ReceiverStream::new(later).map(Step::Facts));
    let steps = steps.map(|step| v1::AuthorizeRequest { step: Some(step), lease: None });
    let requests = tokio_stream::once(opening).chain(steps);
    let mut answers = client.authorize(requests).await?.into_inner();
    let mut step = next(&mut answers).await?;
    for _ in 0..MAX_ROUNDS {
        let needed = match step {
            authorize_response::Step::Decision(decision) => {
                return judge(decision, question.updates.len()).map_err(Trouble::Nonsense);
            }
            authorize_response::Step::Working(_) => {
                *heard = true;
                step = next(&mut answers).await?;
                continue;
            }
            authorize_response::Step::Needed(needed) => needed,
        };
        *heard = true;
        let asked = Arc::new(Asked::read(&needed, &question.updates).map_err(Trouble::Nonsense)?);
        step = next_while(tell(&asked, question, &facts), &mut answers).await?;
    }
    Err(Trouble::Nonsense("asked for facts again and again".into()))
}

async fn next(answers: &mut Streaming<v1::AuthorizeResponse>) -> Result<authorize_response::Step, Trouble> {
    let message = answers.message().await?.ok_or(Trouble::Ended)?;
    message.step.ok_or_else(|| Trouble::Nonsense("sent a message that this hook does not know".into()))
}

/// What the daemon says next. It may decide before it is told everything: then the rest is left untold.
async fn next_while(
    telling: impl Future<Output = ()>,
    answers: &mut Streaming<v1::AuthorizeResponse>,
) -> Result<authorize_response::Step, Trouble> {
    let mut telling = pin!(telling);
    tokio::select! {
        biased;
        () = &mut telling => next(answers).await,
        step = next(answers) => {
            let step = step?;
            // It goes on when it has heard all: then there is only the end of the telling to wait for.
            if !matches!(step, authorize_response::Step::Decision(_)) {
                telling.await;
            }
            Ok(step)
        }
    }
}

/// Finds out what is asked for, and sends it. Where nobody takes it, the call is over, and reading the answer will say why.
async fn tell(asked: &Arc<Asked>, question: &Question, facts: &mpsc::Sender<v1::Facts>) {
    let pairs = asked.ancestry.iter().map(|(_, pair)| *pair).collect();
    let found = question.history.are_ancestors(pairs).await;
    let found =
        asked.ancestry.iter().zip(&found).map(|((index, _), answer)| ancestry::to_wire(*index, answer));
    let found: Vec<_> = found.collect();
    let mut batches = found.chunks(limits::UPDATES_PER_MESSAGE).peekable();
    while let Some(batch) = batches.next() {
        let last = batches.peek().is_none() && asked.histories.is_empty();
        let message = v1::Facts { ancestry: batch.to_vec(), last, ..v1::Facts::default() };
        if facts.send(message).await.is_err() {
            return;
        }
    }
    if !asked.histories.is_empty() {
        question.histories.tell(asked, facts).await;
    }
}

fn said(status: &Status) -> String {
    Printable::new(status.message()).to_string().chars().take(SHOWN).collect()
}
