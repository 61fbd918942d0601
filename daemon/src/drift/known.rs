use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use jiff::Timestamp;
use oam_bitbucket::{
    ProjectKey,
    provision::{Finding, FindingKind, FoundIn},
};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::LookedAt;
use crate::store::durable;

/// What is looked at, each for itself, in the order of the file.
const FOUND_IN: [FoundIn; 3] = [FoundIn::Permissions, FoundIn::Hooks, FoundIn::Credentials];

/// How many bytes of a digest tell things apart.
const ID_BYTES: usize = 16;

/// What tells a finding from others, without a name in it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Id(String);

/// All that was found, and when.
#[derive(Debug, Clone, Default)]
pub struct Known {
    /// When anything was told for the first time, by a version that notes it.
    begun: Option<Timestamp>,
    /// When it was looked last, each for itself: who looks at the one does not look at the other.
    looked: BTreeMap<FoundIn, Timestamp>,
    all: BTreeMap<Id, (FindingKind, Timestamp)>,
    /// The projects for which the hook was installed, when it was looked at it last. Earlier versions did not note them.
    hook_in: BTreeSet<ProjectKey>,
}

/// The file.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    /// When it was looked at permissions, in seconds since 1970, as all moments here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    looked: Option<i64>,
    /// The same of the hook. Earlier versions did not note it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    hooks: Option<i64>,
    /// The same of tokens and keys.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    credentials: Option<i64>,
    /// When anything was told first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    begun: Option<i64>,
    /// The projects for which the hook was installed.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    hook_in: BTreeSet<ProjectKey>,
    /// By its id, what kind it is, and since when it is known.
    known: BTreeMap<String, (String, i64)>,
}

impl Id {
    pub(super) fn of(one: &Finding) -> Self {
        let Finding { kind, place, holder, thing, what: _, mended: _ } = one;
        let place = place.as_ref().map(ToString::to_string).unwrap_or_default();
        let holder = holder.as_ref().map(|holder| holder.to_string().to_lowercase()).unwrap_or_default();
        let mut digest = Sha256::new();
        for part in [kind.as_str(), &place.to_lowercase(), &holder, thing] {
            digest.update((part.len() as u64).to_be_bytes());
            digest.update(part);
        }
        Self(hex::encode(digest.finalize()).chars().take(2 * ID_BYTES).collect())
    }
}

impl Known {
    /// Nothing, where it was looked at these now, and at others as it was before.
    pub(super) fn after(&self, at: LookedAt, now: Timestamp) -> Self {
        let mut looked = self.looked.clone();
        looked.extend(FOUND_IN.into_iter().filter(|found_in| at.looks_in(*found_in)).map(|one| (one, now)));
        let (begun, hook_in) = (self.begun.or(Some(now)), self.hook_in.clone());
        Self { begun, looked, all: BTreeMap::new(), hook_in }
    }

    /// The same, where the hook was installed for these projects and no others.
    #[must_use]
    pub fn with_hook_in(self, hook_in: BTreeSet<ProjectKey>) -> Self {
        Self { hook_in, ..self }
    }

    /// Whether the hook was installed for a project.
    pub(super) fn has_hook_in(&self, project: &ProjectKey) -> bool {
        self.hook_in.iter().any(|one| one.as_str().eq_ignore_ascii_case(project.as_str()))
    }

    pub(super) fn add(&mut self, id: Id, kind: FindingKind, since: Timestamp) {
        self.all.insert(id, (kind, since));
    }

    pub(super) fn has(&self, id: &Id) -> bool {
        self.all.contains_key(id)
    }

    pub(super) fn since(&self, id: &Id) -> Option<Timestamp> {
        self.all.get(id).map(|(_, since)| *since)
    }

    pub(super) fn all(&self) -> impl Iterator<Item = (Id, FindingKind, Timestamp)> {
        self.all.iter().map(|(id, (kind, since))| (id.clone(), *kind, *since))
    }

    /// How many of a kind are known since then, or later.
    pub(super) fn count(&self, kind: FindingKind, since: Timestamp) -> u64 {
        self.all.values().filter(|(known, at)| *known == kind && *at >= since).count() as u64
    }

    /// How many there are of each kind.
    pub fn counts(&self) -> impl Iterator<Item = (FindingKind, u64)> {
        FindingKind::ALL.into_iter().map(|kind| (kind, self.count(kind, Timestamp::MIN)))
    }

    pub(super) fn looked(&self, at: FoundIn) -> Option<Timestamp> {
        self.looked.get(&at).copied()
    }

    /// When anything was told for the first time.
    pub(super) fn begun(&self) -> Option<Timestamp> {
        self.begun
    }

    /// Reads the file; one that is not understood is set aside, and told where.
    pub(super) fn read(path: &Path) -> io::Result<(Self, Option<PathBuf>)> {
        let text = match fs::read(path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok((Self::default(), None)),
            Err(error) => return Err(error),
        };
        let known = serde_json::from_slice::<Written>(&text).ok().and_then(Self::of);
        match known {
            Some(known) => Ok((known, None)),
            None => Ok((Self::default(), durable::set_aside(path)?)),
        }
    }

    fn of(Written { looked, hooks, credentials, begun, hook_in, known }: Written) -> Option<Self> {
        let one = |(id, (kind, since)): (String, (String, i64))| {
            Some((Id(id), (FindingKind::parse(&kind)?, Timestamp::from_second(since).ok()?)))
        };
        let all = known.into_iter().map(one).collect::<Option<_>>()?;
        let moment = |at: Option<i64>| at.map(Timestamp::from_second).transpose().ok();
        let mut when = BTreeMap::new();
        for (found_in, at) in FOUND_IN.into_iter().zip([looked, hooks, credentials]) {
            when.extend(moment(at)?.map(|at| (found_in, at)));
        }
        Some(Self { begun: moment(begun)?, looked: when, all, hook_in })
    }

    /// Writes the file, whole or not at all.
    pub(super) fn write(&self, path: &Path) -> io::Result<()> {
        let of = |(id, (kind, since)): (&Id, &(FindingKind, Timestamp))| {
            (id.0.clone(), (kind.as_str().to_owned(), since.as_second()))
        };
        let [looked, hooks, credentials] =
            FOUND_IN.map(|found_in| self.looked(found_in).map(Timestamp::as_second));
        let begun = self.begun.map(Timestamp::as_second);
        let (known, hook_in) = (self.all.iter().map(of).collect(), self.hook_in.clone());
        let written = Written { looked, hooks, credentials, begun, hook_in, known };
        let draft = path.with_extension("draft");
        let mut file = durable::create(&draft)?;
        file.write_all(&serde_json::to_vec(&written)?)?;
        file.sync_all()?;
        fs::rename(&draft, path)?;
        durable::sync_parent(path)
    }
}
