//! What of canaries outlives a restart: which repositories there are, and where one went in.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use jiff::Timestamp;
use oam_bitbucket::Branch;
use oam_policy::{ObjectId, RefName, Repository};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::state::{Outcome, Tried};
use crate::store::durable;

/// The file, where there is one, as it was written last.
#[derive(Debug, Default)]
pub(super) struct Kept {
    path: Option<PathBuf>,
    written: Written,
}

/// What stands in it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Written {
    /// Every repository that is known.
    known: BTreeSet<String>,
    /// Where a canary went in, and none was refused since.
    went_in: BTreeMap<String, WentIn>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WentIn {
    /// In seconds since 1970.
    at: i64,
    branch: String,
    detail: String,
    /// What the branch names, where it could not be deleted.
    left: Option<String>,
}

/// What it means: every repository, and where canaries went in.
type Read = (Vec<Repository>, Vec<(Repository, Tried)>);

/// Why it cannot be kept what came of canaries.
#[derive(Debug, Error)]
#[error("what came of canaries cannot be kept in `{path}`: {source}")]
pub struct CanaryError {
    path: PathBuf,
    source: io::Error,
}

impl Kept {
    /// Reads the file; one that is not understood is set aside, and told of.
    pub(super) fn open(path: &Path) -> Result<(Self, Option<String>), CanaryError> {
        let fault = |source| CanaryError { path: path.to_owned(), source };
        let text = match fs::read(path) {
            Ok(text) => Some(text),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(fault(error)),
        };
        let of = |written| Self { path: Some(path.to_owned()), written };
        let Some(text) = text else { return Ok((of(Written::default()), None)) };
        match serde_json::from_slice::<Written>(&text).ok().filter(|written| written.parsed().is_some()) {
            Some(written) => Ok((of(written), None)),
            None => {
                let aside = durable::set_aside(path).map_err(fault)?;
                let told = aside.map(|aside| {
                    format!(
                        "It is not known any more where canaries went in before: the damaged file is `{}`.",
                        aside.display()
                    )
                });
                Ok((of(Written::default()), told))
            }
        }
    }

    /// What stood in the file.
    pub(super) fn read(&self) -> Read {
        self.written.parsed().unwrap_or_default()
    }

    /// Writes the file, whole or not at all, where it is another one; durable when it returns.
    pub(super) fn write(&mut self, written: Written) -> Result<(), CanaryError> {
        let Some(path) = self.path.clone().filter(|_| written != self.written) else { return Ok(()) };
        written.write(&path).map_err(|source| CanaryError { path, source })?;
        self.written = written;
        Ok(())
    }
}

impl Written {
    pub(super) fn of<'a>(
        known: impl Iterator<Item = &'a Repository>,
        tried: impl Iterator<Item = (&'a Repository, &'a Tried)>,
    ) -> Self {
        let went_in = |(repository, tried): (&Repository, &Tried)| {
            let Outcome::Accepted { detail, left } = &tried.outcome else { return None };
            let went_in = WentIn {
                at: tried.at.as_second(),
                branch: String::from_utf8_lossy(tried.branch.as_bytes()).into_owned(),
                detail: detail.clone(),
                left: left.as_ref().map(|branch| branch.tip.to_string()),
            };
            Some((repository.to_string(), went_in))
        };
        Self { known: known.map(ToString::to_string).collect(), went_in: tried.filter_map(went_in).collect() }
    }

    /// As it is meant; `None` where something in it is nothing that we write.
    fn parsed(&self) -> Option<Read> {
        let repository = |text: &String| Repository::parse(text).ok();
        let known = self.known.iter().map(repository).collect::<Option<_>>()?;
        let went_in = self.went_in.iter().map(|(text, one)| Some((repository(text)?, one.tried()?)));
        Some((known, went_in.collect::<Option<_>>()?))
    }

    fn write(&self, path: &Path) -> io::Result<()> {
        let draft = path.with_extension("draft");
        let mut file = durable::create(&draft)?;
        file.write_all(&serde_json::to_vec(self)?)?;
        file.sync_all()?;
        fs::rename(&draft, path)?;
        durable::sync_parent(path)
    }
}

impl WentIn {
    fn tried(&self) -> Option<Tried> {
        let branch = RefName::parse(self.branch.as_bytes()).ok()?;
        let left = match &self.left {
            Some(tip) => {
                let tip = ObjectId::parse_hex(tip.as_bytes()).ok()?;
                Some(Branch { name: branch.clone(), tip })
            }
            None => None,
        };
        let outcome = Outcome::Accepted { detail: self.detail.clone(), left };
        Some(Tried { at: Timestamp::from_second(self.at).ok()?, branch, outcome })
    }
}
