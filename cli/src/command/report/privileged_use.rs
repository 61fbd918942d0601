//! `oam report privileged-use`.

use oam_audit::entry::{
    Decision, Entry, Event, Outcome, PrivilegeKind, SnapshotCause, StreamChange, TokenChange, Update,
};

use super::{Common, Work};
use crate::{
    command::{Context, Ending},
    output::{
        counted,
        report::{Kind, Row},
    },
    query::Filter,
};

const KIND: Kind = Kind {
    name: "privileged-use",
    title: "Use of privileges",
    question: "Who went past a rule, by which waiver, or did what only administrators may?",
    controls: &["SOC 2 CC6.1", "SOC 2 CC6.3", "ISO/IEC 27001 A.8.2"],
    columns: &["entry", "privilege", "who", "where", "what", "rule", "waiver", "reason", "look"],
};

/// Entries of these kinds are a use of a privilege, each of them.
const KINDS: [&str; 12] = [
    "permitted-while-unavailable",
    "admin-denied",
    "source-token",
    "signal-stream",
    "key-rotated",
    "snapshot-changed",
    "policy-changed",
    "policy-approved",
    "privilege-requested",
    "privilege-approved",
    "privilege-ended",
    "privilege-signed-off",
];

pub(super) fn run(common: &Common, context: &mut Context) -> Ending {
    let mut work = Work::begin(common, context)?;
    let mut rows: Vec<(u64, Row)> = Vec::new();
    let (lifted_only, for_a_while) =
        (Filter { lifted: true, ..work.filter() }, Filter { for_a_while: true, ..work.filter() });
    for filter in [lifted_only, for_a_while] {
        let lifts = filter.lifted;
        work.search.again(filter);
        while let Some(found) = work.search.next()? {
            let mut updates = Vec::new();
            for part in found.parts.clone() {
                if let Event::DecisionPart(part) = work.search.log().entry(part)?.1.event {
                    updates.extend(part.updates);
                }
            }
            let Event::Decision(decision) = &found.entry.event else { continue };
            updates.extend(decision.updates.iter().cloned());
            let entry = work.named(found.entry.seq, found.entry.time.timestamp());
            let of_update = |update| match lifts {
                true => Vec::from_iter(lifted(&entry, decision, update)),
                false => carried(&entry, decision, update),
            };
            rows.extend(updates.iter().flat_map(of_update).map(|row| (found.entry.seq, row)));
        }
    }
    for kind in KINDS {
        let filter = Filter { kind: Some(kind.to_owned()), ..work.filter() };
        work.search.again(filter);
        while let Some(found) = work.search.next()? {
            let entry = work.named(found.entry.seq, found.entry.time.timestamp());
            rows.extend(other(entry, &found.entry).map(|row| (found.entry.seq, row)));
        }
    }
    rows.sort_by_key(|(seq, _)| *seq);
    let mut report = work.report(KIND, common, context)?;
    for (_, row) in rows {
        report.row(row)?;
    }
    let notes = [
        "pushes that a hook let in while no daemon answered are known only once the hook has delivered them"
            .to_owned(),
        "grants to a named user stand in the policy: `oam report access-matrix` lists what they give"
            .to_owned(),
    ];
    work.end(common, report, &notes)
}

/// A rule that a waiver lifted for an update; `None` where none did.
fn lifted(entry: &str, decision: &Decision, update: &Update) -> Option<Row> {
    update.waiver.as_ref()?;
    let pairs = &update.lifted;
    let rules: Vec<&str> = pairs.iter().map(|one| one.rule.as_str()).collect();
    let mut waivers: Vec<&str> = pairs.iter().map(|one| one.waiver.as_str()).collect();
    waivers.extend(update.waiver.as_deref());
    waivers.sort_unstable();
    waivers.dedup();
    let went_in = if decision.outcome == Outcome::Permitted { "" } else { " (the push was not permitted)" };
    Some(Row {
        cells: vec![
            entry.to_owned(),
            "rule lifted".into(),
            decision.principal.clone(),
            decision.repository.clone(),
            format!("{}{went_in}", update.name.to_text()),
            rules.join(", "),
            waivers.join(", "),
            String::new(),
            "was it called for?".into(),
        ],
        finding: true,
    })
}

/// The roles that somebody had for a while, and that carried an update which went in.
fn carried(entry: &str, decision: &Decision, update: &Update) -> Vec<Row> {
    if decision.outcome != Outcome::Permitted {
        return Vec::new();
    }
    let ids = update.privilege.iter().chain(&update.privileges_beside);
    ids.filter_map(|id| carried_by(entry, decision, update, id)).collect()
}

/// The same of one of them; `None` where it is a lease: those of jobs are their usual way.
fn carried_by(entry: &str, decision: &Decision, update: &Update, id: &str) -> Option<Row> {
    let held = decision.privileges.iter().find(|held| held.id == id)?;
    let PrivilegeKind::Grant { role, elevation } = &held.privilege else { return None };
    let approved = match held.approved_by.as_slice() {
        [] => String::new(),
        by => format!(" (approved by {})", by.join(", ")),
    };
    Some(Row {
        cells: vec![
            entry.to_owned(),
            "role for a while".into(),
            decision.principal.clone(),
            decision.repository.clone(),
            format!("{} as {role}, by {id}{approved}", update.name.to_text()),
            update.grant.clone().unwrap_or_default(),
            elevation.clone(),
            held.reason.clone(),
            String::new(),
        ],
        finding: false,
    })
}

fn other(entry: String, found: &Entry) -> Option<Row> {
    let (privilege, who, place, what, reason, look) = match &found.event {
        Event::PermittedWhileUnavailable(permitted) => (
            "push without a decision",
            permitted.principal.clone(),
            permitted.repository.clone(),
            permitted
                .updates
                .iter()
                .map(|update| update.name.to_text().into_owned())
                .collect::<Vec<_>>()
                .join(", "),
            permitted.why.clone(),
            "nobody checked it",
        ),
        Event::AdminDenied(denied) => (
            "denied",
            denied.actor.clone(),
            String::new(),
            denied.call.clone(),
            String::new(),
            "who tried, and why?",
        ),
        Event::SourceToken(token) => {
            let what = match token.change {
                TokenChange::Created => "created",
                TokenChange::Revoked => "revoked",
            };
            (
                "token",
                token.actor.clone(),
                token.source.clone(),
                format!("{} {what}", token.token),
                String::new(),
                "",
            )
        }
        Event::SignalStream(stream) => (
            "signals",
            stream.actor.clone(),
            stream.transmitter.clone(),
            format!("stream {}", stream.change.as_str()),
            String::new(),
            if stream.change == StreamChange::Removed { "nobody is cut off by it any more" } else { "" },
        ),
        Event::KeyRotated(rotated) => (
            "key of the log",
            rotated.actor.clone(),
            String::new(),
            "another key signs the log".to_owned(),
            rotated.reason.clone(),
            "",
        ),
        Event::SnapshotChanged(changed) => {
            let what = match changed.cause {
                SnapshotCause::Import => "whole directory imported",
                SnapshotCause::Rollback => "directory rolled back",
                SnapshotCause::UserDeactivated => "user cut off",
                SnapshotCause::UserReactivated => "user let in again",
                SnapshotCause::Source | SnapshotCause::Rebuilt | SnapshotCause::Loaded => return None,
            };
            let look = if changed.cause == SnapshotCause::Rollback { "who is active again?" } else { "" };
            let subject = changed.subject.clone().unwrap_or_default();
            let reason = changed.reason.clone().unwrap_or_default();
            ("directory", changed.actor.clone(), subject, what.to_owned(), reason, look)
        }
        // Each start reads it again.
        Event::PolicyChanged(changed) if changed.previous.is_none() => return None,
        Event::PolicyChanged(changed) => {
            let look = if changed.unapproved { "without the approvals that were needed" } else { "" };
            let reason = changed.reason.clone().unwrap_or_default();
            (
                "policy",
                changed.author.clone(),
                String::new(),
                format!("{} in force", digest(&changed.digest)),
                reason,
                look,
            )
        }
        Event::PolicyApproved(approved) => {
            let reason = approved.reason.clone().unwrap_or_default();
            (
                "policy",
                approved.by.clone(),
                String::new(),
                format!("{} approved", digest(&approved.digest)),
                reason,
                "",
            )
        }
        Event::PrivilegeRequested(asked) => (
            "for a while",
            asked.by.clone(),
            asked.on.join(", "),
            format!("{} asked for: {}", asked.id, asked.privilege),
            asked.reason.clone(),
            "",
        ),
        Event::PrivilegeApproved(approved) => (
            "for a while",
            approved.by.clone(),
            String::new(),
            format!("{} approved", approved.id),
            approved.reason.clone().unwrap_or_default(),
            "",
        ),
        Event::PrivilegeEnded(ended) => (
            "for a while",
            ended.by.clone(),
            String::new(),
            format!("{} ended: {}", ended.id, ended.cause.as_str()),
            ended.reason.clone().unwrap_or_default(),
            "",
        ),
        Event::PrivilegeSignedOff(signed) => (
            "for a while",
            signed.by.clone(),
            String::new(),
            format!("{} signed off, of {}", signed.id, counted(signed.pushes, "push", "pushes")),
            signed.reason.clone(),
            "",
        ),
        _ => return None,
    };
    let cells = vec![
        entry,
        privilege.to_owned(),
        who,
        place,
        what,
        String::new(),
        String::new(),
        reason,
        look.to_owned(),
    ];
    Some(Row { cells, finding: !look.is_empty() })
}

fn digest(digest: &str) -> String {
    digest.chars().take(12).collect()
}
