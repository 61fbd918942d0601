use jiff::Timestamp;

use super::{Basis, Subject, people::People, waivers::WaiverUse};
use crate::{
    facts::Facts,
    name::{RefName, Repository, RoleId, UsernameKey},
    request::{Channel, Request, Verb},
    rule::{Block, Candidates, Grant, Kind, Met, Policy, RepositorySet, Require, VerbSet, Window},
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
}

/// The rules that one ref of a push can meet at all.
pub(super) struct RulesOnRef<'a> {
    scope: &'a Scope<'a>,
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
}

impl<'a> Scope<'a> {
    pub(crate) fn new(
        basis: Basis<'a>,
        subject: &'a Subject,
        request: &'a Request,
        facts: &'a Facts,
        now: Timestamp,
    ) -> Self {
        let Basis { policy, snapshot, waivers } = basis;
        let (repository, channel, compiled) = (&request.repository, request.channel, policy.compiled());
        let candidates = compiled.rules.candidates(repository);
        // Few policies name anybody.
        let key = (!compiled.exceptions.is_empty()).then(|| subject.username.key());
        Self { policy, snapshot, waivers, subject, repository, channel, facts, now, candidates, key }
    }

    /// The rules on the repository that are about `name`.
    pub(super) fn rules_on(&'a self, name: &'a RefName) -> RulesOnRef<'a> {
        let candidates = self.candidates.about(name, self.subject.username.as_str());
        RulesOnRef { scope: self, candidates }
    }

    /// The role through which a grant reaches the pusher; `None` when it names them.
    pub(super) fn role(&self, reach: Reach) -> Option<RoleId> {
        match reach {
            Reach::Person => None,
            Reach::Role(place) => self.policy.role(place).cloned(),
        }
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
            let reach = match names_them {
                true => Some(Reach::Person),
                false => subject.held().first_of(receivers).map(Reach::Role),
            };
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
