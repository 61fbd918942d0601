use std::sync::Arc;

use oam_policy::{Snapshot, Username, snapshot::Amendment};
use tokio::{
    sync::{mpsc, oneshot},
    task::spawn_blocking,
};

use super::{
    By, ChangeError, Changed, DirectoryReader,
    worker::{Answer, Command, Step},
};
use crate::store::Loaded;

/// The way to change the directory. Clones share the one writer.
#[derive(Debug, Clone)]
pub struct DirectoryWriter {
    queue: mpsc::Sender<Command>,
    reader: DirectoryReader,
}

impl DirectoryWriter {
    pub(super) fn new(queue: mpsc::Sender<Command>, reader: DirectoryReader) -> Self {
        Self { queue, reader }
    }

    /// Puts what sources delivered in force. Revocations stay. A directory that is the same as before is only confirmed.
    ///
    /// # Errors
    /// When it cannot be recorded and stored; then nothing changes.
    pub async fn deliver(&self, delivered: Snapshot, by: By) -> Result<Changed, ChangeError> {
        self.ask(Step::Deliver(Box::new(delivered)), by).await
    }

    /// [`Self::deliver`] for tests, which have a list.
    #[cfg(test)]
    pub(crate) async fn import(
        &self,
        directory: oam_policy::snapshot::Directory,
        as_of: jiff::Timestamp,
        by: By,
    ) -> Result<Changed, ChangeError> {
        self.deliver(Snapshot::of_directory(0, as_of, &directory, Default::default())?, by).await
    }

    /// Puts in force what sources told of single people; `subject` is the one whom it is about, if it is one. What only
    /// takes is in force when it returns, also with [`ChangeError::InForceBut`].
    ///
    /// # Errors
    /// When there is no directory yet, or it cannot be recorded and stored; then nothing changes, unless it only takes.
    pub async fn amend(
        &self,
        amendment: Amendment,
        subject: Option<Username>,
        by: By,
    ) -> Result<Changed, ChangeError> {
        self.ask(Step::Amend { amendment, subject }, by).await
    }

    /// Goes back to the directory of an older generation. Revocations stay, and whoever was deactivated or removed
    /// since is kept cut off, unless `reactivate` is set.
    ///
    /// # Errors
    /// When that generation is not kept, or it cannot be recorded and stored; then nothing changes.
    pub async fn roll_back(&self, generation: u64, reactivate: bool, by: By) -> Result<Changed, ChangeError> {
        let target = self.load(generation).await?;
        self.roll_back_to(target, reactivate, by).await
    }

    /// [`Self::roll_back`] to a directory that was made of an older one.
    ///
    /// # Errors
    /// When it cannot be recorded and stored; then nothing changes.
    pub async fn roll_back_to(
        &self,
        target: Arc<Loaded>,
        reactivate: bool,
        by: By,
    ) -> Result<Changed, ChangeError> {
        self.ask(Step::RollBack { target, reactivate }, by).await
    }

    /// Cuts a user off. In force when it returns, also with [`ChangeError::InForceBut`].
    ///
    /// # Errors
    /// When the directory does not know the user, unless `even_if_unknown`; when there is no directory at all; or
    /// when it is in force, but not yet recorded or stored.
    pub async fn deactivate(
        &self,
        user: Username,
        even_if_unknown: bool,
        by: By,
    ) -> Result<Changed, ChangeError> {
        self.ask(Step::Deactivate { user, even_if_unknown }, by).await
    }

    /// Lifts a revocation. Whoever is inactive at their source stays so.
    ///
    /// # Errors
    /// When nobody knows the user, or it cannot be recorded and stored; then nothing changes.
    pub async fn reactivate(&self, user: Username, by: By) -> Result<Changed, ChangeError> {
        self.ask(Step::Reactivate(user), by).await
    }

    /// Reads an older generation.
    ///
    /// # Errors
    /// When it is not kept, or damaged.
    pub async fn load(&self, generation: u64) -> Result<Arc<Loaded>, ChangeError> {
        let reader = self.reader.clone();
        let load = spawn_blocking(move || reader.load(generation)).await;
        Ok(load.map_err(|_| ChangeError::Ending)??)
    }

    async fn ask(&self, step: Step, by: By) -> Result<Changed, ChangeError> {
        let (answer, answered): (Answer, _) = oneshot::channel();
        self.queue.send(Command { step, by, answer }).await.map_err(|_| ChangeError::Ending)?;
        answered.await.map_err(|_| ChangeError::Ending)?
    }
}
