use oam_policy::Repository;
use serde::Serialize;

use crate::{
    model::{self, Rights},
    permission::{Holder, Place},
};

/// Something of Bitbucket that the policy does not say, or says otherwise.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Left {
    /// What kind of thing.
    pub kind: LeftKind,
    /// Where; `None`: everywhere.
    pub place: Option<Place>,
    /// Whose.
    pub holder: Option<Holder>,
    /// What it is, for people.
    pub what: String,
}

/// What kinds of things there are that are not carried over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum LeftKind {
    /// Something is given to somebody by name.
    Person,
    /// A restriction does not apply to somebody, by name.
    ExemptPerson,
    /// A restriction does not apply to an access key.
    AccessKey,
    /// A group that Bitbucket does not have any more, or whose name no group of a directory can have.
    Group,
    /// A restriction of a kind that is not known.
    UnknownRestriction,
    /// A restriction on refs that cannot be told.
    UnknownRefs,
    /// A restriction on refs that cannot be said exactly: it is on all refs.
    WiderRefs,
    /// Projects that are somebody's own.
    PersonalProjects,
    /// The right to make repositories or projects.
    Creating,
    /// Refs that are neither branches nor tags.
    OtherRefs,
    /// A user whose name nobody of a directory can have.
    Name,
}

impl LeftKind {
    /// Every one, the most pressing first.
    pub const ALL: [Self; 11] = [
        Self::UnknownRestriction,
        Self::UnknownRefs,
        Self::Person,
        Self::ExemptPerson,
        Self::AccessKey,
        Self::Group,
        Self::Name,
        Self::WiderRefs,
        Self::PersonalProjects,
        Self::Creating,
        Self::OtherRefs,
    ];

    /// Its name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Person => "person",
            Self::ExemptPerson => "exempt-person",
            Self::AccessKey => "access-key",
            Self::Group => "group",
            Self::UnknownRestriction => "unknown-restriction",
            Self::UnknownRefs => "unknown-refs",
            Self::WiderRefs => "wider-refs",
            Self::PersonalProjects => "personal-projects",
            Self::Creating => "creating",
            Self::OtherRefs => "other-refs",
            Self::Name => "name",
        }
    }

    /// What to do.
    pub const fn help(self) -> &'static str {
        match self {
            Self::Person => {
                "a machine: import again with `--service NAME`. A person: make a group for them, or write a grant to `user` that ends"
            }
            Self::ExemptPerson => {
                "a machine: import again with `--service NAME`. A person: make a group for them, and name its role in `except`"
            }
            Self::AccessKey => {
                "push with the key once while the policy is tried out, see by which name in `oam audit tail`, and name that in the `service` of a role"
            }
            Self::Group => "take it out in Bitbucket, or write a role for the group that is meant",
            Self::UnknownRestriction => "find out what it does, and write a block or a require for it",
            Self::UnknownRefs => "write the block or require by hand, with the refs that are meant",
            Self::WiderRefs => "write the refs that are meant in place of `refs/**`",
            Self::PersonalProjects => {
                "do not install the hook there, or write grants for them: without one nobody pushes there but administrators"
            }
            Self::Creating => "nothing: Bitbucket goes on deciding who makes repositories and projects",
            Self::OtherRefs => "add them to the grants if you use them, as `refs/notes/**`",
            Self::Name => "rename the user in Bitbucket",
        }
    }

    /// Whether somebody should look at it before the policy is put in force; the rest is a matter of course.
    pub const fn matters(self) -> bool {
        !matches!(self, Self::PersonalProjects | Self::Creating | Self::OtherRefs)
    }

    /// Whether the policy might give more by it than Bitbucket does.
    pub const fn may_widen(self) -> bool {
        matches!(self, Self::UnknownRestriction | Self::UnknownRefs)
    }

    /// Whether the policy gives less by it.
    const fn narrows(self) -> bool {
        match self {
            Self::Person | Self::ExemptPerson | Self::Group | Self::WiderRefs | Self::OtherRefs => true,
            Self::AccessKey
            | Self::UnknownRestriction
            | Self::UnknownRefs
            | Self::PersonalProjects
            | Self::Creating
            | Self::Name => false,
        }
    }
}

/// A question of which Bitbucket and the policy think otherwise.
#[derive(Debug, Clone, Copy)]
pub(super) struct Doubted<'a> {
    pub(super) user: &'a Holder,
    pub(super) repository: &'a Repository,
    pub(super) name: &'a str,
    /// Whether the policy gives more.
    pub(super) wider: bool,
}

impl Left {
    /// Whether it is a reason for a difference.
    pub(super) fn explains(&self, doubted: &Doubted<'_>, rights: &Rights) -> bool {
        let kind = match doubted.wider {
            true => self.kind.may_widen(),
            false => self.kind.narrows(),
        };
        let is_branch = ["refs/heads/", "refs/tags/"].iter().any(|start| doubted.name.starts_with(start));
        let here = self.place.as_ref().is_none_or(|place| model::holds(place, doubted.repository));
        let about = self.holder.as_ref().is_none_or(|holder| {
            holder == doubted.user || rights.groups(doubted.user).any(|group| group == holder)
        });
        kind && here && about && (self.kind != LeftKind::OtherRefs || !is_branch)
    }
}
