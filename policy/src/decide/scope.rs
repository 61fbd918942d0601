use jiff::Timestamp;

use smallvec::SmallVec;

use super::{Basis, ElevationUse, Freshness, LeaseUse, Subject, Within, people::People, waivers::WaiverUse};
use crate::{
    facts::{Facts, ShownLease},
    name::{PrivilegeId, Repository, RoleId, RuleId, UsernameKey},
    request::{Channel, RefUpdate, Request, Verb},
    rule::{
        Block, Candidate, Candidates, Elevation, Grant, Kind, Met, Mode, PathSet, Policy, RepositorySet,
        Require, VerbSet, Window, Workload,
    },
    snapshot::Snapshot,
};

/// All that the verdicts on the refs of one push have in common.
pub(crate) struct Scope<'a> {
    pub(super) policy: &'a Policy,
    /// The directory; `None` where the question is about roles and nobody in particular.
    pub(super) snapshot: Option<&'a Snapshot>,
    pub(super) waivers: &'a [WaiverUse],
    pub(super) approvers: &'a [(UsernameKey, Box<[Freshness]>)],
    pub(super) subject: &'a Subject<'a>,
    pub(super) repository: &'a Repository,
    pub(super) channel: Channel,
    pub(super) facts: &'a Facts,
    /// When it is decided.
    pub(super) now: Timestamp,
    /// The rules that could be on the repository.
    candidates: Candidates<'a>,
    /// What the pusher is called in grants that name somebody; `None` where none does.
    key: Option<UsernameKey>,
    /// What the pusher has for a while.
    elevated: Vec<Elevated<'a>>,
}

/// A role that the pusher has for a while, as far as what is granted to it goes.
struct Elevated<'a> {
    by: By<'a>,
    /// The place of the role.
    role: u32,
}

/// By what somebody has a role for a while, with the rule that allows it.
#[derive(Clone, Copy)]
enum By<'a> {
    Elevation(&'a ElevationUse, &'a Elevation),
    Lease(&'a LeaseUse, &'a Workload),
}

/// The rules that one ref of a push can meet at all.
pub(super) struct RulesOnRef<'s, 'a> {
    scope: &'s Scope<'a>,
    update: &'s RefUpdate,
    met: Met<'a>,
}

pub(super) struct GrantOnRef<'a> {
    pub(super) grant: &'a Grant,
    pub(super) mode: Mode,
    pub(super) of_paths: bool,
    /// The places of the roles that receive it, ascending.
    pub(super) receivers: &'a [u32],
    /// How it reaches the pusher, if it does: one way that is there at any time, or else each that is there for a while.
    pub(super) reaches: SmallVec<[Reach; 1]>,
}

#[derive(Clone, Copy)]
pub(super) struct BlockOnRef<'a> {
    pub(super) block: &'a Block,
    pub(super) mode: Mode,
    pub(super) of_paths: bool,
}

/// How a grant reaches somebody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reach {
    /// It names them.
    Person,
    /// Through the role at this place among the policy's roles.
    Role(u32),
    /// Through a role that they have for a while; by its number among what they have.
    Elevated(usize),
}

impl Reach {
    /// Whether it is there at any time.
    pub(super) const fn is_standing(self) -> bool {
        match self {
            Self::Person | Self::Role(_) => true,
            Self::Elevated(_) => false,
        }
    }
}

impl<'a> Scope<'a> {
    pub(crate) fn new(
        basis: Basis<'a>,
        subject: &'a Subject<'a>,
        request: &'a Request,
        facts: &'a Facts,
        now: Timestamp,
    ) -> Self {
        let Basis { policy, snapshot, waivers, elevations, leases, approvers } = basis;
        let (repository, channel, compiled) = (&request.repository, request.channel, policy.compiled());
        let candidates = compiled.rules.candidates(repository);
        // Few policies name anybody.
        let key = (!compiled.exceptions.is_empty()).then(|| subject.username.key());
        let shown = facts.shown_lease();
        let elevated = elevated(policy, snapshot, (elevations, leases, shown), subject, now);
        Self {
            policy,
            snapshot,
            waivers,
            approvers,
            subject,
            repository,
            channel,
            facts,
            now,
            candidates,
            key,
            elevated,
        }
    }

    /// The rules on the repository that are about some of these verbs of the ref of `update`.
    pub(super) fn rules_on<'s>(&'s self, update: &'s RefUpdate, verbs: VerbSet) -> RulesOnRef<'s, 'a> {
        let met = self.candidates.about(&update.name, verbs, self.subject.username.as_str());
        RulesOnRef { scope: self, update, met }
    }

    /// The role through which a grant reaches the pusher; `None` when it names them.
    pub(super) fn role(&self, reach: Reach) -> Option<RoleId> {
        match reach {
            Reach::Person => None,
            Reach::Role(place) => self.policy.role(place).cloned(),
            Reach::Elevated(number) => self.elevated.get(number).map(|elevated| elevated.by.role().clone()),
        }
    }

    /// What the pusher was given for a while, where a grant reaches them by that.
    pub(super) fn given(&self, reach: Reach) -> Option<&'a PrivilegeId> {
        self.by(reach).map(By::id)
    }

    /// The same with all that is told of it.
    pub(super) fn told(&self, reach: Reach) -> Option<Given<'a>> {
        self.by(reach).map(By::told)
    }

    /// The paths that a reach is for.
    pub(super) fn paths(&self, reach: Reach) -> Within<'a> {
        self.by(reach).map(|by| by.told().paths).unwrap_or_default()
    }

    /// The paths of the leases that count.
    pub(super) fn leased_paths(&self) -> impl Iterator<Item = &'a PathSet> {
        self.elevated.iter().filter_map(|elevated| match elevated.by {
            By::Lease(one, _) => one.paths.as_ref(),
            By::Elevation(..) => None,
        })
    }

    /// The verbs that a reach is for.
    pub(super) fn verbs(&self, reach: Reach) -> VerbSet {
        self.by(reach).map_or(VerbSet::ALL, By::verbs)
    }

    fn by(&self, reach: Reach) -> Option<By<'a>> {
        match reach {
            Reach::Person | Reach::Role(_) => None,
            Reach::Elevated(number) => self.elevated.get(number).map(|elevated| elevated.by),
        }
    }

    /// How a grant to these roles reaches the pusher by what they have for a while; of several that are the same but for
    /// their times, one.
    fn elevated_to(
        &self,
        receivers: &[u32],
        update: &RefUpdate,
        verbs: VerbSet,
    ) -> impl Iterator<Item = Reach> {
        let reaches = move |elevated: &Elevated<'_>| {
            receivers.binary_search(&elevated.role).is_ok()
                && elevated.by.verbs().meets(verbs)
                && self.is_on(elevated, update)
        };
        let is_first = move |number: usize, one: &Elevated<'_>| {
            let same = |other: &Elevated<'_>| {
                other.role == one.role
                    && other.by.rule() == one.by.rule()
                    && other.by.told().paths == one.by.told().paths
            };
            !self.elevated.iter().take(number).any(|other| same(other) && reaches(other))
        };
        let numbered = self.elevated.iter().enumerate();
        numbered
            .filter(move |(number, one)| reaches(one) && is_first(*number, one))
            .map(|(number, _)| Reach::Elevated(number))
    }

    /// How a grant reaches the pusher with an update, if it does: the role, and what they were given for a while.
    pub(crate) fn way(
        &self,
        grant: &Grant,
        update: &RefUpdate,
        verb: Verb,
    ) -> Option<(Option<RoleId>, Option<PrivilegeId>)> {
        match grant.reaches(&self.subject.username.key(), self.subject.roles()) {
            Some(role) => Some((role, None)),
            None => {
                let given = self.given_to(grant, update, verb)?;
                Some((Some(given.role.clone()), Some(given.id.clone())))
            }
        }
    }

    /// What the pusher was given for a while by which a grant reaches them.
    pub(crate) fn given_to(&self, grant: &Grant, update: &RefUpdate, verb: Verb) -> Option<Given<'a>> {
        let reaches = |one: &&Elevated<'_>| {
            grant.to.contains(one.by.role()) && one.by.verbs().contains(verb) && self.is_on(one, update)
        };
        self.elevated.iter().find(reaches).map(|elevated| elevated.by.told())
    }

    fn is_on(&self, elevated: &Elevated<'_>, update: &RefUpdate) -> bool {
        let user = &self.subject.username;
        match elevated.by {
            By::Elevation(one, rule) => one.is_on(rule, self.repository, &update.name, user),
            By::Lease(one, rule) => one.is_on(rule, self.repository, update, user),
        }
    }

    /// What the pusher has for a while by a rule.
    pub(crate) fn uses(&self, rule: &RuleId) -> Option<Given<'a>> {
        self.elevated.iter().find(|elevated| elevated.by.rule() == rule).map(|elevated| elevated.by.told())
    }

    /// Who is meant by what commits name.
    pub(super) fn people(&self) -> People<'_> {
        People { snapshot: self.snapshot, pusher: &self.subject.username }
    }
}

impl<'a> RulesOnRef<'_, 'a> {
    /// Those of some of these verbs that are live.
    pub(super) fn grants(&self, verbs: VerbSet) -> impl Iterator<Item = GrantOnRef<'a>> {
        let Scope { policy, subject, key, candidates, .. } = self.scope;
        let live = self.live(Kind::Grant, verbs, policy.grants(), |grant| (&grant.on, &grant.window));
        live.map(move |(one, grant)| {
            let receivers = candidates.roles(one);
            let names_them = key.is_some() && policy.compiled().exceptions.get(&one.place) == key.as_ref();
            let standing = match names_them {
                true => Some(Reach::Person),
                false => subject.held().first_of(receivers).map(Reach::Role),
            };
            let reaches = match standing {
                Some(reach) => SmallVec::from_buf([reach]),
                None if self.scope.elevated.is_empty() => SmallVec::new(),
                None => self.scope.elevated_to(receivers, self.update, verbs).collect(),
            };
            GrantOnRef { grant, mode: one.mode, of_paths: one.of_paths, receivers, reaches }
        })
    }

    /// Those of a verb that are live and bind the pusher, the built-in ones first.
    pub(super) fn blocks(&self, verb: Verb) -> impl Iterator<Item = BlockOnRef<'a>> {
        let policy = self.scope.policy;
        let live = |kind, blocks: &'a [Block]| {
            self.binding(kind, VerbSet::of(verb), blocks, |block| (&block.on, &block.window))
        };
        let blocks = live(Kind::BuiltIn, policy.built_in()).chain(live(Kind::Block, policy.blocks()));
        blocks.map(|(one, block)| BlockOnRef { block, mode: one.mode, of_paths: one.of_paths })
    }

    /// Those of a verb that are live and bind the pusher.
    pub(super) fn requires(&self, verb: Verb) -> impl Iterator<Item = &'a Require> {
        let when = |require: &'a Require| (&require.on, &require.window);
        let requires = self.binding(Kind::Require, VerbSet::of(verb), self.scope.policy.requires(), when);
        requires.map(|(_, require)| require)
    }

    /// The rules of one kind and some of these verbs that are on the repository and live.
    fn live<R>(
        &self,
        kind: Kind,
        verbs: VerbSet,
        rules: &'a [R],
        when: impl Fn(&'a R) -> (&'a RepositorySet, &'a Window),
    ) -> impl Iterator<Item = (&'a Candidate, &'a R)> {
        let &Scope { repository, now, .. } = self.scope;
        let of_kind = self.met.iter().filter(move |one| one.kind == kind && one.verbs.meets(verbs));
        let rules = of_kind.filter_map(|one| Some((*one, rules.get(one.place as usize)?)));
        rules.filter(move |(one, rule)| {
            let (on, window) = when(rule);
            (!one.timed || window.contains(now)) && (!one.perhaps || on.matches(repository))
        })
    }

    /// Of these, the ones that bind the pusher: they hold none of the roles that are excepted.
    fn binding<R>(
        &self,
        kind: Kind,
        verbs: VerbSet,
        rules: &'a [R],
        when: impl Fn(&'a R) -> (&'a RepositorySet, &'a Window),
    ) -> impl Iterator<Item = (&'a Candidate, &'a R)> {
        let (held, candidates) = (self.scope.subject.held(), &self.scope.candidates);
        let live = self.live(kind, verbs, rules, when);
        live.filter(move |(one, _)| held.first_of(candidates.roles(one)).is_none())
    }
}

/// What somebody was given for a while, as it is told.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Given<'a> {
    pub(crate) id: &'a PrivilegeId,
    pub(crate) role: &'a RoleId,
    /// Until when, exclusive.
    pub(crate) to: Timestamp,
    /// For changes to these paths only.
    pub(crate) paths: Within<'a>,
}

impl<'a> By<'a> {
    fn told(self) -> Given<'a> {
        match self {
            Self::Elevation(one, _) => {
                Given { id: &one.id, role: &one.role, to: one.to, paths: Within::default() }
            }
            Self::Lease(one, rule) => {
                let paths = Within { rule: rule.paths.as_ref(), lease: one.paths.as_ref() };
                Given { id: &one.id, role: &one.role, to: one.to, paths }
            }
        }
    }

    fn id(self) -> &'a PrivilegeId {
        self.told().id
    }

    fn role(self) -> &'a RoleId {
        self.told().role
    }

    fn rule(self) -> &'a RuleId {
        match self {
            Self::Elevation(_, rule) => &rule.id,
            Self::Lease(_, rule) => &rule.id,
        }
    }

    fn verbs(self) -> VerbSet {
        match self {
            Self::Elevation(..) => VerbSet::ALL,
            Self::Lease(one, rule) => one.verbs.both(rule.verbs),
        }
    }
}

/// What the pusher has for a while, wherever it may be used.
fn elevated<'a>(
    policy: &'a Policy,
    snapshot: Option<&Snapshot>,
    (elevations, leases, shown): (&'a [ElevationUse], &'a [LeaseUse], Option<&ShownLease>),
    subject: &Subject<'_>,
    now: Timestamp,
) -> Vec<Elevated<'a>> {
    if elevations.is_empty() && leases.is_empty() {
        return Vec::new();
    }
    let elevations = elevations
        .iter()
        .filter_map(|one| Some(By::Elevation(one, one.judge(policy, snapshot, subject, now).ok()?)));
    let leases = leases.iter().filter(|one| one.counts_with(shown));
    let mut leases: Vec<_> =
        leases.filter_map(|one| Some((one, one.judge(policy, subject, now).ok()?))).collect();
    // The first that reaches is used. One for a commit or for paths is of use to no other push, and the next to end is of
    // use to others the least; so jobs that push at once take each other's only where nothing tells them apart.
    leases.sort_by_key(|(one, _)| (one.commit.is_none(), one.paths.is_none(), one.to));
    let leases = leases.into_iter().map(|(one, rule)| By::Lease(one, rule));
    let placed = elevations.chain(leases).filter_map(|by| {
        let role = policy.compiled().roles.binary_search(by.role()).ok()?;
        Some(Elevated { by, role: u32::try_from(role).ok()? })
    });
    placed.collect()
}
