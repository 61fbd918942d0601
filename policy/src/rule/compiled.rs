//! A policy made ready to decide by: rules by repository, roles as positions. Made once for each version.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

use foldhash::fast::RandomState;

use super::{
    Block, Grant, Mode, PolicyParts, Require, Window,
    candidate::Kind,
    index::{Indexed, RuleIndex},
};
use crate::name::{RoleId, UsernameKey};

/// See the module.
#[derive(Debug, Clone)]
pub(crate) struct Compiled {
    /// All grants, blocks and requires.
    pub(crate) rules: RuleIndex,
    /// The ids of the roles, to be shared.
    pub(crate) roles: Arc<[RoleId]>,
    /// The grants that name a person, by their places.
    pub(crate) exceptions: HashMap<u32, UsernameKey, RandomState>,
    /// The places of the roles that a service principal holds by name, ascending; none of one that only leases some.
    pub(crate) services: HashMap<UsernameKey, Vec<u32>, RandomState>,
}

impl Compiled {
    /// The parts are in order.
    pub(super) fn of(parts: &PolicyParts, built_in: &[Block]) -> Self {
        let positions: HashMap<&RoleId, u32> =
            (0..).zip(&parts.roles).map(|(place, role)| (&role.id, place)).collect();
        let places = |ids: &BTreeSet<RoleId>| -> Box<[u32]> {
            ids.iter().filter_map(|id| positions.get(id).copied()).collect()
        };
        let mut services: HashMap<UsernameKey, Vec<u32>, RandomState> = HashMap::default();
        for (place, role) in (0..).zip(&parts.roles) {
            for name in &role.service {
                services.entry(name.clone()).or_default().push(place);
            }
        }
        for workload in parts.workloads.iter().filter(|workload| workload.mode == Mode::Enforce) {
            services.entry(workload.principal.key()).or_default();
        }
        Self {
            rules: RuleIndex::of(&indexed(parts, built_in, places)),
            roles: parts.roles.iter().map(|role| role.id.clone()).collect(),
            exceptions: (0..)
                .zip(&parts.grants)
                .filter_map(|(place, grant)| Some((place, grant.user.as_ref()?.user.key())))
                .collect(),
            services,
        }
    }
}

fn indexed<'a>(
    parts: &'a PolicyParts,
    built_in: &'a [Block],
    places: impl Fn(&BTreeSet<RoleId>) -> Box<[u32]>,
) -> Vec<Indexed<'a>> {
    let of_block = |kind, (place, block): (u32, &'a Block)| {
        let Block { on, refs, verbs, mode, window, paths, except, .. } = block;
        let (timed, of_paths, roles) = (*window != Window::ALWAYS, paths.is_some(), places(except));
        Indexed { kind, place, on, refs, verbs: *verbs, mode: *mode, timed, of_paths, roles }
    };
    let of_grant = |(place, grant): (u32, &'a Grant)| {
        let Grant { on, refs, verbs, mode, window, paths, to, .. } = grant;
        let (timed, of_paths, roles) = (*window != Window::ALWAYS, paths.is_some(), places(to));
        let kind = Kind::Grant;
        Indexed { kind, place, on, refs, verbs: *verbs, mode: *mode, timed, of_paths, roles }
    };
    let of_require = |(place, require): (u32, &'a Require)| {
        let Require { on, refs, verbs, mode, window, except, .. } = require;
        let (timed, roles) = (*window != Window::ALWAYS, places(except));
        // Of its conditions, each may have paths of its own.
        let (kind, of_paths) = (Kind::Require, false);
        Indexed { kind, place, on, refs, verbs: *verbs, mode: *mode, timed, of_paths, roles }
    };
    let built_in = (0..).zip(built_in).map(|block| of_block(Kind::BuiltIn, block));
    let blocks = (0..).zip(&parts.blocks).map(|block| of_block(Kind::Block, block));
    let grants = (0..).zip(&parts.grants).map(of_grant);
    let requires = (0..).zip(&parts.requires).map(of_require);
    built_in.chain(blocks).chain(grants).chain(requires).collect()
}
