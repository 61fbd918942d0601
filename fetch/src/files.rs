//! Files that a person or a configuration has named: only regular ones, and no more of them than was bargained for.
//!
//! One text may lie in a folder of `*.toml` files. There nothing is passed over that could be meant for one of them: what bears
//! the name and cannot be read is an error, and so is one that lies deeper.

use std::{
    collections::BTreeSet,
    ffi::OsStr,
    fs::{self, DirEntry, File, Metadata},
    io::{self, Read as _},
    os::unix::fs::{FileTypeExt as _, MetadataExt as _},
    path::{Path, PathBuf},
};

use rustix::fs::{Mode, OFlags};
use thiserror::Error;

/// How many entries are looked at in a folder and below it. Followers look twice a second.
const MAX_ENTRIES: usize = 10_000;

/// A file that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TextFile {
    /// Its name, without folders.
    pub name: String,
    /// All of it.
    pub text: String,
}

/// Why files cannot be read.
#[derive(Debug, Error)]
#[error("`{}` cannot be read: {what}", .path.display())]
pub struct FilesError {
    /// Which file or folder.
    pub path: PathBuf,
    /// What is wrong with it.
    pub what: Unreadable,
}

/// What is wrong with a file or folder.
#[derive(Debug, Error)]
pub enum Unreadable {
    /// The system does not give it.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// It may never end, or never begin.
    #[error("it is {0}, and no regular file")]
    NoFile(&'static str),
    /// There is too much of it.
    #[error("it has more than {0} bytes")]
    TooLarge(u64),
    /// Its first byte that makes it no text.
    #[error("it is not UTF-8 text: see line {line}, column {column}")]
    NoText {
        /// From 1.
        line: usize,
        /// From 1, in characters.
        column: usize,
    },
    /// A folder without a file that counts.
    #[error("there is no `*.toml` file in it")]
    Empty,
    /// A file that would count in the folder above.
    #[error("it lies in a subfolder, and those are not read: move it up, or to somewhere else")]
    TooDeep,
    /// A folder that is for more than such files.
    #[error(
        "there are more than {MAX_ENTRIES} files and folders in it and below it: give these files a folder of their own"
    )]
    TooMany,
}

/// Reads `place` itself, or every `*.toml` file in it in order of their names. What is hidden is an editor's, or git's.
///
/// # Errors
/// When anything that counts cannot be read, together they have more than `most` bytes, or there is nothing to read.
pub fn read(place: &Path, most: u64) -> Result<Vec<TextFile>, FilesError> {
    let mut room = most;
    let mut files = Vec::new();
    for path in paths(place)? {
        let bytes = bytes(&path, room).map_err(at(&path))?;
        let left = room.checked_sub(bytes.len() as u64);
        room = left.ok_or_else(|| FilesError { path: place.to_owned(), what: Unreadable::TooLarge(most) })?;
        let text = text(bytes).map_err(at(&path))?;
        let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
        files.push(TextFile { name, text });
    }
    Ok(files)
}

/// Reads one file.
///
/// # Errors
/// When it cannot be read, is no regular file, no text, or has more than `most` bytes.
pub fn read_file(path: &Path, most: u64) -> Result<String, FilesError> {
    let bytes = bytes(path, most).map_err(at(path))?;
    if bytes.len() as u64 > most {
        return Err(FilesError { path: path.to_owned(), what: Unreadable::TooLarge(most) });
    }
    text(bytes).map_err(at(path))
}

/// What [`read`] would read, as it looks from outside; or why it would not.
pub type Look = Result<Vec<(PathBuf, Option<Mark>)>, String>;

/// Looks at what [`read`] would read: it is another look when any of it has changed.
pub fn look(place: &Path) -> Look {
    let paths = paths(place).map_err(|error| error.to_string())?;
    let look = |path: PathBuf| {
        let mark = Mark::of(&path);
        (path, mark)
    };
    Ok(paths.into_iter().map(look).collect())
}

/// What tells whether a file is another one, or has changed. Length and time alone would be those of the file before, where
/// whoever puts it there keeps times (`cp -p`, `rsync -t`, `tar`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mark {
    device: u64,
    inode: u64,
    length: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl Mark {
    /// Of the file at `path`, after links; `None` where there is none.
    pub fn of(path: &Path) -> Option<Self> {
        let found = fs::metadata(path).ok()?;
        Some(Self {
            device: found.dev(),
            inode: found.ino(),
            length: found.size(),
            modified: (found.mtime(), found.mtime_nsec()),
            changed: (found.ctime(), found.ctime_nsec()),
        })
    }
}

fn at<E: Into<Unreadable>>(path: &Path) -> impl Fn(E) -> FilesError {
    move |what: E| FilesError { path: path.to_owned(), what: what.into() }
}

/// At most one byte more than there is room for.
fn bytes(path: &Path, room: u64) -> Result<Vec<u8>, Unreadable> {
    // To open a device may do something already.
    must_be_regular(&fs::metadata(path)?)?;
    let file = open(path)?;
    must_be_regular(&file.metadata()?)?;
    Ok(up_to_one_more(file, room)?)
}

/// What was a file just now may be a pipe by now: then nobody waits until somebody writes into it.
fn open(path: &Path) -> io::Result<File> {
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC;
    Ok(File::from(rustix::fs::open(path, flags, Mode::empty())?))
}

fn up_to_one_more(reader: impl io::Read, room: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    reader.take(room.saturating_add(1)).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn must_be_regular(found: &Metadata) -> Result<(), Unreadable> {
    let kind = found.file_type();
    if kind.is_file() {
        return Ok(());
    }
    Err(Unreadable::NoFile(match kind {
        kind if kind.is_dir() => "a folder",
        kind if kind.is_fifo() => "a pipe",
        kind if kind.is_socket() => "a socket",
        _ => "a device",
    }))
}

fn text(bytes: Vec<u8>) -> Result<String, Unreadable> {
    String::from_utf8(bytes).map_err(|error| {
        let good = error.as_bytes().get(..error.utf8_error().valid_up_to()).unwrap_or_default();
        let before = String::from_utf8_lossy(good);
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        Unreadable::NoText { line, column }
    })
}

/// The files to read, which may not be files at all.
fn paths(place: &Path) -> Result<Vec<PathBuf>, FilesError> {
    let found = fs::metadata(place).map_err(at(place))?;
    if !found.is_dir() {
        return Ok(vec![place.to_owned()]);
    }
    let mut walk = Walk { seen: [(found.dev(), found.ino())].into(), entries: 0 };
    let mut paths = Vec::new();
    for entry in walk.entries(place)? {
        if is_toml(&entry.path) {
            paths.push(entry.path);
        } else if entry.is_folder {
            walk.refuse_below(entry.path)?;
        }
    }
    if paths.is_empty() {
        return Err(FilesError { path: place.to_owned(), what: Unreadable::Empty });
    }
    Ok(paths)
}

/// The way through a folder and all below it.
struct Walk {
    /// The folders that were met, by device and inode: links may lead in a circle.
    seen: BTreeSet<(u64, u64)>,
    entries: usize,
}

/// What lies in a folder and counts.
struct Entry {
    path: PathBuf,
    is_folder: bool,
}

impl Walk {
    /// By name, so that of several faults the same one is told each time.
    fn entries(&mut self, folder: &Path) -> Result<Vec<Entry>, FilesError> {
        let mut entries = Vec::new();
        for entry in fs::read_dir(folder).map_err(at(folder))? {
            let entry = entry.map_err(at(folder))?;
            if is_passed_over(&entry.file_name()) {
                continue;
            }
            self.entries += 1;
            if self.entries > MAX_ENTRIES {
                return Err(FilesError { path: folder.to_owned(), what: Unreadable::TooMany });
            }
            entries.push(Entry { is_folder: is_folder(&entry), path: entry.path() });
        }
        entries.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(entries)
    }

    /// An error when anything below `folder` would count if it lay in the folder that is read.
    fn refuse_below(&mut self, folder: PathBuf) -> Result<(), FilesError> {
        let mut left = vec![folder];
        while let Some(folder) = left.pop() {
            let found = fs::metadata(&folder).map_err(at(&folder))?;
            if !self.seen.insert((found.dev(), found.ino())) {
                continue;
            }
            for entry in self.entries(&folder)? {
                if is_toml(&entry.path) {
                    return Err(FilesError { path: entry.path, what: Unreadable::TooDeep });
                }
                if entry.is_folder {
                    left.push(entry.path);
                }
            }
        }
        Ok(())
    }
}

/// After links: configuration maps, and people, link folders as well as files.
fn is_folder(entry: &DirEntry) -> bool {
    let leads_to_one = || fs::metadata(entry.path()).is_ok_and(|found| found.is_dir());
    entry.file_type().is_ok_and(|kind| kind.is_dir() || (kind.is_symlink() && leads_to_one()))
}

/// `lost+found` is the file system's, and only root may look into it.
fn is_passed_over(name: &OsStr) -> bool {
    name.as_encoded_bytes().starts_with(b".") || name == "lost+found"
}

fn is_toml(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("toml"))
}

#[cfg(test)]
mod tests;
