use std::{net::SocketAddr, pin::pin, sync::Arc, time::Duration};

use axum::{Extension, Router};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::conn::auto,
    service::TowerToHyperService,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpListener,
    sync::Semaphore,
    time::{sleep, timeout},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::Tls;

/// How many connections there may be at once; further ones wait.
const MOST: usize = 256;
/// How long a client may take for the handshake of TLS, and for the head of a request.
const PATIENCE: Duration = Duration::from_secs(15);
/// The longest head of a request.
const HEAD_BYTES: usize = 64 << 10;

/// Serves `router` until `stop`, with the address of whoever asks among its extensions. `listener` is already bound, so
/// that a taken port is told at the start.
pub async fn serve(listener: TcpListener, mut tls: Option<Tls>, router: Router, stop: CancellationToken) {
    let (places, connections) = (Arc::new(Semaphore::new(MOST)), TaskTracker::new());
    loop {
        let next = async {
            let place = Arc::clone(&places).acquire_owned().await;
            (listener.accept().await, place)
        };
        let Some((accepted, place)) = stop.run_until_cancelled(next).await else { break };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, "a connection could not be taken");
                // Out of file descriptors: not to be tried again at once.
                sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        let acceptor = tls.as_mut().map(Tls::acceptor);
        let (router, stop) = (router.clone(), stop.clone());
        connections.spawn(async move {
            let _place = place;
            match acceptor {
                None => converse(stream, peer, router, stop).await,
                Some(acceptor) => match timeout(PATIENCE, acceptor.accept(stream)).await {
                    Ok(Ok(stream)) => converse(stream, peer, router, stop).await,
                    Ok(Err(error)) => tracing::debug!(%peer, %error, "no TLS came about"),
                    Err(_) => tracing::debug!(%peer, "no TLS came about in time"),
                },
            }
        });
    }
    connections.close();
    connections.wait().await;
}

async fn converse(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    peer: SocketAddr,
    router: Router,
    stop: CancellationToken,
) {
    let mut builder = auto::Builder::new(TokioExecutor::new()).http1_only();
    builder.http1().timer(TokioTimer::new()).header_read_timeout(PATIENCE).max_buf_size(HEAD_BYTES);
    let service = TowerToHyperService::new(router.layer(Extension(peer)));
    let mut connection = pin!(builder.serve_connection(TokioIo::new(stream), service));
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%peer, %error, "a connection broke");
    }
}
