use serde::{Deserialize, Serialize};

use crate::permission::{Holder, Place};

/// Something that is not as it should be, or that the policy cannot know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What kind of thing it is.
    pub kind: FindingKind,
    /// Where; `None`: everywhere.
    pub place: Option<Place>,
    /// Whose.
    pub holder: Option<Holder>,
    /// What tells it from others of the same kind, place and holder: the id of a token, a key or a restriction, a group, a script and
    /// for what it does not run; and how far it goes, as a level: what goes further than before is another one. Empty where there is
    /// only one.
    pub thing: String,
    /// What it is, for people.
    pub what: String,
    /// Whether `oam bitbucket apply` mends it.
    pub mended: bool,
}

/// What kinds of things are found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FindingKind {
    /// A hook script of ours is not registered any more.
    HookGone,
    /// The hook is not on any more for a project that it was installed for.
    HookOff,
    /// The hook does not run for all changes of a project or a repository.
    HookNarrowed,
    /// Another file is registered, or run, than was installed.
    HookReplaced,
    /// A project was made after the hook was installed for every one, and does not have it.
    HookNotYet,
    /// Somebody who is gone still has something.
    Gone,
    /// Something of a place could not be read: nobody knows what is there.
    Unread,
    /// An account is let in that no source knows and no rule names.
    UnknownAccount,
    /// Somebody has the name of another account than the one that was known by it.
    AnotherAccount,
    /// Somebody is in a group that a role is mapped to, and no source has them there.
    GroupMember,
    /// A permission is granted and not given, or given and no longer granted.
    Differs,
    /// A permission that nobody granted, and that is not ours.
    NotGranted,
    /// Somebody administers Bitbucket, and the policy does not let them administer everything.
    Administers,
    /// Everybody may do something in a project, whoever they are.
    Everybody,
    /// A branch restriction that does not apply to some persons.
    Exemption,
    /// A branch restriction: a second rule beside the policy.
    Restriction,
    /// An access key that is nobody's, with which whoever has it may write.
    KeyWrites,
    /// A token or key that never ends.
    Endless,
    /// A token or key that nobody used for long.
    Unused,
}

/// What must have been looked at for a kind of thing to be found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum FoundIn {
    /// Where the hook is registered and on.
    Hooks,
    /// Permissions, groups and restrictions: they are always looked at.
    Permissions,
    /// Tokens and keys.
    Credentials,
}

/// What mends a kind of thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MendedBy {
    /// `oam bitbucket install`, once more.
    Install,
    /// `oam bitbucket apply`.
    Apply,
    /// `oam bitbucket apply --fix`, where the kind is named.
    Fix,
    /// Whoever finds out what it is.
    Somebody,
}

impl FindingKind {
    /// Every one, the worst first.
    pub const ALL: [Self; 19] = [
        Self::HookGone,
        Self::HookOff,
        Self::HookNarrowed,
        Self::HookReplaced,
        Self::HookNotYet,
        Self::Gone,
        Self::Unread,
        Self::UnknownAccount,
        Self::AnotherAccount,
        Self::Administers,
        Self::GroupMember,
        Self::NotGranted,
        Self::Everybody,
        Self::Differs,
        Self::Exemption,
        Self::Restriction,
        Self::KeyWrites,
        Self::Endless,
        Self::Unused,
    ];

    /// The one of that name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }

    /// Where it is found.
    pub const fn found_in(self) -> FoundIn {
        match self {
            Self::HookGone | Self::HookOff | Self::HookNarrowed | Self::HookReplaced | Self::HookNotYet => {
                FoundIn::Hooks
            }
            Self::KeyWrites | Self::Endless | Self::Unused => FoundIn::Credentials,
            Self::Gone
            | Self::Unread
            | Self::UnknownAccount
            | Self::AnotherAccount
            | Self::GroupMember
            | Self::Administers
            | Self::NotGranted
            | Self::Everybody
            | Self::Differs
            | Self::Exemption
            | Self::Restriction => FoundIn::Permissions,
        }
    }

    /// What mends it. What others gave is only ever mended where it is named.
    pub const fn mended_by(self) -> MendedBy {
        match self {
            Self::HookGone | Self::HookOff | Self::HookNarrowed | Self::HookReplaced | Self::HookNotYet => {
                MendedBy::Install
            }
            Self::Gone | Self::Differs => MendedBy::Apply,
            Self::Unread | Self::AnotherAccount => MendedBy::Somebody,
            Self::UnknownAccount
            | Self::Administers
            | Self::GroupMember
            | Self::NotGranted
            | Self::Everybody
            | Self::Exemption
            | Self::Restriction
            | Self::KeyWrites
            | Self::Endless
            | Self::Unused => MendedBy::Fix,
        }
    }

    /// Its name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::HookGone => "hook-gone",
            Self::HookOff => "hook-off",
            Self::HookNarrowed => "hook-narrowed",
            Self::HookReplaced => "hook-replaced",
            Self::HookNotYet => "hook-not-yet",
            Self::Gone => "gone",
            Self::Unread => "unread",
            Self::UnknownAccount => "unknown-account",
            Self::AnotherAccount => "another-account",
            Self::GroupMember => "group-member",
            Self::Differs => "differs",
            Self::NotGranted => "not-granted",
            Self::Administers => "administers",
            Self::Everybody => "everybody",
            Self::Exemption => "exemption",
            Self::Restriction => "restriction",
            Self::KeyWrites => "key-writes",
            Self::Endless => "endless",
            Self::Unused => "unused",
        }
    }
}

impl Finding {
    /// The command that mends it; `None`: none does as long as it is so. `jit`: Bitbucket writes memberships itself.
    pub fn mended_by(&self, jit: bool) -> Option<String> {
        match (self.mended, self.kind.mended_by()) {
            (true, _) => Some("oam bitbucket apply".to_owned()),
            (false, MendedBy::Fix) if jit && self.kind == FindingKind::GroupMember => None,
            (false, MendedBy::Install) => Some("oam bitbucket install … --apply".to_owned()),
            (false, MendedBy::Fix) => Some(format!("oam bitbucket apply --fix {}", self.kind.as_str())),
            (false, MendedBy::Apply | MendedBy::Somebody) => None,
        }
    }

    /// Where it stands among others: the worst first.
    pub fn rank(&self) -> usize {
        FindingKind::ALL.iter().position(|kind| *kind == self.kind).unwrap_or(FindingKind::ALL.len())
    }
}
