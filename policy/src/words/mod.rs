//! The words in which a person reads a reason: what happened, and what to do now. Plain, complete, and without blame.
//!
//! Texts may hold names from outside; they are escaped here (see [`crate::printable`]) and once more by whoever prints.

mod leases;
mod notices;
mod signatures;
mod unmet;
mod ways;

use jiff::{Timestamp, Unit};

pub use notices::notices;

use crate::{
    name::{RefName, RoleId, RuleId},
    printable::Printable,
    reason::{Blocked, NoGrant, PathsNotGranted, RefusalReason, UndecidedReason},
    request::Verb,
};

/// A reason in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Words {
    /// The reason's stable name.
    pub code: &'static str,
    /// The rule that said so.
    pub rule: Option<RuleId>,
    /// What happened.
    pub summary: String,
    /// What to do now.
    pub hint: Option<String>,
}

/// The words for a refusal of a change to `name`; `None` for a refusal that lies in no single ref.
pub fn of_refusal(reason: &RefusalReason, name: Option<&RefName>) -> Words {
    let (summary, hint) = match reason {
        RefusalReason::NoGrant(no_grant) => {
            let is_tag = name.is_some_and(RefName::is_tag);
            // What a block forbids besides is advised by the block.
            let hint = (!no_grant.blocked_too).then(|| no_grant_hint(no_grant, name));
            (format!("No rule lets you {} it.", tried(no_grant.verb, is_tag)), hint)
        }
        RefusalReason::PathsNotGranted(not_granted) => paths_not_granted(not_granted),
        RefusalReason::Blocked(blocked) => (blocked_summary(blocked), blocked_hint(blocked, name)),
        RefusalReason::Unmet(unmet) => {
            let (summary, hint) = unmet::of(unmet);
            // What is asked for every day is not told with what others may do in an emergency.
            let yours = unmet.lifted_by.iter().find(|lifter| lifter.is_yours);
            let lifting = yours.and_then(|lifter| ways::to_lift(&unmet.rule, std::slice::from_ref(lifter), name));
            (summary, Some(std::iter::once(hint).chain(lifting).collect::<Vec<_>>().join(" ")))
        }
        RefusalReason::AccountDisabled { username } => (
            format!("The account `{username}` is deactivated in the company directory."),
            Some("If it should not be, ask whoever manages your account to reactivate it there.".into()),
        ),
        RefusalReason::Revoked { username, since } => (
            format!("The account `{username}` was cut off by an administrator on {}.", minute(*since)),
            Some("Ask an administrator of your Bitbucket why, and to lift it.".into()),
        ),
        RefusalReason::UnknownPrincipal { username } => (
            format!("`{username}` is neither in the company directory nor a known service account."),
            Some(
                "New here: your account may not have arrived yet; ask an administrator. An access key or token: \
                 push as yourself, or have the policy name this account in a role's `service` list."
                    .into(),
            ),
        ),
        RefusalReason::LeaseNotAccepted(fault) => leases::of(*fault),
    };
    Words { code: reason.code(), rule: reason.rule().cloned(), summary, hint }
}

/// The words for an inability to decide.
pub fn of_undecided(reason: &UndecidedReason) -> Words {
    let (summary, hint) = match reason {
        UndecidedReason::PolicyMissing => (
            "No policy is loaded, so nothing can be permitted.".to_owned(),
            "An administrator loads one with `oam policy apply`; `oam status` says why there is none.",
        ),
        UndecidedReason::SnapshotMissing => (
            "The directory of users is not loaded, so nobody can be recognised.".to_owned(),
            "An administrator loads it with `oam snapshot import`; `oam status` says why there is none.",
        ),
        UndecidedReason::SourceStale { source, age, bound } => (
            match (age, bound) {
                (Some(age), Some(bound)) => format!(
                    "What the source `{source}` of the directory says is {} old; at most {} is allowed.",
                    rounded(*age),
                    rounded(*bound)
                ),
                _ => format!(
                    "What the source `{source}` of the directory said is lost, or it was never heard."
                ),
            },
            "An administrator finds out with `oam source status` why it is not refreshed.",
        ),
        UndecidedReason::SignalsBlind { source, transmitter } => (
            format!(
                "The signals of the transmitter `{transmitter}` do not reach the daemon, so it would not learn who is disabled in the \
                 source `{source}` of the directory."
            ),
            "An administrator finds out with `oam signals status` why they do not come.",
        ),
        UndecidedReason::FactsUnreadable { why } => (
            format!("The history could not be read: {}.", Printable::new(why.trim_end_matches('.'))),
            "Push again. If it stays so, an administrator should look at the repository.",
        ),
        UndecidedReason::ApprovalsUnknown { why, lasting } => (
            format!(
                "The approvals of the pull request could not be judged: {}.",
                Printable::new(why.trim_end_matches('.'))
            ),
            if *lasting {
                "Its author commits again with an address that the directory has of them, or whoever keeps the directory \
                 adds this one. Nobody need approve again where the directory does."
            } else {
                "Try again in a minute; nobody need approve again. If it stays so, an administrator should look at \
                 `oam status`."
            },
        ),
        UndecidedReason::AuditUnavailable => (
            "The decision could not be written to the audit log, so it was not given.".to_owned(),
            "Push again. An administrator should look at the daemon's disk and log.",
        ),
    };
    Words { code: reason.code(), rule: None, summary, hint: Some(hint.into()) }
}

/// The verb in a sentence: "No rule lets you … it".
fn tried(verb: Option<Verb>, is_tag: bool) -> &'static str {
    match verb {
        Some(Verb::Force) if is_tag => "move",
        Some(Verb::Create) => "create",
        Some(Verb::Update) => "update",
        Some(Verb::Force) => "force-push",
        Some(Verb::Delete) => "delete",
        Some(Verb::Read) => "read",
        Some(Verb::Admin) => "administer",
        None => "change",
    }
}

fn no_grant_hint(no_grant: &NoGrant, name: Option<&RefName>) -> String {
    let is_tag = name.is_some_and(RefName::is_tag);
    let instead = match no_grant.verb {
        Some(Verb::Force) if is_tag => Some("Tags stay where they are: make a new one instead.".to_owned()),
        Some(Verb::Force) if no_grant.may.contains(&Verb::Update) => Some(
            "You may update it without rewriting history: fetch, rebase or merge onto it, and push again."
                .to_owned(),
        ),
        _ if no_grant.may.is_empty() => None,
        _ => {
            let may: Vec<_> = no_grant.may.iter().map(|verb| tried(Some(*verb), is_tag)).collect();
            Some(format!("You may {} it.", listed(&may, "or")))
        }
    };
    let who = match no_grant.roles_that_may.as_slice() {
        [] => nobody_may(no_grant.verb, is_tag, instead.is_some()).map(str::to_owned),
        some => {
            Some(format!("Somebody with the role {} may {} it.", roles(some), tried(no_grant.verb, is_tag)))
        }
    };
    let ask = ways::to_ask(&no_grant.ask, name);
    let lease = no_grant.lease.as_ref().map(|on| ways::to_lease(on, name));
    [instead, who, ask, lease].into_iter().flatten().collect::<Vec<_>>().join(" ")
}

/// What to do where the policy gives nobody the right.
fn nobody_may(verb: Option<Verb>, is_tag: bool, something_is_advised: bool) -> Option<&'static str> {
    match verb {
        _ if is_tag && something_is_advised => None,
        Some(Verb::Create) => {
            Some("No role may: choose a name that your policy grants, or ask for this one.")
        }
        Some(Verb::Delete) => Some("No role may: if it must go, ask for it in the policy."),
        _ if is_tag => Some("No role may: make a new tag, or ask for it in the policy."),
        _ => Some("No role may: push to another branch and open a pull request."),
    }
}

fn paths_not_granted(not_granted: &PathsNotGranted) -> (String, Option<String>) {
    let grants: Vec<_> = not_granted.grants.iter().map(|grant| format!("`{grant}`")).collect();
    let grants = listed(&grants.iter().map(String::as_str).collect::<Vec<_>>(), "and");
    let summary = format!("You may change it, but not there: {}.", unmet::told(&not_granted.paths));
    let leased = match not_granted.leased.as_slice() {
        [] => String::new(),
        some => {
            let some: Vec<_> = some.iter().map(|path| format!("`{}`", Printable::new(path))).collect();
            let some: Vec<_> = some.iter().map(String::as_str).collect();
            format!(
                " A lease is for {} only: have the job ask for the other paths as well, with `oam ci lease --path`.",
                listed(&some, "and")
            )
        }
    };
    let hint = format!(
        "What you may change stands in {grants}. Leave the rest out, or have somebody push it who may.{leased}"
    );
    (summary, Some(hint))
}

fn blocked_summary(blocked: &Blocked) -> String {
    let what = match blocked.verb {
        Some(Verb::Create) => "Creating it",
        Some(Verb::Update) => "Updating it",
        Some(Verb::Force) => "Moving it (force)",
        Some(Verb::Delete) => "Deleting it",
        Some(Verb::Read | Verb::Admin) | None => "Changing it",
    };
    let until = blocked.until.map(|until| format!(" until {}", minute(until))).unwrap_or_default();
    match &blocked.paths {
        None => format!("{what} is blocked by rule `{}`{until}.", blocked.rule),
        Some(paths) => {
            format!("Changing {} is blocked by rule `{}`{until}.", unmet::told(paths), blocked.rule)
        }
    }
}

fn blocked_hint(blocked: &Blocked, name: Option<&RefName>) -> Option<String> {
    let mut parts = Vec::new();
    if let Some(help) = &blocked.help {
        parts.push(Printable::new(help.trim()).to_string());
    }
    if !blocked.except.is_empty() {
        parts.push(format!("Somebody with the role {} is not bound by it.", roles(&blocked.except)));
    } else if blocked.absolute {
        parts.push("It binds everybody, administrators too.".into());
    }
    parts.extend(ways::to_lift(&blocked.rule, &blocked.lifted_by, name));
    (!parts.is_empty()).then(|| parts.join(" "))
}

fn roles(roles: &[RoleId]) -> String {
    let quoted: Vec<_> = roles.iter().map(|role| format!("`{role}`")).collect();
    listed(&quoted.iter().map(String::as_str).collect::<Vec<_>>(), "or")
}

/// `a`, `a or b`, `a, b or c`.
fn listed(items: &[&str], word: &str) -> String {
    match items {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [most @ .., last] => format!("{} {word} {last}", most.join(", ")),
    }
}

/// A moment to the minute, in UTC, since the reader may be anywhere.
fn minute(at: Timestamp) -> String {
    let rounded = at.round(Unit::Minute).unwrap_or(at);
    rounded.strftime("%Y-%m-%d %H:%M UTC").to_string()
}

/// A length of time in its largest whole unit.
fn rounded(length: std::time::Duration) -> String {
    let seconds = length.as_secs();
    let (count, unit) = match seconds {
        0..=119 => (seconds, "second"),
        120..=7_199 => (seconds / 60, "minute"),
        7_200..=172_799 => (seconds / 3_600, "hour"),
        _ => (seconds / 86_400, "day"),
    };
    format!("{count} {unit}{}", if count == 1 { "" } else { "s" })
}
