use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use oam_policy::{
    GroupName, Username,
    name::UsernameKey,
    snapshot::{Person, UserView},
};
use serde::{Deserialize, Serialize};

use super::{
    Change, Entry,
    listed::Listed,
    provisioned::{Provisioned, ProvisionedImage},
};
use crate::config::{SourceConfig, SourceKind};

/// A name that a source knew once and knows no more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tombstone {
    /// The name as it was spelled.
    pub username: Username,
    /// Since when.
    pub at: Timestamp,
    /// Whether the source deactivated or deleted them, rather than no longer naming them: then no other source keeps
    /// them active.
    pub deactivated: bool,
}

/// What a source said, as it stands.
#[derive(Debug, Clone)]
pub struct Roster {
    /// When the source last said anything, be it that things are still so.
    pub seen: Option<Timestamp>,
    /// What it said is lost, and was not told again yet.
    pub lost: bool,
    pub(super) tombstones: BTreeMap<UsernameKey, Tombstone>,
    pub(super) content: Content,
}

#[derive(Debug, Clone)]
pub(super) enum Content {
    Listed(Listed),
    Provisioned(Box<Provisioned>),
}

/// A roster as it is stored.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Image {
    seen: Option<Timestamp>,
    lost: bool,
    tombstones: Vec<Tombstone>,
    content: ImageContent,
}

#[derive(Debug, Serialize, Deserialize)]
enum ImageContent {
    Listed(Listed),
    Provisioned(ProvisionedImage),
    /// Of a directory server.
    Followed(ProvisionedImage),
    Okta(ProvisionedImage),
    Entra(ProvisionedImage),
}

/// Whom an entry is about.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Touched {
    pub(super) names: BTreeSet<UsernameKey>,
    /// Whether there may be other groups.
    pub(super) groups: bool,
}

impl Content {
    fn knows(&self, key: &UsernameKey) -> bool {
        match self {
            Self::Listed(listed) => listed.user(key).is_some(),
            Self::Provisioned(provisioned) => provisioned.knows(key),
        }
    }
}

impl Roster {
    /// That of a source which has not said anything yet.
    pub(super) fn empty(config: &SourceConfig) -> Self {
        let content = match config.kind {
            SourceKind::File => Content::Listed(Listed::nobody()),
            _ => Content::Provisioned(Box::new(Provisioned::new(config))),
        };
        Self { seen: None, lost: false, tombstones: BTreeMap::new(), content }
    }

    /// The same source, none of whose people are known any more: whoever is active nowhere stays so.
    pub(super) fn lost(config: &SourceConfig, known: impl Iterator<Item = Person>, at: Timestamp) -> Self {
        let mut roster = Self { lost: true, ..Self::empty(config) };
        roster.bury(known, at);
        roster
    }

    /// Leaves a tombstone for each of these people.
    pub(super) fn bury(&mut self, people: impl Iterator<Item = Person>, at: Timestamp) {
        for person in people {
            let key = person.username.key();
            let tombstone = Tombstone { username: person.username, at, deactivated: !person.active };
            self.tombstones.entry(key).or_insert(tombstone);
        }
    }

    /// The users and groups one by one, where an identity provider pushed them or we follow a server.
    pub fn provisioned(&self) -> Option<&Provisioned> {
        match &self.content {
            Content::Provisioned(provisioned) => Some(provisioned),
            Content::Listed(_) => None,
        }
    }

    /// Who is called so.
    pub fn person(&self, key: &UsernameKey) -> Option<Person> {
        match &self.content {
            Content::Listed(listed) => listed.user(key).map(UserView::to_person),
            Content::Provisioned(provisioned) => provisioned.person(key),
        }
    }

    /// Whether the source knows the name, or did.
    pub fn knows(&self, key: &UsernameKey) -> bool {
        self.content.knows(key) || self.tombstones.contains_key(key)
    }

    /// The tombstone of a name.
    pub fn tombstone(&self, key: &UsernameKey) -> Option<&Tombstone> {
        self.tombstones.get(key)
    }

    /// How many tombstones there are.
    pub fn tombstone_count(&self) -> usize {
        self.tombstones.len()
    }

    /// How many users and groups there are.
    pub fn counts(&self) -> (usize, usize) {
        match &self.content {
            Content::Listed(listed) => (listed.user_count(), listed.groups().len()),
            Content::Provisioned(provisioned) => (provisioned.user_count(), provisioned.group_count()),
        }
    }

    /// Notes every name that is known, or was.
    pub(super) fn names(&self, names: &mut BTreeSet<UsernameKey>) {
        match &self.content {
            Content::Listed(listed) => names.extend(listed.users().map(|user| user.username().key())),
            Content::Provisioned(provisioned) => names.extend(provisioned.names().cloned()),
        }
        names.extend(self.tombstones.keys().cloned());
    }

    /// Every group.
    pub(super) fn groups(&self) -> BTreeSet<GroupName> {
        match &self.content {
            Content::Listed(listed) => listed.groups().iter().cloned().collect(),
            Content::Provisioned(provisioned) => provisioned.group_names(),
        }
    }

    /// Whether somebody may act no more by a change as far as this source is concerned, or is gone who was there.
    pub(super) fn is_ended_by(&self, change: &Change) -> bool {
        let known = |id: &str| self.provisioned().and_then(|known| known.user(id));
        match change {
            Change::PutUser(user) => {
                !user.is_active() && known(&user.id).is_some_and(|before| before.is_active())
            }
            Change::DropUser(id) => known(id).is_some(),
            _ => false,
        }
    }

    /// What is different by an entry, and whom that is about.
    pub(super) fn apply(&mut self, entry: Entry) -> Touched {
        let mut touched = Touched::default();
        // That somebody's time is over, or that they are forgotten, is not said by the source, nor does a page of it say that all
        // else is still so. Where it says everything that is noted by itself.
        let says_all = entry.changes.iter().all(|change| matches!(change, Change::List(_)));
        // Where the clock was set back in between, the later word is by the clock that is right.
        self.seen = if says_all { Some(entry.at) } else { self.seen.or(Some(entry.at)) };
        for change in entry.changes {
            match change {
                Change::Complete => self.lost = false,
                Change::Forget(username) => {
                    touched.names.extend(self.tombstones.remove(&username.key()).map(|_| username.key()));
                }
                other => self.change(other, entry.at, &mut touched),
            }
        }
        touched
    }

    fn change(&mut self, change: Change, at: Timestamp, touched: &mut Touched) {
        let is_deletion = matches!(change, Change::DropUser(_));
        let told_all = matches!(change, Change::List(_));
        // Whoever had a name before and has it no more.
        let left = match (&mut self.content, change) {
            (Content::Listed(listed), Change::List(next)) => listed.replace(next, touched),
            (Content::Provisioned(provisioned), change) => provisioned.apply(change, touched),
            // What a source of the other kind would say says nothing here.
            (Content::Listed(_), _) => Vec::new(),
        };
        for person in left {
            let deactivated = is_deletion || !person.active;
            let tombstone = Tombstone { username: person.username, at, deactivated };
            self.tombstones.insert(tombstone.username.key(), tombstone);
        }
        for key in &touched.names {
            if self.content.knows(key) {
                self.tombstones.remove(key);
            }
        }
        self.lost &= !told_all;
    }

    /// The roster as it is stored, of a source of this kind.
    pub(super) fn image(&self, kind: SourceKind) -> Image {
        Image {
            seen: self.seen,
            lost: self.lost,
            tombstones: self.tombstones.values().cloned().collect(),
            content: match &self.content {
                Content::Listed(listed) => ImageContent::Listed(listed.clone()),
                Content::Provisioned(provisioned) => match kind {
                    SourceKind::File | SourceKind::Scim => ImageContent::Provisioned(provisioned.image()),
                    SourceKind::Ldap => ImageContent::Followed(provisioned.image()),
                    SourceKind::Okta => ImageContent::Okta(provisioned.image()),
                    SourceKind::Entra => ImageContent::Entra(provisioned.image()),
                },
            },
        }
    }

    /// The roster that was stored; `None` when it is that of a source of another kind.
    pub(super) fn of_image(image: Image, config: &SourceConfig) -> Option<Self> {
        if image.kind() != config.kind {
            return None;
        }
        let content = match image.content {
            ImageContent::Listed(listed) => Content::Listed(listed),
            ImageContent::Provisioned(image)
            | ImageContent::Followed(image)
            | ImageContent::Okta(image)
            | ImageContent::Entra(image) => {
                Content::Provisioned(Box::new(Provisioned::of_image(image, config)))
            }
        };
        let tombstones = image.tombstones.into_iter().map(|one| (one.username.key(), one)).collect();
        Some(Self { seen: image.seen, lost: image.lost, tombstones, content })
    }
}

impl Image {
    /// The kind of source whose it is.
    pub(super) fn kind(&self) -> SourceKind {
        match self.content {
            ImageContent::Listed(_) => SourceKind::File,
            ImageContent::Provisioned(_) => SourceKind::Scim,
            ImageContent::Followed(_) => SourceKind::Ldap,
            ImageContent::Okta(_) => SourceKind::Okta,
            ImageContent::Entra(_) => SourceKind::Entra,
        }
    }
}
