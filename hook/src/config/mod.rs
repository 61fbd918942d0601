//! What an administrator decides about the hook. Read once; nothing in it comes from the environment.

mod file;
mod owners;
mod trust;

use std::{
    fs::File,
    io::{self, Read as _},
    net::IpAddr,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use oam_policy::{RefName, Repository, Username, glob::Glob, printable::Printable};
use thiserror::Error;

use crate::arguments::{Arguments, Call};

/// Where the configuration is looked for last.
pub const SYSTEM_FILE: &str = "/etc/oam/hook.toml";

/// The configuration's name beside the hook.
const FILE_BESIDE: &str = "oam-hook.toml";

/// The effective configuration.
#[derive(Debug, Clone)]
pub struct Config {
    /// The daemons, in the order in which they are asked; at least one.
    pub endpoints: Vec<Endpoint>,
    /// How long the conversation may take, over all endpoints.
    pub deadline: Duration,
    /// The user ids that may own the daemon's socket and serve it.
    pub socket_owners: Vec<u32>,
    /// The git server is not Bitbucket.
    pub plain: Option<Plain>,
    /// What may go in while no daemon answers.
    pub on_unavailable: Option<OpenAudited>,
}

/// One daemon.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Endpoint {
    /// On this machine, at a socket in the file system.
    Unix(PathBuf),
    /// Elsewhere, by TCP with mutual TLS.
    Tls(TlsEndpoint),
}

/// A daemon elsewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsEndpoint {
    /// Its address or name.
    pub host: Host,
    /// Its TCP port.
    pub port: u16,
    /// How both sides prove themselves.
    pub tls: Arc<Tls>,
}

/// Where a daemon elsewhere is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Host {
    /// An address: nothing to look up.
    Address(IpAddr),
    /// A name, looked up for each push.
    Name(String),
}

/// How both sides of a TCP connection prove themselves: paths of PEM files, read when they are needed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tls {
    /// The certificates that the daemon's must descend from.
    pub ca: PathBuf,
    /// The hook's certificate chain.
    pub certificate: PathBuf,
    /// The hook's private key.
    pub key: PathBuf,
    /// The name that the daemon's certificate must have, where it is not the endpoint's own.
    pub server_name: Option<String>,
}

/// A git server that is not Bitbucket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plain {
    /// The variable that names the pusher.
    pub principal_env: String,
    /// Which repository this is.
    pub repository: PlainRepository,
}

/// How a repository outside Bitbucket is named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PlainRepository {
    /// By the configuration.
    Named(Repository),
    /// By its path below this folder: `DEMO/app.git` is `DEMO/app`.
    Below(PathBuf),
}

/// `on_unavailable = open-audited`: what may go in while no daemon answers.
#[derive(Debug, Clone)]
pub struct OpenAudited {
    /// The refs that may; a push goes in when all of its refs match one of them.
    pub refs: Vec<Glob>,
    /// The folder where it is recorded until a daemon answers again.
    pub spool: PathBuf,
}

/// Why there is no configuration.
#[derive(Debug, Error)]
pub enum ConfigError {
    /// It cannot be read.
    #[error("the configuration `{}` cannot be read: {error}", Printable::new(path.as_os_str().as_encoded_bytes()))]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        error: io::Error,
    },
    /// Somebody else could have written it.
    #[error("the configuration `{}` is not to be trusted: {detail}", Printable::new(path.as_os_str().as_encoded_bytes()))]
    Untrusted {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        detail: String,
    },
    /// It is no TOML, or has a key that is not known, or a value that cannot be used.
    #[error("the configuration `{}` cannot be used: {detail}", Printable::new(path.as_os_str().as_encoded_bytes()))]
    Unusable {
        /// The file.
        path: PathBuf,
        /// What is wrong, and where.
        detail: String,
    },
}

impl ConfigError {
    /// What an administrator can do.
    pub fn advice(&self) -> &'static str {
        match self {
            Self::Unreadable { .. } => "let the git server's user read that file",
            Self::Untrusted { .. } => {
                "only root or the git server's own user may own and write that file (chmod o-w, chown)"
            }
            Self::Unusable { .. } => "correct that file",
        }
    }
}

impl Config {
    /// Reads the file that was named, or `oam-hook.toml` beside the hook as it was called, or the system's; with
    /// none of them, the defaults.
    ///
    /// # Errors
    /// When the file that was named is missing, or the one found cannot be read, trusted or used.
    pub fn load(call: &Call, arguments: &Arguments) -> Result<Self, ConfigError> {
        if let Some(path) = &call.config {
            return Self::from_file(path, File::open(path));
        }
        // A program name without a folder was found by the shell's PATH: nothing is beside it.
        let folder =
            arguments.program().and_then(Path::parent).filter(|folder| !folder.as_os_str().is_empty());
        let beside = folder.map(|folder| folder.join(FILE_BESIDE));
        for path in beside.into_iter().chain([PathBuf::from(SYSTEM_FILE)]) {
            match File::open(&path) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                opened => return Self::from_file(&path, opened),
            }
        }
        Ok(Self::default())
    }

    fn from_file(path: &Path, opened: io::Result<File>) -> Result<Self, ConfigError> {
        let unreadable = |error| ConfigError::Unreadable { path: path.to_owned(), error };
        let mut file = opened.map_err(unreadable)?;
        let metadata = file.metadata().map_err(unreadable)?;
        trust::check(&metadata).map_err(|detail| ConfigError::Untrusted { path: path.to_owned(), detail })?;
        let mut text = String::new();
        file.read_to_string(&mut text).map_err(unreadable)?;
        Self::parse(&text).map_err(|detail| ConfigError::Unusable { path: path.to_owned(), detail })
    }

    /// Parses the text of a configuration file.
    ///
    /// # Errors
    /// What is wrong, with its place or its key.
    pub fn parse(text: &str) -> Result<Self, String> {
        file::parse(text)?.into_config()
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            endpoints: vec![Endpoint::Unix(PathBuf::from("/run/oam/hook.sock"))],
            deadline: Duration::from_secs(2),
            socket_owners: Vec::new(),
            plain: None,
            on_unavailable: None,
        }
    }
}

impl OpenAudited {
    /// Whether one of the patterns matches a ref.
    pub fn covers(&self, name: &RefName, pusher: &Username) -> bool {
        self.refs.iter().any(|glob| glob.matches(name.as_bytes(), pusher.as_str()))
    }
}

#[cfg(test)]
mod tests;
