use std::{
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

use super::{CommitError, NotSo, Sources, Work};
use crate::{
    directory::{By, ChangeError},
    source::{Change, Entry, Roster, Source, merge},
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
        let mut work = self.work.lock().await;
        let now = Timestamp::now();
        let planned = plan(&source.roster(), now).map_err(CommitError::Refused)?;
        let by = By { actor: actor.to_owned(), reason: planned.what };
        let stored = keep(source, Entry { at: now, changes: planned.changes }, &mut work);
        let passed_on = if matches!(stored, Err((_, false))) {
            Ok(())
        } else {
            self.pass_on(&mut work, planned.subject, by).await
        };
        stored.map_err(|(error, _)| CommitError::Disk(error))?;
        passed_on?;
        Ok(planned.answer)
    }

    /// Puts in force what was said and is not in the directory yet.
    pub(super) async fn pass_on(
        &self,
        work: &mut Work,
        subject: Option<Username>,
        by: By,
    ) -> Result<(), ChangeError> {
        if work.names.is_empty() && !work.groups && !work.whole {
            return Ok(());
        }
        let outcome = match self.reader.current() {
            Some(before) if !work.whole => self.amend(work, &before.snapshot, subject, by).await,
            _ => self.put_whole(by).await,
        };
        match &outcome {
            Ok(()) | Err(ChangeError::InForceBut(_)) => {
                *work = Work::default();
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
        if amendment.people.is_empty() && amendment.groups.is_none() {
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
        let directory = block_in_place(|| self.with_voices(None, merge::directory));
        self.writer.import(directory, Timestamp::now(), by).await.map(|_| ())
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

    /// Tries again what could not be done, and notes when sources were heard, until `stop`.
    pub async fn keep_up(self: Arc<Self>, stop: CancellationToken) {
        let mut every = time::interval(RETRY);
        every.set_missed_tick_behavior(time::MissedTickBehavior::Delay);
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
            let mut work = self.work.lock().await;
            let by = By { actor: "oamd".into(), reason: "what sources said before is tried again".into() };
            // What is wrong is told in the status.
            let _ = self.pass_on(&mut work, None, by).await;
            for source in &self.sources {
                note_heard(source);
            }
        }
        for source in &self.sources {
            if let Err(error) = block_in_place(|| source.disk().catch_up()) {
                tracing::error!(%error, source = %source.name(), "what the source took away is not stored");
            }
        }
    }
}

/// Makes an entry durable and takes it over. An error comes with whether it was taken over all the same, since it
/// only takes.
fn keep(source: &Source, entry: Entry, work: &mut Work) -> Result<(), (std::io::Error, bool)> {
    let says_nothing = entry.changes.is_empty();
    let only_takes = !says_nothing && entry.changes.iter().all(Change::only_takes);
    let stored = block_in_place(|| {
        let mut disk = source.disk();
        if says_nothing { disk.catch_up() } else { disk.append(&entry) }
    });
    match stored {
        Err(error) if !only_takes => return Err((error, false)),
        Err(_) => source.disk().owe(entry.clone()),
        Ok(()) => {}
    }
    if !says_nothing {
        work.whole |= entry.changes.iter().any(|change| matches!(change, Change::Forget(_)));
        let touched = source.roster.write().unwrap_or_else(PoisonError::into_inner).apply(entry);
        work.names.extend(touched.names);
        work.groups |= touched.groups;
        source.changes.fetch_add(1, Ordering::Relaxed);
        shorten(source);
    }
    stored.map_err(|error| (error, true))
}

/// Begins a new base where the journal has become long. Failing is harmless: it is tried again.
fn shorten(source: &Source) {
    block_in_place(|| {
        let mut disk = source.disk();
        if disk.is_long()
            && !disk.owes()
            && let Err(error) = disk.draft(&source.roster()).and_then(|draft| disk.adopt(&draft))
        {
            tracing::warn!(%error, source = %source.name(), "the journal of a source could not be shortened");
        }
    });
}

fn note_heard(source: &Source) {
    block_in_place(|| {
        let seen = source.seen();
        let mut disk = source.disk();
        let is_due = seen.is_some_and(|seen| {
            let noted = disk.heard_until();
            noted.is_none_or(|noted| {
                Duration::try_from(seen.duration_since(noted)).is_ok_and(|since| since >= HEARD_IS_NOTED)
            })
        });
        let stored = match seen {
            Some(at) if is_due => disk.append(&Entry { at, changes: Vec::new() }),
            _ => disk.catch_up(),
        };
        if let Err(error) = stored {
            tracing::warn!(%error, source = %source.name(), "what a source says cannot be stored");
        }
    });
}
