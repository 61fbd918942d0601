//! What a case says of the history and of the pull request: the circumstances of a push.

use std::collections::BTreeMap;

use oam_policy::{
    Facts, ObjectId, Verb,
    facts::{
        Ancestry, Approval, BadSignature, Commit as NewCommit, Cover, FactsNeeded, HistoryPart, Identity,
        NewFile, PullRequest as Merged, SignatureState, Tip,
    },
    name::TreePath,
    rule::Asker,
};
use oam_proto::v1;
use oam_tests::bitbucket_server::pull_requests::Told;
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
    pub(crate) message: String,
    /// The e-mail of its author; nothing: the pusher's.
    pub(crate) author: Option<String>,
    /// The e-mail of its committer; nothing: the pusher's.
    pub(crate) committer: Option<String>,
    /// Whose key signed it.
    pub(crate) signed_by: Option<Pusher>,
    /// The address whose key signed it, by the file of allowed signers.
    pub(crate) signed_by_address: Option<String>,
    /// What is wrong with its signature.
    pub(crate) bad_signature: Option<Bad>,
    pub(crate) signed_off: bool,
    /// How many parents it has; nothing: one.
    pub(crate) parents: Option<usize>,
    /// Whether it is a merge that has the ref's old tip behind another parent than the first.
    pub(crate) foreign: bool,
}

/// What a tag is to name: a tag object, with these.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Tag {
    /// Whether it is none.
    pub(crate) lightweight: bool,
    /// The e-mail of its tagger; nothing: the pusher's.
    pub(crate) tagger: Option<String>,
    pub(crate) signed_by: Option<Pusher>,
    pub(crate) signed_by_address: Option<String>,
    pub(crate) bad_signature: Option<Bad>,
}

/// See [`BadSignature`].
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Bad {
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
                HistoryPart::Commits | HistoryPart::Signatures => {
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

    /// Tells a daemon what it asks for: in pieces, as a hook does.
    pub(crate) fn tell_daemon(&self, needed: &v1::FactsNeeded) -> Vec<v1::Facts> {
        let mut told: Vec<_> =
            (0..).zip(&needed.histories).flat_map(|(nth, one)| self.history(nth, one)).collect();
        let ancestry = needed.ancestry.iter().map(|index| {
            let (ancestry, why) = match self.ancestry(usize::try_from(*index).expect("an index")) {
                Ancestry::FastForward => (v1::Ancestry::FastForward, String::new()),
                Ancestry::Diverged => (v1::Ancestry::Diverged, String::new()),
                Ancestry::Unreadable { why } => (v1::Ancestry::Unreadable, why),
            };
            v1::AncestryFact { index: *index, ancestry: ancestry as i32, why }
        });
        told.push(v1::Facts { ancestry: ancestry.collect(), last: true, ..v1::Facts::default() });
        told
    }

    /// Each thing in a message of its own.
    fn history(&self, nth: u32, needed: &v1::HistoryNeeded) -> Vec<v1::Facts> {
        let piece = || v1::HistoryFacts { history: nth, ..v1::HistoryFacts::default() };
        let files = self.files();
        // Where commits are only counted, their number is enough.
        let counted = self.commit_count.filter(|_| needed.at_most > 0 && self.commits.is_none());
        let silent = ((needed.paths || needed.files) && files.is_none())
            || (needed.commits && self.commits.is_none() && counted.is_none())
            || (needed.tip && self.tag.is_none());
        let mut pieces = Vec::new();
        for file in files.iter().flatten() {
            let path = || file.path.as_bytes().to_vec();
            if needed.paths {
                pieces.push(v1::HistoryFacts { paths: vec![path()], ..piece() });
            }
            if needed.files {
                let file = v1::NewFile { path: path(), size: file.size };
                pieces.push(v1::HistoryFacts { files: vec![file], ..piece() });
            }
        }
        for commit in self.commits.iter().flatten().filter(|_| needed.commits) {
            pieces.push(v1::HistoryFacts { commits: vec![commit.on_the_wire(&self.who)], ..piece() });
        }
        for _ in 0..counted.unwrap_or_default().min(needed.at_most.saturating_add(1)) {
            let commit = Commit::default().on_the_wire(&self.who);
            pieces.push(v1::HistoryFacts { commits: vec![commit], ..piece() });
        }
        if let Some(tag) = self.tag.as_ref().filter(|_| needed.tip) {
            pieces.push(v1::HistoryFacts { tip: Some(tag.on_the_wire(&self.who)), ..piece() });
        }
        pieces.push(match silent {
            true => v1::HistoryFacts { unreadable: "the case does not say".into(), ..piece() },
            false => v1::HistoryFacts { last: true, ..piece() },
        });
        let message = |piece| v1::Facts { histories: vec![piece], ..v1::Facts::default() };
        pieces.into_iter().map(message).collect()
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
            && !self.holds_something()
            && !self.leases_something();
        let says_something = self.paths.is_some() || self.pull_request.is_some();
        let paths = self.paths.iter().flatten().map(|path| path.clone().into_bytes());
        (is_all && says_something).then(|| v1::Circumstances {
            paths_given: self.paths.is_some(),
            paths: paths.collect(),
            approved_by,
            ..v1::Circumstances::default()
        })
    }

    /// Whether a daemon can be told over gRPC all that the case says: it knows no keys.
    pub(crate) fn can_be_told(&self) -> bool {
        !self.is_about_keys()
    }

    /// Whether something is signed otherwise than by somebody in the directory with a key of theirs.
    pub(crate) fn is_about_other_signatures(&self) -> bool {
        let commits = self.commits.iter().flatten();
        let tags = self.tag.iter().map(|tag| (&tag.signed_by_address, &tag.bad_signature));
        let mut all = commits.map(|commit| (&commit.signed_by_address, &commit.bad_signature)).chain(tags);
        all.any(|(address, bad)| address.is_some() || bad.is_some())
    }

    /// Who signs something.
    pub(crate) fn signers(&self) -> impl Iterator<Item = &Pusher> {
        let commits = self.commits.iter().flatten().filter_map(|commit| commit.signed_by.as_ref());
        commits.chain(self.tag.iter().filter_map(|tag| tag.signed_by.as_ref()))
    }

    /// Whether somebody signed something.
    pub(crate) fn is_about_keys(&self) -> bool {
        let commits = self.commits.iter().flatten();
        let tags = self.tag.iter().map(|tag| (&tag.signed_by, &tag.signed_by_address, &tag.bad_signature));
        let mut all = commits
            .map(|commit| (&commit.signed_by, &commit.signed_by_address, &commit.bad_signature))
            .chain(tags);
        all.any(|(by, address, bad)| by.is_some() || address.is_some() || bad.is_some())
    }

    /// The files that `files` names, with their sizes, and those that `paths` names, empty.
    pub(crate) fn files(&self) -> Option<Vec<NewFile>> {
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

impl Commit {
    /// As a hook tells it.
    fn on_the_wire(&self, pusher: &Pusher) -> v1::Commit {
        let NewCommit { id, subject, signed_off, author, committer, parents, foreign, signature: _ } =
            self.told(pusher);
        let email = |who| match who {
            Identity::Email(email) => email.into_string().into_bytes(),
            other => panic!("{other:?} is no e-mail"),
        };
        v1::Commit {
            id: id.as_bytes().to_vec(),
            subject,
            author: email(author),
            committer: email(committer),
            parents: u32::try_from(parents).expect("a few parents"),
            signed_off,
            foreign,
            signed: None,
        }
    }
}

impl Tag {
    /// As a hook tells it; nobody has signed it.
    fn on_the_wire(&self, pusher: &Pusher) -> v1::Tip {
        if self.lightweight {
            return v1::Tip { kind: "commit".into(), peeled: "commit".into(), ..v1::Tip::default() };
        }
        let Identity::Email(tagger) = identity(&self.tagger, pusher) else {
            panic!("a tagger has an e-mail")
        };
        v1::Tip {
            kind: "tag".into(),
            tagger: tagger.into_string().into_bytes(),
            signed: None,
            peeled: "commit".into(),
        }
    }

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

    /// Whose it is.
    pub(crate) fn author(&self) -> &str {
        self.author.0.as_str()
    }

    /// The same as Bitbucket says it, where `head` is to be merged into what is at `onto`.
    pub(crate) fn told_by_bitbucket(&self, head: &str, onto: &str) -> Told {
        let of = |people: &[Pusher], tip: &str| {
            people.iter().map(|by| (by.0.as_str().to_owned(), tip.to_owned())).collect::<Vec<_>>()
        };
        let before = "3333333333333333333333333333333333333333";
        Told {
            head: head.to_owned(),
            onto: onto.to_owned(),
            makers: self.committers.clone(),
            approvals: [of(&self.approved_by, head), of(&self.approved_before, before)].concat(),
        }
    }

    fn told(&self) -> Merged {
        let approvals = |of_head: bool, people: &[Pusher]| {
            let approval = |by: &Pusher| Approval { by: Asker::User(by.0.clone()), of_head, reviewed: None };
            people.iter().map(approval).collect::<Vec<_>>()
        };
        Merged {
            author: Some(self.author.0.clone()),
            committers: Ok(self.committers.iter().map(|email| email.as_str().into()).collect()),
            approvals: [approvals(true, &self.approved_by), approvals(false, &self.approved_before)].concat(),
        }
    }
}
