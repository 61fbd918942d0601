//! Raw trees, read entry by entry.
//!
//! An entry is `mode SP name NUL id`. What git itself would take is taken, modes of long ago included; what leaves open
//! which paths there are (a name with `/`, entries out of order) is malformed.

use std::{cmp::Ordering, ops::Range, rc::Rc};

use oam_policy::{ObjectId, name::ObjectFormat};

use super::Malformed;

/// What an entry is, as git tells apart. Permissions are nothing to git but "executable or not".
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EntryKind {
    /// A folder.
    Tree,
    /// A file.
    File,
    /// A file that may be run.
    Executable,
    /// A symbolic link, whose blob holds where it leads.
    Symlink,
    /// A commit of another repository.
    Submodule,
}

impl EntryKind {
    /// `None` for what git never writes.
    fn of_mode(mode: u32) -> Option<Self> {
        match mode & 0o170_000 {
            0o040_000 => Some(Self::Tree),
            0o100_000 if mode & 0o100 != 0 => Some(Self::Executable),
            0o100_000 => Some(Self::File),
            0o120_000 => Some(Self::Symlink),
            0o160_000 => Some(Self::Submodule),
            _ => None,
        }
    }

    /// Whether both hold content of the same sort: that a file becomes executable does not make it another one.
    pub fn is_like(self, other: Self) -> bool {
        let plain = |kind| if kind == Self::Executable { Self::File } else { kind };
        plain(self) == plain(other)
    }
}

/// One entry of a tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry<'a> {
    /// What it is.
    pub kind: EntryKind,
    /// Its name; never empty, and without `/`.
    pub name: &'a [u8],
    /// The raw id of what it names.
    pub id: &'a [u8],
}

impl Entry<'_> {
    /// The order of entries in a tree: by name, where a folder counts as if its name ended with `/`. A file and a folder
    /// of the same name are different entries.
    pub fn order(&self, other: &Self) -> Ordering {
        let common = self.name.len().min(other.name.len());
        let next = |entry: &Self| {
            entry.name.get(common).copied().unwrap_or(if entry.kind == EntryKind::Tree { b'/' } else { 0 })
        };
        let (ours, theirs) = (self.name.get(..common), other.name.get(..common));
        ours.cmp(&theirs).then_with(|| next(self).cmp(&next(other)))
    }

    /// Whether both name the same thing in the same way.
    pub fn names_the_same(&self, other: &Self) -> bool {
        self.kind == other.kind && self.id == other.id
    }
}

/// Goes through the entries of one tree.
#[derive(Debug)]
pub struct Entries {
    data: Rc<[u8]>,
    /// How long an id is.
    hash: usize,
    at: Option<At>,
}

/// Where the present entry is in the data.
#[derive(Debug, Clone)]
struct At {
    from: usize,
    kind: EntryKind,
    name: Range<usize>,
    id: Range<usize>,
}

impl Entries {
    /// Stands at the first entry of a tree.
    ///
    /// # Errors
    /// When that is malformed.
    pub fn of(data: Rc<[u8]>, format: ObjectFormat) -> Result<Self, Malformed> {
        let hash = match format {
            ObjectFormat::Sha1 => 20,
            ObjectFormat::Sha256 => 32,
        };
        let at = parse(&data, 0, hash)?;
        Ok(Self { data, hash, at })
    }

    /// The present entry; `None` at the end.
    pub fn entry(&self) -> Option<Entry<'_>> {
        self.at.as_ref().and_then(|at| self.at(at))
    }

    /// Goes on to the next entry.
    ///
    /// # Errors
    /// When that is malformed, or does not come after this one.
    pub fn advance(&mut self) -> Result<(), Malformed> {
        let Some(at) = &self.at else { return Ok(()) };
        let next = parse(&self.data, at.id.end, self.hash)?;
        if let (Some(this), Some(next)) = (self.at(at), next.as_ref().and_then(|next| self.at(next)))
            && this.order(&next) != Ordering::Less
        {
            return Err(Malformed("its entries are not in order"));
        }
        self.at = next;
        Ok(())
    }

    /// Passes by the entries that both trees have next, byte for byte. What is in order on the one side is so on the
    /// other, and is looked at once.
    ///
    /// # Errors
    /// When this tree or the other one is malformed behind them.
    pub fn pass_alike(&mut self, other: &mut Self) -> Result<(), WrongSide> {
        let (Some(at), Some(from)) = (&self.at, other.at.as_ref().map(|at| at.from)) else { return Ok(()) };
        let ahead = from.wrapping_sub(at.from);
        let mut is_passed = false;
        while let Some(at) = self.at.as_ref().filter(|at| self.is_at(at, other, ahead)) {
            let last = at.clone();
            self.advance().map_err(WrongSide::This)?;
            other.at = Some(last.further(ahead));
            is_passed = true;
        }
        if is_passed { other.advance().map_err(WrongSide::Other) } else { Ok(()) }
    }

    /// Whether the other tree has the same bytes so much further on. No entry begins as another one.
    fn is_at(&self, at: &At, other: &Self, ahead: usize) -> bool {
        let raw = self.data.get(at.from..at.id.end).unwrap_or_default();
        other.data.get(at.from.wrapping_add(ahead)..).is_some_and(|rest| rest.starts_with(raw))
    }

    /// How much memory the tree takes.
    pub fn size(&self) -> usize {
        self.data.len()
    }

    fn at(&self, at: &At) -> Option<Entry<'_>> {
        let (name, id) = (self.data.get(at.name.clone())?, self.data.get(at.id.clone())?);
        Some(Entry { kind: at.kind, name, id })
    }
}

/// Which of two trees is malformed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WrongSide {
    /// The one itself.
    This(Malformed),
    /// The other one.
    Other(Malformed),
}

impl At {
    fn further(self, by: usize) -> Self {
        let shift = |range: Range<usize>| range.start.wrapping_add(by)..range.end.wrapping_add(by);
        Self { from: self.from.wrapping_add(by), name: shift(self.name), id: shift(self.id), kind: self.kind }
    }
}

/// The entry that begins at `from`; `None` at the end.
fn parse(data: &[u8], from: usize, hash: usize) -> Result<Option<At>, Malformed> {
    let rest = data.get(from..).unwrap_or_default();
    if rest.is_empty() {
        return Ok(None);
    }
    // A mode has at most 7 digits, of which the first is 0.
    let space = rest.iter().take(8).position(|byte| *byte == b' ').ok_or(Malformed("a mode does not end"))?;
    let mode = rest.get(..space).and_then(octal).and_then(EntryKind::of_mode);
    let kind = mode.ok_or(Malformed("a mode is none"))?;
    let name = from.saturating_add(space).saturating_add(1);
    let length = data.get(name..).and_then(|name| name.iter().position(|byte| *byte == 0));
    let end = name.saturating_add(length.ok_or(Malformed("a name does not end"))?);
    match data.get(name..end) {
        None | Some([]) => return Err(Malformed("a name is empty")),
        Some(name) if name.contains(&b'/') => return Err(Malformed("a name contains `/`")),
        Some(_) => {}
    }
    let id = end.saturating_add(1)..end.saturating_add(1).saturating_add(hash);
    let raw = data.get(id.clone()).ok_or(Malformed("it ends within an id"))?;
    if raw.iter().all(|byte| *byte == 0) {
        return Err(Malformed("an entry has the zero id"));
    }
    Ok(Some(At { from, kind, name: name..end, id }))
}

fn octal(digits: &[u8]) -> Option<u32> {
    if digits.is_empty() {
        return None;
    }
    digits.iter().try_fold(0_u32, |mode, digit| {
        matches!(digit, b'0'..=b'7').then(|| mode << 3 | u32::from(digit.wrapping_sub(b'0')))
    })
}

/// The id of an entry.
///
/// # Errors
/// None that [`Entries`] lets through.
pub fn id_of(raw: &[u8]) -> Result<ObjectId, Malformed> {
    ObjectId::from_bytes(raw).map_err(|_| Malformed("an entry has no proper id"))
}

#[cfg(test)]
mod tests {
    use std::rc::Rc;

    use oam_policy::name::ObjectFormat;

    use super::{Entries, EntryKind};

    /// `mode name` of each entry; all have the same id.
    fn tree(entries: &[&[u8]]) -> Vec<u8> {
        entries.iter().flat_map(|entry| [entry, &[0][..], &[7; 20]].concat()).collect()
    }

    fn read(data: &[u8]) -> Result<Vec<(EntryKind, String)>, &'static str> {
        let mut entries = Entries::of(Rc::from(data), ObjectFormat::Sha1).map_err(|error| error.0)?;
        let mut found = Vec::new();
        while let Some(entry) = entries.entry() {
            found.push((entry.kind, String::from_utf8_lossy(entry.name).into_owned()));
            entries.advance().map_err(|error| error.0)?;
        }
        Ok(found)
    }

    #[test]
    fn what_git_takes() {
        let data = tree(&[
            b"100644 a",
            b"100664 a-b",
            b"40000 a",
            b"040000 a0",
            b"100755 b",
            b"120000 c",
            b"160000 d",
        ]);
        let kinds: Vec<_> = read(&data).unwrap().into_iter().map(|(kind, _)| kind).collect();
        use EntryKind::{Executable, File, Submodule, Symlink, Tree};
        assert_eq!(kinds, [File, File, Tree, Tree, Executable, Symlink, Submodule]);
        assert_eq!(read(b""), Ok(vec![]));
    }

    #[test]
    fn what_leaves_the_paths_open_is_malformed() {
        for (data, why) in [
            (tree(&[b"100644 b", b"100644 a"]), "its entries are not in order"),
            (tree(&[b"100644 a", b"100644 a"]), "its entries are not in order"),
            (tree(&[b"40000 a", b"100644 a-b"]), "its entries are not in order"),
            (tree(&[b"100644 "]), "a name is empty"),
            (tree(&[b"100644 a/b"]), "a name contains `/`"),
            (tree(&[b"100648 a"]), "a mode is none"),
            (tree(&[b" a"]), "a mode is none"),
            (tree(&[b"10644 a"]), "a mode is none"),
            (tree(&[b"000000100644 a"]), "a mode does not end"),
            (b"100644 a\0short".to_vec(), "it ends within an id"),
            (b"100644 a".to_vec(), "a name does not end"),
            ([&b"100644 a\0"[..], &[0; 20]].concat(), "an entry has the zero id"),
        ] {
            assert_eq!(read(&data), Err(why), "{}", String::from_utf8_lossy(&data));
        }
    }
}
