mod wire;

use std::{ops::ControlFlow, sync::Arc, time::Duration};

use jiff::Timestamp;
use oam_policy::{Policy, fault::Faults, file, rule::RepositorySet};
use oam_proto::v1::{self, replay_policy_response::Step as Told};
use tokio::{
    runtime::Handle,
    sync::{Semaphore, mpsc},
    task,
};
use tokio_stream::wrappers::ReceiverStream;
use tonic::Status;

use super::{
    basis::invalid,
    convert,
    drafts::{PATIENCE, in_turn, turn},
    policy::sources,
    policy_diff::known,
    unavailable,
};
use crate::{
    policy::LivePolicy,
    replay::{Basis, Directories, Policies, Replay, Step},
    service::Live,
};

/// How many steps may wait for whoever asked.
const QUEUE: usize = 64;

/// How many replays there are at once: each holds policies and directories of its own.
static TURNS: Semaphore = Semaphore::const_new(1);
/// How long one who asked may take nothing of what is told. Others wait meanwhile.
const LISTENS: Duration = Duration::from_secs(600);

type Answer = Result<v1::ReplayPolicyResponse, Status>;

/// The way to whoever asked.
struct Answers {
    to: mpsc::Sender<Answer>,
    runtime: Handle,
}

impl Answers {
    /// A break when nobody listens any more.
    fn give(&self, answer: Answer) -> ControlFlow<()> {
        match self.runtime.block_on(self.to.send_timeout(answer, LISTENS)) {
            Ok(()) => ControlFlow::Continue(()),
            Err(_) => ControlFlow::Break(()),
        }
    }
}

/// Makes recorded decisions again, on a thread of its own, when it is its turn. It ends when nobody listens any more.
pub(super) async fn replay(
    live: Arc<Live>,
    asked: v1::ReplayPolicyRequest,
) -> Result<ReceiverStream<Answer>, Status> {
    let (answers, stream) = mpsc::channel(QUEUE);
    let since = moment("since_micros", asked.since_micros)?;
    let until = match asked.until_micros {
        0 => Timestamp::MAX,
        micros => moment("until_micros", micros)?,
    };
    let uses_since = match asked.uses_since_micros {
        0 => None,
        micros => Some(moment("uses_since_micros", micros)?),
    };
    let repositories = repositories(&asked.repositories)?;
    let in_force = live.policies.live();
    if in_force.is_none() && (asked.against_in_force || uses_since.is_some()) {
        return Err(Status::failed_precondition("no policy is in force: `oam status` says why"));
    }
    let (directory_now, against_in_force, each) = (asked.directory_now, asked.against_in_force, asked.each);
    let turn = turn(&TURNS, PATIENCE, "other pushes are being decided again").await?;
    let found = if asked.by() == v1::ReplayBy::Policy {
        let live = Arc::clone(&live);
        in_turn(move || basis(&live, asked)).await??
    } else {
        basis(&live, asked)?
    };
    let basis = match found {
        Ok(basis) => basis,
        Err(faults) => {
            let faults = v1::ReplayPolicyResponse { step: Some(Told::Faults(convert::faults(&faults))) };
            // There is room for one.
            let _ = answers.try_send(Ok(faults));
            return Ok(ReceiverStream::new(stream));
        }
    };
    let replay = Replay {
        audit: live.audit.clone(),
        directories: Directories::new(live.directory.clone(), directory_now),
        policies: Policies::new(Arc::clone(&live.policies)),
        basis,
        since,
        until,
        repositories,
        // What pushes know of the directory in force must not make room for those of then.
        in_force: in_force.as_ref().map(|live| Arc::new(live.policy.apart())),
        against_in_force,
        uses_since,
    };
    let answers = Answers { to: answers, runtime: Handle::current() };
    task::spawn_blocking(move || {
        let _turn = turn;
        run(replay, in_force.as_deref(), each, &answers);
    });
    Ok(ReceiverStream::new(stream))
}

fn run(replay: Replay, in_force: Option<&LivePolicy>, each: bool, answers: &Answers) {
    let policy = match &replay.basis {
        Basis::Policy(policy) => policy.digest().to_string(),
        Basis::Recorded | Basis::Nothing => String::new(),
    };
    let frame = wire::Frame {
        policy: policy.clone(),
        in_force,
        since: replay.since,
        until: replay.until.min(Timestamp::now()),
        uses_since: replay.uses_since,
    };
    let mut total = 0;
    let mut tell = |step: Step| match step {
        Step::Opening(entries) => {
            total = entries;
            send(answers, Told::Opening(v1::ReplayOpening { policy: policy.clone(), entries }))
        }
        Step::Progress(entries) => send(answers, Told::Progress(v1::ReplayProgress { entries, total })),
        Step::Verdict(verdict) if each => send(answers, Told::Verdict(wire::verdict(&verdict))),
        Step::Verdict(_) => ControlFlow::Continue(()),
    };
    let ended = match replay.run(&mut tell) {
        // Nobody listens.
        Ok(None) => return,
        Ok(Some(summary)) => summary,
        Err(error) => {
            let _ = answers.give(Err(unavailable(&error)));
            return;
        }
    };
    let mut summary = ended;
    for group in summary.groups() {
        if let Some(group) = wire::group(&group)
            && send(answers, Told::Group(group)).is_break()
        {
            return;
        }
    }
    let _ = send(answers, Told::Done(wire::done(summary, frame)));
}

/// A break when nobody listens any more.
fn send(answers: &Answers, step: Told) -> ControlFlow<()> {
    answers.give(Ok(v1::ReplayPolicyResponse { step: Some(step) }))
}

/// What decisions are made again by, or what is wrong with the draft.
fn basis(live: &Live, asked: v1::ReplayPolicyRequest) -> Result<Result<Basis, Faults>, Status> {
    Ok(match asked.by() {
        v1::ReplayBy::Policy if asked.files.is_empty() => {
            Ok(Basis::Policy(Arc::new(known(live, &asked.digest)?.apart())))
        }
        v1::ReplayBy::Policy => {
            let draft: Result<Policy, _> = file::parse(&sources(asked.files)?);
            draft.map(|draft| Basis::Policy(Arc::new(draft)))
        }
        v1::ReplayBy::Recorded => Ok(Basis::Recorded),
        v1::ReplayBy::Nothing => Ok(Basis::Nothing),
        v1::ReplayBy::Unspecified => {
            return Err(Status::invalid_argument("by: it is not said what to decide by"));
        }
    })
}

fn moment(field: &str, micros: i64) -> Result<Timestamp, Status> {
    Timestamp::from_microsecond(micros).map_err(|error| invalid(field, &error))
}

/// The set that these patterns are, as in a rule's `on`; nothing when there are none.
fn repositories(patterns: &[String]) -> Result<Option<RepositorySet>, Status> {
    if patterns.is_empty() {
        return Ok(None);
    }
    let parsed =
        patterns.iter().map(|pattern| RepositorySet::parse_one(pattern)).collect::<Result<Vec<_>, _>>();
    let set = parsed.and_then(RepositorySet::new).map_err(|error| invalid("repositories", &error))?;
    Ok(Some(set))
}

#[cfg(test)]
mod tests {
    use std::{sync::Arc, time::Duration};

    use oam_proto::v1::{self, replay_policy_response::Step};
    use tokio_stream::StreamExt as _;

    use super::{TURNS, replay};

    #[tokio::test(flavor = "multi_thread")]
    async fn there_is_one_replay_at_a_time() {
        let (live, _folder) = crate::replay::tests::live().await;
        let asked = || v1::ReplayPolicyRequest { by: v1::ReplayBy::Recorded as i32, ..Default::default() };
        let other = TURNS.acquire().await.unwrap();
        let waiting = replay(Arc::clone(&live), asked());
        assert!(tokio::time::timeout(Duration::from_millis(20), waiting).await.is_err());
        drop(other);
        let told: Vec<_> = replay(live, asked()).await.unwrap().collect().await;
        let last = told.into_iter().next_back().unwrap().unwrap().step;
        assert!(matches!(last, Some(Step::Done(_))), "{last:?}");
        assert!(TURNS.acquire().await.is_ok(), "the turn is over with it");
    }
}
