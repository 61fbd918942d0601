use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::{FindingKind, FoundIn};

/// What is mended besides, whoever gave it: only what somebody named.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fixes {
    /// The kinds of findings.
    pub kinds: BTreeSet<FindingKind>,
    /// What was not used since then counts as unused, in milliseconds since 1970.
    pub unused_since: u64,
}

impl Fixes {
    /// Whether a kind was named.
    pub fn name(&self, kind: FindingKind) -> bool {
        self.kinds.contains(&kind)
    }

    /// Whether none was.
    pub fn are_none(&self) -> bool {
        self.kinds.is_empty()
    }

    /// Whether it takes tokens and keys to find what was named.
    pub fn need_credentials(&self) -> bool {
        self.kinds.iter().any(|kind| kind.found_in() == FoundIn::Credentials)
    }
}
