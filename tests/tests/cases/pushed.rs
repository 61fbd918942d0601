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
    /// Its child: a move there is an update.
    next: String,
    /// A commit without parents: a move there is a force.
    beside: String,
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
        let work = repository.working_copy();
        let old = work.commit("old");
        let next = work.commit("next");
        work.git(["checkout", "--quiet", "--orphan", "beside"]);
        let beside = work.commit("beside");
        let bitbucket = Bitbucket::serving(&repository, &HookConfig::of(daemon));
        let server = Self { daemon: HookConfig::of(daemon), repository, work, bitbucket, old, next, beside };
        // Bitbucket shows its hook the objects, wherever the refs are.
        let known = [&server.next, &server.beside].map(|id| format!("{id}:refs/known/{id}"));
        server.repository.without_hook(|| assert!(server.work.push(known).accepted()));
        server
    }

    /// Pushes, and sees to it that git did what it was told and nothing else.
    pub(crate) fn push(&self, case: &Case) -> Seen {
        self.put_refs_back(case);
        let before = self.repository.refs();
        if case.channel() != Channel::Push || case.history.is_some() {
            return Seen::of_hook(&self.hook(case));
        }
        let name = case.repository().as_str();
        let plain = format!("principal_env = \"REMOTE_USER\"\nrepository = \"{name}\"");
        self.repository.configure_hook(&HookConfig { plain: Some(plain), ..self.daemon.clone() });
        let mut push = self.work.command();
        push.env("REMOTE_USER", case.who.0.as_str()).args(["push", "--no-progress", "origin"]);
        push.args(case.lines().iter().map(|line| self.refspec(line)));
        let output = PushOutput { git: push.run() };
        let verdict = output.verdict();
        let expected = if output.accepted() { self.after(before, case) } else { before };
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

    /// The commit that a line's ref is to name; `None` when it is to go.
    fn target(&self, verb: Verb) -> Option<&str> {
        match verb {
            Verb::Create | Verb::Update => Some(&self.next),
            Verb::Force => Some(&self.beside),
            Verb::Delete | Verb::Read | Verb::Admin => None,
        }
    }

    fn refspec(&self, line: &Line) -> String {
        let forced = if line.verb == Verb::Force { "+" } else { "" };
        format!("{forced}{}:{}", self.target(line.verb).unwrap_or_default(), line.name)
    }

    /// The refs once the push was taken.
    fn after(&self, before: Vec<String>, case: &Case) -> Vec<String> {
        let of = |line: &Line| format!(" {}", line.name);
        let mut after = before;
        after.retain(|one| !case.lines().iter().any(|line| one.ends_with(&of(line))));
        after.extend(
            case.lines().iter().filter_map(|line| Some(format!("{}{}", self.target(line.verb)?, of(line)))),
        );
        after.sort_by_key(|one| one.split(' ').nth(1).map(str::to_owned));
        after
    }

    /// Runs the hook as Bitbucket does.
    fn hook(&self, case: &Case) -> Finished {
        let repository = case.repository().as_str();
        let (project, slug) = repository.split_once('/').expect("`PROJECT/slug`");
        let mut asking = self.bitbucket.asking(case.who.0.as_str(), &self.trigger(case));
        asking.set("BB_PROJECT_KEY", project).set("BB_REPO_SLUG", slug);
        if case.history == Some(History::Unreadable) {
            asking.unset("GIT_OBJECT_DIRECTORY");
        }
        asking.run()
    }

    fn trigger(&self, case: &Case) -> Trigger {
        let lines: Vec<_> = case.lines().iter().map(|line| self.ref_line(line)).collect();
        let one = || lines[0].clone();
        match case.channel() {
            Channel::Push => Trigger::Push(lines),
            Channel::BranchCreate => Trigger::BranchCreate(one()),
            Channel::BranchDelete => Trigger::BranchDelete(one()),
            Channel::TagCreate => Trigger::TagCreate(one()),
            Channel::TagDelete => Trigger::TagDelete(one()),
            Channel::FileEdit => Trigger::FileEdit(one()),
            Channel::PullRequestMerge => Trigger::PullRequestMerge(self.merge(&one())),
            Channel::PullRequestDryRun => Trigger::PullRequestDryRun(self.merge(&one())),
            Channel::Merge => Trigger::CascadeMerge(self.merge(&one())),
        }
    }

    fn ref_line(&self, line: &Line) -> RefLine {
        let old = if line.verb == Verb::Create { ZERO } else { &self.old };
        RefLine::new(old, self.target(line.verb).unwrap_or(ZERO), &line.name.to_string())
    }

    fn merge(&self, line: &RefLine) -> Merge {
        Merge {
            from: "topic".into(),
            from_hash: self.next.clone(),
            to: line.name.strip_prefix("refs/heads/").expect("a branch is merged into").into(),
            to_hash: line.old.clone(),
            merge_hash: line.new.clone(),
        }
    }
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
