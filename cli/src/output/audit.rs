//! Entries of the audit log, one on a line.

mod policy;
mod privilege;
mod provision;
mod pull_request;

use oam_audit::entry::{
    AskedBy, CanaryOutcome, CanaryTried, Change, Decision, Entry, Event, Outcome, PeopleForm,
    PermittedWhileUnavailable, PersonErased, Reason, RefsApplied, SignalEffect, SignalReceived,
    SnapshotCause, SnapshotChanged, StreamChange, TokenChange, Update,
};

use super::{
    Page,
    page::{counted, short, utc},
    quoted, shown, shown_line,
};

/// An entry on one line, `json` being its stored bytes. One that this version does not understand is shown as it is.
pub fn line(json: &[u8], page: &Page) -> String {
    match Entry::decode(json) {
        Ok(entry) => of_entry(&entry, page),
        Err(_) => format!("{} {}\n", page.warn("not understood:"), shown(json)),
    }
}

/// An entry on one line.
pub fn of_entry(entry: &Entry, page: &Page) -> String {
    let time = utc(entry.time.timestamp());
    format!("{} {} {}\n", page.dim(&time), page.dim(&format!("#{}", entry.seq)), event(&entry.event, page))
}

fn event(event: &Event, page: &Page) -> String {
    match event {
        Event::Decision(decision) => self::decision(decision, page),
        Event::DecisionPart(part) => format!(
            "part {} of decision {}: {}",
            part.part,
            shown(&part.decision),
            counted(part.updates.len() as u64, "ref", "refs")
        ),
        Event::SnapshotChanged(changed) => snapshot_changed(changed),
        Event::PolicyChanged(changed) if changed.unapproved => page.warn(&policy::changed(changed)),
        Event::PolicyChanged(changed) => policy::changed(changed),
        Event::PolicyProposed(proposed) => policy::proposed(proposed),
        Event::PolicyApproved(approved) => policy::approved(approved),
        Event::PolicyWithdrawn(withdrawn) => policy::withdrawn(withdrawn),
        Event::PolicyRejected(rejected) => page.warn(&format!(
            "policy from {} by {} was not taken: {}, the first: {}",
            policy::origin(rejected.origin),
            quoted(&rejected.author),
            counted(rejected.faults.into(), "fault", "faults"),
            shown_line(&rejected.first_fault)
        )),
        Event::DaemonStarted(started) => {
            let entries = counted(started.log_size, "entry", "entries");
            format!("daemon {} started, with {entries} in the log", shown(&started.version))
        }
        Event::DaemonStopped => "daemon stopped".into(),
        Event::StoreHealed(healed) => page.warn(&format!(
            "store {} was damaged ({}), set aside at {}, rebuilt to {}",
            quoted(&healed.what),
            shown_line(&healed.found),
            quoted(&healed.set_aside),
            healed.rebuilt_generation.map_or("nothing".into(), |number| format!("generation {number}"))
        )),
        Event::LogRepaired(repaired) => page.warn(&format!(
            "log had a torn end of {}, set aside at {}",
            counted(repaired.torn_bytes, "byte", "bytes"),
            quoted(&repaired.set_aside)
        )),
        Event::PermittedWhileUnavailable(permitted) => page.warn(&unavailable(permitted)),
        Event::SourceToken(token) => {
            let what = match token.change {
                TokenChange::Created => "made",
                TokenChange::Revoked => "revoked",
            };
            let (source, actor) = (quoted(&token.source), quoted(&token.actor));
            page.warn(&format!("token {} of the source {source} {what} by {actor}", quoted(&token.token)))
        }
        Event::SignalReceived(told) => signal(told, page),
        Event::SignalStream(stream) => page.warn(&format!(
            "stream of the transmitter {} {} by {}",
            quoted(&stream.transmitter),
            match stream.change {
                StreamChange::Created => "set up",
                StreamChange::Updated => "set up again",
                StreamChange::Removed => "removed",
                StreamChange::Token => "has another token",
            },
            quoted(&stream.actor)
        )),
        Event::PrivilegeRequested(requested) => page.warn(&privilege::requested(requested)),
        Event::PrivilegeApproved(approved) => page.warn(&privilege::approved(approved)),
        Event::PrivilegeBegan(began) => page.warn(&privilege::began(began)),
        Event::PrivilegeEnded(ended) => privilege::ended(ended),
        Event::PrivilegeReminded(reminded) => page.warn(&privilege::reminded(reminded)),
        Event::PrivilegeSignedOff(signed) => privilege::signed_off(signed),
        Event::PrivilegeUsed(used) => privilege::used(used),
        Event::AccessAttested(attested) => format!(
            "access of {} {} by {}: {}",
            counted(attested.rows.len() as u64, "row", "rows"),
            attested.verdict,
            quoted(&attested.by),
            shown(&attested.reason)
        ),
        Event::BitbucketChanged(changed) => provision::changed(changed, page),
        Event::BitbucketDrift(drift) => provision::drift(drift, page),
        Event::RefsApplied(applied) => refs_applied(applied, page),
        Event::CanaryTried(canary) => canary_tried(canary, page),
        Event::KeyRotated(rotated) => page.warn(&format!(
            "another key signs the log from here on, by {}{}: {}",
            quoted(&rotated.actor),
            policy::reason(Some(&rotated.reason)),
            shown(&rotated.next)
        )),
        Event::EntriesPruned(pruned) => page.warn(&format!(
            "entries before number {} go, all of them older than {}: entries are kept for {}",
            pruned.before,
            pruned.older_than.timestamp(),
            shown(&pruned.keep)
        )),
        Event::PeopleKept(kept) => page.warn(match kept.form {
            PeopleForm::Names => "people stand by their names from here on",
            PeopleForm::Aliases => "people stand by aliases from here on",
        }),
        Event::PersonErased(erased) => page.warn(&person_erased(erased)),
        Event::AdminDenied(denied) => {
            page.bad(&format!("denied: {} called {}", quoted(&denied.actor), shown(&denied.call)))
        }
    }
}

/// `signal account-disabled of \`alice\` by \`okta\`: cut off`.
fn signal(told: &SignalReceived, page: &Page) -> String {
    let who = match (&told.person, &told.subject) {
        (Some(person), _) => format!(" of {}", quoted(person)),
        (None, Some(subject)) => format!(" of {}", quoted(subject)),
        (None, None) => String::new(),
    };
    let effect = match told.effect {
        SignalEffect::Deactivated => page.bad("cut off"),
        SignalEffect::Already => "was cut off before".to_owned(),
        SignalEffect::Reread => "their source is read again".to_owned(),
        SignalEffect::Noted => "noted".to_owned(),
        SignalEffect::Unknown => page.warn("nobody is known by that"),
        SignalEffect::Ambiguous => page.warn("more than one could be meant: nobody was cut off"),
        SignalEffect::Blind => page.bad("no signals come any more"),
        SignalEffect::Flowing => page.good("signals come"),
    };
    let (event, transmitter) = (shown(&told.event), quoted(&told.transmitter));
    format!("signal {event}{who} by {transmitter}: {effect}{}", policy::reason(told.reason.as_deref()))
}

/// `refused PAY/api ada push: force refs/heads/main [no-grant] and 2 more refs`.
fn decision(decision: &Decision, page: &Page) -> String {
    let word = match decision.outcome {
        Outcome::Permitted => page.good("permitted"),
        Outcome::Refused => page.bad("refused"),
        Outcome::Undecided => page.warn("undecided"),
    };
    let dry = if decision.dry_run { " (dry run)" } else { "" };
    // What decided it: the first ref that was not permitted, if there is one.
    let telling = decision.updates.iter().find(|update| update.outcome != Outcome::Permitted);
    let told = telling.or(decision.updates.first());
    let mut parts: Vec<_> = told.map(update).into_iter().collect();
    if !decision.reasons.is_empty() {
        parts.push(reasons(&decision.reasons));
    }
    let others = decision.update_count.saturating_sub(u64::from(told.is_some()));
    if others > 0 {
        parts.push(format!("and {}", counted(others, "more ref", "more refs")));
    }
    parts.extend(decision.pull_request.iter().map(|one| format!("({})", pull_request::told(one))));
    let by = match &decision.asked_by {
        AskedBy::Unix { .. } => String::new(),
        AskedBy::Tls { subject } => format!(" via {}", shown(subject)),
    };
    format!(
        "{word} {} {} {}{dry}{by}: {} {}",
        shown(&decision.repository),
        shown(&decision.principal),
        shown(&decision.channel),
        parts.join(" "),
        page.dim(&format!("({})", shown(&decision.decision)))
    )
}

fn update(update: &Update) -> String {
    let verb = match (update.verb, &update.change) {
        (Some(verb), _) => match verb {
            oam_audit::entry::Verb::Create => "create",
            oam_audit::entry::Verb::Update => "update",
            oam_audit::entry::Verb::Force => "force",
            oam_audit::entry::Verb::Delete => "delete",
        },
        (None, change) => change_word(change),
    };
    let name = shown(update.name.as_bytes());
    match (&update.grant, update.reasons.is_empty()) {
        (Some(grant), true) => format!("{verb} {name} [grant {}]", shown(grant)),
        (None, true) => format!("{verb} {name}"),
        (_, false) => format!("{verb} {name} {}", reasons(&update.reasons)),
    }
}

fn change_word(change: &Change) -> &'static str {
    match change {
        Change::Create { .. } => "create",
        Change::Move { .. } => "move",
        Change::Delete { .. } => "delete",
        Change::WouldMerge { .. } => "merge into",
    }
}

fn reasons(reasons: &[Reason]) -> String {
    let one = |reason: &Reason| match &reason.rule {
        Some(rule) => format!("{} by {}", shown(&reason.code), shown(rule)),
        None => shown(&reason.code),
    };
    format!("[{}]", reasons.iter().map(one).collect::<Vec<_>>().join(", "))
}

fn snapshot_changed(changed: &SnapshotChanged) -> String {
    let what = match changed.cause {
        SnapshotCause::Import => "directory imported",
        SnapshotCause::Source => "source changed",
        SnapshotCause::Rollback => "directory rolled back",
        SnapshotCause::UserDeactivated => "user cut off",
        SnapshotCause::UserReactivated => "user no longer cut off",
        SnapshotCause::Rebuilt => "directory rebuilt",
        SnapshotCause::Loaded => "directory loaded",
    };
    let subject = changed.subject.as_ref().map_or_else(String::new, |name| format!(" {}", quoted(name)));
    format!(
        "{what}{subject} by {}: generation {} ({}), {}, {}{}",
        quoted(&changed.actor),
        changed.generation,
        short(&changed.digest),
        counted(changed.users, "user", "users"),
        counted(changed.groups, "group", "groups"),
        policy::reason(changed.reason.as_deref())
    )
}

fn unavailable(permitted: &PermittedWhileUnavailable) -> String {
    let first = permitted.updates.first().map_or_else(String::new, |update| {
        format!(": {} {}", change_word(&update.change), shown(update.name.as_bytes()))
    });
    let others = (permitted.updates.len() as u64).saturating_sub(1);
    let more = if others == 0 {
        String::new()
    } else {
        format!(" and {}", counted(others, "more ref", "more refs"))
    };
    format!(
        "let through while no daemon could be asked: {} {} at {} on {}{first}{more} ({})",
        shown(&permitted.repository),
        shown(&permitted.principal),
        utc(permitted.at.timestamp()),
        shown(&permitted.host),
        shown_line(&permitted.why)
    )
}

fn canary_tried(canary: &CanaryTried, page: &Page) -> String {
    let what = format!("a forbidden branch in {}", shown(&canary.repository));
    let detail =
        canary.detail.as_ref().map_or_else(String::new, |detail| format!(": {}", shown_line(detail)));
    match canary.outcome {
        CanaryOutcome::Refused => format!("canary: {what} was refused{detail}"),
        CanaryOutcome::Accepted => page.bad(&format!("canary: {what} WENT IN{detail}")),
        CanaryOutcome::Unknown => page.warn(&format!("canary: nobody can tell of {what}{detail}")),
    }
}

fn person_erased(erased: &PersonErased) -> String {
    let aliases: Vec<_> = erased.aliases.iter().map(|alias| quoted(alias.trim_start())).collect();
    let forced = if erased.forced { ", although they could still act" } else { "" };
    format!("erased: who {} was{forced}, by {}", aliases.join(" and "), quoted(&erased.actor))
}

/// What was applied without a decision comes first: nothing of it should be there.
fn refs_applied(applied: &RefsApplied, page: &Page) -> String {
    let nobodys = applied.updates.iter().filter(|update| update.decision.is_none());
    let (undecided, first) = (nobodys.clone().count() as u64, nobodys.chain(&applied.updates).next());
    let first = first.map_or_else(String::new, |update| {
        format!("{} {}", change_word(&update.change), shown(update.name.as_bytes()))
    });
    let others = (applied.updates.len() as u64).saturating_sub(1);
    let more = if others == 0 {
        String::new()
    } else {
        format!(" and {}", counted(others, "more ref", "more refs"))
    };
    let what = format!("{} {}: {first}{more}", shown(&applied.repository), shown(&applied.principal));
    match undecided {
        0 => format!("applied {what}"),
        _ => page.bad(&format!("applied WITHOUT A DECISION: {what}")),
    }
}

#[cfg(test)]
mod tests;
