use std::{fmt, path::PathBuf, time::Duration};

use oam_fetch::{Dialer, Identity, Network, WebUrl};
use serde::Deserialize;

use super::{
    ConfigError,
    show::{text, written},
};

/// After how long a collector that does not take what it is given is an alarm, unless told otherwise.
const DEFAULT_ALARM_AFTER: Duration = Duration::from_secs(3600);
/// How large a file grows before it is put aside, in MiB, and how many of those are kept, unless told otherwise.
const DEFAULT_ROTATE_MIB: u64 = 64;
const DEFAULT_KEEP: u32 = 10;

/// `[export.NAME]` as it is written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExportSection {
    /// What the collector is.
    pub kind: ExportKind,
    /// What each event looks like.
    #[serde(default)]
    pub format: ExportFormat,
    /// Where a collector begins that is new.
    #[serde(default)]
    pub from: ExportFrom,
    /// After how long nothing taken is an alarm, as in `1h`.
    pub alarm_after: Option<String>,
    /// `file`: the file.
    pub path: Option<PathBuf>,
    /// `file`: how large it grows, in MiB.
    pub rotate_mib: Option<u64>,
    /// `file`: how many that are full are kept.
    pub keep: Option<u32>,
    /// `syslog`: host and port.
    pub address: Option<String>,
    /// `syslog`: what says that all was read.
    pub confirm: Option<SyslogConfirm>,
    /// `otlp`: where it listens.
    pub url: Option<String>,
    /// `otlp`: a file with a token.
    pub token_file: Option<PathBuf>,
    /// Where the host may lie.
    pub network: Option<String>,
    /// The authorities of its certificate, PEM.
    pub ca: Option<PathBuf>,
    /// Our certificate, PEM.
    pub certificate: Option<PathBuf>,
    /// Its private key, PEM.
    pub key: Option<PathBuf>,
}

/// What a collector is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ExportKind {
    /// A file that is followed.
    File,
    /// Syslog over TLS.
    Syslog,
    /// OpenTelemetry's protocol, over gRPC.
    Otlp,
}

/// What each event looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ExportFormat {
    /// The entry as the log holds it, with its number and its leaf hash.
    #[default]
    Jsonl,
    /// An event of the Open Cybersecurity Schema Framework.
    Ocsf,
}

/// Where a collector begins that is new.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ExportFrom {
    /// With what happens from now on.
    #[default]
    Now,
    /// With the first entry that is kept.
    Start,
}

/// What says that a syslog collector has read everything: the protocol itself has no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SyslogConfirm {
    /// It answers the end of the connection with an end of its own, by TLS.
    #[default]
    CloseNotify,
    /// It ends the connection, in whatever way.
    Close,
}

/// A collector of the audit log.
#[derive(Debug, Clone)]
pub struct ExportConfig {
    /// The name in the configuration.
    pub name: String,
    /// What each event looks like.
    pub format: ExportFormat,
    /// Where it begins when it is new.
    pub from: ExportFrom,
    /// After how long nothing taken is an alarm.
    pub alarm_after: Duration,
    /// Where it is.
    pub to: ExportTo,
}

/// Where a collector is.
#[derive(Debug, Clone)]
pub enum ExportTo {
    /// It follows this file.
    File {
        /// The file.
        path: PathBuf,
        /// How large it grows, in MiB, before it is put aside.
        rotate_mib: u64,
        /// How many that are full are kept.
        keep: u32,
    },
    /// It is spoken to by syslog over TLS.
    Syslog {
        /// Its host.
        host: Dialer,
        /// What says that it has read everything.
        confirm: SyslogConfirm,
    },
    /// It is called by OTLP.
    Otlp {
        /// Its host.
        host: Dialer,
        /// A file with a token to show.
        token_file: Option<PathBuf>,
    },
}

impl ExportKind {
    /// The word for it in the configuration.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::File => "file",
            Self::Syslog => "syslog",
            Self::Otlp => "otlp",
        }
    }
}

impl ExportConfig {
    /// What the collector is.
    pub const fn kind(&self) -> ExportKind {
        match self.to {
            ExportTo::File { .. } => ExportKind::File,
            ExportTo::Syslog { .. } => ExportKind::Syslog,
            ExportTo::Otlp { .. } => ExportKind::Otlp,
        }
    }

    pub(super) fn from_file(name: String, section: &ExportSection) -> Result<Self, ConfigError> {
        let fault =
            |detail: String| ConfigError::Value { key: "export", detail: format!("`{name}`: {detail}") };
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        if name.is_empty() || name.len() > 64 || !name.bytes().all(plain) {
            return Err(fault("a name is made of lower-case letters, digits and `-`".into()));
        }
        let alarm_after = super::duration("export.NAME.alarm_after", section.alarm_after.as_deref())?;
        let to = To { section }.read().map_err(&fault)?;
        Ok(Self {
            format: section.format,
            from: section.from,
            alarm_after: alarm_after.unwrap_or(DEFAULT_ALARM_AFTER),
            to,
            name,
        })
    }

    /// The section of a file that would give it.
    pub(super) fn show(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let format = match self.format {
            ExportFormat::Jsonl => "jsonl",
            ExportFormat::Ocsf => "ocsf",
        };
        let from = match self.from {
            ExportFrom::Now => "now",
            ExportFrom::Start => "start",
        };
        writeln!(f, "\n[export.{}]\nkind = \"{}\"\nformat = \"{format}\"", self.name, self.kind().as_str())?;
        writeln!(f, "from = \"{from}\"\nalarm_after = \"{}ms\"", self.alarm_after.as_millis())?;
        match &self.to {
            ExportTo::File { path, rotate_mib, keep } => {
                writeln!(f, "path = {}\nrotate_mib = {rotate_mib}\nkeep = {keep}", written(path))
            }
            ExportTo::Syslog { host, confirm } => {
                let confirm = match confirm {
                    SyslogConfirm::CloseNotify => "close-notify",
                    SyslogConfirm::Close => "close",
                };
                let address = host.url.as_str().trim_start_matches(SCHEME);
                writeln!(f, "address = {}\nconfirm = \"{confirm}\"", text(address))?;
                show_host(host, f)
            }
            ExportTo::Otlp { host, token_file } => {
                writeln!(f, "url = {}", text(host.url.as_str()))?;
                if let Some(token_file) = token_file {
                    writeln!(f, "token_file = {}", written(token_file))?;
                }
                show_host(host, f)
            }
        }
    }
}

fn show_host(host: &Dialer, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    writeln!(f, "network = \"{}\"", host.network.as_str())?;
    if let Some(ca) = &host.ca {
        writeln!(f, "ca = {}", written(ca))?;
    }
    if let Some(Identity { certificate, key }) = &host.identity {
        writeln!(f, "certificate = {}\nkey = {}", written(certificate), written(key))?;
    }
    Ok(())
}

/// Syslog over TLS has no URLs of its own.
const SCHEME: &str = "https://";

/// Reads what belongs to one kind of collector.
struct To<'a> {
    section: &'a ExportSection,
}

impl To<'_> {
    fn read(&self) -> Result<ExportTo, String> {
        self.no_others()?;
        let section = self.section;
        match section.kind {
            ExportKind::File => {
                let path = section.path.clone().ok_or("`path` says which file")?;
                if !path.is_absolute() {
                    return Err("`path` is absolute".into());
                }
                let rotate_mib = section.rotate_mib.unwrap_or(DEFAULT_ROTATE_MIB);
                let keep = section.keep.unwrap_or(DEFAULT_KEEP);
                if rotate_mib == 0 || rotate_mib > 1 << 20 || keep == 0 || keep > 10_000 {
                    return Err("`rotate_mib` lies between 1 and 1048576, `keep` between 1 and 10000".into());
                }
                Ok(ExportTo::File { path, rotate_mib, keep })
            }
            ExportKind::Syslog => {
                const RIGHT: &str = "`address` is a host and a port, as in `siem.example.com:6514`";
                let address = section.address.as_deref().ok_or(RIGHT)?;
                let url: WebUrl = format!("{SCHEME}{address}").parse().map_err(|_| RIGHT)?;
                let port = address.rsplit_once(':').and_then(|(_, port)| port.parse::<u16>().ok());
                if port != Some(url.port()) {
                    return Err(RIGHT.into());
                }
                let host = self.host(url, None)?;
                Ok(ExportTo::Syslog { host, confirm: section.confirm.unwrap_or_default() })
            }
            ExportKind::Otlp => {
                const RIGHT: &str = "`url` is an address, as in `https://collector.example.com:4317`";
                let url: WebUrl = section.url.as_deref().ok_or(RIGHT)?.parse().map_err(|_| RIGHT)?;
                let host = self.host(url, Some("h2"))?;
                if !host.url.is_https() && host.network != Network::Loopback {
                    return Err("only `https://` leaves this machine".into());
                }
                Ok(ExportTo::Otlp { host, token_file: section.token_file.clone() })
            }
        }
    }

    fn host(&self, url: WebUrl, protocol: Option<&'static str>) -> Result<Dialer, String> {
        let ExportSection { network, ca, certificate, key, .. } = self.section;
        let network = match network.as_deref() {
            // Collectors are the company's own.
            None => Network::Private,
            Some(text) => Network::parse(text).ok_or_else(|| {
                let all: Vec<_> = Network::ALL.iter().map(|one| format!("`{}`", one.as_str())).collect();
                format!("`network` is one of {}", all.join(", "))
            })?,
        };
        let identity = match (certificate.clone(), key.clone()) {
            (None, None) => None,
            (Some(certificate), Some(key)) => Some(Identity { certificate, key }),
            _ => return Err("`certificate` and `key` go together".into()),
        };
        Ok(Dialer { url, network, ca: ca.clone(), identity, protocol })
    }

    /// What belongs to other kinds says that something else was meant.
    fn no_others(&self) -> Result<(), String> {
        use ExportKind::{File, Otlp, Syslog};
        let section = self.section;
        let keys: [(&str, bool, &[ExportKind]); 11] = [
            ("path", section.path.is_some(), &[File]),
            ("rotate_mib", section.rotate_mib.is_some(), &[File]),
            ("keep", section.keep.is_some(), &[File]),
            ("address", section.address.is_some(), &[Syslog]),
            ("confirm", section.confirm.is_some(), &[Syslog]),
            ("url", section.url.is_some(), &[Otlp]),
            ("token_file", section.token_file.is_some(), &[Otlp]),
            ("network", section.network.is_some(), &[Syslog, Otlp]),
            ("ca", section.ca.is_some(), &[Syslog, Otlp]),
            ("certificate", section.certificate.is_some(), &[Syslog, Otlp]),
            ("key", section.key.is_some(), &[Syslog, Otlp]),
        ];
        let other = keys.iter().find(|(_, is_given, kinds)| *is_given && !kinds.contains(&section.kind));
        other.map_or(Ok(()), |(key, ..)| Err(format!("`{key}` is not for `{}`", section.kind.as_str())))
    }
}
