//! The one thread that changes the directory.

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;
use oam_audit::entry::{Event, SnapshotCause, SnapshotChanged};
use oam_policy::{
    Snapshot, Username,
    snapshot::{Amendment, Revocation},
};
use tokio::{
    runtime::Handle,
    sync::{mpsc, oneshot},
    time::timeout,
};

use super::{By, ChangeError, Changed, DirectoryReader, Record, backlog::Backlog};
use crate::store::{Cause, Change, Counts, Loaded, SnapshotInfo, Store};

/// How often what is still missing is tried again.
const RETRY: Duration = Duration::from_secs(1);
/// How long nobody changes anything until older generations are brought to where they are kept. Longer than whoever was cut off
/// needs to push: the disk is theirs first.
const PAUSE: Duration = Duration::from_millis(50);

/// Where an answer goes.
pub(super) type Answer = oneshot::Sender<Result<Changed, ChangeError>>;

/// What the writer is asked to do.
#[derive(Debug)]
pub(super) struct Command {
    pub(super) step: Step,
    pub(super) by: By,
    pub(super) answer: Answer,
}

/// One step from what is in force to what comes next.
#[derive(Debug)]
pub(super) enum Step {
    Deliver(Box<Snapshot>),
    Amend { amendment: Amendment, subject: Option<Username> },
    RollBack { target: Arc<Loaded>, reactivate: bool },
    Deactivate { user: Username, even_if_unknown: bool },
    Reactivate(Username),
}

/// What a step leads to.
struct Next {
    snapshot: Snapshot,
    counts: Counts,
    cause: Cause,
    change: Change,
    subject: Option<Username>,
    cut_off_since: Vec<Username>,
    /// Whether it gives nobody anything, and is to be in force whatever fails.
    only_takes: bool,
    /// Whether nothing of what was in force before is part of it.
    shares_nothing: bool,
}

/// The state of the thread.
pub(super) struct Worker {
    store: Store,
    record: Record,
    reader: DirectoryReader,
    backlog: Backlog,
    /// Directories that are no longer in force, and perhaps still being looked at. Taking one apart takes a second with half a
    /// million people, so whoever looks at it last, a push perhaps, must not be who does it.
    replaced: Vec<Arc<Loaded>>,
}

impl Worker {
    pub(super) fn new(store: Store, record: Record, reader: DirectoryReader) -> Self {
        Self { store, record, reader, backlog: Backlog::default(), replaced: Vec::new() }
    }

    /// Serves until every handle is dropped.
    pub(super) fn run(mut self, runtime: &Handle, mut commands: mpsc::Receiver<Command>) {
        loop {
            let received = match self.patience() {
                None => runtime.block_on(commands.recv()),
                Some(patience) => {
                    match runtime.block_on(async { timeout(patience, commands.recv()).await }) {
                        Ok(received) => received,
                        Err(_) => {
                            self.do_what_can_wait(runtime);
                            continue;
                        }
                    }
                }
            };
            let Some(Command { step, by, answer }) = received else { break };
            self.catch_up();
            let outcome = self.carry_out(step, by);
            self.tell();
            // The caller may have gone; the change stands.
            let _ = answer.send(outcome);
            if self.store.is_to_be_shelved() {
                self.shelve();
            }
        }
        self.catch_up();
    }

    /// How long nobody need ask for anything until what can wait is done; `None`: there is nothing.
    fn patience(&self) -> Option<Duration> {
        if self.store.is_behind() {
            return Some(PAUSE);
        }
        let is_done = self.backlog.missing().is_none() && self.replaced.is_empty();
        (!is_done).then_some(RETRY)
    }

    fn do_what_can_wait(&mut self, runtime: &Handle) {
        if self.store.is_behind() {
            self.shelve();
            return;
        }
        self.catch_up();
        self.let_go(runtime);
    }

    /// What comes of it is told: sled may have failed.
    fn shelve(&mut self) {
        self.store.shelve();
        self.tell();
    }

    fn catch_up(&mut self) {
        if self.backlog.missing().is_some() {
            self.backlog.work_off(&mut self.store, &mut self.record);
            self.tell();
        }
    }

    /// Takes those apart at which nobody looks any more, where nobody waits for it.
    fn let_go(&mut self, runtime: &Handle) {
        let is_free = |one: &mut Arc<Loaded>| Arc::strong_count(one) == 1;
        let free: Vec<_> = self.replaced.extract_if(.., is_free).collect();
        if !free.is_empty() {
            runtime.spawn_blocking(move || drop(free));
        }
    }

    fn tell(&self) {
        let missing =
            self.backlog.missing().map(|missing| format!("a deactivation is in force, but {missing}"));
        self.reader.tell(missing.into_iter().chain(self.store.trouble().map(str::to_owned)).collect());
    }

    fn carry_out(&mut self, step: Step, by: By) -> Result<Changed, ChangeError> {
        let before = self.reader.current();
        let Some(next) = next(before.as_deref(), step, &by)? else {
            let after = before.clone().ok_or(ChangeError::NoDirectory)?;
            return Ok(Changed { before, after, changed: false, cut_off_since: Vec::new() });
        };
        // What is in force may be ahead of the store, and the store of it: a generation that failed is not used again.
        let generation = next.snapshot.version().generation.max(self.store.next_generation());
        let snapshot = next.snapshot.renumbered(generation);
        let info = SnapshotInfo {
            version: snapshot.version(),
            as_of: snapshot.as_of(),
            counts: next.counts,
            cause: next.cause,
            actor: by.actor,
            reason: by.reason,
            changed_at: Timestamp::now(),
        };
        let after = Arc::new(Loaded { snapshot, info });
        let event = event(before.as_deref(), &after, next.subject.as_ref());
        if next.only_takes {
            self.cut_off(event, &after, next.change)?;
        } else {
            self.give(event, before.as_deref(), &after, &next.change)?;
        }
        if next.shares_nothing {
            self.replaced.extend(before.clone());
        }
        Ok(Changed { before, after, changed: true, cut_off_since: next.cut_off_since })
    }

    /// Records, stores, and only then puts in force.
    fn give(
        &mut self,
        event: Event,
        before: Option<&Loaded>,
        after: &Arc<Loaded>,
        change: &Change,
    ) -> Result<(), ChangeError> {
        if let Some(missing) = self.backlog.missing() {
            return Err(ChangeError::Behind(missing.clone()));
        }
        (self.record)(event).map_err(ChangeError::NotRecorded)?;
        if let Err(error) = self.store.save(after, change) {
            self.take_back(before, after, &error.to_string());
            return Err(ChangeError::NotStored(error));
        }
        self.reader.put_in_force(Arc::clone(after));
        Ok(())
    }

    /// What was recorded did not come to be: records what is in force instead. Its generation is not used again.
    fn take_back(&mut self, before: Option<&Loaded>, after: &Loaded, why: &str) {
        tracing::error!(
            generation = after.info.version.generation,
            "a new directory could not be stored: {why}"
        );
        let Some(before) = before else { return };
        let Event::SnapshotChanged(mut told) = event(Some(after), before, None) else { return };
        told.cause = SnapshotCause::Loaded;
        "oamd".clone_into(&mut told.actor);
        told.reason = Some(format!(
            "generation {} could not be stored and never came into force; this one stays",
            after.info.version.generation
        ));
        if let Err(error) = (self.record)(Event::SnapshotChanged(told)) {
            tracing::error!("nor could that be recorded: {error}");
        }
    }

    /// Cutting off is safe: it is in force at once and whatever fails, and answered when it is recorded and stored.
    fn cut_off(&mut self, event: Event, after: &Arc<Loaded>, change: Change) -> Result<(), ChangeError> {
        self.reader.put_in_force(Arc::clone(after));
        self.backlog.add(event, Arc::clone(after), change, &mut self.store, &mut self.record);
        match self.backlog.missing() {
            None => Ok(()),
            Some(missing) => Err(ChangeError::InForceBut(missing.clone())),
        }
    }
}

/// What a step leads to; `None` when it is so already.
fn next(before: Option<&Loaded>, step: Step, by: &By) -> Result<Option<Next>, ChangeError> {
    let now = Timestamp::now();
    match (step, before) {
        (Step::Deliver(delivered), before) => Ok(deliver(before, *delivered)),
        (_, None) => Err(ChangeError::NoDirectory),
        (Step::Amend { amendment, subject }, Some(before)) => Ok(Some(amend(before, amendment, subject))),
        (Step::RollBack { target, reactivate }, Some(before)) => {
            let cut_off_since = before.snapshot.plan_rollback(&target.snapshot).cut_off_since;
            let snapshot = before.snapshot.roll_back_to(&target.snapshot, reactivate, now, &by.actor);
            Ok(Some(Next { cut_off_since, ..Next::whole(snapshot, Cause::Rollback) }))
        }
        (Step::Deactivate { user, even_if_unknown }, Some(before)) => {
            let revocation = Revocation { at: now, by: by.actor.clone(), reason: by.reason.clone() };
            deactivate(before, user, even_if_unknown, revocation)
        }
        (Step::Reactivate(user), Some(before)) => reactivate(before, user),
    }
}

fn deliver(before: Option<&Loaded>, delivered: Snapshot) -> Option<Next> {
    let Some(before) = before else { return Some(Next::whole(delivered, Cause::Import)) };
    if !before.snapshot.is_same_directory(&delivered) {
        return Some(Next::whole(before.snapshot.deliver(&delivered), Cause::Import));
    }
    let as_of = delivered.as_of();
    (as_of != before.snapshot.as_of()).then(|| Next {
        snapshot: before.snapshot.confirm(as_of),
        counts: before.info.counts,
        cause: Cause::Import,
        change: Change::Confirm(as_of),
        subject: None,
        cut_off_since: Vec::new(),
        only_takes: false,
        shares_nothing: false,
    })
}

fn amend(before: &Loaded, amendment: Amendment, subject: Option<Username>) -> Next {
    let snapshot = before.snapshot.amend(&amendment);
    let mut counts = before.info.counts;
    for person in &amendment.people {
        let of = |snapshot: &Snapshot| match snapshot.user(&person.username.key()) {
            Some(user) => (1, u64::from(user.is_active()), user.groups().count() as u64),
            None => (0, 0, 0),
        };
        let (was, is) = (of(&before.snapshot), of(&snapshot));
        counts.users = (counts.users + is.0).saturating_sub(was.0);
        counts.active_users = (counts.active_users + is.1).saturating_sub(was.1);
        counts.memberships = (counts.memberships + is.2).saturating_sub(was.2);
    }
    counts.groups = snapshot.groups().len() as u64;
    let only_takes = amendment.only_takes(&before.snapshot);
    let change = Change::Amend(amendment);
    let shares_nothing = !snapshot.has_groups_of(&before.snapshot);
    let (cause, cut_off_since) = (Cause::Source, Vec::new());
    Next { snapshot, counts, cause, change, subject, cut_off_since, only_takes, shares_nothing }
}

fn deactivate(
    before: &Loaded,
    user: Username,
    even_if_unknown: bool,
    revocation: Revocation,
) -> Result<Option<Next>, ChangeError> {
    let key = user.key();
    if before.snapshot.revocations().contains_key(&key) {
        return Ok(None);
    }
    if before.snapshot.user(&key).is_none() && !even_if_unknown {
        return Err(ChangeError::UnknownUser(user));
    }
    let snapshot = before.snapshot.revoke(&key, revocation.clone());
    let change = Change::Revoke(key, revocation);
    Ok(Some(Next::of_user(before, snapshot, user, Cause::UserDeactivated, change)))
}

fn reactivate(before: &Loaded, user: Username) -> Result<Option<Next>, ChangeError> {
    let key = user.key();
    match before.snapshot.lift_revocation(&key) {
        Some(snapshot) => {
            Ok(Some(Next::of_user(before, snapshot, user, Cause::UserReactivated, Change::Lift(key))))
        }
        None if before.snapshot.user(&key).is_some() => Ok(None),
        None => Err(ChangeError::UnknownUser(user)),
    }
}

impl Next {
    fn whole(snapshot: Snapshot, cause: Cause) -> Self {
        let counts = Counts::of(&snapshot);
        Self {
            snapshot,
            counts,
            cause,
            change: Change::Whole,
            subject: None,
            cut_off_since: Vec::new(),
            only_takes: false,
            shares_nothing: true,
        }
    }

    /// A change to one user, counted without looking at all the others.
    fn of_user(before: &Loaded, snapshot: Snapshot, user: Username, cause: Cause, change: Change) -> Self {
        let is_active =
            |snapshot: &Snapshot| u64::from(snapshot.user(&user.key()).is_some_and(|user| user.is_active()));
        let mut counts = before.info.counts;
        counts.active_users =
            (counts.active_users + is_active(&snapshot)).saturating_sub(is_active(&before.snapshot));
        counts.revocations = snapshot.revocations().len() as u64;
        let only_takes = cause == Cause::UserDeactivated;
        Self {
            snapshot,
            counts,
            cause,
            change,
            subject: Some(user),
            cut_off_since: Vec::new(),
            only_takes,
            shares_nothing: false,
        }
    }
}

fn event(before: Option<&Loaded>, after: &Loaded, subject: Option<&Username>) -> Event {
    let info = &after.info;
    Event::SnapshotChanged(SnapshotChanged {
        generation: info.version.generation,
        digest: info.version.digest.to_string(),
        previous: before.map(|before| before.info.version.digest.to_string()),
        cause: info.cause.into(),
        actor: info.actor.clone(),
        reason: Some(info.reason.clone()).filter(|reason| !reason.is_empty()),
        users: info.counts.users,
        groups: info.counts.groups,
        subject: subject.map(|user| user.as_str().to_owned()),
    })
}
