//! `oam report policy-changes`.

use oam_audit::entry::{Event, PolicyDiff, PolicyOrigin};

use super::{Common, Work};
use crate::{
    command::{Context, Ending},
    output::report::{Kind, Row},
    query::Filter,
};

const KIND: Kind = Kind {
    name: "policy-changes",
    title: "Changes of the policy",
    question: "Was each change of the rules asked for, approved by somebody else, and looked at?",
    controls: &["SOC 2 CC8.1", "ISO/IEC 27001 A.8.32", "ISO/IEC 27001 A.5.3"],
    columns: &[
        "entry",
        "what",
        "policy",
        "replaces",
        "origin",
        "by",
        "approved by",
        "reason",
        "changes",
        "look",
    ],
};

/// The kinds of entries it is about, in the order in which they happen.
const KINDS: [&str; 5] =
    ["policy-proposed", "policy-approved", "policy-withdrawn", "policy-rejected", "policy-changed"];

pub(super) fn run(common: &Common, context: &mut Context) -> Ending {
    let mut work = Work::begin(common, context)?;
    let mut found = Vec::new();
    for kind in KINDS {
        let filter = Filter { kind: Some(kind.to_owned()), ..work.filter() };
        work.search.again(filter);
        while let Some(one) = work.search.next()? {
            found.push(one.entry);
        }
    }
    found.sort_by_key(|entry| entry.seq);
    let mut report = work.report(KIND, common, context)?;
    for entry in found {
        let place = work.named(entry.seq, entry.time.timestamp());
        if let Some(row) = row(place, &entry.event) {
            report.row(row)?;
        }
    }
    let notes = [
        "a start reads the policy again and writes an entry; it changes nothing where `replaces` is empty".to_owned(),
        "all of a change: `oam policy diff --old DIGEST --new DIGEST`; what it would have decided: `oam policy replay`".to_owned(),
    ];
    work.end(common, report, &notes)
}

fn row(entry: String, event: &Event) -> Option<Row> {
    let short = |digest: &str| digest.chars().take(12).collect::<String>();
    let reason = |reason: &Option<String>| reason.clone().unwrap_or_default();
    let mut finding = String::new();
    let cells = match event {
        Event::PolicyProposed(proposed) => [
            "proposed".to_owned(),
            short(&proposed.digest),
            proposed.previous.as_deref().map(short).unwrap_or_default(),
            origin(proposed.origin).to_owned(),
            proposed.author.clone(),
            format!("needs {}", proposed.needed),
            reason(&proposed.reason),
            diff(proposed.diff.as_ref()),
        ],
        Event::PolicyApproved(approved) => {
            if approved.by == approved.author {
                finding = "approved by its author".into();
            }
            [
                "approved".to_owned(),
                short(&approved.digest),
                String::new(),
                String::new(),
                approved.author.clone(),
                format!("{} ({} of {})", approved.by, approved.approvals, approved.needed),
                reason(&approved.reason),
                String::new(),
            ]
        }
        Event::PolicyWithdrawn(ended) => [
            "withdrawn".to_owned(),
            short(&ended.digest),
            String::new(),
            String::new(),
            ended.by.clone(),
            String::new(),
            reason(&ended.reason),
            String::new(),
        ],
        Event::PolicyRejected(rejected) => [
            "not taken".to_owned(),
            String::new(),
            String::new(),
            origin(rejected.origin).to_owned(),
            rejected.author.clone(),
            String::new(),
            format!("{} faults, the first: {}", rejected.faults, rejected.first_fault),
            String::new(),
        ],
        Event::PolicyChanged(changed) => {
            let replaced = changed.previous.is_some();
            if changed.unapproved {
                finding = "in force without the approvals that were needed".into();
            } else if replaced && changed.approved_by.is_empty() {
                finding = "nobody else approved it".into();
            } else if changed.approved_by.contains(&changed.author) {
                finding = "approved by its author".into();
            } else if replaced && changed.reason.is_none() {
                finding = "no reason was given".into();
            }
            [
                "in force".to_owned(),
                short(&changed.digest),
                changed.previous.as_deref().map(short).unwrap_or_default(),
                origin(changed.origin).to_owned(),
                changed.author.clone(),
                changed.approved_by.join(", "),
                reason(&changed.reason),
                diff(changed.diff.as_ref()),
            ]
        }
        _ => return None,
    };
    let is_finding = !finding.is_empty();
    let cells = std::iter::once(entry).chain(cells).chain([finding]).collect();
    Some(Row { cells, finding: is_finding })
}

fn origin(origin: PolicyOrigin) -> &'static str {
    match origin {
        PolicyOrigin::Starter => "starter",
        PolicyOrigin::File => "file",
        PolicyOrigin::Apply => "apply",
        PolicyOrigin::Rollback => "rollback",
        PolicyOrigin::Start => "start",
    }
}

fn diff(diff: Option<&PolicyDiff>) -> String {
    let Some(diff) = diff else { return String::new() };
    let more = if diff.exact { "" } else { " or more" };
    let first = diff.first.first().map_or_else(String::new, |first| format!(", the first: {first}"));
    format!("{}{more}{first}", diff.changes)
}
