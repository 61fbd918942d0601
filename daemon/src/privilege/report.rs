//! What was done with something that somebody had for a while, as the audit log tells it.

use jiff::{SignedDuration, Timestamp};
use oam_audit::entry::{DecisionPart, Event, Outcome, Update, Verb};

use super::{Privilege, Stage};
use crate::audit_log::{AuditLog, ReadError, dated};

/// How many pushes are listed.
const LISTED: usize = 1_000;
/// How many refs of one push are listed.
const REFS_LISTED: usize = 100;
/// How long after the end a push may be written down that was decided before it.
const MARGIN: SignedDuration = SignedDuration::from_hours(1);

/// The pushes that were permitted because of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// The first ones, in order.
    pub pushes: Vec<UsedBy>,
    /// How many there are.
    pub total: u64,
}

/// A push that was permitted because of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsedBy {
    /// The decision's id.
    pub decision: String,
    /// When.
    pub at: Timestamp,
    /// Where.
    pub repository: String,
    /// The refs for which it mattered.
    pub refs: Vec<UsedOn>,
}

/// A ref for which it mattered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsedOn {
    /// The ref.
    pub name: Vec<u8>,
    /// What was done to it.
    pub verb: String,
    /// The rules that it lifted.
    pub lifted: Vec<String>,
}

impl Report {
    /// Reads the part of the log in which it was in force: from the entry that asked for it to the one that ended it, and
    /// a little more. It blocks on the disk.
    ///
    /// # Errors
    /// When the log cannot be read.
    pub fn read(log: &AuditLog, one: &Privilege) -> Result<Self, ReadError> {
        let mut report = Self::default();
        if one.time().is_none() {
            return Ok(report);
        }
        let end = match one.stage {
            Stage::Ended { at, entry, .. } => Some((entry, at.checked_add(MARGIN).unwrap_or(at))),
            Stage::Waiting | Stage::Live { .. } => None,
        };
        let id = one.id.as_str();
        let mut parts: Vec<DecisionPart> = Vec::new();
        let from = one.entry.max(log.first());
        for (number, line) in (from..).zip(log.entries(from)?) {
            let line = line?;
            if end.is_some_and(|(entry, until)| number > entry && dated(&line).is_some_and(|at| at > until)) {
                break;
            }
            // A decision names it, or it has nothing to do with it.
            if !names(&line, id) {
                continue;
            }
            let Ok(entry) = log.read(&line) else { continue };
            match entry.event {
                Event::DecisionPart(part) => parts.push(part),
                Event::Decision(decision) => {
                    let earlier = parts.drain(..).filter(|part| part.decision == decision.decision);
                    let earlier: Vec<_> = earlier.flat_map(|part| part.updates).collect();
                    if decision.outcome != Outcome::Permitted {
                        continue;
                    }
                    let updates = earlier.iter().chain(&decision.updates);
                    let refs: Vec<_> =
                        updates.filter_map(|update| used_on(update, id)).take(REFS_LISTED).collect();
                    if refs.is_empty() {
                        continue;
                    }
                    report.total += 1;
                    if report.pushes.len() < LISTED {
                        report.pushes.push(UsedBy {
                            decision: decision.decision,
                            at: entry.time.timestamp(),
                            repository: decision.repository,
                            refs,
                        });
                    }
                }
                _ => {}
            }
        }
        Ok(report)
    }
}

fn names(line: &[u8], id: &str) -> bool {
    line.windows(id.len()).any(|window| window == id.as_bytes())
}

fn used_on(update: &Update, id: &str) -> Option<UsedOn> {
    let by = |privilege: &Option<String>| privilege.as_deref() == Some(id);
    let lifted: Vec<_> =
        update.lifted.iter().filter(|one| by(&one.privilege)).map(|one| one.rule.clone()).collect();
    let verb = match update.verb {
        Some(Verb::Create) => "create",
        Some(Verb::Update) => "update",
        Some(Verb::Force) => "force",
        Some(Verb::Delete) => "delete",
        None => "",
    };
    let carried = by(&update.privilege) || update.privileges_beside.iter().any(|one| one == id);
    let counts = carried || !lifted.is_empty();
    counts.then(|| UsedOn { name: update.name.as_bytes().to_vec(), verb: verb.to_owned(), lifted })
}
