//! `oam report leavers`.

use std::collections::BTreeMap;

use jiff::Timestamp;
use oam_audit::entry::{Decision, Entry, Event, Outcome, SnapshotCause, SnapshotChanged};

use super::{Common, Work};
use crate::{
    command::{Context, Ending},
    failure::Failure,
    output::report::{Kind, Row},
    query::Filter,
};

const KIND: Kind = Kind {
    name: "leavers",
    title: "Leavers",
    question: "Was everybody who left cut off, when was that in force, and did anything of theirs go in after it?",
    controls: &["SOC 2 CC6.2", "SOC 2 CC6.3", "ISO/IEC 27001 A.5.18"],
    columns: &[
        "user",
        "cut off",
        "by",
        "how",
        "reason",
        "in force",
        "first refusal",
        "refusals",
        "permitted after",
        "verdict",
    ],
};

/// Reasons that say that somebody is cut off, or is nobody any more.
const REASONS: [&str; 3] = ["revoked", "account-disabled", "unknown-principal"];

/// What an entry says of whether somebody may push at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Out,
    In,
}

/// Somebody who was cut off.
struct Leaver {
    /// The entry that did it; none where the directory was imported as a whole.
    out: Option<(u64, Timestamp)>,
    by: String,
    how: &'static str,
    reason: String,
    /// When they were let in again.
    back: Option<(u64, Timestamp)>,
}

pub(super) fn run(common: &Common, context: &mut Context) -> Ending {
    let mut work = Work::begin(common, context)?;
    let mut leavers: BTreeMap<String, Vec<Leaver>> = BTreeMap::new();
    let mut imports = 0_u64;
    let filter = Filter { kind: Some("snapshot-changed".into()), ..work.filter() };
    work.search.again(filter);
    while let Some(found) = work.search.next()? {
        let Event::SnapshotChanged(changed) = &found.entry.event else { continue };
        imports += u64::from(changed.cause == SnapshotCause::Import);
        note(&mut leavers, &found.entry, changed);
    }
    refused(&mut work, &mut leavers)?;
    let mut report = work.report(KIND, common, context)?;
    for (user, times) in leavers {
        for leaver in times {
            let row = row(&mut work, &user, &leaver)?;
            report.row(row)?;
        }
    }
    let mut notes = vec![
        "a change is recorded before whoever sent it is answered, so `cut off` is when it was received and in force here; \
         when somebody left is known at the source alone"
            .to_owned(),
    ];
    if imports > 0 {
        notes.push(format!(
            "imports of the whole directory: {imports}; who left with that is listed once they are refused; for all of \
             them ask `oam snapshot diff` while the generations are kept"
        ));
    }
    work.end(common, report, &notes)
}

fn note(leavers: &mut BTreeMap<String, Vec<Leaver>>, entry: &Entry, changed: &SnapshotChanged) {
    let (Some(subject), Some((step, how))) = (&changed.subject, step(changed)) else { return };
    let at = (entry.seq, entry.time.timestamp());
    let times = leavers.entry(subject.to_lowercase()).or_default();
    match step {
        Step::Out => times.push(Leaver {
            out: Some(at),
            by: changed.actor.clone(),
            how,
            reason: changed.reason.clone().unwrap_or_default(),
            back: None,
        }),
        Step::In => {
            // More than one source may have cut them off before.
            for leaver in times {
                leaver.back.get_or_insert(at);
            }
        }
    }
}

/// Whether a change cut its subject off or let them in again. What a source did, it says in words.
fn step(changed: &SnapshotChanged) -> Option<(Step, &'static str)> {
    let said = |word: &str| {
        changed.reason.as_deref().is_some_and(|reason| reason.split([' ', ',']).any(|part| part == word))
    };
    match changed.cause {
        SnapshotCause::UserDeactivated => Some((Step::Out, "command")),
        SnapshotCause::UserReactivated => Some((Step::In, "command")),
        SnapshotCause::Source if said("deactivated") || said("deleted") => Some((Step::Out, "source")),
        SnapshotCause::Source if said("activated") || said("created") => Some((Step::In, "source")),
        SnapshotCause::Source
        | SnapshotCause::Import
        | SnapshotCause::Rollback
        | SnapshotCause::Rebuilt
        | SnapshotCause::Loaded => None,
    }
}

/// Adds whoever was refused for being cut off, and left with an import.
fn refused(work: &mut Work, leavers: &mut BTreeMap<String, Vec<Leaver>>) -> Result<(), Failure> {
    for reason in REASONS {
        let filter = Filter { reason: Some(reason.to_owned()), ..work.filter() };
        work.search.again(filter);
        while let Some(found) = work.search.next()? {
            let Event::Decision(decision) = found.entry.event else { continue };
            leavers.entry(decision.principal.to_lowercase()).or_insert_with(|| {
                let how = if reason == "unknown-principal" { "not in the directory" } else { "import" };
                vec![Leaver {
                    out: None,
                    by: String::new(),
                    how,
                    reason: format!("refused: {reason}"),
                    back: None,
                }]
            });
        }
    }
    Ok(())
}

fn row(work: &mut Work, user: &str, leaver: &Leaver) -> Result<Row, Failure> {
    let from = leaver.out.map_or(work.since, |(_, at)| at);
    let until = leaver.back.map_or(work.until, |(_, at)| at);
    let filter =
        Filter { user: Some(user.to_owned()), since: Some(from), until: Some(until), ..Filter::default() };
    work.search.again(filter);
    let (mut first, mut refusals, mut permitted) = (None, 0_u64, Vec::new());
    while let Some(found) = work.search.next()? {
        let Event::Decision(decision) = &found.entry.event else { continue };
        let (seq, at) = (found.entry.seq, found.entry.time.timestamp());
        let is_after = leaver.out.is_none_or(|(out, _)| seq > out);
        if decision.principal.to_lowercase() != user || !is_after {
            continue;
        }
        match decision.outcome {
            Outcome::Refused if is_cut_off(decision) => {
                refusals += 1;
                first.get_or_insert((seq, at));
            }
            // Where nothing says when they were cut off, what came before the first refusal was theirs to do.
            Outcome::Permitted if leaver.out.is_some() || first.is_some() => permitted.push((seq, at)),
            Outcome::Permitted | Outcome::Refused | Outcome::Undecided => {}
        }
    }
    let wrong = !permitted.is_empty() && leaver.out.is_some();
    let verdict = match (wrong, first, leaver.back) {
        (true, _, _) => "PERMITTED AFTER IT",
        (false, _, Some(_)) => "let in again",
        (false, Some(_), None) => "cut off, and refused since",
        (false, None, None) => "cut off, and has not pushed since",
    };
    let delay = match (leaver.out, first) {
        (Some((_, out)), Some((_, at))) => format!(" ({} later)", length(at, out)),
        _ => String::new(),
    };
    let mut name =
        |place: Option<(u64, Timestamp)>| place.map_or_else(String::new, |(seq, at)| work.named(seq, at));
    let cells = vec![
        user.to_owned(),
        name(leaver.out),
        leaver.by.clone(),
        leaver.how.to_owned(),
        leaver.reason.clone(),
        if leaver.out.is_some() { "with that entry".into() } else { String::new() },
        format!("{}{delay}", name(first)),
        refusals.to_string(),
        match permitted.first() {
            None => "none".into(),
            Some(one) => format!("{}: {}", permitted.len(), name(Some(*one))),
        },
        verdict.to_owned(),
    ];
    Ok(Row { cells, finding: wrong })
}

fn is_cut_off(decision: &Decision) -> bool {
    let of_updates = decision.updates.iter().flat_map(|update| &update.reasons);
    decision.reasons.iter().chain(of_updates).any(|reason| REASONS.contains(&reason.code.as_str()))
}

/// A length of time in its largest whole unit.
fn length(later: Timestamp, earlier: Timestamp) -> String {
    let seconds = later.as_second().saturating_sub(earlier.as_second()).max(0);
    match seconds {
        0..=119 => format!("{seconds} s"),
        120..=7_199 => format!("{} min", seconds / 60),
        7_200..=172_799 => format!("{} h", seconds / 3_600),
        _ => format!("{} days", seconds / 86_400),
    }
}
