//! The third door: a real push to a real repository, through the real hook; and Bitbucket's other ways in.

use std::collections::BTreeSet;

use oam_policy::{Channel, RefusalReason, UndecidedReason, Verb};
use oam_tests::{
    BareRepo, Bitbucket, Daemon, Finished, HookConfig, PushOutput, Run as _, Verdict as Shown, WorkingCopy,
    bitbucket::{Merge, RefLine, Trigger, ZERO},
    push::verdict_in,
};

use crate::{
    case::Case,
    history::{self, Onto},
    value::{History, Line},
};

/// A repository with a hook, and the commits from which every kind of change is made.
pub(crate) struct Server {
    daemon: HookConfig,
    repository: BareRepo,
    work: WorkingCopy,
    bitbucket: Bitbucket,
    /// Where every ref is at first.
    old: String,
    /// Of cases that say nothing about what is pushed.
    plain: Targets,
}

/// The commits to which a push moves refs.
#[derive(Clone)]
struct Targets {
    created: String,
    updated: String,
    forced: String,
}

impl Targets {
    /// The commit that a ref is to name; `None` when it is to go.
    fn of(&self, verb: Verb) -> Option<&str> {
        match verb {
            Verb::Create => Some(&self.created),
            Verb::Update => Some(&self.updated),
            Verb::Force => Some(&self.forced),
            Verb::Delete | Verb::Read | Verb::Admin => None,
        }
    }
}

/// What the pusher sees.
pub(crate) struct Seen {
    /// The outcome.
    pub(crate) verdict: Shown,
    /// The codes of the reasons.
    pub(crate) codes: BTreeSet<String>,
    /// All that the hook printed.
    pub(crate) text: String,
}

impl Server {
    /// A server whose hook asks `daemon`.
    pub(crate) fn asking(daemon: &Daemon) -> Self {
        let repository = BareRepo::guarded_by(daemon);
        // A bare repository's own scruple about its `main`; what may go is for the policy to say.
        repository.git().read(&repository.path(), ["config", "receive.denyDeleteCurrent", "ignore"]);
        repository.git().read(&repository.path(), ["config", "receive.advertisePushOptions", "true"]);
        let work = repository.working_copy();
        // Nothing is in them, so that what a case says of the files is all that changes.
        let empty = work.git(["write-tree"]);
        let root = work.git(["commit-tree", &empty, "-m", "root"]);
        let old = work.git(["commit-tree", &empty, "-m", "old", "-p", &root]);
        work.git(["reset", "--quiet", "--hard", &old]);
        let next = work.commit("next");
        work.git(["checkout", "--quiet", "--orphan", "beside"]);
        let beside = work.commit("beside");
        let bitbucket = Bitbucket::serving(&repository, &HookConfig::of(daemon));
        let plain = Targets { created: next.clone(), updated: next, forced: beside };
        let server = Self { daemon: HookConfig::of(daemon), repository, work, bitbucket, old, plain };
        server.show(&server.plain);
        server
    }

    /// Puts commits where Bitbucket has them when it asks its hook, whatever the refs are.
    fn show(&self, targets: &Targets) {
        let known = BTreeSet::from([&targets.created, &targets.updated, &targets.forced]);
        let known = known.into_iter().map(|id| format!("+{id}:refs/known/{id}"));
        self.repository.without_hook(|| assert!(self.work.push(known).accepted()));
    }

    /// What a case pushes. A move to a child of `old` is an update; what has no parents can only be forced.
    fn targets(&self, case: &Case) -> Targets {
        if !case.tells_of_history() {
            return self.plain.clone();
        }
        let make = |onto| history::make(&self.work, case, onto);
        let beside = make(Onto::Nothing);
        let targets =
            Targets { created: beside.clone(), updated: make(Onto::Tip(&self.old)), forced: beside };
        if case.channel() != Channel::Push {
            self.show(&targets);
        }
        targets
    }

    /// Pushes, and sees to it that git did what it was told and nothing else.
    /// `tell` tells Bitbucket which commit a pull request is to merge, onto which.
    /// `shown` gives, for the commit that is pushed, the tokens of leases that are shown with it.
    pub(crate) fn push(
        &self,
        case: &Case,
        tell: impl FnOnce(&str, &str),
        shown: impl FnOnce(&str) -> Vec<String>,
    ) -> Seen {
        let targets = self.targets(case);
        let shown = shown(targets.of(case.lines()[0].verb).unwrap_or(ZERO));
        self.put_refs_back(case);
        let before = self.repository.refs();
        if case.channel() != Channel::Push || case.history.is_some() {
            tell(&targets.updated, &self.old);
            return Seen::of_hook(&self.hook(case, &targets));
        }
        let name = case.repository().as_str();
        let plain = format!("principal_env = \"REMOTE_USER\"\nrepository = \"{name}\"");
        self.repository.configure_hook(&HookConfig { plain: Some(plain), ..self.daemon.clone() });
        let mut push = self.work.command();
        push.env("REMOTE_USER", case.who.0.as_str()).args(["push", "--no-progress", "origin"]);
        push.args(shown.iter().map(|token| format!("--push-option=oam-lease={token}")));
        push.args(case.lines().iter().map(|line| refspec(line, &targets)));
        let output = PushOutput { git: push.run() };
        let verdict = output.verdict();
        let expected = if output.accepted() { after(before, case, &targets) } else { before };
        assert_eq!(self.repository.refs(), expected, "what git did: {output:?}");
        Seen::new(verdict, output.remote())
    }

    /// All refs gone, but those that the push is to move or delete.
    fn put_refs_back(&self, case: &Case) {
        let deleted = self.repository.refs();
        let names = deleted.iter().filter_map(|line| line.split(' ').nth(1));
        self.update_refs(&names.map(|name| format!("delete {name}\n")).collect::<String>());
        let there = case.lines().iter().filter(|line| line.verb != Verb::Create);
        self.update_refs(
            &there.map(|line| format!("create {} {}\n", line.name, self.old)).collect::<String>(),
        );
    }

    fn update_refs(&self, commands: &str) {
        let mut update = self.repository.git().command(&self.repository.path());
        update.args(["update-ref", "--stdin"]);
        update.run_with(commands.as_bytes()).expect_success("git update-ref");
    }

    /// Runs the hook as Bitbucket does.
    fn hook(&self, case: &Case, targets: &Targets) -> Finished {
        let repository = case.repository().as_str();
        let (project, slug) = repository.split_once('/').expect("`PROJECT/slug`");
        let mut asking = self.bitbucket.asking(case.who.0.as_str(), &self.trigger(case, targets));
        asking.set("BB_PROJECT_KEY", project).set("BB_REPO_SLUG", slug);
        if case.history == Some(History::Unreadable) {
            asking.unset("GIT_OBJECT_DIRECTORY");
        }
        asking.run()
    }

    fn trigger(&self, case: &Case, targets: &Targets) -> Trigger {
        let lines: Vec<_> = case.lines().iter().map(|line| self.ref_line(line, targets)).collect();
        let one = || lines[0].clone();
        match case.channel() {
            Channel::Push => Trigger::Push(lines),
            Channel::BranchCreate => Trigger::BranchCreate(one()),
            Channel::BranchDelete => Trigger::BranchDelete(one()),
            Channel::TagCreate => Trigger::TagCreate(one()),
            Channel::TagDelete => Trigger::TagDelete(one()),
            Channel::FileEdit => Trigger::FileEdit(one()),
            Channel::PullRequestMerge => Trigger::PullRequestMerge(merge(&one(), targets)),
            Channel::PullRequestDryRun => Trigger::PullRequestDryRun(merge(&one(), targets)),
            Channel::Merge => Trigger::CascadeMerge(merge(&one(), targets)),
        }
    }

    fn ref_line(&self, line: &Line, targets: &Targets) -> RefLine {
        let old = if line.verb == Verb::Create { ZERO } else { &self.old };
        RefLine::new(old, targets.of(line.verb).unwrap_or(ZERO), &line.name.to_string())
    }
}

fn merge(line: &RefLine, targets: &Targets) -> Merge {
    Merge {
        from: "topic".into(),
        from_hash: targets.updated.clone(),
        to: line.name.strip_prefix("refs/heads/").expect("a branch is merged into").into(),
        to_hash: line.old.clone(),
        merge_hash: line.new.clone(),
    }
}

fn refspec(line: &Line, targets: &Targets) -> String {
    let forced = if line.verb == Verb::Force { "+" } else { "" };
    format!("{forced}{}:{}", targets.of(line.verb).unwrap_or_default(), line.name)
}

/// The refs once the push was taken.
fn after(before: Vec<String>, case: &Case, targets: &Targets) -> Vec<String> {
    let of = |line: &Line| format!(" {}", line.name);
    let mut after = before;
    after.retain(|one| !case.lines().iter().any(|line| one.ends_with(&of(line))));
    after.extend(
        case.lines().iter().filter_map(|line| Some(format!("{}{}", targets.of(line.verb)?, of(line)))),
    );
    after.sort_by_key(|one| one.split(' ').nth(1).map(str::to_owned));
    after
}

impl Seen {
    fn new(verdict: Shown, text: String) -> Self {
        let known = RefusalReason::CODES.iter().chain(&UndecidedReason::CODES);
        let codes = known.filter(|code| text.contains(&format!("[{code}]")));
        Self { verdict, codes: codes.map(|code| (*code).to_owned()).collect(), text }
    }

    fn of_hook(done: &Finished) -> Self {
        let text = done.stderr_text();
        let verdict = match (done.code, verdict_in(&text)) {
            (0, None) => Shown::Permitted,
            (1.., Some(verdict)) => verdict,
            _ => panic!("the exit code and the words of the hook do not fit: {done:?}"),
        };
        Self::new(verdict, text)
    }
}
