//! Whose approvals count.

use std::collections::BTreeMap;

use super::{
    Subject,
    conditions::Condition,
    known::{Known, Lack},
    one_ref::OneRef,
};
use crate::{
    examples::Examples,
    facts::{Approval, PullRequest},
    name::{RoleId, RuleId, Username},
    printable::Printable,
    reason::{Discounted, Doubtful, RefusalReason, Shortfall, WhyNot},
    rule::{ApprovalsOf, Asker, Excluded, Require},
    words,
};

/// How the approvals of a pull request were counted, for one role of which a rule asks some.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counted {
    /// The rule.
    pub rule: RuleId,
    /// The role.
    pub role: RoleId,
    /// How many it takes.
    pub needed: u32,
    /// Whether it takes them only where some paths change.
    pub of_paths: bool,
    /// What each is worth, with whose it is; `None` in a question about roles and nobody in particular.
    pub approvals: Vec<(Option<Username>, Worth)>,
}

/// What an approval is worth. Of several by one person the best counts.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Worth {
    /// It counts.
    Counts,
    /// Nobody can tell; why.
    Doubtful(Lack),
    /// It does not.
    DoesNot(WhyNot),
}

impl Worth {
    /// The name of one of which nobody can tell since only a source knows who gave it that is too old: another time it is worth
    /// something else by the same facts.
    pub const STALE: &'static str = "stale";

    /// Its stable name, as the log writes it.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Counts => "counts",
            Self::Doubtful(Lack::Stale(_)) => Self::STALE,
            Self::Doubtful(_) => "doubtful",
            Self::DoesNot(why) => why.code(),
        }
    }
}

/// What approvals are worth as those of holders of one role.
#[derive(Default)]
struct Count(Vec<(Option<Username>, Worth)>);

impl Count {
    fn given(&self) -> u32 {
        let given = self.0.iter().filter(|(_, worth)| *worth == Worth::Counts).count();
        u32::try_from(given).unwrap_or(u32::MAX)
    }

    /// Those of which nobody can tell whether they count, and why that is so of the first.
    fn doubtful(&self) -> Option<(u32, Lack)> {
        let mut doubts = self.0.iter().filter_map(|(_, worth)| match worth {
            Worth::Doubtful(lack) => Some(lack),
            Worth::Counts | Worth::DoesNot(_) => None,
        });
        let lack = doubts.next()?.clone();
        Some((u32::try_from(doubts.count()).unwrap_or(u32::MAX).saturating_add(1), lack))
    }

    fn discounted(&self) -> Option<Examples<Discounted>> {
        Examples::of(self.0.iter().filter_map(|(by, worth)| match worth {
            Worth::DoesNot(why) => Some(Discounted { by: by.clone(), why: *why }),
            Worth::Counts | Worth::Doubtful(_) => None,
        }))
    }

    /// What of it can be told where so many are needed.
    fn settled(self, needed: u32) -> Known<Self> {
        let given = self.given();
        match self.doubtful() {
            Some((count, lack)) if given < needed && given.saturating_add(count) >= needed => {
                Known::Unreadable(lack)
            }
            _ => Known::Is(self),
        }
    }
}

impl OneRef<'_, '_> {
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
            let given = count.given();
            if given >= needed {
                return Known::Is(None);
            }
            let missing = |paths| Shortfall::Approvals {
                role: wanted.role.clone(),
                needed,
                given,
                doubtful: count
                    .doubtful()
                    .map(|(count, lack)| Doubtful { count, why: lack.why().to_owned() }),
                discounted: count.discounted(),
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

    /// Whether it is by approvals that are told of that nothing is missing: there are enough, and it takes them.
    pub(crate) fn rests_on_approvals(&self, require: &Require, wanted: &ApprovalsOf) -> bool {
        let given = match self.approvals(require, &wanted.role) {
            Known::Is(count) => count.given(),
            Known::Needs(_) | Known::Unreadable(_) => 0,
        };
        let may_change = |paths| !matches!(self.changed_among(paths, &require.refs), Known::Is(None));
        given >= wanted.count.get() && wanted.paths.as_ref().is_none_or(may_change)
    }

    /// How approvals are counted for one condition of a rule, where it is about them and they are known.
    pub(super) fn counted(&self, require: &Require, condition: Condition<'_>) -> Option<Counted> {
        let Condition::Approvals(ApprovalsOf { role, count, paths }) = condition else { return None };
        let is_known = self.scope.channel.has_pull_request();
        let pull_request = self.scope.facts.pull_request().filter(|_| is_known)?.ok()?;
        Some(Counted {
            rule: require.id.clone(),
            role: role.clone(),
            needed: count.get(),
            of_paths: paths.is_some(),
            approvals: self.count(require, role, pull_request).0,
        })
    }

    fn approvals(&self, require: &Require, role: &RoleId) -> Known<Count> {
        if !self.scope.channel.has_pull_request() {
            return Known::Is(Count::default());
        }
        Known::of_pull_request(self.scope.facts.pull_request())
            .map(|pull_request| self.count(require, role, pull_request))
    }

    fn count(&self, require: &Require, role: &RoleId, pull_request: &PullRequest) -> Count {
        let mut count = Vec::new();
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
                Asker::Roles(_) => count.push((None, worth)),
            }
        }
        count.extend(people.into_values().map(|(user, worth)| (Some(user.clone()), worth)));
        Count(count)
    }

    /// Why somebody's word does not count as that of a holder of the role, who may act at all; `None`: it does.
    fn without_standing(&self, who: &Asker, role: &RoleId) -> Option<WhyNot> {
        match (who, self.scope.basis.snapshot) {
            (Asker::Roles(roles), _) => (!roles.contains(role)).then_some(WhyNot::WithoutRole),
            (Asker::User(user), Some(snapshot)) => {
                let (subject, bar) = Subject::resolve(self.scope.basis.policy, snapshot, user);
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
            return Worth::Doubtful(Lack::Stale(why));
        }
        match &approval.by {
            Asker::User(user) if excluded(Excluded::Committers) => self.worth_beside(user, pull_request),
            Asker::User(_) | Asker::Roles(_) => Worth::Counts,
        }
    }

    /// Why nobody can tell whether an approver is still who they were; `None`: what knows them is fresh enough.
    fn unheard_of(&self, user: &Username) -> Option<String> {
        let key = user.key();
        let (_, sources) = self.scope.basis.approvers.iter().find(|(one, _)| *one == key)?;
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
