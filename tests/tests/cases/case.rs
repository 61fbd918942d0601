//! One `[[case]]` of a file.

use oam_policy::{Channel, Repository, Verb};
use serde::Deserialize;

use crate::{
    answer::{Reason, Verdict},
    facts::{Commit, Files, PullRequest, Tag},
    held::{Elevation, Lease, Waiver},
    value::{At, History, Line, Mark, OneOrMany, Pusher, Way},
};

/// One push and its answer.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Case {
    /// What it shows, in a sentence.
    pub(crate) name: String,
    /// Who pushes.
    pub(crate) who: Pusher,
    /// What: one line or several, each `verb PROJECT/slug refs/…`.
    pub(crate) push: OneOrMany<Line>,
    /// When; nothing: now.
    pub(crate) at: Option<At>,
    /// By which way in; nothing: `push`.
    pub(crate) channel: Option<Way>,
    /// What the hook cannot find out.
    pub(crate) history: Option<History>,
    /// The paths that change.
    pub(crate) paths: Option<Vec<String>>,
    /// The new files, with their sizes in bytes; they are changed paths, too.
    pub(crate) files: Option<Files>,
    /// The new commits.
    pub(crate) commits: Option<Vec<Commit>>,
    /// How many new commits there are, where nothing else is to be said of them.
    pub(crate) commit_count: Option<u64>,
    /// What a tag is to name.
    pub(crate) tag: Option<Tag>,
    /// The pull request that is merged, or looked at.
    pub(crate) pull_request: Option<PullRequest>,
    /// The waivers in use.
    #[serde(default)]
    pub(crate) waivers: Vec<Waiver>,
    /// The elevations in use.
    #[serde(default)]
    pub(crate) elevations: Vec<Elevation>,
    /// What jobs have leased.
    #[serde(default)]
    pub(crate) leases: Vec<Lease>,
    /// The answer: one for all refs, or one for each.
    expect: OneOrMany<Verdict>,
    /// The answer of a daemon, where it is another one today.
    pushed: Option<OneOrMany<Verdict>>,
    /// What rules in evaluate mode would have done: `blocked:next-freeze`, `granted:trial`.
    #[serde(default)]
    would: Vec<Mark>,
    /// The rules that waivers lifted, each with its waiver: `freeze:hotfix`.
    #[serde(default)]
    pub(crate) lifted: Vec<String>,
    /// What the person is told, among other things.
    #[serde(default)]
    pub(crate) says: Vec<String>,
}

impl Case {
    /// What the format asks for, and no type says.
    pub(crate) fn check(&self) -> Result<(), String> {
        let lines = self.lines();
        let [first, ..] = lines else { return Err("it pushes nothing".into()) };
        if lines.iter().any(|line| line.repository != first.repository) {
            return Err("a push is to one repository".into());
        }
        for answers in [Some(&self.expect), self.pushed.as_ref()].into_iter().flatten().map(OneOrMany::all) {
            if answers.len() != 1 && answers.len() != lines.len() {
                return Err(format!("{} refs have {} answers", lines.len(), answers.len()));
            }
        }
        if self.pushed.is_some() && self.pushed() == self.expected() {
            return Err("`pushed` says what `expect` says".into());
        }
        let one = |verbs: &[Verb]| lines.len() == 1 && verbs.contains(&first.verb);
        let fits = match self.channel() {
            Channel::Push => true,
            Channel::BranchCreate => one(&[Verb::Create]) && !first.name.is_tag(),
            Channel::TagCreate => one(&[Verb::Create]) && first.name.is_tag(),
            Channel::BranchDelete => one(&[Verb::Delete]) && !first.name.is_tag(),
            Channel::TagDelete => one(&[Verb::Delete]) && first.name.is_tag(),
            Channel::FileEdit => one(&[Verb::Create, Verb::Update]),
            Channel::PullRequestMerge | Channel::Merge => one(&[Verb::Update, Verb::Force]),
            Channel::PullRequestDryRun => one(&[Verb::Update]),
        };
        if fits { Ok(()) } else { Err(format!("`{}` does no such thing", self.channel())) }
    }

    /// The lines of the push.
    pub(crate) fn lines(&self) -> &[Line] {
        self.push.all()
    }

    /// The repository that is pushed to.
    pub(crate) fn repository(&self) -> &Repository {
        &self.lines()[0].repository
    }

    /// The way in.
    pub(crate) fn channel(&self) -> Channel {
        self.channel.as_ref().map_or(Channel::Push, |way| way.0)
    }

    /// The answer to each line.
    pub(crate) fn expected(&self) -> Vec<Verdict> {
        self.for_each_line(&self.expect)
    }

    /// The answer to each line over gRPC; nothing where nobody can tell the daemon enough to be sure of one.
    pub(crate) fn asked(&self) -> Option<Vec<Verdict>> {
        match self.can_be_told() {
            true => Some(self.expected()),
            false => (!self.is_about_keys()).then(|| self.pushed()),
        }
    }

    /// The answer to each line of a real push.
    pub(crate) fn pushed(&self) -> Vec<Verdict> {
        self.for_each_line(self.pushed.as_ref().unwrap_or(&self.expect))
    }

    fn for_each_line(&self, answers: &OneOrMany<Verdict>) -> Vec<Verdict> {
        match answers {
            OneOrMany::One(one) => vec![one.clone(); self.lines().len()],
            OneOrMany::Many(many) => many.clone(),
        }
    }

    /// Whether a push shows all that the case says, so that words and marks are the same at each door.
    pub(crate) fn is_alike_at_every_door(&self) -> bool {
        self.pushed.is_none()
    }

    /// The same, as far as the door over gRPC is concerned.
    pub(crate) fn is_alike_over_grpc(&self) -> bool {
        self.can_be_told() || (self.is_alike_at_every_door() && !self.is_about_keys())
    }

    /// What the rules in evaluate mode would have done.
    pub(crate) fn would(&self) -> Vec<Reason> {
        self.would.iter().map(|mark| mark.0.clone()).collect()
    }

    /// Whether it says which commits or files are new.
    pub(crate) fn tells_of_history(&self) -> bool {
        self.paths.is_some()
            || self.files.is_some()
            || self.commits.is_some()
            || self.commit_count.is_some()
            || self.tag.is_some()
    }

    /// Why it cannot be pushed for real, if it cannot.
    pub(crate) fn not_pushed(&self) -> Option<&'static str> {
        let of_another_time = self.at.as_ref().map(|_| "git pushes now, and this case is about another time");
        let badly_signed = || self.is_about_other_signatures().then_some("nobody here signs so");
        of_another_time.or_else(badly_signed)
    }
}
