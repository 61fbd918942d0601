use std::time::Duration;

use jiff::Timestamp;
use oam_ldap::{Replica, replica::Image};
use serde::{Deserialize, Serialize};
use tokio::{task::block_in_place, time::Instant};

use super::{late::Late, refresh::Cookies};
use crate::{config::LdapConfig, source::Source};

/// How often what is in memory is kept, at most: all of it is written.
const KEPT_EVERY: Duration = Duration::from_secs(5 * 60);

/// What is known of a server beyond one connection.
#[derive(Debug, Default)]
pub(super) struct Memory {
    pub(super) replica: Replica,
    pub(super) cookies: Cookies,
    /// Whose names are to be looked up again.
    pub(super) late: Late,
    /// Up to where changes of a domain are known (DirSync).
    pub(super) domain: Option<Vec<u8>>,
    /// When everything was last read.
    pub(super) loaded: Option<Timestamp>,
    /// It was read and not taken: only who is cut off there is so here.
    pub(super) is_held: bool,
    /// Whether what was kept was looked at.
    is_resumed: bool,
    /// When it was last kept.
    kept: Option<Instant>,
}

/// What is kept.
#[derive(Serialize, Deserialize)]
struct Kept {
    identity: String,
    loaded: Timestamp,
    domain: Vec<u8>,
    replica: Image,
}

impl Memory {
    /// Forgets what was known, also what was kept; not what is to be looked up again, which reading everything may have missed.
    pub(super) fn lose(&mut self) {
        let late = std::mem::take(&mut self.late);
        *self = Self { late, is_resumed: true, ..Self::default() };
    }

    /// How long ago everything was read; `None`: never, or by a clock that was set back since.
    pub(super) fn age(&self) -> Option<Duration> {
        Duration::try_from(Timestamp::now().duration_since(self.loaded?)).ok()
    }

    /// Remembers what was kept before a restart, if it is whole and of the same; tells whether anything was.
    pub(super) fn resume(&mut self, source: &Source, config: &LdapConfig) -> bool {
        if std::mem::replace(&mut self.is_resumed, true) || self.loaded.is_some() || source.roster().lost {
            return false;
        }
        let kept = block_in_place(|| source.kept_beside()).unwrap_or_else(|error| {
            tracing::warn!(%error, source = %source.name(), "what was kept of a source cannot be read");
            None
        });
        let kept = kept.and_then(|bytes| postcard::from_bytes::<Kept>(&bytes).ok());
        let Some(kept) = kept.filter(|kept| kept.identity == identity(config)) else { return false };
        self.replica = Replica::of_image(kept.replica);
        (self.domain, self.loaded) = (Some(kept.domain), Some(kept.loaded));
        true
    }

    /// Keeps what is known, to go on from there after a restart, where there is a place to go on from; not again and again.
    pub(super) fn keep_sometimes(&mut self, source: &Source, config: &LdapConfig) {
        if self.kept.is_none_or(|kept| kept.elapsed() >= KEPT_EVERY) {
            self.keep(source, config);
        }
    }

    /// Keeps it now. What is known may be newer than the place: what is told again is looked up again.
    pub(super) fn keep(&mut self, source: &Source, config: &LdapConfig) {
        let (Some(domain), Some(loaded)) = (self.domain.clone(), self.loaded) else { return };
        let kept = Kept { identity: identity(config), loaded, domain, replica: self.replica.image() };
        let stored = block_in_place(|| {
            let bytes = postcard::to_stdvec(&kept).map_err(std::io::Error::other)?;
            source.keep_beside(&bytes)
        });
        self.kept = Some(Instant::now());
        if let Err(error) = stored {
            // It only means that the next start reads everything.
            tracing::warn!(%error, source = %source.name(), "what is known of a source could not be kept");
        }
    }
}

/// Of which servers it is, and what of them: what was kept of others is worth nothing.
fn identity(config: &LdapConfig) -> String {
    let LdapConfig { servers, flavour, bind_dn, users, groups, .. } = config;
    format!("{servers:?} {} {bind_dn} {users:?} {groups:?}", flavour.as_str())
}
