//! Puts the parts together, runs them until a signal, and takes them apart in order.

mod listeners;

use std::{
    fs, io,
    os::unix::fs::DirBuilderExt as _,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use jiff::Timestamp;
use oam_audit::{
    Name, NameError,
    entry::{DaemonStarted, EncodeError, Event, LogRepaired, PeopleKept, SnapshotCause, SnapshotChanged},
};
use thiserror::Error;
use tokio::{
    runtime::Handle,
    signal::unix::{SignalKind, signal},
    sync::Notify,
    time,
};
use tokio_util::sync::CancellationToken;

use crate::{
    audit_log::{
        self, AppendError, AuditLog, OpenError, OpenReport, ReadError, RotateError,
        people::{self, OpenPeople, PeopleError},
    },
    canary::{Canaries, CanaryError},
    config::Config,
    directory,
    drift::{Drift, DriftError},
    export::{ExportError, Exports},
    https::TlsError,
    oidc::{Issuers, OwnKeyError, OwnTokens},
    policy::{self, ApplyError, PolicyManager},
    privilege::{self, Privileges},
    provisioning::{Ledger, LedgerError},
    service::{Live, Permits, Spooled, listen::ListenError},
    signals::{self, Signals},
    source::{self, Sources},
    store::{self, Healed, Loaded, Opened, Store},
    watched::{Watched, WatchedError},
    webhook::{WebhookError, Webhooks},
};

/// How long conversations may go on after a signal to stop.
const GRACE: Duration = Duration::from_secs(10);

/// Why the daemon cannot run.
#[derive(Debug, Error)]
pub enum RunError {
    /// A folder or file of the state.
    #[error("state `{path}`: {source}")]
    State {
        /// Which.
        path: PathBuf,
        /// What went wrong.
        source: io::Error,
    },
    /// The daemon's name.
    #[error("the host's name makes no name for the audit log, set `node`: {0}")]
    Node(#[from] NameError),
    /// The audit log.
    #[error(transparent)]
    Audit(#[from] OpenError),
    /// Who is who in it.
    #[error(transparent)]
    People(#[from] PeopleError),
    /// What the audit log holds.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The key of the audit log.
    #[error(transparent)]
    Rotate(#[from] RotateError),
    /// An entry.
    #[error(transparent)]
    Append(#[from] AppendError),
    /// An entry that does not fit.
    #[error(transparent)]
    Entry(#[from] EncodeError),
    /// The directory's store.
    #[error(transparent)]
    Store(#[from] store::OpenError),
    /// The sources of the directory.
    #[error(transparent)]
    Sources(#[from] source::OpenError),
    /// A certificate.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// Who is told of it.
    #[error(transparent)]
    Webhook(#[from] WebhookError),
    /// Who collects the audit log.
    #[error(transparent)]
    Export(#[from] ExportError),
    /// Whose signals are received.
    #[error(transparent)]
    Signals(#[from] signals::OpenError),
    /// What people have for a while.
    #[error(transparent)]
    Privileges(#[from] privilege::OpenError),
    /// What OAM gave in Bitbucket.
    #[error(transparent)]
    Provisioned(#[from] LedgerError),
    /// What was found in Bitbucket.
    #[error(transparent)]
    Drift(#[from] DriftError),
    /// When rounds of `oam bitbucket watch` are expected.
    #[error(transparent)]
    Watched(#[from] WatchedError),
    /// What came of canaries.
    #[error(transparent)]
    Canaries(#[from] CanaryError),
    /// The policy.
    #[error(transparent)]
    Policy(#[from] ApplyError),
    /// The issuers of tokens.
    #[error("issuers of tokens cannot be asked over TLS")]
    Issuers(#[from] oam_fetch::RootsError),
    /// The keys for tokens of leases.
    #[error(transparent)]
    OwnKeys(#[from] OwnKeyError),
    /// A listener.
    #[error(transparent)]
    Listen(#[from] ListenError),
    /// A server.
    #[error("a server failed")]
    Serve(#[from] tonic::transport::Error),
    /// Reflection.
    #[error("the descriptors for reflection are unusable")]
    Reflection(#[from] tonic_reflection::server::Error),
    /// Signals.
    #[error("signals cannot be received: {0}")]
    Signal(#[source] io::Error),
}

/// Runs the daemon until SIGTERM or SIGINT.
///
/// # Errors
/// When a part cannot be started, or a server fails.
pub async fn run(config: Config) -> Result<(), RunError> {
    let live = Arc::new(assemble(config).await?);
    let stop = CancellationToken::new();
    let mut servers = listeners::start(&live, &stop).await?;
    let reload = Arc::new(Notify::new());
    let reload_keys = Arc::new(Notify::new());
    let follower = tokio::spawn(policy::follow(Arc::clone(&live.policies), Arc::clone(&reload)));
    let keys_follower = tokio::spawn(live.signatures.clone().follow(Arc::clone(&reload_keys)));
    tell_ready(&live);
    until_told_to_stop(&[&reload, &reload_keys]).await?;
    let _ = sd_notify::notify(&[sd_notify::NotifyState::Stopping]);
    tracing::info!("stopping: no new pushes are taken, those under way are finished");
    stop.cancel();
    let all_done = async { while servers.join_next().await.is_some() {} };
    if time::timeout(GRACE, all_done).await.is_err() {
        tracing::warn!("some conversations did not end in time");
    }
    follower.abort();
    keys_follower.abort();
    for socket in [live.config.hook_socket(), live.config.admin_socket()] {
        // One that is gone already is as good as removed.
        let _ = fs::remove_file(socket);
    }
    live.record_denials().await;
    live.audit.append(live.audit.batch(&Event::DaemonStopped)?).await?;
    live.audit.close().await;
    tracing::info!("stopped");
    Ok(())
}

/// Gives the audit log another key to sign with. Returns the public half.
///
/// # Errors
/// When a daemon is running, the log is not in order, or the disk does not take it.
pub async fn rotate_key(config: &Config, reason: String) -> Result<String, RunError> {
    let actor = format!("uid {}", rustix::process::getuid().as_raw());
    let people = people::as_noted(&config.state)?;
    let folder = config.state.join("audit");
    let key = audit_log::rotate(&folder, &node_name(config)?, people, actor, reason).await?;
    Ok(key.to_string())
}

/// Opens everything that has state, in the order in which one needs the other.
async fn assemble(config: Config) -> Result<Live, RunError> {
    let state = |path: &Path| {
        let path = path.to_owned();
        move |source| RunError::State { path, source }
    };
    // What is in there tells who works here: others need not read it.
    fs::DirBuilder::new().recursive(true).mode(0o750).create(&config.state).map_err(state(&config.state))?;
    let node = node_name(&config)?;
    let OpenPeople { people, changed, torn_bytes } = people::open(&config.state, config.people)?;
    let (audit, report) =
        AuditLog::open_with(&config.state.join("audit"), &node, Timestamp::now, people.clone())?;
    if let Some(form) = changed {
        audit.append(audit.batch(&Event::PeopleKept(PeopleKept { form }))?).await?;
        people::note_form(&config.state, form)?;
    }
    record_start(&audit, &report).await?;
    let Opened { store, loaded, report: opened } = Store::open(&config.state)?;
    for healed in &opened.healed {
        audit.append(audit.batch(&Event::StoreHealed(healed.into()))?).await?;
    }
    if let Some(loaded) = &loaded {
        audit.append(audit.batch(&loaded_event(loaded))?).await?;
    }
    let directory = directory::start(store, loaded, recorder(&audit)).map_err(state(&config.state))?;
    if let Some(people) = &people {
        people.know(directory.1.clone());
    }
    let (sources, healed) = Sources::open(&config.sources, &config.state, directory.clone()).await?;
    for healed in &healed {
        audit.append(audit.batch(&Event::StoreHealed(healed.into()))?).await?;
    }
    let reader = directory.1.clone();
    let policies = PolicyManager::start(
        config.policy.clone(),
        config.unapproved_policy,
        &config.state,
        audit.clone(),
        reader,
        config.admin.clone(),
    )
    .await?;
    let issuers = Issuers::new(&config.issuers)?;
    let spooled_file = config.state.join("spooled");
    let spooled = Spooled::open(&spooled_file).map_err(state(&spooled_file))?;
    let permits = Permits::of(&audit)?;
    let privileges = Privileges::open(config.state.join("privileges"), &audit)?;
    let torn = (torn_bytes > 0).then(|| {
        format!("The table of people had a torn end of {torn_bytes} bytes, which no entry relied on; it is cut off.")
    });
    let (provisioned, damaged) = provisioned(&config)?;
    let found = opened.sentences().into_iter().chain(healed.iter().map(Healed::to_string));
    let (drift, forgotten) = Drift::open(&config.state.join("drift"))?;
    let (canaries, unknown) = Canaries::open(&config.state.join("canaries"))?;
    let (watched, lost) = Watched::open(&config.state.join("watched"))?;
    let found = found.chain(torn).chain(damaged).chain(forgotten).chain(unknown).chain(lost).collect();
    let live = Live::new(
        config,
        Arc::new(policies),
        (directory.0, directory.1, Arc::new(sources)),
        (audit, privileges),
        (spooled, permits),
        found,
    );
    let webhooks = Webhooks::open(&live.config.webhooks, &live.config.state, &live.audit)?;
    let signals = Signals::open(&live.config.signals, &live.config.state)?;
    let exports = Exports::open(&live.config.exports, &live.config.state, &live.audit)?;
    let own_tokens = own_tokens(&live)?;
    let live = live
        .with_own_tokens(own_tokens)
        .with_issuers(issuers)
        .with_webhooks(webhooks)
        .with_exports(exports)
        .with_signals(signals);
    Ok(live.with_provisioned(provisioned).with_drift(drift).with_canaries(canaries).with_watched(watched))
}

/// The tokens of leases, where they are issued.
fn own_tokens(live: &Live) -> Result<Option<OwnTokens>, RunError> {
    let url = live.config.exchange.as_ref().and_then(|exchange| exchange.url.clone());
    let file = live.config.state.join("lease-keys");
    Ok(url.map(|url| OwnTokens::open(file, url, live.privileges.clock().now())).transpose()?)
}

/// What OAM gave in Bitbucket, where permissions are kept there; and what became of it, if it was damaged.
fn provisioned(config: &Config) -> Result<(Option<Ledger>, Option<String>), RunError> {
    if config.bitbucket.as_ref().is_none_or(|bitbucket| bitbucket.provisioning.is_none()) {
        return Ok((None, None));
    }
    let (ledger, damaged) = Ledger::open(&config.state.join("provisioned"))?;
    Ok((Some(ledger), damaged.map(|damaged| format!("Permissions in Bitbucket: {damaged}."))))
}

/// What is in force at the start, so that the log tells it also after a crash.
fn loaded_event(loaded: &Loaded) -> Event {
    Event::SnapshotChanged(SnapshotChanged {
        generation: loaded.info.version.generation,
        digest: loaded.info.version.digest.to_string(),
        previous: None,
        cause: SnapshotCause::Loaded,
        actor: "start".to_owned(),
        reason: None,
        users: loaded.info.counts.users,
        groups: loaded.info.counts.groups,
        subject: None,
    })
}

/// The way in which the directory's own thread records what it changes.
fn recorder(audit: &AuditLog) -> directory::Record {
    let (audit, runtime) = (audit.clone(), Handle::current());
    Box::new(move |event| {
        let batch = audit.batch(&event).map_err(|error| error.to_string())?;
        runtime.block_on(audit.append(batch)).map(|_| ()).map_err(|error| error.to_string())
    })
}

/// The daemon's name: as configured, or as it was when the audit log was begun, since a log keeps its name.
fn node_name(config: &Config) -> Result<Name, RunError> {
    if let Some(node) = &config.node {
        return Ok(node.clone());
    }
    let file = config.state.join("node");
    let state = |source| RunError::State { path: file.clone(), source };
    match fs::read_to_string(&file) {
        Ok(name) => Ok(name.trim().parse()?),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let name: Name = rustix::system::uname().nodename().to_string_lossy().parse()?;
            fs::write(&file, format!("{name}\n")).map_err(state)?;
            Ok(name)
        }
        Err(error) => Err(state(error)),
    }
}

async fn record_start(audit: &AuditLog, report: &OpenReport) -> Result<(), RunError> {
    let started = Event::DaemonStarted(DaemonStarted {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        log_size: report.size,
    });
    let mut batch = audit.batch(&started)?;
    if let Some(torn) = &report.torn {
        batch = batch.and(&Event::LogRepaired(LogRepaired {
            torn_bytes: torn.bytes,
            set_aside: torn.set_aside.display().to_string(),
        }))?;
    }
    audit.append(batch).await?;
    Ok(())
}

fn tell_ready(live: &Live) {
    let _ = sd_notify::notify(&[sd_notify::NotifyState::Ready]);
    tracing::info!(hook = %live.config.hook_socket().display(), admin = %live.config.admin_socket().display(), "listening");
    for warning in live.warnings() {
        tracing::warn!("{warning}");
    }
}

async fn until_told_to_stop(reload: &[&Notify]) -> Result<(), RunError> {
    let mut terminate = signal(SignalKind::terminate()).map_err(RunError::Signal)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(RunError::Signal)?;
    let mut hang_up = signal(SignalKind::hangup()).map_err(RunError::Signal)?;
    loop {
        tokio::select! {
            _ = terminate.recv() => return Ok(()),
            _ = interrupt.recv() => return Ok(()),
            _ = hang_up.recv() => reload.iter().for_each(|reload| reload.notify_one()),
        }
    }
}
