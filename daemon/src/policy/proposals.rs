//! Policies that wait for the approval of others, kept over a restart: a list, and the files of each by digest.

use std::{
    fs,
    io::{self, Write as _},
    path::{Path, PathBuf},
    sync::Arc,
};

use arc_swap::ArcSwap;
use jiff::Timestamp;
use oam_audit::entry::PolicyOrigin;
use oam_policy::{Digest, file::PolicySource};
use serde::{Deserialize, Serialize};

use super::{HistoryError, ProposalError, written::write_folder};

/// How many may wait at once.
pub(super) const MOST: usize = 64;

/// A policy that waits for the approval of others.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proposal {
    /// The policy.
    pub digest: Digest,
    /// The policy in force that it is to replace; `None`: there was none.
    pub replaces: Option<Digest>,
    /// When it was proposed.
    pub at: Timestamp,
    /// By which way.
    pub origin: PolicyOrigin,
    /// By whom.
    pub author: String,
    /// Why, in the author's words.
    pub reason: String,
    /// Who approved it so far.
    pub approvals: Vec<Approval>,
}

/// That somebody wants a proposed policy as well.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approval {
    /// Who.
    pub by: String,
    /// When.
    pub at: Timestamp,
    /// Why, in their words.
    pub reason: String,
}

impl Proposal {
    /// Who approved it so far.
    pub fn approved_by(&self) -> Vec<String> {
        self.approvals.iter().map(|approval| approval.by.clone()).collect()
    }

    /// How many approvals are missing.
    pub fn missing(&self, needed: u8) -> usize {
        usize::from(needed).saturating_sub(self.approvals.len())
    }
}

/// The folder of proposals. Readers see the list without a lock; changes are made one at a time.
#[derive(Debug)]
pub(super) struct Proposals {
    folder: PathBuf,
    open: ArcSwap<Vec<Proposal>>,
}

impl Proposals {
    /// Opens the folder, making it where there is none. A list that cannot be understood is set aside: what it held must
    /// be proposed again.
    ///
    /// # Errors
    /// When the folder cannot be made or read.
    pub(super) fn open(folder: PathBuf) -> Result<Self, HistoryError> {
        fs::create_dir_all(&folder).map_err(|source| HistoryError::Io { path: folder.clone(), source })?;
        let list = list_of(&folder);
        let open = read_list(&list).map_err(|source| HistoryError::Io { path: list, source })?;
        Ok(Self { folder, open: ArcSwap::from_pointee(open) })
    }

    /// All that wait, the oldest first.
    pub(super) fn all(&self) -> Arc<Vec<Proposal>> {
        self.open.load_full()
    }

    /// The one of this policy.
    pub(super) fn get(&self, digest: Digest) -> Option<Proposal> {
        self.all().iter().find(|proposal| proposal.digest == digest).cloned()
    }

    /// The one whose digest begins with `digits`.
    ///
    /// # Errors
    /// When there is none, or more than one.
    pub(super) fn find(&self, digits: &str) -> Result<Proposal, ProposalError> {
        let all = self.all();
        let mut found = all.iter().filter(|proposal| proposal.digest.to_string().starts_with(digits));
        let proposal = found.next().ok_or_else(|| ProposalError::Unknown(digits.to_owned()))?;
        match found.next() {
            None => Ok(proposal.clone()),
            Some(_) => Err(ProposalError::Ambiguous(digits.to_owned())),
        }
    }

    /// The files of a proposal.
    ///
    /// # Errors
    /// When they cannot be read.
    pub(super) fn files(&self, digest: Digest) -> Result<Vec<PolicySource>, HistoryError> {
        let place = self.files_of(digest);
        super::read(&place).map_err(|error| HistoryError::Io { path: place, source: io::Error::other(error) })
    }

    /// Keeps a new proposal: first its files, then the list. Durable when it returns.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub(super) fn add(&self, proposal: Proposal, files: &[PolicySource]) -> Result<(), HistoryError> {
        let place = self.files_of(proposal.digest);
        write_folder(&place, files).map_err(|source| HistoryError::Io { path: place, source })?;
        let mut list = self.all().to_vec();
        list.push(proposal);
        self.keep(list)
    }

    /// Keeps what has changed about a proposal. Durable when it returns.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub(super) fn update(&self, changed: &Proposal) -> Result<(), HistoryError> {
        let same = |proposal: &Proposal| proposal.digest == changed.digest;
        let list =
            self.all().iter().map(|old| if same(old) { changed.clone() } else { old.clone() }).collect();
        self.keep(list)
    }

    /// Forgets a proposal. Durable when it returns.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub(super) fn remove(&self, digest: Digest) -> Result<(), HistoryError> {
        self.keep(self.all().iter().filter(|proposal| proposal.digest != digest).cloned().collect())?;
        // Files that no proposal names mean nothing; a later proposal of the same policy replaces them.
        let _ = fs::remove_dir_all(self.files_of(digest));
        Ok(())
    }

    fn keep(&self, list: Vec<Proposal>) -> Result<(), HistoryError> {
        let path = list_of(&self.folder);
        write_list(&self.folder, &list).map_err(|source| HistoryError::Io { path, source })?;
        self.open.store(Arc::new(list));
        Ok(())
    }

    fn files_of(&self, digest: Digest) -> PathBuf {
        self.folder.join(digest.to_string())
    }
}

fn list_of(folder: &Path) -> PathBuf {
    folder.join("proposals.json")
}

fn read_list(list: &Path) -> io::Result<Vec<Proposal>> {
    let bytes = match fs::read(list) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        read => read?,
    };
    match serde_json::from_slice(&bytes) {
        Ok(open) => Ok(open),
        Err(error) => {
            let aside = list.with_extension(format!("set-aside-{}", Timestamp::now().as_millisecond()));
            tracing::error!(%error, aside = %aside.display(), "the list of proposed policies is damaged: propose them again");
            fs::rename(list, aside)?;
            Ok(Vec::new())
        }
    }
}

fn write_list(folder: &Path, list: &[Proposal]) -> io::Result<()> {
    let draft = folder.join("proposals.json.draft");
    let mut file = fs::File::create(&draft)?;
    file.write_all(&serde_json::to_vec_pretty(list)?)?;
    file.sync_all()?;
    fs::rename(&draft, list_of(folder))?;
    fs::File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use oam_audit::entry::PolicyOrigin;
    use oam_policy::{Digest, file::PolicySource};

    use super::{Approval, Proposal, ProposalError, Proposals};

    fn proposal(text: &str) -> (Proposal, Vec<PolicySource>) {
        let proposal = Proposal {
            digest: Digest::of(text.as_bytes()),
            replaces: None,
            at: "2026-01-02T03:04:05Z".parse().unwrap(),
            origin: PolicyOrigin::Apply,
            author: "uid 1".into(),
            reason: "because".into(),
            approvals: Vec::new(),
        };
        (proposal, vec![PolicySource { name: "policy.toml".into(), text: text.into() }])
    }

    #[test]
    fn what_waits_is_there_after_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        let proposals = Proposals::open(folder.path().join("p")).unwrap();
        let ((mut one, files), (two, other_files)) = (proposal("one"), proposal("two"));
        proposals.add(one.clone(), &files).unwrap();
        proposals.add(two.clone(), &other_files).unwrap();
        one.approvals.push(Approval { by: "uid 2".into(), at: one.at, reason: "seen".into() });
        proposals.update(&one).unwrap();
        let again = Proposals::open(folder.path().join("p")).unwrap();
        assert_eq!(*again.all(), [one.clone(), two.clone()]);
        assert_eq!(again.files(one.digest).unwrap(), files);
        assert_eq!(again.find(&two.digest.short()).unwrap(), two);
        assert!(matches!(again.find(""), Err(ProposalError::Ambiguous(_))));
        again.remove(two.digest).unwrap();
        assert!(matches!(again.find(&two.digest.short()), Err(ProposalError::Unknown(_))));
        assert_eq!(*Proposals::open(folder.path().join("p")).unwrap().all(), [one]);
    }

    #[test]
    fn a_damaged_list_is_set_aside_and_approves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let proposals = Proposals::open(folder.path().to_owned()).unwrap();
        let (one, files) = proposal("one");
        proposals.add(one, &files).unwrap();
        fs::write(folder.path().join("proposals.json"), b"[{\"digest\":\xff").unwrap();
        assert!(Proposals::open(folder.path().to_owned()).unwrap().all().is_empty());
        let aside = fs::read_dir(folder.path())
            .unwrap()
            .filter(|entry| entry.as_ref().unwrap().file_name().to_string_lossy().contains("set-aside"));
        assert_eq!(aside.count(), 1);
    }
}
