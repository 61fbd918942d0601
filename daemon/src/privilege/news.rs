use std::sync::atomic::{AtomicU64, Ordering};

/// What happened to something that somebody asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum News {
    /// Somebody asks for it, or has it at once.
    Requested,
    /// Somebody approved it.
    Approved,
    /// It ends soon.
    EndsSoon,
    /// It ended.
    Ended,
    /// A push passed because of it.
    Used,
    /// Nobody has answered for what was done with it.
    Unsigned,
    /// Somebody has.
    SignedOff,
}

impl News {
    /// Each of them.
    pub const ALL: [Self; 7] = [
        Self::Requested,
        Self::Approved,
        Self::EndsSoon,
        Self::Ended,
        Self::Used,
        Self::Unsigned,
        Self::SignedOff,
    ];

    /// The stable name of the event.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Requested => "requested",
            Self::Approved => "approved",
            Self::EndsSoon => "ends-soon",
            Self::Ended => "ended",
            Self::Used => "used",
            Self::Unsigned => "unsigned",
            Self::SignedOff => "signed-off",
        }
    }
}

/// How often what happened since the start.
#[derive(Debug, Default)]
pub struct Counts([AtomicU64; News::ALL.len()]);

impl Counts {
    pub(super) fn add(&self, news: News) {
        if let Some(count) = self.0.get(news as usize) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// How often this happened.
    pub fn of(&self, news: News) -> u64 {
        self.0.get(news as usize).map(|count| count.load(Ordering::Relaxed)).unwrap_or_default()
    }
}
