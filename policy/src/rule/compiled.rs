//! A policy made ready to decide by: rules by repository, roles as positions. Made once for each version.

use std::collections::{BTreeSet, HashMap};

use super::{PolicyParts, index::ByRepository};
use crate::name::{RoleId, UsernameKey};

/// See the module. Every list is in the order of the rules of its kind.
#[derive(Debug, Clone, Default)]
pub(crate) struct Compiled {
    pub(crate) grants: ByRepository,
    pub(crate) blocks: ByRepository,
    pub(crate) requires: ByRepository,
    /// Of each grant, the places of the roles that receive it, ascending.
    pub(crate) receivers: Vec<Box<[usize]>>,
    /// The grants that name a person, by their places.
    pub(crate) exceptions: HashMap<usize, UsernameKey>,
    /// Of each block, the places of the roles that it does not bind.
    pub(crate) blocks_except: Vec<Box<[usize]>>,
    /// Of each require, the places of the roles that it does not bind.
    pub(crate) requires_except: Vec<Box<[usize]>>,
    /// The places of the roles that a service principal holds by name, ascending.
    pub(crate) services: HashMap<UsernameKey, Vec<usize>>,
}

impl Compiled {
    /// The parts are in order.
    pub(super) fn of(parts: &PolicyParts) -> Self {
        let positions: HashMap<&RoleId, usize> =
            parts.roles.iter().enumerate().map(|(place, role)| (&role.id, place)).collect();
        let places = |ids: &BTreeSet<RoleId>| -> Box<[usize]> {
            ids.iter().filter_map(|id| positions.get(id).copied()).collect()
        };
        let mut services: HashMap<UsernameKey, Vec<usize>> = HashMap::new();
        for (place, role) in parts.roles.iter().enumerate() {
            for name in &role.service {
                services.entry(name.clone()).or_default().push(place);
            }
        }
        Self {
            grants: ByRepository::of(parts.grants.iter().map(|grant| &grant.on)),
            blocks: ByRepository::of(parts.blocks.iter().map(|block| &block.on)),
            requires: ByRepository::of(parts.requires.iter().map(|require| &require.on)),
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
