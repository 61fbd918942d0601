//! `packed-refs`: a line for each ref, `<id> <name>`; a line `^<id>` behind one says what the tag there leads to.

use std::{
    fs::File,
    io::{BufRead, BufReader, ErrorKind, Seek as _, SeekFrom},
    os::unix::fs::FileExt as _,
    path::Path,
};

use oam_policy::{ObjectId, RefName};

use super::{Unreadable, unreadable::words};

/// The longest line.
const MAX_LINE: u64 = RefName::MAX_LEN as u64 + 128;

/// How much is read at once; more than two of the longest lines.
const BLOCK: usize = 1 << 16;

/// The file of a repository, as it was when it was opened: git puts a new one in its place.
pub(super) struct Packed {
    file: File,
    length: u64,
    /// By name, byte for byte; git says so in the first line, and has done so for years.
    is_sorted: bool,
}

/// Called with a name and what that ref points to, tags peeled where the file has that.
pub(super) trait Each: FnMut(&[u8], ObjectId) -> Result<(), Unreadable> {}

impl<F: FnMut(&[u8], ObjectId) -> Result<(), Unreadable>> Each for F {}

impl Packed {
    /// `None` where nothing is packed.
    pub(super) fn open(git_dir: &Path) -> Result<Option<Self>, Unreadable> {
        let file = match File::open(git_dir.join("packed-refs")) {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(unreadable(error)),
        };
        let length = file.metadata().map_err(unreadable)?.len();
        let mut packed = Self { file, length, is_sorted: false };
        let first = packed.block(0)?;
        let first = first.split(|byte| *byte == b'\n').next().unwrap_or_default();
        packed.is_sorted = first
            .strip_prefix(b"# pack-refs with:")
            .is_some_and(|traits| traits.split(|byte| *byte == b' ').any(|one| one == b"sorted"));
        Ok(Some(packed))
    }

    /// The refs whose names begin so.
    pub(super) fn below(&mut self, prefix: &[u8], mut each: impl Each) -> Result<(), Unreadable> {
        let start = if self.is_sorted { self.search(prefix)? } else { 0 };
        self.file.seek(SeekFrom::Start(start)).map_err(unreadable)?;
        let is_sorted = self.is_sorted;
        lines(BufReader::with_capacity(BLOCK, &self.file), |name, id| {
            if name.starts_with(prefix) {
                each(name, id)?;
            }
            Ok(!is_sorted || name <= prefix || name.starts_with(prefix))
        })
    }

    /// Where a line starts before which all names come before `name`, no more than some blocks before it.
    fn search(&self, name: &[u8]) -> Result<u64, Unreadable> {
        let (mut low, mut high) = (0, self.length);
        while high.saturating_sub(low) > BLOCK as u64 {
            let middle = low.midpoint(high);
            let block = self.block(middle)?;
            match first_ref(&block) {
                Some((offset, found)) if found < name => low = middle.saturating_add(offset),
                Some(_) => high = middle,
                // Nothing that is a ref: the walk over the lines will say what it is.
                None => break,
            }
        }
        Ok(low)
    }

    fn block(&self, at: u64) -> Result<Vec<u8>, Unreadable> {
        let mut block = vec![0; BLOCK];
        let mut filled = 0;
        while let Some(room) = block.get_mut(filled..).filter(|room| !room.is_empty()) {
            let position = at.saturating_add(u64::try_from(filled).unwrap_or(u64::MAX));
            match self.file.read_at(room, position).map_err(unreadable)? {
                0 => break,
                read => filled = filled.saturating_add(read),
            }
        }
        block.truncate(filled);
        Ok(block)
    }
}

/// The first whole line of a ref in a piece of the file, behind the first end of a line: where it starts, and its name.
fn first_ref(block: &[u8]) -> Option<(u64, &[u8])> {
    let mut start = 0_usize;
    for line in block.split_inclusive(|byte| *byte == b'\n') {
        let is_first = start == 0;
        if let (false, Some(line)) = (is_first, line.strip_suffix(b"\n"))
            && let Some(Line::Ref(_, name)) = parse(line)
        {
            return Some((u64::try_from(start).ok()?, name));
        }
        start = start.saturating_add(line.len());
    }
    None
}

/// Goes through the lines as long as `each` wants more.
fn lines(
    mut file: impl BufRead,
    mut each: impl FnMut(&[u8], ObjectId) -> Result<bool, Unreadable>,
) -> Result<(), Unreadable> {
    let mut line = Vec::new();
    // What a tag leads to stands in the line behind it.
    let mut last: Option<(Vec<u8>, ObjectId)> = None;
    loop {
        line.clear();
        let read =
            std::io::Read::take(&mut file, MAX_LINE).read_until(b'\n', &mut line).map_err(unreadable)?;
        let parsed = match line.strip_suffix(b"\n") {
            Some(line) => parse(line),
            None if read == 0 => {
                return last.map_or(Ok(()), |(name, id)| each(&name, id).map(|_| ()));
            }
            // git writes a whole line or none.
            None => return Err(Unreadable::PackedRefs("a line is cut off, or too long".into())),
        };
        let goes_on = match (parsed, last.take()) {
            (Some(Line::Comment), None) => true,
            (Some(Line::Ref(id, name)), before) => {
                last = Some((name.to_vec(), id));
                before.map_or(Ok(true), |(name, id)| each(&name, id))?
            }
            (Some(Line::Peeled(id)), Some((name, _))) => each(&name, id)?,
            _ => return Err(Unreadable::PackedRefs("a line is malformed".into())),
        };
        if !goes_on {
            return Ok(());
        }
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Line<'l> {
    Comment,
    Ref(ObjectId, &'l [u8]),
    Peeled(ObjectId),
}

fn parse(line: &[u8]) -> Option<Line<'_>> {
    if line.starts_with(b"#") {
        return Some(Line::Comment);
    }
    if let Some(peeled) = line.strip_prefix(b"^") {
        return ObjectId::parse_hex(peeled).ok().map(Line::Peeled);
    }
    let space = line.iter().position(|byte| *byte == b' ')?;
    let (id, name) = line.split_at_checked(space)?;
    Some(Line::Ref(ObjectId::parse_hex(id).ok()?, name.get(1..)?))
}

fn unreadable(error: std::io::Error) -> Unreadable {
    Unreadable::PackedRefs(words(error))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use oam_policy::ObjectId;

    use super::Packed;

    const SORTED: &str = "# pack-refs with: peeled fully-peeled sorted \n";

    fn id(number: usize) -> ObjectId {
        ObjectId::parse_hex(format!("{:040x}", number + 1).as_bytes()).unwrap()
    }

    fn below(text: &str, prefix: &str) -> Result<Vec<(String, ObjectId)>, String> {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("packed-refs"), text).unwrap();
        let mut found = Vec::new();
        let mut packed = Packed::open(folder.path()).unwrap().unwrap();
        let each = |name: &[u8], id| {
            found.push((String::from_utf8(name.to_vec()).unwrap(), id));
            Ok(())
        };
        packed.below(prefix.as_bytes(), each).map_err(|error| error.to_string())?;
        Ok(found)
    }

    #[test]
    fn every_prefix_of_a_large_file_is_found_sorted_or_not() {
        let mut names: Vec<String> = (0..20_000).map(|number| format!("refs/heads/{number}/x")).collect();
        names.extend(["refs/heads/main", "refs/tags/v1", "refs/heads/1-", "refs/heads/10"].map(String::from));
        names.sort_unstable();
        let mut text = String::new();
        for (number, name) in names.iter().enumerate() {
            text.push_str(&format!("{} {name}\n", id(number)));
            if number % 3 == 0 {
                text.push_str(&format!("^{}\n", id(number + 1_000_000)));
            }
        }
        let expected = |prefix: &str| {
            let found = names.iter().enumerate().filter(|(_, name)| name.starts_with(prefix));
            let found = found.map(|(number, name)| {
                (name.clone(), id(if number % 3 == 0 { number + 1_000_000 } else { number }))
            });
            found.collect::<Vec<_>>()
        };
        let prefixes =
            ["refs/heads/777/x", "refs/heads/777", "refs/heads/1", "refs/heads/main", "refs/tags/"];
        for prefix in prefixes.into_iter().chain(["refs/heads/0/", "refs/heads/9999/", "refs/none", "refs/"])
        {
            assert_eq!(below(&format!("{SORTED}{text}"), prefix).unwrap(), expected(prefix), "{prefix}");
            assert_eq!(below(&text, prefix).unwrap(), expected(prefix), "{prefix}");
        }
    }

    #[test]
    fn what_git_would_not_have_written_is_complained_of() {
        let (one, name) = (id(1), "refs/heads/x");
        for text in [
            format!("{one} {name}"),
            format!("{one}\n"),
            format!("^{one}\n"),
            format!("{one} {name}\n^{one}\n^{one}\n"),
            format!("{one} {name}\n^zz\n"),
            format!("{} {name}\n", "0".repeat(40)),
            format!("{one} {name}\n\n"),
            format!("{one} refs/heads/{}\n", "x".repeat(20_000)),
        ] {
            let complaint = below(&text, "refs/").unwrap_err();
            assert!(complaint.starts_with("`packed-refs` could not be read: a line is "), "{text}");
        }
    }
}
