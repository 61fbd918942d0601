//! The second door: a running daemon, asked over gRPC by a client of its own.

use std::collections::BTreeSet;

use jiff::Timestamp;
use oam_policy::{Merging, ObjectId};
use oam_proto::{
    channel_to_wire, limits, merging_to_wire, update_to_wire,
    v1::{
        self, admin_client::AdminClient, authorize_request::Step, authorize_response,
        authorizer_client::AuthorizerClient,
    },
};
use oam_tests::Daemon;
use tokio::{runtime::Runtime, sync::mpsc};
use tokio_stream::wrappers::UnboundedReceiverStream;
use tonic::transport::{Channel, Endpoint};

use crate::{
    answer::{Answer, Reason, Verdict},
    case::Case,
    decided,
    run::PULL_REQUEST,
};

/// A client of a daemon, over both its sockets.
pub(crate) struct Client {
    runtime: Runtime,
    hooks: Channel,
    admins: Channel,
}

impl Client {
    /// Connects.
    pub(crate) fn of(daemon: &Daemon) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let connect = |socket: std::path::PathBuf| {
            let endpoint = Endpoint::from_shared(format!("unix://{}", socket.display())).unwrap();
            runtime.block_on(endpoint.connect()).unwrap_or_else(|error| panic!("{socket:?}: {error}"))
        };
        let (hooks, admins) = (connect(daemon.hook_socket()), connect(daemon.admin_socket()));
        Self { runtime, hooks, admins }
    }

    /// Asks as the hook asks, or for another time than now as `oam explain` asks, one ref at a time.
    pub(crate) fn ask(&self, case: &Case, shown: &[String]) -> Answer {
        match &case.at {
            None => self.runtime.block_on(authorize(self.hooks.clone(), case, shown)),
            Some(at) => self.runtime.block_on(explain(self.admins.clone(), case, Some(at.0))),
        }
    }

    /// Asks as `oam explain` asks, which can tell a daemon of approvals, which no hook does; nothing where it cannot tell all.
    pub(crate) fn ask_with_circumstances(&self, case: &Case) -> Option<Answer> {
        case.circumstances()?;
        Some(self.runtime.block_on(explain(self.admins.clone(), case, None)))
    }
}

/// The pull request that is asked about.
pub(crate) fn merging() -> Merging {
    Merging { number: PULL_REQUEST, head: Some(ObjectId::Sha1([2; 20])) }
}

async fn authorize(channel: Channel, case: &Case, shown: &[String]) -> Answer {
    let request = decided::request(case);
    let (steps, sent) = mpsc::unbounded_channel();
    // A decision may come before everything is told.
    let say = |step| drop(steps.send(v1::AuthorizeRequest { step: Some(step), lease: None }));
    let lease = v1::ShownLease::of(shown.iter().map(String::as_bytes));
    let open = |step| drop(steps.send(v1::AuthorizeRequest { step: Some(step), lease }));
    open(Step::Opening(v1::Opening {
        repository: request.repository.to_string(),
        pusher: request.pusher.as_str().to_owned(),
        channel: channel_to_wire(request.channel) as i32,
        hook_version: "cases".into(),
        host: "localhost".into(),
        pull_request: case.pull_request.as_ref().map(|_| merging_to_wire(&merging())),
    }));
    let updates = request.updates.iter().map(update_to_wire).collect();
    say(Step::Updates(v1::RefUpdates { updates, last: true }));
    let mut client = AuthorizerClient::new(channel).max_decoding_message_size(limits::MESSAGE_BYTES);
    let call = client.authorize(UnboundedReceiverStream::new(sent)).await;
    let mut answers = call.expect("the daemon takes the call").into_inner();
    loop {
        let message = answers.message().await.expect("the daemon answers").expect("it ends with a decision");
        match message.step.expect("a step that is known") {
            authorize_response::Step::Needed(needed) => {
                case.tell_daemon(&needed).into_iter().for_each(|facts| say(Step::Facts(facts)));
            }
            authorize_response::Step::Working(_) => {}
            authorize_response::Step::Decision(decision) => return answer(&decision, case),
        }
    }
}

/// A decision as a client understands it: what is not listed as not permitted is permitted.
fn answer(decision: &v1::Decision, case: &Case) -> Answer {
    let whole = (!decision.reasons.is_empty()).then(|| verdict(decision.outcome(), &decision.reasons));
    let of_ref = |name: &[u8]| match decision.refs.iter().find(|one| one.name == name) {
        Some(one) => verdict(one.outcome(), &one.reasons),
        None => Verdict::Permitted(None),
    };
    let refs: Vec<_> = case
        .lines()
        .iter()
        .map(|line| whole.clone().unwrap_or_else(|| of_ref(line.name.as_bytes())))
        .collect();
    assert_eq!(outcome(&refs), decision.outcome(), "the parts and the whole: {decision:?}");
    Answer { refs, text: text(decision) }
}

fn text(decision: &v1::Decision) -> String {
    let said = decision.refs.iter().flat_map(|one| &one.reasons).chain(&decision.reasons);
    said.map(|reason| format!("{} {}\n", reason.summary, reason.hint)).collect()
}

fn verdict(outcome: v1::Outcome, reasons: &[v1::Reason]) -> Verdict {
    let reasons: BTreeSet<_> = reasons.iter().map(|one| Reason::new(&one.code, &one.rule)).collect();
    assert!(!reasons.is_empty(), "{outcome:?} for no reason");
    match outcome {
        v1::Outcome::Refused => Verdict::Refused(reasons),
        v1::Outcome::Undecided => Verdict::Undecided(reasons),
        v1::Outcome::Permitted | v1::Outcome::Unspecified => panic!("{outcome:?} for a reason: {reasons:?}"),
    }
}

fn outcome(refs: &[Verdict]) -> v1::Outcome {
    if refs.iter().any(|one| matches!(one, Verdict::Refused(_))) {
        v1::Outcome::Refused
    } else if refs.iter().any(|one| matches!(one, Verdict::Undecided(_))) {
        v1::Outcome::Undecided
    } else {
        v1::Outcome::Permitted
    }
}

/// A push is decided like its refs, each for itself.
async fn explain(channel: Channel, case: &Case, at: Option<Timestamp>) -> Answer {
    let mut admin = AdminClient::new(channel).max_decoding_message_size(limits::MESSAGE_BYTES);
    let mut all = Answer { refs: Vec::new(), text: String::new() };
    for line in case.lines() {
        let request = v1::ExplainRequest {
            username: case.who.0.as_str().to_owned(),
            repository: line.repository.to_string(),
            r#ref: line.name.as_bytes().to_vec(),
            verb: line.verb.as_str().into(),
            at_micros: at.map_or(0, Timestamp::as_microsecond),
            channel: case.channel().as_str().into(),
            circumstances: case.circumstances(),
            ..v1::ExplainRequest::default()
        };
        let explanation = admin.explain(request).await.expect("the daemon explains").into_inner();
        let decision = explanation.decision.expect("a decision");
        all.text += &text(&decision);
        let reasons = decision.refs.first().map_or(&decision.reasons, |one| &one.reasons);
        all.refs.push(match decision.outcome() {
            v1::Outcome::Permitted => Verdict::Permitted(Some(explanation.grant)),
            outcome => verdict(outcome, reasons),
        });
    }
    all
}
