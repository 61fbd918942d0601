use std::{
    fs,
    io::Read as _,
    path::{Path, PathBuf},
};

use jiff::Timestamp;
use tokio_rustls::rustls::pki_types::{CertificateDer, pem::PemObject as _};
use x509_parser::prelude::{FromDer as _, X509Certificate};

use super::{Held, Kind};
use crate::{
    config::{ClientKey, Credential, ExportTo, KnownBy, OktaAccess, TlsFiles, Upstream},
    https::Tls,
    oidc::Compact,
    service::Live,
    source::TokenInfo,
};

/// How much of a file is looked at: a bundle of authorities is the longest.
const MOST: u64 = 4 << 20;

/// All that the configuration names, and what was made here.
pub(super) fn of(live: &Live) -> Vec<Held> {
    let config = &live.config;
    let mut list = Vec::new();
    let listeners = [
        config.tcp.as_ref().map(|tcp| &tcp.tls),
        config.admin.listener.as_ref().map(|admin| &admin.tls),
        config.scim.as_ref().and_then(|scim| scim.tls.as_ref()),
        config.exchange.as_ref().and_then(|exchange| exchange.tls.as_ref()),
    ];
    list.extend(listeners.into_iter().flatten().flat_map(listener));
    let mut add = |kind: Kind, name: String, path: Option<&PathBuf>| {
        list.extend(path.map(|path| file(kind, name, path)));
    };
    for (name, issuer) in &config.issuers {
        add(Kind::Authority, format!("issuer.{name}.ca"), issuer.ca.as_ref());
    }
    for source in &config.sources {
        let name = |key: &str| format!("source.{}.{key}", source.name);
        match &source.upstream {
            None => {}
            Some(Upstream::Ldap(ldap)) => {
                add(Kind::Secret, name("ldap.password_file"), Some(&ldap.password_file));
                add(Kind::Authority, name("ldap.ca"), Some(&ldap.ca).filter(|_| !ldap.is_plaintext()));
            }
            Some(Upstream::Okta(okta)) => {
                match &okta.access {
                    OktaAccess::ApiToken(path) => add(Kind::Secret, name("okta.token_file"), Some(path)),
                    OktaAccess::Client { key, .. } => add(Kind::Key, name("okta.key"), Some(&key.key)),
                }
                add(Kind::Secret, name("okta.hook_secret_file"), okta.hook_secret_file.as_ref());
                add(Kind::Authority, name("okta.ca"), okta.pull.ca.as_ref());
            }
            Some(Upstream::Entra(entra)) => {
                match &entra.credential {
                    Credential::Secret(path) => {
                        add(Kind::Secret, name("entra.client_secret_file"), Some(path));
                    }
                    Credential::Key(ClientKey { key, known_by }) => {
                        add(Kind::Key, name("entra.key"), Some(key));
                        if let KnownBy::Certificate(path) = known_by {
                            add(Kind::Certificate, name("entra.certificate"), Some(path));
                        }
                    }
                }
                add(Kind::Authority, name("entra.ca"), entra.pull.ca.as_ref());
            }
        }
    }
    for signals in &config.signals {
        let name = &signals.name;
        add(Kind::Secret, format!("signals.{name}.token_file"), signals.token_file.as_ref());
        add(Kind::Authority, format!("signals.{name}.ca"), signals.ca.as_ref());
    }
    for webhook in &config.webhooks {
        let name = &webhook.name;
        add(Kind::Secret, format!("webhook.{name}.secret"), webhook.secret.as_ref());
        add(Kind::Authority, format!("webhook.{name}.ca"), webhook.ca.as_ref());
    }
    for export in &config.exports {
        let name = &export.name;
        let (host, token_file) = match &export.to {
            ExportTo::File { .. } => continue,
            ExportTo::Syslog { host, .. } => (host, None),
            ExportTo::Otlp { host, token_file } => (host, token_file.as_ref()),
        };
        add(Kind::Secret, format!("export.{name}.token_file"), token_file);
        add(Kind::Authority, format!("export.{name}.ca"), host.ca.as_ref());
        let identity = host.identity.as_ref();
        add(
            Kind::Certificate,
            format!("export.{name}.certificate"),
            identity.map(|identity| &identity.certificate),
        );
        add(Kind::Key, format!("export.{name}.key"), identity.map(|identity| &identity.key));
    }
    if let Some(bitbucket) = &config.bitbucket {
        add(Kind::Secret, "bitbucket.token_file".into(), Some(&bitbucket.token_file));
        add(Kind::Authority, "bitbucket.ca".into(), bitbucket.ca.as_ref());
    }
    let key = config.state.join("audit").join("checkpoint.key");
    add(Kind::Key, "key of the audit log".into(), Some(&key));
    for source in live.sources.all() {
        list.extend(source.token_list().iter().map(|one| token("source", source.name().as_str(), one)));
    }
    let now = Timestamp::now();
    for receiver in live.signals.all() {
        let tokens = receiver.report(now).tokens;
        list.extend(tokens.iter().map(|one| token("signals", receiver.name(), one)));
    }
    list
}

fn listener(tls: &TlsFiles) -> Vec<Held> {
    let section = tls.section;
    let mut certificate = file(Kind::Certificate, format!("{section}.certificate"), &tls.certificate);
    // Each may be well, and they do not belong together.
    if certificate.fault.is_none() {
        certificate.fault = Tls::check(tls).err().map(|error| error.to_string());
    }
    let authority = tls.client_ca.as_ref();
    let authority = authority.map(|path| file(Kind::Authority, format!("{section}.client_ca"), path));
    [certificate, file(Kind::Key, format!("{section}.key"), &tls.key)].into_iter().chain(authority).collect()
}

fn token(what: &str, whose: &str, token: &TokenInfo) -> Held {
    Held {
        name: format!("{what}.{whose} token {}", token.id),
        kind: Kind::Token,
        path: None,
        since: Some(token.created),
        ends: Some(token.expires),
        fault: None,
    }
}

fn file(kind: Kind, name: String, path: &Path) -> Held {
    let held = Held { name, kind, path: Some(path.to_owned()), since: None, ends: None, fault: None };
    let read = || {
        let file = fs::File::open(path).map_err(|error| error.to_string())?;
        let changed = file.metadata().and_then(|metadata| metadata.modified()).ok();
        let mut bytes = Vec::new();
        file.take(MOST).read_to_end(&mut bytes).map_err(|error| error.to_string())?;
        Ok::<_, String>((bytes, changed.and_then(|changed| Timestamp::try_from(changed).ok())))
    };
    let (bytes, changed) = match read() {
        Ok(read) => read,
        Err(fault) => return Held { fault: Some(fault), ..held },
    };
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Held { since: changed, fault: Some("it is empty".into()), ..held };
    }
    match kind {
        Kind::Certificate | Kind::Authority => match lives(&bytes) {
            Ok(lives) => {
                let (since, ends) =
                    if kind == Kind::Certificate { chain(&lives) } else { authorities(&lives) };
                Held { since, ends, ..held }
            }
            Err(fault) => Held { since: changed, fault: Some(fault), ..held },
        },
        Kind::Key | Kind::Secret | Kind::Token => Held { since: changed, ends: end_of_token(&bytes), ..held },
    }
}

/// From when to when one certificate is good.
type Life = (Timestamp, Timestamp);

/// Of each certificate in a PEM file.
fn lives(pem: &[u8]) -> Result<Vec<Life>, String> {
    let mut lives = Vec::new();
    for certificate in CertificateDer::pem_slice_iter(pem) {
        let certificate = certificate.map_err(|error| error.to_string())?;
        let (_, read) = X509Certificate::from_der(&certificate).map_err(|error| error.to_string())?;
        let time = |seconds: i64| Timestamp::from_second(seconds).map_err(|error| error.to_string());
        let validity = read.validity();
        lives.push((time(validity.not_before.timestamp())?, time(validity.not_after.timestamp())?));
    }
    if lives.is_empty() { Err("it holds no certificate".into()) } else { Ok(lives) }
}

/// A chain is as good as its weakest part.
fn chain(lives: &[Life]) -> (Option<Timestamp>, Option<Timestamp>) {
    (lives.iter().map(|(since, _)| *since).max(), lives.iter().map(|(_, ends)| *ends).min())
}

/// Of several authorities the last one counts: those before it are there for what they signed.
fn authorities(lives: &[Life]) -> (Option<Timestamp>, Option<Timestamp>) {
    let last = lives.iter().max_by_key(|(_, ends)| *ends);
    (last.map(|(since, _)| *since), last.map(|(_, ends)| *ends))
}

/// When a token ends that says so by itself. It is not ours to check whether that is true.
fn end_of_token(bytes: &[u8]) -> Option<Timestamp> {
    let token = Compact::parse(std::str::from_utf8(bytes).ok()?.trim()).ok()?;
    Timestamp::from_second(token.claims.get("exp")?.as_i64()?).ok()
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::{Kind, file, lives};

    #[test]
    fn what_lies_there_is_told_and_never_shown() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret");
        assert!(file(Kind::Secret, "a".into(), &path).fault.is_some(), "not there");
        for (text, ends, fault) in [
            ("hunter2\n", None, None),
            (" \n", None, Some("it is empty")),
            // {} . {"exp":1700000000} . AA
            ("e30.eyJleHAiOjE3MDAwMDAwMDB9.AA\n", Some(1_700_000_000), None),
        ] {
            std::fs::write(&path, text).unwrap();
            let held = file(Kind::Secret, "a".into(), &path);
            assert_eq!(held.ends.map(Timestamp::as_second), ends, "{text}");
            assert_eq!(held.fault.as_deref(), fault, "{text}");
            assert!(held.since.is_some() && !format!("{held:?}").contains("hunter2"));
        }
        std::fs::write(&path, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n").unwrap();
        assert!(file(Kind::Certificate, "a".into(), &path).fault.is_some());
        assert_eq!(lives(b"no certificate"), Err("it holds no certificate".into()));
    }
}
