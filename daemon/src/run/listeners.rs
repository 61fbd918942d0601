//! Everything that the daemon listens on, and who answers there.

use std::{fs, io, path::Path, sync::Arc, time::Duration};

use oam_proto::{DESCRIPTORS, limits, v1};
use tokio::{net::TcpListener, task::JoinSet, time};
use tokio_stream::wrappers::UnixListenerStream;
use tokio_util::sync::CancellationToken;
use tonic::transport::{Server, server::Router};
use tonic_health::server::HealthReporter;

use super::RunError;
use crate::{
    canary,
    config::{Config, TlsFiles},
    exchange, http,
    https::{self, Protocol, Tls, TlsError},
    ldap, pull, scim,
    service::{AdminService, AuthorizerService, IdentityService, Live, ToTheEnd, listen},
    signals::{self, Signals},
    watched,
};

/// How long the headers of a call may be together: a token with many groups is long.
const HEADER_BYTES: u32 = 32 * 1024;

/// Binds every listener before any serves, so that a fault stops the start, and serves them until `stop`.
pub(super) async fn start(live: &Arc<Live>, stop: &CancellationToken) -> Result<JoinSet<()>, RunError> {
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
        Some(tcp) => Some((listen::tcp("hooks", tcp.listen).await?, Tls::open(&tcp.tls, Protocol::Http2)?)),
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
    let scim = match &config.scim {
        Some(scim) => {
            let tls = scim.tls.as_ref().map(for_https).transpose()?;
            Some((listen::tcp("SCIM (`scim.listen`)", scim.listen).await?, tls))
        }
        None => None,
    };
    if let Some((listener, _)) = &scim {
        note_address(&config.runtime.join("scim.addr"), listener);
    }
    let exchange = match &config.exchange {
        Some(exchange) => {
            let tls = exchange.tls.as_ref().map(for_https).transpose()?;
            Some((listen::tcp("jobs (`exchange.listen`)", exchange.listen).await?, tls))
        }
        None => None,
    };
    if let Some((listener, _)) = &exchange {
        note_address(&config.runtime.join("exchange.addr"), listener);
    }
    let remote = match &config.admin.listener {
        Some(admin) => {
            let listener = listen::tcp("administrators (`admin.listen`)", admin.listen).await?;
            Some((listener, Tls::open(&admin.tls, Protocol::Http2)?))
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
        let router = for_hooks(&mut Server::builder())?;
        serve(&mut servers, "tcp", router, https::incoming(listener, tls, stop.clone()), stop);
    }
    if let Some(listener) = http {
        let (live, stopped) = (Arc::clone(live), stop.clone().cancelled_owned());
        servers.spawn(async move {
            if let Err(error) = http::serve(listener, live, stopped).await {
                tracing::error!(%error, "the HTTP listener failed");
            }
        });
    }
    servers.spawn(Arc::clone(&live.sources).keep_up(stop.clone()));
    servers.spawn(ldap::follow_all(Arc::clone(&live.sources), stop.clone()));
    servers.spawn(pull::follow_all(Arc::clone(&live.sources), stop.clone()));
    if let Some(bitbucket) = config.bitbucket.clone() {
        servers.spawn(canary::follow(Arc::clone(live), bitbucket, stop.clone()));
    }
    servers.spawn(watched::keep(Arc::clone(live), stop.clone()));
    servers.spawn(Signals::keep(Arc::clone(live), stop.clone()));
    servers.spawn(keep_privileges(Arc::clone(live), stop.clone()));
    servers.spawn(tell_others(Arc::clone(live), stop.clone()));
    servers.spawn(hand_on_the_log(Arc::clone(live), stop.clone()));
    servers.spawn(keep_the_log(Arc::clone(live), stop.clone()));
    if let Some((listener, tls)) = scim {
        let router = scim::router(Arc::clone(live), tls.is_some())
            .merge(pull::hook::router(Arc::clone(live)))
            .merge(signals::router(Arc::clone(live)));
        servers.spawn(https::serve(listener, tls, router, stop.clone()));
    }
    if let Some((listener, tls)) = exchange {
        servers.spawn(https::serve(listener, tls, exchange::router(Arc::clone(live)), stop.clone()));
    }
    let router = for_hooks(&mut Server::builder())?;
    serve(&mut servers, "hooks", router, UnixListenerStream::new(hook_socket), stop);
    if let Some((listener, tls)) = remote {
        let mut server = Server::builder().http2_max_header_list_size(HEADER_BYTES);
        let router = for_administrators(server.add_service(health.clone()).add_service(reflection()?), live);
        serve(&mut servers, "administrators", router, https::incoming(listener, tls, stop.clone()), stop);
    }
    let mut server = Server::builder().http2_max_header_list_size(HEADER_BYTES);
    let router = for_administrators(for_hooks(&mut server)?, live);
    serve(&mut servers, "admin", router, UnixListenerStream::new(admin_socket), stop);
    Ok(servers)
}

fn for_administrators(router: Router, live: &Arc<Live>) -> Router {
    let admin = v1::admin_server::AdminServer::new(AdminService::new(Arc::clone(live)));
    let identity = v1::identity_server::IdentityServer::new(IdentityService::new(Arc::clone(live)));
    let admin = ToTheEnd(admin.max_decoding_message_size(8 * limits::MESSAGE_BYTES));
    router.add_service(admin).add_service(identity)
}

/// Tells others what people have for a while.
async fn tell_others(live: Arc<Live>, stop: CancellationToken) {
    live.webhooks.tell(live.audit.clone(), Arc::clone(&live.privileges), stop).await;
}

/// Hands the audit log on to who collects it.
async fn hand_on_the_log(live: Arc<Live>, stop: CancellationToken) {
    live.exports.hand_on(live.audit.clone(), stop).await;
}

/// Compresses and removes old entries of the audit log, when who collects it has them.
async fn keep_the_log(live: Arc<Live>, stop: CancellationToken) {
    let taken = || live.exports.taken();
    stop.run_until_cancelled(live.audit.clone().keep(live.config.keeping.clone(), taken)).await;
}

/// Ends what people have for a while.
async fn keep_privileges(live: Arc<Live>, stop: CancellationToken) {
    let privileges = Arc::clone(&live.privileges);
    privileges.keep_up(move |user| live.rules_for(user), stop).await;
}

/// Others may connect to the admin socket only where others may administer or ask for themselves; who they are is checked on each call.
fn admin_mode(config: &Config) -> u32 {
    let own = rustix::process::geteuid().as_raw();
    let people = config.admin.people.keys();
    let alone = config.admin_uids.iter().chain(people).all(|uid| *uid == own || *uid == 0);
    if alone && config.admin.roles.is_empty() { 0o600 } else { 0o666 }
}

fn for_https(files: &TlsFiles) -> Result<Tls, TlsError> {
    Tls::open(files, Protocol::Http1)
}

/// Tells tools and tests which port the system chose.
fn note_address(file: &Path, listener: &TcpListener) {
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
