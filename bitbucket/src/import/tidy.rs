//! What lints would say of a policy that says what was there: it is as it was, and stands in it as such.

use std::collections::BTreeMap;

use jiff::Timestamp;
use oam_policy::{
    Snapshot, Username,
    fault::Faults,
    file::{self, PolicySource},
    lint::{Lint, lint},
    snapshot::{Directory, Person},
};

use super::{
    Choices, Found,
    draft::Draft,
    write::{self, Allowed},
};
use crate::permission::Holder;

/// How often it is looked again. Of each lint a hundred warnings are told at once.
const ROUNDS: usize = 50;

/// The files of a draft, in which each warning is allowed, with the reason.
pub(super) fn allowing_what_is_as_it_was(
    draft: &Draft,
    found: &Found,
    choices: &Choices,
    now: Timestamp,
) -> Result<Vec<PolicySource>, Faults> {
    let snapshot = directory(found, choices, now);
    let mut allowed = Allowed::new();
    let mut files = write::files(draft, &allowed);
    for _ in 0..ROUNDS {
        let report = lint(&file::parse(&files)?, snapshot.as_ref(), now);
        let before = count(&allowed);
        for warning in report.open() {
            let key = (warning.about.kind(), warning.about.id().to_owned());
            allowed.entry(key).or_default().insert(warning.lint, reason(warning.lint));
        }
        if count(&allowed) == before {
            break;
        }
        files = write::files(draft, &allowed);
    }
    Ok(files)
}

fn count(allowed: &Allowed) -> usize {
    allowed.values().map(BTreeMap::len).sum()
}

fn reason(lint: Lint) -> &'static str {
    match lint {
        Lint::ForceOnWidePattern => "as in Bitbucket, where whoever may write may rewrite and delete",
        Lint::ServiceWithoutLease => "as in Bitbucket, where the account may push at any time",
        Lint::RoleWithoutMembers => "as in Bitbucket, where nobody is in the group",
        _ => "as it was in Bitbucket",
    }
}

/// The directory in which groups have the members that they have in Bitbucket; `None` where two users have one name.
pub(super) fn directory(found: &Found, choices: &Choices, now: Timestamp) -> Option<Snapshot> {
    let mut directory = Directory::default();
    let groups = found.members.keys().filter_map(|group| choices.group(group));
    directory.groups.extend(groups);
    for account in &found.seen.accounts.is {
        let (Ok(username), Some(user)) = (Username::parse(&account.name), Holder::user(&account.name)) else {
            continue;
        };
        let own = found.members.iter().filter(|(_, members)| members.contains(&user));
        let groups = own.filter_map(|(group, _)| choices.group(group)).collect();
        directory.people.push(Person { active: account.active, groups, ..Person::named(username) });
    }
    Snapshot::of_directory(1, now, &directory, Default::default()).ok()
}
