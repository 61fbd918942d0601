use std::{net::SocketAddr, path::PathBuf};

use oam_fetch::WebUrl;

use super::{
    ConfigError,
    file::{ExchangeSection, ScimSection},
};

/// The word that lets a listener do without TLS.
const LOOPBACK_ONLY: &str = "loopback-only";

/// Where identity providers push to.
#[derive(Debug, Clone)]
pub struct ScimConfig {
    /// The address.
    pub listen: SocketAddr,
    /// How it is secured; `None`: not at all, on a loopback address.
    pub tls: Option<TlsFiles>,
    /// The address that providers know us by, when it is another.
    pub url: Option<String>,
}

/// Where jobs show their tokens.
#[derive(Debug, Clone)]
pub struct ExchangeConfig {
    /// The address.
    pub listen: SocketAddr,
    /// How it is secured; `None`: not at all, on a loopback address.
    pub tls: Option<TlsFiles>,
    /// The address that jobs know it by, as the issuer of tokens of leases; `None`: it issues none.
    pub url: Option<String>,
}

/// A certificate of a listener.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsFiles {
    /// The section of the configuration that names it.
    pub section: &'static str,
    /// The certificate chain, PEM.
    pub certificate: PathBuf,
    /// Its private key, PEM.
    pub key: PathBuf,
    /// The authority that certificates of clients must come from, PEM; `None`: they need none.
    pub client_ca: Option<PathBuf>,
}

/// The keys of one section, as messages name them.
struct Keys {
    section: &'static str,
    listen: &'static str,
    certificate: &'static str,
    key: &'static str,
    plaintext: &'static str,
}

const SCIM: Keys = Keys {
    section: "scim",
    listen: "scim.listen",
    certificate: "scim.certificate",
    key: "scim.key",
    plaintext: "scim.plaintext",
};

const EXCHANGE: Keys = Keys {
    section: "exchange",
    listen: "exchange.listen",
    certificate: "exchange.certificate",
    key: "exchange.key",
    plaintext: "exchange.plaintext",
};

pub(super) fn scim(section: ScimSection) -> Result<ScimConfig, ConfigError> {
    let files = (section.certificate, section.key);
    let tls = secured(&SCIM, section.listen, files, section.plaintext.as_deref())?;
    let url = section.url.map(|url| url.trim_end_matches('/').to_owned());
    if url.as_deref().is_some_and(|url| !url.starts_with("https://") && !url.starts_with("http://")) {
        return Err(fault("scim.url", "it begins with `https://`"));
    }
    Ok(ScimConfig { listen: section.listen, tls, url })
}

pub(super) fn exchange(section: ExchangeSection) -> Result<ExchangeConfig, ConfigError> {
    let files = (section.certificate, section.key);
    let tls = secured(&EXCHANGE, section.listen, files, section.plaintext.as_deref())?;
    let url = section.url.map(|url| exchange_url(url.trim_end_matches('/'))).transpose()?;
    Ok(ExchangeConfig { listen: section.listen, tls, url })
}

/// An issuer is told to the letter, so there is one way to write it; and what it publishes lies at its root.
fn exchange_url(text: &str) -> Result<String, ConfigError> {
    let wrong = || fault("exchange.url", "it is `https://` and a host, and the port unless it is 443");
    let url: WebUrl = text.parse().map_err(|_| wrong())?;
    let is_root = url.as_str().trim_end_matches('/') == text && !text.contains(['?', '#', '@']);
    let host = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    match host {
        Some(host) if is_root && !host.is_empty() && !host.contains('/') => Ok(text.to_owned()),
        _ => Err(wrong()),
    }
}

fn secured(
    keys: &Keys,
    listen: SocketAddr,
    files: (Option<PathBuf>, Option<PathBuf>),
    plaintext: Option<&str>,
) -> Result<Option<TlsFiles>, ConfigError> {
    let (certificate, key) = files;
    match (certificate, key, plaintext) {
        (Some(certificate), Some(key), None) => {
            Ok(Some(TlsFiles { section: keys.section, certificate, key, client_ca: None }))
        }
        (Some(_), None, None) => Err(fault(keys.key, "a certificate needs its private key beside it")),
        (None, _, None) => {
            let detail = "tokens are never taken in the clear: name a certificate and its key, or, for a proxy on this \
                          host, `plaintext = \"loopback-only\"`";
            Err(fault(keys.certificate, detail))
        }
        (None, None, Some(LOOPBACK_ONLY)) if listen.ip().is_loopback() => Ok(None),
        (None, None, Some(LOOPBACK_ONLY)) => {
            let detail = format!("`{}` is no loopback address, so TLS is needed", keys.listen);
            Err(fault(keys.plaintext, &detail))
        }
        (None, None, Some(_)) => Err(fault(keys.plaintext, "it is `loopback-only`, or left out")),
        (_, _, Some(_)) => Err(fault(keys.plaintext, "either this or a certificate with its key")),
    }
}

fn fault(key: &'static str, detail: &str) -> ConfigError {
    ConfigError::Value { key, detail: detail.to_owned() }
}
