//! OpenLDAP's `refint` changes groups after the change for which it does so, some time later, and tells nobody (RFC 4533). Whoever
//! has a name that a group holds may only just be in it, so the groups are looked up again, some times and not for ever.

use std::{collections::BTreeSet, time::Duration};

use oam_ldap::DnKey;
use tokio::time::Instant;

/// How long after somebody has a name the groups are looked up again that hold it.
const AFTER: [Duration; 3] = [Duration::from_secs(2), Duration::from_secs(10), Duration::from_secs(60)];

/// Names that somebody has who had them not, and when the groups are to be looked up that hold them.
#[derive(Debug, Default)]
pub(super) struct Late {
    due: Vec<(Instant, DnKey)>,
}

impl Late {
    /// Notes names that somebody has now.
    pub(super) fn note(&mut self, taken: &BTreeSet<DnKey>, now: Instant) {
        for after in AFTER {
            self.due.extend(taken.iter().map(|dn| (now + after, dn.clone())));
        }
    }

    /// Takes those that are to be looked up now: at least one, and others while no more groups hold them than `most`.
    pub(super) fn due(
        &mut self,
        now: Instant,
        most: usize,
        groups: impl Fn(&DnKey) -> usize,
    ) -> BTreeSet<DnKey> {
        let (mut taken, mut count) = (BTreeSet::new(), 0_usize);
        let due = self.due.extract_if(.., |(at, dn)| {
            if *at > now {
                return false;
            }
            let held = groups(dn);
            let fits = taken.is_empty() || count + held <= most;
            if fits {
                count += held;
                taken.insert(dn.clone());
            }
            fits
        });
        due.for_each(drop);
        taken
    }
}
