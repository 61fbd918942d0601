//! Conversations about pushes whose verdict rests on what is pushed.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod common;

use common::{Daemon, connect, import};
use oam_proto::v1::{
    self, admin_client::AdminClient, authorize_request::Step, authorize_response::Step as Answer,
    authorizer_client::AuthorizerClient,
};
use tokio::sync::mpsc;
use tokio_stream::wrappers::UnboundedReceiverStream;
use tonic::{Code, Status, Streaming, transport::Channel};

const POLICY: &str = r#"
version = 1
[[role]]
id = "developer"
any = ["s:eng"]
[[grant]]
id = "branches"
to = ["developer"]
on = ["PAY/*"]
refs = ["refs/heads/**"]
verbs = ["create"]
[[block]]
id = "secrets"
on = ["**"]
refs = ["refs/heads/**"]
paths = ["secrets/**"]
[[block]]
id = "keys"
on = ["**"]
refs = ["refs/heads/**"]
paths = ["**/*.pem"]
[[require]]
id = "linear"
on = ["**"]
refs = ["refs/heads/**"]
commits = { linear = true }
"#;

const PEOPLE: &str = r#"{"version": 1, "users": [{"username": "alice", "groups": ["s:eng"]}]}"#;

/// A daemon with a policy and a directory.
struct Bench {
    _daemon: Daemon,
    admin: Channel,
    hook: Channel,
}

impl Bench {
    async fn new(within: &str) -> Self {
        Self::with(&format!("all_reasons_within = \"{within}\"")).await
    }

    /// With this in the section of decisions.
    async fn with(decisions: &str) -> Self {
        let daemon = Daemon::start_with(&format!("[decisions]\n{decisions}\n"));
        let admin = connect(&daemon.socket("admin.sock")).await;
        let hook = connect(&daemon.socket("hook.sock")).await;
        let bench = Self { _daemon: daemon, admin, hook };
        import(&bench.admin, PEOPLE).await;
        bench.apply(POLICY).await;
        bench
    }

    async fn apply(&self, text: &str) {
        let files = vec![v1::PolicyFile { name: "policy.toml".into(), text: text.into() }];
        let request = v1::ApplyPolicyRequest { files, reason: "a test".into() };
        let answer = AdminClient::new(self.admin.clone()).apply_policy(request).await.unwrap().into_inner();
        assert!(answer.changed, "{answer:?}");
    }

    /// Begins to push new refs.
    async fn push(&self, refs: &[&str]) -> Talk {
        let (say, said) = mpsc::unbounded_channel();
        let opening = v1::Opening {
            repository: "PAY/api".into(),
            pusher: "alice".into(),
            channel: v1::Channel::Push as i32,
            ..v1::Opening::default()
        };
        let create = |name: &&str| v1::RefUpdate {
            name: name.as_bytes().to_vec(),
            change: Some(v1::ref_update::Change::Create(v1::ref_update::Create { new: vec![2; 20] })),
        };
        let updates = refs.iter().map(create).collect();
        for step in [Step::Opening(opening), Step::Updates(v1::RefUpdates { updates, last: true })] {
            say.send(v1::AuthorizeRequest { step: Some(step), lease: None }).unwrap();
        }
        let mut client = AuthorizerClient::new(self.hook.clone());
        let answers = client.authorize(UnboundedReceiverStream::new(said)).await.unwrap().into_inner();
        Talk { say, answers }
    }
}

impl Bench {
    /// The decision on a new ref with commits that change these paths.
    async fn push_paths(&self, name: &str, paths: &v1::HistoryFacts) -> v1::Decision {
        let mut talk = self.push(&[name]).await;
        talk.needed().await;
        talk.tell(paths.clone());
        talk.tell(last(0));
        talk.end();
        talk.decision().await
    }
}

/// One conversation.
struct Talk {
    say: mpsc::UnboundedSender<v1::AuthorizeRequest>,
    answers: Streaming<v1::AuthorizeResponse>,
}

impl Talk {
    fn tell(&self, history: v1::HistoryFacts) {
        self.tell_all(v1::Facts { histories: vec![history], ..v1::Facts::default() });
    }

    fn tell_all(&self, facts: v1::Facts) {
        self.say.send(v1::AuthorizeRequest { step: Some(Step::Facts(facts)), lease: None }).unwrap();
    }

    /// That nothing more is told.
    fn end(&self) {
        self.tell_all(v1::Facts { last: true, ..v1::Facts::default() });
    }

    async fn next(&mut self) -> Result<Answer, Status> {
        Ok(self.answers.message().await?.unwrap().step.unwrap())
    }

    async fn needed(&mut self) -> v1::FactsNeeded {
        match self.next().await.unwrap() {
            Answer::Needed(needed) => needed,
            other => panic!("{other:?}"),
        }
    }

    async fn decision(&mut self) -> v1::Decision {
        match self.next().await.unwrap() {
            Answer::Decision(decision) => decision,
            other => panic!("{other:?}"),
        }
    }

    /// The outcome, and the reasons of the first ref that is not permitted.
    async fn outcome(&mut self) -> (v1::Outcome, Vec<String>) {
        let decision = self.decision().await;
        let reasons = decision.refs.first().map(|one| one.reasons.clone()).unwrap_or_default();
        let told = reasons.iter().map(|one| format!("{}:{}", one.code, one.rule));
        (decision.outcome(), told.collect())
    }
}

fn paths(history: u32, of: &[&str]) -> v1::HistoryFacts {
    let paths = of.iter().map(|path| path.as_bytes().to_vec()).collect();
    v1::HistoryFacts { history, paths, ..v1::HistoryFacts::default() }
}

fn commit(parents: u32) -> v1::Commit {
    v1::Commit {
        id: vec![7; 20],
        subject: b"fix".to_vec(),
        author: b"a@x".to_vec(),
        committer: b"a@x".to_vec(),
        parents,
        ..v1::Commit::default()
    }
}

fn last(history: u32) -> v1::HistoryFacts {
    v1::HistoryFacts { history, last: true, ..v1::HistoryFacts::default() }
}

#[tokio::test]
async fn a_history_is_told_in_many_pieces() {
    let bench = Bench::new("1h").await;
    let mut talk = bench.push(&["refs/heads/a"]).await;
    let needed = talk.needed().await;
    assert_eq!(needed.covers, [v1::Cover { refs: vec!["refs/heads/**".into()] }]);
    let [one] = &needed.histories[..] else { panic!("{needed:?}") };
    assert_eq!((one.update, one.cover), (0, 0));
    assert!(one.paths && one.commits && !one.files && !one.signatures && !one.tip && one.at_most == 0);
    for piece in 0..300 {
        let some: Vec<_> = (0..100).map(|number| format!("src/{piece}/{number}")).collect();
        talk.tell(paths(0, &some.iter().map(String::as_str).collect::<Vec<_>>()));
        talk.tell(v1::HistoryFacts { commits: vec![commit(1)], ..v1::HistoryFacts::default() });
    }
    talk.tell(last(0));
    talk.end();
    assert_eq!(talk.outcome().await, (v1::Outcome::Permitted, vec![]));
}

#[tokio::test]
async fn a_refusal_does_not_wait_for_the_rest() {
    let bench = Bench::new("0s").await;
    let mut talk = bench.push(&["refs/heads/a"]).await;
    talk.needed().await;
    talk.tell(paths(0, &["secrets/a"]));
    // Nothing more is said.
    assert_eq!(talk.outcome().await, (v1::Outcome::Refused, vec!["blocked:secrets".to_owned()]));
}

#[tokio::test]
async fn more_reasons_are_waited_for_so_long() {
    let bench = Bench::new("100ms").await;
    let mut talk = bench.push(&["refs/heads/a", "refs/tags/b"]).await;
    // Nobody may create tags, and that is certain. What else is wrong is asked, and not waited for.
    assert_eq!(talk.needed().await.histories.len(), 1);
    talk.tell(paths(0, &["src/a"]));
    let decision = talk.decision().await;
    assert_eq!((decision.outcome(), decision.refs_not_permitted), (v1::Outcome::Refused, 2));
    let codes: Vec<_> =
        decision.refs.iter().map(|one| (one.outcome(), one.reasons[0].code.as_str())).collect();
    assert_eq!(codes, [(v1::Outcome::Undecided, "facts-unreadable"), (v1::Outcome::Refused, "no-grant")]);
    assert!(decision.refs[0].reasons[0].summary.contains("since the push is refused anyway"));
}

#[tokio::test]
async fn all_reasons_are_told_where_there_is_time() {
    let bench = Bench::new("1h").await;
    let mut talk = bench.push(&["refs/heads/a"]).await;
    talk.needed().await;
    talk.tell(paths(0, &["secrets/a"]));
    talk.tell(v1::HistoryFacts { commits: vec![commit(2)], ..v1::HistoryFacts::default() });
    talk.tell(v1::HistoryFacts { last: true, ..paths(0, &["src/a.pem"]) });
    talk.end();
    let reasons = ["blocked:keys", "blocked:secrets", "merge-commit:linear"].map(str::to_owned).to_vec();
    assert_eq!(talk.outcome().await, (v1::Outcome::Refused, reasons));
}

#[tokio::test]
async fn another_policy_in_the_middle_decides() {
    let bench = Bench::new("1h").await;
    let docs = POLICY.replace("secrets/**", "docs/**");
    // What is held as it was told holds by any policy.
    let mut talk = bench.push(&["refs/heads/a"]).await;
    talk.needed().await;
    talk.tell(paths(0, &["docs/a"]));
    bench.apply(&docs).await;
    talk.tell(last(0));
    talk.end();
    assert_eq!(talk.outcome().await, (v1::Outcome::Refused, vec!["blocked:secrets".to_owned()]));
    // What was folded by the policy of before is asked anew.
    let mut talk = bench.push(&["refs/heads/a"]).await;
    talk.needed().await;
    let many: Vec<_> = (0..20_001).map(|number| format!("src/{number}")).collect();
    talk.tell(paths(0, &many.iter().map(String::as_str).collect::<Vec<_>>()));
    talk.tell(paths(0, &["secrets/a"]));
    // Before it is told that this is all.
    tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    bench.apply(POLICY).await;
    talk.tell(last(0));
    talk.end();
    let again = talk.needed().await;
    assert!(again.histories[0].paths && !again.histories[0].commits, "{again:?}");
    talk.tell(v1::HistoryFacts { last: true, ..paths(0, &["src/a", "secrets/a"]) });
    talk.end();
    assert_eq!(talk.outcome().await, (v1::Outcome::Refused, vec!["blocked:secrets".to_owned()]));
}

#[tokio::test]
async fn what_is_not_told_is_not_known() {
    let bench = Bench::new("1h").await;
    for (told, words) in [
        (None, "the hook does not tell what was asked"),
        (Some(paths(0, &["src/a"])), "the hook does not tell what was asked"),
        (
            Some(v1::HistoryFacts { unreadable: "a pack is damaged".into(), ..paths(0, &["src/a"]) }),
            "a pack is damaged",
        ),
        (
            Some(v1::HistoryFacts { last: true, ..paths(0, &["src//a"]) }),
            "the path `src//a` cannot be judged",
        ),
    ] {
        let mut talk = bench.push(&["refs/heads/a"]).await;
        talk.needed().await;
        told.into_iter().for_each(|told| talk.tell(told));
        talk.end();
        let decision = talk.decision().await;
        assert_eq!(decision.outcome(), v1::Outcome::Undecided);
        let reason = &decision.refs[0].reasons[0];
        assert!(reason.code == "facts-unreadable" && reason.summary.contains(words), "{reason:?}");
    }
}

#[tokio::test]
async fn nonsense_ends_the_conversation() {
    let bench = Bench::new("1h").await;
    let file = v1::NewFile { path: b"a".to_vec(), size: 1 };
    let signed = v1::Commit { signed: Some(v1::Signed::default()), ..commit(1) };
    for nonsense in [
        vec![paths(1, &["a"])],
        vec![v1::HistoryFacts { files: vec![file], ..v1::HistoryFacts::default() }],
        vec![v1::HistoryFacts { commits: vec![signed], ..v1::HistoryFacts::default() }],
        vec![v1::HistoryFacts { commits: vec![v1::Commit::default()], ..v1::HistoryFacts::default() }],
        vec![v1::HistoryFacts { tip: Some(v1::Tip::default()), ..v1::HistoryFacts::default() }],
        vec![last(0), paths(0, &["secrets/a"])],
        vec![v1::HistoryFacts { history: u32::MAX, ..last(0) }],
    ] {
        let mut talk = bench.push(&["refs/heads/a"]).await;
        talk.needed().await;
        talk.tell_all(v1::Facts { histories: nonsense, ..v1::Facts::default() });
        assert_eq!(talk.next().await.unwrap_err().code(), Code::InvalidArgument);
    }
}

/// So many paths that take four thousand bytes each.
fn long_paths(many: usize) -> v1::HistoryFacts {
    let of: Vec<_> = (0..many).map(|number| format!("src/{number:0>3990}")).collect();
    paths(0, &of.iter().map(String::as_str).collect::<Vec<_>>())
}

#[tokio::test]
async fn what_all_pushes_together_may_hold_is_bounded() {
    let bench = Bench::with("facts_memory = 1").await;
    // Once that has arrived there is no room for another one like it, whether all of it is kept or a few of each kind. Where the other
    // one came first, there was none for this one, and both went in: then once more.
    let mut tries = 0..1_000;
    let mut large = loop {
        assert!(tries.next().is_some(), "there is room for whatever comes");
        let mut large = bench.push(&["refs/heads/large"]).await;
        large.needed().await;
        large.tell(long_paths(240));
        let decision = bench.push_paths("refs/heads/beside", &long_paths(100)).await;
        if decision.outcome() == v1::Outcome::Permitted {
            continue;
        }
        assert_eq!(decision.outcome(), v1::Outcome::Undecided);
        let reason = &decision.refs[0].reasons[0];
        let says = "push again in a minute";
        assert!(reason.code == "facts-unreadable" && reason.summary.contains(says), "{reason:?}");
        break large;
    };
    // What is told of an ordinary one is taken in, and what forbids it found.
    let mut ordinary = long_paths(10);
    ordinary.paths.push(b"secrets/a".to_vec());
    let decision = bench.push_paths("refs/heads/ordinary", &ordinary).await;
    assert_eq!((decision.outcome(), &*decision.refs[0].reasons[0].rule), (v1::Outcome::Refused, "secrets"));
    // The large one is decided, and then there is room.
    large.tell(last(0));
    large.end();
    assert_eq!(large.outcome().await, (v1::Outcome::Permitted, vec![]));
    let after = bench.push_paths("refs/heads/after", &long_paths(100)).await;
    assert_eq!(after.outcome(), v1::Outcome::Permitted);
}
