use oam_bitbucket::{
    permission::Holder,
    provision::{Settings, Told},
};
use oam_policy::{
    Policy, Snapshot, Username,
    entitle::{self, NameInOrder},
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
