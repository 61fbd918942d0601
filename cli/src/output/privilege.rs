//! What people have for a while.

use std::{collections::BTreeMap, fmt::Write as _};

use oam_proto::v1::{LeaseDetails, Privilege, PrivilegeReport, PrivilegedPush};
use serde::Serialize;

use super::{
    Page, json,
    layout::{Fields, Table, names},
    page::{counted, moment},
    quoted, shown,
};

/// What somebody has for a while, or asks for.
#[derive(Debug, Serialize)]
pub struct PrivilegeJson<'a> {
    id: &'a str,
    kind: &'a str,
    stage: &'a str,
    rule: &'a str,
    role: Option<&'a str>,
    lifts: &'a [String],
    username: &'a str,
    on: &'a [String],
    refs: &'a [String],
    seconds: u64,
    reason: &'a str,
    needed: u32,
    approvals: Vec<ApprovalJson<'a>>,
    asked: Option<String>,
    from: Option<String>,
    to: Option<String>,
    ended: Option<&'a str>,
    wants_sign_off: bool,
    signed_off: Option<SignOffJson<'a>>,
    answering: &'a [String],
    lease: Option<LeaseJson<'a>>,
}

#[derive(Debug, Serialize)]
struct LeaseJson<'a> {
    verbs: &'a [String],
    commit: Option<&'a str>,
    uses: u32,
    used: u32,
    issuer: &'a str,
    claims: BTreeMap<&'a str, &'a str>,
    paths: &'a [String],
    by_token: bool,
}

#[derive(Debug, Serialize)]
struct ApprovalJson<'a> {
    by: &'a str,
    at: Option<String>,
}

#[derive(Debug, Serialize)]
struct SignOffJson<'a> {
    by: &'a str,
    at: Option<String>,
    reason: &'a str,
}

impl<'a> From<&'a Privilege> for PrivilegeJson<'a> {
    fn from(one: &'a Privilege) -> Self {
        let approvals = one.approvals.iter();
        Self {
            id: &one.id,
            kind: &one.kind,
            stage: &one.stage,
            rule: &one.rule,
            role: json::some(&one.role),
            lifts: &one.lifts,
            username: &one.username,
            on: &one.on,
            refs: &one.refs,
            seconds: one.seconds,
            reason: &one.reason,
            needed: one.needed,
            approvals: approvals
                .map(|approval| ApprovalJson { by: &approval.by, at: json::time(approval.at_micros) })
                .collect(),
            asked: json::time(one.asked_micros),
            from: json::time(one.from_micros),
            to: json::time(one.to_micros),
            ended: json::some(&one.ended),
            wants_sign_off: one.wants_sign_off,
            signed_off: one.signed_off.as_ref().map(|signed| SignOffJson {
                by: &signed.by,
                at: json::time(signed.at_micros),
                reason: &signed.reason,
            }),
            answering: &one.answering,
            lease: one.lease.as_ref().map(|lease| LeaseJson {
                verbs: &lease.verbs,
                commit: json::some(&lease.commit),
                uses: lease.uses,
                used: lease.used,
                issuer: &lease.issuer,
                claims: lease.claims.iter().map(|(claim, text)| (claim.as_str(), text.as_str())).collect(),
                paths: &lease.paths,
                by_token: lease.by_token,
            }),
        }
    }
}

/// All of them.
#[derive(Debug, Serialize)]
pub struct ListJson<'a> {
    privileges: Vec<PrivilegeJson<'a>>,
}

impl<'a> ListJson<'a> {
    /// Of these.
    pub fn of(privileges: &'a [Privilege]) -> Self {
        Self { privileges: privileges.iter().map(Into::into).collect() }
    }
}

/// What was done with one.
#[derive(Debug, Serialize)]
pub struct ReportJson<'a> {
    privilege: Option<PrivilegeJson<'a>>,
    pushes_total: u64,
    pushes: Vec<PushJson<'a>>,
}

#[derive(Debug, Serialize)]
struct PushJson<'a> {
    decision: &'a str,
    time: Option<String>,
    repository: &'a str,
    refs: Vec<RefJson<'a>>,
}

#[derive(Debug, Serialize)]
struct RefJson<'a> {
    #[serde(rename = "ref")]
    name: String,
    verb: Option<&'a str>,
    lifted: &'a [String],
}

impl<'a> From<&'a PrivilegeReport> for ReportJson<'a> {
    fn from(report: &'a PrivilegeReport) -> Self {
        let of_push = |push: &'a PrivilegedPush| PushJson {
            decision: &push.decision,
            time: json::time(push.at_micros),
            repository: &push.repository,
            refs: push
                .refs
                .iter()
                .map(|one| RefJson {
                    name: String::from_utf8_lossy(&one.name).into_owned(),
                    verb: json::some(&one.verb),
                    lifted: &one.lifted,
                })
                .collect(),
        };
        Self {
            privilege: report.privilege.as_ref().map(Into::into),
            pushes_total: report.pushes_total,
            pushes: report.pushes.iter().map(of_push).collect(),
        }
    }
}

/// How one of them stands, and what can be done about it.
pub fn text(one: &Privilege, page: &Page) -> String {
    let id = quoted(&one.id);
    let headline = match one.stage.as_str() {
        "waiting" => {
            let missing = u64::from(one.needed).saturating_sub(one.approvals.len() as u64);
            page.warn(&format!("{id} waits for {}.", counted(missing, "more approval", "more approvals")))
        }
        "live" => page.good(&format!("{id} is in force until {}.", until(one))),
        _ if one.signed_off.is_some() => format!("{id} is over, and signed off."),
        _ if one.wants_sign_off => page.warn(&format!("{id} is over, and must be signed off.")),
        _ => format!("{id} is over."),
    };
    format!("{headline}\n{}{}", fields(one, page).laid_out(page), to_do(one))
}

fn until(one: &Privilege) -> String {
    moment(one.to_micros).map_or_else(|| "-".into(), super::page::utc)
}

fn fields(one: &Privilege, page: &Page) -> Fields {
    let approved: Vec<_> = one.approvals.iter().map(|approval| approval.by.clone()).collect();
    let seconds = i64::try_from(one.seconds).unwrap_or(i64::MAX);
    let mut fields = Fields::new()
        .with("what", what(one))
        .with("for", quoted(&one.username))
        .with("on", names(&one.on))
        .with("refs", names(&one.refs));
    if let Some(lease) = &one.lease {
        fields = leased(lease, fields);
    }
    fields = fields
        .with("how long", format!("{:#}", jiff::SignedDuration::from_secs(seconds)))
        .with("reason", shown(&one.reason))
        .with("asked", page.time(one.asked_micros))
        .with(
            "approved",
            if approved.is_empty() { String::new() } else { format!("by {}", names(&approved)) },
        );
    if one.stage == "ended" {
        fields = fields.with("ended", shown(&one.ended));
    }
    if let Some(signed) = &one.signed_off {
        let by =
            format!("{} by {}: {}", page.time(signed.at_micros), quoted(&signed.by), shown(&signed.reason));
        fields = fields.with("signed off", by);
    }
    fields
}

fn what(one: &Privilege) -> String {
    match one.kind.as_str() {
        "waiver" => format!("lifts {}, by the waiver {}", names(&one.lifts), quoted(&one.rule)),
        "lease" => {
            format!("a lease of the role {}, by the workload {}", quoted(&one.role), quoted(&one.rule))
        }
        _ => {
            format!("what the role {} is granted, by the elevation {}", quoted(&one.role), quoted(&one.rule))
        }
    }
}

fn to_do(one: &Privilege) -> String {
    let who = match one.answering.as_slice() {
        [] => String::new(),
        roles => format!(" with the role {}", names(roles)),
    };
    let id = shown(&one.id);
    match one.stage.as_str() {
        "waiting" => format!("For somebody else{who}:\n  oam grant approve {id}\n"),
        _ if one.wants_sign_off => format!(
            "For somebody else{who}:\n  oam breakglass report {id}\n  oam breakglass sign-off {id} --reason \"…\"\n"
        ),
        _ => String::new(),
    }
}

fn leased(lease: &LeaseDetails, fields: Fields) -> Fields {
    let claims: BTreeMap<_, _> = lease.claims.iter().collect();
    let claims: Vec<_> = claims.into_iter().map(|(claim, text)| format!("{claim}={text}")).collect();
    fields
        .with("to", names(&lease.verbs))
        .with("commit", shown(&lease.commit))
        .with("paths", if lease.paths.is_empty() { String::new() } else { names(&lease.paths) })
        .with(
            "counts",
            if lease.by_token { "for pushes that show its token".to_owned() } else { String::new() },
        )
        .with("pushes", format!("{} of {}", lease.used, lease.uses))
        .with("token", format!("of {}, {}", quoted(&lease.issuer), names(&claims)))
}

/// Leases, as a table.
pub fn leases_text(privileges: &[Privilege], page: &Page) -> String {
    if privileges.is_empty() {
        return "No job has leased anything.\n".into();
    }
    let mut table = Table::new(["ID", "STAGE", "WHO", "ROLE", "ON", "REFS", "UNTIL", "PUSHES", "WORKLOAD"]);
    for one in privileges {
        let pushes = one.lease.as_ref().map(|lease| format!("{} of {}", lease.used, lease.uses));
        let paths = one.lease.as_ref().filter(|lease| !lease.paths.is_empty());
        let paths = paths.map(|lease| format!(" (paths {})", names(&lease.paths))).unwrap_or_default();
        let stage = if one.stage == "ended" { &one.ended } else { &one.stage };
        table.push([
            shown(&one.id),
            shown(stage),
            shown(&one.username),
            shown(&one.role),
            names(&one.on),
            names(&one.refs) + &paths,
            until(one),
            pushes.unwrap_or_default(),
            shown(&one.rule),
        ]);
    }
    table.laid_out(page)
}

/// All of them, as a table.
pub fn list_text(privileges: &[Privilege], page: &Page) -> String {
    if privileges.is_empty() {
        return "Nobody asks for anything, or has anything for a while.\n".into();
    }
    let mut table = Table::new(["ID", "STAGE", "WHO", "WHAT", "ON", "REFS", "UNTIL", "APPROVALS", "REASON"]);
    for one in privileges {
        let what = match one.kind.as_str() {
            "waiver" => format!("lifts {}", names(&one.lifts)),
            _ => format!("role {}", shown(&one.role)),
        };
        let stage = match one.stage.as_str() {
            "ended" if one.wants_sign_off => "to sign off".to_owned(),
            "ended" => shown(&one.ended),
            other => shown(other),
        };
        table.push([
            shown(&one.id),
            stage,
            shown(&one.username),
            what,
            names(&one.on),
            names(&one.refs),
            until(one),
            format!("{} of {}", one.approvals.len(), one.needed),
            shown(&one.reason),
        ]);
    }
    table.laid_out(page)
}

/// What was done with one.
pub fn report_text(report: &PrivilegeReport, page: &Page) -> String {
    let mut out = report.privilege.as_ref().map(|one| text(one, page)).unwrap_or_default();
    if report.pushes_total == 0 {
        out.push_str("No push went in because of it.\n");
        return out;
    }
    let pushes = counted(report.pushes_total, "push", "pushes");
    let _ = writeln!(out, "{}", page.bold(&format!("{pushes} went in because of it:")));
    for push in &report.pushes {
        let at = moment(push.at_micros).map_or_else(String::new, super::page::utc);
        let _ = writeln!(
            out,
            "  {} {}  {}",
            page.dim(&at),
            shown(&push.repository),
            page.dim(&shown(&push.decision))
        );
        for one in &push.refs {
            let lifted = match one.lifted.as_slice() {
                [] => String::new(),
                rules => format!("  lifted {}", names(rules)),
            };
            let _ = writeln!(out, "    {} {}{lifted}", shown(&one.verb), shown(&one.name));
        }
    }
    let more = report.pushes_total.saturating_sub(report.pushes.len() as u64);
    if more > 0 {
        let _ = writeln!(out, "  and {}", counted(more, "more push", "more pushes"));
    }
    out
}
