//! A whole snapshot in one file: a title, the snapshot, and the SHA-256 of both.

use std::{
    collections::BTreeMap,
    fs,
    io::{self, Write as _},
    path::Path,
    sync::Arc,
};

use oam_policy::{
    GroupName, Snapshot,
    name::UsernameKey,
    snapshot::{Revocation, Shard},
};
use serde::{Deserialize, Serialize};

use super::{
    super::{Loaded, SnapshotInfo, digest_of, durable, revoked, split_digest, summed::Summed},
    Checksum,
};

const TITLE: &[u8] = b"oam-recovery-base-v1\n";

/// What the file holds behind the info, as it is written.
#[derive(Serialize)]
struct Written<'a> {
    groups: &'a [GroupName],
    shards: &'a [Arc<Shard>],
    revocations: Vec<(&'a UsernameKey, &'a Revocation)>,
}

/// The same, as it is read.
#[derive(Deserialize)]
struct Read {
    groups: Vec<GroupName>,
    shards: Vec<Arc<Shard>>,
    revocations: Vec<(String, Revocation)>,
}

/// A base whose checksum is right.
#[derive(Debug)]
pub(super) struct Base {
    info: SnapshotInfo,
    /// The snapshot, not decoded yet.
    content: Vec<u8>,
    checksum: Checksum,
}

/// Writes a base, durably, and tells its checksum.
pub(super) fn write(path: &Path, loaded: &Loaded) -> io::Result<Checksum> {
    let draft = path.with_extension("draft");
    let written = write_draft(&draft, loaded);
    let placed = written.and_then(|checksum| {
        fs::rename(&draft, path)?;
        durable::sync_parent(path)?;
        Ok(checksum)
    });
    if placed.is_err() {
        // Give the room back; a leftover is overwritten by the next attempt.
        let _ = fs::remove_file(&draft);
    }
    placed
}

fn write_draft(draft: &Path, loaded: &Loaded) -> io::Result<Checksum> {
    let snapshot = &loaded.snapshot;
    let content = Written {
        groups: snapshot.groups(),
        shards: snapshot.shards(),
        revocations: revoked::to_write(snapshot),
    };
    let mut writer = Summed::create(draft)?;
    writer.write_all(TITLE)?;
    let writer = postcard::to_io(&loaded.info, writer).map_err(io::Error::other)?;
    let writer = postcard::to_io(&content, writer).map_err(io::Error::other)?;
    Ok(writer.finish()?.0)
}

impl Base {
    /// Reads the base of `generation` and checks its checksum; the error says in words why it is none.
    pub(super) fn parse(bytes: &[u8], generation: u64) -> Result<Self, String> {
        let (body, checksum) = split_digest(bytes).ok_or("it is cut short")?;
        if digest_of(&[body]) != checksum {
            return Err("its checksum does not match".into());
        }
        let body = body.strip_prefix(TITLE).ok_or("it is of another format")?;
        let (info, content) =
            postcard::take_from_bytes::<SnapshotInfo>(body).map_err(|error| error.to_string())?;
        if info.version.generation != generation {
            return Err(format!("it holds generation {}", info.version.generation));
        }
        Ok(Self { info, content: content.to_vec(), checksum })
    }

    pub(super) fn info(&self) -> &SnapshotInfo {
        &self.info
    }

    pub(super) fn checksum(&self) -> Checksum {
        self.checksum
    }

    /// The snapshot, checked against the digest that was written down.
    pub(super) fn decode(&self) -> Result<Loaded, String> {
        let read: Read = postcard::from_bytes(&self.content).map_err(|error| error.to_string())?;
        let revocations: BTreeMap<_, _> =
            revoked::of_read(read.revocations).ok_or("a revocation names nobody")?;
        let version = self.info.version;
        let snapshot = Snapshot::assemble(
            version.generation,
            self.info.as_of,
            read.groups.into(),
            read.shards,
            revocations,
        )
        .map_err(|error| error.to_string())?;
        if snapshot.version() != version {
            return Err("its content does not have its digest".into());
        }
        Ok(Loaded { snapshot, info: self.info.clone() })
    }
}

#[cfg(test)]
mod tests {
    use super::Base;

    proptest::proptest! {
        #[test]
        fn no_bytes_panic(bytes: Vec<u8>) {
            proptest::prop_assert!(Base::parse(&bytes, 1).is_err());
        }

        #[test]
        fn nor_with_a_checksum_that_is_right(content: Vec<u8>) {
            let mut bytes = [super::TITLE, &content].concat();
            bytes.extend(super::digest_of(&[&bytes]).as_bytes());
            if let Ok(base) = Base::parse(&bytes, 1) {
                proptest::prop_assert!(base.decode().is_err());
            }
        }
    }
}
