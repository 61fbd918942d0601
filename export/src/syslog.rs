//! Syslog messages (RFC 5424), each framed by its length (RFC 5425).

use oam_audit::entry::{CanaryOutcome, ChangeStage, Entry, Event, Outcome, SignalEffect};

/// `log audit`, as RFC 5424 numbers it.
const FACILITY: u8 = 13;
/// What our messages call themselves.
const APP: &str = "oam";
/// The longest name of a host.
const LONGEST_HOST: usize = 255;

/// A message about an entry, with `body` as its text, framed for a stream. The entry's number stands in the body: there
/// is no structured data, whose names one would have to register.
#[must_use]
pub fn framed(entry: &Entry, body: &str) -> Vec<u8> {
    let message = message(entry, body);
    let mut framed = format!("{} ", message.len()).into_bytes();
    framed.extend(message.into_bytes());
    framed
}

/// The same without a frame.
#[must_use]
pub fn message(entry: &Entry, body: &str) -> String {
    let priority = FACILITY * 8 + severity(&entry.event);
    // A name of a log has no spaces or controls, so it may stand as a host's name.
    let host: String =
        entry.node.as_str().chars().filter(char::is_ascii_graphic).take(LONGEST_HOST).collect();
    let (time, kind) = (entry.time, entry.event.kind());
    // A byte order mark says that the text is UTF-8.
    format!("<{priority}>1 {time} {host} {APP} - {kind} - \u{feff}{body}")
}

/// How grave it is, as RFC 5424 numbers it: 2 critical, 4 warning, 5 notice, 6 informational.
#[must_use]
pub fn severity(event: &Event) -> u8 {
    match event {
        Event::Decision(decision) => match decision.outcome {
            Outcome::Permitted => 6,
            Outcome::Refused => 5,
            Outcome::Undecided => 4,
        },
        Event::RefsApplied(applied) if applied.updates.iter().any(|update| update.decision.is_none()) => 2,
        Event::CanaryTried(canary) => match canary.outcome {
            CanaryOutcome::Refused => 6,
            CanaryOutcome::Accepted => 2,
            CanaryOutcome::Unknown => 4,
        },
        Event::SignalReceived(told) => match told.effect {
            SignalEffect::Blind => 2,
            SignalEffect::Unknown | SignalEffect::Ambiguous => 4,
            SignalEffect::Deactivated
            | SignalEffect::Already
            | SignalEffect::Reread
            | SignalEffect::Noted
            | SignalEffect::Flowing => 5,
        },
        Event::BitbucketChanged(changed) => match changed.stage {
            ChangeStage::Begun | ChangeStage::Done => 5,
            ChangeStage::Failed | ChangeStage::Unknown => 4,
        },
        Event::BitbucketDrift(drift) => {
            if drift.new > 0 {
                4
            } else {
                5
            }
        }
        Event::PermittedWhileUnavailable(_)
        | Event::AdminDenied(_)
        | Event::StoreHealed(_)
        | Event::LogRepaired(_) => 4,
        Event::SnapshotChanged(_)
        | Event::PrivilegeReminded(_)
        | Event::PolicyChanged(_)
        | Event::PolicyRejected(_)
        | Event::PolicyProposed(_)
        | Event::PolicyApproved(_)
        | Event::PolicyWithdrawn(_)
        | Event::SourceToken(_)
        | Event::KeyRotated(_)
        | Event::EntriesPruned(_)
        | Event::PeopleKept(_)
        | Event::PersonErased(_)
        | Event::PrivilegeRequested(_)
        | Event::PrivilegeApproved(_)
        | Event::PrivilegeBegan(_)
        | Event::PrivilegeEnded(_)
        | Event::PrivilegeUsed(_)
        | Event::PrivilegeSignedOff(_)
        | Event::AccessAttested(_)
        | Event::SignalStream(_) => 5,
        Event::DecisionPart(_) | Event::RefsApplied(_) | Event::DaemonStarted(_) | Event::DaemonStopped => 6,
    }
}
