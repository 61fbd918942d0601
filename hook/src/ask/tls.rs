use std::{fmt, fs, os::unix::fs::MetadataExt as _, path::Path};

use oam_policy::printable::Printable;
use tokio::net::TcpStream;
use tonic::transport::{Certificate, ClientTlsConfig, Identity};

use super::Failure;
use crate::config::{Host, Tls, TlsEndpoint};

/// Opens the TCP connection.
pub(super) async fn connect(endpoint: &TlsEndpoint) -> Result<TcpStream, Failure> {
    let connected = match &endpoint.host {
        Host::Address(address) => TcpStream::connect((*address, endpoint.port)).await,
        Host::Name(name) => connect_by_name(name, endpoint.port).await,
    };
    let stream = connected.map_err(|error| Failure::Unreachable(error.to_string()))?;
    stream.set_nodelay(true).map_err(|error| Failure::Unreachable(error.to_string()))?;
    Ok(stream)
}

#[cfg(not(all(target_env = "gnu", target_feature = "crt-static")))]
async fn connect_by_name(name: &str, port: u16) -> std::io::Result<TcpStream> {
    TcpStream::connect((name, port)).await
}

/// The configuration lets no name through to a build that cannot look it up.
#[cfg(all(target_env = "gnu", target_feature = "crt-static"))]
#[expect(clippy::unused_async, reason = "the same shape as where names can be looked up")]
async fn connect_by_name(_: &str, _: u16) -> std::io::Result<TcpStream> {
    Err(std::io::ErrorKind::Unsupported.into())
}

/// What both sides prove themselves with.
pub(super) fn config(endpoint: &TlsEndpoint) -> Result<ClientTlsConfig, Failure> {
    let Tls { ca, certificate, key, server_name } = &*endpoint.tls;
    check_key(key)?;
    let name = server_name.clone().unwrap_or_else(|| match &endpoint.host {
        Host::Address(address) => address.to_string(),
        Host::Name(name) => name.clone(),
    });
    Ok(ClientTlsConfig::new()
        .ca_certificate(Certificate::from_pem(read(ca)?))
        .identity(Identity::from_pem(read(certificate)?, read(key)?))
        .domain_name(name))
}

/// A key that everybody can read proves nothing.
fn check_key(path: &Path) -> Result<(), Failure> {
    let metadata = fs::metadata(path).map_err(|error| unreadable(path, &error))?;
    if metadata.mode() & 0o007 != 0 {
        return Err(Failure::Tls(format!("everybody has access to the key `{}`", shown(path))));
    }
    Ok(())
}

fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    fs::read(path).map_err(|error| unreadable(path, &error))
}

fn unreadable(path: &Path, error: &std::io::Error) -> Failure {
    Failure::Tls(format!("`{}` cannot be read: {error}", shown(path)))
}

fn shown(path: &Path) -> String {
    Printable::new(path.as_os_str().as_encoded_bytes()).to_string()
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(address @ std::net::IpAddr::V6(_)) => write!(f, "[{address}]"),
            Self::Address(address) => write!(f, "{address}"),
            Self::Name(name) => write!(f, "{}", Printable::new(name)),
        }
    }
}
