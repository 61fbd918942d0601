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
        self, ServerConfig,
        pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
    },
};

use crate::config::HttpsTls;

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

/// TLS with the certificate that lies in the files; another one that is put there is used from then on.
#[derive(Debug)]
pub struct Tls {
    files: HttpsTls,
    read: (Option<SystemTime>, Option<SystemTime>),
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
    pub fn open(files: &HttpsTls) -> Result<Self, TlsError> {
        let read = changed(files);
        Ok(Self { files: files.clone(), read, acceptor: Acceptor(acceptor(files)?) })
    }

    /// How the next connection is secured.
    pub(super) fn acceptor(&mut self) -> TlsAcceptor {
        let now = changed(&self.files);
        if now != self.read {
            self.read = now;
            match acceptor(&self.files) {
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

fn changed(files: &HttpsTls) -> (Option<SystemTime>, Option<SystemTime>) {
    let changed = |path: &Path| fs::metadata(path).and_then(|metadata| metadata.modified()).ok();
    (changed(&files.certificate), changed(&files.key))
}

fn acceptor(files: &HttpsTls) -> Result<TlsAcceptor, TlsError> {
    let fault = |key: &'static str, path: &Path, detail: String| TlsError::File {
        section: files.section,
        key,
        path: path.to_owned(),
        detail,
    };
    let read = |key: &'static str, path: &Path| {
        fs::read(path).map_err(|error: io::Error| fault(key, path, error.to_string()))
    };
    let pem = read("certificate", &files.certificate)?;
    let chain = CertificateDer::pem_slice_iter(&pem).collect::<Result<Vec<_>, _>>();
    let chain = chain.map_err(|error| fault("certificate", &files.certificate, error.to_string()))?;
    if chain.is_empty() {
        return Err(fault("certificate", &files.certificate, "it holds no certificate".into()));
    }
    let key = PrivateKeyDer::from_pem_slice(&read("key", &files.key)?)
        .map_err(|error| fault("key", &files.key, error.to_string()))?;
    // ring, by name: were another provider in the tree, nothing would change here.
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, key));
    let mut config = config.map_err(|source| TlsError::Pair { section: files.section, source })?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}
