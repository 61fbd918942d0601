/// How much of what hooks tell is held in memory at once, for one push.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// So long a list is kept as it is. A longer one is folded: a few of each kind are kept.
    pub whole_items: usize,
    /// How many of each kind are kept then.
    pub per_kind: usize,
    /// What all lists may take together, in bytes, about.
    pub all_bytes: usize,
}

impl Default for Bounds {
    fn default() -> Self {
        Self { whole_items: 20_000, per_kind: 64, all_bytes: 64 << 20 }
    }
}

/// What is held, beside what may be.
#[derive(Debug)]
pub(super) struct Room {
    pub(super) bounds: Bounds,
    /// In bytes.
    pub(super) held: usize,
    /// There was too little room once: every list is folded from its beginning.
    pub(super) is_tight: bool,
}

impl Room {
    pub(super) fn new(bounds: Bounds) -> Self {
        Self { bounds, held: 0, is_tight: false }
    }

    pub(super) fn is_full(&self) -> bool {
        self.held > self.bounds.all_bytes
    }

    pub(super) fn give(&mut self, bytes: usize) {
        self.held = self.held.saturating_sub(bytes);
    }
}
