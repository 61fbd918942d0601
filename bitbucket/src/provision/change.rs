use serde::{Deserialize, Serialize};

use super::{Automatic, Basis, shortened};
use crate::{
    Account, Credential, CredentialKind, GlobalLevel,
    mirror::Mirrored,
    permission::{Holder, Level, Place},
};

/// What is said of a restriction that we had made before.
const OURS: &str = "one of ours";

/// One change, and why it is made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Change {
    /// What is done.
    pub step: Step,
    /// Why: the rules and roles that want it, or what became of whoever it is about.
    pub because: String,
}

/// What is done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Step {
    /// Give a permission, in the stead of another.
    Permit {
        /// Where.
        place: Place,
        /// To whom.
        holder: Holder,
        /// What they have there now.
        before: Option<Level>,
        /// What they get.
        after: Level,
    },
    /// Take a permission.
    Revoke {
        /// Where.
        place: Place,
        /// From whom.
        holder: Holder,
        /// What they have there now.
        before: Level,
    },
    /// Forget that we gave what is there no more. Nothing is asked of Bitbucket.
    Forget {
        /// Where.
        place: Place,
        /// To whom.
        holder: Holder,
    },
    /// Take what a user may do everywhere.
    RevokeGlobal {
        /// From whom.
        holder: Holder,
        /// What they may do now.
        before: GlobalLevel,
        /// What they are left; `None`: nothing.
        #[serde(default)]
        after: Option<GlobalLevel>,
    },
    /// Delete a token or a key.
    Delete {
        /// Whose.
        account: Account,
        /// Which.
        credential: Credential,
    },
    /// Take a user out of a group.
    LeaveGroup {
        /// Whom.
        holder: Holder,
        /// The group.
        group: Holder,
    },
    /// Take what everybody who is signed in may do in a project.
    RevokeDefault {
        /// Where.
        place: Place,
        /// What they may do there now.
        before: Level,
    },
    /// Delete an SSH access key, or an HTTP token, of a place.
    DeleteAccessKey {
        /// Where.
        place: Place,
        /// Which.
        key: Credential,
    },
    /// Make a branch restriction that mirrors a rule.
    Restrict {
        /// Where.
        place: Place,
        /// What it is to be.
        restriction: Mirrored,
        /// Whether we made one of this kind on these refs before, in the stead of which it comes.
        is_ours: bool,
    },
    /// Take away a branch restriction that we made, or that others did.
    Lift {
        /// Where.
        place: Place,
        /// What tells it apart there.
        thing: String,
        /// Bitbucket's number of it; `None`: it is gone already, and is only forgotten.
        id: Option<u64>,
        /// How far it went when it was looked at, where others made it.
        #[serde(default)]
        extent: Option<String>,
    },
}

/// A change as the audit log tells of it: in texts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Told {
    /// The step's name.
    pub step: String,
    /// The place; empty for everywhere.
    pub place: String,
    /// The user that it is about; empty for none.
    pub user: String,
    /// The group that it is about; empty for none.
    pub group: String,
    /// The token or key; empty for none.
    pub thing: String,
    /// What was there; empty for nothing.
    pub before: String,
    /// What will be; empty for nothing.
    pub after: String,
    /// Why.
    pub because: String,
}

impl Step {
    /// Its name.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Permit { .. } => "permit",
            Self::Revoke { .. } => "revoke",
            Self::Forget { .. } => "forget",
            Self::RevokeGlobal { .. } => "revoke-global",
            Self::Delete { credential, .. } => match credential.kind {
                CredentialKind::Token => "delete-token",
                CredentialKind::SshKey => "delete-ssh-key",
                CredentialKind::GpgKey => "delete-gpg-key",
            },
            Self::LeaveGroup { .. } => "leave-group",
            Self::RevokeDefault { .. } => "revoke-default",
            Self::DeleteAccessKey { key, .. } => match key.kind {
                CredentialKind::Token => "delete-place-token",
                CredentialKind::SshKey | CredentialKind::GpgKey => "delete-access-key",
            },
            Self::Restrict { .. } => "restrict",
            Self::Lift { .. } => "lift",
        }
    }

    /// Whether another one does the same. Of a token or a key it matters which it is, and not what else is known of it: when it was
    /// last used changes each time that somebody comes in with it.
    pub fn is_same(&self, other: &Self) -> bool {
        match (self, other) {
            (
                Self::Delete { account, credential },
                Self::Delete { account: other_account, credential: other },
            ) => account.holder() == other_account.holder() && credential.is_same(other),
            (
                Self::DeleteAccessKey { place, key },
                Self::DeleteAccessKey { place: other_place, key: other },
            ) => place == other_place && key.is_same(other),
            _ => self == other,
        }
    }

    /// Whether it takes something from somebody.
    pub fn takes(&self) -> bool {
        match self {
            Self::Permit { before, after, .. } => before.is_some_and(|before| before > *after),
            Self::Forget { .. } | Self::Restrict { .. } => false,
            // A second line of defence is taken from everybody.
            Self::Lift { id, .. } => id.is_some(),
            Self::Revoke { .. }
            | Self::RevokeGlobal { .. }
            | Self::Delete { .. }
            | Self::RevokeDefault { .. }
            | Self::DeleteAccessKey { .. }
            | Self::LeaveGroup { .. } => true,
        }
    }

    /// Whether nothing is asked of Bitbucket.
    pub(super) const fn is_noted_only(&self) -> bool {
        matches!(self, Self::Forget { .. } | Self::Lift { id: None, .. })
    }

    /// The place in the order in which it is taken from somebody who is gone: the widest door first.
    pub(super) const fn width(&self) -> u8 {
        match self {
            Self::Delete { credential, .. } => match credential.kind {
                CredentialKind::Token => 0,
                CredentialKind::SshKey => 1,
                CredentialKind::GpgKey => 2,
            },
            Self::RevokeGlobal { .. } => 3,
            Self::LeaveGroup { .. } => 5,
            _ => 4,
        }
    }

    /// Where it changes something; `None`: everywhere, or nothing of a place.
    pub(super) const fn place(&self) -> Option<&Place> {
        match self {
            Self::Permit { place, .. }
            | Self::Revoke { place, .. }
            | Self::Forget { place, .. }
            | Self::RevokeDefault { place, .. }
            | Self::DeleteAccessKey { place, .. }
            | Self::Restrict { place, .. }
            | Self::Lift { place, .. } => Some(place),
            Self::RevokeGlobal { .. } | Self::Delete { .. } | Self::LeaveGroup { .. } => None,
        }
    }

    /// The place where it gives or takes, with whose permission it is.
    pub fn at(&self) -> Option<(&Place, &Holder)> {
        match self {
            Self::Permit { place, holder, .. }
            | Self::Revoke { place, holder, .. }
            | Self::Forget { place, holder } => Some((place, holder)),
            Self::RevokeGlobal { .. }
            | Self::Delete { .. }
            | Self::LeaveGroup { .. }
            | Self::RevokeDefault { .. }
            | Self::DeleteAccessKey { .. }
            | Self::Restrict { .. }
            | Self::Lift { .. } => None,
        }
    }
}

impl Change {
    /// What kind of change it is.
    pub(super) fn kind(&self, basis: &Basis) -> Automatic {
        match (self.leaver(basis).is_some(), self.step.takes()) {
            (true, _) => Automatic::Leavers,
            (false, true) => Automatic::Take,
            (false, false) => Automatic::Give,
        }
    }

    /// The one who is gone from whom it takes, if it does.
    pub fn leaver(&self, basis: &Basis) -> Option<Holder> {
        let from = match &self.step {
            Step::Delete { account, .. } => account.holder(),
            Step::LeaveGroup { holder, .. }
            | Step::RevokeGlobal { holder, .. }
            | Step::Revoke { holder, .. } => Some(holder.clone()),
            Step::Permit { .. }
            | Step::Forget { .. }
            | Step::RevokeDefault { .. }
            | Step::DeleteAccessKey { .. }
            | Step::Restrict { .. }
            | Step::Lift { .. } => None,
        };
        // From others it is taken where somebody named it.
        from.filter(|holder| basis.is_gone(holder))
    }

    /// As the audit log tells of it.
    pub fn told(&self) -> Told {
        let told = Told {
            step: self.step.name().to_owned(),
            because: shortened(self.because.clone()),
            ..Told::default()
        };
        match &self.step {
            Step::Permit { place, holder, before, after } => Told {
                place: place.to_string(),
                before: before.map(|level| level.to_string()).unwrap_or_default(),
                after: after.to_string(),
                ..told.of(holder)
            },
            Step::Revoke { place, holder, before } => {
                Told { place: place.to_string(), before: before.to_string(), ..told.of(holder) }
            }
            Step::Forget { place, holder } => Told { place: place.to_string(), ..told.of(holder) },
            Step::RevokeGlobal { holder, before, after } => Told {
                before: before.as_str().to_owned(),
                after: after.map(|after| after.as_str().to_owned()).unwrap_or_default(),
                ..told.of(holder)
            },
            Step::Delete { account, credential } => {
                Told { user: account.name.clone(), thing: thing(credential), ..told }
            }
            Step::LeaveGroup { holder, group } => told.of(holder).of(group),
            Step::RevokeDefault { place, before } => {
                Told { place: place.to_string(), before: before.to_string(), ..told }
            }
            Step::DeleteAccessKey { place, key } => {
                Told { place: place.to_string(), thing: thing(key), ..told }
            }
            Step::Restrict { place, restriction, is_ours } => Told {
                place: place.to_string(),
                thing: restriction.thing(),
                before: if *is_ours { OURS.to_owned() } else { String::new() },
                after: shortened(restriction.exempt()),
                ..told
            },
            Step::Lift { place, thing, .. } => {
                Told { place: place.to_string(), thing: thing.clone(), ..told }
            }
        }
    }
}

/// A token or a key: its id, and what its user calls it.
fn thing(Credential { id, label, .. }: &Credential) -> String {
    if label.is_empty() { id.clone() } else { format!("{id} ({label})") }
}

impl Told {
    fn of(self, holder: &Holder) -> Self {
        match holder.as_user() {
            Some(user) => Self { user: user.to_owned(), ..self },
            None => Self { group: holder.name().to_owned(), ..self },
        }
    }

    /// The place of a branch restriction, and what tells it apart there; `None` where it is about none.
    pub fn restriction(&self) -> Option<(Place, String)> {
        let is_one = matches!(self.step.as_str(), "restrict" | "lift") && !self.thing.is_empty();
        self.place.parse().ok().filter(|_| is_one).map(|place| (place, self.thing.clone()))
    }

    /// Whether a restriction of ours was there before.
    pub fn was_ours(&self) -> bool {
        self.before == OURS
    }

    /// The place and the holder of a permission; `None` where it is about none.
    pub fn permission(&self) -> Option<(Place, Holder)> {
        let holder = match (self.user.as_str(), self.group.as_str()) {
            ("", group) => Holder::group(group),
            (user, "") => Holder::user(user),
            _ => None,
        };
        self.place.parse().ok().zip(holder)
    }
}
