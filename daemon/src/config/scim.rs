use std::{net::SocketAddr, path::PathBuf};

use super::{ConfigError, file::ScimSection};

/// The word that lets SCIM do without TLS.
const LOOPBACK_ONLY: &str = "loopback-only";

/// Where identity providers push to.
#[derive(Debug, Clone)]
pub struct ScimConfig {
    /// The address.
    pub listen: SocketAddr,
    /// How it is secured; `None`: not at all, on a loopback address.
    pub tls: Option<ScimTls>,
    /// The address that providers know us by, when it is another.
    pub url: Option<String>,
}

/// A certificate for SCIM.
#[derive(Debug, Clone)]
pub struct ScimTls {
    /// The certificate chain, PEM.
    pub certificate: PathBuf,
    /// Its private key, PEM.
    pub key: PathBuf,
}

pub(super) fn configured(section: ScimSection) -> Result<ScimConfig, ConfigError> {
    let fault = |key: &'static str, detail: &str| ConfigError::Value { key, detail: detail.to_owned() };
    let tls = match (section.certificate, section.key, section.plaintext.as_deref()) {
        (Some(certificate), Some(key), None) => Some(ScimTls { certificate, key }),
        (Some(_), None, None) => {
            return Err(fault("scim.key", "a certificate needs its private key beside it"));
        }
        (None, _, None) => {
            let detail = "tokens are never taken in the clear: name a certificate and its key, or, for a proxy on this \
                          host, `plaintext = \"loopback-only\"`";
            return Err(fault("scim.certificate", detail));
        }
        (None, None, Some(LOOPBACK_ONLY)) if section.listen.ip().is_loopback() => None,
        (None, None, Some(LOOPBACK_ONLY)) => {
            return Err(fault("scim.plaintext", "`scim.listen` is no loopback address, so TLS is needed"));
        }
        (None, None, Some(_)) => return Err(fault("scim.plaintext", "it is `loopback-only`, or left out")),
        (_, _, Some(_)) => return Err(fault("scim.plaintext", "either this or a certificate with its key")),
    };
    let url = section.url.map(|url| url.trim_end_matches('/').to_owned());
    if url.as_deref().is_some_and(|url| !url.starts_with("https://") && !url.starts_with("http://")) {
        return Err(fault("scim.url", "it begins with `https://`"));
    }
    Ok(ScimConfig { listen: section.listen, tls, url })
}
