//! What a push can be like besides its ref and its path: by which the conditions of a policy are told apart.

use jiff::{SignedDuration, Timestamp};
use oam_policy::{
    Channel, Evaluation, NonEmpty, ObjectId, Policy, RefChange, RefName, RefUpdate, Repository, Request,
    State, TreePath, Username, Verb, decide,
    decide::{Outcome, PushVerdict, WaiverUse},
    facts::{Ancestry, Approval, Commit, Cover, Facts, Identity, NewFile, PullRequest, SignatureState, Tip},
    rule::Asker,
};

/// A push, but for where.
#[derive(Clone)]
pub(crate) struct Circumstance {
    channel: Channel,
    /// How many approvals there are by nobody in particular.
    approvals: usize,
    of_head: bool,
    /// Whether one more is by `rev`, who opened it.
    by_author: bool,
    /// How many more are by those who made its commits.
    by_committers: usize,
    commit: Commit,
    /// How many of them there are.
    count: u64,
    tip: Tip,
    /// Whether the path that changes is a new file.
    is_file: bool,
    blob: u64,
}

/// How waivers are used.
#[derive(Clone, Copy)]
pub(crate) struct Use {
    reason: bool,
    second: bool,
    minutes_ago: i64,
}

/// One push in which nothing is wrong, and others in each of which one thing is.
pub(crate) fn circumstances() -> Vec<Circumstance> {
    let commit = Commit {
        id: ObjectId::Sha1([2; 20]),
        subject: b"AB CD".to_vec(),
        signed_off: true,
        author: Identity::Pusher,
        committer: Identity::Pusher,
        parents: 1,
        foreign: false,
        signature: SignatureState::GoodByCommitter,
    };
    let fine = Circumstance {
        channel: Channel::PullRequestMerge,
        approvals: 3,
        of_head: true,
        by_author: false,
        by_committers: 0,
        commit: commit.clone(),
        count: 1,
        tip: Tip::Tag { tagger: Identity::Pusher, signature: SignatureState::GoodByCommitter },
        is_file: false,
        blob: 1,
    };
    let with = |commit: Commit| Circumstance { commit, ..fine.clone() };
    vec![
        fine.clone(),
        Circumstance { channel: Channel::Push, ..fine.clone() },
        Circumstance { approvals: 0, ..fine.clone() },
        Circumstance { approvals: 1, ..fine.clone() },
        Circumstance { of_head: false, ..fine.clone() },
        Circumstance { approvals: 0, by_author: true, ..fine.clone() },
        Circumstance { approvals: 1, by_author: true, ..fine.clone() },
        Circumstance { approvals: 1, by_committers: 1, ..fine.clone() },
        Circumstance { approvals: 0, by_committers: 2, ..fine.clone() },
        Circumstance { approvals: 0, by_author: true, by_committers: 1, ..fine.clone() },
        Circumstance { count: 3, ..fine.clone() },
        Circumstance { count: 30, ..fine.clone() },
        Circumstance { tip: Tip::Other, ..fine.clone() },
        Circumstance {
            tip: Tip::Tag { tagger: Identity::Pusher, signature: SignatureState::Absent },
            ..fine.clone()
        },
        Circumstance { is_file: true, ..fine.clone() },
        Circumstance { blob: 100, ..fine.clone() },
        Circumstance { blob: 300, ..fine.clone() },
        with(Commit { subject: b"CD".to_vec(), ..commit.clone() }),
        with(Commit { subject: b"AB".to_vec(), ..commit.clone() }),
        with(Commit { signed_off: false, ..commit.clone() }),
        with(Commit { author: Identity::Stranger, ..commit.clone() }),
        with(Commit { committer: Identity::Stranger, ..commit.clone() }),
        with(Commit { parents: 2, ..commit.clone() }),
        with(Commit { parents: 2, foreign: true, ..commit.clone() }),
        with(Commit { signature: SignatureState::Absent, ..commit.clone() }),
    ]
}

/// As it should be, and with each of what may be lacking.
pub(crate) fn uses() -> Vec<Use> {
    let mut all = Vec::new();
    for reason in [true, false] {
        for second in [true, false] {
            all.extend([0, 30].map(|minutes_ago| Use { reason, second, minutes_ago }));
        }
    }
    all
}

/// What of a push is new in view of some refs.
#[derive(Debug, Clone)]
pub(crate) struct View {
    pub(crate) cover: Cover,
    pub(crate) paths: Vec<TreePath>,
    pub(crate) has_commits: bool,
}

/// Whose push it is, and where it goes but for refs and paths.
#[derive(Clone, Copy)]
pub(crate) struct Asked<'a> {
    /// None: whatever is new is new in view of all refs.
    pub(crate) views: &'a [View],
    pub(crate) user: &'a Username,
    pub(crate) repository: &'a Repository,
    pub(crate) verb: Verb,
    pub(crate) now: Timestamp,
}

/// For each ref with its path, whether the push is permitted.
pub(crate) fn permitted(
    state: &State,
    asked: Asked<'_>,
    updates: &[(RefName, Option<TreePath>)],
    circumstance: &Circumstance,
    by: Option<Use>,
) -> Vec<bool> {
    let (old, new) = (ObjectId::Sha1([1; 20]), ObjectId::Sha1([2; 20]));
    let change = match asked.verb {
        Verb::Create => RefChange::Create { new },
        Verb::Delete => RefChange::Delete { old },
        _ => RefChange::Move { old, new },
    };
    let mut facts = Facts::none();
    for (index, (_, path)) in updates.iter().enumerate() {
        let ancestry = if asked.verb == Verb::Update { Ancestry::FastForward } else { Ancestry::Diverged };
        facts.learn_ancestry(index, ancestry);
        facts.learn_paths(index, Cover::whatever(), Ok(path.iter().cloned().collect()));
        facts.learn_commits(index, Cover::whatever(), Ok(vec![circumstance.commit.clone()]));
        facts.learn_commit_count(index, Cover::whatever(), Ok(circumstance.count));
        facts.learn_tip(index, Cover::whatever(), Ok(circumstance.tip.clone()));
        // A path that no pattern is about, so that size and place are told apart.
        let elsewhere = NewFile { path: TreePath::parse(b"z/z/z/z").unwrap(), size: circumstance.blob };
        let here =
            path.iter().filter(|_| circumstance.is_file).map(|path| NewFile { path: path.clone(), size: 0 });
        facts.learn_files(index, Cover::whatever(), Ok(here.chain([elsewhere.clone()]).collect()));
        for View { cover, paths, has_commits } in asked.views {
            let commits = has_commits.then(|| circumstance.commit.clone());
            let file = |path: &TreePath| NewFile { path: path.clone(), size: 0 };
            let files = paths.iter().filter(|_| circumstance.is_file).map(file);
            let files = files.chain(has_commits.then(|| elsewhere.clone()));
            facts.learn_paths(index, cover.clone(), Ok(paths.clone()));
            let count = if *has_commits { circumstance.count } else { 0 };
            facts.learn_commit_count(index, cover.clone(), Ok(count));
            facts.learn_commits(index, cover.clone(), Ok(commits.into_iter().collect()));
            facts.learn_files(index, cover.clone(), Ok(files.collect()));
        }
    }
    facts.learn_pull_request(Ok(circumstance.pull_request()));
    let waivers = by.map(|by| uses_of(state.policy.as_deref().unwrap(), asked, by)).unwrap_or_default();
    let state = State { waivers: waivers.into(), ..state.clone() };
    let updates: Vec<_> = updates.iter().map(|(name, _)| RefUpdate { name: name.clone(), change }).collect();
    let count = updates.len();
    let request = Request {
        repository: asked.repository.clone(),
        pusher: asked.user.clone(),
        channel: circumstance.channel,
        updates: NonEmpty::from_vec(updates).unwrap(),
    };
    let Evaluation::Decided(decision) = decide(&state, &request, &facts, asked.now) else {
        panic!("facts are missing")
    };
    match decision.verdict() {
        PushVerdict::PerRef(refs) => {
            refs.iter().map(|one| one.verdict.outcome() == Outcome::Permitted).collect()
        }
        PushVerdict::Refused(_) => vec![false; count],
        PushVerdict::Undecided(_) => panic!("nothing can be decided"),
    }
}

fn uses_of(policy: &Policy, asked: Asked<'_>, by: Use) -> Vec<WaiverUse> {
    let of = |waiver: &oam_policy::rule::Waiver| WaiverUse {
        id: None,
        waiver: waiver.id.clone(),
        lifts: Default::default(),
        by: asked.user.clone(),
        on: None,
        refs: None,
        from: asked.now - SignedDuration::from_mins(by.minutes_ago),
        to: asked.now + SignedDuration::from_hours(10),
        reason: if by.reason { "an emergency".into() } else { String::new() },
        approved_by: by.second.then(|| Asker::User("rev".parse().unwrap())),
    };
    policy.waivers().iter().map(of).collect()
}

impl Circumstance {
    fn pull_request(&self) -> PullRequest {
        let one = |by| Approval { by, of_head: self.of_head, reviewed: None };
        let user = |name: &str| one(Asker::User(name.parse().unwrap()));
        let role = "rev".parse().unwrap();
        let mut approvals = vec![one(Asker::Roles([role].into())); self.approvals];
        let reviewers = super::whole_world::REVIEWERS;
        approvals.extend(self.by_author.then(|| user(reviewers[0])));
        let committers = &reviewers[1..=self.by_committers];
        approvals.extend(committers.iter().map(|name| user(name)));
        PullRequest {
            author: self.by_author.then(|| reviewers[0].parse().unwrap()),
            committers: Ok(committers.iter().map(|name| format!("{name}@x").into()).collect()),
            approvals,
        }
    }
}
