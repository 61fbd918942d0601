use std::{
    io,
    sync::{Arc, PoisonError, atomic::Ordering},
    time::Duration,
};

use jiff::Timestamp;
use oam_policy::{
    Snapshot, Username,
    snapshot::{Amendment, UserView},
};
use tokio::{task::block_in_place, time};
use tokio_util::sync::CancellationToken;

use super::{CommitError, NotSo, Sources, Unfinished, Work};
use crate::{
    directory::{By, ChangeError},
    source::{Change, Entry, Roster, Source, disk::Disk, merge},
};

/// How often what could not be passed on is tried again.
const RETRY: Duration = Duration::from_secs(1);
/// How far what is noted of when a source was heard may be behind.
const HEARD_IS_NOTED: Duration = Duration::from_secs(60);

/// What a request of a source leads to.
#[derive(Debug)]
pub struct Planned<T> {
    /// What is different.
    pub changes: Vec<Change>,
    /// Whom it is about, if it is one.
    pub subject: Option<Username>,
    /// In words, for the audit log.
    pub what: String,
    /// What the request is answered with.
    pub answer: T,
}

impl Sources {
    /// Carries out what `plan` makes of what the source said so far. When it returns, it is durable, in the audit log,
    /// and in force.
    ///
    /// # Errors
    /// When it makes no sense, or one of the three could not be done. What only takes is in force all the same.
    pub async fn change<T, E: std::fmt::Debug + std::fmt::Display>(
        &self,
        source: &Source,
        actor: &str,
        plan: impl FnOnce(&Roster, Timestamp) -> Result<Planned<T>, E>,
    ) -> Result<T, CommitError<E>> {
        let saying = self.saying.lock().await;
        let now = Timestamp::now();
        let planned = plan(&source.roster(), now).map_err(CommitError::Refused)?;
        let by = By { actor: actor.to_owned(), reason: planned.what };
        let kept = keep(source, Entry { at: now, changes: planned.changes });
        let (work, error) = match kept {
            Ok(work) => (work, None),
            Err((error, Some(work))) => (work, Some(error)),
            Err((error, None)) => return Err(CommitError::Disk(error)),
        };
        let mut unfinished = Unfinished { work, left: &self.left };
        // Where everything is made anew nobody may change what is said: whoever waits to do so holds up decisions.
        let saying = Some(saying).filter(|_| unfinished.work.whole);
        // Also by whom nothing is different: it may be so because of somebody who has not passed it on yet.
        let passing = self.passing.lock().await;
        unfinished.take_over();
        let passed_on = self.pass_on(unfinished, planned.subject, by).await;
        drop((saying, passing));
        // What they have for a while ends with it, whatever else is missing yet.
        self.review().await;
        error.map_or(Ok(()), |error| Err(CommitError::Disk(error)))?;
        passed_on?;
        Ok(planned.answer)
    }

    /// Puts in force what was said and is not in the directory yet. Whoever calls this holds `passing`.
    async fn pass_on(
        &self,
        mut unfinished: Unfinished<'_>,
        subject: Option<Username>,
        by: By,
    ) -> Result<(), ChangeError> {
        let work = &unfinished.work;
        if work.is_nothing() {
            return Ok(());
        }
        let outcome = match self.reader.current() {
            Some(before) if !work.whole => self.amend(work, &before.snapshot, subject, by).await,
            _ => self.put_whole(by).await,
        };
        match &outcome {
            Ok(()) | Err(ChangeError::InForceBut(_)) => {
                unfinished.work = Work::default();
                self.tell(Vec::new());
            }
            Err(error) => {
                self.tell(vec![format!(
                    "What sources said is not in force yet, and is tried again: {error}"
                )]);
            }
        }
        outcome
    }

    async fn amend(
        &self,
        work: &Work,
        before: &Snapshot,
        subject: Option<Username>,
        by: By,
    ) -> Result<(), ChangeError> {
        let amendment = self.amendment(work, before);
        // That a source ended somebody is in the audit log before it is answered, also where nobody is different by it.
        if amendment.people.is_empty() && amendment.groups.is_none() && !work.ends {
            return Ok(());
        }
        if !amendment.only_takes(before) {
            // What is taken does not wait for what is given, which may fail.
            let taking = amendment.taking_part(before);
            if !taking.people.is_empty()
                && let Err(error) = self.writer.amend(taking, subject.clone(), by.clone()).await
            {
                tracing::error!(%error, "what a source took away is in force, and not all of it is done");
            }
        }
        self.writer.amend(amendment, subject, by).await.map(|_| ())
    }

    /// What is different from `before` by what the sources say.
    fn amendment(&self, work: &Work, before: &Snapshot) -> Amendment {
        self.with_voices(None, |voices| {
            let people = work.names.iter().filter_map(|key| merge::person(key, voices));
            let is_new = |person: &oam_policy::snapshot::Person| {
                before.user(&person.username.key()).map(UserView::to_person).as_ref() != Some(person)
            };
            let groups = work.groups.then(|| merge::groups(voices));
            Amendment {
                as_of: Timestamp::now(),
                people: people.filter(is_new).collect(),
                groups: groups.filter(|groups| !groups.iter().eq(before.groups())),
            }
        })
    }

    async fn put_whole(&self, by: By) -> Result<(), ChangeError> {
        let now = Timestamp::now();
        let merged = block_in_place(|| self.with_voices(None, |voices| merge::snapshot(voices, now)))?;
        self.writer.deliver(merged, by).await.map(|_| ())
    }

    /// Takes the name of somebody who is gone out of a source's memory.
    ///
    /// # Errors
    /// When the source does not remember them, or it cannot be stored.
    pub async fn forget(
        &self,
        source: &Source,
        username: Username,
        by: &By,
    ) -> Result<(), CommitError<NotSo>> {
        self.change(source, &by.actor, |roster, _| {
            if roster.tombstone(&username.key()).is_none() {
                return Err(NotSo::NotGone(username));
            }
            Ok(Planned {
                changes: vec![Change::Forget(username.clone())],
                subject: Some(username),
                what: by.reason.clone(),
                answer: (),
            })
        })
        .await
    }

    /// Takes it that the source told everything again.
    ///
    /// # Errors
    /// When it cannot be stored.
    pub async fn complete(&self, source: &Source, by: &By) -> Result<(), CommitError<NotSo>> {
        let what = by.reason.clone();
        let plan =
            |_: &Roster, _| Ok(Planned { changes: vec![Change::Complete], subject: None, what, answer: () });
        self.change(source, &by.actor, plan).await
    }

    /// Passes on what was said and nobody passes on: somebody tried, or was interrupted.
    async fn try_again(&self) {
        if self.left().is_nothing() {
            return;
        }
        let _alone = self.alone().await;
        let mut unfinished = Unfinished { work: Work::default(), left: &self.left };
        unfinished.take_over();
        let by = By { actor: "oamd".into(), reason: "what sources said before is tried again".into() };
        // What is wrong is told in the status.
        let _ = self.pass_on(unfinished, None, by).await;
        self.review().await;
    }

    /// Tries again what could not be done, and notes when sources were heard, until `stop`.
    pub async fn keep_up(self: Arc<Self>, stop: CancellationToken) {
        let mut every = time::interval(RETRY);
        every.set_missed_tick_behavior(time::MissedTickBehavior::Delay);
        let mut known_set_back = None;
        loop {
            let due = async {
                tokio::select! {
                    _ = every.tick() => {}
                    () = self.next_end() => {}
                }
            };
            if stop.run_until_cancelled(due).await.is_none() {
                break;
            }
            self.expire(Timestamp::now()).await;
            self.reread_what_ended(&mut known_set_back);
            self.try_again().await;
            for source in &self.sources {
                note_heard(source);
            }
        }
        for source in &self.sources {
            let caught_up = block_in_place(|| {
                let mut disk = source.disk();
                mend(source, &mut disk).and_then(|()| disk.catch_up())
            });
            if let Err(error) = caught_up {
                tracing::error!(%error, source = %source.name(), "what the source took away is not stored");
            }
        }
    }
}

/// Makes an entry durable and takes it over; tells what is to be passed on. An error comes with that, too, where it was taken
/// over all the same, since it only takes.
fn keep(source: &Source, entry: Entry) -> Result<Work, (io::Error, Option<Work>)> {
    let says_nothing = entry.changes.is_empty();
    let only_takes = !says_nothing && entry.changes.iter().all(Change::only_takes);
    let stored = block_in_place(|| {
        let mut disk = source.disk();
        mend(source, &mut disk)?;
        if says_nothing { disk.catch_up() } else { disk.append(&entry) }
    });
    match stored {
        Err(error) if !only_takes => return Err((error, None)),
        Err(_) => source.disk().owe(entry.clone()),
        Ok(()) => {}
    }
    let mut work = Work::default();
    if !says_nothing {
        work.whole = entry.changes.iter().any(|change| matches!(change, Change::Forget(_)));
        let (touched, said_something) = {
            let mut roster = source.roster.write().unwrap_or_else(PoisonError::into_inner);
            work.ends = entry.changes.iter().any(|change| roster.is_ended_by(change));
            let seen = roster.seen;
            let touched = roster.apply(entry);
            (touched, roster.seen != seen)
        };
        if said_something {
            source.heard();
        }
        (work.names, work.groups) = (touched.names, touched.groups);
        source.changes.fetch_add(1, Ordering::Relaxed);
        shorten(source);
    }
    match stored {
        Ok(()) => Ok(work),
        Err(error) => Err((error, Some(work))),
    }
}

/// Begins a new base where the journal has become long. Failing is harmless: it is tried again.
fn shorten(source: &Source) {
    block_in_place(|| {
        let mut disk = source.disk();
        if disk.is_long()
            && !disk.owes()
            && let Err(error) = begin_base(source, &mut disk)
        {
            tracing::warn!(%error, source = %source.name(), "the journal of a source could not be shortened");
        }
    });
}

/// Begins a new base where nothing can follow in the journal any more.
fn mend(source: &Source, disk: &mut Disk) -> io::Result<()> {
    if disk.is_broken() { begin_base(source, disk) } else { Ok(()) }
}

/// Writes all that is in force as a new base, what is owed included.
fn begin_base(source: &Source, disk: &mut Disk) -> io::Result<()> {
    let draft = disk.draft(&source.roster())?;
    disk.adopt(&draft)
}

fn note_heard(source: &Source) {
    block_in_place(|| {
        let seen = source.seen();
        let mut disk = source.disk();
        let is_due = seen.is_some_and(|seen| {
            let noted = disk.heard_until();
            // Also what was noted by a clock that was ahead.
            noted.is_none_or(|noted| seen.duration_since(noted).unsigned_abs() >= HEARD_IS_NOTED)
        });
        let stored = mend(source, &mut disk).and_then(|()| match seen {
            Some(at) if is_due => disk.append(&Entry { at, changes: Vec::new() }),
            _ => disk.catch_up(),
        });
        if let Err(error) = stored {
            tracing::warn!(%error, source = %source.name(), "what a source says cannot be stored");
        }
    });
}
