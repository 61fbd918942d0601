use std::collections::BTreeSet;

use super::{About, Lint, Report};
use crate::{
    file::suggest::nearest,
    name::{GroupName, Username, UsernameKey},
    printable::Printable,
    rule::{Policy, Role},
    snapshot::Snapshot,
};

/// How many warnings look among all names for the one that was meant: the search is the costly part.
const SUGGESTIONS: usize = 20;

/// Names of groups and people that the directory does not know.
pub(super) fn look(policy: &Policy, snapshot: &Snapshot, report: &mut Report) {
    let mut searches = SUGGESTIONS;
    for role in policy.roles() {
        for group in role.any.union(&role.all).filter(|group| !is_known(group, snapshot)) {
            let help = near_group(group, snapshot, &mut searches);
            let so = if can_be_held(role, snapshot) { "" } else { ": nobody can hold it" };
            let message = format!(
                "the role `{}` names the group `{group}`, which the directory does not know{so}",
                role.id
            );
            report.add(Lint::UnknownGroup, About::Role(role.id.clone()), message, help);
        }
    }
    let services: BTreeSet<&UsernameKey> = policy.roles().iter().flat_map(|role| &role.service).collect();
    for grant in policy.grants() {
        let Some(exception) = &grant.user else { continue };
        for (name, does) in [(&exception.user, "is for"), (&exception.approved_by, "was approved by")] {
            if snapshot.user(&name.key()).is_some() || services.contains(&name.key()) {
                continue;
            }
            let help = near_user(name, snapshot, &mut searches);
            let shown = Printable::new(name.as_str());
            let message =
                format!("the grant `{}` {does} `{shown}`, whom the directory does not know", grant.id);
            report.add(Lint::UnknownUser, About::Grant(grant.id.clone()), message, help);
        }
    }
}

/// Whether the directory knows enough of the role's groups for somebody to hold it.
pub(super) fn can_be_held(role: &Role, snapshot: &Snapshot) -> bool {
    let any = role.any.is_empty() || role.any.iter().any(|group| is_known(group, snapshot));
    any && role.all.iter().all(|group| is_known(group, snapshot))
}

fn is_known(group: &GroupName, snapshot: &Snapshot) -> bool {
    snapshot.groups().binary_search(group).is_ok()
}

fn near_group(group: &GroupName, snapshot: &Snapshot, searches: &mut usize) -> Option<String> {
    *searches = searches.checked_sub(1)?;
    let names = snapshot.groups().iter().filter(|known| known.source() == group.source());
    let near = nearest(group.name(), names.map(GroupName::name))?;
    Some(format!("did you mean `{}:{}`?", group.source(), Printable::new(near)))
}

fn near_user(name: &Username, snapshot: &Snapshot, searches: &mut usize) -> Option<String> {
    *searches = searches.checked_sub(1)?;
    let near = nearest(name.as_str(), snapshot.users().map(|user| user.username().as_str()))?;
    Some(format!("did you mean `{}`?", Printable::new(near)))
}
