use jiff::Timestamp;

use super::{Basis, ElevationUse, Subject, people::People, waivers::WaiverUse};
use crate::{
    facts::Facts,
    name::{PrivilegeId, RefName, Repository, RoleId, UsernameKey},
    request::{Channel, Request, Verb},
    rule::{Block, Candidates, Elevation, Grant, Kind, Met, Policy, RepositorySet, Require, VerbSet, Window},
    snapshot::Snapshot,
};

/// All that the verdicts on the refs of one push have in common.
pub(crate) struct Scope<'a> {
    pub(super) policy: &'a Policy,
    /// The directory; `None` where the question is about roles and nobody in particular.
    pub(super) snapshot: Option<&'a Snapshot>,
    pub(super) waivers: &'a [WaiverUse],
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
    one: &'a ElevationUse,
    rule: &'a Elevation,
    /// The place of the role.
    role: u32,
}

/// The rules that one ref of a push can meet at all.
pub(super) struct RulesOnRef<'a> {
    scope: &'a Scope<'a>,
    name: &'a RefName,
    candidates: Met,
}

pub(super) struct GrantOnRef<'a> {
    pub(super) grant: &'a Grant,
    /// The places of the roles that receive it, ascending.
    pub(super) receivers: &'a [u32],
    /// How it reaches the pusher, if it does.
    pub(super) reach: Option<Reach>,
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
        let Basis { policy, snapshot, waivers, elevations } = basis;
        let (repository, channel, compiled) = (&request.repository, request.channel, policy.compiled());
        let candidates = compiled.rules.candidates(repository);
        // Few policies name anybody.
        let key = (!compiled.exceptions.is_empty()).then(|| subject.username.key());
        let elevated = elevated(policy, snapshot, elevations, subject, now);
        Self {
            policy,
            snapshot,
            waivers,
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

    /// The rules on the repository that are about `name`.
    pub(super) fn rules_on(&'a self, name: &'a RefName) -> RulesOnRef<'a> {
        let candidates = self.candidates.about(name, self.subject.username.as_str());
        RulesOnRef { scope: self, name, candidates }
    }

    /// The role through which a grant reaches the pusher; `None` when it names them.
    pub(super) fn role(&self, reach: Reach) -> Option<RoleId> {
        match reach {
            Reach::Person => None,
            Reach::Role(place) => self.policy.role(place).cloned(),
            Reach::Elevated(number) => self.elevated.get(number).map(|elevated| elevated.one.role.clone()),
        }
    }

    /// What the pusher was given for a while, where a grant reaches them by that.
    pub(super) fn elevation(&self, reach: Reach) -> Option<&'a ElevationUse> {
        match reach {
            Reach::Person | Reach::Role(_) => None,
            Reach::Elevated(number) => self.elevated.get(number).map(|elevated| elevated.one),
        }
    }

    /// How a grant to these roles reaches the pusher by what they have for a while.
    fn elevated_to(&self, receivers: &[u32], name: &RefName) -> Option<Reach> {
        let reaches = |elevated: &Elevated<'_>| {
            receivers.binary_search(&elevated.role).is_ok() && self.is_on(elevated, name)
        };
        self.elevated.iter().position(reaches).map(Reach::Elevated)
    }

    /// How a grant reaches the pusher on `name`, if it does: the role, and what they were given for a while.
    pub(crate) fn way(&self, grant: &Grant, name: &RefName) -> Option<(Option<RoleId>, Option<PrivilegeId>)> {
        match grant.reaches(&self.subject.username.key(), self.subject.roles()) {
            Some(role) => Some((role, None)),
            None => {
                let elevated = self.elevation_to(grant, name)?;
                Some((Some(elevated.role.clone()), Some(elevated.id.clone())))
            }
        }
    }

    /// What the pusher was given for a while by which a grant reaches them on `name`.
    pub(crate) fn elevation_to(&self, grant: &Grant, name: &RefName) -> Option<&'a ElevationUse> {
        let mut elevated = self.elevated.iter();
        let reaches = |one: &&Elevated<'_>| grant.to.contains(&one.one.role) && self.is_on(one, name);
        elevated.find(reaches).map(|elevated| elevated.one)
    }

    fn is_on(&self, elevated: &Elevated<'_>, name: &RefName) -> bool {
        elevated.one.is_on(elevated.rule, self.repository, name, &self.subject.username)
    }

    /// What the pusher has for a while by an elevation.
    pub(crate) fn uses(&self, rule: &Elevation) -> Option<&'a ElevationUse> {
        self.elevated.iter().find(|elevated| elevated.rule.id == rule.id).map(|elevated| elevated.one)
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
        live.map(|(place, grant)| {
            let receivers = compiled.receivers.get(place as usize).map(AsRef::as_ref).unwrap_or_default();
            let names_them = key.is_some() && compiled.exceptions.get(&place) == key.as_ref();
            let standing = match names_them {
                true => Some(Reach::Person),
                false => subject.held().first_of(receivers).map(Reach::Role),
            };
            let reach = standing.or_else(|| self.scope.elevated_to(receivers, self.name));
            GrantOnRef { grant, receivers, reach }
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

/// What the pusher has for a while, wherever it may be used.
fn elevated<'a>(
    policy: &'a Policy,
    snapshot: Option<&Snapshot>,
    uses: &'a [ElevationUse],
    subject: &Subject,
    now: Timestamp,
) -> Vec<Elevated<'a>> {
    let judged = uses.iter().filter_map(|one| {
        let rule = one.judge(policy, snapshot, subject, now).ok()?;
        let role = u32::try_from(policy.compiled().roles.binary_search(&one.role).ok()?).ok()?;
        Some(Elevated { one, rule, role })
    });
    judged.collect()
}
