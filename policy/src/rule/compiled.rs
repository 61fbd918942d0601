//! A policy made ready to decide by: rules by repository, roles as positions. Made once for each version.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

use foldhash::fast::RandomState;

use super::{
    Block, Grant, Mode, PolicyParts, Require,
    index::{Indexed, Kind, RuleIndex},
};
use crate::name::{RoleId, UsernameKey};

/// See the module. Every list is in the order of the rules of its kind.
#[derive(Debug, Clone)]
pub(crate) struct Compiled {
    /// All grants, blocks and requires.
    pub(crate) rules: RuleIndex,
    /// The ids of the roles, to be shared.
    pub(crate) roles: Arc<[RoleId]>,
    /// Of each grant, the places of the roles that receive it, ascending.
    pub(crate) receivers: Vec<Box<[u32]>>,
    /// The grants that name a person, by their places.
    pub(crate) exceptions: HashMap<u32, UsernameKey, RandomState>,
    /// Of each block, the places of the roles that it does not bind.
    pub(crate) blocks_except: Vec<Box<[u32]>>,
    /// Of each require, the places of the roles that it does not bind.
    pub(crate) requires_except: Vec<Box<[u32]>>,
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
            rules: RuleIndex::of(&indexed(parts, built_in)),
            roles: parts.roles.iter().map(|role| role.id.clone()).collect(),
            receivers: parts.grants.iter().map(|grant| places(&grant.to)).collect(),
            exceptions: (0..)
                .zip(&parts.grants)
                .filter_map(|(place, grant)| Some((place, grant.user.as_ref()?.user.key())))
                .collect(),
            blocks_except: parts.blocks.iter().map(|block| places(&block.except)).collect(),
            requires_except: parts.requires.iter().map(|require| places(&require.except)).collect(),
            services,
        }
    }
}

fn indexed<'a>(parts: &'a PolicyParts, built_in: &'a [Block]) -> Vec<Indexed<'a>> {
    let blocks = |kind, blocks: &'a [Block]| {
        let blocks = (0..).zip(blocks);
        blocks.map(move |(place, Block { on, refs, verbs, .. })| Indexed {
            kind,
            place,
            on,
            refs,
            verbs: *verbs,
        })
    };
    let grants = (0..).zip(&parts.grants).map(|(place, Grant { on, refs, verbs, .. })| Indexed {
        kind: Kind::Grant,
        place,
        on,
        refs,
        verbs: *verbs,
    });
    let requires = (0..).zip(&parts.requires).map(|(place, Require { on, refs, verbs, .. })| Indexed {
        kind: Kind::Require,
        place,
        on,
        refs,
        verbs: *verbs,
    });
    let blocks = blocks(Kind::BuiltIn, built_in).chain(blocks(Kind::Block, &parts.blocks));
    blocks.chain(grants).chain(requires).collect()
}
