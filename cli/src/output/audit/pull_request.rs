//! The pull request that a verdict rested on.

use std::collections::BTreeMap;

use oam_audit::entry::{PullRequest, Said, WeighedApproval};

use super::super::{page::counted, shown, shown_line};

/// How many people are named.
const NAMED: usize = 5;

/// `pull request 17: approved by bob, carol; not counted: dave (outdated)`.
pub(super) fn told(one: &PullRequest) -> String {
    let number = one.number.map_or_else(String::new, |number| format!(" {number}"));
    let told = match &one.said {
        Said::Unknown { why } => format!("it is not known who approved: {}", shown_line(why)),
        Said::Known { approvals, .. } if approvals.all.is_none() => {
            counted(approvals.told, "approval", "approvals")
        }
        Said::Known { approvals, .. } if approvals.told == 0 => "no approvals".to_owned(),
        Said::Known { .. } => weighed(one),
    };
    format!("pull request{number}: {told}")
}

/// Who counts for any role that was asked for, and who for none.
fn weighed(one: &PullRequest) -> String {
    let all = || one.counts.iter().flat_map(|count| count.approvals.all.iter().flatten());
    let is_good = |one: &&WeighedApproval| one.worth == "counts";
    let good: BTreeMap<_, _> = all().filter(is_good).map(|one| (one.by.as_str(), "")).collect();
    let mut others = BTreeMap::new();
    for one in all().filter(|one| !good.contains_key(one.by.as_str())) {
        others.entry(one.by.as_str()).or_insert(one.worth.as_str());
    }
    let parts = [("approved by", good), ("not counted:", others)];
    let parts = parts.into_iter().filter(|(_, people)| !people.is_empty());
    parts.map(|(what, people)| format!("{what} {}", named(&people))).collect::<Vec<_>>().join("; ")
}

fn named(people: &BTreeMap<&str, &str>) -> String {
    let one = |(by, worth): (&&str, &&str)| match *worth {
        "" => shown(by),
        worth => format!("{} ({})", shown(by), shown(worth)),
    };
    let told: Vec<_> = people.iter().map(one).take(NAMED).collect();
    let more = people.len().saturating_sub(NAMED);
    let more = if more == 0 { String::new() } else { format!(" and {more} more") };
    told.join(", ") + &more
}
