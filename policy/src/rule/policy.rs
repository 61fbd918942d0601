use std::{collections::BTreeSet, sync::Arc};

use arc_swap::{ArcSwapAny, ArcSwapOption, Guard};
use serde::Serialize;
use thiserror::Error;

use super::{
    Allowance, Block, ChangeRule, Compiled, Elevation, Found, Grant, Holders, HoldersIn, Mode, RefSet,
    RepositorySet, Require, Role, RolePlaces, TestCase, Waiver, Window, Workload,
};
use crate::{
    name::{Digest, RoleId, RuleId},
    request::Verb,
    snapshot::Snapshot,
};

/// A whole policy, immutable. Two policies with the same rules have the same digest, however the rules are ordered
/// or split over files. The digest names what is decided by: tests, `allow` and `exclusive` have no part in it.
#[derive(Debug, Clone)]
pub struct Policy {
    digest: Digest,
    parts: Arc<PolicyParts>,
    built_in: Arc<[Block]>,
    compiled: Arc<Compiled>,
    /// What the roles mean in the directory that was asked about last, and in the one before, of those that know another policy better.
    /// While another directory comes into force, some are still deciding by that.
    holders: Arc<[ArcSwapOption<Holders>; 2]>,
}

/// What a policy is made of.
#[derive(Debug, Clone, Default, Serialize)]
pub struct PolicyParts {
    /// Whom a refused person may ask, as in `#platform`.
    pub contact: Option<String>,
    /// The roles.
    pub roles: Vec<Role>,
    /// The grants.
    pub grants: Vec<Grant>,
    /// The blocks.
    pub blocks: Vec<Block>,
    /// The requires.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub requires: Vec<Require>,
    /// The waivers.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub waivers: Vec<Waiver>,
    /// The elevations.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub elevations: Vec<Elevation>,
    /// The workloads.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub workloads: Vec<Workload>,
    /// How the policy may be replaced. One that does not say has the digest that it had before there was a way to say.
    #[serde(skip_serializing_if = "ChangeRule::is_default")]
    pub change: ChangeRule,
    /// The policy's unit tests, which decide nothing.
    #[serde(skip)]
    pub tests: Vec<TestCase>,
    /// What is not warned of, which decides nothing either.
    #[serde(skip)]
    pub allowances: Vec<Allowance>,
}

/// Why rules do not make a policy.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum PolicyError {
    /// Two roles, or two rules of any kinds, share an id.
    #[error("the id `{0}` is given twice")]
    DuplicateId(String),
    /// A rule names a role that does not exist.
    #[error("rule `{rule}` names the role `{role}`, which does not exist")]
    UnknownRole {
        /// The rule.
        rule: RuleId,
        /// The role that it names.
        role: RoleId,
    },
    /// A waiver names a rule that does not exist, or that no waiver lifts.
    #[error("waiver `{waiver}` names `{rule}`, which is no require and no block that can be lifted")]
    NothingToLift {
        /// The waiver.
        waiver: RuleId,
        /// The rule that it names.
        rule: RuleId,
    },
}

impl Policy {
    /// Makes a policy of its parts.
    ///
    /// # Errors
    /// When an id is given twice, a role does not exist, or a waiver names what cannot be lifted.
    pub fn new(mut parts: PolicyParts) -> Result<Self, PolicyError> {
        check_ids(&parts)?;
        check_roles(&parts)?;
        check_waivers(&parts)?;
        parts.roles.sort_by(|a, b| a.id.cmp(&b.id));
        parts.grants.sort_by(|a, b| a.id.cmp(&b.id));
        parts.blocks.sort_by(|a, b| a.id.cmp(&b.id));
        parts.requires.sort_by(|a, b| a.id.cmp(&b.id));
        parts.waivers.sort_by(|a, b| a.id.cmp(&b.id));
        parts.elevations.sort_by(|a, b| a.id.cmp(&b.id));
        parts.workloads.sort_by(|a, b| a.id.cmp(&b.id));
        parts.allowances.sort();
        parts.tests.sort_by(|a, b| a.place.cmp(&b.place));
        let built_in = built_in_blocks();
        let compiled = Arc::new(Compiled::of(&parts, &built_in));
        let (digest, holders) = (digest(&parts), Arc::default());
        Ok(Self { digest, parts: Arc::new(parts), built_in: built_in.into(), compiled, holders })
    }

    /// The same policy, which finds out for itself what the roles mean in a directory. For whoever decides by other directories than
    /// the one in force: what pushes know of that would be forgotten for theirs.
    #[must_use]
    pub fn apart(&self) -> Self {
        Self { holders: Arc::default(), ..self.clone() }
    }

    /// The digest of all rules.
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// Whom a refused person may ask.
    pub fn contact(&self) -> Option<&str> {
        self.parts.contact.as_deref()
    }

    /// How the policy may be replaced, while it is in force.
    pub fn change(&self) -> ChangeRule {
        self.parts.change
    }

    /// The roles, by id.
    pub fn roles(&self) -> &[Role] {
        &self.parts.roles
    }

    /// The grants, by id.
    pub fn grants(&self) -> &[Grant] {
        &self.parts.grants
    }

    /// The blocks that the policy's authors wrote, by id.
    pub fn blocks(&self) -> &[Block] {
        &self.parts.blocks
    }

    /// The requires, by id.
    pub fn requires(&self) -> &[Require] {
        &self.parts.requires
    }

    /// The waivers, by id.
    pub fn waivers(&self) -> &[Waiver] {
        &self.parts.waivers
    }

    /// The elevations, by id.
    pub fn elevations(&self) -> &[Elevation] {
        &self.parts.elevations
    }

    /// The workloads, by id.
    pub fn workloads(&self) -> &[Workload] {
        &self.parts.workloads
    }

    /// The unit tests, by place.
    pub fn tests(&self) -> &[TestCase] {
        &self.parts.tests
    }

    /// What the authors allow, by what it is about.
    pub fn allowances(&self) -> &[Allowance] {
        &self.parts.allowances
    }

    /// The policy made ready to decide by.
    pub(crate) fn compiled(&self) -> &Compiled {
        &self.compiled
    }

    /// The ids of these roles, ascending.
    pub(crate) fn named(&self, roles: &RolePlaces) -> Vec<RoleId> {
        roles.iter().filter_map(|place| self.role(place)).cloned().collect()
    }

    /// The id of the role at this place.
    pub(crate) fn role(&self, place: u32) -> Option<&RoleId> {
        self.compiled.roles.get(place as usize)
    }

    /// The blocks that are part of the product.
    pub(crate) fn built_in(&self) -> &[Block] {
        &self.built_in
    }

    /// What the roles mean in a directory. It is worked out once for each; readers never wait.
    #[inline]
    pub(crate) fn holders<'a>(&self, snapshot: &'a Snapshot) -> HoldersIn<'a> {
        let found = match self.beside(snapshot) {
            Some(holders) => Found::Beside(holders),
            None => self.kept(snapshot).unwrap_or_else(|| self.hold(snapshot, None)),
        };
        HoldersIn { found, snapshot }
    }

    /// Finds out what the groups of `snapshot` mean, which the first decision by it would otherwise wait for: a thousandth of a second
    /// where there are many roles. Whoever is the same in the directory `before` need not be looked at again. For whoever puts it in
    /// force.
    pub fn prepare(&self, snapshot: &Snapshot, before: Option<&Snapshot>) {
        if self.known(snapshot).is_none() {
            self.hold(snapshot, before);
        }
    }

    fn known<'a>(&self, snapshot: &'a Snapshot) -> Option<Found<'a>> {
        self.beside(snapshot).map(Found::Beside).or_else(|| self.kept(snapshot))
    }

    /// What lies beside the directory, if that is about this policy.
    #[inline]
    fn beside<'a>(&self, snapshot: &'a Snapshot) -> Option<&'a Holders> {
        let holders = snapshot.holders().get()?;
        (holders.is_by(&self.compiled.roles) && holders.is_of(snapshot)).then_some(holders)
    }

    #[cold]
    fn kept<'a>(&self, snapshot: &Snapshot) -> Option<Found<'a>> {
        let mut kept = self.holders.iter().map(ArcSwapAny::load);
        kept.find(|kept| kept.as_ref().is_some_and(|holders| holders.is_of(snapshot))).map(Found::Kept)
    }

    /// Finds it out, and keeps it beside the directory, unless another policy came first there.
    #[cold]
    fn hold<'a>(&self, snapshot: &'a Snapshot, before: Option<&Snapshot>) -> Found<'a> {
        let (roles, ids) = (&self.parts.roles, &self.compiled.roles);
        let after = before.and_then(|before| self.known(before)?.holders()?.after(before, snapshot));
        let find_out = || Holders::of(roles, ids, snapshot);
        let refused = snapshot.holders().set(after.unwrap_or_else(find_out)).err();
        if let Some(beside) = self.beside(snapshot) {
            return Found::Beside(beside);
        }
        let holders = Arc::new(refused.unwrap_or_else(find_out));
        let [last, before] = &*self.holders;
        before.store(last.swap(Some(Arc::clone(&holders))));
        Found::Kept(Guard::from_inner(Some(holders)))
    }

    /// All blocks, those that are part of the product first.
    pub fn all_blocks(&self) -> impl Iterator<Item = &Block> {
        self.built_in.iter().chain(&self.parts.blocks)
    }
}

fn check_ids(parts: &PolicyParts) -> Result<(), PolicyError> {
    let mut roles = BTreeSet::new();
    for role in &parts.roles {
        if !roles.insert(&role.id) {
            return Err(PolicyError::DuplicateId(role.id.to_string()));
        }
    }
    let mut rules = BTreeSet::new();
    let grants = parts.grants.iter().map(|rule| &rule.id);
    let blocks = parts.blocks.iter().map(|rule| &rule.id);
    let requires = parts.requires.iter().map(|rule| &rule.id);
    let waivers = parts.waivers.iter().map(|rule| &rule.id);
    let elevations = parts.elevations.iter().map(|rule| &rule.id);
    let workloads = parts.workloads.iter().map(|rule| &rule.id);
    for id in grants.chain(blocks).chain(requires).chain(waivers).chain(elevations).chain(workloads) {
        if !rules.insert(id) {
            return Err(PolicyError::DuplicateId(id.to_string()));
        }
    }
    Ok(())
}

fn check_roles(parts: &PolicyParts) -> Result<(), PolicyError> {
    let known: BTreeSet<_> = parts.roles.iter().map(|role| &role.id).collect();
    let granted = parts.grants.iter().flat_map(|grant| grant.to.iter().map(move |role| (&grant.id, role)));
    let excepted =
        parts.blocks.iter().flat_map(|block| block.except.iter().map(move |role| (&block.id, role)));
    let requires = parts.requires.iter().flat_map(|require| {
        let approvers = require.approvals.iter().map(|approvals| &approvals.role);
        require.except.iter().chain(approvers).map(move |role| (&require.id, role))
    });
    let waivers = parts
        .waivers
        .iter()
        .flat_map(|waiver| waiver.to.iter().chain(&waiver.second_person).map(move |role| (&waiver.id, role)));
    let elevations = parts.elevations.iter().flat_map(|elevation| {
        let approvers = elevation.approval.iter().flat_map(|approval| &approval.by);
        let named = elevation.roles.iter().chain(&elevation.to).chain(approvers);
        named.map(move |role| (&elevation.id, role))
    });
    let workloads = parts.workloads.iter().flat_map(|one| one.roles.iter().map(move |role| (&one.id, role)));
    let named = granted.chain(excepted).chain(requires).chain(waivers).chain(elevations).chain(workloads);
    for (rule, role) in named {
        if !known.contains(role) {
            return Err(PolicyError::UnknownRole { rule: rule.clone(), role: role.clone() });
        }
    }
    Ok(())
}

fn check_waivers(parts: &PolicyParts) -> Result<(), PolicyError> {
    let blocks = parts.blocks.iter().filter(|block| !block.absolute).map(|block| &block.id);
    let can_be_lifted: BTreeSet<_> = blocks.chain(parts.requires.iter().map(|require| &require.id)).collect();
    for waiver in &parts.waivers {
        if let Some(rule) = waiver.lifts.iter().find(|rule| !can_be_lifted.contains(rule)) {
            return Err(PolicyError::NothingToLift { waiver: waiver.id.clone(), rule: rule.clone() });
        }
    }
    Ok(())
}

fn digest(parts: &PolicyParts) -> Digest {
    // Serializing plain sets and strings to memory cannot fail; were it to, an empty text would still be a digest
    // that no real policy has.
    let canonical = serde_json::to_vec(&("oam-policy-v1", parts)).unwrap_or_default();
    Digest::of(&canonical)
}

/// The id of a rule that is part of the product, which no policy file can give to one of its own.
pub(crate) fn built_in_id(text: &str) -> Option<RuleId> {
    built_in_blocks().into_iter().map(|block| block.id).find(|id| id.as_str() == text)
}

/// Below here nobody may make or move a branch, whatever the policy says: that it is refused proves that changes are
/// checked.
pub const CANARIES: &str = "refs/heads/oam-canary/";

/// Rules that hold whatever the policy says.
fn built_in_blocks() -> Vec<Block> {
    // Deleting is left to the policy: a canary that was let in must go away again.
    let making = [Verb::Create, Verb::Update, Verb::Force];
    let replacing =
        "A replacement ref changes what everybody sees of the history, without changing the history.";
    let kept = "These names are kept for proving that changes are checked. Use another name.";
    let built_in = [
        built_in("canary", &format!("{CANARIES}**"), &making, kept),
        built_in("replace-refs", "refs/replace/**", &Verb::ALL, replacing),
    ];
    built_in.into_iter().flatten().collect()
}

fn built_in(name: &str, refs: &str, verbs: &[Verb], help: &str) -> Option<Block> {
    let refs = RefSet::parse_one(refs).and_then(|one| RefSet::new([one])).ok()?;
    let on = RepositorySet::parse_one("**").and_then(|one| RepositorySet::new([one])).ok()?;
    Some(Block {
        id: RuleId::built_in(name),
        mode: Mode::Enforce,
        on,
        refs,
        verbs: verbs.iter().copied().collect(),
        paths: None,
        window: Window::ALWAYS,
        except: BTreeSet::new(),
        absolute: true,
        help: Some(help.into()),
    })
}

#[cfg(test)]
mod tests {
    use std::{ptr, sync::Arc};

    use super::{Holders, Policy, PolicyParts};
    use crate::snapshot::{Directory, Snapshot};

    fn snapshot(generation: u64) -> Snapshot {
        let groups = [format!("s:g{generation}").parse().unwrap()].into();
        let directory = Directory { people: Vec::new(), groups };
        let now = "2026-01-01T00:00:00Z".parse().unwrap();
        Snapshot::of_directory(generation, now, &directory, Default::default()).unwrap()
    }

    /// Where what is known of a directory that knows another policy better is kept.
    fn kept(policy: &Policy, snapshot: &Snapshot) -> Option<*const Holders> {
        let kept = policy.kept(snapshot)?;
        kept.holders().map(ptr::from_ref)
    }

    #[test]
    fn what_is_decided_apart_by_other_directories_makes_the_live_one_no_less_known() {
        let [other, policy] = [(); 2].map(|()| Policy::new(PolicyParts::default()).unwrap());
        let directories = [1, 2, 3].map(snapshot);
        directories.iter().for_each(|directory| other.prepare(directory, None));
        let [live, first, second] = directories;
        policy.prepare(&live, None);
        let before = kept(&policy, &live);
        assert!(before.is_some());
        let apart = policy.apart();
        assert_eq!(apart.digest(), policy.digest());
        assert!(Arc::ptr_eq(&apart.compiled, &policy.compiled), "the rules are shared");
        for other in [&first, &second] {
            apart.prepare(other, None);
        }
        assert_eq!(kept(&policy, &live), before);
        // By the policy itself it would be forgotten.
        for other in [&first, &second] {
            policy.prepare(other, None);
        }
        assert_eq!(kept(&policy, &live), None);
    }
}
