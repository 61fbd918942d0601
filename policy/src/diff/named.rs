//! What is given to somebody by name: who that is only a directory knows.

use std::collections::{BTreeMap, BTreeSet};

use super::bounded::Bounded;
use crate::{
    name::RuleId,
    rule::{Mode, Policy},
};

/// That grants by name and workloads which are others were not compared, without a directory, if there are any.
pub(super) fn not_compared(old: &Policy, new: &Policy) -> Option<Bounded> {
    let [grants_before, grants_after] = [old, new].map(|policy| {
        let live = policy.grants().iter().filter(|grant| grant.mode == Mode::Enforce);
        live.filter(|grant| grant.user.is_some()).map(|grant| (&grant.id, grant)).collect::<BTreeMap<_, _>>()
    });
    let [workloads_before, workloads_after] = [old, new].map(|policy| {
        let live = policy.workloads().iter().filter(|workload| workload.mode == Mode::Enforce);
        live.map(|workload| (&workload.id, workload)).collect::<BTreeMap<_, _>>()
    });
    let mut patterns: Vec<&str> = otherwise(&grants_before, &grants_after);
    patterns.extend(otherwise(&workloads_before, &workloads_after));
    let why = "no directory is loaded: what these rules give by name was not compared";
    (!patterns.is_empty()).then(|| Bounded::new(why, patterns))
}

/// The rules that one side has not, or otherwise.
fn otherwise<'p, R: PartialEq>(
    before: &BTreeMap<&'p RuleId, &'p R>,
    after: &BTreeMap<&'p RuleId, &'p R>,
) -> Vec<&'p str> {
    let all: BTreeSet<&RuleId> = before.keys().chain(after.keys()).copied().collect();
    all.into_iter().filter(|id| before.get(id) != after.get(id)).map(RuleId::as_str).collect()
}
