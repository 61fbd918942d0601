use std::{
    io,
    net::{IpAddr, SocketAddr},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use thiserror::Error;
use tokio::net::TcpStream;
use tokio_rustls::{
    TlsConnector,
    client::TlsStream,
    rustls::{
        ClientConfig, RootCertStore,
        crypto::ring,
        pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject as _},
    },
};

use crate::{Identity, Network, WebUrl};

/// How TLS is spoken.
pub(crate) type Config = Arc<ClientConfig>;

/// Why authorities of certificates, or a certificate of ours, cannot be used.
#[derive(Debug, Error)]
pub enum RootsError {
    /// The file cannot be read, or is no PEM.
    #[error("the authorities in `{path}` cannot be read: {detail}")]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        detail: String,
    },
    /// There are none.
    #[error("no authority of certificates was found in {place}")]
    None {
        /// Where.
        place: String,
    },
    /// What we were to show of ourselves cannot be read, or is none.
    #[error("`{path}` cannot be shown as our certificate and its key: {detail}")]
    Identity {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        detail: String,
    },
    /// TLS itself.
    #[error("TLS cannot be set up: {0}")]
    Tls(#[from] tokio_rustls::rustls::Error),
}

/// Why there is no connection.
#[derive(Debug, Error)]
pub enum ConnectError {
    /// Plain HTTP to another machine.
    #[error("only `https` is spoken with other machines")]
    Plain,
    /// The name is not known.
    #[error("the name cannot be looked up: {0}")]
    Lookup(#[source] io::Error),
    /// Every address lies where we do not go.
    #[error("{address} does not lie in the network that is allowed ({})", .network.as_str())]
    Guarded {
        /// The first of its addresses.
        address: IpAddr,
        /// Where hosts may lie.
        network: Network,
    },
    /// There are no certificates to believe or to show.
    #[error(transparent)]
    Roots(#[from] RootsError),
    /// It took too long.
    #[error("no connection within {} seconds", .0.as_secs())]
    Time(Duration),
    /// Nobody answers, or not with a certificate that is believed.
    #[error("no connection to {address}: {source}")]
    Failed {
        /// The address.
        address: SocketAddr,
        /// What went wrong.
        source: io::Error,
    },
}

/// A connection, in the clear only on this machine.
#[derive(Debug)]
pub(crate) enum Connection {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

/// Our side of TLS: the authorities in `file`, or else the system's.
pub(crate) fn tls(file: Option<&Path>) -> Result<Config, RootsError> {
    tls_with(file, None, None)
}

/// The same, with what we show of ourselves, for a protocol that has a name in TLS.
pub(crate) fn tls_with(
    file: Option<&Path>,
    identity: Option<&Identity>,
    protocol: Option<&str>,
) -> Result<Config, RootsError> {
    let roots = match file {
        Some(path) => from_file(path)?,
        None => from_system()?,
    };
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let builder = builder.with_safe_default_protocol_versions()?.with_root_certificates(roots);
    let mut config = match identity {
        None => builder.with_no_client_auth(),
        Some(identity) => {
            let (chain, key) = shown(identity)?;
            builder.with_client_auth_cert(chain, key)?
        }
    };
    config.alpn_protocols = protocol.map(|name| name.as_bytes().to_vec()).into_iter().collect();
    Ok(Arc::new(config))
}

/// A certificate chain, and its key.
fn shown(
    Identity { certificate, key }: &Identity,
) -> Result<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>), RootsError> {
    let fault = |path: &Path, detail: String| RootsError::Identity { path: path.to_owned(), detail };
    let chain = CertificateDer::pem_file_iter(certificate).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let chain = chain.map_err(|error| fault(certificate, error.to_string()))?;
    if chain.is_empty() {
        return Err(fault(certificate, "it holds no certificate".into()));
    }
    let private = PrivateKeyDer::from_pem_file(key).map_err(|error| fault(key, error.to_string()))?;
    Ok((chain, private))
}

fn from_file(path: &Path) -> Result<RootCertStore, RootsError> {
    let fault = |detail: String| RootsError::File { path: path.to_owned(), detail };
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(path).map_err(|error| fault(error.to_string()))? {
        roots.add(certificate.map_err(|error| fault(error.to_string()))?)?;
    }
    if roots.is_empty() {
        return Err(RootsError::None { place: format!("`{}`", path.display()) });
    }
    Ok(roots)
}

fn from_system() -> Result<RootCertStore, RootsError> {
    let mut roots = RootCertStore::empty();
    // One that cannot be parsed is an authority the fewer, and no fault.
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if roots.is_empty() {
        return Err(RootsError::None { place: "the system's store (Debian's `ca-certificates`)".to_owned() });
    }
    Ok(roots)
}

/// Connects to the host of `url`. Its name is looked up once, and only addresses that were checked are connected to.
pub(crate) async fn connect(
    url: &WebUrl,
    network: Network,
    tls: Option<&Config>,
) -> Result<Connection, ConnectError> {
    let found: Vec<SocketAddr> = match url.address() {
        Some(address) => vec![(address, url.port()).into()],
        None => {
            let found = tokio::net::lookup_host((url.host(), url.port())).await;
            found.map_err(ConnectError::Lookup)?.collect()
        }
    };
    let allowed: Vec<_> =
        found.iter().copied().filter(|address| may_reach(url, network, address.ip())).collect();
    if allowed.is_empty() {
        return Err(match found.first() {
            None => ConnectError::Lookup(io::ErrorKind::NotFound.into()),
            Some(_) if !url.is_https() && network != Network::Loopback => ConnectError::Plain,
            Some(address) if network.allows(address.ip()) => ConnectError::Plain,
            Some(address) => ConnectError::Guarded { address: address.ip(), network },
        });
    }
    let mut failed = None;
    for address in allowed {
        match one(url, address, tls).await {
            Ok(connection) => return Ok(connection),
            Err(source) => failed = Some(ConnectError::Failed { address, source }),
        }
    }
    Err(failed.unwrap_or_else(|| ConnectError::Lookup(io::ErrorKind::NotFound.into())))
}

/// Plain HTTP goes to this machine alone, and only where that was allowed.
fn may_reach(url: &WebUrl, network: Network, address: IpAddr) -> bool {
    network.allows(address) && (url.is_https() || !Network::Private.allows(address))
}

async fn one(url: &WebUrl, address: SocketAddr, tls: Option<&Config>) -> io::Result<Connection> {
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    if !url.is_https() {
        return Ok(Connection::Plain(stream));
    }
    let tls = tls.ok_or_else(|| io::Error::other("there are no authorities of certificates to believe"))?;
    let name = ServerName::try_from(url.host().to_owned()).map_err(io::Error::other)?;
    let stream = TlsConnector::from(Arc::clone(tls)).connect(name, stream).await?;
    Ok(Connection::Tls(Box::new(stream)))
}
