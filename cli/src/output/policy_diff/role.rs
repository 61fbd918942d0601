//! Who holds which role otherwise.

use oam_proto::v1::{PolicyCrowd, PolicyRoleChange};
use serde::Serialize;

use super::StepJson;
use crate::output::{
    Page,
    layout::names,
    page::{counted, number},
    shown, shown_line,
};

/// A role that others hold than before.
#[derive(Debug, Serialize)]
pub struct RoleJson<'a> {
    effect: &'static str,
    role: &'a str,
    before: u64,
    after: u64,
    gained: CrowdJson<'a>,
    lost: CrowdJson<'a>,
    uses: &'a [String],
}

#[derive(Debug, Serialize)]
struct CrowdJson<'a> {
    users: u64,
    sample: &'a [String],
}

/// See [`StepJson`].
pub fn role_json(change: &PolicyRoleChange) -> StepJson<'_> {
    StepJson::Role(Box::new(RoleJson {
        effect: "holders",
        role: &change.role,
        before: change.before,
        after: change.after,
        gained: crowd(change.gained.as_ref()),
        lost: crowd(change.lost.as_ref()),
        uses: &change.uses,
    }))
}

fn crowd(crowd: Option<&PolicyCrowd>) -> CrowdJson<'_> {
    let sample = crowd.map(|crowd| crowd.sample.as_slice()).unwrap_or_default();
    CrowdJson { users: crowd.map(|crowd| crowd.users).unwrap_or_default(), sample }
}

/// One role: who comes and goes, and what its holders may.
pub fn role_text(change: &PolicyRoleChange, page: &Page) -> String {
    let mut text = format!(
        "{} {}: {}, now {}\n",
        page.warn("~ other holders of the role"),
        shown(&change.role),
        counted(change.before, "user", "users"),
        number(change.after)
    );
    let mut line = |label: &str, value: String| text.push_str(&format!("    {label:<8}{value}\n"));
    for (label, crowd) in [("gained", &change.gained), ("lost", &change.lost)] {
        if let Some(crowd) = crowd.as_ref().filter(|crowd| crowd.users > 0) {
            line(label, people(crowd));
        }
    }
    for (at, used) in change.uses.iter().enumerate() {
        line(if at == 0 { "it" } else { "" }, shown_line(used));
    }
    text
}

fn people(crowd: &PolicyCrowd) -> String {
    let rest = crowd.users.saturating_sub(crowd.sample.len() as u64);
    let rest = if rest == 0 { String::new() } else { format!(" and {} more", number(rest)) };
    format!("{}{rest}", names(&crowd.sample))
}

#[cfg(test)]
mod tests {
    use oam_proto::v1::{PolicyCrowd, PolicyRoleChange};

    use super::{role_json, role_text};
    use crate::output::samples::page;

    #[test]
    fn who_comes_to_administer_is_told() {
        let change = PolicyRoleChange {
            role: "platform-admin".into(),
            before: 1,
            after: 8,
            gained: Some(PolicyCrowd { users: 7, sample: vec!["ada".into(), "bo".into()] }),
            lost: Some(PolicyCrowd::default()),
            uses: vec!["administers the daemon as `admin`".into(), "approves for `reviewed`".into()],
        };
        insta::assert_snapshot!(role_text(&change, &page()), @"
        ~ other holders of the role platform-admin: 1 user, now 8
            gained  ada, bo and 5 more
            it      administers the daemon as `admin`
                    approves for `reviewed`
        ");
        insta::assert_snapshot!(serde_json::to_string(&role_json(&change)).unwrap(), @r#"{"effect":"holders","role":"platform-admin","before":1,"after":8,"gained":{"users":7,"sample":["ada","bo"]},"lost":{"users":0,"sample":[]},"uses":["administers the daemon as `admin`","approves for `reviewed`"]}"#);
    }
}
