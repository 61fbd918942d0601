//! What Bitbucket has beside what the policy says.

use std::collections::{BTreeMap, BTreeSet};

use oam_bitbucket::provision::{Finding, FindingKind, Plan};
use serde::Serialize;

use super::{Page, page::counted, shown};

/// Everything that was found.
#[derive(Debug, Serialize)]
pub struct DriftJson<'a> {
    policy: &'a str,
    directory: &'a str,
    /// How many of each kind; also of those of which there are none.
    counts: BTreeMap<&'static str, usize>,
    findings: Vec<FindingJson>,
}

#[derive(Debug, Serialize)]
struct FindingJson {
    kind: &'static str,
    place: Option<String>,
    holder: Option<String>,
    what: String,
    mended: bool,
    mended_by: Option<String>,
}

impl<'a> DriftJson<'a> {
    /// Of what was found by the policy and the directory of a plan. `jit`: Bitbucket writes memberships itself.
    pub fn of(plan: &'a Plan, found: &[Finding], jit: bool) -> Self {
        let count = |kind: FindingKind| found.iter().filter(|one| one.kind == kind).count();
        let finding = |one: &Finding| FindingJson {
            kind: one.kind.as_str(),
            place: one.place.as_ref().map(ToString::to_string),
            holder: one.holder.as_ref().map(ToString::to_string),
            what: one.what.clone(),
            mended: one.mended,
            mended_by: one.mended_by(jit),
        };
        Self {
            policy: &plan.policy,
            directory: &plan.directory,
            counts: FindingKind::ALL.iter().map(|kind| (kind.as_str(), count(*kind))).collect(),
            findings: found.iter().map(finding).collect(),
        }
    }
}

/// The same for people, by kind.
pub fn drift_text(found: &[Finding], jit: bool, page: &Page) -> String {
    if found.is_empty() {
        return page.good("Bitbucket is as the policy says.") + "\n";
    }
    let mut text = String::new();
    for kind in FindingKind::ALL {
        let of_kind: Vec<_> = found.iter().filter(|one| one.kind == kind).collect();
        if of_kind.is_empty() {
            continue;
        }
        text.push_str(&page.bold(&format!("{} ({})", title(kind), of_kind.len())));
        text.push_str(&mended_by(&of_kind, jit, page));
        text.push('\n');
        for one in of_kind {
            let place = one.place.as_ref().map(|place| format!("{place}: ")).unwrap_or_default();
            let holder =
                one.holder.as_ref().map(|holder| shown(&holder.to_string()) + " ").unwrap_or_default();
            text.push_str(&format!("  {place}{holder}{}\n", shown(&one.what)));
        }
    }
    let mended = found.iter().filter(|one| one.mended).count();
    let all = counted(found.len() as u64, "finding", "findings");
    let mended = match mended {
        0 => String::new(),
        many => format!(" `oam bitbucket apply` mends {many}."),
    };
    format!("{text}{}{mended}\n", page.warn(&format!("{all}.")))
}

/// Which commands mend findings of one kind.
fn mended_by(of_kind: &[&Finding], jit: bool, page: &Page) -> String {
    let all: BTreeSet<_> = of_kind.iter().filter_map(|one| one.mended_by(jit)).collect();
    let all: Vec<_> = all.into_iter().map(|command| format!("`{command}`")).collect();
    match all.is_empty() {
        true => String::new(),
        false => page.dim(&format!(", mended by {}", all.join(" or "))),
    }
}

fn title(kind: FindingKind) -> &'static str {
    match kind {
        FindingKind::HookGone => "The hook is not registered: changes pass unseen",
        FindingKind::HookOff => "The hook is off: changes pass unseen",
        FindingKind::HookNarrowed => "The hook does not run for every change: some pass unseen",
        FindingKind::HookReplaced => "The hook is another one than was installed",
        FindingKind::HookNotYet => "The hook is not there yet: changes pass unseen",
        FindingKind::Gone => "Gone, and still there",
        FindingKind::Unread => "Could not be read",
        FindingKind::UnknownAccount => "Let in, and known to no source",
        FindingKind::AnotherAccount => "Another account than the one that was known by that name",
        FindingKind::GroupMember => "In a group, and not by any source",
        FindingKind::Administers => "Administers Bitbucket, and not by the policy",
        FindingKind::NotGranted => "Granted by nobody",
        FindingKind::Everybody => "For everybody",
        FindingKind::Differs => "Not as the policy says",
        FindingKind::Exemption => "Branch restrictions that are not for everybody",
        FindingKind::Restriction => "Branch restrictions beside the policy",
        FindingKind::KeyWrites => "Access keys that write",
        FindingKind::Endless => "Never ends",
        FindingKind::Unused => "Not used for long",
    }
}

#[cfg(test)]
mod tests {
    use oam_bitbucket::provision::{Finding, FindingKind};

    use super::drift_text;
    use crate::output::samples::page;

    #[test]
    fn findings_read_well_the_worst_first() {
        let finding = |kind, place: Option<&str>, what: &str, mended| Finding {
            kind,
            place: place.map(|place| place.parse().unwrap()),
            holder: Some("user:ada".parse().unwrap()),
            thing: String::new(),
            what: what.into(),
            mended,
        };
        let found = [
            finding(FindingKind::Endless, None, "HTTP token 1 `ci` never ends", false),
            finding(FindingKind::Gone, Some("PAY"), "still has write", true),
        ];
        insta::assert_snapshot!(drift_text(&found, false, &page()), @"
        Gone, and still there (1), mended by `oam bitbucket apply`
          PAY: user:ada still has write
        Never ends (1), mended by `oam bitbucket apply --fix endless`
          user:ada HTTP token 1 `ci` never ends
        2 findings. `oam bitbucket apply` mends 1.
        ");
        assert_eq!(drift_text(&[], false, &page()), "Bitbucket is as the policy says.\n");
        // Where Bitbucket writes memberships itself no command takes anybody out.
        let member = [finding(FindingKind::GroupMember, None, "is in the group eng", false)];
        let told = |jit| drift_text(&member, jit, &page()).contains("--fix group-member");
        assert!(told(false) && !told(true));
    }
}
