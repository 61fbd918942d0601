use std::{io, sync::Arc, time::Duration};

use tokio::{
    net::{TcpListener, TcpStream},
    sync::{Semaphore, mpsc},
    time::{sleep, timeout},
};
use tokio_rustls::server::TlsStream;
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;

use super::Tls;

/// How many handshakes there may be at once; further ones wait.
const MOST: usize = 256;
/// How long a client may take for one.
const PATIENCE: Duration = Duration::from_secs(15);

/// The connections to `listener`, each when TLS has come about, until `stop`. Whoever is slow with that holds up nobody else.
pub fn incoming(
    listener: TcpListener,
    mut tls: Tls,
    stop: CancellationToken,
) -> ReceiverStream<io::Result<TlsStream<TcpStream>>> {
    let (taken, connections) = mpsc::channel(1);
    let places = Arc::new(Semaphore::new(MOST));
    tokio::spawn(async move {
        loop {
            let next = async {
                let place = Arc::clone(&places).acquire_owned().await;
                (listener.accept().await, place)
            };
            let Some((accepted, place)) = stop.run_until_cancelled(next).await else { return };
            let (stream, peer) = match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be taken");
                    // Out of file descriptors: not to be tried again at once.
                    sleep(Duration::from_millis(100)).await;
                    continue;
                }
            };
            let (acceptor, taken) = (tls.acceptor(), taken.clone());
            tokio::spawn(async move {
                let _place = place;
                // Messages are small, and somebody waits for each.
                let _ = stream.set_nodelay(true);
                match timeout(PATIENCE, acceptor.accept(stream)).await {
                    Ok(Ok(stream)) => drop(taken.send(Ok(stream)).await),
                    Ok(Err(error)) => tracing::debug!(%peer, %error, "no TLS came about"),
                    Err(_) => tracing::debug!(%peer, "no TLS came about in time"),
                }
            });
        }
    });
    ReceiverStream::new(connections)
}
