//! What somebody is told of an entry.

use oam_audit::entry::{CanaryOutcome, Decision, Event, Outcome, PrivilegeKind};
use oam_export::sentence;
use serde_json::{Value, json};

use crate::audit_log::AuditLog;

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
    /// What is to be told of an entry; `None`: nothing.
    pub(super) fn of(line: &[u8], log: &AuditLog) -> Option<Self> {
        if !may_be_of_interest(line) {
            return None;
        }
        let entry = log.read(line).ok()?;
        let (text, command) = told(&entry.event)?;
        let event = serde_json::to_value(&entry.event).ok()?;
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
        Some(Self { seq: entry.seq, text, body })
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

fn told(event: &Event) -> Option<(String, Option<String>)> {
    Some(match event {
        Event::PrivilegeRequested(one) => {
            let what = match &one.privilege {
                PrivilegeKind::Grant { role, .. } => format!("the role {role}"),
                PrivilegeKind::Waiver { lifts, .. } => format!("to lift {}: BREAK-GLASS", lifts.join(", ")),
                // There are many a day, and nobody has anything to do.
                PrivilegeKind::Lease(_) => return None,
            };
            let minutes = one.seconds.div_ceil(60);
            let (on, refs) = (one.on.join(", "), one.refs.join(", "));
            let text =
                format!("{} asks for {what} on {refs} in {on} for {minutes} min: {}", one.by, one.reason);
            let command = (one.needed > 0).then(|| format!("oam grant approve {}", one.id));
            (text, command)
        }
        Event::PrivilegeApproved(one) => {
            (format!("{} approved {} ({} of {})", one.by, one.id, one.approvals, one.needed), None)
        }
        Event::PrivilegeBegan(one) => (format!("{} is in force until {}", one.id, one.to), None),
        Event::PrivilegeEnded(one) => {
            (format!("{} ended: {}, by {}", one.id, one.cause.as_str(), one.by), None)
        }
        Event::PrivilegeSignedOff(one) => {
            let text = format!("{} signed off {} ({} pushes): {}", one.by, one.id, one.pushes, one.reason);
            (text, None)
        }
        Event::Decision(decision) if decision.outcome == Outcome::Permitted => (used(decision)?, None),
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

/// What is forbidden went in, or may.
fn alarm(event: &Event) -> (String, Option<String>) {
    (format!("ALARM: {}", sentence(event)), Some("oam status".into()))
}

/// That a push passed because of something; `None` where it did not.
fn used(decision: &Decision) -> Option<String> {
    let lifted = decision.updates.iter().flat_map(|update| &update.lifted);
    let mut rules: Vec<_> = lifted
        .filter_map(|one| Some(format!("{} lifted as {}", one.rule, one.privilege.as_ref()?)))
        .collect();
    rules.sort();
    rules.dedup();
    if rules.is_empty() {
        return None;
    }
    let (who, place, rules) = (&decision.principal, &decision.repository, rules.join(", "));
    Some(format!("BREAK-GLASS: {who} pushed to {place}, {rules}. Decision {}", decision.decision))
}
