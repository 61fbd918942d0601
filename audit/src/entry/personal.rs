//! What an entry tells of people, field by field.
//!
//! Every struct is taken apart by name and every enum is matched to its end, so that whoever adds a field or a kind of
//! entry is asked by the compiler whether it tells of people.

use super::{
    AccessAttested, AdminDenied, AppliedUpdate, BitbucketChanged, BitbucketDrift, CanaryTried, DaemonStarted,
    Decision, DecisionPart, DriftFound, EntriesPruned, Event, History, KeyRotated, LogRepaired, PeopleKept,
    PermittedWhileUnavailable, PersonErased, PolicyApproved, PolicyChanged, PolicyDiff, PolicyProposed,
    PolicyRejected, PolicyWithdrawn, PrivilegeApproved, PrivilegeBegan, PrivilegeEnded, PrivilegeHeld,
    PrivilegeReminded, PrivilegeRequested, PrivilegeSignedOff, PrivilegeUsed, PrunedRotation, PullRequest,
    RefsApplied, ReviewedRow, SignalReceived, SignalStream, SnapshotChanged, SourceToken, SpooledUpdate,
    StoreHealed, Update,
    history::{Commit, Listed, Named, Signature, Text, Tip},
    pull_request::{Approval, ApprovalCount, Said, WeighedApproval},
};

/// A field that tells of people.
#[derive(Debug)]
pub enum Personal<'a> {
    /// The name of somebody whom the entry is about, or who did it: the words in it are theirs or about them.
    Party(&'a mut String),
    /// Who called, as the log names callers: `uid 0`, `corp:00u1 (alice)`, or a part of the daemon. A party as well.
    Actor(&'a mut String),
    /// The name of somebody else.
    Name(&'a mut String),
    /// A repository, or a pattern of some: that of a person, `~alice/notes`, holds their name.
    Repository(&'a mut String),
    /// Words.
    Words(&'a mut String),
    /// Words that need not be UTF-8.
    Text(&'a mut Text),
}

/// What looks at a field that tells of people, and may change it.
pub type Look<'a, E> = &'a mut dyn FnMut(Personal<'_>) -> Result<(), E>;

impl Event {
    /// Looks at all fields that tell of people: first at who the entry is about, then at the words.
    ///
    /// # Errors
    /// The first that `look` returns.
    pub fn personal<E>(&mut self, look: Look<'_, E>) -> Result<(), E> {
        match self {
            Self::Decision(decision) => decision.personal(look),
            Self::DecisionPart(DecisionPart { decision: _, part: _, updates }) => each(updates, look),
            Self::SnapshotChanged(changed) => snapshot_changed(changed, look),
            Self::PolicyChanged(changed) => policy_changed(changed, look),
            Self::PolicyRejected(rejected) => {
                let PolicyRejected { origin: _, author, faults: _, first_fault } = rejected;
                look(Personal::Actor(author))?;
                look(Personal::Words(first_fault))
            }
            Self::PolicyProposed(proposed) => {
                let PolicyProposed { digest: _, previous: _, origin: _, author, reason, needed: _, diff } =
                    proposed;
                look(Personal::Actor(author))?;
                words(reason, look)?;
                policy_diff(diff, look)
            }
            Self::PolicyApproved(approved) => {
                let PolicyApproved { digest: _, author, by, reason, approvals: _, needed: _ } = approved;
                look(Personal::Actor(author))?;
                look(Personal::Actor(by))?;
                words(reason, look)
            }
            Self::PolicyWithdrawn(withdrawn) => {
                let PolicyWithdrawn { digest: _, author, cause: _, by, reason } = withdrawn;
                look(Personal::Actor(author))?;
                look(Personal::Actor(by))?;
                words(reason, look)
            }
            Self::DaemonStarted(DaemonStarted { version: _, log_size: _ }) | Self::DaemonStopped => Ok(()),
            Self::StoreHealed(healed) => {
                let StoreHealed { what: _, set_aside: _, found, rebuilt_generation: _ } = healed;
                look(Personal::Words(found))
            }
            Self::LogRepaired(LogRepaired { torn_bytes: _, set_aside: _ }) => Ok(()),
            Self::PermittedWhileUnavailable(permitted) => {
                let PermittedWhileUnavailable {
                    spool: _,
                    host: _,
                    at: _,
                    repository,
                    principal,
                    updates,
                    why,
                } = permitted;
                for SpooledUpdate { name: _, change: _ } in updates {}
                look(Personal::Party(principal))?;
                look(Personal::Repository(repository))?;
                look(Personal::Words(why))
            }
            Self::RefsApplied(applied) => {
                let RefsApplied { report: _, host: _, at: _, repository, principal, channel: _, updates } =
                    applied;
                for AppliedUpdate { name: _, change: _, decision: _ } in updates {}
                look(Personal::Party(principal))?;
                look(Personal::Repository(repository))
            }
            Self::AdminDenied(AdminDenied { actor, call: _, times: _ }) => look(Personal::Actor(actor)),
            Self::SourceToken(SourceToken { source: _, token: _, change: _, actor }) => {
                look(Personal::Actor(actor))
            }
            Self::CanaryTried(canary) => {
                let CanaryTried { repository, branch: _, outcome: _, decision: _, detail } = canary;
                look(Personal::Repository(repository))?;
                words(detail, look)
            }
            Self::PrivilegeRequested(requested) => {
                let PrivilegeRequested {
                    id: _,
                    privilege: _,
                    by,
                    actor,
                    on,
                    refs: _,
                    seconds: _,
                    reason,
                    needed: _,
                } = requested;
                look(Personal::Party(by))?;
                look(Personal::Actor(actor))?;
                on.iter_mut().try_for_each(|on| look(Personal::Repository(on)))?;
                look(Personal::Words(reason))
            }
            Self::PrivilegeApproved(approved) => {
                let PrivilegeApproved { id: _, by, actor, reason, approvals: _, needed: _ } = approved;
                look(Personal::Party(by))?;
                look(Personal::Actor(actor))?;
                words(reason, look)
            }
            Self::PrivilegeBegan(PrivilegeBegan { id: _, of: _, from: _, to: _ }) => Ok(()),
            Self::PrivilegeEnded(PrivilegeEnded { id: _, of: _, cause: _, by, reason }) => {
                look(Personal::Actor(by))?;
                words(reason, look)
            }
            Self::PrivilegeReminded(PrivilegeReminded { id: _, by, about: _, end: _, at: _ }) => {
                look(Personal::Party(by))
            }
            Self::PrivilegeSignedOff(signed) => {
                let PrivilegeSignedOff { id: _, by, actor, reason, pushes: _ } = signed;
                look(Personal::Party(by))?;
                look(Personal::Actor(actor))?;
                look(Personal::Words(reason))
            }
            Self::PrivilegeUsed(PrivilegeUsed { id: _, by, decision: _ }) => look(Personal::Party(by)),
            Self::AccessAttested(attested) => access_attested(attested, look),
            Self::BitbucketChanged(changed) => bitbucket_changed(changed, look),
            Self::BitbucketDrift(drift) => bitbucket_drift(drift, look),
            Self::KeyRotated(rotated) => key_rotated(rotated, look),
            Self::EntriesPruned(EntriesPruned { before: _, keep: _, older_than: _, rotations }) => rotations
                .iter_mut()
                .try_for_each(|PrunedRotation { seq: _, rotation }| key_rotated(rotation, look)),
            Self::SignalReceived(received) => {
                let SignalReceived { transmitter: _, id: _, event: _, subject, person, effect: _, reason } =
                    received;
                person.iter_mut().try_for_each(|person| look(Personal::Party(person)))?;
                words(subject, look)?;
                words(reason, look)
            }
            Self::SignalStream(SignalStream { transmitter: _, change: _, stream: _, actor }) => {
                look(Personal::Actor(actor))
            }
            Self::PeopleKept(PeopleKept { form: _ }) => Ok(()),
            // The aliases are all that is left of them.
            Self::PersonErased(PersonErased { aliases: _, actor, forced: _ }) => look(Personal::Actor(actor)),
        }
    }
}

impl Decision {
    /// The same for a decision.
    ///
    /// # Errors
    /// The first that `look` returns.
    pub fn personal<E>(&mut self, look: Look<'_, E>) -> Result<(), E> {
        let Self {
            decision: _,
            asked_by: _,
            channel: _,
            dry_run: _,
            repository,
            principal,
            principal_kind: _,
            roles: _,
            policy: _,
            snapshot: _,
            privileges,
            pull_request,
            outcome: _,
            reasons: _,
            update_count: _,
            updates,
            parts: _,
            elapsed_us: _,
        } = self;
        look(Personal::Party(principal))?;
        look(Personal::Repository(repository))?;
        for held in privileges {
            let PrivilegeHeld { id: _, privilege: _, on, refs: _, from: _, to: _, reason, approved_by } =
                held;
            approved_by.iter_mut().try_for_each(|by| look(Personal::Name(by)))?;
            on.iter_mut().try_for_each(|on| look(Personal::Repository(on)))?;
            look(Personal::Words(reason))?;
        }
        pull_request.iter_mut().try_for_each(|one| self::pull_request(one, look))?;
        each(updates, look)
    }
}

impl Update {
    /// The same for one update. Of whom its words are is known from the decision that it belongs to.
    ///
    /// # Errors
    /// The first that `look` returns.
    pub fn personal<E>(&mut self, look: Look<'_, E>) -> Result<(), E> {
        let Self {
            name: _,
            change: _,
            verb: _,
            fast_forward: _,
            ancestry_unreadable: _,
            histories,
            histories_left_out: _,
            outcome: _,
            grant: _,
            other_grants: _,
            privilege: _,
            privileges_beside: _,
            waiver: _,
            lifted: _,
            reasons: _,
            shadow: _,
        } = self;
        histories.iter_mut().try_for_each(|one| history(one, look))
    }
}

fn each<E>(updates: &mut [Update], look: Look<'_, E>) -> Result<(), E> {
    updates.iter_mut().try_for_each(|update| update.personal(look))
}

fn words<E>(words: &mut Option<String>, look: Look<'_, E>) -> Result<(), E> {
    words.iter_mut().try_for_each(|words| look(Personal::Words(words)))
}

fn snapshot_changed<E>(changed: &mut SnapshotChanged, look: Look<'_, E>) -> Result<(), E> {
    let SnapshotChanged {
        generation: _,
        digest: _,
        previous: _,
        cause: _,
        actor,
        reason,
        users: _,
        groups: _,
        subject,
    } = changed;
    subject.iter_mut().try_for_each(|subject| look(Personal::Party(subject)))?;
    look(Personal::Actor(actor))?;
    words(reason, look)
}

fn policy_changed<E>(changed: &mut PolicyChanged, look: Look<'_, E>) -> Result<(), E> {
    let PolicyChanged { digest: _, previous: _, origin: _, author, reason, approved_by, unapproved: _, diff } =
        changed;
    look(Personal::Actor(author))?;
    approved_by.iter_mut().try_for_each(|by| look(Personal::Actor(by)))?;
    words(reason, look)?;
    policy_diff(diff, look)
}

fn access_attested<E>(attested: &mut AccessAttested, look: Look<'_, E>) -> Result<(), E> {
    let AccessAttested { by, actor, verdict: _, reason, review: _, at: _, policy: _, directory: _, rows } =
        attested;
    look(Personal::Party(by))?;
    look(Personal::Actor(actor))?;
    for ReviewedRow { repository, r#ref: _, who, is: _, may: _, through: _ } in rows {
        look(Personal::Name(who))?;
        look(Personal::Repository(repository))?;
    }
    look(Personal::Words(reason))
}

/// A place is never in the project of a person: nothing is changed there.
fn bitbucket_changed<E>(changed: &mut BitbucketChanged, look: Look<'_, E>) -> Result<(), E> {
    let BitbucketChanged {
        stage: _,
        begun: _,
        actor,
        step: _,
        place: _,
        user,
        group: _,
        thing,
        before: _,
        after: _,
        because,
        detail,
    } = changed;
    user.iter_mut().try_for_each(|user| look(Personal::Party(user)))?;
    look(Personal::Actor(actor))?;
    words(thing, look)?;
    look(Personal::Words(because))?;
    words(detail, look)
}

/// Nor is one here: nobody looks there.
fn bitbucket_drift<E>(drift: &mut BitbucketDrift, look: Look<'_, E>) -> Result<(), E> {
    let BitbucketDrift { actor, counts: _, new: _, over: _, found } = drift;
    look(Personal::Actor(actor))?;
    for DriftFound { finding: _, place: _, user, group: _, detail: _ } in &mut *found {
        user.iter_mut().try_for_each(|user| look(Personal::Name(user)))?;
    }
    for DriftFound { finding: _, place: _, user: _, group: _, detail } in found {
        look(Personal::Words(detail))?;
    }
    Ok(())
}

fn key_rotated<E>(rotated: &mut KeyRotated, look: Look<'_, E>) -> Result<(), E> {
    let KeyRotated { previous: _, next: _, actor, reason, note: _ } = rotated;
    look(Personal::Actor(actor))?;
    look(Personal::Words(reason))
}

/// Examples of who may push what.
fn policy_diff<E>(diff: &mut Option<PolicyDiff>, look: Look<'_, E>) -> Result<(), E> {
    let Some(PolicyDiff { changes: _, exact: _, first }) = diff else { return Ok(()) };
    first.iter_mut().try_for_each(|change| look(Personal::Words(change)))
}

fn pull_request<E>(pull_request: &mut PullRequest, look: Look<'_, E>) -> Result<(), E> {
    let PullRequest { number: _, head: _, said, counts } = pull_request;
    for ApprovalCount { rule: _, role: _, needed: _, given: _, of_paths: _, approvals } in counts {
        for WeighedApproval { by, worth: _ } in approvals.all.iter_mut().flatten() {
            look(Personal::Name(by))?;
        }
    }
    match said {
        Said::Known { author, approvals, committers } => {
            look(Personal::Name(author))?;
            for Approval { by, commit: _ } in approvals.all.iter_mut().flatten() {
                look(Personal::Name(by))?;
            }
            // Whoever makes a commit writes there what they like: that makes nobody known.
            committers.all.iter_mut().flatten().try_for_each(|email| look(Personal::Words(email)))
        }
        Said::Unknown { why } => look(Personal::Words(why)),
    }
}

fn history<E>(history: &mut History, look: Look<'_, E>) -> Result<(), E> {
    let History { refs: _, paths: _, files: _, commits, signatures: _, tip } = history;
    if let Some(Listed { told: _, end: _, all: Some(all), sha256: _ }) = commits {
        all.iter_mut().try_for_each(|one| commit(one, look))?;
    }
    match tip {
        Some(Tip::Tag { tagger, signature: worth }) => {
            named(tagger, look)?;
            signature(worth, look)
        }
        Some(Tip::Other | Tip::Unreadable) | None => Ok(()),
    }
}

fn commit<E>(commit: &mut Commit, look: Look<'_, E>) -> Result<(), E> {
    let Commit { id: _, subject, author, committer, parents: _, signed_off: _, foreign: _, signature: worth } =
        commit;
    look(Personal::Text(subject))?;
    named(author, look)?;
    named(committer, look)?;
    signature(worth, look)
}

/// Whoever makes a commit writes there what they like: that makes nobody known.
fn named<E>(who: &mut Named, look: Look<'_, E>) -> Result<(), E> {
    match who {
        Named::Email(written) | Named::NoEmail(written) => look(Personal::Words(written)),
    }
}

fn signature<E>(worth: &mut Signature, look: Look<'_, E>) -> Result<(), E> {
    match worth {
        Signature::Absent => Ok(()),
        Signature::Good { by } => look(Personal::Name(by)),
        Signature::GoodByAddress { address } => look(Personal::Words(address)),
        Signature::Bad { cause: _, why } => look(Personal::Words(why)),
    }
}
