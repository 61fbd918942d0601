//! The changes since a base, one record each: its length, its content, and a SHA-256 that is chained to the record
//! before it, so that no record can be left out, moved, or taken from another journal.

use std::{
    fs::{File, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

use jiff::Timestamp;
use oam_policy::snapshot::{Amendment, Revocation};
use serde::{Deserialize, Serialize};

use super::{
    super::{Change, Loaded, SnapshotInfo, digest_of, durable, revoked},
    Checksum,
};

/// One change.
#[derive(Debug, Clone)]
pub(super) struct Record {
    /// The generation that it leads to.
    pub(super) info: SnapshotInfo,
    /// What sets it apart from the one before.
    pub(super) change: Change,
}

/// A change as it is stored.
#[derive(Serialize, Deserialize)]
enum Stored {
    Revoke(String, Revocation),
    Lift(String),
    Confirm(Timestamp),
    Amend(Amendment),
}

/// The journal in use.
#[derive(Debug)]
pub(super) struct Journal {
    path: PathBuf,
    file: File,
    end: Mark,
    /// Set when it could not be cut back after a failure: nothing can follow.
    broken: bool,
}

/// A place between two records.
#[derive(Debug, Clone, Copy)]
pub(super) struct Mark {
    bytes: u64,
    records: usize,
    checksum: Checksum,
}

/// The whole records of a journal.
#[derive(Debug)]
pub(super) struct Scan {
    pub(super) records: Vec<Record>,
    /// Whether something follows them that is no whole record.
    pub(super) torn: bool,
    end: Mark,
}

impl Record {
    /// The snapshot after this change.
    pub(super) fn apply(&self, before: &Loaded) -> Result<Loaded, String> {
        let generation = self.info.version.generation;
        let next = self.change.clone().apply(&before.snapshot).map(|next| next.renumbered(generation));
        match next {
            Some(snapshot) if snapshot.version() == self.info.version => {
                Ok(Loaded { snapshot, info: self.info.clone() })
            }
            _ => Err(format!("the change to generation {generation} does not lead to its digest")),
        }
    }

    fn encode(&self) -> io::Result<Vec<u8>> {
        let stored = match &self.change {
            Change::Whole => return Err(io::Error::other("a whole snapshot is no record of a journal")),
            Change::Revoke(user, revocation) => Stored::Revoke(user.as_str().to_owned(), revocation.clone()),
            Change::Lift(user) => Stored::Lift(user.as_str().to_owned()),
            Change::Confirm(as_of) => Stored::Confirm(*as_of),
            Change::Amend(amendment) => Stored::Amend(amendment.clone()),
        };
        postcard::to_stdvec(&(&self.info, stored)).map_err(io::Error::other)
    }

    fn decode(content: &[u8]) -> Option<Self> {
        let (info, stored): (SnapshotInfo, Stored) = postcard::from_bytes(content).ok()?;
        let change = match stored {
            Stored::Revoke(user, revocation) => Change::Revoke(revoked::key(&user)?, revocation),
            Stored::Lift(user) => Change::Lift(revoked::key(&user)?),
            Stored::Confirm(as_of) => Change::Confirm(as_of),
            Stored::Amend(amendment) => Change::Amend(amendment),
        };
        Some(Self { info, change })
    }
}

impl Journal {
    /// Begins an empty journal behind the base with this checksum, durably.
    pub(super) fn begin(path: &Path, base: Checksum) -> io::Result<Self> {
        Self::open(path, Mark::start(base))
    }

    /// Goes on behind the whole records, cutting off what follows them.
    pub(super) fn resume(path: &Path, scan: &Scan) -> io::Result<Self> {
        Self::open(path, scan.end)
    }

    fn open(path: &Path, end: Mark) -> io::Result<Self> {
        // Appending, so that a write after a cut begins at the cut.
        let file = OpenOptions::new().append(true).create(true).mode(0o600).open(path)?;
        file.set_len(end.bytes)?;
        file.sync_all()?;
        durable::sync_parent(path)?;
        Ok(Self { path: path.to_owned(), file, end, broken: false })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// How many records it holds; as good as full when nothing can follow.
    pub(super) fn records(&self) -> usize {
        if self.broken { usize::MAX } else { self.end.records }
    }

    /// Appends a record, durably, and tells where it began.
    pub(super) fn append(&mut self, record: &Record) -> io::Result<Mark> {
        let content = record.encode()?;
        let (bytes, checksum) = framed(&content, self.end.checksum)?;
        let before = self.end;
        if let Err(error) = self.file.write_all(&bytes).and_then(|()| self.file.sync_data()) {
            // A cut that fails as well is remembered there, and the next generation is written as a new base.
            let _ = self.cut_back(before);
            return Err(error);
        }
        self.end = Mark { bytes: before.bytes + bytes.len() as u64, records: before.records + 1, checksum };
        Ok(before)
    }

    /// Removes all records behind `mark`.
    pub(super) fn cut_back(&mut self, mark: Mark) -> io::Result<()> {
        self.end = mark;
        let cut = self.file.set_len(mark.bytes).and_then(|()| self.file.sync_all());
        self.broken |= cut.is_err();
        cut
    }
}

impl Mark {
    fn start(base: Checksum) -> Self {
        Self { bytes: 0, records: 0, checksum: base }
    }
}

/// Reads a journal up to the first record that is not whole, or does not lead to a higher generation.
pub(super) fn scan(bytes: &[u8], base: Checksum, mut generation: u64) -> Scan {
    let mut found = Scan { records: Vec::new(), torn: false, end: Mark::start(base) };
    let mut rest = bytes;
    while let Some((content, checksum, behind)) = take(rest, found.end.checksum) {
        let Some(record) = Record::decode(content) else { break };
        if record.info.version.generation <= generation {
            break;
        }
        generation = record.info.version.generation;
        found.end =
            Mark { bytes: (bytes.len() - behind.len()) as u64, records: found.end.records + 1, checksum };
        found.records.push(record);
        rest = behind;
    }
    found.torn = !rest.is_empty();
    found
}

pub(crate) fn framed(content: &[u8], before: Checksum) -> io::Result<(Vec<u8>, Checksum)> {
    let length = u32::try_from(content.len()).map_err(io::Error::other)?.to_be_bytes();
    let checksum = digest_of(&[before.as_bytes(), &length, content]);
    Ok(([&length[..], content, checksum.as_bytes()].concat(), checksum))
}

/// The first record's content, its checksum, and what follows it.
pub(crate) fn take(bytes: &[u8], before: Checksum) -> Option<(&[u8], Checksum, &[u8])> {
    let (length, rest) = bytes.split_first_chunk::<4>()?;
    let (content, rest) = rest.split_at_checked(u32::from_be_bytes(*length) as usize)?;
    let (checksum, rest) = rest.split_first_chunk::<32>()?;
    let expected = digest_of(&[before.as_bytes(), length, content]);
    (expected.as_bytes() == checksum).then_some((content, expected, rest))
}

#[cfg(test)]
mod tests {
    use oam_policy::Digest;

    use super::{framed, scan, take};

    proptest::proptest! {
        #[test]
        fn no_bytes_panic(bytes: Vec<u8>) {
            let found = scan(&bytes, Digest::of(b"base"), 1);
            proptest::prop_assert!(found.records.is_empty());
            proptest::prop_assert_eq!(found.torn, !bytes.is_empty());
        }

        #[test]
        fn nor_in_a_record_that_is_whole(content: Vec<u8>) {
            let (bytes, _) = framed(&content, Digest::of(b"base")).unwrap();
            let found = scan(&bytes, Digest::of(b"base"), u64::MAX);
            proptest::prop_assert!(found.records.is_empty() && found.torn);
        }

        #[test]
        fn a_record_stands_only_behind_the_one_it_followed(content: Vec<u8>, before: [u8; 32], other: [u8; 32]) {
            let (bytes, checksum) = framed(&content, Digest::from_bytes(before)).unwrap();
            let taken = take(&bytes, Digest::from_bytes(before)).unwrap();
            proptest::prop_assert_eq!(taken, (&content[..], checksum, &[][..]));
            proptest::prop_assume!(before != other);
            proptest::prop_assert_eq!(take(&bytes, Digest::from_bytes(other)), None);
        }
    }
}
