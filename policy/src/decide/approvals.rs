//! Whose approvals count.

use std::collections::BTreeMap;

use super::{Subject, known::Known, one_ref::OneRef};
use crate::{
    facts::{Approval, PullRequest},
    name::{RoleId, Username},
    reason::Shortfall,
    rule::{ApprovalsOf, Asker, Excluded, Require},
};

/// Approvals by holders of one role.
#[derive(Default)]
struct Count {
    given: u32,
    discounted: u32,
}

impl Count {
    fn add(&mut self, counts: bool) {
        let part = if counts { &mut self.given } else { &mut self.discounted };
        *part = part.saturating_add(1);
    }
}

impl OneRef<'_> {
    /// What approvals are missing; `None`: none.
    pub(crate) fn missing_approvals(
        &self,
        require: &Require,
        wanted: &ApprovalsOf,
    ) -> Known<Option<Shortfall>> {
        let needed = wanted.count.get();
        let approvals = self.approvals(require, &wanted.role);
        if let (Known::Unreadable(why), Some(paths)) = (&approvals, &wanted.paths) {
            // Where none of the paths changes, it does not matter who approved.
            let changed = self.changed_among(paths, &require.refs);
            return changed.and_then(|changed| match changed {
                None => Known::Is(None),
                Some(_) => Known::Unreadable(why.clone()),
            });
        }
        approvals.and_then(|count| {
            if count.given >= needed {
                return Known::Is(None);
            }
            let missing = |paths| Shortfall::Approvals {
                role: wanted.role.clone(),
                needed,
                given: count.given,
                discounted: count.discounted,
                paths,
            };
            match &wanted.paths {
                None => Known::Is(Some(missing(None))),
                Some(paths) => self
                    .changed_among(paths, &require.refs)
                    .map(|changed| changed.map(|changed| missing(Some(changed)))),
            }
        })
    }

    fn approvals(&self, require: &Require, role: &RoleId) -> Known<Count> {
        if !self.scope.channel.has_pull_request() {
            return Known::Is(Count::default());
        }
        Known::of_pull_request(self.scope.facts.pull_request())
            .map(|pull_request| self.counted(require, role, pull_request))
    }

    fn counted(&self, require: &Require, role: &RoleId, pull_request: &PullRequest) -> Count {
        let mut count = Count::default();
        // Nobody counts twice, however the git server spells them; who approved anew counts by that.
        let mut people = BTreeMap::new();
        for approval in pull_request.approvals.iter().filter(|approval| self.holds(&approval.by, role)) {
            let counts = !self.is_discounted(require, pull_request, approval);
            match &approval.by {
                Asker::User(user) => *people.entry(user.key()).or_default() |= counts,
                Asker::Roles(_) => count.add(counts),
            }
        }
        people.into_values().for_each(|counts| count.add(counts));
        count
    }

    /// Whether somebody holds the role now, and may act at all.
    pub(super) fn holds(&self, who: &Asker, role: &RoleId) -> bool {
        match (who, self.scope.snapshot) {
            (Asker::Roles(roles), _) => roles.contains(role),
            (Asker::User(user), Some(snapshot)) => {
                let (subject, bar) = Subject::resolve(self.scope.policy, snapshot, user);
                bar.is_none() && subject.roles().any(|held| held == role)
            }
            (Asker::User(_), None) => false,
        }
    }

    fn is_discounted(&self, require: &Require, pull_request: &PullRequest, approval: &Approval) -> bool {
        let is_outdated = require.reset_on_push && !approval.of_head;
        let excluded = |who: Excluded| require.exclude.contains(&who);
        let is_excluded = match &approval.by {
            Asker::Roles(_) => false,
            Asker::User(user) => {
                excluded(Excluded::Author) && is_author(user, pull_request)
                    || excluded(Excluded::Committers) && self.is_committer(user, pull_request)
            }
        };
        is_outdated || is_excluded
    }

    fn is_committer(&self, user: &Username, pull_request: &PullRequest) -> bool {
        pull_request.committers.iter().any(|email| self.scope.people().has_email(user, email))
    }
}

fn is_author(user: &Username, pull_request: &PullRequest) -> bool {
    pull_request.author.as_ref().is_some_and(|author| author.key() == user.key())
}
