//! The place where the policy's files are.

use std::{io, path::Path, sync::Arc, time::Duration};

use oam_fetch::files::{self, Look};
use oam_policy::file::PolicySource;
use tokio::time;

use super::{ApplyError, PolicyManager, ReadError, folder::read_still, written::write_folder};
use crate::{
    aside::{PATIENCE, Seen, aside, patiently},
    config::PolicyPlace,
};

/// The files, and how they looked.
type Read = Result<(Look, Vec<PolicySource>), ReadError>;

/// How the files at the policy's place are looked at and read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reading {
    pub(super) look: fn(&Path) -> Look,
    pub(super) read: fn(&Path) -> Read,
    /// How long they may be silent.
    pub(super) patience: Duration,
}

impl Default for Reading {
    fn default() -> Self {
        Self { look: files::look, read: read_still, patience: PATIENCE }
    }
}

impl PolicyManager {
    /// The files at the policy's place, and how they looked. Those that do not answer hold up nobody for long: changes come one
    /// at a time.
    pub(super) async fn read_place(&self) -> Read {
        let (place, Reading { read, patience, .. }) = (self.place.path().to_owned(), self.reading);
        match time::timeout(patience, aside(move || read(&place))).await {
            Ok(Ok(files)) => files,
            Ok(Err(_)) | Err(_) => Err(self.silent()),
        }
    }

    /// What is told while the files do not answer.
    pub(super) fn silent(&self) -> ReadError {
        ReadError::Silent(self.place.path().to_owned())
    }

    /// What the files at the policy's place look like from outside. That they do not answer is told as long as it lasts.
    pub(super) async fn look(&self) -> Seen<Look> {
        let (place, Reading { look, patience, .. }) = (self.place.path().to_owned(), self.reading);
        let late = || {
            let error = self.silent();
            tracing::error!(%error, "whether the policy has changed cannot be seen; the one in force stays");
            self.trouble.store(Some(Arc::new(error.to_string())));
        };
        patiently(aside(move || look(&place)), patience, late).await
    }

    /// Where the files do not answer, nothing is written: nobody knows what would be replaced, and whoever writes would hang, too.
    pub(super) async fn must_answer(&self) -> Result<(), ReadError> {
        match self.read_place().await {
            Err(error @ ReadError::Silent(_)) => Err(error),
            _ => Ok(()),
        }
    }

    /// Does nothing where the policy is the administrator's own.
    pub(super) fn write_managed(&self, files: &[PolicySource]) -> Result<(), ApplyError> {
        let PolicyPlace::Managed(path) = &self.place else { return Ok(()) };
        write_folder(path, files).map_err(|source| self.not_written(source))
    }

    pub(super) fn not_written(&self, source: io::Error) -> ApplyError {
        ApplyError::Write { path: self.place.path().to_owned(), source }
    }
}
