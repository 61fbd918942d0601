//! An entry in one sentence, and the words that several forms share.

use oam_audit::entry::{
    BitbucketChanged, BitbucketDrift, CanaryOutcome, Change, Event, Outcome, PrivilegeReminder,
    SnapshotCause, TokenChange, Update, Verb, WithdrawnCause,
};

/// The word of a verdict.
pub(crate) fn outcome(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Permitted => "permitted",
        Outcome::Refused => "refused",
        Outcome::Undecided => "undecided",
    }
}

/// What an update was judged as, or else what was to happen to the ref.
pub(crate) fn verb(update: &Update) -> &'static str {
    match update.verb {
        Some(Verb::Create) => "create",
        Some(Verb::Update) => "update",
        Some(Verb::Force) => "force",
        Some(Verb::Delete) => "delete",
        None => change(&update.change),
    }
}

/// What was to happen to a ref.
pub(crate) fn change(change: &Change) -> &'static str {
    match change {
        Change::Create { .. } => "create",
        Change::Move { .. } => "move",
        Change::Delete { .. } => "delete",
        Change::WouldMerge { .. } => "merge",
    }
}

/// Where a ref pointed, and where it was to point.
pub(crate) fn ids(change: &Change) -> (&str, &str) {
    match change {
        Change::Create { new } => ("", new),
        Change::Move { old, new } => (old, new),
        Change::Delete { old } => (old, ""),
        Change::WouldMerge { old, from } => (old, from.as_deref().unwrap_or_default()),
    }
}

/// What made the directory change.
pub(crate) fn cause(cause: SnapshotCause) -> &'static str {
    match cause {
        SnapshotCause::Import => "import",
        SnapshotCause::Source => "source",
        SnapshotCause::Rollback => "rollback",
        SnapshotCause::UserDeactivated => "user-deactivated",
        SnapshotCause::UserReactivated => "user-reactivated",
        SnapshotCause::Rebuilt => "rebuilt",
        SnapshotCause::Loaded => "loaded",
    }
}

/// What ended a proposal.
pub(crate) fn withdrawn(cause: WithdrawnCause) -> &'static str {
    match cause {
        WithdrawnCause::Withdrawn => "withdrawn",
        WithdrawnCause::FilesChanged => "files-changed",
        WithdrawnCause::Outdated => "outdated",
    }
}

/// What happened to a token.
pub(crate) fn token(change: TokenChange) -> &'static str {
    match change {
        TokenChange::Created => "created",
        TokenChange::Revoked => "revoked",
    }
}

/// An event in a sentence. Names from outside stand in it as they are: whoever prints it escapes them.
pub fn sentence(event: &Event) -> String {
    match event {
        Event::Decision(decision) => format!(
            "{} of {} to {} {}: {} refs",
            decision.channel,
            decision.principal,
            decision.repository,
            outcome(decision.outcome),
            decision.update_count
        ),
        Event::DecisionPart(part) => {
            format!("part {} of decision {}: {} refs", part.part, part.decision, part.updates.len())
        }
        Event::SnapshotChanged(changed) => {
            let subject = changed.subject.as_ref().map_or_else(String::new, |name| format!(" of {name}"));
            format!(
                "directory changed{subject} by {}: {}, generation {}",
                changed.actor,
                cause(changed.cause),
                changed.generation
            )
        }
        Event::PolicyChanged(changed) => {
            format!("policy {} in force, by {}", changed.digest, changed.author)
        }
        Event::PolicyRejected(rejected) => {
            format!("policy by {} not taken: {} faults", rejected.author, rejected.faults)
        }
        Event::PolicyProposed(proposed) => format!(
            "policy {} proposed by {}, needs {} approvals",
            proposed.digest, proposed.author, proposed.needed
        ),
        Event::PolicyApproved(approved) => format!(
            "policy {} approved by {}: {} of {}",
            approved.digest, approved.by, approved.approvals, approved.needed
        ),
        Event::PolicyWithdrawn(ended) => {
            format!("policy {} no longer proposed: {}, by {}", ended.digest, withdrawn(ended.cause), ended.by)
        }
        Event::DaemonStarted(started) => format!("daemon {} started", started.version),
        Event::DaemonStopped => "daemon stopped".into(),
        Event::StoreHealed(healed) => format!("{} was damaged and was rebuilt", healed.what),
        Event::LogRepaired(repaired) => {
            format!("{} bytes of half an entry were set aside", repaired.torn_bytes)
        }
        Event::PermittedWhileUnavailable(permitted) => format!(
            "push of {} to {} let in without a decision on {}: {} refs",
            permitted.principal,
            permitted.repository,
            permitted.host,
            permitted.updates.len()
        ),
        Event::RefsApplied(applied) => {
            let nobodys = applied.updates.iter().filter(|update| update.decision.is_none()).count();
            let without =
                if nobodys == 0 { String::new() } else { format!(", {nobodys} WITHOUT A DECISION") };
            format!(
                "push of {} to {} applied: {} refs{without}",
                applied.principal,
                applied.repository,
                applied.updates.len()
            )
        }
        Event::CanaryTried(tried) => {
            format!("forbidden branch tried in {}: {}", tried.repository, canary(tried.outcome))
        }
        Event::PrivilegeRequested(asked) => {
            format!("{} asks for {} for {} s: {}", asked.by, asked.privilege, asked.seconds, asked.id)
        }
        Event::PrivilegeApproved(approved) => format!(
            "{} approved by {}: {} of {}",
            approved.id, approved.by, approved.approvals, approved.needed
        ),
        Event::PrivilegeBegan(began) => format!("{} in force until {}", began.id, began.to),
        Event::PrivilegeEnded(ended) => {
            format!("{} ended: {}, by {}", ended.id, ended.cause.as_str(), ended.by)
        }
        Event::PrivilegeUsed(used) => format!("{} used by {}", used.id, used.by),
        Event::PrivilegeReminded(reminded) => match reminded.about {
            PrivilegeReminder::EndsSoon => {
                format!("{} of {} ends at {}", reminded.id, reminded.by, reminded.end)
            }
            PrivilegeReminder::Unsigned => format!(
                "rules were lifted as {} by {} until {}, and nobody has answered for it",
                reminded.id, reminded.by, reminded.end
            ),
        },
        Event::PrivilegeSignedOff(signed) => {
            format!("{} signed off by {}: {} pushes", signed.id, signed.by, signed.pushes)
        }
        Event::KeyRotated(rotated) => {
            format!("another key signs the log, by {}: {}", rotated.actor, rotated.next)
        }
        Event::EntriesPruned(pruned) => {
            format!("entries before number {} removed: they are kept for {}", pruned.before, pruned.keep)
        }
        Event::PeopleKept(kept) => format!("people stand in the log by {} from here on", kept.form.as_str()),
        Event::PersonErased(erased) => {
            format!("who{} was is erased, by {}", erased.aliases.join(","), erased.actor)
        }
        Event::AccessAttested(attested) => {
            format!("access reviewed by {}: {} rows {}", attested.by, attested.rows.len(), attested.verdict)
        }
        Event::SignalReceived(told) => {
            let who = told.person.as_ref().map_or_else(String::new, |person| format!(" of {person}"));
            format!("{} tells {}{who}: {}", told.transmitter, told.event, told.effect.as_str())
        }
        Event::SignalStream(stream) => {
            format!("stream of {} {} by {}", stream.transmitter, stream.change.as_str(), stream.actor)
        }
        Event::BitbucketChanged(changed) => bitbucket_changed(changed),
        Event::BitbucketDrift(drift) => bitbucket_drift(drift),
        Event::AdminDenied(denied) if denied.times > 1 => {
            format!(
                "{} may not call {}, {} times more within a minute",
                denied.actor, denied.call, denied.times
            )
        }
        Event::AdminDenied(denied) => format!("{} may not call {}", denied.actor, denied.call),
        Event::SourceToken(changed) => format!(
            "token {} of source {} {} by {}",
            changed.token,
            changed.source,
            token(changed.change),
            changed.actor
        ),
    }
}

/// What is changed in Bitbucket, for whom, and how far that came.
fn bitbucket_changed(changed: &BitbucketChanged) -> String {
    let BitbucketChanged { stage, actor, step, place, user, group, thing, before, after, .. } = changed;
    let named = |what: &str, name: &Option<String>| {
        name.as_ref().map(|name| format!(" {what} {name}")).unwrap_or_default()
    };
    format!(
        "Bitbucket: {step}{}{}{}{}{}{}: {stage}, by {actor}",
        named("user", user),
        named("group", group),
        named("in", place),
        named("of", thing),
        named("from", before),
        named("to", after)
    )
}

/// What Bitbucket has beside what the policy says, and what of it is new.
fn bitbucket_drift(drift: &BitbucketDrift) -> String {
    let counts: Vec<_> = drift.counts.iter().map(|one| format!("{} {}", one.finding, one.count)).collect();
    let all = if counts.is_empty() { "nothing".to_owned() } else { counts.join(", ") };
    let (new, over) = (drift.new, drift.over);
    let first = drift.found.first().map(|one| {
        let place = one.place.as_ref().map_or_else(String::new, |place| format!("{place}: "));
        let holder = one.user.as_ref().or(one.group.as_ref());
        let holder = holder.map_or_else(String::new, |holder| format!("{holder} "));
        format!(", the first {}: {place}{holder}{}", one.finding, one.detail)
    });
    format!("Bitbucket has beside the policy: {all}; {new} new, {over} over{}", first.unwrap_or_default())
}

/// What came of a canary.
fn canary(outcome: CanaryOutcome) -> &'static str {
    match outcome {
        CanaryOutcome::Refused => "refused",
        CanaryOutcome::Accepted => "WENT IN",
        CanaryOutcome::Unknown => "not known",
    }
}
