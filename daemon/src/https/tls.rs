use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
    time::SystemTime,
};

use thiserror::Error;
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        self, RootCertStore, ServerConfig,
        pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
        server::WebPkiClientVerifier,
    },
};

use crate::config::TlsFiles;

/// Why there is no TLS.
#[derive(Debug, Error)]
pub enum TlsError {
    /// A file.
    #[error("`{section}.{key}` is `{path}`, which cannot be used: {detail}")]
    File {
        /// The section of the configuration.
        section: &'static str,
        /// The key in the configuration.
        key: &'static str,
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        detail: String,
    },
    /// They do not belong together.
    #[error("the certificate and the key of `[{section}]` make no TLS: {source}")]
    Pair {
        /// The section of the configuration.
        section: &'static str,
        /// Why.
        source: rustls::Error,
    },
}

/// What is spoken within.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// HTTP/1.1.
    Http1,
    /// HTTP/2, as gRPC is.
    Http2,
}

impl Protocol {
    /// Its name in the handshake (RFC 7301).
    const fn name(self) -> &'static [u8] {
        match self {
            Self::Http1 => b"http/1.1",
            Self::Http2 => b"h2",
        }
    }
}

/// TLS with the certificate that lies in the files; another one that is put there is used from then on, and so is another
/// authority of clients. Connections that are open stay as they are.
#[derive(Debug)]
pub struct Tls {
    files: TlsFiles,
    protocol: Protocol,
    read: Vec<Option<SystemTime>>,
    acceptor: Acceptor,
}

struct Acceptor(TlsAcceptor);

impl std::fmt::Debug for Acceptor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Acceptor(***)")
    }
}

impl Tls {
    /// Reads the files.
    ///
    /// # Errors
    /// When they are no certificate and key that belong together.
    pub fn open(files: &TlsFiles, protocol: Protocol) -> Result<Self, TlsError> {
        let read = changed(files);
        Ok(Self { files: files.clone(), protocol, read, acceptor: Acceptor(acceptor(files, protocol)?) })
    }

    /// Whether the files could be used as they are now.
    ///
    /// # Errors
    /// Why not.
    pub fn check(files: &TlsFiles) -> Result<(), TlsError> {
        acceptor(files, Protocol::Http1).map(drop)
    }

    /// How the next connection is secured.
    pub(super) fn acceptor(&mut self) -> TlsAcceptor {
        let now = changed(&self.files);
        if now != self.read {
            self.read = now;
            match acceptor(&self.files, self.protocol) {
                Ok(acceptor) => {
                    tracing::info!(section = self.files.section, "a certificate was read again");
                    self.acceptor = Acceptor(acceptor);
                }
                // Half of a renewal: the other file follows.
                Err(error) => tracing::warn!(%error, "the certificate before it stays in use"),
            }
        }
        self.acceptor.0.clone()
    }
}

fn changed(files: &TlsFiles) -> Vec<Option<SystemTime>> {
    let changed = |path: &PathBuf| fs::metadata(path).and_then(|metadata| metadata.modified()).ok();
    [&files.certificate, &files.key].into_iter().chain(&files.client_ca).map(changed).collect()
}

fn acceptor(files: &TlsFiles, protocol: Protocol) -> Result<TlsAcceptor, TlsError> {
    let fault = |key: &'static str, path: &Path, detail: String| TlsError::File {
        section: files.section,
        key,
        path: path.to_owned(),
        detail,
    };
    let read = |key: &'static str, path: &Path| {
        fs::read(path).map_err(|error: io::Error| fault(key, path, error.to_string()))
    };
    let certificates = |key: &'static str, path: &Path| {
        let pem = read(key, path)?;
        let chain = CertificateDer::pem_slice_iter(&pem).collect::<Result<Vec<_>, _>>();
        let chain = chain.map_err(|error| fault(key, path, error.to_string()))?;
        if chain.is_empty() {
            return Err(fault(key, path, "it holds no certificate".into()));
        }
        Ok(chain)
    };
    let chain = certificates("certificate", &files.certificate)?;
    let key = PrivateKeyDer::from_pem_slice(&read("key", &files.key)?)
        .map_err(|error| fault("key", &files.key, error.to_string()))?;
    // ring, by name: were another provider in the tree, nothing would change here.
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let clients = match &files.client_ca {
        None => WebPkiClientVerifier::no_client_auth(),
        Some(path) => {
            let mut roots = RootCertStore::empty();
            for authority in certificates("client_ca", path)? {
                roots.add(authority).map_err(|error| fault("client_ca", path, error.to_string()))?;
            }
            WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider))
                .build()
                .map_err(|error| fault("client_ca", path, error.to_string()))?
        }
    };
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .and_then(|builder| builder.with_client_cert_verifier(clients).with_single_cert(chain, key));
    let mut config = config.map_err(|source| TlsError::Pair { section: files.section, source })?;
    config.alpn_protocols = vec![protocol.name().to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}
