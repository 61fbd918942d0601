//! `packed-refs`: a line for each ref, `<id> <name>`; a line `^<id>` behind one says what the tag there leads to.

use std::{
    fs::File,
    io::{BufRead as _, BufReader, ErrorKind, Read as _},
    path::Path,
};

use oam_policy::{ObjectId, RefName};

use super::{Unreadable, unreadable::words};

/// The longest line.
const MAX_LINE: u64 = RefName::MAX_LEN as u64 + 128;

/// Calls `each` with the name of each packed ref and what it points to, tags peeled where the file has that.
pub(super) fn each(
    git_dir: &Path,
    each: impl FnMut(&[u8], ObjectId) -> Result<(), Unreadable>,
) -> Result<(), Unreadable> {
    match File::open(git_dir.join("packed-refs")) {
        Ok(file) => read(BufReader::with_capacity(1 << 16, file), each),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) => Err(Unreadable::PackedRefs(words(error))),
    }
}

fn read(
    mut file: impl std::io::BufRead,
    mut each: impl FnMut(&[u8], ObjectId) -> Result<(), Unreadable>,
) -> Result<(), Unreadable> {
    let mut line = Vec::new();
    let mut last: Option<(Vec<u8>, ObjectId)> = None;
    loop {
        line.clear();
        let taken = file.by_ref().take(MAX_LINE).read_until(b'\n', &mut line);
        if taken.map_err(|error| Unreadable::PackedRefs(words(error)))? == 0 {
            break;
        }
        // git writes a whole line or none.
        let Some(line) = line.strip_suffix(b"\n") else {
            return Err(Unreadable::PackedRefs("a line is cut off, or too long".into()));
        };
        match parse(line) {
            Some(Line::Comment) => {}
            Some(Line::Ref(id, name)) => {
                if let Some((name, id)) = last.replace((name.to_vec(), id)) {
                    each(&name, id)?;
                }
            }
            Some(Line::Peeled(id)) if last.is_some() => {
                if let Some((name, _)) = last.take() {
                    each(&name, id)?;
                }
            }
            _ => return Err(Unreadable::PackedRefs("a line is malformed".into())),
        }
    }
    match last {
        Some((name, id)) => each(&name, id),
        None => Ok(()),
    }
}

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
