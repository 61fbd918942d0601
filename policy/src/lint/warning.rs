use std::{collections::BTreeSet, fmt};

use super::Lint;
use crate::name::{RoleId, RuleId};

/// What a warning is about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum About {
    /// A role.
    Role(RoleId),
    /// A grant.
    Grant(RuleId),
    /// A block.
    Block(RuleId),
    /// A require.
    Require(RuleId),
    /// A waiver.
    Waiver(RuleId),
    /// An elevation.
    Elevation(RuleId),
    /// A workload.
    Workload(RuleId),
}

impl About {
    /// The kind's name: `role`.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Role(_) => "role",
            Self::Grant(_) => "grant",
            Self::Block(_) => "block",
            Self::Require(_) => "require",
            Self::Waiver(_) => "waiver",
            Self::Elevation(_) => "elevation",
            Self::Workload(_) => "workload",
        }
    }

    /// The id.
    pub fn id(&self) -> &str {
        match self {
            Self::Role(id) => id.as_str(),
            Self::Grant(id)
            | Self::Block(id)
            | Self::Require(id)
            | Self::Waiver(id)
            | Self::Elevation(id)
            | Self::Workload(id) => id.as_str(),
        }
    }
}

/// As in: role `developer`.
impl fmt::Display for About {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} `{}`", self.kind(), self.id())
    }
}

/// Something that a policy says and that is probably not meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning {
    /// What kind of thing.
    pub lint: Lint,
    /// Where: an `allow` of the lint there allows it.
    pub about: About,
    /// Of what lies between two, the other one: there it can be allowed as well.
    pub other: Option<About>,
    /// What it is, in a sentence.
    pub message: String,
    /// What could be done.
    pub help: Option<String>,
    /// Why it may stay, if the policy says so.
    pub allowed: Option<String>,
}

/// How many warnings of one lint are told, of those that are allowed and of those that are not.
pub const MAX_TOLD: usize = 100;

/// What the lints found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Report {
    /// By lint, and then by what they are about.
    pub warnings: Vec<Warning>,
    /// How many more there are of lints of which [`MAX_TOLD`] are told.
    pub omitted: usize,
    /// Lints that were not looked for everywhere: there is no directory, or the policy is too large.
    pub unfinished: BTreeSet<Lint>,
}

impl Report {
    /// Those that the policy does not allow.
    pub fn open(&self) -> impl Iterator<Item = &Warning> {
        self.warnings.iter().filter(|warning| warning.allowed.is_none())
    }

    pub(super) fn add(&mut self, lint: Lint, about: About, message: String, help: Option<String>) {
        self.warnings.push(Warning { lint, about, other: None, message, help, allowed: None });
    }

    /// As [`Self::add`], of something that lies between two.
    pub(super) fn add_between(
        &mut self,
        lint: Lint,
        about: About,
        other: About,
        message: String,
        help: &str,
    ) {
        let (other, help) = (Some(other), Some(help.to_owned()));
        self.warnings.push(Warning { lint, about, other, message, help, allowed: None });
    }

    /// Puts them in order, and leaves out what is too many of one kind.
    pub(super) fn finish(mut self) -> Self {
        self.warnings.sort_by(|a, b| (a.lint, &a.about).cmp(&(b.lint, &b.about)));
        let mut told = [[0; 2]; Lint::ALL.len()];
        let found = self.warnings.len();
        self.warnings.retain(|warning| {
            let of_lint = told.get_mut(warning.lint as usize);
            let of_kind = of_lint.and_then(|of| of.get_mut(usize::from(warning.allowed.is_some())));
            of_kind.is_none_or(|told| {
                *told += 1;
                *told <= MAX_TOLD
            })
        });
        self.omitted = found - self.warnings.len();
        self
    }
}
