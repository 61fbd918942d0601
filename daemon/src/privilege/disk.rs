//! The set as of an entry of the log, in one checksummed file: a start need not read the whole log. It can be lost.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    io::{self, Write as _},
    path::Path,
    time::Duration,
};

use jiff::Timestamp;
use oam_audit::entry::PrivilegeKind;
use serde::{Deserialize, Serialize};

use super::{
    set::{Approval, Privilege, Reminded, Set, SignOff, Stage},
    what::{self, What},
};
use crate::store::{digest_of, durable, split_digest};

const TITLE: &[u8] = b"oam-privileges-v2\n";

/// What the file holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Saved {
    /// How many entries of the log it accounts for.
    pub(super) entries: u64,
    /// The latest time that is known to have been.
    pub(super) seen: Timestamp,
    pub(super) set: Set,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    entries: u64,
    seen: Timestamp,
    privileges: Vec<WrittenPrivilege>,
    /// The tokens that were shown for leases.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    tokens: BTreeMap<String, Timestamp>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenPrivilege {
    id: String,
    what: PrivilegeKind,
    by: String,
    on: Vec<String>,
    refs: Vec<String>,
    seconds: u64,
    reason: String,
    needed: u32,
    asked: Timestamp,
    entry: u64,
    approvals: Vec<Approval>,
    stage: Stage,
    signed_off: Option<SignOff>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reminded: Option<Reminded>,
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    used: BTreeSet<Box<str>>,
}

/// What the file says; `None` where there is none, or it is damaged.
///
/// # Errors
/// When the system does not let it be read.
pub(super) fn read(path: &Path) -> io::Result<Option<Saved>> {
    let bytes = match fs::read(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        read => read?,
    };
    let saved = parse(&bytes);
    if saved.is_none() {
        tracing::warn!(path = %path.display(), "what people have for a while is read from the audit log: its file is damaged");
    }
    Ok(saved)
}

fn parse(bytes: &[u8]) -> Option<Saved> {
    let (body, checksum) = split_digest(bytes)?;
    let content = body.strip_prefix(TITLE)?;
    if digest_of(&[TITLE, content]) != checksum {
        return None;
    }
    let written: Written = serde_json::from_slice(content).ok()?;
    let mut set = Set::default();
    for one in written.privileges {
        set.insert(one.read()?);
    }
    for (token, expires) in written.tokens {
        set.see(&token, expires);
    }
    Some(Saved { entries: written.entries, seen: written.seen, set })
}

/// Puts the set in the place of what was there.
///
/// # Errors
/// When it cannot be written; then what was there is there.
pub(super) fn write(path: &Path, saved: &Saved) -> io::Result<()> {
    let written = Written {
        entries: saved.entries,
        seen: saved.seen,
        privileges: saved.set.iter().map(WrittenPrivilege::of).collect(),
        tokens: saved.set.tokens().map(|(token, expires)| (token.to_owned(), expires)).collect(),
    };
    let content = serde_json::to_vec(&written)?;
    let checksum = digest_of(&[TITLE, &content]);
    let draft = path.with_extension("draft");
    let mut file = durable::create(&draft)?;
    file.write_all(&[TITLE, &content, checksum.as_bytes()].concat())?;
    file.sync_all()?;
    fs::rename(&draft, path)?;
    durable::sync_parent(path)
}

impl WrittenPrivilege {
    fn of(one: &Privilege) -> Self {
        Self {
            id: one.id.to_string(),
            what: one.what.kind(),
            by: one.by.as_str().to_owned(),
            on: one.on.sources(),
            refs: one.refs.sources(),
            seconds: one.length.as_secs(),
            reason: one.reason.clone(),
            needed: one.needed,
            asked: one.asked,
            entry: one.entry,
            approvals: one.approvals.clone(),
            stage: one.stage,
            signed_off: one.signed_off.clone(),
            reminded: one.reminded,
            used: one.used.clone(),
        }
    }

    fn read(self) -> Option<Privilege> {
        Some(Privilege {
            id: self.id.parse().ok()?,
            what: What::of(&self.what)?,
            by: self.by.parse().ok()?,
            on: what::repositories(&self.on).ok()?,
            refs: what::refs(&self.refs).ok()?,
            length: Duration::from_secs(self.seconds),
            reason: self.reason,
            needed: self.needed,
            asked: self.asked,
            entry: self.entry,
            approvals: self.approvals,
            stage: self.stage,
            signed_off: self.signed_off,
            reminded: self.reminded,
            used: self.used,
        })
    }
}
