//! What Bitbucket has beside what the policy says, as whoever looks there tells the daemon.
//!
//! **In:** all that somebody found. **Out:** what of it is new, and what is over since they looked before; how much there is of each
//! kind, for metrics; and what of it is so new that somebody must look at it.
//!
//! The daemon does not look itself: its token may do no more than write. What was found before is kept in a file, so that a
//! restart makes nothing new. No names are kept there, but digests of what tells one thing from another.
//!
//! **Must never:** take for over what nobody looked at, or tell of the same thing twice while it stays.

mod known;

use std::{
    io,
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
};

use jiff::{SignedDuration, Timestamp};
use oam_bitbucket::{
    ProjectKey,
    provision::{Finding, FindingKind, FoundIn},
};
use thiserror::Error;
use tokio::sync::{Mutex as Turn, MutexGuard as Held};

use known::Id;
pub use known::Known;

/// For how long what was not there before is an alarm.
const NEWS: SignedDuration = SignedDuration::from_hours(24);

/// When nobody has looked for so long, although somebody did before, they have stopped.
const STALE: SignedDuration = SignedDuration::from_hours(48);

/// What was found in Bitbucket when somebody looked last.
#[derive(Debug, Default)]
pub struct Drift {
    /// `None`: nothing is kept.
    path: Option<PathBuf>,
    known: Mutex<Known>,
    /// One tells at a time.
    turn: Turn<()>,
}

/// Why it cannot be kept.
#[derive(Debug, Error)]
#[error("what was found in Bitbucket cannot be kept in `{path}`: {source}")]
pub struct DriftError {
    path: PathBuf,
    source: io::Error,
}

/// What somebody looked at. What nobody looked at stays as it is known.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LookedAt {
    /// At permissions, groups and restrictions.
    pub permissions: bool,
    /// At tokens and keys.
    pub credentials: bool,
    /// At where the hook is registered and on.
    pub hooks: bool,
}

/// For how long something is an alarm.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Urgency {
    /// It is about the hook: as long as it stays.
    Hook,
    /// Somebody is gone and still has something: as long as it stays.
    Gone,
    /// As long as it is new.
    News,
}

impl Urgency {
    fn of(kind: FindingKind) -> Self {
        match (kind, kind.found_in()) {
            (FindingKind::Gone, _) => Self::Gone,
            (_, FoundIn::Hooks) => Self::Hook,
            (_, FoundIn::Permissions | FoundIn::Credentials) => Self::News,
        }
    }
}

/// What is new since somebody looked before.
#[derive(Debug)]
pub struct News<'a> {
    /// What was not there.
    pub new: Vec<&'a Finding>,
    /// How much was there and is not any more.
    pub over: u64,
    /// All that is known from now on.
    pub known: Known,
}

impl LookedAt {
    fn looks_in(self, found_in: FoundIn) -> bool {
        match found_in {
            FoundIn::Hooks => self.hooks,
            FoundIn::Credentials => self.credentials,
            FoundIn::Permissions => self.permissions,
        }
    }
}

impl Drift {
    /// Reads what was found before; and tells what became of a file that is damaged. Then all of it is new.
    ///
    /// # Errors
    /// When it can be neither read nor set aside.
    pub fn open(path: &Path) -> Result<(Self, Option<String>), DriftError> {
        let fault = |source| DriftError { path: path.to_owned(), source };
        let (known, aside) = Known::read(path).map_err(fault)?;
        let told = aside.map(|aside| {
            format!(
                "What was found in Bitbucket before is not known any more, and will be told as new: the damaged file is `{}`.",
                aside.display()
            )
        });
        Ok((Self { path: Some(path.to_owned()), known: Mutex::new(known), turn: Turn::default() }, told))
    }

    /// Waits until nobody else tells.
    pub async fn turn(&self) -> Held<'_, ()> {
        self.turn.lock().await
    }

    /// What is new in `found`. What is known of anything that was not looked at stays.
    pub fn compare<'a>(&self, found: &'a [Finding], at: LookedAt, now: Timestamp) -> News<'a> {
        let before = self.known();
        let mut known = before.after(at, now);
        // Of a place that could not be read nobody knows what is over.
        let is_whole = !found.iter().any(|one| one.kind == FindingKind::Unread);
        let is_looked_at = |kind: FindingKind| match kind.found_in() {
            FoundIn::Permissions => at.permissions && (is_whole || kind == FindingKind::Unread),
            FoundIn::Credentials => at.credentials && is_whole,
            FoundIn::Hooks => at.hooks,
        };
        let mut new = Vec::new();
        for one in found {
            let id = Id::of(one);
            let since = before.since(&id);
            if since.is_none() && !known.has(&id) {
                new.push(one);
            }
            known.add(id, one.kind, since.unwrap_or(now));
        }
        before.all().filter(|(_, kind, _)| !is_looked_at(*kind)).for_each(|(id, kind, since)| {
            known.add(id, kind, since);
        });
        let over = before.all().filter(|(id, _, _)| !known.has(id)).count() as u64;
        News { new, over, known }
    }

    /// Keeps what is known from now on; durable when it returns.
    ///
    /// # Errors
    /// When it cannot be kept: then it is told again as new.
    pub fn keep(&self, known: Known) -> Result<(), DriftError> {
        if let Some(path) = &self.path {
            known.write(path).map_err(|source| DriftError { path: path.clone(), source })?;
        }
        *self.known() = known;
        Ok(())
    }

    /// How much there is of each kind; of none as long as nobody looked.
    pub fn counts(&self) -> Vec<(FindingKind, u64)> {
        self.known().counts().collect()
    }

    /// When somebody looked last at permissions.
    pub fn looked(&self) -> Option<Timestamp> {
        self.known().looked(FoundIn::Permissions)
    }

    /// What somebody must look at: that changes may pass unseen, and that somebody who is gone still has something, as long as it
    /// stays; that nobody looks at the hook; and what else was not there a day ago.
    pub fn alarms(&self, now: Timestamp) -> Vec<String> {
        let since = now.checked_sub(NEWS).unwrap_or(Timestamp::MIN);
        let known = self.known();
        let told = |urgency: Urgency, since: Timestamp| {
            let kinds = FindingKind::ALL.into_iter().filter(|kind| Urgency::of(*kind) == urgency);
            let counts = kinds.map(|kind| (kind, known.count(kind, since))).filter(|(_, count)| *count > 0);
            counts.map(|(kind, count)| format!("{} {count}", kind.as_str())).collect::<Vec<_>>().join(", ")
        };
        let (hooks, gone) = (told(Urgency::Hook, Timestamp::MIN), told(Urgency::Gone, Timestamp::MIN));
        let others = told(Urgency::News, since);
        let hooks = (!hooks.is_empty()).then(|| {
            format!("CHANGES MAY NOT BE CHECKED: in Bitbucket the hook is not as it was installed: {hooks}. See `oam bitbucket status`.")
        });
        let gone = (!gone.is_empty()).then(|| {
            format!("WHO IS GONE IS NOT OUT: they still have something in Bitbucket: {gone}. See `oam bitbucket drift`.")
        });
        let others = (!others.is_empty()).then(|| {
            format!("Within a day Bitbucket got what the policy does not say: {others}. See `oam bitbucket drift`.")
        });
        hooks.into_iter().chain(unlooked(&known, now)).chain(gone).chain(others).collect()
    }

    /// Why nobody can say that the hook refuses in a project what something else refuses as well; `None`: it was installed for it, and
    /// was as it was installed when somebody looked last.
    pub fn unguarded(&self, project: &ProjectKey, now: Timestamp) -> Option<String> {
        let known = self.known();
        let of_hook = FindingKind::ALL.into_iter().filter(|kind| kind.found_in() == FoundIn::Hooks);
        let found: Vec<_> = of_hook
            .filter(|kind| known.count(*kind, Timestamp::MIN) > 0)
            .map(|kind| format!("`{}`", kind.as_str()))
            .collect();
        match known.looked(FoundIn::Hooks) {
            _ if !found.is_empty() => {
                Some(format!("the hook is not as it was installed: {}", found.join(", ")))
            }
            None => Some("nobody has told yet whether the hook is as it was installed".to_owned()),
            Some(at) if now.duration_since(at) > STALE => {
                Some(format!("nobody has looked since {at:.0} whether the hook is as it was installed"))
            }
            // A pilot in another project refuses nothing here.
            Some(_) if !known.has_hook_in(project) => {
                Some(format!("nobody has told that the hook was installed for `{project}`"))
            }
            Some(_) => None,
        }
    }

    /// That nobody looks any more.
    pub fn warning(&self, now: Timestamp) -> Option<String> {
        let looked = self.looked().filter(|looked| now.duration_since(*looked) > STALE)?;
        Some(format!(
            "Nobody has looked since {looked:.0} what Bitbucket has beside the policy: does `oam bitbucket watch --drift-every` run?"
        ))
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// That somebody looks, but for long not at the hook: what became of that is silent. Where nobody looks at the rest either, that is
/// [what is said](Drift::warning).
fn unlooked(known: &Known, now: Timestamp) -> Option<String> {
    let at = known.looked(FoundIn::Hooks);
    let since = at.or(known.begun())?;
    let rest = known.looked(FoundIn::Permissions).unwrap_or(now);
    (rest.duration_since(since) > STALE).then(|| {
        let so_far = if at.is_some() { "since" } else { "yet, and others look since" };
        format!(
            "CHANGES MAY NOT BE CHECKED: nobody has looked {so_far} {since:.0} whether the hook in Bitbucket is as it was installed: `oam bitbucket watch --drift-every` needs --noted with what `oam bitbucket install` noted."
        )
    })
}

#[cfg(test)]
mod tests;
