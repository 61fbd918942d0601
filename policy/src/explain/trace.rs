use crate::name::RuleId;

/// What one rule has to do with a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleTrace {
    /// What kind of rule it is.
    pub kind: RuleKind,
    /// The rule's id.
    pub id: RuleId,
    /// Whether the rule is only being tried out and decides nothing.
    pub evaluate_only: bool,
    /// What was found in each dimension, in the order of [`Dimension::ALL`]: always all of them.
    pub findings: Vec<Finding>,
    /// What a require asks for, and what came of it; none for other rules.
    pub conditions: Vec<Condition>,
    /// The waiver that lifts the rule here and now, if one does.
    pub lifted_by: Option<RuleId>,
}

impl RuleTrace {
    /// Whether the rule surely matched: a grant that did gives the right, a block that did forbids it, a require that did
    /// must be met, a waiver that did lifts what it names, an elevation or a workload that did has given
    /// something to whoever asks.
    pub fn matched(&self) -> bool {
        self.findings.iter().all(|finding| finding.fit == Fit::Fits)
    }

    /// When it did not surely match: the first thing that did not, in words.
    pub fn why_not(&self) -> Option<&str> {
        let worst = |fit| self.findings.iter().find(|finding| finding.fit == fit);
        worst(Fit::Differs).or_else(|| worst(Fit::Unknown)).map(|finding| finding.detail.as_str())
    }
}

/// Whether something is so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fit {
    /// It is.
    Fits,
    /// It is not.
    Differs,
    /// It depends on what is not said.
    Unknown,
}

/// One thing that a require asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Condition {
    /// Whether it is so.
    pub fit: Fit,
    /// What it is and, where it is not so, what is instead; in words.
    pub detail: String,
    /// Whether it is so only since the question says nothing else of the approvers, the commits, the files or the tag: a push is
    /// asked.
    pub supposed: bool,
}

/// A kind of rule that matches refs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RuleKind {
    /// It gives a right.
    Grant,
    /// It forbids.
    Block,
    /// It adds conditions.
    Require,
    /// It lifts blocks and requires.
    Waiver,
    /// It lets people ask for a role for a while.
    Elevation,
    /// It lets jobs lease a role.
    Workload,
}

impl RuleKind {
    /// The kind's name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Grant => "grant",
            Self::Block => "block",
            Self::Require => "require",
            Self::Waiver => "waiver",
            Self::Elevation => "elevation",
            Self::Workload => "workload",
        }
    }
}

/// What a rule says in one dimension, beside what is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The dimension.
    pub dimension: Dimension,
    /// Whether the rule matches there. A rule matches when all its dimensions do.
    pub fit: Fit,
    /// What the rule says there and, where it does not match, what is asked instead; in words.
    pub detail: String,
}

/// One of the things that a rule must match.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dimension {
    /// Where.
    Repository,
    /// To which ref.
    Ref,
    /// What.
    Verb,
    /// Whom a grant is for, and whom a block excepts.
    Role,
    /// When the rule is live.
    Time,
    /// Which changed paths it is about.
    Path,
}

impl Dimension {
    /// Every dimension, in the order in which they are told.
    pub const ALL: [Self; 6] = [Self::Repository, Self::Ref, Self::Verb, Self::Role, Self::Time, Self::Path];

    /// The dimension's name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Repository => "repository",
            Self::Ref => "ref",
            Self::Verb => "verb",
            Self::Role => "role",
            Self::Time => "time",
            Self::Path => "path",
        }
    }
}

impl From<bool> for Fit {
    fn from(is_so: bool) -> Self {
        if is_so { Self::Fits } else { Self::Differs }
    }
}

/// What the rule says; where it does not match, also what is asked instead.
pub(super) fn compared((dimension, ok): (Dimension, bool), says: String, asked: &str) -> Finding {
    let detail = if ok { says } else { format!("{says}, {asked}") };
    Finding { dimension, fit: ok.into(), detail }
}

pub(super) fn path(fit: Fit, detail: String) -> Finding {
    Finding { dimension: Dimension::Path, fit, detail }
}

pub(super) fn any_path() -> Finding {
    path(Fit::Fits, "whatever paths change".to_owned())
}

pub(super) fn unknown_path(paths: &str) -> Finding {
    path(Fit::Unknown, format!("it is about {paths}, and it is not said which paths change"))
}
