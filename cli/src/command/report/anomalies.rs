//! `oam report anomalies`.

mod rates;
mod spans;

use jiff::{SignedDuration, Timestamp};
use oam_audit::entry::{CanaryOutcome, Decision, Entry, Event, Outcome};

use super::{Common, Work};
use crate::{
    command::{Context, Ending},
    output::report::{Kind, Row, moment},
};
use rates::Rates;
use spans::Spans;

const KIND: Kind = Kind {
    name: "anomalies",
    title: "Anomalies",
    question: "Was anything unusual noticed, that somebody should have looked into?",
    controls: &["SOC 2 CC7.2", "ISO/IEC 27001 A.8.16", "ISO/IEC 27001 A.8.15"],
    columns: &["when", "what", "who or where", "how much", "detail"],
};

/// A clock may be corrected by so much without anybody being told.
const CORRECTED: SignedDuration = SignedDuration::from_secs(1);

/// What was seen so far.
#[derive(Default)]
struct Seen {
    rows: Vec<Row>,
    rates: Rates,
    undecided: Spans,
    last: Option<Timestamp>,
    /// Whether the daemon began last, rather than ended in good order; none when neither was seen.
    runs: Option<bool>,
}

pub(super) fn run(common: &Common, context: &mut Context) -> Ending {
    let mut work = Work::begin(common, context)?;
    let filter = work.filter();
    work.search.again(filter);
    let mut seen = Seen::default();
    while let Some(found) = work.search.next()? {
        let name = work.named_if(is_named(&found.entry), &found.entry);
        seen.entry(&name, &found.entry);
    }
    let mut notes = Vec::new();
    let Seen { mut rows, rates, undecided, .. } = seen;
    rows.extend(undecided.into_rows());
    let (of_rates, told) = rates.into_rows();
    rows.extend(of_rates);
    notes.extend(told);
    notes.push(
        "that a ref changed without a decision is known where the hook reports what was applied; that nobody pushes to a \
         repository any more may mean that its hook is gone: see `oam audit query --repository`"
            .to_owned(),
    );
    rows.sort_by(|one, other| one.cells.first().cmp(&other.cells.first()));
    let mut report = work.report(KIND, common, context)?;
    for row in rows {
        report.row(row)?;
    }
    work.end(common, report, &notes)
}

/// Whether it stands in the report by itself.
fn is_named(entry: &Entry) -> bool {
    match &entry.event {
        Event::RefsApplied(applied) => applied.updates.iter().any(|update| update.decision.is_none()),
        Event::CanaryTried(canary) => canary.outcome != CanaryOutcome::Refused,
        Event::StoreHealed(_)
        | Event::LogRepaired(_)
        | Event::PermittedWhileUnavailable(_)
        | Event::AdminDenied(_)
        | Event::PolicyRejected(_)
        | Event::DaemonStarted(_) => true,
        _ => false,
    }
}

impl Seen {
    fn entry(&mut self, name: &str, entry: &Entry) {
        let at = entry.time.timestamp();
        if let Some(last) = self.last
            && last.duration_since(at) > CORRECTED
        {
            let seconds = last.duration_since(at).as_secs();
            self.add(
                &moment(at),
                "clock set back",
                entry.node.as_str(),
                &format!("{seconds} s"),
                &format!("at entry {}", entry.seq),
            );
        }
        match &entry.event {
            Event::Decision(decision) => self.decision(at, decision),
            Event::RefsApplied(applied) => {
                let nobodys = applied.updates.iter().filter(|update| update.decision.is_none());
                let names: Vec<_> = nobodys.map(|update| update.name.to_text().into_owned()).collect();
                if !names.is_empty() {
                    let place = format!("{} by {}", applied.repository, applied.principal);
                    let count = format!("{} refs", names.len());
                    self.add(name, "changed without a decision", &place, &count, &names.join(", "));
                }
            }
            Event::CanaryTried(canary) if canary.outcome != CanaryOutcome::Refused => {
                let what = match canary.outcome {
                    CanaryOutcome::Accepted => "a forbidden branch went in",
                    _ => "whether forbidden branches are refused is not known",
                };
                let detail = canary.detail.as_deref().unwrap_or(&canary.branch);
                self.add(name, what, &canary.repository, "", detail);
            }
            Event::PermittedWhileUnavailable(permitted) => {
                let place = format!("{} by {}", permitted.repository, permitted.principal);
                let count = format!("{} refs", permitted.updates.len());
                self.add(name, "let in without a decision", &place, &count, &permitted.why);
            }
            Event::DaemonStarted(_) => self.started(name, at, entry),
            Event::DaemonStopped => self.runs = Some(false),
            Event::StoreHealed(healed) => {
                self.add(name, "store was damaged", &healed.what, "", &healed.found);
            }
            Event::LogRepaired(repaired) => {
                let bytes = format!("{} bytes", repaired.torn_bytes);
                self.add(
                    name,
                    "half an entry was set aside",
                    entry.node.as_str(),
                    &bytes,
                    &repaired.set_aside,
                );
            }
            Event::AdminDenied(denied) => self.add(name, "not allowed", &denied.actor, "", &denied.call),
            Event::PolicyRejected(rejected) => {
                let faults = format!("{} faults", rejected.faults);
                self.add(name, "policy not taken", &rejected.author, &faults, &rejected.first_fault);
            }
            _ => {}
        }
        self.last = Some(at);
    }

    fn decision(&mut self, at: Timestamp, decision: &Decision) {
        self.rates.count(at, &decision.principal, decision.outcome);
        if decision.outcome == Outcome::Undecided {
            let of_updates = decision.updates.iter().flat_map(|update| &update.reasons);
            let first = decision.reasons.iter().chain(of_updates).next();
            self.undecided.add(at, first.map_or("", |reason| reason.code.as_str()));
        }
    }

    /// A start that follows no stop was a crash, a kill or a power cut.
    fn started(&mut self, name: &str, at: Timestamp, entry: &Entry) {
        let silence = self.last.map(|last| at.duration_since(last).as_secs().max(0));
        let silent = silence.map_or_else(String::new, |seconds| format!("no entry for {seconds} s"));
        if self.runs == Some(true) {
            self.add(
                name,
                "daemon did not end in good order",
                entry.node.as_str(),
                &silent,
                "crash, kill or power cut",
            );
        } else if self.runs == Some(false) && silence.is_some_and(|seconds| seconds >= 300) {
            self.add(name, "daemon was down", entry.node.as_str(), &silent, "it had been stopped");
        }
        self.runs = Some(true);
    }

    fn add(&mut self, when: &str, what: &str, place: &str, count: &str, detail: &str) {
        self.rows.push(finding([when, what, place, count, detail]));
    }
}

fn finding(cells: [&str; 5]) -> Row {
    Row { cells: cells.map(str::to_owned).to_vec(), finding: true }
}
