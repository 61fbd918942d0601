use crate::{
    facts::{End, FactsNeeded, HistoryNeeded, Learnt},
    reason::UndecidedReason,
};

/// Something that rests on facts, as far as they tell.
#[derive(Debug, Clone)]
pub(crate) enum Known<T> {
    /// It is known.
    Is(T),
    /// These facts would tell.
    Needs(FactsNeeded),
    /// They cannot be found out.
    Unreadable(Lack),
}

/// What cannot be found out; why, for people.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Lack {
    /// Something of the history.
    History(String),
    /// Whose approvals a pull request has, or whether they count.
    Approvals(String),
    /// Whether approvals count, since the directory does not know who made a commit.
    Committer(String),
    /// Whether approvals count, since only a source knows who approved that is too old.
    Stale(String),
}

impl Lack {
    /// Why it cannot.
    pub fn why(&self) -> &str {
        match self {
            Self::History(why) | Self::Approvals(why) | Self::Committer(why) | Self::Stale(why) => why,
        }
    }

    /// The reason for which nothing is decided without it.
    pub(super) fn reason(self) -> UndecidedReason {
        match self {
            Self::History(why) => UndecidedReason::FactsUnreadable { why },
            Self::Approvals(why) | Self::Stale(why) => {
                UndecidedReason::ApprovalsUnknown { why, lasting: false }
            }
            Self::Committer(why) => UndecidedReason::ApprovalsUnknown { why, lasting: true },
        }
    }
}

impl<T> Known<Option<T>> {
    /// What was found in a list. That there is nothing to be found takes all of it to know.
    pub(super) fn found(found: Option<T>, end: &End, needed: impl FnOnce() -> HistoryNeeded) -> Self {
        match (found, end) {
            (Some(found), _) => Self::Is(Some(found)),
            (None, End::Complete) => Self::Is(None),
            (None, End::Unreadable(unreadable)) => Self::unreadable(unreadable.why.clone()),
            (None, End::Open) => Self::needs(needed()),
        }
    }
}

impl<T> Known<T> {
    /// A fact about the pull request, or the need of it.
    pub(super) fn of_pull_request(fact: Option<Learnt<T>>) -> Self {
        match fact {
            Some(Ok(fact)) => Self::Is(fact),
            Some(Err(unreadable)) => Self::Unreadable(Lack::Approvals(unreadable.why)),
            None => Self::Needs(FactsNeeded { pull_request: true, ..FactsNeeded::default() }),
        }
    }

    /// A part of the history that cannot be read.
    pub(super) fn unreadable(why: String) -> Self {
        Self::Unreadable(Lack::History(why))
    }

    /// The need of more of a history.
    pub(super) fn needs(history: HistoryNeeded) -> Self {
        Self::Needs(FactsNeeded { histories: vec![history], ..FactsNeeded::default() })
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
            Self::Unreadable(lack) => Known::Unreadable(lack),
        }
    }
}
