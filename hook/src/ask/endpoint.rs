use std::{error::Error, io, time::Duration};

use hyper_util::rt::TokioIo;
use oam_policy::printable::Printable;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    time::timeout,
};
use tonic::transport::{Channel, Endpoint as Transport};
use tower::service_fn;

use super::{
    Failure, tls, unix,
    watched::{Watch, Watched},
};
use crate::config::{Config, Endpoint};

/// Connects to one daemon and waits for its first sign of life, within a time of its own.
///
/// # Errors
/// When it is not there, or is not to be trusted.
pub async fn connect(
    endpoint: &Endpoint,
    config: &Config,
    within: Duration,
) -> Result<(Channel, Watch), Failure> {
    let late = |_| Failure::Unreachable(format!("it did not take the call within {} ms", within.as_millis()));
    let greeted = async {
        let (channel, watch) = open(endpoint, config).await?;
        watch.first_word().await;
        Ok((channel, watch))
    };
    timeout(within, greeted).await.map_err(late)?
}

/// Connects to one daemon, for as long as the caller waits.
pub(super) async fn open(endpoint: &Endpoint, config: &Config) -> Result<(Channel, Watch), Failure> {
    match endpoint {
        Endpoint::Unix(path) => {
            let stream = unix::connect(path, &config.socket_owners).await?;
            speak(Transport::from_static("http://oamd"), stream).await
        }
        Endpoint::Tls(endpoint) => {
            let unusable = |error: tonic::transport::Error| Failure::Tls(cause(&error));
            let transport = Transport::from_static("https://oamd");
            let transport = transport.tls_config(tls::config(endpoint)?).map_err(unusable)?;
            speak(transport, tls::connect(endpoint).await?).await
        }
    }
}

/// Speaks HTTP/2, and TLS below it where the transport has it, on a stream that is open already.
async fn speak<S>(transport: Transport, stream: S) -> Result<(Channel, Watch), Failure>
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let is_tls = transport.uri().scheme_str() == Some("https");
    let watch = Watch::default();
    let mut stream = Some(TokioIo::new(Watched { stream, watch: watch.clone() }));
    // There is one stream: tonic's attempt to call again finds none.
    let connector = service_fn(move |_| {
        let stream = stream.take().ok_or_else(|| io::Error::other("the connection was lost"));
        async move { stream }
    });
    let connected = transport.connect_with_connector(connector).await;
    let channel = connected.map_err(|error| {
        if is_tls && !watch.is_lost() {
            Failure::Tls(cause(&error))
        } else {
            Failure::Unreachable(cause(&error))
        }
    })?;
    Ok((channel, watch))
}

/// What lies at the bottom of an error: the outer words of a transport error say nothing.
fn cause(error: &(dyn Error + 'static)) -> String {
    let mut innermost = error;
    while let Some(cause) = innermost.source() {
        innermost = cause;
    }
    Printable::new(&innermost.to_string()).to_string()
}
