//! What somebody is told of an entry.

use std::{collections::BTreeSet, sync::Arc};

use oam_audit::entry::{
    CanaryOutcome, Decision, DecisionPart, Event, Outcome, PrivilegeKind, PrivilegeReminder, PrivilegeSort,
};
use oam_export::sentence;
use oam_policy::{PrivilegeId, printable::Printable};
use serde_json::{Value, json};

use crate::{
    audit_log::{AuditLog, ReadError},
    privilege::{Privilege, What},
};

/// What somebody has for a while, by its id.
pub(super) type Find<'f> = &'f (dyn Fn(&PrivilegeId) -> Option<Arc<Privilege>> + Send + Sync);

/// How entries begin among which are those that somebody must look at now.
const ALARMING: [&[u8]; 4] = [
    br#""event":{"kind":"canary-tried""#,
    br#""event":{"kind":"refs-applied""#,
    br#""event":{"kind":"bitbucket-drift""#,
    br#""event":{"kind":"permitted-while-unavailable""#,
];

/// An entry that is of interest, in words and as it is.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Message {
    /// The entry's number: who is told of one twice knows it by that.
    pub(super) seq: u64,
    /// A sentence or two, with the command to answer with where there is one.
    pub(super) text: String,
    body: Value,
}

impl Message {
    /// What is to be told of an entry; `None`: nothing. `find` knows what people have for a while, by its id.
    ///
    /// # Errors
    /// When the log cannot be read.
    pub(super) async fn of(line: &[u8], log: &AuditLog, find: Find<'_>) -> Result<Option<Self>, ReadError> {
        if !may_be_of_interest(line) {
            return Ok(None);
        }
        let Ok(entry) = log.read(line) else { return Ok(None) };
        let told = match &entry.event {
            Event::Decision(decision) if decision.outcome == Outcome::Permitted => {
                used(decision, &parts(log, entry.seq, decision).await?)
            }
            event => told(event, find),
        };
        let Some((text, command)) = told else { return Ok(None) };
        let Ok(event) = serde_json::to_value(&entry.event) else { return Ok(None) };
        // Whatever people write stays within its line: nobody but the daemon proposes a command.
        let text = Printable::new(&text).to_string();
        let text = match &command {
            Some(command) => format!("{text}\n{command}"),
            None => text,
        };
        let body = json!({
            "seq": entry.seq,
            "time": entry.time.to_string(),
            "node": entry.node.to_string(),
            "text": text,
            "command": command,
            "event": event,
        });
        Ok(Some(Self { seq: entry.seq, text, body }))
    }

    /// As JSON, with the entry as the log holds it.
    pub(super) fn generic(&self) -> String {
        self.body.to_string()
    }

    /// As Slack and what understands it takes it. Nothing that somebody wrote is markup there.
    pub(super) fn slack(&self) -> String {
        let text = self.text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        json!({ "text": text }).to_string()
    }
}

/// Most entries are not, and are not decoded for that.
fn may_be_of_interest(line: &[u8]) -> bool {
    let has = |part: &[u8]| line.windows(part.len()).any(|window| window == part);
    has(br#""event":{"kind":"privilege-"#) || has(br#""privilege":"#) || ALARMING.iter().any(|kind| has(kind))
}

fn told(event: &Event, find: Find<'_>) -> Option<(String, Option<String>)> {
    Some(match event {
        Event::PrivilegeRequested(one) => {
            let (on, refs) = (one.on.join(", "), one.refs.join(", "));
            let minutes = one.seconds.div_ceil(60);
            let what = match (&one.privilege, one.needed) {
                (PrivilegeKind::Grant { role, .. }, 0) => format!("{} takes the role {role}", one.by),
                (PrivilegeKind::Grant { role, .. }, _) => format!("{} asks for the role {role}", one.by),
                (PrivilegeKind::Waiver { lifts, .. }, 0) => {
                    format!("BREAK-GLASS: {} lifts {}", one.by, lifts.join(", "))
                }
                (PrivilegeKind::Waiver { lifts, .. }, _) => {
                    format!("BREAK-GLASS: {} asks to lift {}", one.by, lifts.join(", "))
                }
                // There are many a day, and nobody has anything to do.
                (PrivilegeKind::Lease(_), _) => return None,
            };
            let text = format!("{what} on {refs} in {on} for {minutes} min: {}", one.reason);
            let command = (one.needed > 0).then(|| format!("oam grant approve {}", one.id));
            (text, command)
        }
        Event::PrivilegeApproved(one) => {
            (format!("{} approved {} ({} of {})", one.by, one.id, one.approvals, one.needed), None)
        }
        Event::PrivilegeBegan(one) => {
            let about = about(&one.id, one.of, find)?;
            (format!("{} is in force until {}{about}", one.id, one.to), None)
        }
        Event::PrivilegeEnded(one) => {
            let about = about(&one.id, one.of, find)?;
            (format!("{} ended: {}, by {}{about}", one.id, one.cause.as_str(), one.by), None)
        }
        Event::PrivilegeReminded(one) => match one.about {
            PrivilegeReminder::EndsSoon => {
                (format!("{}; whoever needs it for longer asks again", sentence(event)), None)
            }
            PrivilegeReminder::Unsigned => {
                let command = format!("oam breakglass report {}", one.id);
                (format!("BREAK-GLASS: {}", sentence(event)), Some(command))
            }
        },
        Event::PrivilegeSignedOff(one) => {
            let text = format!("{} signed off {} ({} pushes): {}", one.by, one.id, one.pushes, one.reason);
            (text, None)
        }
        Event::CanaryTried(tried) if tried.outcome != CanaryOutcome::Refused => alarm(event),
        Event::RefsApplied(applied) if applied.updates.iter().any(|update| update.decision.is_none()) => {
            alarm(event)
        }
        Event::PermittedWhileUnavailable(_) => alarm(event),
        Event::BitbucketDrift(drift) if drift.new > 0 => {
            (format!("ALARM: {}", sentence(event)), Some("oam bitbucket drift".into()))
        }
        _ => return None,
    })
}

/// Whose it is and what, as the rest of a sentence; `None` for a lease: there are many a day. The entry says which it is, since
/// what was over for long is not found any more when a receiver hears of it late.
fn about(id: &str, of: Option<PrivilegeSort>, find: Find<'_>) -> Option<String> {
    if of == Some(PrivilegeSort::Lease) {
        return None;
    }
    let Some(one) = id.parse().ok().and_then(|id| find(&id)) else { return Some(String::new()) };
    let by = one.by.as_str();
    match &one.what {
        What::Grant { role, .. } => Some(format!(": the role {role}, for {by}")),
        What::Waiver { lifts, .. } => {
            let lifts: Vec<_> = lifts.iter().map(ToString::to_string).collect();
            Some(format!(": BREAK-GLASS, {by} lifts {}", lifts.join(", ")))
        }
        What::Lease(_) => None,
    }
}

/// What is forbidden went in, or may.
fn alarm(event: &Event) -> (String, Option<String>) {
    (format!("ALARM: {}", sentence(event)), Some("oam status".into()))
}

/// The entries that hold the first updates of a decision which is too long for one.
async fn parts(log: &AuditLog, seq: u64, decision: &Decision) -> Result<Vec<DecisionPart>, ReadError> {
    let parts = decision.parts.into();
    let lines = match seq.checked_sub(parts) {
        Some(from) if parts > 0 => log.tail(from, usize::try_from(parts).unwrap_or(usize::MAX)).await?,
        _ => return Ok(Vec::new()),
    };
    let part = |line: &Vec<u8>| match log.read(line).ok()?.event {
        Event::DecisionPart(part) if part.decision == decision.decision => Some(part),
        _ => None,
    };
    Ok(lines.iter().filter_map(part).collect())
}

/// That a push passed because of something; `None` where it did not.
fn used(decision: &Decision, parts: &[DecisionPart]) -> Option<(String, Option<String>)> {
    let updates = parts.iter().flat_map(|part| &part.updates).chain(&decision.updates);
    let rules: BTreeSet<_> = updates
        .flat_map(|update| &update.lifted)
        .filter_map(|one| Some(format!("{} lifted as {}", one.rule, one.privilege.as_ref()?)))
        .collect();
    if rules.is_empty() {
        return None;
    }
    let rules = rules.into_iter().collect::<Vec<_>>().join(", ");
    let (who, place) = (&decision.principal, &decision.repository);
    Some((format!("BREAK-GLASS: {who} pushed to {place}, {rules}. Decision {}", decision.decision), None))
}
