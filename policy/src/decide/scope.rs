use jiff::Timestamp;

use super::{Basis, ElevationUse, LeaseUse, Subject, Within, people::People};
use crate::{
    facts::{Facts, ShownLease},
    name::{PrivilegeId, Repository, RoleId, RuleId, UsernameKey},
    request::{Channel, RefUpdate, Request, Verb},
    rule::{
        Block, Candidate, Candidates, Elevation, Grant, Kind, Met, Mode, PathSet, RepositorySet, Require,
        VerbSet, Window, Workload,
    },
};

/// All that the verdicts on the refs of one push have in common.
pub(crate) struct Scope<'a> {
    pub(super) basis: &'a Basis<'a>,
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

pub(super) struct GrantOnRef<'m, 'a> {
    pub(super) grant: &'a Grant,
    pub(super) mode: Mode,
    pub(super) of_paths: bool,
    /// The places of the roles that receive it, ascending.
    pub(super) receivers: &'m [u32],
    /// How it reaches the pusher at any time, if it does.
    pub(super) standing: Option<Reach>,
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
    #[inline]
    pub(crate) fn new(
        basis: &'a Basis<'a>,
        subject: &'a Subject<'a>,
        request: &'a Request,
        facts: &'a Facts,
        now: Timestamp,
    ) -> Self {
        let (repository, channel, compiled) = (&request.repository, request.channel, basis.policy.compiled());
        let candidates = compiled.rules.candidates(repository);
        // Few policies name anybody.
        let key = (!compiled.exceptions.is_empty()).then(|| subject.username.key());
        let elevated = elevated(basis, facts.shown_lease(), subject, now);
        Self { basis, subject, repository, channel, facts, now, candidates, key, elevated }
    }

    /// The rules on the repository that are about the ref of `update`.
    #[inline]
    pub(super) fn rules_on<'s>(&'s self, update: &'s RefUpdate) -> RulesOnRef<'s, 'a> {
        let met = self.candidates.about(&update.name, self.subject.username.as_str());
        RulesOnRef { scope: self, update, met }
    }

    /// The role through which a grant reaches the pusher; `None` when it names them.
    pub(super) fn role(&self, reach: Reach) -> Option<RoleId> {
        match reach {
            Reach::Person => None,
            Reach::Role(place) => self.basis.policy.role(place).cloned(),
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

    /// How a grant to these roles reaches the pusher by what of `all` they have for a while; of several that are the same but for
    /// their times, one.
    fn elevated_to(
        &self,
        all: &[Elevated<'_>],
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
            !all.iter().take(number).any(|other| same(other) && reaches(other))
        };
        let numbered = all.iter().enumerate();
        numbered
            .filter(move |(number, one)| reaches(one) && is_first(*number, one))
            .map(|(number, _)| Reach::Elevated(number))
    }

    /// What the pusher was given for a while by which a grant reaches them: all of it.
    pub(super) fn given_to(
        &self,
        grant: &Grant,
        update: &RefUpdate,
        verb: Verb,
    ) -> impl Iterator<Item = Given<'a>> {
        let reaches =
            move |one: &&Elevated<'_>| grant.to.contains(one.by.role()) && self.is_for(one, update, verb);
        self.elevated.iter().filter(reaches).map(|elevated| elevated.by.told())
    }

    fn is_for(&self, elevated: &Elevated<'_>, update: &RefUpdate, verb: Verb) -> bool {
        elevated.by.verbs().contains(verb) && self.is_on(elevated, update)
    }

    fn is_on(&self, elevated: &Elevated<'_>, update: &RefUpdate) -> bool {
        let user = &self.subject.username;
        match elevated.by {
            By::Elevation(one, rule) => one.is_on(rule, self.repository, &update.name, user),
            By::Lease(one, rule) => one.is_on(rule, self.repository, update, user),
        }
    }

    /// What the pusher has for a while by a rule, and may use for an update.
    pub(crate) fn uses(&self, rule: &RuleId, update: &RefUpdate, verb: Verb) -> Option<Given<'a>> {
        let is_used = |one: &&Elevated<'_>| one.by.rule() == rule && self.is_for(one, update, verb);
        self.elevated.iter().find(is_used).map(|elevated| elevated.by.told())
    }

    /// Who is meant by what commits name.
    pub(super) fn people(&self) -> People<'_> {
        People { snapshot: self.basis.snapshot, pusher: &self.subject.username }
    }
}

impl<'a> RulesOnRef<'_, 'a> {
    /// Those of some of these verbs that are live.
    #[inline]
    pub(super) fn grants(&self, verbs: VerbSet) -> impl Iterator<Item = GrantOnRef<'_, 'a>> {
        let Scope { basis: Basis { policy, .. }, subject, key, candidates, .. } = self.scope;
        let grants = self.met.grants().iter().filter(move |one| one.verbs.meets(verbs));
        let grants = grants.filter_map(|one| Some((one, policy.grants().get(one.place as usize)?)));
        let live = grants.filter(|(one, grant)| self.is_live(one, &grant.on, &grant.window));
        live.map(move |(one, grant)| {
            let receivers = candidates.roles(one);
            let names_them = key.is_some() && policy.compiled().exceptions.get(&one.place) == key.as_ref();
            let standing = match names_them {
                true => Some(Reach::Person),
                false => subject.held().first_of(receivers).map(Reach::Role),
            };
            GrantOnRef { grant, mode: one.mode, of_paths: one.of_paths, receivers, standing }
        })
    }

    /// How a grant that does not reach the pusher at any time does so for a while, with some of these verbs.
    pub(super) fn for_a_while(
        &self,
        one: &GrantOnRef<'_, '_>,
        verbs: VerbSet,
    ) -> impl Iterator<Item = Reach> {
        let all = if one.standing.is_some() { &[][..] } else { &*self.scope.elevated };
        self.scope.elevated_to(all, one.receivers, self.update, verbs)
    }

    /// Those of a verb that are live and bind the pusher, the built-in ones first.
    pub(super) fn blocks(&self, verb: Verb) -> impl Iterator<Item = BlockOnRef<'a>> {
        let policy = self.scope.basis.policy;
        let rule = |one: &Candidate| match one.kind {
            Kind::BuiltIn => policy.built_in().get(one.place as usize),
            _ => policy.blocks().get(one.place as usize),
        };
        let blocks = self.met.blocks().iter().filter(move |one| one.verbs.contains(verb) && self.binds(one));
        let blocks = blocks.filter_map(move |one| Some((one, rule(one)?)));
        blocks
            .filter(|(one, block)| self.is_live(one, &block.on, &block.window))
            .map(|(one, block)| BlockOnRef { block, mode: one.mode, of_paths: one.of_paths })
    }

    /// Those of a verb that are live and bind the pusher.
    pub(super) fn requires(&self, verb: Verb) -> impl Iterator<Item = &'a Require> {
        let all = self.scope.basis.policy.requires();
        let requires =
            self.met.requires().iter().filter(move |one| one.verbs.contains(verb) && self.binds(one));
        let requires = requires.filter_map(|one| Some((one, all.get(one.place as usize)?)));
        requires
            .filter(|(one, require)| self.is_live(one, &require.on, &require.window))
            .map(|(_, require)| require)
    }

    /// Whether a rule is on the repository, and live now.
    #[inline]
    fn is_live(&self, one: &Candidate, on: &RepositorySet, window: &Window) -> bool {
        let Scope { repository, now, .. } = self.scope;
        (!one.timed || window.contains(*now)) && (!one.perhaps || on.matches(repository))
    }

    /// Whether a rule binds the pusher: they hold none of the roles that are excepted.
    #[inline]
    fn binds(&self, one: &Candidate) -> bool {
        self.scope.subject.held().first_of(self.scope.candidates.roles(one)).is_none()
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
#[inline]
fn elevated<'a>(
    basis: &Basis<'a>,
    shown: Option<&ShownLease>,
    subject: &Subject<'_>,
    now: Timestamp,
) -> Vec<Elevated<'a>> {
    let &Basis { policy, snapshot, elevations, leases, .. } = basis;
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
