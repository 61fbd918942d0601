//! The way to a daemon on another host: TLS, and the token of whoever signed in.

use std::{path::PathBuf, time::Duration};

use oam_fetch::Secret;
use oam_policy::printable::Printable;
use tonic::{
    Request, Status,
    metadata::{Ascii, MetadataValue},
    service::Interceptor,
    transport::{Certificate, Channel, ClientTlsConfig, Endpoint},
};

use crate::exit::Exit;

/// How long the daemon may take to accept the connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// How long it may take to begin to answer.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(60);

/// A daemon on another host.
#[derive(Debug, Clone)]
pub struct Remote {
    /// Its address, as in `https://oam.example.com:7444`.
    pub url: String,
    /// The authorities of its certificate, PEM; `None`: the system's.
    pub ca: Option<PathBuf>,
}

/// Why there is no connection to a daemon on another host.
#[derive(Debug, thiserror::Error)]
pub enum RemoteError {
    /// The address is none.
    #[error("`{}` is no address of a daemon: write it as `https://HOST:PORT`", Printable::new(.0))]
    Url(String),
    /// The authorities cannot be read.
    #[error("cannot read `{}`: {source}", Printable::new(.path.as_os_str().as_encoded_bytes()))]
    Ca {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: std::io::Error,
    },
    /// Nobody answers, or not with a certificate that is believed.
    #[error("no daemon answers at {}: {detail}", Printable::new(.url))]
    Connect {
        /// Where.
        url: String,
        /// Why not.
        detail: String,
    },
}

impl RemoteError {
    /// How `oam` ends with it.
    pub fn exit(&self) -> Exit {
        match self {
            Self::Url(_) | Self::Ca { .. } => Exit::Usage,
            Self::Connect { .. } => Exit::Unreachable,
        }
    }

    /// What to do.
    pub fn help(&self) -> &'static str {
        match self {
            Self::Url(_) => {
                "what `admin.listen` of the daemon's configuration says, with the name in its certificate"
            }
            Self::Ca { .. } => "",
            Self::Connect { .. } => {
                "is `admin.listen` of the daemon's configuration reached from here? Where its certificate is of an authority of \
                 your own, name that with `--daemon-ca FILE` or OAM_DAEMON_CA"
            }
        }
    }
}

impl Remote {
    /// Connects to the daemon.
    ///
    /// # Errors
    /// When nobody answers there with a certificate that is believed.
    pub async fn connect(&self) -> Result<Channel, RemoteError> {
        let bad = || RemoteError::Url(self.url.clone());
        if !self.url.starts_with("https://") {
            return Err(bad());
        }
        let endpoint = Endpoint::from_shared(self.url.clone()).map_err(|_| bad())?;
        let tls = match &self.ca {
            None => ClientTlsConfig::new().with_native_roots(),
            Some(path) => {
                let pem =
                    std::fs::read(path).map_err(|source| RemoteError::Ca { path: path.clone(), source })?;
                ClientTlsConfig::new().ca_certificate(Certificate::from_pem(pem))
            }
        };
        let endpoint = endpoint.tls_config(tls).map_err(|error| self.failed(&error))?;
        let endpoint = endpoint.connect_timeout(CONNECT_TIMEOUT).timeout(ANSWER_TIMEOUT);
        endpoint.connect().await.map_err(|error| self.failed(&error))
    }

    fn failed(&self, error: &dyn std::error::Error) -> RemoteError {
        let mut detail = error.to_string();
        let mut cause = error.source();
        while let Some(source) = cause {
            let text = source.to_string();
            if !detail.contains(&text) {
                detail = format!("{detail}: {text}");
            }
            cause = source.source();
        }
        RemoteError::Connect { url: self.url.clone(), detail }
    }
}

/// Shows a token with every call; or none, over the socket.
#[derive(Clone, Default)]
pub struct Bearer(Option<MetadataValue<Ascii>>);

impl Bearer {
    /// Shows this token. `None` when it cannot stand in a header, as a token can.
    pub fn new(token: &Secret) -> Option<Self> {
        let mut value: MetadataValue<Ascii> = format!("Bearer {}", token.reveal()).parse().ok()?;
        value.set_sensitive(true);
        Some(Self(Some(value)))
    }
}

impl std::fmt::Debug for Bearer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Bearer(***)")
    }
}

impl Interceptor for Bearer {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        if let Some(value) = &self.0 {
            request.metadata_mut().insert("authorization", value.clone());
        }
        Ok(request)
    }
}
