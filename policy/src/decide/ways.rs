//! What somebody can do who is refused: ask for a role for a while, lease one, or lift the rule.

use super::{
    one_ref::OneRef,
    scope::{GrantOnRef, RulesOnRef},
};
use crate::{
    name::{Repository, RoleId, RuleId},
    reason::{Askable, Lifter},
    request::Verb,
    rule::{Mode, VerbSet},
};

impl OneRef<'_, '_> {
    /// The waivers that lift `rule` here.
    pub(super) fn lifters(&self, rule: &RuleId) -> Vec<Lifter> {
        let scope = self.scope;
        let waivers = scope.basis.policy.waivers().iter().filter(|waiver| {
            waiver.mode == Mode::Enforce
                && waiver.lifts.contains(rule)
                && waiver.on.matches(scope.repository)
                && waiver.refs.matches(&self.update.name, scope.subject.username.as_str())
        });
        let lifter = waivers.map(|waiver| Lifter {
            to: waiver.to.iter().cloned().collect(),
            is_yours: scope.subject.roles().any(|role| waiver.to.contains(role)),
            on: scope.repository.clone(),
            max_time: waiver.max_time,
            approved_by: waiver.second_person.iter().cloned().collect(),
        });
        lifter.collect()
    }

    /// The roles that the pusher may ask for and to which `verb` is granted here.
    pub(super) fn elevations_to_ask_for(&self, rules: &RulesOnRef<'_, '_>, verb: Verb) -> Vec<Askable> {
        let scope = self.scope;
        let elevations = scope.basis.policy.elevations().iter().filter(|elevation| {
            elevation.mode == Mode::Enforce
                && elevation.on.matches(scope.repository)
                && elevation.refs.matches(&self.update.name, scope.subject.username.as_str())
                && scope.subject.roles().any(|role| elevation.to.contains(role))
        });
        let mut ask: Vec<Askable> = Vec::new();
        for elevation in elevations {
            for role in elevation.roles.iter().filter(|role| is_granted_to(role, rules, verb)) {
                if ask.iter().all(|one| one.role != *role) {
                    let approved_by = elevation.approval.iter().flat_map(|approval| &approval.by);
                    ask.push(Askable {
                        role: role.clone(),
                        on: scope.repository.clone(),
                        max_time: elevation.max_time,
                        approved_by: approved_by.cloned().collect(),
                    });
                }
            }
        }
        ask
    }

    /// Where a job that the pusher pushes for could lease a role to which `verb` is granted here.
    pub(super) fn place_to_lease(&self, rules: &RulesOnRef<'_, '_>, verb: Verb) -> Option<Repository> {
        let scope = self.scope;
        let key = scope.subject.username.key();
        let would_do = scope.basis.policy.workloads().iter().any(|workload| {
            workload.mode == Mode::Enforce
                && workload.principal.key() == key
                && workload.verbs.contains(verb)
                && workload.on.matches(scope.repository)
                && workload.refs.matches(&self.update.name, scope.subject.username.as_str())
                && workload.roles.iter().any(|role| is_granted_to(role, rules, verb))
        });
        would_do.then(|| scope.repository.clone())
    }
}

fn is_granted_to(role: &RoleId, rules: &RulesOnRef<'_, '_>, verb: Verb) -> bool {
    rules
        .grants(VerbSet::of(verb))
        .any(|GrantOnRef { grant, mode, .. }| mode == Mode::Enforce && grant.to.contains(role))
}
