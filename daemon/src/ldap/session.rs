//! One connection, from the first word to the last.

use std::{
    fs,
    path::Path,
    time::{Duration, SystemTime},
};

use jiff::Timestamp;
use oam_ldap::{
    Filter, Message, Replica,
    message::Response,
    replica::Touched,
    request::{Scope, Search},
};
use tokio::time::{self, Instant, MissedTickBehavior};

use super::{
    Ended, LdapError,
    connection::{ANSWER, Connection},
    dirsync, load, mapped,
    memory::Memory,
    notified::{Notified, look_up},
    refresh::{Refresh, Told},
};
use crate::{
    config::{Flavour, LdapConfig},
    follow::{self, Of},
    source::{Provisioned, Request, Source, Sources},
};

/// How often it is made sure that the server is there.
const PROBE: Duration = Duration::from_secs(2);

/// Everything that a session works with.
struct Session<'a> {
    sources: &'a Sources,
    source: &'a Source,
    config: &'a LdapConfig,
    memory: &'a mut Memory,
    connection: Connection,
    files: [Option<SystemTime>; 2],
}

/// How the server tells of changes.
enum Following {
    Refresh(Box<Refresh>),
    Notified(Notified),
}

/// Reads everything, and follows what changes until something ends it.
pub(super) async fn run(
    sources: &Sources,
    source: &Source,
    config: &LdapConfig,
    memory: &mut Memory,
    request: Option<&Request>,
) -> Result<Ended, LdapError> {
    let files = changed(config);
    let connection = Connection::open(config).await?;
    source.feed().tell(|status| status.server = Some(connection.server().to_owned()));
    let mut session = Session { sources, source, config, memory, connection, files };
    let ended = match config.flavour {
        Flavour::Plain => {
            session.load(request).await?;
            session.connection.close().await;
            return Ok(wait_for_more(source, config, &files).await);
        }
        Flavour::ActiveDirectory => {
            // First, so that whatever changes while everything is read is told.
            let notified = Notified::begin(&mut session.connection, config).await?;
            session.catch_up(request).await?;
            session.follow(Following::Notified(notified)).await?
        }
        Flavour::Openldap => {
            let refresh = session.refresh(request).await?;
            session.follow(Following::Refresh(Box::new(refresh))).await?
        }
    };
    session.connection.close().await;
    Ok(ended)
}

/// Waits for when a server that tells nothing by itself is to be read again.
async fn wait_for_more(source: &Source, config: &LdapConfig, files: &[Option<SystemTime>; 2]) -> Ended {
    let mut look = time::interval(PROBE);
    let again = time::sleep(config.resync);
    tokio::pin!(again);
    loop {
        tokio::select! {
            () = &mut again => return Ended::Again,
            () = source.feed().asked() => return Ended::Again,
            _ = look.tick() => {
                if changed(config) != *files {
                    return Ended::Renewed;
                }
            }
        }
    }
}

impl Session<'_> {
    /// Reads everything page by page.
    async fn load(&mut self, request: Option<&Request>) -> Result<(), LdapError> {
        let mut all = load::everything(&mut self.connection, self.config).await?;
        let unread = {
            let roster = self.source.roster();
            let known = roster.provisioned();
            let id_of = |username: &str| known?.user_called(username)?.id.parse().ok();
            let ids = known.into_iter().flat_map(Provisioned::users).filter_map(|user| user.id.parse().ok());
            all.settle(id_of, ids)?
        };
        commit(self.sources, self.source, self.config, &all.replica, Of::All(request)).await?;
        self.memory.replica = all.replica;
        self.source.feed().tell(|status| status.unread = unread);
        self.loaded();
        Ok(())
    }

    /// Reads what changed in a domain since it was last heard, or everything.
    async fn catch_up(&mut self, request: Option<&Request>) -> Result<(), LdapError> {
        let is_resumed = self.memory.resume(self.source, self.config);
        if request.is_none() && !self.is_due() && self.changes(is_resumed).await? {
            return Ok(());
        }
        // First, so that whatever changes while everything is read is told again.
        let domain = match dirsync::now(&mut self.connection, self.config).await {
            Ok(domain) => Ok(domain),
            Err(error) if dirsync::is_no_answer(&error) => Err(error),
            Err(error) => return Err(error),
        };
        self.load(request).await?;
        let why = domain.as_ref().err().map(|error| {
            format!(
                "{error}. After each time when the server was not heard all of it is read again. Give the bind account the \
                 right `Replicating Directory Changes` on the domain"
            )
        });
        self.source.feed().tell(|status| status.reads_all = why);
        self.memory.domain = domain.ok();
        self.memory.keep(self.source, self.config);
        self.noted();
        Ok(())
    }

    /// Reads what changed in a domain since it was last heard; false when that is not told, and everything is to be read.
    async fn changes(&mut self, is_resumed: bool) -> Result<bool, LdapError> {
        let Some(domain) = self.memory.domain.take() else { return Ok(false) };
        let changes = match dirsync::since(&mut self.connection, self.config, &domain).await {
            Ok(changes) => changes,
            Err(error) if dirsync::is_no_answer(&error) => {
                tracing::warn!(%error, source = %self.source.name(), "everything is read again");
                return Ok(false);
            }
            Err(error) => {
                // It was not the server that did not want to go on from there.
                self.memory.domain = Some(domain);
                return Err(error);
            }
        };
        let mut touched = Touched::default();
        for id in changes.ids {
            look_up(id, &mut self.connection, self.config, &mut self.memory.replica, &mut touched).await?;
        }
        let touched = mapped::touched(&touched);
        // What the source says may be newer than what was kept.
        let of = if is_resumed { Of::All(None) } else { Of::Refreshed(&touched) };
        commit(self.sources, self.source, self.config, &self.memory.replica, of).await?;
        self.memory.domain = Some(changes.cookie);
        self.memory.keep(self.source, self.config);
        let loaded = self.memory.loaded;
        self.source.feed().tell(|status| {
            (status.trouble, status.held, status.reads_all) = (None, None, None);
            status.last_load = loaded;
        });
        self.noted();
        Ok(true)
    }

    /// Whether everything is to be read again.
    fn is_due(&self) -> bool {
        self.memory.age().is_none_or(|age| age >= self.config.resync)
    }

    /// Has everything told, or what is different since the last connection.
    async fn refresh(&mut self, request: Option<&Request>) -> Result<Refresh, LdapError> {
        let is_whole = self.is_due() || request.is_some() || !self.memory.cookies.are_known();
        if is_whole {
            *self.memory = Memory::lost();
        }
        let mut refresh = Refresh::begin(&mut self.connection, self.config, &self.memory.cookies).await?;
        let mut touched = Touched::default();
        let replica = &mut self.memory.replica;
        while !refresh.is_done() {
            let message = time::timeout(ANSWER, self.connection.receive()).await;
            let message = message.map_err(|_| LdapError::Silent(ANSWER))??;
            refresh.take(message, self.config, replica, &mut touched)?;
        }
        let touched = mapped::touched(&touched);
        let of = if is_whole { Of::All(request) } else { Of::Refreshed(&touched) };
        commit(self.sources, self.source, self.config, &self.memory.replica, of).await?;
        refresh.note(&mut self.memory.cookies);
        if is_whole {
            self.loaded();
        } else {
            self.source.feed().tell(|status| (status.trouble, status.held) = (None, None));
        }
        self.noted();
        Ok(refresh)
    }

    fn loaded(&mut self) {
        let now = Some(Timestamp::now());
        self.memory.loaded = now;
        self.source.feed().tell(|status| {
            status.last_load = now;
            (status.trouble, status.held) = (None, None);
        });
        self.noted();
    }

    /// Tells what stands in the status of what is known now.
    fn noted(&self) {
        let names = self.memory.replica.shared_names().into_iter().map(str::to_owned).collect();
        let goes_on = self.memory.cookies.are_known() || self.memory.domain.is_some();
        let cookie = goes_on.then(Timestamp::now);
        self.source.feed().tell(|status| (status.shared_names, status.cookie) = (names, cookie));
    }

    /// Takes whatever changes.
    async fn follow(&mut self, mut following: Following) -> Result<Ended, LdapError> {
        let left = self.config.resync.saturating_sub(self.memory.age().unwrap_or_default());
        let again = time::sleep(left);
        tokio::pin!(again);
        let mut probe = time::interval(PROBE);
        probe.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut probed: Option<(i32, Instant)> = None;
        loop {
            tokio::select! {
                message = self.connection.receive() => {
                    let message = message?;
                    if probed.is_some_and(|(id, _)| id == message.id) {
                        if let Response::Done(_) = message.response {
                            probed = None;
                            self.source.heard();
                        }
                        continue;
                    }
                    self.take(message, &mut following).await?;
                }
                _ = probe.tick() => {
                    if changed(self.config) != self.files {
                        return Ok(Ended::Renewed);
                    }
                    match probed {
                        Some((_, since)) if since.elapsed() >= ANSWER => return Err(LdapError::Silent(ANSWER)),
                        Some(_) => {}
                        None => probed = Some((self.probe().await?, Instant::now())),
                    }
                }
                () = &mut again => return Ok(Ended::Again),
                () = self.source.feed().asked() => return Ok(Ended::Again),
            }
        }
    }

    async fn take(&mut self, message: Message, following: &mut Following) -> Result<(), LdapError> {
        let mut touched = Touched::default();
        let Memory { replica, cookies, .. } = &mut *self.memory;
        match following {
            Following::Refresh(refresh) => {
                if refresh.take(message, self.config, replica, &mut touched)? == Told::Change {
                    let touched = mapped::touched(&touched);
                    commit(self.sources, self.source, self.config, replica, Of::Changed(&touched)).await?;
                } else {
                    refresh.note(cookies);
                    return Ok(());
                }
                refresh.note(cookies);
            }
            Following::Notified(notified) => {
                let is_other =
                    notified.take(message, &mut self.connection, self.config, replica, &mut touched).await?;
                if !is_other {
                    return Ok(());
                }
                let touched = mapped::touched(&touched);
                commit(self.sources, self.source, self.config, replica, Of::Changed(&touched)).await?;
            }
        }
        self.source.feed().tell(|status| status.last_event = Some(Timestamp::now()));
        self.memory.keep_sometimes(self.source, self.config);
        self.noted();
        Ok(())
    }

    /// Asks for nothing but an answer.
    async fn probe(&mut self) -> Result<i32, LdapError> {
        // RFC 4511, 4.5.1.8: no attributes at all.
        let attributes = ["1.1".to_owned()];
        let filter = Filter::everything();
        let search = Search { base: "", scope: Scope::Base, filter: &filter, attributes: &attributes };
        self.connection.begin(&search, &[]).await
    }
}

/// Makes what the source says that which the server has.
async fn commit(
    sources: &Sources,
    source: &Source,
    config: &LdapConfig,
    replica: &Replica,
    of: Of<'_>,
) -> Result<(), LdapError> {
    follow::commit(sources, source, config.max_loss, replica, of).await?;
    source.heard();
    Ok(())
}

/// When the files were changed that a connection rests on.
fn changed(config: &LdapConfig) -> [Option<SystemTime>; 2] {
    let changed = |path: &Path| fs::metadata(path).and_then(|metadata| metadata.modified()).ok();
    [changed(&config.password_file), changed(&config.ca)]
}
