use oam_audit::entry::{self, Update};

/// How one ref was judged, without the words: what is compared.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Judgement {
    /// `permitted`, `refused`, `undecided`.
    pub outcome: &'static str,
    /// What carried a permit.
    pub grant: Option<String>,
    /// What lifted a block or a requirement.
    pub waiver: Option<String>,
    /// Why it was not permitted, ascending.
    pub reasons: Vec<Ground>,
}

/// A reason, without its words.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Ground {
    /// Its stable code.
    pub code: String,
    /// The rule that said so.
    pub rule: Option<String>,
}

impl Judgement {
    /// The judgement on `update`, for reasons of the whole push if there are some.
    pub(super) fn of(whole: &[entry::Reason], update: &Update) -> Self {
        let reasons = if whole.is_empty() { &update.reasons } else { whole };
        let ground = |reason: &entry::Reason| Ground { code: reason.code.clone(), rule: reason.rule.clone() };
        let mut reasons: Vec<_> = reasons.iter().map(ground).collect();
        reasons.sort();
        Self {
            outcome: outcome(update.outcome),
            grant: update.grant.clone(),
            waiver: update.waiver.clone(),
            reasons,
        }
    }
}

fn outcome(outcome: entry::Outcome) -> &'static str {
    match outcome {
        entry::Outcome::Permitted => "permitted",
        entry::Outcome::Refused => "refused",
        entry::Outcome::Undecided => "undecided",
    }
}

/// What becomes of a verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Effect {
    /// It was not permitted, and is.
    NewlyPermitted,
    /// It was not refused, and is.
    NewlyRefused,
    /// It was decided, and is not.
    NewlyUndecided,
    /// The outcome is the same, for other rules or reasons.
    OtherGrounds,
}

impl Effect {
    /// What lies between two judgements that differ.
    pub(super) fn between(before: &Judgement, after: &Judgement) -> Self {
        match after.outcome {
            same if same == before.outcome => Self::OtherGrounds,
            "permitted" => Self::NewlyPermitted,
            "refused" => Self::NewlyRefused,
            _ => Self::NewlyUndecided,
        }
    }

    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NewlyPermitted => "newly-permitted",
            Self::NewlyRefused => "newly-refused",
            Self::NewlyUndecided => "newly-undecided",
            Self::OtherGrounds => "other-grounds",
        }
    }
}
