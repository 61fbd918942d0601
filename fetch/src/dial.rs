use std::{path::PathBuf, time::Duration};

use tokio::{net::TcpStream, time};
use tokio_rustls::client::TlsStream;
use tokio_util::either::Either;

use crate::{
    ConnectError, Network, RootsError, WebUrl,
    connect::{self, Connection},
};

/// How long a connection may take, with TLS.
const TIME: Duration = Duration::from_secs(10);

/// A connection to be spoken over: in the clear only on this machine.
pub type Stream = Either<TcpStream, Box<TlsStream<TcpStream>>>;

/// Connects to a host that is not asked by requests of ours, but by another protocol. The same is checked as for those.
#[derive(Debug, Clone)]
pub struct Dialer {
    /// The host and its port. The scheme says whether TLS is spoken; nothing else of it counts.
    pub url: WebUrl,
    /// Where the host may lie.
    pub network: Network,
    /// Whose certificates are believed; `None`: the system's.
    pub ca: Option<PathBuf>,
    /// What we show of ourselves; `None`: nothing.
    pub identity: Option<Identity>,
    /// The protocol, as TLS names it (ALPN); `None`: it has no name there.
    pub protocol: Option<&'static str>,
}

/// A certificate and its key, as files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The certificate chain, PEM.
    pub certificate: PathBuf,
    /// Its private key, PEM.
    pub key: PathBuf,
}

impl Dialer {
    /// Looks whether the files are what they should be. They are read again for each connection, so that a renewed
    /// certificate is shown from then on.
    ///
    /// # Errors
    /// When one cannot be read, or they do not belong together.
    pub fn check(&self) -> Result<(), RootsError> {
        self.tls().map(|_| ())
    }

    /// Connects.
    ///
    /// # Errors
    /// When the host may not be reached, nobody answers in time, or not with a certificate that is believed.
    pub async fn connect(&self) -> Result<Stream, ConnectError> {
        let tls = self.tls()?;
        let connected = connect::connect(&self.url, self.network, tls.as_ref());
        Ok(match time::timeout(TIME, connected).await.map_err(|_| ConnectError::Time(TIME))?? {
            Connection::Plain(stream) => Either::Left(stream),
            Connection::Tls(stream) => Either::Right(stream),
        })
    }

    fn tls(&self) -> Result<Option<connect::Config>, RootsError> {
        if !self.url.is_https() {
            return Ok(None);
        }
        connect::tls_with(self.ca.as_deref(), self.identity.as_ref(), self.protocol).map(Some)
    }
}
