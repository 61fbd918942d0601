//! Puts the parts together, runs them until a signal, and takes them apart in order.

use std::{
    fs, io,
    os::unix::fs::DirBuilderExt as _,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use oam_audit::{
    Name, NameError,
    entry::{DaemonStarted, EncodeError, Event, LogRepaired, SnapshotCause, SnapshotChanged},
};
use oam_proto::{DESCRIPTORS, limits, v1};
use thiserror::Error;
use tokio::{
    runtime::Handle,
    signal::unix::{SignalKind, signal},
    sync::Notify,
    task::JoinSet,
    time,
};
use tokio_stream::wrappers::{TcpListenerStream, UnixListenerStream};
use tokio_util::sync::CancellationToken;
use tonic::transport::{Server, server::Router};
use tonic_health::server::HealthReporter;

use crate::{
    audit_log::{AppendError, AuditLog, Batch, OpenError, OpenReport, ReadError},
    config::Config,
    directory, http,
    oidc::Issuers,
    policy::{self, ApplyError, PolicyManager},
    service::{
        AdminService, AuthorizerService, IdentityService, Live, Permits, Spooled, listen, listen::ListenError,
    },
    store::{self, Loaded, Opened, Store},
};

/// How long conversations may go on after a signal to stop.
const GRACE: Duration = Duration::from_secs(10);
/// How long the headers of a call may be together: a token with many groups is long.
const HEADER_BYTES: u32 = 32 * 1024;

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
    /// What the audit log holds.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// An entry.
    #[error(transparent)]
    Append(#[from] AppendError),
    /// An entry that does not fit.
    #[error(transparent)]
    Entry(#[from] EncodeError),
    /// The directory's store.
    #[error(transparent)]
    Store(#[from] store::OpenError),
    /// The policy.
    #[error(transparent)]
    Policy(#[from] ApplyError),
    /// The issuers of tokens.
    #[error("issuers of tokens cannot be asked over TLS")]
    Issuers(#[from] oam_fetch::RootsError),
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
    let mut servers = listen_everywhere(&live, &stop).await?;
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
    live.audit.append(Batch::new(&Event::DaemonStopped)?).await?;
    live.audit.close().await;
    tracing::info!("stopped");
    Ok(())
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
    let (audit, report) = AuditLog::open(&config.state.join("audit"), &node)?;
    record_start(&audit, &report).await?;
    let Opened { store, loaded, report: opened } = Store::open(&config.state)?;
    for healed in &opened.healed {
        audit.append(Batch::new(&Event::StoreHealed(healed.into()))?).await?;
    }
    if let Some(loaded) = &loaded {
        audit.append(Batch::new(&loaded_event(loaded))?).await?;
    }
    let directory = directory::start(store, loaded, recorder(&audit)).map_err(state(&config.state))?;
    let reader = directory.1.clone();
    let policies = PolicyManager::start(
        config.policy.clone(),
        config.unapproved_policy,
        &config.state,
        audit.clone(),
        reader,
    )
    .await?;
    let issuers = Issuers::new(&config.issuers)?;
    let spooled_file = config.state.join("spooled");
    let spooled = Spooled::open(&spooled_file).map_err(state(&spooled_file))?;
    let permits = Permits::of(&audit)?;
    let live =
        Live::new(config, Arc::new(policies), directory, audit, (spooled, permits), opened.sentences());
    Ok(live.with_issuers(issuers))
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
        let batch = Batch::new(&event).map_err(|error| error.to_string())?;
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
    let mut batch = Batch::new(&started)?;
    if let Some(torn) = &report.torn {
        batch = batch.and(&Event::LogRepaired(LogRepaired {
            torn_bytes: torn.bytes,
            set_aside: torn.set_aside.display().to_string(),
        }))?;
    }
    audit.append(batch).await?;
    Ok(())
}

/// Binds every listener before any serves, so that a fault stops the start, and serves them until `stop`.
async fn listen_everywhere(live: &Arc<Live>, stop: &CancellationToken) -> Result<JoinSet<()>, RunError> {
    let config = &live.config;
    listen::prepare_folder(&config.runtime)?;
    let hooks = AuthorizerService::new(Arc::clone(live), config.hook_uids.clone());
    let (health, reporter) = health(live, stop).await;
    let reflection = || {
        tonic_reflection::server::Builder::configure()
            .register_encoded_file_descriptor_set(DESCRIPTORS)
            .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
            .build_v1()
    };
    let for_hooks = |server: &mut Server| {
        let hooks = v1::authorizer_server::AuthorizerServer::new(hooks.clone());
        let router = server.add_service(hooks.max_decoding_message_size(limits::MESSAGE_BYTES));
        Ok::<_, RunError>(router.add_service(health.clone()).add_service(reflection()?))
    };
    let tcp = match &config.tcp {
        Some(tcp) => Some((listen::tcp("hooks", tcp.listen).await?, listen::tls(tcp)?)),
        None => None,
    };
    if let Some((listener, _)) = &tcp {
        note_address(&config.runtime.join("tcp.addr"), listener);
    }
    let http = match config.http {
        Some(address) => Some(listen::tcp("metrics and health (`http.listen`, or `off`)", address).await?),
        None => None,
    };
    if let Some(listener) = &http {
        note_address(&config.runtime.join("http.addr"), listener);
    }
    let remote = match &config.admin.listener {
        Some(admin) => {
            let listener = listen::tcp("administrators (`admin.listen`)", admin.listen).await?;
            Some((listener, listen::admin_tls(admin)?))
        }
        None => None,
    };
    if let Some((listener, _)) = &remote {
        note_address(&config.runtime.join("admin.addr"), listener);
    }
    let hook_socket = listen::unix(&config.hook_socket(), 0o660, config.hook_gid)?;
    // Last: whoever gets an answer here finds everything else in its place.
    let admin_socket = listen::unix(&config.admin_socket(), admin_mode(config), None)?;

    let mut servers = JoinSet::new();
    servers.spawn(reporter);
    if let Some((listener, tls)) = tcp {
        let router = for_hooks(&mut Server::builder().tls_config(tls)?)?;
        serve(&mut servers, "tcp", router, TcpListenerStream::new(listener), stop);
    }
    if let Some(listener) = http {
        let (live, stopped) = (Arc::clone(live), stop.clone().cancelled_owned());
        servers.spawn(async move {
            if let Err(error) = http::serve(listener, live, stopped).await {
                tracing::error!(%error, "the HTTP listener failed");
            }
        });
    }
    let router = for_hooks(&mut Server::builder())?;
    serve(&mut servers, "hooks", router, UnixListenerStream::new(hook_socket), stop);
    if let Some((listener, tls)) = remote {
        let mut server = Server::builder().tls_config(tls)?.http2_max_header_list_size(HEADER_BYTES);
        let router = for_administrators(server.add_service(health.clone()).add_service(reflection()?), live);
        serve(&mut servers, "administrators", router, TcpListenerStream::new(listener), stop);
    }
    let mut server = Server::builder().http2_max_header_list_size(HEADER_BYTES);
    let router = for_administrators(for_hooks(&mut server)?, live);
    serve(&mut servers, "admin", router, UnixListenerStream::new(admin_socket), stop);
    Ok(servers)
}

fn for_administrators(router: Router, live: &Arc<Live>) -> Router {
    let admin = v1::admin_server::AdminServer::new(AdminService::new(Arc::clone(live)));
    let identity = v1::identity_server::IdentityServer::new(IdentityService::new(Arc::clone(live)));
    router.add_service(admin.max_decoding_message_size(8 * limits::MESSAGE_BYTES)).add_service(identity)
}

/// Others may connect to the admin socket only where others may administer; who they are is checked on each call.
fn admin_mode(config: &Config) -> u32 {
    let own = rustix::process::geteuid().as_raw();
    let alone = config.admin_uids.iter().all(|uid| *uid == own || *uid == 0);
    if alone && config.admin.roles.is_empty() { 0o600 } else { 0o666 }
}

/// Tells tools and tests which port the system chose.
fn note_address(file: &Path, listener: &tokio::net::TcpListener) {
    let noted = listener.local_addr().and_then(|address| fs::write(file, format!("{address}\n")));
    if let Err(error) = noted {
        tracing::warn!(%error, file = %file.display(), "the address could not be noted");
    }
}

fn serve<I, C>(
    servers: &mut JoinSet<()>,
    name: &'static str,
    router: Router,
    incoming: I,
    stop: &CancellationToken,
) where
    I: tokio_stream::Stream<Item = io::Result<C>> + Send + 'static,
    C: tokio::io::AsyncRead
        + tokio::io::AsyncWrite
        + tonic::transport::server::Connected
        + Unpin
        + Send
        + 'static,
{
    let stopped = stop.clone().cancelled_owned();
    servers.spawn(async move {
        if let Err(error) = router.serve_with_incoming_shutdown(incoming, stopped).await {
            tracing::error!(%error, name, "a listener failed");
        }
    });
}

type HealthServer = tonic_health::pb::health_server::HealthServer<tonic_health::server::HealthService>;

/// The gRPC health service, and the task that keeps it true.
async fn health(
    live: &Arc<Live>,
    stop: &CancellationToken,
) -> (HealthServer, impl Future<Output = ()> + use<>) {
    let (reporter, _) = tonic_health::server::health_reporter();
    let service = tonic_health::server::HealthService::from_health_reporter(reporter.clone());
    report_health(&reporter, live).await;
    let (live, stop) = (Arc::clone(live), stop.clone());
    let keep_true = async move {
        let mut every = time::interval(Duration::from_secs(1));
        while stop.run_until_cancelled(every.tick()).await.is_some() {
            report_health(&reporter, &live).await;
        }
    };
    (HealthServer::new(service), keep_true)
}

async fn report_health(reporter: &HealthReporter, live: &Live) {
    type Authorizer = v1::authorizer_server::AuthorizerServer<AuthorizerService>;
    if live.obstacles().is_empty() {
        reporter.set_serving::<Authorizer>().await;
    } else {
        reporter.set_not_serving::<Authorizer>().await;
    }
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
