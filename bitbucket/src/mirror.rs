//! Protections of the policy, written as Bitbucket's own branch restrictions as well: its pages show them, and they hold when
//! the hook is gone.
//!
//! A mirror never refuses what the policy permits. So only those rules are mirrored of which Bitbucket can say no more than
//! they say, whichever way its documentation is read; the others are told, with the reason.
//!
//! **Must never:** touch a restriction that is not ours, or delete one of a project by way of a repository: that would delete
//! it for the whole project.

mod changes;
mod refs;
mod rules;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

pub use changes::{Owned, changes};
pub use rules::{Protection, Protections};

use crate::{
    Matcher, Restriction,
    permission::{Holder, HolderKind, Place},
};

/// What is mirrored, as the daemon's configuration says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MirrorSettings {
    /// Where; nothing is mirrored elsewhere.
    pub at: BTreeSet<Place>,
    /// Whether rules with wildcards are, too. Bitbucket's patterns match any end of a name, so `refs/heads/release/*` is met
    /// by `refs/heads/refs/heads/release/1` as well, which the policy may permit.
    pub patterns: bool,
}

/// A restriction as it should be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mirrored {
    /// What it forbids, by Bitbucket's word.
    pub kind: String,
    /// On which refs.
    pub matcher: Matcher,
    /// The users to whom it does not apply.
    pub users: BTreeSet<String>,
    /// The groups to whom it does not apply.
    pub groups: BTreeSet<String>,
}

impl MirrorSettings {
    /// Whether something is mirrored at a place.
    pub fn covers(&self, place: &Place) -> bool {
        self.at.iter().any(|one| one.holds(place))
    }

    /// Whether a project's restrictions are.
    fn covers_project_of(&self, place: &Place) -> bool {
        self.at.contains(&Place::Project(place.project()))
    }
}

impl Mirrored {
    /// What Bitbucket tells restrictions of one place apart by.
    pub fn thing(&self) -> String {
        thing(&self.kind, &self.matcher)
    }

    /// To whom it does not apply, for people.
    pub fn exempt(&self) -> String {
        let users = self.users.iter().map(|user| format!("user:{user}"));
        let all: Vec<_> = self.groups.iter().map(|group| format!("group:{group}")).chain(users).collect();
        if all.is_empty() { "for everybody".to_owned() } else { format!("but for {}", all.join(", ")) }
    }

    /// Whether that is what is there.
    fn is(&self, there: &Restriction) -> bool {
        there.access_keys.is_empty()
            && holders(HolderKind::User, &self.users) == holders(HolderKind::User, &there.users)
            && holders(HolderKind::Group, &self.groups) == holders(HolderKind::Group, &there.groups)
    }
}

/// In any case they are the same.
fn holders<'a>(kind: HolderKind, names: impl IntoIterator<Item = &'a String>) -> BTreeSet<Holder> {
    names.into_iter().filter_map(|name| Holder::new(kind, name)).collect()
}

impl Restriction {
    /// What Bitbucket tells restrictions of one place apart by.
    pub fn thing(&self) -> String {
        thing(&self.kind, &self.matcher)
    }
}

fn thing(kind: &str, matcher: &Matcher) -> String {
    format!("{kind} {} {}", matcher.kind.as_str(), matcher.id)
}
