//! What hooks report after the fact: pushes that they let in on their own, and pushes that git applied.

use jiff::Timestamp;
use oam_audit::entry::{
    self, AppliedUpdate, Change, EncodeError, Event, PermittedWhileUnavailable, RefBytes, RefsApplied,
    SpooledUpdate,
};
use oam_policy::{Repository, Username};
use oam_proto::{WireError, channel_from_wire, limits, update_from_wire, v1};

use super::Permits;
use crate::{
    audit_log::{AuditLog, Batch},
    authorize::record,
};

/// How many updates one entry holds, so that it fits.
const UPDATES_PER_ENTRY: usize = 64;
/// How long names may be together in one entry, in bytes.
const NAME_BYTES_PER_ENTRY: usize = 20_000;

/// Updates that one entry holds.
pub(super) type Chunk = Vec<(RefBytes, Change)>;

/// What every report says.
pub(super) struct Report {
    pub(super) id: String,
    host: String,
    at: entry::Time,
    pub(super) repository: String,
    pub(super) principal: String,
    opening: v1::Opening,
    pub(super) chunks: Vec<Chunk>,
}

impl Report {
    /// A push that a hook let in.
    pub(super) fn of_spooled(push: v1::SpooledPush) -> Result<Self, WireError> {
        Self::parse(push.id, push.at_micros, push.opening, push.updates)
            .map(|report| Self { host: clipped(&push.host), ..report })
    }

    /// A push that git applied.
    pub(super) fn of_applied(push: v1::AppliedPush) -> Result<Self, WireError> {
        Self::parse(push.id, push.at_micros, push.opening, push.updates)
    }

    fn parse(
        id: String,
        at_micros: i64,
        opening: Option<v1::Opening>,
        updates: Vec<v1::RefUpdate>,
    ) -> Result<Self, WireError> {
        let fault = |field, detail: &dyn ToString| WireError { field, detail: detail.to_string() };
        uuid::Uuid::parse_str(&id).map_err(|error| fault("id", &error))?;
        let at = Timestamp::from_microsecond(at_micros).map_err(|error| fault("at_micros", &error))?;
        let opening = opening.ok_or_else(|| fault("opening", &"it is missing"))?;
        let repository =
            Repository::parse(&opening.repository).map_err(|error| fault("repository", &error))?;
        let principal = Username::parse(&opening.pusher).map_err(|error| fault("pusher", &error))?;
        if updates.is_empty() || updates.len() > limits::UPDATES_PER_PUSH {
            return Err(fault("updates", &format_args!("{} of them", updates.len())));
        }
        let update = |update| {
            let update = update_from_wire(update)?;
            Ok((RefBytes::from(update.name.as_bytes()), record::change(&update.change)))
        };
        let updates = updates.into_iter().map(update).collect::<Result<Vec<_>, _>>()?;
        Ok(Self {
            id,
            host: clipped(&opening.host),
            at: entry::Time::from(at),
            repository: repository.to_string(),
            principal: principal.as_str().to_owned(),
            opening,
            chunks: in_chunks(updates),
        })
    }

    /// The entries that say that a hook let it in, and `why`.
    pub(super) fn unchecked(&self, why: &str) -> Vec<Event> {
        let event = |chunk: &Chunk| {
            let update = |(name, change): &(RefBytes, Change)| SpooledUpdate {
                name: name.clone(),
                change: change.clone(),
            };
            Event::PermittedWhileUnavailable(PermittedWhileUnavailable {
                spool: self.id.clone(),
                host: self.host.clone(),
                at: self.at,
                repository: self.repository.clone(),
                principal: self.principal.clone(),
                updates: chunk.iter().map(update).collect(),
                why: clipped(why),
            })
        };
        self.chunks.iter().map(event).collect()
    }

    /// The entries that say that git applied it, each update with what permitted it.
    pub(super) fn applied(&self, permits: &Permits) -> Result<Vec<RefsApplied>, WireError> {
        let channel = channel_from_wire(self.opening.channel)?;
        let entry = |chunk: &Chunk| {
            let update = |(name, change): &(RefBytes, Change)| AppliedUpdate {
                name: name.clone(),
                change: change.clone(),
                decision: permits.of_update(&self.repository, &self.principal, name, change),
            };
            RefsApplied {
                report: self.id.clone(),
                host: self.host.clone(),
                at: self.at,
                repository: self.repository.clone(),
                principal: self.principal.clone(),
                channel: channel.as_str().to_owned(),
                updates: chunk.iter().map(update).collect(),
            }
        };
        Ok(self.chunks.iter().map(entry).collect())
    }
}

fn in_chunks(updates: Vec<(RefBytes, Change)>) -> Vec<Chunk> {
    let mut chunks: Vec<Chunk> = Vec::new();
    let mut bytes = 0;
    for update in updates {
        let length = update.0.as_bytes().len();
        let fits = chunks.last().is_some_and(|chunk| chunk.len() < UPDATES_PER_ENTRY)
            && bytes + length <= NAME_BYTES_PER_ENTRY;
        match chunks.last_mut() {
            Some(chunk) if fits => {
                bytes += length;
                chunk.push(update);
            }
            _ => {
                bytes = length;
                chunks.push(vec![update]);
            }
        }
    }
    chunks
}

/// All of them at once, or none; `None` for none.
pub(super) fn batch(log: &AuditLog, events: &[Event]) -> Result<Option<Batch>, EncodeError> {
    let Some((first, rest)) = events.split_first() else { return Ok(None) };
    let mut batch = log.batch(first)?;
    for event in rest {
        batch = batch.and(event)?;
    }
    Ok(Some(batch))
}

/// A text from another host, short enough for an entry.
fn clipped(text: &str) -> String {
    text.chars().take(500).collect()
}
