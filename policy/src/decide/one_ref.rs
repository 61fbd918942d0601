//! The verdict on one ref update: blocks, then grants, then requires; all reasons, never only the first.

use std::collections::BTreeSet;

use super::{
    known::Known,
    paths::Part,
    scope::{GrantOnRef, Reach, RulesOnRef, Scope},
    tally::{Judged, Tally},
    verdict::{Permit, WouldHave},
};
use crate::{
    facts::{Ancestry, FactsNeeded, UpdateIndex},
    reason::{Blocked, NoGrant, PathsNotGranted, RefusalReason, Unmet},
    request::{RefChange, RefUpdate, Verb},
    rule::{Block, Grant, Mode, PathSet, Require, VerbSet},
};

/// One ref update of a push, beside all that its verdict rests on.
#[derive(Clone, Copy)]
pub(crate) struct OneRef<'a> {
    pub(crate) scope: &'a Scope<'a>,
    /// Its position in the push.
    pub(crate) index: UpdateIndex,
    pub(crate) update: &'a RefUpdate,
}

/// What is known of the verb.
enum VerbKnown {
    Is(Verb),
    /// An update or a force, depending on the history.
    Moved,
}

impl OneRef<'_> {
    pub(super) fn decide(&self) -> Judged {
        match (self.verb(), self.scope.facts.ancestry(self.index)) {
            (VerbKnown::Is(verb), _) => self.with_verb(verb),
            (VerbKnown::Moved, Some(Ancestry::FastForward)) => self.with_verb(Verb::Update),
            (VerbKnown::Moved, Some(Ancestry::Diverged)) => self.with_verb(Verb::Force),
            (VerbKnown::Moved, Some(Ancestry::Unreadable { why })) => self.whichever_way(why),
            (VerbKnown::Moved, None) => match self.either_way() {
                Some(decision) => Judged::Decided(decision),
                None => Judged::Needs(FactsNeeded { ancestry: vec![self.index], ..FactsNeeded::default() }),
            },
        }
    }

    fn verb(&self) -> VerbKnown {
        match self.update.change {
            RefChange::Create { .. } => VerbKnown::Is(Verb::Create),
            RefChange::Delete { .. } => VerbKnown::Is(Verb::Delete),
            RefChange::Merge { .. } => VerbKnown::Is(Verb::Update),
            RefChange::Move { .. } if self.update.name.is_tag() => VerbKnown::Is(Verb::Force),
            RefChange::Move { .. } => VerbKnown::Moved,
        }
    }

    pub(super) fn is_deletion(&self) -> bool {
        matches!(self.update.change, RefChange::Delete { .. })
    }

    pub(super) fn with_verb(&self, verb: Verb) -> Judged {
        let rules = self.scope.rules_on(self.update);
        let mut tally = Tally::default();
        rules.blocks(verb).for_each(|block| self.count_block(block, verb, &mut tally));
        let permit = self.granted(&rules, verb, &mut tally);
        rules.requires(verb).for_each(|require| self.count_require(require, &mut tally));
        tally.conclude(verb, permit)
    }

    fn count_block(&self, block: &Block, verb: Verb, tally: &mut Tally) {
        if block.mode == Mode::Enforce
            && !block.absolute
            && let Some(waiver) = self.lifting(&block.id)
        {
            tally.lift(&block.id, waiver);
            return;
        }
        let forbids = match &block.paths {
            None => Known::Is(Some(None)),
            Some(paths) => self.changed_among(paths, &block.refs).map(|among| among.map(Some)),
        };
        let refusal =
            forbids.map(|paths| paths.map(|paths| RefusalReason::Blocked(self.blocked(block, verb, paths))));
        match block.mode {
            Mode::Enforce => tally.refuse_if(refusal),
            Mode::Evaluate => tally.try_out(&block.id, WouldHave::Blocked, refusal),
        }
    }

    fn count_require(&self, require: &Require, tally: &mut Tally) {
        if require.mode == Mode::Enforce
            && let Some(waiver) = self.lifting(&require.id)
        {
            tally.lift(&require.id, waiver);
            return;
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

    /// The grant that carries it. Where none does, the reason is in the tally.
    fn granted(&self, rules: &RulesOnRef<'_>, verb: Verb, tally: &mut Tally) -> Option<Permit> {
        let is_blocked = tally.is_refused();
        let mut of_some_paths: Vec<(Part<'_>, Reach)> = Vec::new();
        let mut permit = None;
        let reached = rules.grants(VerbSet::of(verb)).flat_map(|GrantOnRef { grant, reaches, .. }| {
            reaches.into_iter().map(move |reach| (grant, reach))
        });
        for (grant, reach) in reached {
            let part = Part { grant, within: self.scope.paths(reach) };
            match (grant.mode, part.is_of_some_paths()) {
                (Mode::Enforce, false) => {
                    // What somebody may at any time is not carried by what they have for a while.
                    let says_more =
                        |permit: &Permit| permit.elevation().is_some() && self.scope.given(reach).is_none();
                    if permit.as_ref().is_none_or(says_more) {
                        permit = Some(self.permit(grant, reach));
                    }
                }
                (Mode::Enforce, true) => of_some_paths.push((part, reach)),
                (Mode::Evaluate, false) => {
                    tally.try_out(&grant.id, WouldHave::Granted, Known::Is(Some(())));
                }
                (Mode::Evaluate, true) => {
                    let covers = self.uncovered(&[part]).map(|paths| paths.is_none().then_some(()));
                    tally.try_out(&grant.id, WouldHave::Granted, covers);
                }
            }
        }
        if let Some(permit) = permit {
            let is_standing = permit.elevation().is_none();
            let standing = if is_standing { None } else { self.standing_in_parts(&of_some_paths, tally) };
            return Some(standing.unwrap_or(permit));
        }
        if of_some_paths.is_empty() {
            let no_grant = NoGrant { blocked_too: is_blocked, ..self.no_grant(rules, verb) };
            tally.refuse_if(Known::Is(Some(RefusalReason::NoGrant(no_grant))));
        }
        self.granted_in_parts(&of_some_paths, tally)
    }

    /// What carries it where every grant is of some paths only, and they cover it together. Where they do not, that is
    /// in the tally.
    fn granted_in_parts(&self, parts: &[(Part<'_>, Reach)], tally: &mut Tally) -> Option<Permit> {
        let is_given = |(_, reach): &&(Part<'_>, Reach)| self.scope.given(*reach).is_some();
        if parts.iter().any(|part| is_given(&part))
            && let Some(standing) = self.standing_in_parts(parts, tally)
        {
            return Some(standing);
        }
        let all: Vec<_> = parts.iter().map(|(part, _)| *part).collect();
        let uncovered = self.uncovered(&all);
        let carrying = match uncovered {
            Known::Is(None) => self.needed(parts),
            _ => parts.to_vec(),
        };
        // Of several that cover it together, one that is there for a while is told.
        let (first, reach) = carrying.iter().find(is_given).or(carrying.first())?;
        let given = carrying.iter().filter_map(|(_, reach)| self.scope.given(*reach)).cloned();
        let permit = self.permit(first.grant, *reach).beside(given);
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
        Some(permit)
    }

    /// Of parts that cover it together, those without which they would not: what somebody has for a while is not used
    /// for nothing.
    fn needed<'p>(&self, parts: &[(Part<'p>, Reach)]) -> Vec<(Part<'p>, Reach)> {
        let mut kept = parts.to_vec();
        let mut place = 0;
        while let Some((_, reach)) = kept.get(place) {
            let mut others = kept.clone();
            others.remove(place);
            let rest: Vec<_> = others.iter().map(|(part, _)| *part).collect();
            let is_needless = self.scope.given(*reach).is_some()
                && !rest.is_empty()
                && matches!(self.uncovered(&rest), Known::Is(None));
            match is_needless {
                true => kept = others,
                false => place += 1,
            }
        }
        kept
    }

    /// What somebody may at any time, of some paths together: that is not carried by what they have for a while. What would
    /// tell is asked for.
    fn standing_in_parts(&self, parts: &[(Part<'_>, Reach)], tally: &mut Tally) -> Option<Permit> {
        let is_standing = |(_, reach): &&(Part<'_>, Reach)| self.scope.given(*reach).is_none();
        let standing: Vec<_> = parts.iter().filter(is_standing).collect();
        let (carrying, reach) = standing.first()?;
        let all: Vec<_> = standing.iter().map(|(part, _)| *part).collect();
        match self.uncovered(&all) {
            Known::Is(None) => Some(self.permit(carrying.grant, *reach)),
            Known::Is(Some(_)) | Known::Unreadable(_) => None,
            Known::Needs(needed) => {
                tally.refuse_if(Known::<Option<RefusalReason>>::Needs(needed));
                None
            }
        }
    }

    fn permit(&self, grant: &Grant, reach: Reach) -> Permit {
        Permit::by_grant(grant.id.clone(), self.scope.role(reach), self.scope.told(reach))
    }

    fn blocked(
        &self,
        block: &Block,
        verb: Verb,
        paths: Option<crate::examples::Examples<crate::name::TreePath>>,
    ) -> Blocked {
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
    fn no_grant(&self, rules: &RulesOnRef<'_>, verb: Verb) -> NoGrant {
        let (mut mine, mut of_others) = (VerbSet::default(), Vec::new());
        for one in rules.grants(VerbSet::ALL).filter(|one| one.grant.mode == Mode::Enforce) {
            for reach in &one.reaches {
                mine = mine.and(one.grant.verbs.both(self.scope.verbs(*reach)));
            }
            if one.grant.verbs.contains(verb) {
                of_others.extend_from_slice(one.receivers);
            }
        }
        NoGrant {
            verb: Some(verb),
            may: mine.iter().collect(),
            roles_that_may: self.scope.policy.named(&of_others.into_iter().collect()),
            blocked_too: false,
            ask: self.elevations_to_ask_for(rules, verb),
            lease: self.place_to_lease(rules, verb),
        }
    }
}
