//! The packs of one object folder.
//!
//! The files are gitoxide's to read: indexes, multi-pack-indexes, deltas. What is done here is to keep, of a chain of
//! deltas, every link. A history is read commit by commit, and each of its trees is mostly a delta of the tree before or
//! after it: where only the last link is kept, whoever goes down such a chain unpacks it anew for each.

use std::{
    cell::{Cell, OnceCell, RefCell},
    cmp::Reverse,
    collections::HashSet,
    ffi::OsStr,
    fs, io,
    path::{Path, PathBuf},
    rc::Rc,
};

use gix_hash::oid;
use gix_pack::{cache::DecodeEntry, data, index, multi_index};
use gix_zlib::Inflate;

use super::{
    objects::{Kind, MAX_TREE, Shared},
    pack_index::Table,
    recent::Recent,
    unreadable::words,
};

/// How much memory the links of chains may take.
const LINKS: usize = 16 << 20;

/// How long a chain may be; git makes none of more than 4,095.
const MAX_CHAIN: usize = 4_096;

/// The packs of an object folder.
pub(super) struct Packs {
    format: gix_hash::Kind,
    /// The multi-pack-index first, then the newest.
    all: Vec<Indexed>,
    /// Where something was found last.
    last: Cell<usize>,
    /// How many objects those that were opened have.
    placed: Cell<usize>,
    reader: RefCell<Reader>,
}

/// An index, and what it is the index of.
struct Indexed {
    path: PathBuf,
    index: OnceCell<Index>,
    /// One, or those of a multi-pack-index.
    packs: Vec<Pack>,
}

struct Pack {
    path: PathBuf,
    /// Its number among all packs of the folder.
    number: u32,
    file: OnceCell<data::File>,
}

struct Index {
    table: Table,
    /// The place of its first object.
    start: usize,
}

/// An object in a pack.
pub(super) struct Found<'p> {
    packs: &'p Packs,
    table: &'p Table,
    /// Its number within that.
    nth: u32,
    file: &'p data::File,
    offset: u64,
    /// Its place among all objects of the folder's packs, for as long as these are open.
    pub(super) place: usize,
}

#[derive(Default)]
struct Reader {
    inflate: Inflate,
    links: Links,
    chain: Vec<u64>,
}

/// The links of chains, by pack and place in it.
struct Links(Recent<(u32, u64), Link>);

struct Link {
    data: Rc<[u8]>,
    kind: gix_object::Kind,
    packed: usize,
}

impl Packs {
    /// The packs of a folder, as they are listed in it. None is opened yet, but for a multi-pack-index.
    pub(super) fn list(folder: &Path, format: gix_hash::Kind) -> Result<Self, io::Error> {
        let folder = folder.join("pack");
        let files = match fs::read_dir(&folder) {
            Ok(files) => files,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Self::of(format, Vec::new())),
            Err(error) => return Err(error),
        };
        let mut single = Vec::new();
        for file in files {
            let file = file?;
            let path = file.path();
            if path.extension() == Some(OsStr::new("idx")) {
                // The newest have what was pushed last. One that has gone in the meantime is not opened either.
                let written = file.metadata().and_then(|found| found.modified()).ok();
                single.push((Reverse(written), path));
            }
        }
        single.sort_unstable();
        let many = Indexed::many(&folder, format);
        let covered: HashSet<PathBuf> =
            many.iter().flat_map(|many| &many.packs).map(|pack| pack.path.with_extension("idx")).collect();
        let single = single.into_iter().map(|(_, path)| path).filter(|path| !covered.contains(path));
        Ok(Self::of(format, many.into_iter().chain(single.map(Indexed::one)).collect()))
    }

    fn of(format: gix_hash::Kind, mut all: Vec<Indexed>) -> Self {
        for (number, pack) in (0..).zip(all.iter_mut().flat_map(|indexed| &mut indexed.packs)) {
            pack.number = number;
        }
        // Those that are open already come first.
        let placed = all.iter().filter_map(|indexed| indexed.index.get()).map(Index::end).sum();
        Self { format, all, last: Cell::new(0), placed: Cell::new(placed), reader: RefCell::default() }
    }

    /// Where an object is. What is wrong with one index matters only if no other one has it.
    pub(super) fn find(&self, id: &oid) -> Result<Option<Found<'_>>, String> {
        let last = self.last.get();
        let mut trouble = None;
        for number in std::iter::once(last).chain((0..self.all.len()).filter(|number| *number != last)) {
            let Some(indexed) = self.all.get(number) else { continue };
            match self.find_in(indexed, id) {
                Ok(None) => {}
                Ok(found) => {
                    self.last.set(number);
                    return Ok(found);
                }
                Err(why) => trouble = Some(why),
            }
        }
        trouble.map_or(Ok(None), Err)
    }

    fn find_in<'p>(&'p self, indexed: &'p Indexed, id: &oid) -> Result<Option<Found<'p>>, String> {
        let index = match indexed.index.get() {
            Some(index) => index,
            None => {
                let table = Table::One(index::File::at(&indexed.path, self.format).map_err(words)?);
                let index = Index { table, start: self.placed.get() };
                self.placed.set(index.end());
                indexed.index.get_or_init(|| index)
            }
        };
        let Some((entry, nth, offset)) = index.table.find(id)? else { return Ok(None) };
        let pack = usize::try_from(nth).ok().and_then(|nth| indexed.packs.get(nth));
        let pack = pack.ok_or("an index names a pack that is none of its own")?;
        let file = match pack.file.get() {
            Some(file) => file,
            // A repack took it away: what it had is elsewhere now.
            None if !pack.path.try_exists().map_err(words)? => return Ok(None),
            None => {
                let file = data::File::at(&pack.path, self.format).map_err(words)?;
                let mut file = file.with_alloc_limit_bytes(usize::try_from(MAX_TREE).ok());
                file.id = pack.number;
                pack.file.get_or_init(|| file)
            }
        };
        let place = index.start.saturating_add(entry);
        Ok(Some(Found { packs: self, table: &index.table, nth, file, offset, place }))
    }
}

impl Indexed {
    fn one(path: PathBuf) -> Self {
        let pack = Pack::at(path.with_extension("pack"));
        Self { path, index: OnceCell::new(), packs: vec![pack] }
    }

    /// The multi-pack-index of a folder. Like git, we go on without one that is damaged: each pack has an index.
    fn many(folder: &Path, format: gix_hash::Kind) -> Option<Self> {
        let path = folder.join("multi-pack-index");
        let file = multi_index::File::at(&path, None).ok().filter(|file| file.object_hash() == format)?;
        let packs = file.index_names().iter().map(|name| Pack::at(folder.join(name).with_extension("pack")));
        let packs = packs.collect();
        let index = OnceCell::from(Index { table: Table::Many(file), start: 0 });
        Some(Self { path, index, packs })
    }
}

impl Pack {
    fn at(path: PathBuf) -> Self {
        Self { path, number: 0, file: OnceCell::new() }
    }
}

impl Index {
    /// The place behind its last object.
    fn end(&self) -> usize {
        self.start.saturating_add(self.table.objects())
    }
}

impl Found<'_> {
    /// Reads the object into `out`.
    pub(super) fn read(&self, out: &mut Vec<u8>) -> Result<Kind, String> {
        let mut reader = self.packs.reader.borrow_mut();
        let Reader { inflate, links, chain } = &mut *reader;
        self.follow(links, chain)?;
        let mut kind = None;
        // From the bottom up, so that each link finds the one below it.
        while let Some(offset) = chain.pop() {
            let entry = self.file.entry(offset).map_err(words)?;
            let base = |id: &oid, _: &mut Vec<u8>| match self.base(id) {
                Some(offset) => {
                    self.file.entry(offset).map(data::decode::entry::ResolvedBase::InPack).map(Some)
                }
                None => Ok(None),
            };
            let place = (self.file.id, entry.data_offset);
            let decoded = self.file.decode_entry(entry, out, inflate, &base, links);
            kind = Some(decoded.map_err(words)?.kind);
            if !links.0.contains(place) {
                // Links that are too large to be kept help nobody: what is left is the object itself.
                chain.truncate(1);
            }
        }
        kind.map(Kind::from).ok_or_else(|| "it is no object".to_owned())
    }

    /// Reads the object to be kept by the caller: what is kept here already is not copied. `out` may be used to read it.
    pub(super) fn share(&self, out: &mut Vec<u8>) -> Result<Shared, String> {
        if let Some(kept) = self.kept()? {
            return Ok(kept);
        }
        let kind = self.read(out)?;
        Ok(self.kept()?.unwrap_or_else(|| (kind, Rc::from(out.as_slice()))))
    }

    fn kept(&self) -> Result<Option<Shared>, String> {
        let entry = self.file.entry(self.offset).map_err(words)?;
        let mut reader = self.packs.reader.borrow_mut();
        let link = reader.links.0.get((self.file.id, entry.data_offset));
        Ok(link.map(|link| (link.kind.into(), Rc::clone(&link.data))))
    }

    /// What the object is, and how long, by its header.
    pub(super) fn header(&self) -> Result<(Kind, u64), String> {
        let mut reader = self.packs.reader.borrow_mut();
        let entry = self.file.entry(self.offset).map_err(words)?;
        let base = |id: &oid| match self.base(id) {
            Some(offset) => self.file.entry(offset).map(data::decode::header::ResolvedBase::InPack).map(Some),
            None => Ok(None),
        };
        let header = self.file.decode_header(entry, &mut reader.inflate, &base).map_err(words)?;
        Ok((header.kind.into(), header.object_size))
    }

    /// Lists the object and the deltas that it rests on, as far as they are not kept. What is whole is not listed: it is
    /// unpacked with the delta upon it, and not kept.
    fn follow(&self, links: &Links, chain: &mut Vec<u64>) -> Result<(), String> {
        chain.clear();
        let mut next = Some(self.offset);
        while let Some(offset) = next {
            let entry = self.file.entry(offset).map_err(words)?;
            // The decoder calls them by where their data begins.
            let is_kept = links.0.contains((self.file.id, entry.data_offset));
            if (is_kept || !entry.header.is_delta()) && !chain.is_empty() {
                break;
            }
            if chain.len() >= MAX_CHAIN {
                return Err("its deltas make a chain without an end".to_owned());
            }
            chain.push(offset);
            // What is not there, decoding will tell.
            next = match entry.header {
                _ if is_kept => None,
                data::entry::Header::OfsDelta { base_distance } => {
                    entry.checked_base_pack_offset(base_distance)
                }
                data::entry::Header::RefDelta { base_id } => self.base(&base_id),
                _ => None,
            };
        }
        Ok(())
    }

    /// Where the base of a delta is that is named by its id: in the same pack.
    fn base(&self, id: &oid) -> Option<u64> {
        let (_, nth, offset) = self.table.find(id).ok().flatten()?;
        (nth == self.nth).then_some(offset)
    }
}

impl Default for Links {
    fn default() -> Self {
        Self(Recent::new(LINKS))
    }
}

impl AsRef<[u8]> for Link {
    fn as_ref(&self) -> &[u8] {
        &self.data
    }
}

impl DecodeEntry for Links {
    fn put(&mut self, pack: u32, offset: u64, data: &[u8], kind: gix_object::Kind, packed: usize) {
        self.0.put((pack, offset), Link { data: data.into(), kind, packed });
    }

    fn get(&mut self, pack: u32, offset: u64, out: &mut Vec<u8>) -> Option<(gix_object::Kind, usize)> {
        let link = self.0.get((pack, offset))?;
        out.clear();
        out.extend_from_slice(&link.data);
        Some((link.kind, link.packed))
    }
}
