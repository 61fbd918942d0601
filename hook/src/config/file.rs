//! The file as it is written.

use std::{
    net::IpAddr,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use oam_policy::{Repository, glob::Glob, printable::Printable};
use serde::Deserialize;
use tonic::transport::Uri;

use super::{
    Config, Endpoint, Host, OpenAudited, Plain, PlainRepository, Tls, TlsEndpoint,
    owners::{self, Owner},
};

/// The longest deadline: Bitbucket itself gives up on a hook after two minutes.
const MAX_DEADLINE: Duration = Duration::from_secs(100);

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FileConfig {
    endpoints: Option<Vec<String>>,
    deadline: Option<String>,
    #[serde(default)]
    socket_owners: Vec<Owner>,
    tls: Option<FileTls>,
    plain: Option<FilePlain>,
    on_unavailable: Option<FileOnUnavailable>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct FileTls {
    ca: PathBuf,
    certificate: PathBuf,
    key: PathBuf,
    server_name: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct FilePlain {
    principal_env: String,
    repository: Option<String>,
    repositories: Option<PathBuf>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct FileOnUnavailable {
    #[expect(dead_code, reason = "its one value says it all; a file must write it out")]
    action: Action,
    refs: Vec<String>,
    spool: PathBuf,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Action {
    OpenAudited,
}

/// Reads the text; what is wrong is said with its line.
pub(super) fn parse(text: &str) -> Result<FileConfig, String> {
    toml::from_str(text).map_err(|error| {
        let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
        let line = before.matches('\n').count().saturating_add(1);
        format!("line {line}: {}", error.message())
    })
}

impl FileConfig {
    pub(super) fn into_config(self) -> Result<Config, String> {
        let default = Config::default();
        let tls = self.tls.map(tls).transpose()?.map(Arc::new);
        let endpoints = match self.endpoints {
            None => default.endpoints,
            Some(none) if none.is_empty() => return Err("`endpoints` is empty".into()),
            Some(some) => some.iter().map(|text| endpoint(text, tls.as_ref())).collect::<Result<_, _>>()?,
        };
        Ok(Config {
            endpoints,
            deadline: self.deadline.as_deref().map_or(Ok(default.deadline), deadline)?,
            socket_owners: owners::ids(self.socket_owners)?,
            plain: self.plain.map(plain).transpose()?,
            on_unavailable: self.on_unavailable.map(open_audited).transpose()?,
        })
    }
}

fn tls(file: FileTls) -> Result<Tls, String> {
    Ok(Tls {
        ca: absolute("tls.ca", file.ca)?,
        certificate: absolute("tls.certificate", file.certificate)?,
        key: absolute("tls.key", file.key)?,
        server_name: file.server_name,
    })
}

fn endpoint(text: &str, tls: Option<&Arc<Tls>>) -> Result<Endpoint, String> {
    let shown = Printable::new(text);
    if let Some(path) = text.strip_prefix("unix:") {
        return absolute("endpoints", PathBuf::from(path)).map(Endpoint::Unix);
    }
    let bad = || format!("`endpoints`: `{shown}` is neither `unix:/path` nor `https://address:port`");
    let uri: Uri = text.parse().map_err(|_| bad())?;
    let (Some("https"), Some(host), Some(port), "" | "/") =
        (uri.scheme_str(), uri.host(), uri.port_u16(), uri.path())
    else {
        return Err(bad());
    };
    if uri.query().is_some() || uri.authority().is_some_and(|authority| authority.as_str().contains('@')) {
        return Err(bad());
    }
    let tls = tls.ok_or_else(|| format!("`endpoints`: `{shown}` needs `[tls]`"))?;
    Ok(Endpoint::Tls(TlsEndpoint { host: host_of(host)?, port, tls: Arc::clone(tls) }))
}

fn host_of(text: &str) -> Result<Host, String> {
    let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
    match bare.parse::<IpAddr>() {
        Ok(address) => Ok(Host::Address(address)),
        // glibc's resolver loads plug-ins, which a static binary cannot do safely.
        Err(_) if cfg!(all(target_env = "gnu", target_feature = "crt-static")) => Err(format!(
            "`endpoints`: this build of the hook cannot look up `{text}`; write the address, and the name as \
             `tls.server_name`"
        )),
        Err(_) => Ok(Host::Name(text.to_owned())),
    }
}

fn deadline(text: &str) -> Result<Duration, String> {
    let bad = || format!("`deadline`: `{}` is no time; write `2s` or `500ms`", Printable::new(text));
    let number = text.trim_end_matches(|character: char| character.is_ascii_alphabetic());
    let count: u64 = number.parse().map_err(|_| bad())?;
    let length = match text.strip_prefix(number) {
        Some("ms") => Duration::from_millis(count),
        Some("s") => Duration::from_secs(count),
        _ => return Err(bad()),
    };
    if length.is_zero() || length > MAX_DEADLINE {
        return Err(format!("`deadline`: more than 0 and at most {} s is allowed", MAX_DEADLINE.as_secs()));
    }
    Ok(length)
}

fn plain(file: FilePlain) -> Result<Plain, String> {
    if file.principal_env.is_empty() || file.principal_env.contains(['=', '\0']) {
        return Err("`plain.principal_env` is no variable's name".into());
    }
    let repository = match (file.repository, file.repositories) {
        (Some(name), None) => PlainRepository::Named(
            Repository::parse(&name).map_err(|error| format!("`plain.repository`: {error}"))?,
        ),
        (None, Some(folder)) => PlainRepository::Below(absolute("plain.repositories", folder)?),
        _ => return Err("`[plain]` needs either `repository` or `repositories`".into()),
    };
    Ok(Plain { principal_env: file.principal_env, repository })
}

fn open_audited(file: FileOnUnavailable) -> Result<OpenAudited, String> {
    if file.refs.is_empty() {
        return Err("`on_unavailable.refs` is empty: list the refs that may go in without a check".into());
    }
    let glob = |text: &String| {
        let wrong = |error| format!("`on_unavailable.refs`: `{}`: {error}", Printable::new(text));
        Glob::parse(text).map_err(wrong)
    };
    Ok(OpenAudited {
        refs: file.refs.iter().map(glob).collect::<Result<_, _>>()?,
        spool: absolute("on_unavailable.spool", file.spool)?,
    })
}

/// The working directory is git's choice, so a relative path would mean nothing.
fn absolute(key: &str, path: PathBuf) -> Result<PathBuf, String> {
    if Path::is_absolute(&path) {
        Ok(path)
    } else {
        let shown = Printable::new(path.as_os_str().as_encoded_bytes());
        Err(format!("`{key}`: `{shown}` is no absolute path"))
    }
}
