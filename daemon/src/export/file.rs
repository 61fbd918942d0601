//! A file that a collector follows: a line for each entry, put aside when it is full.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read as _, Seek as _, SeekFrom, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::PathBuf,
};

use rustix::fs::OFlags;
use thiserror::Error;

use crate::store::durable;

/// A file that is followed.
#[derive(Debug, Clone)]
pub(super) struct Followed {
    /// The file. Those that are full lie beside it, as `.1` (the newest) and so on.
    pub(super) path: PathBuf,
    /// How many bytes make it full.
    pub(super) full: u64,
    /// How many that are full are kept.
    pub(super) keep: u32,
}

/// Why lines are not in the file.
#[derive(Debug, Error)]
pub(super) enum FileError {
    #[error("`{}` cannot be written: {source}", path.display())]
    Io { path: PathBuf, source: io::Error },
    #[error("`{}` is no file of its own: a link, a folder or a device", path.display())]
    NoFile { path: PathBuf },
}

impl Followed {
    /// Appends lines, and returns when they are durable. What a crash or a full disk left of the same lines is completed, so
    /// that no line is torn and none stands there twice.
    pub(super) fn append(&self, lines: &[String]) -> Result<(), FileError> {
        let text: Vec<u8> = lines.iter().flat_map(|line| line.bytes().chain(*b"\n")).collect();
        let mut file = self.open()?;
        let (mut length, mut end) = self.end(&mut file, text.len())?;
        let mut said = said_already(&end, &text);
        if said == 0 && length >= self.full {
            self.put_aside()?;
            file = self.open()?;
            (length, end, said) = (0, Vec::new(), 0);
        }
        let mut rest = text.get(said..).unwrap_or_default().to_vec();
        // Half a line of something else, from another format or another hand.
        if said == 0 && length > 0 && end.last() != Some(&b'\n') {
            rest.insert(0, b'\n');
        }
        file.write_all(&rest).and_then(|()| file.sync_data()).map_err(|source| self.failed(source))
    }

    fn open(&self) -> Result<File, FileError> {
        // A file of this name that is a link leads to where somebody else wants us to write.
        let opened = OpenOptions::new()
            .read(true)
            .append(true)
            .create(true)
            .mode(0o640)
            .custom_flags(i32::try_from(OFlags::NOFOLLOW.bits()).unwrap_or_default())
            .open(&self.path);
        let file = opened.map_err(|source| match fs::symlink_metadata(&self.path) {
            Ok(found) if !found.is_file() => FileError::NoFile { path: self.path.clone() },
            _ => self.failed(source),
        })?;
        let found = file.metadata().map_err(|source| self.failed(source))?;
        if !found.is_file() {
            return Err(FileError::NoFile { path: self.path.clone() });
        }
        if found.len() == 0 {
            durable::sync_parent(&self.path).map_err(|source| self.failed(source))?;
        }
        Ok(file)
    }

    /// How long the file is, and its last bytes: as many as `most`.
    fn end(&self, file: &mut File, most: usize) -> Result<(u64, Vec<u8>), FileError> {
        let read = |file: &mut File| {
            let length = file.metadata()?.len();
            file.seek(SeekFrom::Start(length.saturating_sub(most as u64)))?;
            let mut end = Vec::new();
            file.take(most as u64).read_to_end(&mut end)?;
            Ok((length, end))
        };
        read(file).map_err(|source| self.failed(source))
    }

    /// Makes room for a new file: `x` becomes `x.1`, that becomes `x.2`, and the oldest goes. Whoever follows a file goes on
    /// in it.
    fn put_aside(&self) -> Result<(), FileError> {
        for number in (1..self.keep).rev() {
            match fs::rename(self.aside(number), self.aside(number + 1)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(self.failed(error)),
                _ => {}
            }
        }
        fs::rename(&self.path, self.aside(1))
            .and_then(|()| durable::sync_parent(&self.path))
            .map_err(|source| self.failed(source))
    }

    fn aside(&self, number: u32) -> PathBuf {
        let mut name = self.path.as_os_str().to_owned();
        name.push(format!(".{number}"));
        PathBuf::from(name)
    }

    fn failed(&self, source: io::Error) -> FileError {
        FileError::Io { path: self.path.clone(), source }
    }
}

/// How much of `text`, which is lines, the end of a file says already.
fn said_already(end: &[u8], text: &[u8]) -> usize {
    let after_lines = end.iter().enumerate().filter(|(_, byte)| **byte == b'\n').map(|(place, _)| place + 1);
    let starts = std::iter::once(0).chain(after_lines);
    let rests = starts.filter_map(|start| end.get(start..));
    rests.filter(|rest| text.starts_with(rest)).map(<[u8]>::len).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::{FileError, Followed, said_already};

    fn followed(folder: &std::path::Path) -> Followed {
        Followed { path: folder.join("audit.jsonl"), full: 40, keep: 2 }
    }

    fn lines(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|text| (*text).to_owned()).collect()
    }

    #[test]
    fn what_is_there_already_is_found() {
        for (end, said) in [
            ("", 0),
            ("old\n", 0),
            ("old\none\n", 4),
            ("one\ntwo\n", 8),
            ("old\none\nt", 5),
            ("o", 1),
            ("old\nx", 0),
            ("one\ntwo\nthree\n", 0),
        ] {
            assert_eq!(said_already(end.as_bytes(), b"one\ntwo\n"), said, "{end:?}");
        }
    }

    #[test]
    fn whatever_a_crash_left_of_some_lines_they_are_there_once() {
        let folder = tempfile::tempdir().unwrap();
        let followed = Followed { full: u64::MAX, ..followed(folder.path()) };
        let text = "{\"index\":1}\n{\"index\":2}\n{\"index\":3}\n";
        for left in 0..=text.len() {
            let (left, _) = text.split_at(left);
            fs::write(&followed.path, format!("{{\"index\":0}}\n{left}")).unwrap();
            followed.append(&lines(&["{\"index\":1}", "{\"index\":2}", "{\"index\":3}"])).unwrap();
            assert_eq!(
                fs::read_to_string(&followed.path).unwrap(),
                format!("{{\"index\":0}}\n{text}"),
                "{left}"
            );
        }
        // Half a line of something else ends where it is.
        fs::write(&followed.path, "{\"other\":").unwrap();
        followed.append(&lines(&["{\"index\":1}"])).unwrap();
        assert_eq!(fs::read_to_string(&followed.path).unwrap(), "{\"other\":\n{\"index\":1}\n");
    }

    #[test]
    fn what_is_full_is_put_aside_and_the_oldest_goes() {
        let folder = tempfile::tempdir().unwrap();
        let followed = followed(folder.path());
        for number in 0..20 {
            followed.append(&lines(&[&format!("{{\"index\":{number}}}")])).unwrap();
        }
        let read = |name: &str| fs::read_to_string(folder.path().join(name)).unwrap();
        let all = format!("{}{}{}", read("audit.jsonl.2"), read("audit.jsonl.1"), read("audit.jsonl"));
        let number = |line: &str| line.strip_prefix("{\"index\":")?.strip_suffix('}')?.parse::<u32>().ok();
        let numbers: Vec<_> = all.lines().map(|line| number(line).unwrap()).collect();
        assert_eq!(numbers, (numbers[0]..20).collect::<Vec<_>>());
        assert!(numbers[0] > 0 && numbers[0] < 12, "{numbers:?}");
        assert!(!folder.path().join("audit.jsonl.3").exists());
    }

    #[test]
    fn nobody_has_us_write_elsewhere() {
        let folder = tempfile::tempdir().unwrap();
        let followed = followed(folder.path());
        let elsewhere = folder.path().join("elsewhere");
        fs::write(&elsewhere, "").unwrap();
        std::os::unix::fs::symlink(&elsewhere, &followed.path).unwrap();
        let error = followed.append(&lines(&["x"])).unwrap_err();
        assert!(matches!(error, FileError::NoFile { .. }), "{error}");
        assert_eq!(fs::read_to_string(&elsewhere).unwrap(), "");
        let missing = Followed { path: folder.path().join("no/x"), ..followed };
        assert!(missing.append(&lines(&["x"])).unwrap_err().to_string().contains("no/x"));
    }
}
