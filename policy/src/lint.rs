//! What a policy says that is allowed and probably not meant. A warning never keeps a policy from being loaded.

use std::collections::BTreeSet;

use jiff::Timestamp;

use crate::{
    file::suggest::nearest,
    name::{GroupName, RuleId},
    printable::Printable,
    rule::{Policy, Role, Window},
    snapshot::Snapshot,
};

/// How many warnings look among all groups for the one that was meant: the search is the costly part.
const SUGGESTIONS: usize = 20;

/// Warnings, one sentence each, in order of the rules. Without a directory, those that need none.
pub fn lint(policy: &Policy, snapshot: Option<&Snapshot>, now: Timestamp) -> Vec<String> {
    let mut warnings = Vec::new();
    if let Some(snapshot) = snapshot {
        unknown_groups(policy, snapshot, &mut warnings);
        roles_without_members(policy, snapshot, &mut warnings);
    }
    for role in policy.roles().iter().filter(|role| !role.service.is_empty() && role.max_lease.is_none()) {
        warnings.push(format!(
            "the service role `{}` has no `max_lease`: it may be assumed without end",
            role.id
        ));
    }
    for grant in policy.grants() {
        warnings.extend(over("grant", &grant.id, &grant.window, now));
    }
    for block in policy.blocks() {
        warnings.extend(over("block", &block.id, &block.window, now));
    }
    warnings
}

fn over(kind: &str, id: &RuleId, window: &Window, now: Timestamp) -> Option<String> {
    let end = window.to().filter(|end| *end <= now)?;
    Some(format!("the {kind} `{id}` has been over since {end}: it can be taken out"))
}

fn unknown_groups(policy: &Policy, snapshot: &Snapshot, warnings: &mut Vec<String>) {
    for role in policy.roles() {
        for group in role.any.union(&role.all).filter(|group| !is_known(group, snapshot)) {
            let names = || snapshot.groups().iter().filter(|known| known.source() == group.source());
            let searched = warnings.len() < SUGGESTIONS;
            let meant = searched.then(|| nearest(group.name(), names().map(GroupName::name))).flatten();
            let hint = match meant {
                Some(name) => format!(": did you mean `{}:{}`?", group.source(), Printable::new(name)),
                None => String::new(),
            };
            warnings.push(format!(
                "the role `{}` names the group `{group}`, which the directory does not know{hint}",
                role.id
            ));
        }
    }
}

fn is_known(group: &GroupName, snapshot: &Snapshot) -> bool {
    snapshot.groups().binary_search(group).is_ok()
}

fn roles_without_members(policy: &Policy, snapshot: &Snapshot, warnings: &mut Vec<String>) {
    // Whoever looks for members need look only for roles that could have some.
    let could_be_held = |role: &&Role| {
        let any = role.any.is_empty() || role.any.iter().any(|group| is_known(group, snapshot));
        any && role.all.iter().all(|group| is_known(group, snapshot))
    };
    let by_group = || policy.roles().iter().filter(|role| role.service.is_empty());
    let mut sought: Vec<&Role> = by_group().filter(could_be_held).collect();
    for user in snapshot.users().filter(crate::snapshot::UserView::is_active) {
        if sought.is_empty() {
            break;
        }
        sought.retain(|role| !role.holds_by_group(&user));
    }
    let unheld: BTreeSet<_> = sought.iter().map(|role| &role.id).collect();
    for role in by_group().filter(|role| unheld.contains(&role.id) || !could_be_held(role)) {
        warnings.push(format!("nobody who is active holds the role `{}`", role.id));
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use super::lint;
    use crate::{
        file::{PolicySource, parse},
        snapshot::{Snapshot, file::parse_json},
    };

    #[test]
    fn what_is_probably_not_meant() {
        let policy = r#"
version = 1
[[role]]
id = "developer"
any = ["okta:enginering", "okta:engineering"]
[[role]]
id = "lost"
any = ["ad:nowhere"]
[[role]]
id = "left"
all = ["okta:engineering", "okta:gone"]
[[role]]
id = "bot"
service = ["svc"]
[[grant]]
id = "old"
to = ["developer"]
on = ["**"]
refs = ["refs/**"]
verbs = ["create"]
expires = 2026-01-01T00:00:00Z
[[grant]]
id = "live"
to = ["developer"]
on = ["**"]
refs = ["refs/**"]
verbs = ["create"]
expires = 2026-01-01T00:00:01Z
[[block]]
id = "freeze"
on = ["**"]
refs = ["refs/**"]
to = 2025-01-01T00:00:00Z
"#;
        let policy = parse(&[PolicySource { name: "p".into(), text: policy.into() }]).unwrap();
        let directory = r#"{"version":1,"users":[
            {"username":"a","groups":["okta:engineering"]},
            {"username":"b","active":false,"groups":["okta:engineering","okta:gone"]}]}"#;
        let directory = parse_json("d", directory).unwrap();
        let now = "2026-01-01T00:00:00Z".parse().unwrap();
        let snapshot = Snapshot::of_directory(1, now, &directory, Default::default()).unwrap();
        let mut told = String::new();
        for warning in lint(&policy, Some(&snapshot), now) {
            writeln!(told, "{warning}").unwrap();
        }
        insta::assert_snapshot!(told, @r#"
        the role `developer` names the group `okta:enginering`, which the directory does not know: did you mean `okta:engineering`?
        the role `lost` names the group `ad:nowhere`, which the directory does not know
        nobody who is active holds the role `left`
        nobody who is active holds the role `lost`
        the service role `bot` has no `max_lease`: it may be assumed without end
        the grant `old` has been over since 2026-01-01T00:00:00Z: it can be taken out
        the block `freeze` has been over since 2025-01-01T00:00:00Z: it can be taken out
        "#);
        assert_eq!(lint(&policy, None, now).len(), 3);
    }
}
