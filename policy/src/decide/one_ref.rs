//! The verdict on one ref update: blocks, then grants, then requires; all reasons, never only the first.

use std::collections::BTreeSet;

use super::{
    judgement::{Carried, JudgedRef, Refusal},
    known::Known,
    paths::Part,
    scope::{BlockOnRef, GrantOnRef, Reach, RulesOnRef, Scope},
    tally::Tally,
    verdict::{Permit, WouldHave},
};
use crate::{
    examples::Examples,
    facts::{Ancestry, FactsNeeded, UpdateIndex},
    name::TreePath,
    reason::{Blocked, NoGrant, PathsNotGranted, RefusalReason, Unmet},
    request::{RefChange, RefUpdate, Verb},
    rule::{Block, Mode, PathSet, Require, VerbSet},
};

/// One ref update of a push, beside all that its verdict rests on.
#[derive(Clone, Copy)]
pub(crate) struct OneRef<'s, 'a> {
    pub(crate) scope: &'s Scope<'a>,
    /// Its position in the push.
    pub(crate) index: UpdateIndex,
    pub(crate) update: &'s RefUpdate,
}

/// How grants reach the pusher.
struct Ways<'a> {
    /// The one that is enough.
    carried: Option<Carried<'a>>,
    /// Those that are of some paths.
    of_some_paths: Vec<(Part<'a>, Reach)>,
}

impl<'a> OneRef<'_, 'a> {
    /// The judgement, or what it depends on.
    #[inline]
    pub(super) fn judge(&self) -> Result<JudgedRef<'a>, FactsNeeded> {
        match self.update.change {
            RefChange::Create { .. } => self.with_verb(Verb::Create),
            RefChange::Delete { .. } => self.with_verb(Verb::Delete),
            RefChange::Merge { .. } => self.with_verb(Verb::Update),
            RefChange::Move { .. } if self.update.name.is_tag() => self.with_verb(Verb::Force),
            RefChange::Move { .. } => self.moved(),
        }
    }

    /// The judgement where it is an update or a force, depending on the history.
    #[inline]
    fn moved(&self) -> Result<JudgedRef<'a>, FactsNeeded> {
        match self.scope.facts.ancestry(self.index) {
            Some(Ancestry::FastForward) => self.with_verb(Verb::Update),
            Some(Ancestry::Diverged) => self.with_verb(Verb::Force),
            Some(Ancestry::Unreadable { why }) => self.whichever_way(why),
            None => self
                .either_way()
                .ok_or_else(|| FactsNeeded { ancestry: vec![self.index], ..FactsNeeded::default() }),
        }
    }

    pub(super) fn is_deletion(&self) -> bool {
        matches!(self.update.change, RefChange::Delete { .. })
    }

    pub(super) fn with_verb(&self, verb: Verb) -> Result<JudgedRef<'a>, FactsNeeded> {
        let rules = self.scope.rules_on(self.update);
        let mut tally = Tally::default();
        rules.blocks(verb).for_each(|block| self.count_block(block, verb, &mut tally));
        let carried = self.granted(&rules, verb, &mut tally);
        rules.requires(verb).for_each(|require| self.count_require(require, &mut tally));
        tally.conclude(verb, carried)
    }

    fn count_block(&self, on_ref: BlockOnRef<'a>, verb: Verb, tally: &mut Tally<'a>) {
        let BlockOnRef { block, mode, of_paths } = on_ref;
        let among = match block.paths.as_ref().filter(|_| of_paths) {
            None => Known::Is(Some(None)),
            Some(paths) => self.changed_among(paths, &block.refs).map(|among| among.map(Some)),
        };
        if mode == Mode::Evaluate {
            return tally.try_out(&block.id, WouldHave::Blocked, among);
        }
        if !block.absolute
            && let Some(waiver) = self.lifting(&block.id)
        {
            return tally.lift_if(&block.id, waiver, among.map(|among| among.is_some()));
        }
        match among {
            Known::Is(Some(None)) => tally.refuse(Refusal::Blocked(block, verb)),
            among => {
                let blocked = |paths| RefusalReason::Blocked(self.blocked(block, verb, paths));
                tally.refuse_if(among.map(|paths| paths.map(blocked)));
            }
        }
    }

    fn count_require(&self, require: &Require, tally: &mut Tally<'a>) {
        if require.mode == Mode::Enforce
            && let Some(waiver) = self.lifting(&require.id)
        {
            return tally.lift_if(&require.id, waiver, self.is_unmet(require));
        }
        for condition in require.conditions() {
            self.counted(require, condition).into_iter().for_each(|counted| tally.counted(counted));
            let refusals = self.missing(require, condition).map(|missing| {
                let because = |shortfall| {
                    let (rule, help) = (require.id.clone(), require.help.clone());
                    let lifted_by = self.lifters(&require.id);
                    RefusalReason::Unmet(Unmet { rule, help, shortfall, lifted_by })
                };
                missing.into_iter().map(because).collect::<Vec<_>>()
            });
            match require.mode {
                Mode::Enforce => tally.refuse_if(refusals),
                Mode::Evaluate => {
                    let any = refusals.map(|refusals| refusals.into_iter().next());
                    tally.try_out(&require.id, WouldHave::Blocked, any);
                }
            }
        }
    }

    /// Whether something is missing of what a require asks for: one condition that surely is not met says it all.
    fn is_unmet(&self, require: &Require) -> Known<bool> {
        let (mut needed, mut unreadable) = (FactsNeeded::default(), None);
        for condition in require.conditions() {
            match self.missing(require, condition) {
                Known::Is(missing) if missing.is_empty() => {}
                Known::Is(_) => return Known::Is(true),
                Known::Needs(more) => needed.add(more),
                Known::Unreadable(lack) => unreadable = Some(lack),
            }
        }
        match unreadable {
            Some(lack) => Known::Unreadable(lack),
            None if needed.is_empty() => Known::Is(false),
            None => Known::Needs(needed),
        }
    }

    /// The grant that carries it. Where none does, the reason is in the tally.
    #[inline]
    fn granted(&self, rules: &RulesOnRef<'_, 'a>, verb: Verb, tally: &mut Tally<'a>) -> Option<Carried<'a>> {
        let (verbs, blocked_too) = (VerbSet::of(verb), tally.is_refused());
        let mut ways = Ways { of_some_paths: Vec::new(), carried: None };
        for one in rules.grants(verbs) {
            match one.standing {
                Some(reach) => self.weigh(&one, reach, &mut ways, tally),
                None => {
                    rules
                        .for_a_while(&one, verbs)
                        .for_each(|reach| self.weigh(&one, reach, &mut ways, tally));
                }
            }
        }
        let Ways { carried, of_some_paths } = ways;
        if let Some(carried) = carried {
            let is_standing = carried.reach.is_standing();
            let standing = if is_standing { None } else { self.standing_in_parts(&of_some_paths, tally) };
            return Some(standing.unwrap_or(carried));
        }
        if of_some_paths.is_empty() {
            tally.refuse(Refusal::NoGrant { verb, blocked_too });
            return None;
        }
        self.granted_in_parts(&of_some_paths, tally)
    }

    /// By what it would be carried, whatever forbids it; `None`: by nothing, or it depends on facts that are not known.
    pub(crate) fn would_carry(&self, verb: Verb) -> Option<Permit> {
        let rules = self.scope.rules_on(self.update);
        let carried = self.granted(&rules, verb, &mut Tally::default())?;
        Some(carried.told(self.scope))
    }

    /// The requires that must be met.
    pub(crate) fn asked_for(&self, verb: Verb) -> impl Iterator<Item = &'a Require> {
        let rules = self.scope.rules_on(self.update);
        let all: Vec<_> = rules.requires(verb).collect();
        all.into_iter().filter(|one| one.mode == Mode::Enforce && self.lifting(&one.id).is_none())
    }

    /// Notes what a grant gives that reaches the pusher so.
    #[inline]
    fn weigh(&self, one: &GrantOnRef<'_, 'a>, reach: Reach, ways: &mut Ways<'a>, tally: &mut Tally<'a>) {
        let GrantOnRef { grant, mode, of_paths, .. } = *one;
        let part = Part { grant, within: self.scope.paths(reach) };
        match (mode, of_paths || part.within.bounds()) {
            (Mode::Enforce, false) => {
                // What somebody may at any time is not carried by what they have for a while.
                let says_more = |carried: &Carried<'_>| !carried.reach.is_standing() && reach.is_standing();
                if ways.carried.as_ref().is_none_or(says_more) {
                    ways.carried = Some(Carried::by(grant, reach));
                }
            }
            (Mode::Enforce, true) => ways.of_some_paths.push((part, reach)),
            (Mode::Evaluate, false) => {
                tally.try_out(&grant.id, WouldHave::Granted, Known::Is(Some(())));
            }
            (Mode::Evaluate, true) => {
                let covers = self.uncovered(&[part]).map(|paths| paths.is_none().then_some(()));
                tally.try_out(&grant.id, WouldHave::Granted, covers);
            }
        }
    }

    /// What carries it where every grant is of some paths only, and they cover it together. Where they do not, that is
    /// in the tally.
    fn granted_in_parts(&self, parts: &[(Part<'a>, Reach)], tally: &mut Tally<'a>) -> Option<Carried<'a>> {
        if parts.iter().any(|(_, reach)| !reach.is_standing())
            && let Some(standing) = self.standing_in_parts(parts, tally)
        {
            return Some(standing);
        }
        let all: Vec<_> = parts.iter().map(|(part, _)| *part).collect();
        let uncovered = self.uncovered(&all);
        if matches!(uncovered, Known::Is(None)) {
            return self.together(parts);
        }
        let refusal = uncovered.map(|paths| {
            paths.map(|paths| {
                let grants: BTreeSet<_> = all.iter().map(|part| part.grant.id.clone()).collect();
                let grants = grants.into_iter().collect();
                let leased = parts.iter().filter_map(|(_, reach)| self.scope.paths(*reach).of_lease());
                let leased = leased.flat_map(PathSet::sources).fold(Vec::new(), |mut told, one| {
                    if !told.contains(&one) {
                        told.push(one);
                    }
                    told
                });
                RefusalReason::PathsNotGranted(PathsNotGranted { paths, grants, leased })
            })
        });
        tally.refuse_if(refusal);
        None
    }

    /// What parts carry together that cover it: told are those without which it were not covered, and of these first one
    /// that is there for a while.
    fn together(&self, parts: &[(Part<'a>, Reach)]) -> Option<Carried<'a>> {
        let carrying = self.needed(parts);
        let (first, reach) = carrying.iter().find(|(_, reach)| !reach.is_standing()).or(carrying.first())?;
        let given = carrying.iter().filter_map(|(_, reach)| self.scope.given(*reach)).cloned();
        let grants = carrying.iter().map(|(part, _)| part.grant);
        Some(Carried::by(first.grant, *reach).with(grants).beside(given))
    }

    /// What somebody may at any time, of some paths together: that is not carried by what they have for a while. What would
    /// tell is asked for.
    fn standing_in_parts(&self, parts: &[(Part<'a>, Reach)], tally: &mut Tally<'a>) -> Option<Carried<'a>> {
        let standing: Vec<_> = parts.iter().copied().filter(|(_, reach)| reach.is_standing()).collect();
        if standing.is_empty() {
            return None;
        }
        let all: Vec<_> = standing.iter().map(|(part, _)| *part).collect();
        match self.uncovered(&all) {
            Known::Is(None) => self.together(&standing),
            Known::Is(Some(_)) | Known::Unreadable(_) => None,
            Known::Needs(needed) => {
                tally.refuse_if(Known::<Option<RefusalReason>>::Needs(needed));
                None
            }
        }
    }

    /// What a block says to somebody whom it stops, by the changed paths that it is about, where it is about some only.
    pub(super) fn blocked(&self, block: &Block, verb: Verb, paths: Option<Examples<TreePath>>) -> Blocked {
        Blocked {
            rule: block.id.clone(),
            verb: Some(verb),
            help: block.help.clone(),
            until: block.window.until(self.scope.now),
            except: block.except.iter().cloned().collect(),
            absolute: block.absolute,
            paths,
            lifted_by: if block.absolute { Vec::new() } else { self.lifters(&block.id) },
        }
    }

    /// What to tell somebody whom no grant reaches: what they may do here, and who may do what they tried.
    pub(super) fn no_grant(&self, verb: Verb, blocked_too: bool) -> NoGrant {
        let rules = &self.scope.rules_on(self.update);
        let (mut mine, mut of_others) = (VerbSet::default(), Vec::new());
        for one in rules.grants(VerbSet::ALL).filter(|one| one.mode == Mode::Enforce) {
            for reach in one.standing.into_iter().chain(rules.for_a_while(&one, VerbSet::ALL)) {
                mine = mine.and(one.grant.verbs.both(self.scope.verbs(reach)));
            }
            if one.grant.verbs.contains(verb) {
                of_others.extend_from_slice(one.receivers);
            }
        }
        NoGrant {
            verb: Some(verb),
            may: mine.iter().collect(),
            roles_that_may: self.scope.basis.policy.named(&of_others.into_iter().collect()),
            blocked_too,
            ask: self.elevations_to_ask_for(rules, verb),
            lease: self.place_to_lease(rules, verb),
        }
    }
}
