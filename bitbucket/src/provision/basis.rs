use std::collections::{BTreeMap, BTreeSet};

use super::{Fixes, Renamed, Settings, Told};
use crate::{
    mirror::{Mirrored, Owned},
    permission::{Holder, Level, Place},
};

/// What should be, as a daemon says it: by one policy and one directory.
#[derive(Debug, Clone)]
pub struct Basis {
    /// Why nobody can say now what there should be: then those who are gone lose what they have, and nothing else is looked at.
    pub late: Option<String>,
    /// The policy's digest.
    pub policy: String,
    /// The directory's generation and digest.
    pub directory: String,
    /// How permissions are kept.
    pub settings: Settings,
    /// Who holds which role.
    pub roles: BTreeMap<String, RoleHolders>,
    /// What rules give.
    pub given: Vec<Given>,
    /// How accounts stand that are not simply active, by users in lower case.
    pub standing: BTreeMap<Holder, Standing>,
    /// What is known of accounts beside their names.
    pub renamed: Renamed,
    /// What OAM gave, and has not taken again.
    pub managed: BTreeMap<(Place, Holder), Managed>,
    /// Changes that were begun, and of which nobody knows what became of them.
    pub pending: Vec<Pending>,
    /// Rules that say more than permissions can, and what becomes of them.
    pub unsaid: Vec<(String, String)>,
    /// What is mirrored as branch restrictions.
    pub mirror: MirrorBasis,
    /// What is mended besides, as whoever runs it says.
    pub fixes: Fixes,
}

/// What is mirrored as branch restrictions.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MirrorBasis {
    /// The restrictions that there should be, where, and the rules that they mirror.
    pub wanted: Vec<(Place, Mirrored, BTreeSet<String>)>,
    /// Those that OAM made.
    pub owned: Owned,
}

impl MirrorBasis {
    /// The places whose restrictions must be known.
    pub fn places(&self) -> BTreeSet<&Place> {
        self.wanted.iter().map(|(place, ..)| place).chain(self.owned.iter().map(|(place, _)| place)).collect()
    }
}

/// Who holds a role.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RoleHolders {
    /// The groups, `source:group`, where being in any one of them is all that it takes.
    pub groups: Option<Vec<String>>,
    /// Everybody of the directory who holds it.
    pub people: BTreeSet<Holder>,
    /// Those whom the policy names.
    pub named: BTreeSet<Holder>,
}

/// What a rule gives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Given {
    /// Where.
    pub place: Place,
    /// What.
    pub level: Level,
    /// The rule.
    pub rule: String,
    /// To whom.
    pub to: GivenTo,
}

/// To whom a rule gives something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GivenTo {
    /// To whoever holds a role.
    Role(String),
    /// To one account.
    Account(Holder),
}

/// How an account stands in the directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Its source says that it is not active.
    Deactivated,
    /// It was cut off by command.
    CutOff,
    /// No directory knows it, and the policy does not name it.
    Unknown,
    /// The same, and whoever runs it said that such accounts are to lose all that they have.
    Stranger,
}

/// A permission that OAM gave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Managed {
    /// What it gave.
    pub level: Level,
    /// What somebody else had given before, which it gives back.
    pub below: Option<Level>,
}

/// A change that was begun.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pending {
    /// The number of the entry of the audit log that tells of it.
    pub entry: u64,
    /// The change.
    pub change: Told,
}

impl Standing {
    /// Whether somebody who stands so is gone: all that they have is to be taken.
    pub const fn is_gone(self) -> bool {
        match self {
            Self::Deactivated | Self::CutOff | Self::Stranger => true,
            Self::Unknown => false,
        }
    }

    /// Why, for people.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Deactivated => "is deactivated in the directory",
            Self::CutOff => "was cut off",
            Self::Unknown | Self::Stranger => "is in no directory",
        }
    }
}

impl Basis {
    /// How a user stands, where that is worse than active.
    pub fn standing(&self, user: &Holder) -> Option<Standing> {
        self.standing.get(user).copied()
    }

    /// Whether a user is gone.
    pub fn is_gone(&self, user: &Holder) -> bool {
        self.standing(user).is_some_and(Standing::is_gone)
    }
}
