use std::{collections::BTreeSet, fmt};

use oam_audit::entry::AskedBy;
use oam_policy::Digest;
use tonic::{
    Extensions, Request, Status,
    transport::server::{TcpConnectInfo, TlsConnectInfo, UdsConnectInfo},
};

/// Who is at the other end of a connection, as the kernel or TLS vouches for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Peer {
    /// A process on this host (`SO_PEERCRED`).
    Unix {
        /// Its user id.
        uid: u32,
        /// Its main group.
        gid: u32,
        /// Its process id; 0 where the kernel does not tell.
        pid: u32,
    },
    /// A host with a certificate of the client authority, named by the certificate's SHA-256.
    Tls {
        /// `sha256:` and the digest.
        fingerprint: String,
    },
}

impl Peer {
    /// The peer of a request.
    ///
    /// # Errors
    /// `UNAUTHENTICATED` when neither the kernel nor TLS says who it is.
    pub fn of<T>(request: &Request<T>) -> Result<Self, Status> {
        let extensions = request.extensions();
        unix(extensions)
            .or_else(|| tls(extensions))
            .ok_or_else(|| Status::unauthenticated("the connection does not tell who is asking"))
    }

    /// Whether the peer is one of these users of this host, or a host with a certificate.
    pub fn may_ask(&self, uids: &BTreeSet<u32>) -> bool {
        match self {
            Self::Unix { uid, .. } => uids.contains(uid),
            Self::Tls { .. } => true,
        }
    }

    /// How the audit log writes it.
    pub fn asked_by(&self) -> AskedBy {
        match self {
            Self::Unix { uid, pid, .. } => AskedBy::Unix { uid: *uid, pid: *pid },
            Self::Tls { fingerprint } => AskedBy::Tls { subject: fingerprint.clone() },
        }
    }
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unix { uid, .. } => write!(f, "uid {uid}"),
            Self::Tls { fingerprint } => f.write_str(fingerprint),
        }
    }
}

fn unix(extensions: &Extensions) -> Option<Peer> {
    let credentials = extensions.get::<UdsConnectInfo>()?.peer_cred?;
    let pid = credentials.pid().and_then(|pid| u32::try_from(pid).ok()).unwrap_or_default();
    Some(Peer::Unix { uid: credentials.uid(), gid: credentials.gid(), pid })
}

fn tls(extensions: &Extensions) -> Option<Peer> {
    let certificates = extensions.get::<TlsConnectInfo<TcpConnectInfo>>()?.peer_certs()?;
    let leaf = certificates.first()?;
    Some(Peer::Tls { fingerprint: format!("sha256:{}", Digest::of(leaf.as_ref())) })
}
