use jiff::Timestamp;
use oam_scim::Document;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Where a document says until when a user may act. SCIM has no such attribute, so no provider can push it.
pub const EXPIRES: &str = "expires";

/// A user, as they are kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredUser {
    /// Our id.
    pub id: Box<str>,
    /// When we first heard of them.
    pub created: Timestamp,
    /// When they last changed.
    pub modified: Timestamp,
    /// Grows with every change.
    pub version: u64,
    /// The document, as JSON: half a million of them lie in memory.
    document: Box<str>,
}

/// A group, as it is kept, but for its members.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredGroup {
    /// Our id.
    pub id: Box<str>,
    /// When we first heard of it.
    pub created: Timestamp,
    /// When it last changed.
    pub modified: Timestamp,
    /// Grows with every change.
    pub version: u64,
    /// The name.
    pub display_name: Box<str>,
    /// The id at the client.
    pub external_id: Option<Box<str>>,
}

impl StoredUser {
    /// A user with this document.
    pub fn new(id: &str, created: Timestamp, modified: Timestamp, version: u64, document: &Document) -> Self {
        let document = Value::Object(document.clone()).to_string().into();
        Self { id: id.into(), created, modified, version, document }
    }

    /// The document.
    pub fn document(&self) -> Document {
        // It was written by us.
        serde_json::from_str(&self.document).unwrap_or_default()
    }

    /// Whether the source says that they may act.
    pub fn is_active(&self) -> bool {
        self.document().get("active") == Some(&Value::Bool(true))
    }

    /// Whether the source says that they may not act, and not only because their time is over.
    pub(crate) fn is_barred(&self, now: Timestamp) -> bool {
        let document = self.document();
        document.get("active") != Some(&Value::Bool(true))
            && written_end(&document).is_none_or(|end| end > now)
    }

    /// Whether the source says until when they may act.
    pub(crate) fn has_end(&self) -> bool {
        self.document().contains_key(EXPIRES)
    }

    /// Whether they may act no more, and their time is not over: it was so by a clock that was ahead.
    pub(super) fn ended_before(&self, now: Timestamp) -> bool {
        let document = self.document();
        let is_active = document.get("active") == Some(&Value::Bool(true));
        !is_active && written_end(&document).is_some_and(|end| end > now)
    }

    /// The same user, who may act no more.
    #[must_use]
    pub fn inactive(&self, at: Timestamp) -> Self {
        let mut document = self.document();
        document.insert("active".into(), Value::Bool(false));
        Self::new(&self.id, self.created, at, self.version + 1, &document)
    }
}

/// Until when they may act, where that can be read.
fn written_end(document: &Document) -> Option<Timestamp> {
    document.get(EXPIRES).and_then(Value::as_str).and_then(|end| end.parse().ok())
}

/// When an active user will be so no more.
pub(super) fn end(document: &Document) -> Option<Timestamp> {
    let is_active = document.get("active") == Some(&Value::Bool(true));
    let end = document.get(EXPIRES).filter(|_| is_active)?.as_str()?;
    // What we wrote and cannot read is no reason to let them go on.
    Some(end.parse().unwrap_or(Timestamp::MIN))
}
