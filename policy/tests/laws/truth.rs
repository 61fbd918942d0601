//! What the hook and Bitbucket would answer about a push: the facts, all of them or those that are asked for.

use oam_policy::{
    Facts, ObjectId, Policy, TreePath,
    facts::{
        self, Ancestry, BadSignature, Cover, FactsNeeded, HistoryNeeded, HistoryPart, Learnt, SignatureState,
        UpdateIndex,
    },
};

use crate::{
    history, oracle,
    world::{self, Named, Push, Signature, World},
};

/// Everything about a push, seen by one pusher.
pub(crate) struct Hook<'a> {
    push: &'a Push,
    /// The pusher as the directory spells them.
    user: String,
}

impl<'a> Hook<'a> {
    pub(crate) fn new(world: &'a World, push: &'a Push) -> Self {
        Self { push, user: oracle::Oracle::new(world, push).pusher().name }
    }

    /// All that could be asked about the push under this policy.
    pub(crate) fn everything(&self, policy: &Policy) -> FactsNeeded {
        let grants = policy.grants().iter().map(|grant| grant.refs.cover());
        let blocks = policy.all_blocks().map(|block| block.refs.cover());
        let requires = policy.requires().iter().map(|require| require.refs.cover());
        let covers: Vec<_> = grants.chain(blocks).chain(requires).collect();
        let mut needed = FactsNeeded { pull_request: true, ..FactsNeeded::default() };
        for update in 0..self.push.updates.len() {
            needed.ancestry.push(update);
            for cover in &covers {
                let count = HistoryPart::CommitCount(u64::MAX);
                let tip = HistoryPart::Tip;
                for part in [HistoryPart::Paths, HistoryPart::Files, HistoryPart::Commits, count, tip] {
                    needed.histories.push(HistoryNeeded { update, cover: cover.clone(), part });
                }
            }
        }
        needed
    }

    /// Adds what was asked for.
    pub(crate) fn tell(&self, facts: &mut Facts, asked: &FactsNeeded) {
        for update in &asked.ancestry {
            facts.learn_ancestry(*update, self.ancestry(*update));
        }
        for HistoryNeeded { update, cover, part } in &asked.histories {
            self.tell_history(facts, *update, cover, *part);
        }
        if asked.pull_request {
            facts.learn_pull_request(self.pull_request());
        }
    }

    fn ancestry(&self, update: UpdateIndex) -> Ancestry {
        match self.push.updates[update].forward {
            Some(true) => Ancestry::FastForward,
            Some(false) => Ancestry::Diverged,
            None => Ancestry::Unreadable { why: "dark".into() },
        }
    }

    fn tell_history(&self, facts: &mut Facts, index: UpdateIndex, cover: &Cover, part: HistoryPart) {
        let update = &self.push.updates[index];
        let refs: Vec<&str> = cover.patterns().iter().map(String::as_str).collect();
        let (push, user) = (self.push, self.user.as_str());
        match part {
            HistoryPart::Paths => {
                let paths = history::paths(push, update, &refs, user).into_iter().map(path).collect();
                facts.learn_paths(index, cover.clone(), readable(update.dark.paths, paths));
            }
            HistoryPart::Files => {
                let files = history::files(push, update, &refs, user).into_iter();
                let files = files.map(|(name, size)| facts::NewFile { path: path(name), size }).collect();
                facts.learn_files(index, cover.clone(), readable(update.dark.files, files));
            }
            HistoryPart::Commits | HistoryPart::Signatures => {
                let commits = history::commits(push, update, &refs, user);
                let commits = commits.iter().map(world::Commit::made).collect();
                facts.learn_commits(index, cover.clone(), readable(update.dark.commits, commits));
            }
            HistoryPart::CommitCount(most) => {
                let count = history::count(push, update, &refs, user) as u64;
                // Nobody counts further than one above what matters.
                let count = count.min(most.saturating_add(1));
                facts.learn_commit_count(index, cover.clone(), readable(update.dark.count, count));
            }
            HistoryPart::Tip => {
                facts.learn_tip(index, cover.clone(), readable(update.dark.tip, update.tip.made()));
            }
        }
    }

    fn pull_request(&self) -> Learnt<facts::PullRequest> {
        let told = &self.push.pull_request;
        let approval = |(who, of_head): &(world::Who, bool)| facts::Approval {
            by: who.asker(),
            of_head: *of_head,
            reviewed: None,
        };
        readable(
            told.dark,
            facts::PullRequest {
                author: told.author.map(|author| author.parse().unwrap()),
                committers: Ok(told.committers.iter().map(|email| (*email).into()).collect()),
                approvals: told.approvals.iter().map(approval).collect(),
            },
        )
    }
}

fn readable<T>(is_dark: bool, known: T) -> Learnt<T> {
    if is_dark { Err(facts::Unreadable { why: "dark".into() }) } else { Ok(known) }
}

pub(crate) fn path(text: &str) -> TreePath {
    TreePath::parse(text.as_bytes()).unwrap()
}

impl world::Commit {
    fn made(&self) -> facts::Commit {
        facts::Commit {
            id: ObjectId::Sha1([3; 20]),
            subject: self.subject.as_bytes().to_vec(),
            signed_off: self.signed_off,
            author: self.author.made(),
            committer: self.committer.made(),
            parents: self.parents,
            foreign: self.foreign,
            signature: self.signature.made(),
        }
    }
}

impl world::Tip {
    fn made(&self) -> facts::Tip {
        match self {
            Self::Other => facts::Tip::Other,
            Self::Tag { tagger, signature } => {
                facts::Tip::Tag { tagger: tagger.made(), signature: signature.made() }
            }
        }
    }
}

impl Named {
    fn made(&self) -> facts::Identity {
        match self {
            Self::Email(email) => facts::Identity::Email((*email).into()),
            Self::Pusher => facts::Identity::Pusher,
            Self::Stranger => facts::Identity::Stranger,
        }
    }
}

impl Signature {
    fn made(&self) -> SignatureState {
        match self {
            Self::Absent => SignatureState::Absent,
            Self::Bad(code) => {
                let cause = match *code {
                    "signature-invalid" => BadSignature::Invalid,
                    "signature-key-unknown" => BadSignature::KeyUnknown,
                    "signature-key-expired" => BadSignature::KeyExpired,
                    "signature-key-revoked" => BadSignature::KeyRevoked,
                    _ => BadSignature::KindUnknown,
                };
                SignatureState::Bad { cause, why: "it is bad".into() }
            }
            Self::GoodBy(name) => SignatureState::Good { by: name.parse().unwrap() },
            Self::GoodByAddress(address) => SignatureState::GoodByAddress { address: (*address).into() },
            Self::GoodByCommitter => SignatureState::GoodByCommitter,
        }
    }
}
