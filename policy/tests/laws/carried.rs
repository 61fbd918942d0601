//! By what something is permitted: whether what is told of it is so, by the naive implementation.

use std::collections::BTreeSet;

use oam_policy::{Permit, Verb};

use crate::{
    conditions, matching,
    oracle::{Maybe, Oracle, Way, same_name},
    world::{Rule, Says, Update},
};

impl Oracle<'_> {
    /// What is wrong with a permit for `update`, if anything is: grants that do not reach the pusher, or do not cover what
    /// changes, or are told for nothing; a role through which the grant does not reach them.
    pub(crate) fn wrong_of(&self, permit: &Permit, update: &Update, verb: Option<Verb>) -> Option<String> {
        // Of what may be an update or a force, it is the grant of the force that is told.
        let verb = verb.map_or("force", Verb::as_str);
        let is_standing = permit.given().next().is_none();
        let ids: Vec<_> = [permit.grant()].into_iter().chain(permit.other_grants()).collect();
        let told: Vec<_> = ids.iter().filter_map(|id| self.rule(id.as_str())).collect();
        let ways = |grants: &[&Rule]| self.ways_told(grants, update, verb, is_standing).is_some();
        if told.len() != ids.len() || told.iter().any(|grant| !ways(&[grant])) {
            return Some(format!("some of {ids:?} do not reach the pusher"));
        }
        if !self.do_cover(&told, update, verb, is_standing) {
            return Some(format!("{ids:?} do not cover it"));
        }
        let without = |place: usize| {
            let mut others = told.clone();
            others.remove(place);
            others
        };
        let for_nothing = |place: usize| self.do_cover(&without(place), update, verb, is_standing);
        if told.len() > 1 && (0..told.len()).any(for_nothing) {
            return Some(format!("fewer than {ids:?} would do"));
        }
        let role = permit.role().map(oam_policy::RoleId::as_str);
        let stands = permit.elevation().is_none();
        (!self.is_through(told[0], role, stands)).then(|| format!("{} through {role:?}", ids[0]))
    }

    /// What is wrong with the rules that were lifted, if anything is: what did not stand in the way, or left out what did.
    pub(crate) fn wrongly_lifted(
        &self,
        permit: &Permit,
        update: &Update,
        verb: Option<Verb>,
    ) -> Option<String> {
        let verbs = verb.map_or(vec!["update", "force"], |verb| vec![verb.as_str()]);
        let told: BTreeSet<_> = permit.lifted().iter().map(|one| one.rule.as_str()).collect();
        let lifted = self.world.rules.iter().filter(|rule| !rule.evaluate && self.is_lifted(rule, update));
        let in_the_way = |rule: &Rule, perhaps: bool| {
            let refuses = |missing: Maybe| missing == Some(true) || (perhaps && missing.is_none());
            verbs.iter().any(|verb| self.is_about(rule, update, verb))
                && self.concerns(rule)
                && match &rule.says {
                    Says::Block { paths, .. } => refuses(self.touches(rule, paths, update)),
                    Says::Require(asked) => {
                        let missing = conditions::missing(self, update, rule, asked);
                        missing.into_iter().any(|(_, missing)| refuses(missing))
                    }
                    Says::Grant { .. } | Says::Waiver { .. } => false,
                }
        };
        let all = |perhaps: bool| {
            let all = lifted.clone().filter(|rule| in_the_way(rule, perhaps));
            all.map(|rule| rule.id.as_str()).collect::<BTreeSet<_>>()
        };
        let (surely, perhaps) = (all(false), all(true));
        let is_right = surely.is_subset(&told) && told.is_subset(&perhaps);
        (!is_right)
            .then(|| format!("lifted {told:?}; what stood in the way was {surely:?}, perhaps {perhaps:?}"))
    }

    /// Whether a grant reaches the pusher through this role, or by their name where there is none.
    pub(crate) fn is_through(&self, grant: &Rule, role: Option<&str>, stands: bool) -> bool {
        match (&grant.says, role) {
            (Says::Grant { user: Some(user), .. }, None) => same_name(user, &self.pusher().name),
            (_, Some(role)) => {
                grant.roles.contains(&role) && (!stands || self.pusher().roles.contains(&role))
            }
            _ => false,
        }
    }

    /// Whether these grants cover all that changes, as far as they reach the pusher.
    pub(crate) fn do_cover(&self, grants: &[&Rule], update: &Update, verb: &str, standing: bool) -> bool {
        let ways = self.ways_told(grants, update, verb, standing);
        ways.is_some_and(|ways| self.is_uncovered(&ways, update) == Some(false))
    }

    /// Whether a grant covers something that changes, or there is nothing to be covered in its view.
    pub(crate) fn helps(&self, grant: &Rule, update: &Update) -> bool {
        let Says::Grant { paths: Some(paths), .. } = &grant.says else { return true };
        let Some(changed) = self.paths(update, &grant.refs) else { return false };
        changed.is_empty() || changed.iter().any(|path| matching::any(paths, path, ""))
    }

    pub(crate) fn rule(&self, id: &str) -> Option<&Rule> {
        self.world.rules.iter().find(|rule| rule.id == id)
    }

    /// How these grants reach the pusher: at any time, or by all that they have.
    fn ways_told<'r>(
        &'r self,
        grants: &[&'r Rule],
        update: &Update,
        verb: &str,
        standing: bool,
    ) -> Option<Vec<Way<'r>>> {
        let live = grants.iter().filter(|grant| !grant.evaluate && self.is_about(grant, update, verb));
        let ways = live.flat_map(|grant| match standing {
            true if self.concerns(grant) => vec![Way { grant, within: [None; 2] }],
            true => vec![],
            false => self.ways(grant, update, verb),
        });
        Some(ways.collect::<Vec<_>>()).filter(|ways| !ways.is_empty())
    }
}
