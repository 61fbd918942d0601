use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use arc_swap::ArcSwapOption;
use jsonwebtoken::{Algorithm, DecodingKey};
use oam_fetch::{Client, WebUrl, openid::Provider, signals::Transmitter};
use tokio::sync::Mutex;

use super::{TokenError, keys::KeySet};

/// For how long an issuer's keys are believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyTimes {
    /// From this age on they are fetched again before one is used.
    pub max_age: Duration,
    /// Up to this age they are used while the issuer cannot be reached.
    pub max_stale: Duration,
    /// How long after one fetch the next may follow.
    pub retry: Duration,
}

impl Default for KeyTimes {
    fn default() -> Self {
        Self {
            max_age: Duration::from_secs(10 * 60),
            max_stale: Duration::from_secs(60 * 60),
            retry: Duration::from_secs(10),
        }
    }
}

/// The keys of one issuer, fetched when they are needed: again when they are old, or when a token names one that is not
/// among them. One fetch at a time, and never sooner after another than `retry`, whatever tokens come. That an issuer has no
/// such key is said only by keys that were fetched after the token came.
#[derive(Debug)]
pub(super) struct KeyCache {
    issuer: WebUrl,
    place: Place,
    client: Client,
    times: KeyTimes,
    fetched: ArcSwapOption<Fetched>,
    /// Why the last fetch failed.
    trouble: ArcSwapOption<String>,
    /// When the last fetch ended. Whoever fetches holds it.
    last: Mutex<Option<Instant>>,
}

/// Where an issuer says where its keys are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// In what it publishes as an OpenID provider.
    OpenId,
    /// In what it publishes as a transmitter of shared signals.
    SharedSignals,
}

#[derive(Debug)]
struct Fetched {
    /// When it was begun to fetch them: what was published later need not be among them.
    at: Instant,
    keys: KeySet,
}

/// Why there is no key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum NoKey {
    /// The issuer has none like that.
    Unknown,
    /// Nobody can tell.
    Unavailable(String),
}

impl NoKey {
    /// What that means for a token of this issuer.
    pub(super) fn of(self, issuer: &str) -> TokenError {
        let issuer = issuer.to_owned();
        match self {
            Self::Unknown => TokenError::Key {
                issuer,
                detail: "the one that the token was signed with is not among those that it publishes"
                    .to_owned(),
            },
            Self::Unavailable(detail) => TokenError::Unavailable { issuer, detail },
        }
    }
}

impl KeyCache {
    pub(super) fn new(issuer: WebUrl, place: Place, client: Client, times: KeyTimes) -> Self {
        let (fetched, trouble) = (ArcSwapOption::empty(), ArcSwapOption::empty());
        Self { issuer, place, client, times, fetched, trouble, last: Mutex::new(None) }
    }

    /// The key with this name for this algorithm.
    pub(super) async fn key(&self, kid: Option<&str>, algorithm: Algorithm) -> Result<DecodingKey, NoKey> {
        let (came, seen) = (Instant::now(), self.fetched.load_full());
        if let Some(key) = seen.as_deref().filter(|seen| seen.at.elapsed() < self.times.max_age)
            && let Some(key) = key.keys.find(kid, algorithm)
        {
            return Ok(key.clone());
        }
        self.refresh(seen.as_ref()).await;
        let trouble = self.trouble.load_full();
        let unavailable = |why: &str| NoKey::Unavailable(why.to_owned());
        let Some(fetched) = self.fetched.load_full() else {
            return Err(unavailable(trouble.as_ref().map_or("they were not fetched yet", |trouble| trouble)));
        };
        // Those that were fetched for this very call are good, however short they may live.
        let is_new = seen.is_none_or(|seen| !Arc::ptr_eq(&seen, &fetched));
        if !is_new && fetched.at.elapsed() >= self.times.max_stale {
            return Err(unavailable(trouble.as_ref().map_or("they are too old", |trouble| trouble)));
        }
        match (fetched.keys.find(kid, algorithm), trouble) {
            (Some(key), _) => Ok(key.clone()),
            // It may have the key by now.
            (None, Some(trouble)) => Err(unavailable(&trouble)),
            (None, None) if fetched.at < came => Err(unavailable(
                "the one that it was signed with may be newer than when they were fetched, a moment ago",
            )),
            (None, None) => Err(NoKey::Unknown),
        }
    }

    /// Why the keys are not as they should be; `None` when they are, or when nobody needed them yet.
    pub(super) fn trouble(&self) -> Option<Arc<String>> {
        self.trouble.load_full()
    }

    /// Fetches the keys, unless somebody else has done so since `seen` was read, or it is too soon.
    async fn refresh(&self, seen: Option<&Arc<Fetched>>) {
        let mut last = self.last.lock().await;
        let others_did = match (seen, self.fetched.load_full()) {
            (Some(seen), Some(now)) => !Arc::ptr_eq(seen, &now),
            (None, Some(_)) => true,
            (_, None) => false,
        };
        if others_did || last.is_some_and(|last| last.elapsed() < self.times.retry) {
            return;
        }
        let at = Instant::now();
        match self.fetch().await {
            Ok(keys) => {
                self.fetched.store(Some(Arc::new(Fetched { at, keys })));
                self.trouble.store(None);
            }
            Err(trouble) => {
                tracing::warn!(issuer = %self.issuer, %trouble, "the keys of an issuer of tokens were not fetched");
                self.trouble.store(Some(Arc::new(trouble)));
            }
        }
        *last = Some(Instant::now());
    }

    async fn fetch(&self) -> Result<KeySet, String> {
        let discovered = match self.place {
            Place::OpenId => {
                Provider::discover(&self.client, &self.issuer).await.map(|provider| provider.jwks_uri)
            }
            Place::SharedSignals => Transmitter::discover(&self.client, &self.issuer)
                .await
                .map(|transmitter| transmitter.jwks_uri),
        };
        let place = discovered.map_err(|error| error.to_string())?;
        let told = |error: &dyn std::fmt::Display| format!("`{place}`: {error}");
        let answer = self.client.get(&place).await.map_err(|error| told(&error))?;
        if !answer.status.is_success() {
            return Err(told(&format_args!("the answer is {}", answer.status)));
        }
        KeySet::parse(&answer.body).map_err(|error| told(&error))
    }
}
