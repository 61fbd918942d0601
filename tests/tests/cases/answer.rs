//! What a push is answered, as case files write it and as the doors give it.

use std::{collections::BTreeSet, fmt};

use oam_policy::{RefusalReason, UndecidedReason};
use serde::Deserialize;

/// The verdict on one ref: `permitted:main`, `refused:blocked:freeze + no-grant`, `undecided:facts-unreadable`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(crate) enum Verdict {
    /// By this grant; `None` where a file names none, or a door tells none.
    Permitted(Option<String>),
    /// For exactly these reasons.
    Refused(BTreeSet<Reason>),
    /// For exactly these reasons.
    Undecided(BTreeSet<Reason>),
}

/// Why a ref is not permitted: a code, and the rule that it comes from when it comes from one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Reason {
    pub(crate) code: String,
    pub(crate) rule: Option<String>,
}

/// What a door gave.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    /// The verdict on each ref, in the order of the push.
    pub(crate) refs: Vec<Verdict>,
    /// Everything that a person reads.
    pub(crate) text: String,
}

impl Verdict {
    /// Whether `given` is what a file expects by this.
    pub(crate) fn is_met_by(&self, given: &Self) -> bool {
        match (self, given) {
            (Self::Permitted(Some(expected)), Self::Permitted(Some(given))) => expected == given,
            (Self::Permitted(_), Self::Permitted(_)) => true,
            _ => self == given,
        }
    }

    /// Why not; nothing for a permit.
    pub(crate) fn reasons(&self) -> impl Iterator<Item = &Reason> {
        match self {
            Self::Permitted(_) => None,
            Self::Refused(reasons) | Self::Undecided(reasons) => Some(reasons),
        }
        .into_iter()
        .flatten()
    }
}

impl Reason {
    /// A reason; `rule` is empty where there is none.
    pub(crate) fn new(code: &str, rule: &str) -> Self {
        Self { code: code.to_owned(), rule: (!rule.is_empty()).then(|| rule.to_owned()) }
    }

    /// `code` or `code:rule`.
    pub(crate) fn parse(text: &str, known: &[&str]) -> Result<Self, String> {
        let (code, rule) = text.split_once(':').unwrap_or((text, ""));
        if !known.contains(&code) {
            return Err(format!("`{code}` is none of {}", known.join(", ")));
        }
        Ok(Self::new(code, rule))
    }
}

impl TryFrom<String> for Verdict {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let (outcome, because) = match text.split_once(':') {
            None => (text.as_str(), None),
            Some((outcome, because)) => (outcome, Some(because)),
        };
        let reasons = |known: &[&str]| -> Result<BTreeSet<Reason>, String> {
            let because = because.ok_or("write why, as in `refused:no-grant`")?;
            because.split(" + ").map(|reason| Reason::parse(reason, known)).collect()
        };
        match outcome {
            "permitted" => Ok(Self::Permitted(because.map(str::to_owned))),
            "refused" => reasons(&RefusalReason::CODES).map(Self::Refused),
            "undecided" => reasons(&UndecidedReason::CODES).map(Self::Undecided),
            _ => Err(format!("`{outcome}` is none of permitted, refused, undecided")),
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let outcome = match self {
            Self::Permitted(None) => return f.write_str("permitted"),
            Self::Permitted(Some(grant)) => return write!(f, "permitted:{grant}"),
            Self::Refused(_) => "refused",
            Self::Undecided(_) => "undecided",
        };
        let reasons: Vec<_> = self.reasons().map(ToString::to_string).collect();
        write!(f, "{outcome}:{}", reasons.join(" + "))
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.rule {
            None => f.write_str(&self.code),
            Some(rule) => write!(f, "{}:{rule}", self.code),
        }
    }
}

/// Verdicts as messages show them.
pub(crate) fn shown(refs: &[Verdict]) -> String {
    refs.iter().map(|one| format!("`{one}`")).collect::<Vec<_>>().join(", ")
}
