use crate::facts::{FactsNeeded, HistoryNeeded, Learnt};

/// Something that rests on facts, as far as they tell.
#[derive(Debug, Clone)]
pub(crate) enum Known<T> {
    /// It is known.
    Is(T),
    /// These facts would tell.
    Needs(FactsNeeded),
    /// They cannot be found out; why, for people.
    Unreadable(String),
}

impl<T> Known<T> {
    /// A fact about a history, or the need of it.
    pub(super) fn of_history(fact: Option<Learnt<T>>, needed: impl FnOnce() -> HistoryNeeded) -> Self {
        Self::of(fact, || FactsNeeded { histories: vec![needed()], ..FactsNeeded::default() })
    }

    /// A fact about the pull request, or the need of it.
    pub(super) fn of_pull_request(fact: Option<Learnt<T>>) -> Self {
        Self::of(fact, || FactsNeeded { pull_request: true, ..FactsNeeded::default() })
    }

    fn of(fact: Option<Learnt<T>>, needed: impl FnOnce() -> FactsNeeded) -> Self {
        match fact {
            Some(Ok(fact)) => Self::Is(fact),
            Some(Err(unreadable)) => Self::Unreadable(unreadable.why),
            None => Self::Needs(needed()),
        }
    }

    /// What follows from it.
    pub(super) fn map<U>(self, follow: impl FnOnce(T) -> U) -> Known<U> {
        self.and_then(|value| Known::Is(follow(value)))
    }

    /// What follows from it, which may rest on more.
    pub(super) fn and_then<U>(self, follow: impl FnOnce(T) -> Known<U>) -> Known<U> {
        match self {
            Self::Is(value) => follow(value),
            Self::Needs(needed) => Known::Needs(needed),
            Self::Unreadable(why) => Known::Unreadable(why),
        }
    }
}
