use jiff::Timestamp;
use oam_bitbucket::{
    permission::{Holder, Level, Place},
    provision::{Settings, Told},
};
use oam_policy::{
    GroupName, Policy, Snapshot, Username,
    entitle::{self, NameInOrder, Receiver},
};

/// Whether somebody holds a role by which they may be in the group that a change takes them out of.
pub(crate) fn is_member(settings: &Settings, policy: &Policy, snapshot: &Snapshot, change: &Told) -> bool {
    let (Ok(user), Some(group)) = (Username::parse(&change.user), Holder::group(&change.group)) else {
        return false;
    };
    let user = NameInOrder(user);
    let is_it = |source: &str, name: &str| {
        settings.groups.contains(source) && Holder::group(name).as_ref() == Some(&group)
    };
    entitle::role_holders(policy, snapshot).values().any(|holders| {
        holders.groups.iter().flatten().any(|one| is_it(one.source(), one.name()))
            && (holders.people.contains(&user) || holders.named.contains(&user))
    })
}

/// What rules give somebody by name at the place of a change now; but nothing where they have as much by the whole project. What they are
/// given by groups that Bitbucket may have, too, is not theirs by name.
pub(crate) fn granted(
    settings: &Settings,
    policy: &Policy,
    snapshot: &Snapshot,
    change: &Told,
    now: Timestamp,
) -> Option<Level> {
    let user = Username::parse(&change.user).ok()?;
    let (place, _) = change.permission()?;
    let roles = entitle::roles_of(policy, snapshot, &user);
    let is_theirs = |to: &Receiver, by_name: bool| match to {
        Receiver::Account(account) => account.key() == user.key(),
        Receiver::Role(role) => roles.get(role).is_some_and(|groups| {
            let is_else = |group: &GroupName| !settings.groups.contains(group.source());
            !by_name || groups.as_ref().is_none_or(|groups| groups.iter().any(is_else))
        }),
    };
    let at = |place: entitle::Place<'_>, by_name: bool| {
        let all = entitle::entitlements(policy, place, now).into_iter();
        all.filter(|one| is_theirs(&one.to, by_name)).map(|one| Level::from(one.right)).max()
    };
    let project = place.project();
    let project = entitle::Place::Project(project.as_str());
    match &place {
        Place::Project(_) => at(project, true),
        Place::Repository(repository) => {
            let above = at(project, false);
            at(entitle::Place::Repository(repository), true).filter(|level| above < Some(*level))
        }
    }
}
