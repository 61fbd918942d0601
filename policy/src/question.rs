//! What somebody could do to one ref, though nobody has pushed it: the question of explain, of who, and of a policy's
//! own tests.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};

use crate::{
    decide::{Decision, Evaluation, Outcome, WaiverUse},
    facts::{
        Ancestry, Approval, Commit, Cover, Facts, FactsNeeded, Identity, NewFile, PullRequest,
        SignatureState, Tip, UpdateIndex,
    },
    name::{ObjectId, RefName, Repository, RuleId, TreePath, Username},
    nonempty::NonEmpty,
    request::{Channel, RefChange, RefUpdate, Request, Verb},
    rule::{Asker, Policy},
};

/// A change to one ref.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// Where.
    pub repository: Repository,
    /// To which ref.
    pub name: RefName,
    /// What; never [`Verb::Read`] or [`Verb::Admin`], which carry no refs. Moving a tag is a [`Verb::Force`] whether
    /// or not that is what is asked.
    pub verb: Verb,
    /// By which way in.
    pub channel: Channel,
    /// What else is so.
    pub circumstances: Circumstances,
}

/// What the answer to a question may depend on.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Circumstances {
    /// The paths that change; `None`: that is not said, and where the answer depends on it there is none.
    pub paths: Option<Vec<TreePath>>,
    /// A new commit that somebody could mind; `None`: there is nothing to mind in any.
    pub commit: Option<ImaginedCommit>,
    /// How many new commits there are; `None`: the one that is imagined, or none.
    pub commits: Option<u64>,
    /// What a tag is like.
    pub tag: ImaginedTag,
    /// Who approved the pull request: its present head, and none of them its author or a committer.
    pub approved_by: Vec<Asker>,
    /// The waivers that are in use, as they should be: with a reason, and by a second person where it takes one.
    pub waivers: BTreeSet<RuleId>,
}

/// A commit as it could be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImaginedCommit {
    /// The first line of its message; `None`: that is not said, and no check minds it.
    pub message: Option<String>,
    /// Whether the pusher committed it.
    pub committer_is_pusher: bool,
    /// Whether the directory knows its author.
    pub author_known: bool,
    /// Whether it is signed, by its committer.
    pub signed: bool,
    /// Whether it is signed off.
    pub signed_off: bool,
    /// Whether it is a merge.
    pub merge: bool,
    /// Whether it is a merge with the ref's old tip behind another parent than the first.
    pub foreign_merge: bool,
    /// How large the files are that it changes, in bytes.
    pub blob: u64,
}

/// A tag as it could be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ImaginedTag {
    /// A tag object, signed by its tagger: what no check minds.
    #[default]
    Signed,
    /// A tag object without a signature.
    Annotated,
    /// No tag object.
    Lightweight,
}

impl ImaginedTag {
    /// Each of them.
    pub const ALL: [Self; 3] = [Self::Signed, Self::Annotated, Self::Lightweight];

    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Signed => "signed",
            Self::Annotated => "annotated",
            Self::Lightweight => "lightweight",
        }
    }

    /// The one with that word.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|tag| tag.as_str() == text)
    }

    fn tip(self) -> Tip {
        let signature = match self {
            Self::Lightweight => return Tip::Other,
            Self::Signed => SignatureState::GoodByCommitter,
            Self::Annotated => SignatureState::Absent,
        };
        Tip::Tag { tagger: Identity::Pusher, signature }
    }
}

/// What no check minds.
impl Default for ImaginedCommit {
    fn default() -> Self {
        Self {
            message: None,
            committer_is_pusher: true,
            author_known: true,
            signed: true,
            signed_off: true,
            merge: false,
            foreign_merge: false,
            blob: 0,
        }
    }
}

impl ImaginedCommit {
    /// The names of what can be wrong with a commit besides its message and its size.
    pub const FLAWS: [&'static str; 6] =
        ["other-committer", "unknown-author", "unsigned", "not-signed-off", "merge", "foreign-merge"];

    /// The same commit with one of [`Self::FLAWS`]; `None`: there is no such flaw.
    #[must_use]
    pub fn with_flaw(self, flaw: &str) -> Option<Self> {
        Some(match flaw {
            "other-committer" => Self { committer_is_pusher: false, ..self },
            "unknown-author" => Self { author_known: false, ..self },
            "unsigned" => Self { signed: false, ..self },
            "not-signed-off" => Self { signed_off: false, ..self },
            "merge" => Self { merge: true, ..self },
            "foreign-merge" => Self { foreign_merge: true, ..self },
            _ => return None,
        })
    }
}

/// The position of the one update.
const ONLY: UpdateIndex = 0;
const OLD: ObjectId = ObjectId::Sha1([1; 20]);
const NEW: ObjectId = ObjectId::Sha1([2; 20]);

impl Question {
    /// The question as `pusher` would ask it, with made-up object ids.
    pub fn request(&self, pusher: Username) -> Request {
        let (old, new) = (OLD, NEW);
        let change = match self.verb {
            Verb::Create => RefChange::Create { new },
            Verb::Delete => RefChange::Delete { old },
            Verb::Update | Verb::Force | Verb::Read | Verb::Admin => RefChange::Move { old, new },
        };
        Request {
            repository: self.repository.clone(),
            pusher,
            channel: self.channel,
            updates: NonEmpty::one(RefUpdate { name: self.name.clone(), change }),
        }
    }

    /// The facts that the verb and the circumstances imply.
    pub fn facts(&self) -> Facts {
        let mut facts = Facts::none();
        let ancestry = if self.verb == Verb::Force { Ancestry::Diverged } else { Ancestry::FastForward };
        facts.learn_ancestry(ONLY, ancestry);
        self.circumstances.tell(&mut facts);
        facts
    }

    /// The decision that `decide` comes to, where it does not depend on what is not said.
    ///
    /// # Errors
    /// What it depends on.
    pub(crate) fn settle(&self, decide: impl Fn(&Facts) -> Evaluation) -> Result<Decision, FactsNeeded> {
        let mut facts = self.facts();
        let mut unsaid = FactsNeeded::default();
        loop {
            match decide(&facts) {
                Evaluation::Decided(decision)
                    if decision.outcome() == Outcome::Undecided && !unsaid.is_empty() =>
                {
                    return Err(unsaid.in_order());
                }
                Evaluation::Decided(decision) => return Ok(decision),
                // Rules that are only tried out ask as well, and are none of those that it depends on.
                Evaluation::Needs(needed) => {
                    facts.learn_lack(&needed, "it is not said");
                    unsaid.add(needed);
                }
            }
        }
    }

    /// The verb that rules are compared with.
    pub fn decided_verb(&self) -> Verb {
        match self.verb {
            Verb::Update | Verb::Force if self.name.is_tag() => Verb::Force,
            verb => verb,
        }
    }

    /// The waivers in use, by `user`, at `now`.
    pub(crate) fn waivers(&self, policy: &Policy, user: &Username, now: Timestamp) -> Vec<WaiverUse> {
        let used = policy.waivers().iter().filter(|waiver| self.circumstances.waivers.contains(&waiver.id));
        used.map(|waiver| WaiverUse {
            id: None,
            waiver: waiver.id.clone(),
            lifts: BTreeSet::new(),
            by: user.clone(),
            on: None,
            refs: None,
            from: now,
            to: now.checked_add(SignedDuration::from_secs(1)).unwrap_or(Timestamp::MAX),
            reason: "a question".to_owned(),
            approved_by: Some(Asker::Roles(waiver.second_person.clone())),
        })
        .collect()
    }
}

impl Circumstances {
    fn tell(&self, facts: &mut Facts) {
        if let Some(paths) = &self.paths {
            facts.learn_paths(ONLY, Cover::whatever(), Ok(paths.clone()));
        }
        let commits: Vec<_> = self.commit.iter().map(ImaginedCommit::commit).collect();
        if self.commit.as_ref().is_some_and(|commit| commit.message.is_none()) {
            facts.suppose_messages();
        }
        let count = self.commits.unwrap_or(commits.len() as u64);
        facts.learn_commit_count(ONLY, Cover::whatever(), Ok(count));
        facts.learn_commits(ONLY, Cover::whatever(), Ok(commits));
        facts.learn_tip(ONLY, Cover::whatever(), Ok(self.tag.tip()));
        facts.learn_files(ONLY, Cover::whatever(), Ok(self.files()));
        let approval = |by: &Asker| Approval { by: by.clone(), of_head: true, reviewed: None };
        let approvals = self.approved_by.iter().map(approval).collect();
        facts.learn_pull_request(Ok(PullRequest { approvals, ..PullRequest::default() }));
    }

    fn files(&self) -> Vec<NewFile> {
        let size = self.commit.as_ref().map_or(0, |commit| commit.blob);
        let some_file = TreePath::parse(b"file").into_iter().filter(|_| size > 0);
        match &self.paths {
            Some(paths) => paths.iter().map(|path| NewFile { path: path.clone(), size }).collect(),
            None => some_file.map(|path| NewFile { path, size }).collect(),
        }
    }
}

impl ImaginedCommit {
    fn commit(&self) -> Commit {
        let who = |is_pusher| if is_pusher { Identity::Pusher } else { Identity::Stranger };
        Commit {
            id: NEW,
            subject: self.message.clone().unwrap_or_default().into_bytes(),
            signed_off: self.signed_off,
            author: who(self.author_known),
            committer: who(self.committer_is_pusher),
            parents: if self.merge || self.foreign_merge { 2 } else { 1 },
            foreign: self.foreign_merge,
            signature: if self.signed { SignatureState::GoodByCommitter } else { SignatureState::Absent },
        }
    }
}
