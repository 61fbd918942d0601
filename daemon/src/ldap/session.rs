//! One connection, from the first word to the last.

mod following;

use std::{
    fs,
    path::Path,
    time::{Duration, SystemTime},
};

use jiff::Timestamp;
use oam_ldap::{Replica, replica::Touched};
use tokio::time;

use super::{
    Ended, LdapError,
    connection::{ANSWER, Connection},
    dirsync, load,
    looked_up::{MANY, look_up},
    mapped,
    memory::Memory,
    notified::Notified,
    refresh::Refresh,
};
use crate::{
    config::{Flavour, LdapConfig},
    follow::{self, CommitFault, Of, Picture},
    source::{Provisioned, Request, Source, Sources},
};
use following::Following;

/// How often it is made sure that the server is there.
const PROBE: Duration = Duration::from_secs(2);
/// How soon everything is read again, where what was read was not taken.
const HELD: Duration = Duration::from_secs(10 * 60);

/// Everything that a session works with.
struct Session<'a> {
    sources: &'a Sources,
    source: &'a Source,
    config: &'a LdapConfig,
    memory: &'a mut Memory,
    connection: Connection,
    files: [Option<SystemTime>; 2],
}

/// Reads everything, and follows what changes until something ends it.
pub(super) async fn run(
    sources: &Sources,
    source: &Source,
    config: &LdapConfig,
    memory: &mut Memory,
    request: &mut Option<Request>,
) -> Result<Ended, LdapError> {
    let files = changed(config);
    let connection = Connection::open(config).await?;
    source.feed().tell(|status| status.server = Some(connection.server().to_owned()));
    let mut session = Session { sources, source, config, memory, connection, files };
    let ended = match config.flavour {
        Flavour::Plain => {
            session.load(request, None).await?;
            let again = session.again();
            session.connection.close().await;
            return Ok(wait_for_more(source, config, again, &files).await);
        }
        Flavour::ActiveDirectory => {
            // First, so that whatever changes while everything is read is told.
            let notified = Notified::begin(&mut session.connection, config).await?;
            session.catch_up(request, &notified).await?;
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
async fn wait_for_more(
    source: &Source,
    config: &LdapConfig,
    again: Duration,
    files: &[Option<SystemTime>; 2],
) -> Ended {
    let mut look = time::interval(PROBE);
    let again = time::sleep(again);
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
    async fn load(
        &mut self,
        request: &mut Option<Request>,
        notified: Option<&Notified>,
    ) -> Result<(), LdapError> {
        let mut all = load::everything(&mut self.connection, self.config, notified).await?;
        let unread = {
            let roster = self.source.roster();
            let known = roster.provisioned();
            let id_of = |username: &str| known?.user_called(username)?.id.parse().ok();
            let ids = known.into_iter().flat_map(Provisioned::users).filter_map(|user| user.id.parse().ok());
            all.settle(id_of, ids)?
        };
        self.memory.replica = all.replica;
        self.source.feed().tell(|status| status.unread = unread);
        self.take_all(Of::All(request.as_ref())).await?;
        *request = None;
        Ok(())
    }

    /// Reads what changed in a domain since it was last heard, or everything.
    async fn catch_up(
        &mut self,
        request: &mut Option<Request>,
        notified: &Notified,
    ) -> Result<(), LdapError> {
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
        self.load(request, Some(notified)).await?;
        let why = domain.as_ref().err().map(|error| {
            format!(
                "{error}. After each time when the server was not heard all of it is read again. Give the bind account the \
                 right `Replicating Directory Changes` on the domain"
            )
        });
        self.source.feed().tell(|status| status.reads_all = why);
        self.memory.domain = domain.ok().filter(|_| !self.memory.is_held);
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
        let replica = &mut self.memory.replica;
        match look_up(changes.ids, MANY, &mut self.connection, self.config, replica, &mut touched).await {
            Err(LdapError::AllAgain) => return Ok(false),
            looked_up => looked_up?,
        }
        let touched = mapped::touched(&touched);
        // What the source says may be newer than what was kept.
        let of = if is_resumed { Of::All(None) } else { Of::Refreshed(&touched) };
        let loaded = self.memory.loaded;
        self.take_all(of).await?;
        if !self.memory.is_held {
            (self.memory.domain, self.memory.loaded) = (Some(changes.cookie), loaded);
            self.memory.keep(self.source, self.config);
            self.source.feed().tell(|status| (status.reads_all, status.last_load) = (None, loaded));
        }
        self.noted();
        Ok(true)
    }

    /// Whether everything is to be read again.
    fn is_due(&self) -> bool {
        self.memory.age().is_none_or(|age| age >= self.config.resync)
    }

    /// Has everything told, or what is different since the last connection.
    async fn refresh(&mut self, request: &mut Option<Request>) -> Result<Refresh, LdapError> {
        let is_whole = self.is_due() || request.is_some() || !self.memory.cookies.are_known();
        if is_whole {
            self.memory.lose();
        }
        let mut refresh = Refresh::begin(&mut self.connection, self.config, &self.memory.cookies).await?;
        let mut touched = Touched::default();
        let replica = &mut self.memory.replica;
        while !refresh.is_done() {
            let message = time::timeout(ANSWER, self.connection.receive()).await;
            let message = message.map_err(|_| LdapError::Silent(ANSWER))??;
            refresh.take(message, self.config, replica, &mut touched)?;
        }
        if !is_whole {
            self.look_up_taken(&mut touched).await?;
        }
        let touched = mapped::touched(&touched);
        let of = if is_whole { Of::All(request.as_ref()) } else { Of::Refreshed(&touched) };
        self.take_all(of).await?;
        *request = None;
        if !self.memory.is_held {
            refresh.note(&mut self.memory.cookies);
        }
        self.noted();
        Ok(refresh)
    }

    /// Makes what the source says that which the server has. Where that is not taken without somebody's word, whoever is cut off
    /// there is so here, unless they are many, and so is whoever is cut off there from then on, until all is read again.
    async fn take_all(&mut self, of: Of<'_>) -> Result<(), LdapError> {
        let is_whole = matches!(of, Of::All(_));
        let taken = commit(self.sources, self.source, self.config, &self.memory.replica, of).await;
        let why = match taken {
            Err(LdapError::Commit(CommitFault::Held(why))) => why,
            taken => {
                taken?;
                self.memory.is_held = false;
                let now = Some(Timestamp::now());
                if is_whole {
                    self.memory.loaded = now;
                }
                self.source.feed().tell(|status| {
                    (status.trouble, status.held) = (None, None);
                    status.last_load = if is_whole { now } else { status.last_load };
                });
                self.noted();
                return Ok(());
            }
        };
        let there = self.memory.replica.user_ids().map(|id| id.to_string().into());
        // Whoever is not there any more is cut off, too.
        let known: Vec<Box<str>> = self
            .source
            .roster()
            .provisioned()
            .map(|known| known.users().map(|user| user.id.clone()).collect())
            .unwrap_or_default();
        let users = there.chain(known).collect();
        let all = follow::Touched { users, ..follow::Touched::default() };
        let cut = cut_off(self.source, &self.memory.replica, all);
        let many = follow::held_cut(self.source, cut.users.len(), self.config.max_loss);
        let why = many.as_ref().map_or_else(|| why.clone(), |many| format!("{why}; {many}"));
        tracing::warn!(source = %self.source.name(), "what the server has was not taken: {why}");
        // Whoever reads on after the connection is lost reads everything.
        (self.memory.is_held, self.memory.loaded) = (true, None);
        self.source.feed().tell(|status| (status.trouble, status.held) = (None, Some(why)));
        if many.is_some() { Ok(()) } else { self.take_changes(cut).await }
    }

    /// Takes what changed; of what was not taken as a whole, who is cut off.
    async fn take_changes(&mut self, touched: follow::Touched) -> Result<(), LdapError> {
        let replica = &self.memory.replica;
        if self.memory.is_held {
            let touched = cut_off(self.source, replica, touched);
            if !touched.users.is_empty() {
                follow::commit(
                    self.sources,
                    self.source,
                    self.config.max_loss,
                    replica,
                    Of::Changed(&touched),
                )
                .await?;
            }
            return Ok(());
        }
        commit(self.sources, self.source, self.config, replica, Of::Changed(&touched)).await
    }

    /// How long it is until everything is read again.
    fn again(&self) -> Duration {
        let resync = self.config.resync;
        match self.memory.is_held {
            true => HELD.min(resync),
            false => resync.saturating_sub(self.memory.age().unwrap_or_default()),
        }
    }

    /// Tells what stands in the status of what is known now.
    fn noted(&self) {
        let names = self.memory.replica.shared_names().into_iter().map(str::to_owned).collect();
        let goes_on = self.memory.cookies.are_known() || self.memory.domain.is_some();
        let cookie = goes_on.then(Timestamp::now);
        self.source.feed().tell(|status| (status.shared_names, status.cookie) = (names, cookie));
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

/// Of those who are touched, the users that are known as active here and are not so there.
fn cut_off(source: &Source, replica: &Replica, touched: follow::Touched) -> follow::Touched {
    let (roster, now) = (source.roster(), Timestamp::now());
    let is_active =
        |id: &str| roster.provisioned().and_then(|known| known.user(id)).is_some_and(|user| user.is_active());
    let may_act = |id: &str| {
        let document = Picture::user(replica, id, now);
        document.is_some_and(|document| document.get("active") == Some(&true.into()))
    };
    let users = touched.users.into_iter().filter(|id| is_active(id) && !may_act(id)).collect();
    follow::Touched { users, ..follow::Touched::default() }
}

/// When the files were changed that a connection rests on.
fn changed(config: &LdapConfig) -> [Option<SystemTime>; 2] {
    let changed = |path: &Path| fs::metadata(path).and_then(|metadata| metadata.modified()).ok();
    [changed(&config.password_file), changed(&config.ca)]
}
