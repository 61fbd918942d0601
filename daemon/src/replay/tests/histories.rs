//! Pushes that were decided by what they change.

use oam_policy::{
    TreePath,
    facts::{BadSignature, Commit, End, HistoryPart, Identity, NewFile, SignatureState, Tip, Unreadable},
};

use super::*;

const RULES: &str = r#"
[[block]]
id = "secrets"
on = ["**"]
refs = ["refs/heads/**"]
paths = ["secrets/**"]
[[require]]
id = "clean"
on = ["**"]
refs = ["refs/heads/t/**"]
commits = { linear = true, author_known = true, signed = true, max_blob = "1MiB", message = "A-*" }
"#;

/// What changes by a push.
#[derive(Clone)]
pub(super) struct Change {
    paths: Vec<String>,
    commit: Commit,
    size: u64,
    end: End,
    tip: Tip,
}

pub(super) fn change() -> Change {
    let alice = || Identity::Email("alice@example.com".into());
    let commit = Commit {
        id: ObjectId::Sha1([7; 20]),
        subject: b"A-1 caf\xe9".to_vec(),
        signed_off: false,
        author: alice(),
        committer: alice(),
        parents: 1,
        foreign: false,
        signature: SignatureState::Good { by: "alice".parse().unwrap() },
    };
    Change { paths: vec!["src/a".into()], commit, size: 10, end: End::Complete, tip: Tip::Other }
}

impl Bench {
    /// Decides and records the creation of a ref by alice.
    async fn create(&self, name: &str, change: &Change) {
        self.create_by("alice", name, change).await;
    }

    pub(super) async fn create_by(&self, user: &str, name: &str, change: &Change) {
        let update = format!("create {name}");
        let request = Request {
            repository: "PAY/api".parse().unwrap(),
            pusher: user.parse().unwrap(),
            channel: Channel::Push,
            updates: NonEmpty::one(ref_update(&update)),
        };
        let asked_by = AskedBy::Unix { uid: 0, pid: 1 };
        let question =
            Question { request, pull_request: None, shown_lease: None, asked_by, received: Instant::now() };
        let path = |text: &String| TreePath::parse(text.as_bytes()).unwrap();
        let mut facts = Facts::none();
        for _ in 0..4 {
            let needed = match authorize::attempt(&self.live, &question, &facts) {
                Attempt::Decided(unrecorded) => {
                    let claimed = authorize::claim(&self.live, &question, *unrecorded).unwrap();
                    authorize::record(&self.live, &question, &facts, claimed).await;
                    assert!(self.live.audit_works());
                    return;
                }
                Attempt::Needs(needed) => needed,
            };
            for one in needed.histories {
                let (cover, end) = (one.cover, change.end.clone());
                match one.part {
                    HistoryPart::Paths => {
                        let paths = change.paths.iter().map(path).collect();
                        facts.learn_paths_until(one.update, cover, paths, end);
                    }
                    HistoryPart::Files => {
                        let file = |text| NewFile { path: path(text), size: change.size };
                        let files = change.paths.iter().map(file).collect();
                        facts.learn_files_until(one.update, cover, files, end);
                    }
                    HistoryPart::Tip => facts.learn_tip(one.update, cover, Ok(change.tip.clone())),
                    HistoryPart::Commits | HistoryPart::Signatures | HistoryPart::CommitCount(_) => {
                        let commits = vec![change.commit.clone()];
                        facts.learn_commits_until(one.update, cover, commits, end, true);
                    }
                }
            }
        }
        panic!("it asks for ever");
    }

    async fn with_rules() -> Self {
        Self::new().await.under_rules().await
    }

    pub(super) async fn under_rules(self) -> Self {
        let bench = self;
        bench.apply(&format!("{POLICY}{RULES}")).await;
        bench.import_with_emails().await;
        bench
    }
}

/// Every kind of change that the rules tell apart.
fn changes() -> Vec<Change> {
    let of = |commit: Commit| Change { commit, ..change() };
    let paths =
        |paths: &[&str]| Change { paths: paths.iter().map(|path| (*path).to_owned()).collect(), ..change() };
    let unreadable = || End::Unreadable(Unreadable { why: "a pack is damaged".into() });
    let bad = |cause| SignatureState::Bad { cause, why: "x".into() };
    let badly_signed = BadSignature::ALL.map(|cause| of(Commit { signature: bad(cause), ..change().commit }));
    let mut all = vec![
        change(),
        paths(&["secrets/a", "src/a"]),
        paths(&[]),
        Change { size: 2 << 20, ..change() },
        Change { end: unreadable(), ..change() },
        Change { end: unreadable(), ..paths(&["secrets/a"]) },
        Change { end: End::Open, ..paths(&["secrets/a"]) },
        of(Commit { parents: 2, ..change().commit }),
        of(Commit { subject: b"fix".to_vec(), ..change().commit }),
        of(Commit { author: Identity::NoEmail("alice@example.com".into()), ..change().commit }),
        of(Commit { signature: SignatureState::Absent, ..change().commit }),
        of(Commit {
            signature: SignatureState::GoodByAddress { address: "alice@example.com".into() },
            ..change().commit
        }),
        of(Commit { signature: SignatureState::Good { by: "bob".parse().unwrap() }, ..change().commit }),
    ];
    all.extend(badly_signed);
    all
}

#[tokio::test]
async fn they_come_out_as_they_are_recorded() {
    let bench = Bench::with_rules().await;
    let changes = changes();
    for change in &changes {
        bench.create("refs/heads/t/x", change).await;
    }
    let (summary, verdicts) = run(bench.replay(Basis::Recorded));
    assert_eq!((told(&verdicts), untold(&summary)), (vec![], vec![]));
    assert_eq!(summary.unchanged, changes.len() as u64);
    // They are not all alike.
    let (_, by_none) = run(bench.by(POLICY));
    let refused = by_none.iter().filter(|one| one.before.outcome == "refused").count();
    let undecided = by_none.iter().filter(|one| one.before.outcome == "undecided").count();
    assert_eq!((refused, undecided), (14, 1), "{:#?}", told(&by_none));
}

#[tokio::test]
async fn a_draft_is_tried_on_what_is_recorded() {
    let bench = Bench::with_rules().await;
    bench.create("refs/heads/t/x", &change()).await;
    let draft = format!("{POLICY}{}", RULES.replace("secrets/**", "src/**"));
    let (_, verdicts) = run(bench.by(&draft));
    assert_eq!(
        told(&verdicts),
        ["newly-refused create refs/heads/t/x: permitted topics -> refused blocked/secrets"]
    );
    // In view of other refs nobody asked.
    let (summary, _) = run(bench.by(&draft.replace("refs/heads/**", "refs/heads/t/*")));
    assert_eq!(untold(&summary), [("commits-not-recorded", 1)]);
}

#[tokio::test]
async fn what_is_too_long_for_the_log_is_not_guessed() {
    let bench = Bench::with_rules().await;
    let many = |count: usize, of: &str| Change {
        paths: (0..count).map(|number| format!("{of}/{number:05}")).collect(),
        ..change()
    };
    bench.create("refs/heads/t/x", &many(300, "src")).await;
    bench.create("refs/heads/t/x", &many(15_000, "src")).await;
    let (summary, verdicts) = run(bench.replay(Basis::Recorded));
    assert_eq!((told(&verdicts), untold(&summary)), (vec![], vec![("commits-not-recorded", 1)]));
    let line = bench.live.audit.entries(bench.live.audit.size() - 1).unwrap().next().unwrap().unwrap();
    let Event::Decision(decision) = Entry::decode(&line).unwrap().event else { panic!() };
    let paths = decision.updates[0].histories[0].paths.as_ref().unwrap();
    assert_eq!((paths.told, paths.all.is_some()), (15_000, false));
    let written: Vec<_> = (0..15_000).map(|number| format!("src/{number:05}")).collect();
    let json = serde_json::to_vec(&written).unwrap();
    assert_eq!(paths.sha256, Some(oam_policy::Digest::of(&json).to_string()));
}
