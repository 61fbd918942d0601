//! Entries as rows of one table: a row for each ref of a push, and one for anything else.

use oam_audit::entry::{Entry, Event, Reason, RefBytes, Update};

use crate::words;

/// What the columns are called.
pub const COLUMNS: [&str; 16] = [
    "seq",
    "time",
    "node",
    "kind",
    "decision",
    "outcome",
    "user",
    "repository",
    "ref",
    "verb",
    "old",
    "new",
    "grant",
    "reasons",
    "rules",
    "what",
];

/// A row, without its first columns.
#[derive(Default)]
struct Row<'a> {
    decision: &'a str,
    outcome: &'a str,
    user: &'a str,
    repository: &'a str,
    name: String,
    verb: &'a str,
    ids: (&'a str, &'a str),
    grant: &'a str,
    reasons: String,
    rules: String,
}

/// The rows of an entry, each as long as [`COLUMNS`].
///
/// A ref that is not UTF-8 is written as `hex:` and its bytes.
#[must_use]
pub fn rows(entry: &Entry) -> Vec<[String; COLUMNS.len()]> {
    let what = words::sentence(&entry.event);
    of_event(&entry.event).into_iter().map(|row| finished(entry, row, &what)).collect()
}

fn finished(entry: &Entry, row: Row<'_>, what: &str) -> [String; COLUMNS.len()] {
    let text = str::to_owned;
    [
        entry.seq.to_string(),
        entry.time.to_string(),
        entry.node.to_string(),
        text(entry.event.kind()),
        text(row.decision),
        text(row.outcome),
        text(row.user),
        text(row.repository),
        row.name,
        text(row.verb),
        text(row.ids.0),
        text(row.ids.1),
        text(row.grant),
        row.reasons,
        row.rules,
        text(what),
    ]
    .map(harmless)
}

fn of_event(event: &Event) -> Vec<Row<'_>> {
    match event {
        Event::Decision(decision) => {
            let whole = || Row {
                decision: &decision.decision,
                outcome: words::outcome(decision.outcome),
                user: &decision.principal,
                repository: &decision.repository,
                reasons: codes(&decision.reasons),
                rules: rules(&decision.reasons),
                ..Row::default()
            };
            if decision.updates.is_empty() {
                return vec![whole()];
            }
            decision.updates.iter().map(|update| of_update(update, &decision.reasons, &whole())).collect()
        }
        Event::DecisionPart(part) => {
            let whole = || Row { decision: &part.decision, ..Row::default() };
            part.updates.iter().map(|update| of_update(update, &[], &whole())).collect()
        }
        Event::PermittedWhileUnavailable(permitted) => permitted
            .updates
            .iter()
            .map(|update| Row {
                decision: &permitted.spool,
                user: &permitted.principal,
                repository: &permitted.repository,
                name: name(&update.name),
                verb: words::change(&update.change),
                ids: words::ids(&update.change),
                ..Row::default()
            })
            .collect(),
        Event::RefsApplied(applied) => applied
            .updates
            .iter()
            .map(|update| Row {
                decision: update.decision.as_deref().unwrap_or_default(),
                user: &applied.principal,
                repository: &applied.repository,
                name: name(&update.name),
                verb: words::change(&update.change),
                ids: words::ids(&update.change),
                ..Row::default()
            })
            .collect(),
        Event::CanaryTried(canary) => vec![Row {
            decision: canary.decision.as_deref().unwrap_or_default(),
            repository: &canary.repository,
            name: canary.branch.clone(),
            ..Row::default()
        }],
        other => vec![Row { user: who(other), ..Row::default() }],
    }
}

/// Who did it.
fn who(event: &Event) -> &str {
    match event {
        Event::SnapshotChanged(changed) => &changed.actor,
        Event::PolicyChanged(changed) => &changed.author,
        Event::PolicyRejected(rejected) => &rejected.author,
        Event::PolicyProposed(proposed) => &proposed.author,
        Event::PolicyApproved(approved) => &approved.by,
        Event::PolicyWithdrawn(ended) => &ended.by,
        Event::KeyRotated(rotated) => &rotated.actor,
        Event::AdminDenied(denied) => &denied.actor,
        Event::SourceToken(token) => &token.actor,
        Event::PrivilegeRequested(asked) => &asked.by,
        Event::PrivilegeApproved(approved) => &approved.by,
        Event::PrivilegeEnded(ended) => &ended.by,
        Event::PrivilegeSignedOff(signed) => &signed.by,
        Event::PersonErased(erased) => &erased.actor,
        Event::PrivilegeUsed(used) => &used.by,
        Event::AccessAttested(attested) => &attested.by,
        Event::SignalReceived(told) => told.person.as_deref().unwrap_or_default(),
        Event::SignalStream(stream) => &stream.actor,
        Event::BitbucketChanged(changed) => &changed.actor,
        Event::BitbucketDrift(drift) => &drift.actor,
        Event::Decision(_)
        | Event::DecisionPart(_)
        | Event::PermittedWhileUnavailable(_)
        | Event::RefsApplied(_)
        | Event::CanaryTried(_)
        | Event::EntriesPruned(_)
        | Event::PrivilegeBegan(_)
        | Event::PrivilegeReminded(_)
        | Event::PeopleKept(_)
        | Event::DaemonStarted(_)
        | Event::DaemonStopped
        | Event::StoreHealed(_)
        | Event::LogRepaired(_) => "",
    }
}

fn of_update<'a>(update: &'a Update, of_whole: &[Reason], whole: &Row<'a>) -> Row<'a> {
    let reasons: Vec<Reason> = of_whole.iter().chain(&update.reasons).cloned().collect();
    Row {
        outcome: words::outcome(update.outcome),
        name: name(&update.name),
        verb: words::verb(update),
        ids: words::ids(&update.change),
        grant: update.grant.as_deref().unwrap_or_default(),
        reasons: codes(&reasons),
        rules: rules(&reasons),
        decision: whole.decision,
        user: whole.user,
        repository: whole.repository,
    }
}

fn codes(reasons: &[Reason]) -> String {
    reasons.iter().map(|reason| reason.code.as_str()).collect::<Vec<_>>().join(" ")
}

fn rules(reasons: &[Reason]) -> String {
    reasons.iter().filter_map(|reason| reason.rule.as_deref()).collect::<Vec<_>>().join(" ")
}

fn name(name: &RefBytes) -> String {
    match std::str::from_utf8(name.as_bytes()) {
        Ok(text) => text.to_owned(),
        Err(_) => {
            let bytes: String = name.as_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
            format!("hex:{bytes}")
        }
    }
}

/// A cell that no spreadsheet takes for a formula, and no terminal for a command: it begins with `'` where it would be
/// one, and control characters are written as `\u{…}`.
#[must_use]
pub fn harmless(cell: String) -> String {
    let formula = cell.starts_with(['=', '+', '-', '@', '\t', '\r']);
    if !formula && !cell.chars().any(char::is_control) {
        return cell;
    }
    let plain: String = cell
        .chars()
        .map(|one| if one.is_control() { one.escape_unicode().to_string() } else { one.to_string() })
        .collect();
    if formula { format!("'{plain}") } else { plain }
}
