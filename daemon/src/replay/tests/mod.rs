//! Decisions made and recorded as those of real pushes are, and made again.

mod approvals;
mod as_recorded;
mod by_a_draft;
mod erased;
mod histories;
mod laws;
mod leases;
mod long;
mod policies;
mod set_back;
mod stale;
mod usage;

use std::{collections::BTreeMap, ops::ControlFlow, path::Path, sync::Arc, time::Instant};

use jiff::Timestamp;
use oam_audit::entry::{self, AskedBy, Entry, Event, PeopleForm, PolicyOrigin};
use oam_policy::{
    Channel, Facts, NonEmpty, ObjectId, Policy, RefChange, RefName, RefUpdate, Request, TreePath,
    facts::{Ancestry, ShownLease},
    file::{self, PolicySource},
    snapshot::{Directory, Person},
};

use super::{Basis, Directories, Policies, Replay, Step, Summary, Untold, Verdict};
use crate::{
    audit_log::{AuditLog, people},
    authorize::{self, Attempt, Question},
    config::{Config, Overrides},
    directory::{self, By},
    policy::{Change, PolicyManager},
    privilege::Privileges,
    service::{Live, Permits, Spooled},
    source::Sources,
    store::Store,
};

/// Developers work on topic branches and update `main`; releases are frozen; a grant and a block are being tried out.
pub(crate) const POLICY: &str = r#"
version = 1
[[role]]
id = "developer"
any = ["s:eng"]
[[role]]
id = "bot"
service = ["svc-ci"]
[[grant]]
id = "topics"
to = ["developer", "bot"]
on = ["PAY/*"]
refs = ["refs/heads/t/**", "refs/tags/**"]
verbs = ["create", "update", "force", "delete"]
[[grant]]
id = "main"
to = ["developer"]
on = ["PAY/*"]
refs = ["refs/heads/main"]
verbs = ["create", "update"]
[[grant]]
id = "more"
mode = "evaluate"
to = ["developer"]
on = ["PAY/*"]
refs = ["refs/heads/main"]
verbs = ["force"]
[[block]]
id = "tags-stay"
on = ["**"]
refs = ["refs/tags/**"]
verbs = ["force", "delete"]
"#;

/// All that a daemon holds, without its listeners.
struct Bench {
    live: Live,
    _folder: tempfile::TempDir,
}

impl Bench {
    async fn new() -> Self {
        Self::keeping(100).await
    }

    /// A bench that keeps so many generations of the directory; alice and bob are in `s:eng`, carol in no group, and
    /// dave is gone.
    async fn keeping(generations: usize) -> Self {
        Self::with(generations, PeopleForm::Names).await
    }

    /// The same, with a log in which people stand so.
    async fn with(generations: usize, form: PeopleForm) -> Self {
        Self::by_clock(generations, form, Timestamp::now).await
    }

    /// The same on a machine whose clock says this.
    async fn by_clock(generations: usize, form: PeopleForm, time_of_day: fn() -> Timestamp) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let place = |name: &str| folder.path().join(name);
        let overrides = Overrides { state: Some(place("state")) };
        let config = Config::load(None, overrides).unwrap();
        let people = people::open(folder.path(), form).unwrap().people;
        let node = "node".parse().unwrap();
        let (audit, _) = AuditLog::open_with(&place("audit"), &node, time_of_day, people.clone()).unwrap();
        let opened = Store::open_keeping(&config.state, generations).unwrap();
        let directory = directory::start(opened.store, opened.loaded, Box::new(|_| Ok(()))).unwrap();
        people.iter().for_each(|people| people.know(directory.1.clone()));
        let state = place("policies");
        let (reader, admin) = (directory.1.clone(), config.admin.clone());
        let policies =
            PolicyManager::start(config.policy.clone(), None, &state, audit.clone(), reader, admin);
        let policies = Arc::new(policies.await.unwrap());
        let spooled = Spooled::open(&place("spooled")).unwrap();
        let (sources, _) = Sources::open(&config.sources, &config.state, directory.clone()).await.unwrap();
        let privileges = Privileges::open_with_clock(place("privileges"), &audit, time_of_day).unwrap();
        let live = Live::new(
            config,
            policies,
            (directory.0, directory.1, Arc::new(sources)),
            (audit.clone(), privileges),
            (spooled, Permits::of(&audit).unwrap()),
            Vec::new(),
        );
        let bench = Self { live, _folder: folder };
        bench.apply(POLICY).await;
        bench.import(&[("alice", &["s:eng"]), ("bob", &["s:eng"]), ("carol", &[])]).await;
        bench
    }

    async fn import(&self, people: &[(&str, &[&str])]) {
        self.import_all(people, Vec::new).await;
    }

    /// The same people as at first, alice with an e-mail.
    async fn import_with_emails(&self) {
        let emails = || vec!["alice@example.com".to_owned()];
        self.import_all(&[("alice", &["s:eng"])], emails).await;
    }

    async fn import_all(&self, people: &[(&str, &[&str])], emails: fn() -> Vec<String>) {
        let person = |(name, groups): &(&str, &[&str])| Person {
            username: name.parse().unwrap(),
            id: None,
            display_name: None,
            emails: emails(),
            active: true,
            groups: groups.iter().map(|group| group.parse().unwrap()).collect(),
            keys: Default::default(),
        };
        let gone = Person { active: false, emails: Vec::new(), ..person(&("dave", &["s:eng"])) };
        let people = people.iter().map(person).chain([gone]).collect();
        let directory = Directory { people, groups: Default::default() };
        let by = By { actor: "test".into(), reason: String::new() };
        self.live.changes.import(directory, Timestamp::now(), by).await.unwrap();
    }

    async fn apply(&self, text: &str) {
        let change = Change { origin: PolicyOrigin::Apply, author: "uid 0".into(), reason: "r".into() };
        let file = PolicySource { name: "policy.toml".into(), text: text.into() };
        self.live.policies.apply(&[file], change).await.unwrap();
    }

    /// Decides and records a push as the service does; gives its id.
    async fn push(&self, user: &str, updates: &[&str]) -> String {
        self.push_by(Channel::Push, user, updates).await
    }

    /// Updates are written as `force refs/heads/x`. Of `update` and `force` the ancestry is found out when it is asked
    /// for; that of `unreadable` cannot be.
    async fn push_by(&self, channel: Channel, user: &str, updates: &[&str]) -> String {
        self.push_showing(channel, user, updates, None, &[]).await
    }

    /// The same, showing the token of a lease, and changing these paths.
    async fn push_showing(
        &self,
        channel: Channel,
        user: &str,
        updates: &[&str],
        shown_lease: Option<ShownLease>,
        paths: &[&str],
    ) -> String {
        let request = Request {
            repository: "PAY/api".parse().unwrap(),
            pusher: user.parse().unwrap(),
            channel,
            updates: NonEmpty::from_vec(updates.iter().map(|update| ref_update(update)).collect()).unwrap(),
        };
        let asked_by = AskedBy::Unix { uid: 0, pid: 1 };
        let mut facts = Facts::none();
        shown_lease.iter().for_each(|shown| facts.learn_shown_lease(shown.clone()));
        let received = Instant::now();
        let question = Question { request, pull_request: None, shown_lease, asked_by, received };
        loop {
            match authorize::attempt(&self.live, &question, &facts) {
                Attempt::Decided(unrecorded) => {
                    // Where another took the last use of a lease, it is decided anew.
                    let Some(claimed) = authorize::claim(&self.live, &question, *unrecorded) else {
                        continue;
                    };
                    return authorize::record(&self.live, &question, &facts, claimed).await.0.decision_id;
                }
                Attempt::Needs(needed) => {
                    for index in needed.ancestry {
                        facts.learn_ancestry(index, ancestry(updates[index]));
                    }
                    for history in needed.histories {
                        let changed = paths.iter().map(|path| TreePath::parse(path.as_bytes()).unwrap());
                        facts.learn_paths(history.update, history.cover, Ok(changed.collect()));
                    }
                }
            }
        }
    }

    fn replay(&self, basis: Basis) -> Replay {
        let in_force = self.live.policies.live().map(|live| Arc::clone(&live.policy));
        Replay {
            audit: self.live.audit.clone(),
            directories: Directories::new(self.live.directory.clone(), false),
            policies: Policies::new(Arc::clone(&self.live.policies)),
            basis,
            since: Timestamp::UNIX_EPOCH,
            until: Timestamp::MAX,
            repositories: None,
            in_force,
            against_in_force: false,
            uses_since: None,
        }
    }

    fn by(&self, text: &str) -> Replay {
        self.replay(Basis::Policy(Arc::new(policy(text))))
    }
}

/// All that a daemon holds, and the folder where it is.
pub(crate) async fn live() -> (Arc<Live>, tempfile::TempDir) {
    let bench = Bench::new().await;
    (Arc::new(bench.live), bench._folder)
}

/// What came of it, and each ref that came out otherwise.
fn run(replay: Replay) -> (Summary, Vec<Verdict>) {
    let mut verdicts = Vec::new();
    let mut tell = |step| {
        if let Step::Verdict(verdict) = step {
            verdicts.push(*verdict);
        }
        ControlFlow::Continue(())
    };
    let summary = replay.run(&mut tell).unwrap().unwrap();
    (summary, verdicts)
}

fn policy(text: &str) -> Policy {
    let source = PolicySource { name: "policy.toml".into(), text: text.into() };
    file::parse(&[source]).unwrap_or_else(|faults| panic!("{faults}"))
}

fn ref_update(text: &str) -> RefUpdate {
    let (old, new) = (ObjectId::Sha1([1; 20]), ObjectId::Sha1([2; 20]));
    let (verb, name) = text.split_once(' ').unwrap();
    let change = match verb {
        "create" => RefChange::Create { new },
        "delete" => RefChange::Delete { old },
        "merge" => RefChange::Merge { onto: old, from: Some(new) },
        _ => RefChange::Move { old, new },
    };
    RefUpdate { name: RefName::parse(name.as_bytes()).unwrap(), change }
}

fn ancestry(update: &str) -> Ancestry {
    match update.split_once(' ').unwrap().0 {
        "update" => Ancestry::FastForward,
        "force" => Ancestry::Diverged,
        _ => Ancestry::Unreadable { why: "a pack is damaged".into() },
    }
}

/// `newly-refused create refs/heads/x: permitted -> refused no-grant`.
fn told(verdicts: &[Verdict]) -> Vec<String> {
    let judged = |one: &super::Judgement| {
        let grounds = one.reasons.iter().map(|ground| match &ground.rule {
            Some(rule) => format!("{}/{rule}", ground.code),
            None => ground.code.clone(),
        });
        let all: Vec<_> = one.grant.iter().cloned().chain(grounds).collect();
        format!("{} {}", one.outcome, all.join(" "))
    };
    let one = |one: &Verdict| {
        let name = String::from_utf8_lossy(&one.name);
        let effect = one.effect.as_str();
        format!("{effect} {} {name}: {} -> {}", one.verb, judged(&one.before), judged(&one.after))
    };
    verdicts.iter().map(one).collect()
}

/// The codes of what could not be told, with how many refs.
fn untold(summary: &Summary) -> Vec<(&str, u64)> {
    summary.untold.iter().map(|(why, count): (&Untold, _)| (why.code(), count.refs)).collect()
}

/// Everything that a daemon writes to its own folder, to see that nothing of it changes.
fn bytes_of(folder: &Path) -> u64 {
    std::fs::metadata(folder.join("journal/00000000000000000000.jsonl")).unwrap().len()
}
