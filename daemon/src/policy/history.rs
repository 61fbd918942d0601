//! Every policy that was ever in force, by digest: its files, and who put it in force and why.

use std::{
    fs, io,
    io::Write as _,
    path::{Path, PathBuf},
};

use jiff::Timestamp;
use oam_audit::entry::PolicyOrigin;
use oam_policy::{Digest, file::PolicySource};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::written::write_folder;

/// One time that a policy came into force.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Version {
    /// The policy.
    pub digest: Digest,
    /// When.
    pub at: Timestamp,
    /// By which way.
    pub origin: PolicyOrigin,
    /// By whom.
    pub author: String,
    /// Why, in the author's words.
    pub reason: String,
    /// Who approved it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub approved_by: Vec<String>,
    /// Whether it came into force without approvals that were needed, as the daemon's configuration wanted.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unapproved: bool,
    /// How many must approve what replaces it: to be known also where its files cannot be read any more.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub approvals: u8,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_zero(approvals: &u8) -> bool {
    *approvals == 0
}

/// The folder of versions.
#[derive(Debug)]
pub struct History {
    folder: PathBuf,
}

/// That a version was recorded, to be taken back where it does not come into force after all.
#[derive(Debug)]
#[must_use]
pub struct Recorded {
    /// How long the index was before, in bytes.
    before: u64,
}

/// Why the history cannot be kept or read.
#[derive(Debug, Error)]
pub enum HistoryError {
    /// A file cannot be read or written.
    #[error("policy history `{path}`: {source}")]
    Io {
        /// Which.
        path: PathBuf,
        /// What went wrong.
        source: io::Error,
    },
    /// No version begins with these digits.
    #[error("no policy version begins with `{0}`: `oam policy history` lists them")]
    Unknown(String),
    /// More than one does.
    #[error("`{0}` is the beginning of more than one policy version: give more digits")]
    Ambiguous(String),
}

impl History {
    /// Opens the history, making its folder where there is none.
    ///
    /// # Errors
    /// When the folder cannot be made.
    pub fn open(folder: PathBuf) -> Result<Self, HistoryError> {
        fs::create_dir_all(&folder).map_err(|source| HistoryError::Io { path: folder.clone(), source })?;
        Ok(Self { folder })
    }

    /// Keeps a version: first its files, then the line that says it came into force. Durable when it returns; it can be
    /// taken back.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub fn record(&self, version: &Version, files: &[PolicySource]) -> Result<Recorded, HistoryError> {
        let place = self.folder.join(version.digest.to_string());
        if !place.exists() {
            write_folder(&place, files).map_err(|source| HistoryError::Io { path: place, source })?;
        }
        let index = self.index();
        append_line(&index, version).map_err(|source| HistoryError::Io { path: index, source })
    }

    /// Takes the line back that was written last: that version did not come into force. It only cuts off, which works on a
    /// full disk too.
    ///
    /// # Errors
    /// When the file cannot be cut.
    pub fn take_back(&self, Recorded { before }: Recorded) -> Result<(), HistoryError> {
        let index = self.index();
        let cut = || {
            let file = fs::OpenOptions::new().write(true).open(&index)?;
            file.set_len(before)?;
            file.sync_data()
        };
        cut().map_err(|source| HistoryError::Io { path: index.clone(), source })
    }

    /// Notes who wants to put what in force, before its files lie where a start would load them. Durable when it returns.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn begin(&self, version: &Version) -> Result<(), HistoryError> {
        let begun = self.begun_file();
        let written = || {
            let mut file = fs::File::create(&begun)?;
            file.write_all(&serde_json::to_vec(version)?)?;
            file.sync_data()?;
            fs::File::open(&self.folder)?.sync_all()
        };
        written().map_err(|source| HistoryError::Io { path: begun.clone(), source })
    }

    /// Who wanted to put this policy in force when the daemon stopped in the middle. What is torn says nothing.
    pub fn begun(&self, digest: Digest) -> Option<Version> {
        let begun: Version = serde_json::from_slice(&fs::read(self.begun_file()).ok()?).ok()?;
        Some(begun).filter(|begun| begun.digest == digest)
    }

    /// It is in force, or is not to be.
    pub fn finish(&self) {
        if let Err(error) = fs::remove_file(self.begun_file())
            && error.kind() != io::ErrorKind::NotFound
        {
            // It says something of one policy only, and only where a start finds that to be new.
            tracing::warn!(%error, path = %self.begun_file().display(), "a note was not removed");
        }
    }

    /// Keeps what the files of a version say besides its rules: tests and comments may change without being another
    /// version.
    ///
    /// # Errors
    /// When they cannot be written.
    pub fn refresh(&self, digest: Digest, files: &[PolicySource]) -> Result<(), HistoryError> {
        let place = self.folder.join(digest.to_string());
        if super::read(&place).is_ok_and(|kept| kept == files) {
            return Ok(());
        }
        write_folder(&place, files).map_err(|source| HistoryError::Io { path: place, source })
    }

    /// Every version in the order in which they came into force. A line that a crash cut off, or that is damaged, is
    /// passed over.
    ///
    /// # Errors
    /// When the index cannot be read.
    pub fn versions(&self) -> Result<Vec<Version>, HistoryError> {
        let index = self.index();
        match fs::read(&index) {
            Ok(text) => Ok(text
                .split(|byte| *byte == b'\n')
                .filter_map(|line| serde_json::from_slice(line).ok())
                .collect()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
            Err(source) => Err(HistoryError::Io { path: index, source }),
        }
    }

    /// The version that came into force last, before a restart too.
    ///
    /// # Errors
    /// When the index cannot be read.
    pub fn last(&self) -> Result<Option<Version>, HistoryError> {
        Ok(self.versions()?.pop())
    }

    /// The latest version whose digest begins with `digits`, and its files.
    ///
    /// # Errors
    /// When there is none, or more than one, or it cannot be read.
    pub fn find(&self, digits: &str) -> Result<(Version, Vec<PolicySource>), HistoryError> {
        let versions = self.versions()?;
        let mut found =
            versions.into_iter().rev().filter(|version| version.digest.to_string().starts_with(digits));
        let version = found.next().ok_or_else(|| HistoryError::Unknown(digits.to_owned()))?;
        if found.any(|other| other.digest != version.digest) {
            return Err(HistoryError::Ambiguous(digits.to_owned()));
        }
        let place = self.folder.join(version.digest.to_string());
        let files = super::read(&place)
            .map_err(|error| HistoryError::Io { path: place, source: io::Error::other(error) })?;
        Ok((version, files))
    }

    fn index(&self) -> PathBuf {
        self.folder.join("index.jsonl")
    }

    fn begun_file(&self) -> PathBuf {
        self.folder.join("begun.json")
    }
}

fn append_line(index: &Path, version: &Version) -> io::Result<Recorded> {
    let mut file = fs::OpenOptions::new().create(true).append(true).open(index)?;
    let before = file.metadata()?.len();
    let mut line = serde_json::to_vec(version)?;
    line.push(b'\n');
    // A line that a crash cut off must not swallow this one.
    if before > 0 && !fs::read(index)?.ends_with(b"\n") {
        line.insert(0, b'\n');
    }
    if let Err(error) = file.write_all(&line).and_then(|()| file.sync_data()) {
        // Of what is told as not recorded no start may find that it was in force.
        if let Err(error) = file.set_len(before).and_then(|()| file.sync_data()) {
            tracing::error!(%error, path = %index.display(), "a version that was not recorded may be in the history");
        }
        return Err(error);
    }
    Ok(Recorded { before })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use oam_audit::entry::PolicyOrigin;
    use oam_policy::{Digest, file::PolicySource};

    use super::{History, HistoryError, Version};

    fn version(text: &str) -> (Version, Vec<PolicySource>) {
        let version = Version {
            digest: Digest::of(text.as_bytes()),
            at: "2026-01-02T03:04:05Z".parse().unwrap(),
            origin: PolicyOrigin::Apply,
            author: "uid 0".into(),
            reason: "because".into(),
            approved_by: Vec::new(),
            unapproved: false,
            approvals: 0,
        };
        (version, vec![PolicySource { name: "policy.toml".into(), text: text.into() }])
    }

    #[test]
    fn versions_are_found_by_the_beginning_of_their_digest() {
        let folder = tempfile::tempdir().unwrap();
        let history = History::open(folder.path().join("history")).unwrap();
        let (one, one_files) = version("one");
        let (two, two_files) = version("two");
        let _ = history.record(&one, &one_files).unwrap();
        let _ = history.record(&two, &two_files).unwrap();
        let _ = history.record(&one, &one_files).unwrap();
        assert_eq!(history.versions().unwrap(), [one.clone(), two, one.clone()]);
        assert_eq!(history.find(&one.digest.short()).unwrap().1, one_files);
        assert!(matches!(history.find("zz"), Err(HistoryError::Unknown(_))));
        assert!(matches!(history.find(""), Err(HistoryError::Ambiguous(_))));
    }

    #[test]
    fn a_line_cut_off_by_a_crash_loses_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let history = History::open(folder.path().to_owned()).unwrap();
        let (one, files) = version("one");
        let _ = history.record(&one, &files).unwrap();
        let index = folder.path().join("index.jsonl");
        let mut text = fs::read(&index).unwrap();
        text.extend_from_slice(b"{\"digest\":\"00");
        fs::write(&index, text).unwrap();
        let _ = history.record(&one, &files).unwrap();
        assert_eq!(history.versions().unwrap(), [one.clone(), one]);
    }

    #[test]
    fn what_is_taken_back_was_never_there() {
        let folder = tempfile::tempdir().unwrap();
        let history = History::open(folder.path().to_owned()).unwrap();
        let (one, files) = version("one");
        let recorded = history.record(&one, &files).unwrap();
        history.take_back(recorded).unwrap();
        assert_eq!(history.versions().unwrap(), []);
        let _ = history.record(&one, &files).unwrap();
        let (two, other_files) = version("two");
        let recorded = history.record(&two, &other_files).unwrap();
        history.take_back(recorded).unwrap();
        assert_eq!(history.versions().unwrap(), [one]);
    }

    #[test]
    fn a_version_of_before_there_were_approvals_is_read() {
        let (one, _) = version("one");
        let line = serde_json::to_string(&one).unwrap();
        assert!(!line.contains("approv"), "{line}");
        assert_eq!(serde_json::from_str::<Version>(&line).unwrap(), one);
    }

    #[test]
    fn other_comments_are_kept_and_are_no_other_version() {
        let folder = tempfile::tempdir().unwrap();
        let history = History::open(folder.path().to_owned()).unwrap();
        let (one, mut files) = version("one");
        let _ = history.record(&one, &files).unwrap();
        files[0].text = "# said better\none".into();
        history.refresh(one.digest, &files).unwrap();
        assert_eq!(history.find(&one.digest.to_string()).unwrap(), (one.clone(), files));
        assert_eq!(history.last().unwrap(), Some(one));
    }
}
