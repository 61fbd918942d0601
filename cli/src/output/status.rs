//! How the daemon is.

use oam_proto::v1::{AuditInfo, Collector, Status};
use serde::Serialize;

use super::{
    Page, json,
    layout::{Fields, Table, counts},
    page::number,
    policy::{self, PolicyJson},
    shown, shown_line,
    snapshot::{self, SnapshotJson},
};

/// How the daemon is.
#[derive(Debug, Serialize)]
pub struct StatusJson<'a> {
    ready: bool,
    version: &'a str,
    node: &'a str,
    state_dir: Option<&'a str>,
    started: Option<String>,
    snapshot: Option<SnapshotJson<'a>>,
    policy: Option<PolicyJson<'a>>,
    audit: Option<AuditJson<'a>>,
    collectors: Vec<CollectorJson<'a>>,
    pushes: PushesJson,
    warnings: &'a [String],
    alarms: &'a [String],
}

#[derive(Debug, Serialize)]
struct AuditJson<'a> {
    writable: bool,
    entries: u64,
    root: Option<&'a str>,
    checkpoint: Option<&'a str>,
}

#[derive(Debug, Serialize)]
struct CollectorJson<'a> {
    name: &'a str,
    kind: &'a str,
    taken: u64,
    waiting: u64,
    waits_ms: u64,
    trouble: Option<&'a str>,
}

impl<'a> From<&'a Collector> for CollectorJson<'a> {
    fn from(one: &'a Collector) -> Self {
        Self {
            name: &one.name,
            kind: &one.kind,
            taken: one.taken,
            waiting: one.waiting,
            waits_ms: one.waits_millis,
            trouble: json::some(&one.trouble),
        }
    }
}

#[derive(Debug, Serialize)]
struct PushesJson {
    permitted: u64,
    refused: u64,
    undecided: u64,
}

impl<'a> From<&'a Status> for StatusJson<'a> {
    fn from(status: &'a Status) -> Self {
        let audit = |audit: &'a AuditInfo| AuditJson {
            writable: audit.writable,
            entries: audit.entries,
            root: json::some(&audit.root),
            checkpoint: json::some(&audit.checkpoint),
        };
        Self {
            ready: status.ready,
            version: &status.version,
            node: &status.node,
            state_dir: json::some(&status.state_dir),
            started: json::time(status.started_micros),
            snapshot: status.snapshot.as_ref().map(Into::into),
            policy: status.policy.as_ref().map(Into::into),
            audit: status.audit.as_ref().map(audit),
            collectors: status.collectors.iter().map(Into::into).collect(),
            pushes: PushesJson {
                permitted: status.permitted,
                refused: status.refused,
                undecided: status.undecided,
            },
            warnings: &status.warnings,
            alarms: &status.alarms,
        }
    }
}

/// How the daemon is, for people: the verdict first, the warnings right below it.
pub fn text(status: &Status, page: &Page) -> String {
    let verdict =
        if status.ready { page.good("ready") } else { page.bad("not ready: it cannot permit any push") };
    let mut text = format!("oamd {} on {}: {verdict}\n", shown(&status.version), shown(&status.node));
    for alarm in &status.alarms {
        text.push_str(&format!("{} {}\n", page.bad("ALARM:"), page.bad(&shown_line(alarm))));
    }
    for warning in &status.warnings {
        text.push_str(&format!("{} {}\n", page.warn("warning:"), shown_line(warning)));
    }
    text.push_str(
        &Fields::new()
            .with("started", page.time(status.started_micros))
            .with("state", shown(&status.state_dir))
            .with("pushes", pushes(status))
            .laid_out(page),
    );

    match &status.snapshot {
        Some(info) => section(
            &mut text,
            page,
            "Directory",
            &snapshot::named(info),
            &snapshot::fields(info)
                .with("as of", page.time(info.as_of_micros))
                .with("changed", page.time(info.changed_micros))
                .with("reason", shown(&info.reason)),
        ),
        None => section(
            &mut text,
            page,
            "Directory",
            &page.bad("none"),
            &Fields::new().with("to do", "load one with `oam snapshot import FILE`"),
        ),
    }
    match &status.policy {
        Some(info) => section(&mut text, page, "Policy", &policy::named(info), &policy::fields(info, page)),
        None => section(
            &mut text,
            page,
            "Policy",
            &page.bad("none"),
            &Fields::new().with("to do", "load one with `oam policy apply PATH --reason …`"),
        ),
    }
    match &status.audit {
        Some(info) => {
            let writable = if info.writable { page.good("writable") } else { page.bad("not writable") };
            section(
                &mut text,
                page,
                "Audit log",
                &writable,
                &Fields::new().with("entries", number(info.entries)).with("root", shown(&info.root)),
            );
        }
        None => section(&mut text, page, "Audit log", &page.bad("none"), &Fields::new()),
    }
    collectors(&mut text, status, page);
    text
}

/// Who collects the log, where anybody does.
fn collectors(text: &mut String, status: &Status, page: &Page) {
    if status.collectors.is_empty() {
        return;
    }
    let all_well = status.collectors.iter().all(|one| one.trouble.is_empty());
    let state = if all_well { page.good("all take it") } else { page.bad("not all take it") };
    let mut table = Table::new(["collector", "kind", "waiting"]);
    for one in &status.collectors {
        table.push([shown(&one.name), shown(&one.kind), number(one.waiting)]);
    }
    text.push_str(&format!("\n{} {state}\n{}", page.bold("Collectors:"), table.laid_out(page)));
}

fn pushes(status: &Status) -> String {
    counts(
        &[(status.permitted, "permitted"), (status.refused, "refused"), (status.undecided, "undecided")],
        "none since then",
    )
}

fn section(text: &mut String, page: &Page, heading: &str, state: &str, fields: &Fields) {
    text.push_str(&format!("\n{} {state}\n{}", page.bold(&format!("{heading}:")), fields.laid_out(page)));
}
