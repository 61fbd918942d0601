use std::sync::atomic::{AtomicU64, Ordering};

use super::What;

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

/// How often what happened since the start, to what people had and to what jobs had.
#[derive(Debug, Default)]
pub struct Counts([[AtomicU64; News::ALL.len()]; What::WORDS.len()]);

impl Counts {
    pub(super) fn add(&self, what: &What, news: News) {
        if let Some(count) = self.find(what.word(), news) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// How often this happened to something of this kind, of [`What::WORDS`].
    pub fn of(&self, kind: &str, news: News) -> u64 {
        self.find(kind, news).map(|count| count.load(Ordering::Relaxed)).unwrap_or_default()
    }

    fn find(&self, kind: &str, news: News) -> Option<&AtomicU64> {
        let kind = What::WORDS.iter().position(|word| *word == kind)?;
        self.0.get(kind)?.get(news as usize)
    }
}
