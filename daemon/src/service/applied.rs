use std::{
    collections::{BTreeSet, VecDeque},
    sync::{Mutex, PoisonError},
};

use oam_audit::entry::RefsApplied;
use oam_policy::printable::Printable;

/// How many reports are remembered, so that one that is sent again is not recorded again.
const REMEMBERED: usize = 10_000;

/// What hooks reported as applied since the daemon started.
#[derive(Debug, Default)]
pub struct Applied(Mutex<Seen>);

#[derive(Debug, Default)]
struct Seen {
    ids: BTreeSet<String>,
    order: VecDeque<String>,
    without_decision: u64,
    last_without: Option<String>,
}

impl Applied {
    /// Whether this report was not recorded yet.
    pub fn is_new(&self, id: &str) -> bool {
        !self.0.lock().unwrap_or_else(PoisonError::into_inner).ids.contains(id)
    }

    /// Notes that a report is in the log, and tells how many of its updates nobody had permitted.
    pub fn recorded(&self, id: &str, entries: &[RefsApplied]) -> u64 {
        let updates =
            entries.iter().flat_map(|entry| entry.updates.iter().map(move |update| (entry, update)));
        let nobodys: Vec<_> = updates.filter(|(_, update)| update.decision.is_none()).collect();
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.ids.insert(id.to_owned()) {
            seen.order.push_back(id.to_owned());
        }
        if seen.order.len() > REMEMBERED
            && let Some(oldest) = seen.order.pop_front()
        {
            seen.ids.remove(&oldest);
        }
        if let Some((entry, update)) = nobodys.last() {
            let (name, by) = (Printable::new(update.name.as_bytes()), Printable::new(&entry.principal));
            seen.last_without = Some(format!("`{name}` in {} by `{by}`", entry.repository));
        }
        let count = nobodys.len() as u64;
        seen.without_decision = seen.without_decision.saturating_add(count);
        count
    }

    /// What somebody should look at, in a sentence.
    pub fn warning(&self) -> Option<String> {
        let seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let last = seen.last_without.as_ref()?;
        let refs = match seen.without_decision {
            1 => "1 ref was".to_owned(),
            many => format!("{many} refs were"),
        };
        Some(format!(
            "{refs} changed without a decision since the daemon started, the last one {last}: see that the hook that \
             checks pushes is installed and enabled there."
        ))
    }
}
