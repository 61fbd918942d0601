use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use arc_swap::ArcSwap;
use jiff::{SignedDuration, Timestamp};
use oam_audit::entry::{Event, PrivilegeApproved, PrivilegeEnd, PrivilegeRequested, PrivilegeSignedOff};
use oam_policy::{
    PrivilegeId, State, Username,
    rule::{RefSet, RepositorySet},
};
use tokio::sync::Mutex;

use super::{
    Ask, Clock, Counts, News, OpenError, Person, Privilege, PrivilegeError, Set, Stage, id, open,
    rules::Rules,
    said::{began, ended, said},
    uses::Uses,
};
use crate::audit_log::AuditLog;

/// How much one person may have, ask for, and leave to be signed off at once.
const MOST_OF_ONE: usize = 16;
/// How long all that may be together, in bytes, as the entry of each of their pushes holds it: an entry takes 64 KiB, of
/// which leases may take 24.
const MOST_BYTES_OF_ONE: usize = 24 << 10;
/// How much there may be at once.
const MOST: usize = 4_096;

/// What people have for a while. Readers see it without a lock; changes are made one at a time.
#[derive(Debug)]
pub struct Privileges {
    set: ArcSwap<Set>,
    clock: Clock,
    pub(super) audit: AuditLog,
    pub(super) path: PathBuf,
    pub(super) changing: Mutex<()>,
    /// How often leases were used.
    pub(super) uses: Uses,
    pub(super) counts: Counts,
    /// What the start found that somebody should know.
    found: Option<String>,
    /// Whether the file could not be written.
    pub(super) file_fails: AtomicBool,
    /// Whether there is anything new since the file was written.
    pub(super) unsaved: AtomicBool,
}

impl Privileges {
    /// Finds out from the log what people have, by the clock of this machine. It blocks on the disk.
    ///
    /// # Errors
    /// When the log or the file cannot be read.
    pub fn open(path: PathBuf, audit: &AuditLog) -> Result<Self, OpenError> {
        Self::open_with_clock(path, audit, Timestamp::now)
    }

    /// [`Privileges::open`] with another clock.
    ///
    /// # Errors
    /// As [`Privileges::open`].
    pub fn open_with_clock(
        path: PathBuf,
        audit: &AuditLog,
        time_of_day: super::clock::TimeOfDay,
    ) -> Result<Self, OpenError> {
        let open::Opened { set, clock, found } = open::open(&path, audit, time_of_day)?;
        let opened = Self {
            uses: Uses::of(&set),
            set: ArcSwap::from_pointee(set),
            clock,
            audit: audit.clone(),
            path,
            changing: Mutex::default(),
            counts: Counts::default(),
            found,
            file_fails: AtomicBool::new(false),
            unsaved: AtomicBool::new(false),
        };
        // From here on the file accounts for the log as it is.
        opened.save();
        Ok(opened)
    }

    /// All there is.
    pub fn set(&self) -> Arc<Set> {
        self.set.load_full()
    }

    /// The time by which everything here is judged.
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// How often what happened.
    pub fn counts(&self) -> &Counts {
        &self.counts
    }

    /// Asks for something. Where nobody need approve it, it is in force when this returns.
    ///
    /// # Errors
    /// When the policy does not allow it, or it cannot be recorded.
    pub async fn request(
        &self,
        state: &State,
        person: &Person,
        ask: &Ask,
    ) -> Result<Arc<Privilege>, PrivilegeError> {
        let _one_at_a_time = self.changing.lock().await;
        let now = self.clock.now();
        let rules = Rules::of(state)?;
        let subject = rules.subject(&person.username)?;
        let allowed = rules.allowed(&subject, ask)?;
        let set = self.set();
        let key = person.username.key();
        let open = set.open_of(&key).filter(|one| one.what.lease().is_none());
        let lengths: Vec<_> = open.map(|one| recorded_bytes(&one.on, &one.refs, &one.reason)).collect();
        let open = lengths.len();
        let bytes = lengths.iter().sum::<usize>() + recorded_bytes(&ask.on, &ask.refs, &ask.reason);
        if open >= MOST_OF_ONE || bytes > MOST_BYTES_OF_ONE {
            return Err(PrivilegeError::TooManyOfOne(person.username.as_str().to_owned(), open));
        }
        let all = set.open().filter(|one| one.what.lease().is_none()).count();
        if all >= MOST {
            return Err(PrivilegeError::TooMany(all));
        }
        let id = id::fresh(|id| set.get(id).is_some());
        let requested = Event::PrivilegeRequested(PrivilegeRequested {
            id: id.to_string(),
            privilege: allowed.what.kind(),
            by: subject.username.as_str().to_owned(),
            actor: person.actor.clone(),
            on: ask.on.sources(),
            refs: ask.refs.sources(),
            seconds: ask.length.as_secs(),
            reason: ask.reason.trim().to_owned(),
            needed: allowed.needed,
        });
        let mut events = vec![requested];
        if allowed.needed == 0 {
            events.push(began(&id, allowed.what.sort(), now, ask.length.as_secs()));
        }
        self.record(&id, &events, News::Requested).await
    }

    /// Approves what another asked for. With the last approval that is needed it is in force when this returns.
    ///
    /// # Errors
    /// When it is their own, or not theirs to approve, or it cannot be recorded.
    pub async fn approve(
        &self,
        state: &State,
        person: &Person,
        id: &PrivilegeId,
        reason: &str,
    ) -> Result<Arc<Privilege>, PrivilegeError> {
        let _one_at_a_time = self.changing.lock().await;
        let now = self.clock.now();
        let one = self.find(id)?;
        if one.stage != Stage::Waiting {
            return Err(PrivilegeError::NotWaiting(id.clone()));
        }
        if one.by.key() == person.username.key() {
            return Err(PrivilegeError::Own(person.username.as_str().to_owned()));
        }
        let rules = Rules::of(state)?;
        let by = rules.may_answer(&person.username, &rules.answering(&one.what))?.as_str().to_owned();
        if one.approvals.iter().any(|approval| approval.by.key() == person.username.key()) {
            return Err(PrivilegeError::Twice(by));
        }
        if rules.objection(&one, now).is_some() {
            let why = format!("`{}` may not ask for it any more", one.by.as_str());
            return Err(PrivilegeError::NotAllowed(why));
        }
        let approvals = u32::try_from(one.approvals.len()).unwrap_or(u32::MAX).saturating_add(1);
        let approved = Event::PrivilegeApproved(PrivilegeApproved {
            id: id.to_string(),
            by,
            actor: person.actor.clone(),
            reason: said(reason)?,
            approvals,
            needed: one.needed,
        });
        let mut events = vec![approved];
        if approvals >= one.needed {
            events.push(began(id, one.what.sort(), now, one.length.as_secs()));
        }
        self.record(id, &events, News::Approved).await
    }

    /// Ends something, or what somebody asks for: whoever has or asks for it may, and whoever may approve it.
    /// `may_cut_off` is said of those who may take anything from anybody.
    ///
    /// # Errors
    /// When it is over, or not theirs to end, or it cannot be recorded.
    pub async fn end(
        &self,
        state: &State,
        (username, actor): (Option<&Username>, &str),
        may_cut_off: bool,
        id: &PrivilegeId,
        reason: &str,
    ) -> Result<Arc<Privilege>, PrivilegeError> {
        let _one_at_a_time = self.changing.lock().await;
        let one = self.find(id)?;
        if matches!(one.stage, Stage::Ended { .. }) {
            return Err(PrivilegeError::IsOver(id.clone()));
        }
        let is_own = username.is_some_and(|username| one.by.key() == username.key());
        if !is_own && !may_cut_off {
            let Some(username) = username else { return Err(PrivilegeError::Barred(actor.to_owned())) };
            let rules = Rules::of(state)?;
            rules.may_answer(username, &rules.answering(&one.what))?;
        }
        let cause = match (is_own, one.stage) {
            (true, _) => PrivilegeEnd::Returned,
            (false, Stage::Waiting) => PrivilegeEnd::Denied,
            (false, Stage::Live { .. } | Stage::Ended { .. }) => PrivilegeEnd::Revoked,
        };
        let by = username.map_or(actor, Username::as_str);
        self.record(id, &[ended(&one, cause, by, said(reason)?)], News::Ended).await
    }

    /// Answers for what was done with a waiver. Where the policy does not know it any more, whoever `may_cut_off` anybody
    /// may: nobody else is named, and it must not wait for ever.
    ///
    /// # Errors
    /// When there is nothing to answer for, or it is their own, or it cannot be recorded.
    pub async fn sign_off(
        &self,
        state: &State,
        (person, may_cut_off): (&Person, bool),
        id: &PrivilegeId,
        reason: &str,
        pushes: u64,
    ) -> Result<Arc<Privilege>, PrivilegeError> {
        let _one_at_a_time = self.changing.lock().await;
        let one = self.find(id)?;
        one.must_be_signed_off()?;
        if one.by.key() == person.username.key() {
            return Err(PrivilegeError::Own(person.username.as_str().to_owned()));
        }
        let rules = Rules::of(state)?;
        let signing = rules.signing(&one.what);
        let by = match may_cut_off && signing.is_empty() {
            true => rules.subject(&person.username)?.username.into_owned(),
            false => rules.may_answer(&person.username, &signing)?,
        };
        let by = by.as_str().to_owned();
        let reason = said(reason)?.ok_or_else(|| PrivilegeError::NoReason(one.what.rule().clone()))?;
        let signed = Event::PrivilegeSignedOff(PrivilegeSignedOff {
            id: id.to_string(),
            by,
            actor: person.actor.clone(),
            reason,
            pushes,
        });
        self.record(id, &[signed], News::SignedOff).await
    }

    /// The one with this id.
    ///
    /// # Errors
    /// When there is none.
    pub fn find(&self, id: &PrivilegeId) -> Result<Arc<Privilege>, PrivilegeError> {
        let set = self.set.load();
        set.get(id).cloned().map(Arc::new).ok_or_else(|| PrivilegeError::Unknown(id.clone()))
    }

    /// One who changes at a time.
    pub(super) async fn changing(&self) -> tokio::sync::MutexGuard<'_, ()> {
        self.changing.lock().await
    }

    /// Durable, then in force, then told. Must be called with `changing` held.
    pub(super) async fn record(
        &self,
        id: &PrivilegeId,
        events: &[Event],
        news: News,
    ) -> Result<Arc<Privilege>, PrivilegeError> {
        self.record_all(events).await?;
        let privilege = self.find(id)?;
        self.tell(&privilege, news);
        Ok(privilege)
    }

    /// The same of several at once, which nobody is told of yet.
    pub(super) async fn record_all(&self, events: &[Event]) -> Result<(), PrivilegeError> {
        let [first, rest @ ..] = events else { return Ok(()) };
        let mut batch = self.audit.batch(first)?;
        for event in rest {
            batch = batch.and(event)?;
        }
        let appended = self.audit.append(batch).await?;
        let at = self.clock.now();
        let mut set = Set::clone(&self.set.load());
        // As a start would read it, where it can be read.
        let recorded = self.audit.tail(appended.first, events.len()).await.unwrap_or_default();
        let times =
            recorded.iter().map(|line| self.audit.read(line).ok().map(|entry| entry.time.timestamp()));
        let times = (appended.first..).zip(times.chain(std::iter::repeat(None)));
        for (event, (number, time)) in events.iter().zip(times) {
            set.apply(number, event, time.unwrap_or(at));
        }
        set.forget(self.clock.of_the_machine());
        self.uses.forget(&set);
        self.set.store(Arc::new(set));
        self.unsaved.store(true, Ordering::Relaxed);
        Ok(())
    }

    /// Tells that a push was permitted because of these.
    pub fn used<'i>(&self, ids: impl IntoIterator<Item = &'i PrivilegeId>) {
        let set = self.set.load();
        ids.into_iter().filter_map(|id| set.get(id)).for_each(|one| self.tell(one, News::Used));
    }

    /// Tells of something in the daemon's log, and counts it.
    pub(super) fn tell(&self, one: &Privilege, news: News) {
        self.counts.add(&one.what, news);
        let (id, by, what) = (&one.id, one.by.as_str(), one.what.told());
        let (on, refs) = (one.on.sources(), one.refs.sources());
        match news {
            _ if one.what.is_waiver() => {
                tracing::warn!(news = news.code(), %id, by, what, ?on, ?refs, reason = one.reason, "break-glass");
            }
            _ => {
                tracing::info!(news = news.code(), %id, by, what, ?on, ?refs, reason = one.reason, "for a while");
            }
        }
    }

    /// What somebody should look at, a sentence each.
    pub fn warnings(&self) -> Vec<String> {
        let behind = self.clock.behind().map(|behind| {
            format!(
                "The clock of this machine is {:#} behind what it was: nothing is in force that was over by what it was, and no push is permitted that would not be then. Set it right.",
                SignedDuration::from_secs(behind.as_secs())
            )
        });
        let file = self
            .file_fails
            .load(Ordering::Relaxed)
            .then(|| format!("`{}` cannot be written: a start will take longer.", self.path.display()));
        let set = self.set.load();
        let unsigned: Vec<_> =
            set.iter().filter(|one| one.wants_sign_off()).map(|one| format!("`{}`", one.id)).collect();
        let unsigned = (!unsigned.is_empty()).then(|| {
            format!(
                "Rules were lifted, and nobody has answered for it yet: {}. `oam breakglass report` tells what was done.",
                unsigned.join(", ")
            )
        });
        self.found.iter().cloned().chain(behind).chain(file).chain(unsigned).collect()
    }
}

/// How much of something that somebody has stands in the entry of each of their pushes, but for what is short.
fn recorded_bytes(on: &RepositorySet, refs: &RefSet, reason: &str) -> usize {
    serde_json::to_vec(&(on.sources(), refs.sources(), reason)).map_or(usize::MAX, |written| written.len())
}
