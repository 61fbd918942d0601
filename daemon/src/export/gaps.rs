//! Entries that a collector will never get, since they were removed before it had taken them.

use std::{
    fs,
    io::{self, Write as _},
    ops::Range,
    path::{Path, PathBuf},
};

use crate::store::durable;

/// What a collector will never get: kept in a file, so that it is told until somebody has seen to it.
#[derive(Debug)]
pub(super) struct Gaps {
    path: PathBuf,
    gaps: Vec<Range<u64>>,
}

impl Gaps {
    /// What the file says; nothing where there is none. A line that says nothing is a gap that nobody knows more of.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let text = match fs::read(path) {
            Ok(text) => String::from_utf8_lossy(&text).into_owned(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
            Err(error) => return Err(error),
        };
        let gap = |line: &str| {
            let (from, before) = line.split_once(' ')?;
            Some(from.parse().ok()?..before.parse().ok()?)
        };
        let gaps = text.lines().map(|line| gap(line).unwrap_or(0..0)).collect();
        Ok(Self { path: path.to_owned(), gaps })
    }

    /// Notes a gap. It is durable when this returns.
    pub(super) fn note(&mut self, gap: Range<u64>) -> io::Result<()> {
        if self.gaps.contains(&gap) {
            return Ok(());
        }
        let mut file = fs::File::options().append(true).create(true).open(&self.path)?;
        writeln!(file, "{} {}", gap.start, gap.end)?;
        file.sync_all()?;
        durable::sync_parent(&self.path)?;
        self.gaps.push(gap);
        Ok(())
    }

    /// A sentence for each.
    pub(super) fn sentences(&self, name: &str) -> Vec<String> {
        let sentence = |gap: &Range<u64>| {
            format!(
                "The collector `{name}` will never get the entries {} to {} of the audit log: they were removed before it had \
                 taken them. When they were fetched otherwise, stop the daemon and remove `{}`",
                gap.start,
                gap.end.saturating_sub(1),
                self.path.display()
            )
        };
        self.gaps.iter().map(sentence).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::Gaps;

    #[test]
    fn a_gap_is_told_until_somebody_has_seen_to_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("siem.gaps");
        let mut gaps = Gaps::open(&path).unwrap();
        assert!(gaps.sentences("siem").is_empty());
        gaps.note(5..900).unwrap();
        gaps.note(5..900).unwrap();
        let told = gaps.sentences("siem");
        assert!(told.len() == 1 && told[0].contains("`siem`") && told[0].contains("5 to 899"), "{told:?}");
        assert_eq!(Gaps::open(&path).unwrap().sentences("siem"), told);
        std::fs::write(&path, b"\xff\n").unwrap();
        assert_eq!(Gaps::open(&path).unwrap().sentences("siem").len(), 1);
        std::fs::remove_file(&path).unwrap();
        assert!(Gaps::open(&path).unwrap().sentences("siem").is_empty());
    }
}
