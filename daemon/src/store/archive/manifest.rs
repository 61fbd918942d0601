//! What sled holds: a manifest for each generation, and the blobs that manifests name by their content.

use std::sync::Arc;

use oam_policy::{
    Digest, GroupName, Snapshot,
    snapshot::{Revocation, Shard},
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::{
    super::{Loaded, SnapshotInfo, digest_of, revoked, split_digest},
    ArchiveError,
};

/// A key in sled: one letter for the kind, then a digest (blobs) or a generation, big end first (manifests).
pub(super) type Key = Vec<u8>;

const MANIFEST: u8 = b'm';
const SHARD: u8 = b's';
const GROUPS: u8 = b'g';
const REVOCATIONS: u8 = b'r';
/// The kinds of blobs.
pub(super) const BLOBS: [u8; 3] = [SHARD, GROUPS, REVOCATIONS];

/// One generation, by the digests of its parts.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Manifest {
    pub(super) info: SnapshotInfo,
    groups: [u8; 32],
    revocations: [u8; 32],
    shards: Vec<[u8; 32]>,
}

/// A generation in the form in which it is stored.
pub(super) struct Parts {
    pub(super) manifest: Manifest,
    pub(super) table: Table,
    revocations: Vec<u8>,
    shards: Vec<Arc<Shard>>,
}

/// All groups, with the digest under which they are stored: most generations have those of the one before.
#[derive(Debug)]
pub(super) struct Table {
    groups: Arc<[GroupName]>,
    digest: [u8; 32],
}

impl Table {
    fn of(groups: Arc<[GroupName]>) -> Result<Self, ArchiveError> {
        let digest = *Digest::of(&encode(&groups)?).as_bytes();
        Ok(Self { groups, digest })
    }
}

impl Manifest {
    /// Under which key the manifest of a generation lies.
    pub(super) fn key(generation: u64) -> Key {
        [&[MANIFEST][..], &generation.to_be_bytes()].concat()
    }

    /// What all keys of manifests begin with.
    pub(super) fn prefix() -> [u8; 1] {
        [MANIFEST]
    }

    /// The bytes, behind which stands their SHA-256.
    pub(super) fn encode(&self) -> Result<Vec<u8>, ArchiveError> {
        let mut bytes = encode(self)?;
        let digest = Digest::of(&bytes);
        bytes.extend(digest.as_bytes());
        Ok(bytes)
    }

    /// Reads the manifest that lies under `key`.
    pub(super) fn decode(key: &[u8], bytes: &[u8]) -> Result<Self, ArchiveError> {
        let (content, digest) = split_digest(bytes).ok_or_else(|| damaged("a manifest is cut short"))?;
        if digest_of(&[content]) != digest {
            return Err(damaged("the checksum of a manifest does not match"));
        }
        let manifest: Self = decode(content)?;
        if Self::key(manifest.info.version.generation) != key {
            return Err(damaged("a manifest lies in the place of another"));
        }
        Ok(manifest)
    }

    /// The keys of all its blobs.
    pub(super) fn blobs(&self) -> impl Iterator<Item = Key> {
        let shards = self.shards.iter().map(|digest| key(SHARD, digest));
        shards.chain([key(GROUPS, &self.groups), key(REVOCATIONS, &self.revocations)])
    }

    /// The snapshot, every part of it checked. `get` finds a blob.
    pub(super) fn load(
        &self,
        get: impl Fn(&[u8]) -> Result<Option<Vec<u8>>, ArchiveError>,
    ) -> Result<Loaded, ArchiveError> {
        let find =
            |kind, digest: &[u8; 32]| get(&key(kind, digest))?.ok_or_else(|| damaged("a part is missing"));
        let whole = |kind, digest: &[u8; 32]| {
            let bytes = find(kind, digest)?;
            if Digest::of(&bytes).as_bytes() == digest {
                Ok(bytes)
            } else {
                Err(damaged("a part has changed"))
            }
        };
        let groups: Vec<GroupName> = decode(&whole(GROUPS, &self.groups)?)?;
        let revocations: Vec<(String, Revocation)> = decode(&whole(REVOCATIONS, &self.revocations)?)?;
        let revocations =
            revoked::of_read(revocations).ok_or_else(|| damaged("a revocation names nobody"))?;
        // A shard computes its digest anew when it is read, and the snapshot its own of all of them.
        let shard = |digest| decode(&find(SHARD, digest)?).map(Arc::new);
        let shards = self.shards.iter().map(shard).collect::<Result<Vec<_>, ArchiveError>>()?;
        let version = self.info.version;
        let snapshot =
            Snapshot::assemble(version.generation, self.info.as_of, groups.into(), shards, revocations)
                .map_err(|error| ArchiveError::Damaged(error.to_string()))?;
        if snapshot.version() != version {
            return Err(damaged("the parts of a generation do not have its digest"));
        }
        Ok(Loaded { snapshot, info: self.info.clone() })
    }
}

impl Parts {
    /// The parts of a generation; `before` is the table of another one.
    pub(super) fn of(loaded: &Loaded, before: Option<Table>) -> Result<Self, ArchiveError> {
        let snapshot = &loaded.snapshot;
        let groups = snapshot.shared_groups();
        let table = match before {
            Some(before) if Arc::ptr_eq(&before.groups, &groups) => before,
            _ => Table::of(groups)?,
        };
        let revocations = encode(&revoked::to_write(snapshot))?;
        let manifest = Manifest {
            info: loaded.info.clone(),
            groups: table.digest,
            revocations: *Digest::of(&revocations).as_bytes(),
            shards: snapshot.shards().iter().map(|shard| *shard.digest().as_bytes()).collect(),
        };
        Ok(Self { manifest, table, revocations, shards: snapshot.shards().to_vec() })
    }

    /// The blobs that are not stored yet.
    pub(super) fn missing(
        &self,
        is_stored: impl Fn(&Key) -> bool,
    ) -> Result<Vec<(Key, Vec<u8>)>, ArchiveError> {
        let mut missing = Vec::new();
        for shard in &self.shards {
            let key = key(SHARD, shard.digest().as_bytes());
            if !is_stored(&key) {
                missing.push((key, encode(shard)?));
            }
        }
        let revocations = key(REVOCATIONS, &self.manifest.revocations);
        if !is_stored(&revocations) {
            missing.push((revocations, self.revocations.clone()));
        }
        let groups = key(GROUPS, &self.manifest.groups);
        if !is_stored(&groups) {
            missing.push((groups, encode(&self.table.groups)?));
        }
        Ok(missing)
    }
}

fn key(kind: u8, digest: &[u8; 32]) -> Key {
    [&[kind][..], digest].concat()
}

fn encode<T: Serialize>(value: &T) -> Result<Vec<u8>, ArchiveError> {
    postcard::to_stdvec(value).map_err(|error| ArchiveError::Encode(error.to_string()))
}

fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, ArchiveError> {
    postcard::from_bytes(bytes).map_err(|error| ArchiveError::Damaged(error.to_string()))
}

fn damaged(what: &str) -> ArchiveError {
    ArchiveError::Damaged(what.to_owned())
}
