use jiff::Timestamp;

use smallvec::SmallVec;

use super::{Basis, ElevationUse, Freshness, LeaseUse, Subject, Within, people::People, waivers::WaiverUse};
use crate::{
    facts::{Facts, ShownLease},
    name::{PrivilegeId, Repository, RoleId, RuleId, UsernameKey},
    request::{Channel, RefUpdate, Request, Verb},
    rule::{
        Block, Candidates, Elevation, Grant, Kind, Met, PathSet, Policy, RepositorySet, Require, VerbSet,
        Window, Workload,
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
    pub(super) subject: &'a Subject,
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
pub(super) struct RulesOnRef<'a> {
    scope: &'a Scope<'a>,
    update: &'a RefUpdate,
    candidates: Met,
}

pub(super) struct GrantOnRef<'a> {
    pub(super) grant: &'a Grant,
    /// The places of the roles that receive it, ascending.
    pub(super) receivers: &'a [u32],
    /// How it reaches the pusher, if it does: one way that is there at any time, or else each that is there for a while.
    pub(super) reaches: SmallVec<[Reach; 1]>,
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

impl<'a> Scope<'a> {
    pub(crate) fn new(
        basis: Basis<'a>,
        subject: &'a Subject,
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

    /// The rules on the repository that are about the ref of `update`.
    pub(super) fn rules_on(&'a self, update: &'a RefUpdate) -> RulesOnRef<'a> {
        let candidates = self.candidates.about(&update.name, self.subject.username.as_str());
        RulesOnRef { scope: self, update, candidates }
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

impl<'a> RulesOnRef<'a> {
    /// Those of some of these verbs that are live.
    pub(super) fn grants(&self, verbs: VerbSet) -> impl Iterator<Item = GrantOnRef<'a>> {
        let Scope { policy, subject, key, .. } = self.scope;
        let compiled = policy.compiled();
        let live = self.live(Kind::Grant, verbs, policy.grants(), |grant| (&grant.on, &grant.window));
        live.map(move |(place, grant)| {
            let receivers = compiled.receivers.get(place as usize).map(AsRef::as_ref).unwrap_or_default();
            let names_them = key.is_some() && compiled.exceptions.get(&place) == key.as_ref();
            let standing = match names_them {
                true => Some(Reach::Person),
                false => subject.held().first_of(receivers).map(Reach::Role),
            };
            let mut reaches: SmallVec<_> = standing.into_iter().collect();
            if reaches.is_empty() {
                reaches.extend(self.scope.elevated_to(receivers, self.update, verbs));
            }
            GrantOnRef { grant, receivers, reaches }
        })
    }

    /// Those of a verb that are live and bind the pusher, the built-in ones first.
    pub(super) fn blocks(&self, verb: Verb) -> impl Iterator<Item = &'a Block> {
        let policy = self.scope.policy;
        let live = |kind, blocks: &'a [Block]| {
            self.live(kind, VerbSet::of(verb), blocks, |block| (&block.on, &block.window))
        };
        let built_in = live(Kind::BuiltIn, policy.built_in()).map(|(_, block)| block);
        let written = live(Kind::Block, policy.blocks());
        built_in.chain(self.binding(written, &policy.compiled().blocks_except))
    }

    /// Those of a verb that are live and bind the pusher.
    pub(super) fn requires(&self, verb: Verb) -> impl Iterator<Item = &'a Require> {
        let (policy, verbs) = (self.scope.policy, VerbSet::of(verb));
        let live =
            self.live(Kind::Require, verbs, policy.requires(), |require| (&require.on, &require.window));
        self.binding(live, &policy.compiled().requires_except)
    }

    /// The rules of one kind and some of these verbs that are on the repository and live, with their places.
    fn live<R>(
        &self,
        kind: Kind,
        verbs: VerbSet,
        rules: &'a [R],
        when: impl Fn(&R) -> (&RepositorySet, &Window),
    ) -> impl Iterator<Item = (u32, &'a R)> {
        let &Scope { repository, now, .. } = self.scope;
        let of_kind = self.candidates.iter().filter(move |one| one.kind == kind && one.verbs.meets(verbs));
        let rules = of_kind.filter_map(|one| Some((one, rules.get(one.place as usize)?)));
        rules
            .filter(move |(one, rule)| {
                let (on, window) = when(rule);
                window.contains(now) && (!one.perhaps || on.matches(repository))
            })
            .map(|(one, rule)| (one.place, rule))
    }

    /// Of these, the ones that bind the pusher.
    fn binding<R: 'a>(
        &self,
        rules: impl Iterator<Item = (u32, &'a R)>,
        except: &[Box<[u32]>],
    ) -> impl Iterator<Item = &'a R> {
        let held = self.scope.subject.held();
        let binds =
            |place: u32| except.get(place as usize).is_none_or(|except| held.first_of(except).is_none());
        rules.filter(move |(place, _)| binds(*place)).map(|(_, rule)| rule)
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
    subject: &Subject,
    now: Timestamp,
) -> Vec<Elevated<'a>> {
    let elevations = elevations
        .iter()
        .filter_map(|one| Some(By::Elevation(one, one.judge(policy, snapshot, subject, now).ok()?)));
    let leases = leases.iter().filter(|one| one.counts_with(shown));
    let leases = leases.filter_map(|one| Some(By::Lease(one, one.judge(policy, subject, now).ok()?)));
    let placed = elevations.chain(leases).filter_map(|by| {
        let role = policy.compiled().roles.binary_search(by.role()).ok()?;
        Some(Elevated { by, role: u32::try_from(role).ok()? })
    });
    placed.collect()
}
