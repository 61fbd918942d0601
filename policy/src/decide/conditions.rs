//! The conditions of a require, one by one.

use super::{known::Known, one_ref::OneRef};
use crate::{
    reason::Shortfall,
    rule::{ApprovalsOf, CommitCheck, CommitChecks, Require, TagCheck, TagChecks, Via},
};

/// One thing that a require asks for.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Condition<'a> {
    Via(Via),
    Approvals(&'a ApprovalsOf),
    Commits(CommitCheck),
    Tags(TagCheck),
}

impl Require {
    /// Everything that the rule asks for, in the order in which it is told.
    pub(crate) fn conditions(&self) -> impl Iterator<Item = Condition<'_>> {
        let via = self.via.into_iter().map(Condition::Via);
        let approvals = self.approvals.iter().map(Condition::Approvals);
        let commits = self.commits.wanted().map(Condition::Commits);
        via.chain(approvals).chain(commits).chain(self.tags.wanted().map(Condition::Tags))
    }
}

impl CommitChecks {
    /// The checks that are asked for.
    pub(crate) fn wanted(&self) -> impl Iterator<Item = CommitCheck> {
        let wanted = [
            (self.committer_is_pusher, CommitCheck::CommitterIsPusher),
            (self.author_known, CommitCheck::AuthorKnown),
            (self.signed, CommitCheck::Signed),
            (self.message.is_some(), CommitCheck::Message),
            (self.sign_off, CommitCheck::SignOff),
            (self.max_blob.is_some(), CommitCheck::MaxBlob),
            (self.forbid_paths.is_some(), CommitCheck::ForbidPaths),
            (!self.forbid_extensions.is_empty(), CommitCheck::ForbidExtensions),
            (self.linear, CommitCheck::Linear),
            (self.no_foreign_merges, CommitCheck::NoForeignMerges),
            (self.max_commits.is_some(), CommitCheck::MaxCommits),
        ];
        wanted.into_iter().filter_map(|(is_wanted, check)| is_wanted.then_some(check))
    }
}

impl TagChecks {
    /// The checks that are asked for.
    pub(crate) fn wanted(self) -> impl Iterator<Item = TagCheck> {
        let wanted = [(!self.is_empty(), TagCheck::Annotated), (self.signed, TagCheck::Signed)];
        wanted.into_iter().filter_map(|(is_wanted, check)| is_wanted.then_some(check))
    }
}

impl OneRef<'_, '_> {
    /// What is missing of one condition, one shortfall for each cause; nothing: it is met.
    pub(crate) fn missing(&self, require: &Require, condition: Condition<'_>) -> Known<Vec<Shortfall>> {
        let one = |shortfall: Option<Shortfall>| shortfall.into_iter().collect();
        match condition {
            Condition::Via(via) => {
                Known::Is(one((!via.is(self.scope.channel)).then_some(Shortfall::PullRequest)))
            }
            // Without a pull request nobody can have approved it, and that is told already.
            Condition::Approvals(_) if require.via.is_some_and(|via| !via.is(self.scope.channel)) => {
                Known::Is(Vec::new())
            }
            Condition::Approvals(wanted) => self.missing_approvals(require, wanted).map(one),
            Condition::Commits(CommitCheck::Signed) => self.badly_signed(require),
            Condition::Commits(check) => self.failed(require, check).map(one),
            Condition::Tags(check) => self.faulty_tag(require, check).map(one),
        }
    }
}
