//! What nobody was let do. Somebody who tries again and again fills no disk: after the first, those of a minute are one entry.

use std::{
    collections::HashMap,
    mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use oam_audit::entry::{AdminDenied, Event};
use tokio::time;

use crate::{access::Call, service::Live};

/// How long those are counted that are one entry.
const WINDOW: Duration = Duration::from_secs(60);
/// How many callers and calls are told apart; beyond that, all callers are one.
const MOST: usize = 1_024;
/// What they are called then.
const OTHERS: &str = "others";

/// Who was denied what within the last minute, and how often after the first time.
#[derive(Debug, Default)]
pub(super) struct Denials(Mutex<Counts>);

type Counts = HashMap<(String, &'static str), u64>;

impl Denials {
    /// Records that `actor` was denied `call`: durably when this returns, if it is the first time within a minute.
    pub(super) async fn record(live: &Arc<Live>, actor: &str, call: Call) {
        let Some(key) = live.denials.first(actor, call.as_str()) else { return };
        tracing::warn!(actor = key.0, call = key.1, "somebody who may not administer tried to");
        append(live, &key, 1).await;
        let live = Arc::clone(live);
        tokio::spawn(async move {
            time::sleep(WINDOW).await;
            went_on(&live, &key, live.denials.end(&key)).await;
        });
    }

    /// Whom and what to record, if it is the first time within a minute; else it is counted.
    fn first(&self, actor: &str, call: &'static str) -> Option<(String, &'static str)> {
        let mut counts = self.counts();
        let mut key = (actor.to_owned(), call);
        if counts.len() >= MOST && !counts.contains_key(&key) {
            key.0 = OTHERS.to_owned();
        }
        if let Some(count) = counts.get_mut(&key) {
            *count += 1;
            return None;
        }
        counts.insert(key.clone(), 0);
        Some(key)
    }

    /// How often it was after the first time. The next one is a first time again.
    fn end(&self, key: &(String, &'static str)) -> u64 {
        self.counts().remove(key).unwrap_or_default()
    }

    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Live {
    /// Records whatever was denied within the last minute and is only counted yet: the daemon stops.
    pub async fn record_denials(&self) {
        let counts = mem::take(&mut *self.denials.counts());
        for (key, times) in counts {
            went_on(self, &key, times).await;
        }
    }
}

async fn went_on(live: &Live, key: &(String, &'static str), times: u64) {
    if times > 0 {
        tracing::warn!(
            actor = key.0,
            call = key.1,
            times,
            "somebody who may not administer went on trying to"
        );
        append(live, key, times).await;
    }
}

async fn append(live: &Live, (actor, call): &(String, &'static str), times: u64) {
    let denied = AdminDenied { actor: actor.clone(), call: (*call).to_owned(), times };
    if let Ok(batch) = live.audit.batch(&Event::AdminDenied(denied)) {
        let recorded = live.audit.append(batch).await;
        live.audit_took_it(recorded.is_ok());
    }
}

#[cfg(test)]
mod tests {
    use super::{Denials, MOST, OTHERS};

    #[test]
    fn after_the_first_they_are_counted_and_memory_is_bounded() {
        let denials = Denials::default();
        let key = ("uid 7".to_owned(), "ApplyPolicy");
        assert_eq!(denials.first("uid 7", "ApplyPolicy"), Some(key.clone()));
        for _ in 0..1_000 {
            assert_eq!(denials.first("uid 7", "ApplyPolicy"), None);
        }
        // Another one, or another call, is another entry.
        assert!(denials.first("uid 8", "ApplyPolicy").is_some());
        assert!(denials.first("uid 7", "RevokeUser").is_some());
        assert_eq!((denials.end(&key), denials.end(&key)), (1_000, 0));
        assert_eq!(denials.first("uid 7", "ApplyPolicy"), Some(key), "a minute later");
        let recorded = (0..3 * MOST).filter_map(|number| denials.first(&format!("x{number}"), "ApplyPolicy"));
        let recorded: Vec<_> = recorded.collect();
        assert!(
            recorded.len() <= MOST && recorded.iter().any(|(actor, _)| actor == OTHERS),
            "{}",
            recorded.len()
        );
        assert!(denials.0.lock().unwrap().len() <= MOST + 1);
    }
}
