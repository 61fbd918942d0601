//! Whose approvals count.

use std::collections::BTreeMap;

use super::{
    Subject,
    known::{Known, Lack},
    one_ref::OneRef,
};
use crate::{
    examples::Examples,
    facts::{Approval, PullRequest},
    name::{RoleId, Username},
    printable::Printable,
    reason::{Discounted, RefusalReason, Shortfall, WhyNot},
    rule::{ApprovalsOf, Asker, Excluded, Require},
    words,
};

/// Approvals as holders of one role gave them.
#[derive(Default)]
struct Count {
    given: u32,
    /// Those of which nobody can tell whether they count, and why that is so of the first.
    doubtful: u32,
    doubt: Option<Lack>,
    discounted: Vec<Discounted>,
}

/// What an approval is worth. Of several by one person the best counts.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Worth {
    Counts,
    /// Nobody can tell; why.
    Doubtful(Lack),
    DoesNot(WhyNot),
}

impl Count {
    fn add(&mut self, by: Option<&Username>, worth: Worth) {
        match worth {
            Worth::Counts => self.given = self.given.saturating_add(1),
            Worth::Doubtful(why) => {
                self.doubtful = self.doubtful.saturating_add(1);
                self.doubt.get_or_insert(why);
            }
            Worth::DoesNot(why) => self.discounted.push(Discounted { by: by.cloned(), why }),
        }
    }

    /// What of it can be told where so many are needed.
    fn settled(self, needed: u32) -> Known<Self> {
        match &self.doubt {
            Some(lack) if self.given < needed && self.given.saturating_add(self.doubtful) >= needed => {
                Known::Unreadable(lack.clone())
            }
            _ => Known::Is(self),
        }
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
        let approvals = self.approvals(require, &wanted.role).and_then(|count| count.settled(needed));
        if let (Known::Unreadable(lack), Some(paths)) = (&approvals, &wanted.paths) {
            // Where none of the paths changes, it does not matter who approved.
            let changed = self.changed_among(paths, &require.refs);
            return changed.and_then(|changed| match changed {
                None => Known::Is(None),
                Some(_) => Known::Unreadable(lack.clone()),
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
                discounted: Examples::of(count.discounted),
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
        let mut people: BTreeMap<_, (&Username, Worth)> = BTreeMap::new();
        for approval in &pull_request.approvals {
            let worth = self.worth(require, role, pull_request, approval);
            match &approval.by {
                Asker::User(user) => {
                    let (name, best) = people.entry(user.key()).or_insert((user, worth.clone()));
                    if user.as_str() < name.as_str() {
                        *name = user;
                    }
                    if worth < *best {
                        *best = worth;
                    }
                }
                Asker::Roles(_) => count.add(None, worth),
            }
        }
        people.into_values().for_each(|(user, worth)| count.add(Some(user), worth));
        count
    }

    /// Why somebody's word does not count as that of a holder of the role, who may act at all; `None`: it does.
    fn without_standing(&self, who: &Asker, role: &RoleId) -> Option<WhyNot> {
        match (who, self.scope.snapshot) {
            (Asker::Roles(roles), _) => (!roles.contains(role)).then_some(WhyNot::WithoutRole),
            (Asker::User(user), Some(snapshot)) => {
                let (subject, bar) = Subject::resolve(self.scope.policy, snapshot, user);
                match bar {
                    Some(RefusalReason::UnknownPrincipal { .. }) => Some(WhyNot::Unknown),
                    Some(_) => Some(WhyNot::Inactive),
                    None => (!subject.roles().any(|held| held == role)).then_some(WhyNot::WithoutRole),
                }
            }
            (Asker::User(_), None) => Some(WhyNot::Unknown),
        }
    }

    fn worth(
        &self,
        require: &Require,
        role: &RoleId,
        pull_request: &PullRequest,
        approval: &Approval,
    ) -> Worth {
        let excluded = |who: Excluded| require.exclude.contains(&who);
        if let Some(why) = self.without_standing(&approval.by, role) {
            return Worth::DoesNot(why);
        }
        if let Asker::User(user) = &approval.by
            && excluded(Excluded::Author)
            && is_author(user, pull_request)
        {
            return Worth::DoesNot(WhyNot::Author);
        }
        if require.reset_on_push && !approval.of_head {
            return Worth::DoesNot(WhyNot::Outdated);
        }
        if let Asker::User(user) = &approval.by
            && let Some(why) = self.unheard_of(user)
        {
            return Worth::Doubtful(why);
        }
        match &approval.by {
            Asker::User(user) if excluded(Excluded::Committers) => self.worth_beside(user, pull_request),
            Asker::User(_) | Asker::Roles(_) => Worth::Counts,
        }
    }

    /// Why nobody can tell whether an approver is still who they were; `None`: what knows them is fresh enough.
    fn unheard_of(&self, user: &Username) -> Option<String> {
        let key = user.key();
        let (_, sources) = self.scope.approvers.iter().find(|(one, _)| *one == key)?;
        let stale = sources.iter().find_map(|source| source.staleness(self.scope.now))?;
        Some(format!(
            "whether `{user}` may still approve is not known: {}",
            words::of_undecided(&stale).summary
        ))
    }

    /// What somebody's approval is worth where those who made the commits do not count. An address that the directory has of
    /// nobody may be anybody's.
    fn worth_beside(&self, user: &Username, pull_request: &PullRequest) -> Worth {
        let emails = match &pull_request.committers {
            Ok(emails) => emails,
            Err(unreadable) => return Worth::Doubtful(Lack::Approvals(unreadable.why.clone())),
        };
        let people = self.scope.people();
        if emails.iter().any(|email| people.has_email(user, email)) {
            return Worth::DoesNot(WhyNot::Committer);
        }
        let nobodys = emails.iter().filter(|email| !people.is_of_somebody(email)).min();
        nobodys.map_or(Worth::Counts, |email| {
            Worth::Doubtful(Lack::Committer(format!(
                "a commit is by `{}`, an address that the company directory has of nobody, so one of those who approved \
                 may have made it",
                Printable::new(email.as_ref())
            )))
        })
    }
}

fn is_author(user: &Username, pull_request: &PullRequest) -> bool {
    pull_request.author.as_ref().is_some_and(|author| author.key() == user.key())
}
