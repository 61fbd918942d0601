//! Policies: checked, applied, shown, listed.

use oam_proto::v1::{
    ApplyPolicyResponse, CheckPolicyResponse, Faults, ListPoliciesResponse, PolicyFile, PolicyInfo,
    ShowPolicyResponse,
};
use serde::Serialize;

use super::{
    Page,
    faults::{self, FaultJson},
    json,
    layout::{Fields, Table, names},
    page::{counted, moment, short, utc},
    policy_proposal::{self, ProposalJson},
    policy_test::Counts,
    quoted, shown, shown_line,
    warnings::{self, Wanted, WarningsJson},
};

/// A policy.
#[derive(Debug, Serialize)]
pub struct PolicyJson<'a> {
    digest: &'a str,
    in_force: bool,
    loaded: Option<String>,
    origin: Option<&'a str>,
    author: Option<&'a str>,
    reason: Option<&'a str>,
    path: Option<&'a str>,
    roles: u64,
    grants: u64,
    blocks: u64,
    requires: u64,
    waivers: u64,
    approvals: u32,
    approved_by: &'a [String],
    unapproved: bool,
}

impl<'a> From<&'a PolicyInfo> for PolicyJson<'a> {
    fn from(info: &'a PolicyInfo) -> Self {
        Self {
            digest: &info.digest,
            in_force: info.in_force,
            loaded: json::time(info.loaded_micros),
            origin: json::some(&info.origin),
            author: json::some(&info.author),
            reason: json::some(&info.reason),
            path: json::some(&info.path),
            roles: info.roles,
            grants: info.grants,
            blocks: info.blocks,
            requires: info.requires,
            waivers: info.waivers,
            approvals: info.approvals,
            approved_by: &info.approved_by,
            unapproved: info.unapproved,
        }
    }
}

/// The beginning of its digest.
pub(super) fn named(info: &PolicyInfo) -> String {
    short(&info.digest)
}

/// What a policy holds and where it came from.
pub(super) fn fields(info: &PolicyInfo, page: &Page) -> Fields {
    let by = if info.author.is_empty() { String::new() } else { format!(" by {}", quoted(&info.author)) };
    let origin = if info.origin.is_empty() { String::new() } else { shown(&info.origin) + &by };
    let loaded = moment(info.loaded_micros).map(|_| page.time(info.loaded_micros));
    Fields::new()
        .with("holds", holds(info))
        .with("came by", origin)
        .with("approved", approved(info))
        .with("loaded", loaded.unwrap_or_default())
        .with("reason", shown(&info.reason))
        .with("follows", shown(&info.path))
        .with("next", next(info))
}

/// By whom; empty where nobody had to.
fn approved(info: &PolicyInfo) -> String {
    let by =
        if info.approved_by.is_empty() { String::new() } else { format!("by {}", names(&info.approved_by)) };
    match (info.unapproved, by.as_str()) {
        (false, _) => by,
        (true, "") => "by nobody: the configuration of oamd let it pass".into(),
        (true, by) => format!("{by}, which is too few: the configuration of oamd let it pass"),
    }
}

/// What its successor needs; empty where one administrator will do.
fn next(info: &PolicyInfo) -> String {
    match info.approvals {
        0 => String::new(),
        needed => format!("needs {} by others", counted(needed.into(), "approval", "approvals")),
    }
}

fn holds(info: &PolicyInfo) -> String {
    let always = [
        counted(info.roles, "role", "roles"),
        counted(info.grants, "grant", "grants"),
        counted(info.blocks, "block", "blocks"),
    ];
    // Rarer kinds are told where there are some.
    let rarer = [(info.requires, "require", "requires"), (info.waivers, "waiver", "waivers")];
    let rarer = rarer.into_iter().filter(|(count, ..)| *count > 0);
    always
        .into_iter()
        .chain(rarer.map(|(count, one, many)| counted(count, one, many)))
        .collect::<Vec<_>>()
        .join(", ")
}

/// What a check found. `ok` means that there is no fault, and no warning that is denied.
#[derive(Debug, Serialize)]
pub struct CheckJson<'a> {
    ok: bool,
    policy: Option<PolicyJson<'a>>,
    tests: Counts,
    #[serde(flatten)]
    warnings: WarningsJson<'a>,
    warnings_denied: u64,
    faults_total: u64,
    faults: Vec<FaultJson<'a>>,
}

/// See [`CheckJson`].
pub fn check_json<'a>(response: &'a CheckPolicyResponse, wanted: &Wanted) -> CheckJson<'a> {
    let faults = response.faults.as_ref();
    let total = faults.map_or(0, faults::total);
    let denied = wanted.denied(response.warnings.as_ref());
    CheckJson {
        ok: total == 0 && denied == 0,
        policy: response.policy.as_ref().map(Into::into),
        tests: Counts::of(&response.tests),
        warnings: warnings::of(response.warnings.as_ref()),
        warnings_denied: denied,
        faults_total: total,
        faults: faults.map(faults::list).unwrap_or_default(),
    }
}

/// What a check of the policy at `path` found.
pub fn check_text(response: &CheckPolicyResponse, path: &str, wanted: &Wanted, page: &Page) -> String {
    let warnings = warnings::text(response.warnings.as_ref(), wanted, page);
    if let Some(faults) = found(response.faults.as_ref()) {
        return warnings + &faults::text(faults, "this policy would not be loaded.", page);
    }
    let known = response.warnings.as_ref();
    let good = match wanted.denied(known) {
        0 if wanted.is_unknown(known) => {
            let unknown = "whether it has a warning that is denied is not known";
            page.bad(&format!("{} has no fault, but {unknown}.", quoted(path)))
        }
        0 => page.good(&format!("{} is good.", quoted(path))),
        denied => {
            let denied = counted(denied, "warning is denied", "warnings are denied");
            page.bad(&format!("{} has no fault, but {denied}.", quoted(path)))
        }
    };
    let what = response
        .policy
        .as_ref()
        .map_or_else(String::new, |info| format!(" It is policy {}, with {}.", named(info), holds(info)));
    let counts = Counts::of(&response.tests);
    let tests = if counts.all() == 0 { String::new() } else { format!(" {}", counts.sentence()) };
    format!("{warnings}{good}{what}{tests}\n")
}

/// What came of applying a policy. With faults nothing was changed.
#[derive(Debug, Serialize)]
pub struct ApplyJson<'a> {
    changed: bool,
    policy: Option<PolicyJson<'a>>,
    proposal: Option<ProposalJson<'a>>,
    #[serde(flatten)]
    warnings: WarningsJson<'a>,
    faults_total: u64,
    faults: Vec<FaultJson<'a>>,
}

/// See [`ApplyJson`].
pub fn apply_json(response: &ApplyPolicyResponse) -> ApplyJson<'_> {
    let faults = response.faults.as_ref();
    ApplyJson {
        changed: response.changed,
        policy: response.policy.as_ref().map(Into::into),
        proposal: response.proposal.as_ref().map(Into::into),
        warnings: warnings::of(response.warnings.as_ref()),
        faults_total: faults.map_or(0, faults::total),
        faults: faults.map(faults::list).unwrap_or_default(),
    }
}

/// What came of applying a policy, of going back to one, or of approving one.
pub fn apply_text(response: &ApplyPolicyResponse, page: &Page) -> String {
    let mut text = warnings::text(response.warnings.as_ref(), &Wanted::default(), page);
    if let Some(faults) = found(response.faults.as_ref()) {
        return text + &faults::text(faults, "the policy in force stays as it is.", page);
    }
    if let Some(proposal) = &response.proposal {
        return text + &policy_proposal::waits_text(proposal, page);
    }
    let name = response
        .policy
        .as_ref()
        .map_or_else(|| "The policy".into(), |info| format!("Policy {}", named(info)));
    text.push_str(&if response.changed {
        page.good(&format!("{name} is in force."))
    } else {
        format!("{name} was in force already; nothing has changed.")
    });
    text.push('\n');
    if let Some(info) = &response.policy {
        text.push_str(&fields(info, page).laid_out(page));
    }
    text
}

fn found(faults: Option<&Faults>) -> Option<&Faults> {
    faults.filter(|faults| faults::any(faults))
}

/// A policy with its files.
#[derive(Debug, Serialize)]
pub struct ShowJson<'a> {
    policy: Option<PolicyJson<'a>>,
    files: Vec<FileJson<'a>>,
}

#[derive(Debug, Serialize)]
struct FileJson<'a> {
    name: &'a str,
    text: &'a str,
}

/// See [`ShowJson`].
pub fn show_json<'a>(response: &'a ShowPolicyResponse) -> ShowJson<'a> {
    let file = |file: &'a PolicyFile| FileJson { name: &file.name, text: &file.text };
    ShowJson {
        policy: response.policy.as_ref().map(Into::into),
        files: response.files.iter().map(file).collect(),
    }
}

/// A policy and the text of its files.
pub fn show_text(response: &ShowPolicyResponse, page: &Page) -> String {
    let mut text = String::new();
    if let Some(info) = &response.policy {
        let force = if info.in_force { page.good("in force") } else { "not in force".into() };
        text.push_str(&format!("{} {}, {force}\n", page.bold("Policy:"), named(info)));
        let digest = Fields::new().with("digest", shown(&info.digest));
        text.push_str(&digest.and(fields(info, page)).laid_out(page));
    }
    for file in &response.files {
        text.push_str(&format!("\n{}\n", page.bold(&format!("# {}", shown(&file.name)))));
        for line in file.text.lines() {
            text.push_str(&shown_line(line));
            text.push('\n');
        }
    }
    text
}

/// The policies, newest first.
#[derive(Debug, Serialize)]
pub struct HistoryJson<'a> {
    policies: Vec<PolicyJson<'a>>,
}

/// See [`HistoryJson`].
pub fn history_json(list: &ListPoliciesResponse) -> HistoryJson<'_> {
    HistoryJson { policies: list.policies.iter().map(Into::into).collect() }
}

/// The policies as a table, with a mark on the one in force.
pub fn history_text(list: &ListPoliciesResponse, page: &Page) -> String {
    if list.policies.is_empty() {
        return "No policy was ever loaded; load one with `oam policy apply PATH --reason …`.\n".into();
    }
    let mut table = Table::new(["", "DIGEST", "LOADED", "AGE", "ORIGIN", "BY", "REASON"]);
    for info in &list.policies {
        let at = moment(info.loaded_micros);
        table.push([
            if info.in_force { "*" } else { "" }.into(),
            named(info),
            at.map_or_else(|| "-".into(), utc),
            at.map_or_else(|| "-".into(), |at| page.age(at)),
            shown(&info.origin),
            shown(&info.author),
            shown(&info.reason),
        ]);
    }
    table.laid_out(page)
}

#[cfg(test)]
mod tests;
