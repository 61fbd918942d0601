mod wire;

use std::{
    cell::Cell,
    ops::ControlFlow,
    sync::Arc,
    time::{Duration, Instant},
};

use jiff::Timestamp;
use oam_policy::{Policy, fault::Faults, file, rule::RepositorySet};
use oam_proto::v1::{self, replay_policy_response::Step as Told};
use tokio::{
    runtime::Handle,
    sync::mpsc::{
        self,
        error::{SendTimeoutError, TrySendError},
    },
    task,
};
use tokio_stream::wrappers::ReceiverStream;
use tonic::Status;

use super::{
    basis::invalid,
    convert,
    drafts::{DRAFTS, Turns, fits, in_turn},
    policy::sources,
    policy_diff::known,
    unavailable,
};
use crate::{
    policy::LivePolicy,
    replay::{Basis, Directories, Policies, Replay, Step},
    service::Live,
};

/// One replay at a time: each holds policies and directories of its own.
static TURNS: Turns = Turns::new("other pushes are being decided again");

/// What whoever asked is waited for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Patience {
    /// How many steps may wait for them.
    queue: usize,
    /// For how long the replay may wait for them, all in all: others wait meanwhile.
    listens: Duration,
}

impl Patience {
    pub(super) const USUAL: Self = Self { queue: 64, listens: Duration::from_secs(600) };
}

type Answer = Result<v1::ReplayPolicyResponse, Status>;

/// The way to whoever asked.
struct Answers {
    to: mpsc::Sender<Answer>,
    /// A place for the word that they were too slow.
    last: Cell<Option<mpsc::OwnedPermit<Answer>>>,
    /// How long they may still be waited for.
    left: Cell<Duration>,
    runtime: Handle,
}

impl Answers {
    fn new(to: mpsc::Sender<Answer>, listens: Duration) -> Self {
        let last = Cell::new(to.clone().try_reserve_owned().ok());
        Self { to, last, left: Cell::new(listens), runtime: Handle::current() }
    }

    /// A break when nobody listens any more, or they were too slow.
    fn give(&self, answer: Answer) -> ControlFlow<()> {
        let answer = match self.to.try_send(answer) {
            Ok(()) => return ControlFlow::Continue(()),
            Err(TrySendError::Closed(_)) => return ControlFlow::Break(()),
            Err(TrySendError::Full(answer)) => answer,
        };
        let begun = Instant::now();
        let sent = self.runtime.block_on(self.to.send_timeout(answer, self.left.get()));
        self.left.set(self.left.get().saturating_sub(begun.elapsed()));
        match sent {
            Ok(()) => ControlFlow::Continue(()),
            Err(SendTimeoutError::Closed(_)) => ControlFlow::Break(()),
            Err(SendTimeoutError::Timeout(_)) => {
                self.end();
                ControlFlow::Break(())
            }
        }
    }

    fn end(&self) {
        tracing::warn!("a replay was ended: whoever asked for it took too long to take what it told");
        if let Some(last) = self.last.take() {
            let why =
                "the replay was ended: what it told was taken too slowly, and others wait for their turn";
            last.send(Err(Status::resource_exhausted(why)));
        }
    }
}

/// Makes recorded decisions again, on a thread of its own, when it is its turn. It ends when nobody listens any more.
pub(super) async fn replay(
    live: Arc<Live>,
    asked: v1::ReplayPolicyRequest,
    patience: Patience,
) -> Result<ReceiverStream<Answer>, Status> {
    // And one for the last word.
    let (answers, stream) = mpsc::channel(patience.queue.saturating_add(1));
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
    fits(&asked.files)?;
    let turn = TURNS.take().await?;
    let found = if asked.by() == v1::ReplayBy::Policy {
        let live = Arc::clone(&live);
        in_turn(&DRAFTS, move || basis(&live, asked)).await??
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
    let answers = Answers::new(answers, patience.listens);
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
    use std::{
        sync::Arc,
        time::{Duration, Instant},
    };

    use oam_proto::v1::{self, replay_policy_response::Step};
    use tokio::{
        sync::mpsc,
        task,
        time::{sleep, timeout},
    };
    use tokio_stream::StreamExt as _;
    use tonic::Code;

    use super::{Answers, Patience, TURNS, replay};

    /// More than any of these tests takes.
    const LONG: Duration = Duration::from_secs(20);

    fn asked() -> v1::ReplayPolicyRequest {
        v1::ReplayPolicyRequest { by: v1::ReplayBy::Recorded as i32, ..Default::default() }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn there_is_one_replay_at_a_time() {
        let (live, _folder) = crate::replay::tests::live().await;
        let other = TURNS.take().await.unwrap();
        let waiting = replay(Arc::clone(&live), asked(), Patience::USUAL);
        assert!(timeout(Duration::from_millis(20), waiting).await.is_err());
        drop(other);
        let told: Vec<_> = replay(live, asked(), Patience::USUAL).await.unwrap().collect().await;
        let last = told.into_iter().next_back().unwrap().unwrap().step;
        assert!(matches!(last, Some(Step::Done(_))), "{last:?}");
        let next = timeout(LONG, TURNS.take()).await;
        assert!(next.is_ok_and(|next| next.is_ok()), "the turn is over with it");
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn one_who_takes_nothing_does_not_keep_the_turn() {
        let (live, _folder) = crate::replay::tests::live().await;
        let patience = Patience { queue: 1, listens: Duration::from_millis(20) };
        let mut unread = replay(live, asked(), patience).await.unwrap();
        let next = timeout(LONG, TURNS.take()).await;
        assert!(next.is_ok_and(|next| next.is_ok()), "the turn is over");
        assert!(matches!(unread.next().await.unwrap().unwrap().step, Some(Step::Opening(_))));
        assert_eq!(unread.next().await.unwrap().unwrap_err().code(), Code::ResourceExhausted);
        assert!(unread.next().await.is_none());
    }

    /// What counts is how long they were waited for in all, and not how long for one step.
    #[tokio::test(flavor = "multi_thread")]
    async fn one_who_is_always_slow_is_waited_for_so_long_and_no_longer() {
        let (to, mut taken) = mpsc::channel(2);
        let answers = Answers::new(to, Duration::from_millis(400));
        let begun = Instant::now();
        let given = task::spawn_blocking(move || {
            let mut steps = std::iter::repeat_with(|| answers.give(Ok(v1::ReplayPolicyResponse::default())));
            steps.any(|given| given.is_break()) && begun.elapsed() < LONG
        });
        let mut last = None;
        while let Some(one) = taken.recv().await {
            last = Some(one);
            sleep(Duration::from_millis(100)).await;
            if begun.elapsed() > LONG {
                break;
            }
        }
        assert_eq!(last.unwrap().unwrap_err().code(), Code::ResourceExhausted);
        assert!(given.await.unwrap());
    }
}
