//! What a case says of the history, of the pull request and of waivers in use: the circumstances of a push.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use oam_policy::{
    Facts, ObjectId, RuleId, Verb,
    decide::WaiverUse,
    facts::{
        Ancestry, Approval, BadSignature, Commit as NewCommit, Cover, FactsNeeded, HistoryPart, Identity,
        NewFile, PullRequest as Merged, SignatureState, Tip,
    },
    name::TreePath,
    rule::Asker,
};
use oam_proto::v1;
use serde::Deserialize;

use crate::{
    case::Case,
    value::{History, Pusher},
};

/// A new commit. Nobody need say what no rule asks for.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Commit {
    /// The first line of its message.
    message: String,
    /// The e-mail of its author; nothing: the pusher's.
    author: Option<String>,
    /// The e-mail of its committer; nothing: the pusher's.
    committer: Option<String>,
    /// Whose key signed it.
    signed_by: Option<Pusher>,
    /// The address whose key signed it, by the file of allowed signers.
    signed_by_address: Option<String>,
    /// What is wrong with its signature.
    bad_signature: Option<Bad>,
    signed_off: bool,
    /// How many parents it has; nothing: one.
    parents: Option<usize>,
    /// Whether it is a merge that has the ref's old tip behind another parent than the first.
    foreign: bool,
}

/// What a tag is to name: a tag object, with these.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Tag {
    /// Whether it is none.
    lightweight: bool,
    /// The e-mail of its tagger; nothing: the pusher's.
    tagger: Option<String>,
    signed_by: Option<Pusher>,
    signed_by_address: Option<String>,
    bad_signature: Option<Bad>,
}

/// See [`BadSignature`].
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Bad {
    Invalid,
    KeyUnknown,
    KeyExpired,
    KeyRevoked,
    KindUnknown,
}

/// The pull request that is merged, or looked at.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PullRequest {
    author: Pusher,
    /// The e-mails of those who committed to it.
    #[serde(default)]
    committers: Vec<String>,
    /// Who approved what it holds now.
    #[serde(default)]
    approved_by: Vec<Pusher>,
    /// Who approved what it held before the last push.
    #[serde(default)]
    approved_before: Vec<Pusher>,
}

/// A use of a waiver.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Waiver {
    id: String,
    by: Pusher,
    reason: String,
    /// The second person.
    approved_by: Option<Pusher>,
    /// Since when.
    #[serde(default)]
    minutes_ago: i64,
}

/// Paths of files, with their sizes in bytes.
pub(crate) type Files = BTreeMap<String, u64>;

impl Case {
    /// Tells what is asked for.
    ///
    /// # Panics
    /// When the case does not say it.
    pub(crate) fn tell(&self, needed: &FactsNeeded, facts: &mut Facts) {
        for index in &needed.ancestry {
            facts.learn_ancestry(*index, self.ancestry(*index));
        }
        let silent = format!("`{}` depends on {}, and does not say", self.name, needed.told());
        if needed.pull_request {
            let merged = self.pull_request.as_ref().expect(&silent);
            facts.learn_pull_request(Ok(merged.told()));
        }
        for wanted in &needed.histories {
            let (update, cover) = (wanted.update, Cover::whatever());
            match wanted.part {
                HistoryPart::Paths => {
                    let files = self.files().expect(&silent);
                    facts.learn_paths(update, cover, Ok(files.into_iter().map(|file| file.path).collect()));
                }
                HistoryPart::Files => facts.learn_files(update, cover, Ok(self.files().expect(&silent))),
                HistoryPart::Commits => {
                    let commits = self.commits.as_ref().expect(&silent);
                    let told = commits.iter().map(|commit| commit.told(&self.who)).collect();
                    facts.learn_commits(update, cover, Ok(told));
                }
                HistoryPart::CommitCount(_) => {
                    let told = self.commits.as_ref().map(|commits| commits.len() as u64);
                    facts.learn_commit_count(update, cover, Ok(self.commit_count.or(told).expect(&silent)));
                }
                HistoryPart::Tip => {
                    let tag = self.tag.as_ref().expect(&silent);
                    facts.learn_tip(update, cover, Ok(tag.told(&self.who)));
                }
            }
        }
    }

    /// What the history says about one line of the push.
    pub(crate) fn ancestry(&self, index: usize) -> Ancestry {
        match (&self.history, self.lines()[index].verb) {
            (Some(History::Unreadable), _) => Ancestry::Unreadable { why: "no objects are shown".into() },
            (None, Verb::Force) => Ancestry::Diverged,
            (None, _) => Ancestry::FastForward,
        }
    }

    /// What the case says, where that is no more than a question of `oam explain` can say.
    pub(crate) fn circumstances(&self) -> Option<v1::Circumstances> {
        let approved_by = match &self.pull_request {
            None => Vec::new(),
            Some(merged) => merged.approvers_of_others()?,
        };
        let is_all = self.commits.is_none()
            && self.commit_count.is_none()
            && self.tag.is_none()
            && self.files.is_none()
            && self.waivers.is_empty();
        let says_something = self.paths.is_some() || self.pull_request.is_some();
        let paths = self.paths.iter().flatten().map(|path| path.clone().into_bytes());
        (is_all && says_something).then(|| v1::Circumstances {
            paths_given: self.paths.is_some(),
            paths: paths.collect(),
            approved_by,
            ..v1::Circumstances::default()
        })
    }

    /// The waivers in use.
    pub(crate) fn waivers(&self, now: Timestamp) -> Vec<WaiverUse> {
        self.waivers.iter().map(|waiver| waiver.told(now)).collect()
    }

    /// The files that `files` names, with their sizes, and those that `paths` names, empty.
    fn files(&self) -> Option<Vec<NewFile>> {
        if self.paths.is_none() && self.files.is_none() {
            return None;
        }
        let sized = self.files.iter().flatten().map(|(path, size)| (path, *size));
        let plain = self.paths.iter().flatten().map(|path| (path, 0));
        let file = |(path, size): (&String, u64)| NewFile {
            path: TreePath::parse(path.as_bytes()).unwrap_or_else(|error| panic!("`{path}`: {error}")),
            size,
        };
        Some(sized.chain(plain).map(file).collect())
    }
}

impl Commit {
    fn told(&self, pusher: &Pusher) -> NewCommit {
        NewCommit {
            id: ObjectId::Sha1([2; 20]),
            subject: self.message.clone().into_bytes(),
            signed_off: self.signed_off,
            author: identity(&self.author, pusher),
            committer: identity(&self.committer, pusher),
            parents: self.parents.unwrap_or(1),
            foreign: self.foreign,
            signature: signature(&self.signed_by, &self.signed_by_address, self.bad_signature),
        }
    }
}

impl Tag {
    fn told(&self, pusher: &Pusher) -> Tip {
        if self.lightweight {
            return Tip::Other;
        }
        Tip::Tag {
            tagger: identity(&self.tagger, pusher),
            signature: signature(&self.signed_by, &self.signed_by_address, self.bad_signature),
        }
    }
}

fn identity(given: &Option<String>, pusher: &Pusher) -> Identity {
    let email = given.clone().unwrap_or_else(|| format!("{}@example.com", pusher.0));
    Identity::Email(email.into())
}

fn signature(by: &Option<Pusher>, address: &Option<String>, bad: Option<Bad>) -> SignatureState {
    match (by, address, bad) {
        (None, None, None) => SignatureState::Absent,
        (Some(by), None, None) => SignatureState::Good { by: by.0.clone() },
        (None, Some(address), None) => SignatureState::GoodByAddress { address: address.as_str().into() },
        (None, None, Some(bad)) => {
            let cause = match bad {
                Bad::Invalid => BadSignature::Invalid,
                Bad::KeyUnknown => BadSignature::KeyUnknown,
                Bad::KeyExpired => BadSignature::KeyExpired,
                Bad::KeyRevoked => BadSignature::KeyRevoked,
                Bad::KindUnknown => BadSignature::KindUnknown,
            };
            SignatureState::Bad { cause, why: "as the case says".to_owned() }
        }
        _ => panic!("a signature is good by somebody, or bad"),
    }
}

impl PullRequest {
    /// Who approved it, where none of them is its author or a committer, or did so before the last push.
    fn approvers_of_others(&self) -> Option<Vec<v1::Approver>> {
        let is_author = |by: &Pusher| by.0.key() == self.author.0.key();
        let is_plain = self.committers.is_empty() && self.approved_before.is_empty();
        let approver = |by: &Pusher| v1::Approver { username: by.0.as_str().to_owned(), roles: Vec::new() };
        let plain = is_plain && !self.approved_by.iter().any(is_author);
        plain.then(|| self.approved_by.iter().map(approver).collect())
    }

    fn told(&self) -> Merged {
        let approvals = |of_head: bool, people: &[Pusher]| {
            let approval = |by: &Pusher| Approval { by: Asker::User(by.0.clone()), of_head };
            people.iter().map(approval).collect::<Vec<_>>()
        };
        Merged {
            author: Some(self.author.0.clone()),
            committers: self.committers.iter().map(|email| email.as_str().into()).collect(),
            approvals: [approvals(true, &self.approved_by), approvals(false, &self.approved_before)].concat(),
        }
    }
}

impl Waiver {
    fn told(&self, now: Timestamp) -> WaiverUse {
        let from = now - SignedDuration::from_mins(self.minutes_ago);
        WaiverUse {
            waiver: RuleId::parse(&self.id).unwrap_or_else(|error| panic!("`{}`: {error}", self.id)),
            lifts: BTreeSet::new(),
            by: self.by.0.clone(),
            on: None,
            from,
            // Its own rule ends it long before.
            to: from + SignedDuration::from_hours(24),
            reason: self.reason.clone(),
            approved_by: self.approved_by.as_ref().map(|by| Asker::User(by.0.clone())),
        }
    }
}
