use std::collections::BTreeSet;

use super::{Snapshot, UserView};
use crate::name::{GroupName, Username};

/// What changed from one snapshot to another. Every list is ascending by name.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SnapshotDiff {
    /// Users that are new.
    pub added: Vec<Username>,
    /// Users that are gone.
    pub removed: Vec<Username>,
    /// Users that are in both, and differ.
    pub changed: Vec<UserChange>,
    /// Groups that are new.
    pub groups_added: Vec<GroupName>,
    /// Groups that are gone.
    pub groups_removed: Vec<GroupName>,
}

/// How one user changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserChange {
    /// Who.
    pub username: Username,
    /// `Some(true)`: may act now and could not before; `Some(false)`: the other way round.
    pub active: Option<bool>,
    /// Groups joined.
    pub joined: Vec<GroupName>,
    /// Groups left.
    pub left: Vec<GroupName>,
    /// Whether the id, the spelling of the name, the display name, the e-mails or the keys differ.
    pub details: bool,
}

impl SnapshotDiff {
    /// What changed from `old` to `new`.
    pub fn between(old: &Snapshot, new: &Snapshot) -> Self {
        let mut diff = Self::default();
        for was in old.users() {
            match new.user(&was.username().key()) {
                Some(is) => diff.changed.extend(change(&was, &is)),
                None => diff.removed.push(was.username().clone()),
            }
        }
        let is_new = |user: &UserView<'_>| old.user(&user.username().key()).is_none();
        diff.added.extend(new.users().filter(is_new).map(|user| user.username().clone()));
        diff.groups_added = missing_from(new.groups(), old.groups());
        diff.groups_removed = missing_from(old.groups(), new.groups());
        diff.added.sort_by_key(Username::key);
        diff.removed.sort_by_key(Username::key);
        diff.changed.sort_by_key(|change| change.username.key());
        diff
    }

    /// Whether nothing changed.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

fn change(was: &UserView<'_>, is: &UserView<'_>) -> Option<UserChange> {
    let before: BTreeSet<_> = was.groups().collect();
    let after: BTreeSet<_> = is.groups().collect();
    let change = UserChange {
        username: is.username().clone(),
        active: (was.is_active() != is.is_active()).then_some(is.is_active()),
        joined: after.difference(&before).copied().cloned().collect(),
        left: before.difference(&after).copied().cloned().collect(),
        details: was.id() != is.id()
            || was.username() != is.username()
            || was.display_name() != is.display_name()
            || !was.emails().eq(is.emails())
            || was.ssh_keys() != is.ssh_keys()
            || was.openpgp_keys() != is.openpgp_keys(),
    };
    let same =
        change.active.is_none() && change.joined.is_empty() && change.left.is_empty() && !change.details;
    (!same).then_some(change)
}

fn missing_from(these: &[GroupName], those: &[GroupName]) -> Vec<GroupName> {
    these.iter().filter(|group| those.binary_search(group).is_err()).cloned().collect()
}
