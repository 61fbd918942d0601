use super::{Fault, Faults};
use crate::nonempty::NonEmpty;

/// Gathers faults while files are read.
pub(crate) struct Collector {
    kept: Vec<Fault>,
    total: u64,
    suggestions: u32,
}

impl Collector {
    /// How many faults are kept; the others are only counted.
    const KEPT: usize = 1_000;
    /// How many faults may look among names for the one that was meant: the search is the only thing here whose cost
    /// grows with all names for each fault.
    const SUGGESTIONS: u32 = 20;
    /// How many characters of a message are kept.
    const MESSAGE: usize = 400;

    pub(crate) fn new() -> Self {
        Self { kept: Vec::new(), total: 0, suggestions: Self::SUGGESTIONS }
    }

    /// Adds a fault, which is made only when it is kept.
    pub(crate) fn add(&mut self, fault: impl FnOnce() -> Fault) {
        self.total = self.total.saturating_add(1);
        if self.kept.len() < Self::KEPT {
            let mut fault = fault();
            fault.message = clipped(fault.message);
            fault.help = fault.help.map(clipped);
            self.kept.push(fault);
        }
    }

    /// Whether one more fault may look among many names; each call that says so takes one turn.
    pub(crate) fn may_suggest(&mut self) -> bool {
        let left = self.suggestions.checked_sub(1);
        self.suggestions = left.unwrap_or_default();
        left.is_some()
    }

    /// How many faults there are so far.
    pub(crate) fn total(&self) -> u64 {
        self.total
    }

    /// The value, when nothing was wrong and there is one.
    pub(crate) fn finish<T>(mut self, value: Option<T>) -> Result<T, Faults> {
        self.kept.sort_by(|a, b| (&a.file, a.line, a.column).cmp(&(&b.file, b.line, b.column)));
        match (NonEmpty::from_vec(self.kept), value) {
            (Some(kept), _) => Err(Faults::new(kept, self.total)),
            (None, Some(value)) => Ok(value),
            (None, None) => {
                let lost =
                    Fault::of_file("", "it could not be read, and no fault was found: this is a bug", None);
                Err(Faults::new(NonEmpty::one(lost), 1))
            }
        }
    }
}

fn clipped(text: String) -> String {
    match text.char_indices().nth(Collector::MESSAGE) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text,
    }
}
