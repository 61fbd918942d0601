//! What a source said, on disk.
//!
//! | in `sources/<name>` | what it is |
//! |---|---|
//! | `base-<number>` | the whole roster in one checksummed file |
//! | `journal-<number>` | the entries since that base, one fsynced record each, chained by checksums |
//! | `floor` | the newest entry that was acknowledged: whatever ends before it is not believed |
//! | `tokens` | digests of the tokens |
//! | `followed` | what whoever follows a server needs to go on from where it was, checksummed; without it all is read again |
//!
//! An entry is durable when its record is, and is acknowledged when the floor says so. After a crash, what is whole
//! behind the floor is taken as said: the source was not answered, and will say it again. What ends before the floor is
//! lost, and set aside.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

use oam_policy::{Digest, SnapshotVersion};

use super::{Entry, Roster, roster::Image};
use crate::{
    config::SourceKind,
    store::{
        digest_of, durable,
        floor::{self, Floor},
        recovery::journal::{framed, take},
        split_digest,
        summed::Summed,
    },
};

const TITLE: &[u8] = b"oam-source-v1\n";
/// The file of whoever follows a server.
const BESIDE: &str = "followed";
/// A journal with more records, or longer than its base and this many bytes, is ended by a new base.
const MAX_RECORDS: u64 = 20_000;
const MAX_BYTES: u64 = 16 << 20;

/// The folder of a source, open for the next entry.
#[derive(Debug)]
pub(super) struct Disk {
    folder: PathBuf,
    kind: SourceKind,
    base: u64,
    base_bytes: u64,
    journal: File,
    end: End,
    records: u64,
    /// When the newest entry was said.
    heard: Option<jiff::Timestamp>,
    /// What is in force and could not be written: it goes before everything else.
    unwritten: Vec<Entry>,
    /// The journal could not be cut back after a failure: only a new base can follow.
    broken: bool,
    /// What is in force and could not be gone on behind.
    unadopted: Option<Draft>,
}

/// Where the journal ends.
#[derive(Debug, Clone, Copy)]
struct End {
    bytes: u64,
    /// Grows with every record and every base.
    sequence: u64,
    checksum: Digest,
}

/// What was found in a folder.
#[derive(Debug)]
pub(super) enum Found {
    /// Nothing: the source is new.
    Nothing,
    /// What the source said.
    Whole(Box<Stored>),
    /// It is damaged: why. Nothing of it is believed.
    Damaged(String),
}

/// What a source said, as it was read.
#[derive(Debug)]
pub(super) struct Stored {
    pub(super) image: Image,
    pub(super) entries: Vec<Entry>,
    base: u64,
    base_bytes: u64,
    end: End,
}

/// A whole roster that is on the disk, and not acknowledged yet.
#[derive(Debug, Clone, Copy)]
#[must_use]
pub(super) struct Draft {
    base: u64,
    base_bytes: u64,
    end: End,
}

/// Looks what is in the folder.
///
/// # Errors
/// When the system does not let it be read.
pub(super) fn read(folder: &Path) -> io::Result<Found> {
    let numbers = bases(folder)?;
    let floor = match floor::read(&folder.join("floor"))? {
        floor::Found::Known(version) => Some(version),
        floor::Found::New => None,
        floor::Found::Absent if numbers.is_empty() => return Ok(Found::Nothing),
        floor::Found::Absent => return Ok(Found::Damaged("its floor is missing".into())),
        floor::Found::Damaged(why) => return Ok(Found::Damaged(format!("its floor: {why}"))),
    };
    let mut fault = "its files are missing".to_owned();
    for number in numbers.into_iter().rev() {
        match find(folder, number, floor)? {
            Ok(stored) => return Ok(Found::Whole(Box::new(stored))),
            Err(why) => fault = why,
        }
    }
    // A floor that says that nothing was acknowledged: a crash in the very first base.
    Ok(if floor.is_none() { Found::Nothing } else { Found::Damaged(fault) })
}

fn find(folder: &Path, number: u64, floor: Option<SnapshotVersion>) -> io::Result<Result<Stored, String>> {
    let bytes = fs::read(base_path(folder, number))?;
    let Some((sequence, image, checksum)) = parse_base(&bytes) else {
        return Ok(Err(format!("the checksum of base {number} does not match")));
    };
    let journal = match fs::read(journal_path(folder, number)) {
        Ok(bytes) => bytes,
        // It is made after its base.
        Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
        Err(error) => return Err(error),
    };
    let mut end = End { bytes: 0, sequence, checksum };
    let mut entries = Vec::new();
    let mut at_floor =
        floor.filter(|floor| floor.generation == sequence).map(|floor| floor.digest == checksum);
    let mut rest = journal.as_slice();
    while let Some((content, checksum, behind)) = take(rest, end.checksum) {
        let Ok(entry) = postcard::from_bytes(content) else { break };
        end = End { bytes: (journal.len() - behind.len()) as u64, sequence: end.sequence + 1, checksum };
        if let Some(floor) = floor
            && floor.generation == end.sequence
        {
            at_floor = Some(floor.digest == checksum);
        }
        entries.push(entry);
        rest = behind;
    }
    if let Some(floor) = floor {
        if end.sequence < floor.generation {
            return Ok(Err(format!(
                "it ends with entry {}, and entry {} was acknowledged",
                end.sequence, floor.generation
            )));
        }
        if at_floor == Some(false) {
            return Ok(Err(format!("its entry {} is not the one that was acknowledged", floor.generation)));
        }
    }
    Ok(Ok(Stored { image, entries, base: number, base_bytes: bytes.len() as u64, end }))
}

impl Stored {
    /// The kind of source whose it is.
    pub(super) fn kind(&self) -> SourceKind {
        self.image.kind()
    }
}

impl Disk {
    /// Begins with this roster in a folder where nothing is to be kept.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(super) fn begin(folder: &Path, kind: SourceKind, roster: &Roster) -> io::Result<Self> {
        durable::make_folder(folder)?;
        let floor_path = folder.join("floor");
        // Until the first base is whole, there is nothing that could be lost.
        floor::write_new(&floor_path)?;
        let start = End { bytes: 0, sequence: 0, checksum: Digest::of(TITLE) };
        let draft = write_base(folder, 1, start.sequence, roster.image(kind))?;
        let journal = open_journal(folder, draft.base, 0)?;
        floor::write(&floor_path, draft.end.version())?;
        Ok(Self {
            folder: folder.to_owned(),
            kind,
            base: draft.base,
            base_bytes: draft.base_bytes,
            journal,
            end: draft.end,
            records: 0,
            heard: roster.seen,
            unwritten: Vec::new(),
            broken: false,
            unadopted: None,
        })
    }

    /// Goes on behind what was read, cutting off what was not finished. All of it is acknowledged by that.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(super) fn resume(folder: &Path, stored: &Stored) -> io::Result<Self> {
        let journal = open_journal(folder, stored.base, stored.end.bytes)?;
        floor::write(&folder.join("floor"), stored.end.version())?;
        let disk = Self {
            folder: folder.to_owned(),
            kind: stored.kind(),
            base: stored.base,
            base_bytes: stored.base_bytes,
            journal,
            end: stored.end,
            records: stored.entries.len() as u64,
            heard: stored.entries.last().map(|entry| entry.at),
            unwritten: Vec::new(),
            broken: false,
            unadopted: None,
        };
        disk.forget_older();
        Ok(disk)
    }

    /// Makes an entry durable.
    ///
    /// # Errors
    /// When that cannot be done; then the next start does not find it.
    pub(super) fn append(&mut self, entry: &Entry) -> io::Result<()> {
        self.catch_up()?;
        self.write(entry)
    }

    /// Keeps an entry that is in force and could not be written, to be written before anything else.
    pub(super) fn owe(&mut self, entry: Entry) {
        self.unwritten.push(entry);
    }

    /// When the newest entry was said, as far as the next start would know.
    pub(super) fn heard_until(&self) -> Option<jiff::Timestamp> {
        self.heard
    }

    /// Whether something is in force that is not written.
    pub(super) fn owes(&self) -> bool {
        !self.unwritten.is_empty()
    }

    /// Writes what is owed.
    ///
    /// # Errors
    /// When it still cannot be written.
    pub(super) fn catch_up(&mut self) -> io::Result<()> {
        while let Some(entry) = self.unwritten.first().cloned() {
            self.write(&entry)?;
            self.unwritten.remove(0);
        }
        Ok(())
    }

    fn write(&mut self, entry: &Entry) -> io::Result<()> {
        self.go_on()?;
        if self.broken {
            return Err(io::Error::other("the journal could not be cut back after a failure"));
        }
        let content = postcard::to_stdvec(entry).map_err(io::Error::other)?;
        let before = self.end;
        let (bytes, checksum) = framed(&content, before.checksum)?;
        let end = End { bytes: before.bytes + bytes.len() as u64, sequence: before.sequence + 1, checksum };
        let floor_path = self.folder.join("floor");
        let (floor, written) = Floor::prepare_while(&floor_path, end.version(), || {
            self.journal.write_all(&bytes).and_then(|()| self.journal.sync_data())
        });
        let mut is_raised = false;
        let raised = written.and_then(|()| floor?.raise()).and_then(|()| {
            is_raised = true;
            floor::sync(&floor_path)
        });
        if let Err(error) = raised {
            let cut = self.journal.set_len(before.bytes).and_then(|()| self.journal.sync_all());
            // What the floor speaks of must not be less than what is there. One that was not raised is let be: writing it
            // anew needs room, too.
            let lowered = if is_raised { floor::write(&floor_path, before.version()) } else { Ok(()) };
            self.broken |= cut.and(lowered).is_err();
            return Err(error);
        }
        self.end = end;
        self.records += 1;
        self.heard = Some(entry.at);
        Ok(())
    }

    /// Whether nothing can be written behind what is there: a new base must come first.
    pub(super) fn is_broken(&self) -> bool {
        self.broken
    }

    /// Lets the journal fail and not be cut back, as a disk does that is at its end.
    #[cfg(test)]
    pub(super) fn break_journal(&mut self) {
        self.journal = File::open(journal_path(&self.folder, self.base)).unwrap();
    }

    /// Whether the journal is so long that the next start would take its time.
    pub(super) fn is_long(&self) -> bool {
        self.records > MAX_RECORDS || self.end.bytes > self.base_bytes.saturating_add(MAX_BYTES)
    }

    /// Writes a whole roster beside what is there. It is what the next start finds, unless it is abandoned.
    ///
    /// # Errors
    /// When it cannot be written; then nothing is different.
    pub(super) fn draft(&self, roster: &Roster) -> io::Result<Draft> {
        write_base(&self.folder, self.base + 1, self.end.sequence, roster.image(self.kind))
    }

    /// Goes on behind a draft.
    ///
    /// # Errors
    /// When that cannot be done; then it is tried again before anything is written, and the draft is what the next start finds
    /// all the same.
    pub(super) fn adopt(&mut self, draft: &Draft) -> io::Result<()> {
        // It holds whatever is in force.
        self.unwritten.clear();
        self.unadopted = Some(*draft);
        self.go_on()
    }

    /// Goes on behind a draft that is to be gone on behind. What came before it takes no more entries: the next start would
    /// believe them, and not the draft.
    fn go_on(&mut self) -> io::Result<()> {
        let Some(draft) = self.unadopted else { return Ok(()) };
        self.journal = open_journal(&self.folder, draft.base, 0)?;
        (self.base, self.base_bytes, self.end) = (draft.base, draft.base_bytes, draft.end);
        (self.records, self.broken) = (0, false);
        floor::write(&self.folder.join("floor"), self.end.version())?;
        self.unadopted = None;
        self.forget_older();
        Ok(())
    }

    /// Takes a draft back.
    pub(super) fn abandon(&self, draft: &Draft) {
        let path = base_path(&self.folder, draft.base);
        if let Err(error) = fs::remove_file(&path).and_then(|()| durable::sync_parent(&path)) {
            tracing::error!(%error, path = %path.display(), "what was not taken could not be removed: it is taken at the next start");
        }
    }

    /// What was kept beside it; `None` when there is nothing that is whole.
    ///
    /// # Errors
    /// When the system does not let it be read.
    pub(super) fn read_beside(&self) -> io::Result<Option<Vec<u8>>> {
        let bytes = match fs::read(self.folder.join(BESIDE)) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let whole = split_digest(&bytes).filter(|(content, checksum)| Digest::of(content) == *checksum);
        Ok(whole.map(|(content, _)| content.to_vec()))
    }

    /// Keeps this beside it, whole or not at all.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(super) fn write_beside(&self, content: &[u8]) -> io::Result<()> {
        let path = self.folder.join(BESIDE);
        let draft = self.folder.join("followed.draft");
        let mut file = durable::create(&draft)?;
        file.write_all(content)?;
        file.write_all(Digest::of(content).as_bytes())?;
        file.sync_all()?;
        fs::rename(&draft, &path)?;
        durable::sync_parent(&path)
    }

    /// Removes the bases before the one in use. Failing is harmless: they are passed over.
    fn forget_older(&self) {
        let Ok(numbers) = bases(&self.folder) else { return };
        for number in numbers.into_iter().filter(|number| *number < self.base) {
            for path in [base_path(&self.folder, number), journal_path(&self.folder, number)] {
                match fs::remove_file(&path) {
                    Err(error) if error.kind() != io::ErrorKind::NotFound => {
                        tracing::warn!(%error, path = %path.display(), "cannot remove an old file of a source");
                    }
                    _ => {}
                }
            }
        }
    }
}

impl End {
    fn version(self) -> SnapshotVersion {
        SnapshotVersion { generation: self.sequence, digest: self.checksum }
    }
}

fn write_base(folder: &Path, number: u64, before: u64, image: Image) -> io::Result<Draft> {
    let sequence = before + 1;
    let path = base_path(folder, number);
    let draft = folder.join("base.draft");
    let mut file = Summed::create(&draft)?;
    file.write_all(TITLE)?;
    let file = postcard::to_io(&(sequence, image), file).map_err(io::Error::other)?;
    let (checksum, base_bytes) = file.finish()?;
    fs::rename(&draft, &path)?;
    durable::sync_parent(&path)?;
    Ok(Draft { base: number, base_bytes, end: End { bytes: 0, sequence, checksum } })
}

fn parse_base(bytes: &[u8]) -> Option<(u64, Image, Digest)> {
    let (body, checksum) = split_digest(bytes)?;
    let content = body.strip_prefix(TITLE)?;
    if digest_of(&[TITLE, content]) != checksum {
        return None;
    }
    let (sequence, image) = postcard::from_bytes(content).ok()?;
    Some((sequence, image, checksum))
}

fn open_journal(folder: &Path, number: u64, bytes: u64) -> io::Result<File> {
    let path = journal_path(folder, number);
    let file = OpenOptions::new().append(true).create(true).mode(0o600).open(&path)?;
    file.set_len(bytes)?;
    file.sync_all()?;
    durable::sync_parent(&path)?;
    Ok(file)
}

/// The numbers of the bases in the folder, ascending.
fn bases(folder: &Path) -> io::Result<Vec<u64>> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut numbers = Vec::new();
    for entry in entries {
        let name = entry?.file_name();
        let number = name.to_str().and_then(|name| name.strip_prefix("base-"));
        numbers.extend(number.and_then(|number| number.parse::<u64>().ok()));
    }
    numbers.sort_unstable();
    Ok(numbers)
}

fn base_path(folder: &Path, number: u64) -> PathBuf {
    folder.join(format!("base-{number:020}"))
}

fn journal_path(folder: &Path, number: u64) -> PathBuf {
    folder.join(format!("journal-{number:020}"))
}
