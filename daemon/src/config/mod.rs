//! What the daemon is told: a TOML file as its author wrote it ([`FileConfig`]), and what follows from it
//! ([`Config`]), in which nothing that is required is optional. Nothing that changes while running lives here.

mod admin;
mod bitbucket;
mod export;
mod file;
mod https;
mod issuer;
mod ldap;
mod pull;
mod secrets;
mod show;
mod signals;
mod source;
mod webhook;

use std::{
    collections::{BTreeMap, BTreeSet},
    env,
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};

use oam_audit::{Name, entry::PeopleForm, keys::CosignerKey};
use oam_policy::Digest;
use thiserror::Error;

use self::{export::ExportSection, file::WitnessSection, issuer::IssuerSection, webhook::WebhookSection};
pub use admin::{AdminConfig, AdminListener};
pub use bitbucket::{ApprovalsConfig, BitbucketConfig, CanaryConfig};
pub use export::{ExportConfig, ExportFormat, ExportFrom, ExportKind, ExportTo, SyslogConfirm};
pub use file::{FileConfig, LogFormat, SourceKind};
pub use https::{ExchangeConfig, ScimConfig, TlsFiles};
pub use issuer::{IssuerConfig, LoginConfig, Purpose};
pub use ldap::{Flavour, LdapConfig, LdapGroups, LdapSecurity, LdapServer, LdapUsers};
pub use pull::{ClientKey, Credential, EntraConfig, KnownBy, OktaAccess, OktaConfig, PullConfig};
pub use secrets::SecretsConfig;
pub use signals::{Delivery, Effect, OnBlind, PersonAttribute, SignalsConfig, SubjectFormat};
pub use source::{GroupAttribute, Mapping, SourceConfig, SourceName, Upstream, UserAttribute};
pub use webhook::{WebhookConfig, WebhookFormat};

use crate::{
    audit_log::{Age, AgeError, Keeping},
    signature::SignatureFiles,
    witnesses,
};

/// Where Prometheus and health checks find the daemon unless told otherwise.
const DEFAULT_HTTP: &str = "127.0.0.1:9473";

/// How long more reasons are looked for unless told otherwise.
const DEFAULT_ALL_REASONS_WITHIN: Duration = Duration::from_millis(500);

/// How much of what hooks tell is held at once unless told otherwise, in MiB: of the largest pushes, eight.
const DEFAULT_FACTS_MEMORY: u32 = 512;

/// The configuration in force.
#[derive(Debug, Clone)]
pub struct Config {
    /// The file it was read from, if one was.
    pub source: Option<PathBuf>,
    /// The folder of everything that must survive a restart.
    pub state: PathBuf,
    /// The folder of the sockets.
    pub runtime: PathBuf,
    /// The daemon's name in the audit log; `None`: the host's name when the log was begun.
    pub node: Option<Name>,
    /// Where the policy is.
    pub policy: PolicyPlace,
    /// A proposed policy that comes into force at the start, whoever has approved it; `None`: none does.
    pub unapproved_policy: Option<Digest>,
    /// Where the directory comes from, ascending by name.
    pub sources: Vec<SourceConfig>,
    /// Where identity providers push to; `None`: nowhere.
    pub scim: Option<ScimConfig>,
    /// Whose shared signals are received.
    pub signals: Vec<SignalsConfig>,
    /// Where jobs show their tokens; `None`: nowhere.
    pub exchange: Option<ExchangeConfig>,
    /// How long more reasons are looked for, once it is certain that a push is refused.
    pub all_reasons_within: Duration,
    /// How much of what hooks tell is held at once, over all pushes, in bytes.
    pub facts_memory: usize,
    /// The files that say with which keys people sign, besides the directory.
    pub signatures: SignatureFiles,
    /// Who is asked to cosign the checkpoints of the audit log.
    pub witnesses: Vec<WitnessConfig>,
    /// As what people stand in its entries.
    pub people: PeopleForm,
    /// Who is told what people have for a while, by name.
    pub webhooks: Vec<WebhookConfig>,
    /// How long its entries are kept, and how.
    pub keeping: Keeping,
    /// Who collects the audit log, by name.
    pub exports: Vec<ExportConfig>,
    /// Who may ask for decisions over the Unix socket: user ids.
    pub hook_uids: BTreeSet<u32>,
    /// The group that the hook's socket is given to.
    pub hook_gid: Option<u32>,
    /// Who may administer over the Unix socket: user ids.
    pub admin_uids: BTreeSet<u32>,
    /// Who else may administer, and where.
    pub admin: AdminConfig,
    /// Whose tokens are believed, by name.
    pub issuers: BTreeMap<String, IssuerConfig>,
    /// The listener for hooks on other hosts.
    pub tcp: Option<TcpConfig>,
    /// Where metrics and health are served; `None`: nowhere.
    pub http: Option<SocketAddr>,
    /// The Bitbucket that is guarded; `None`: none that the daemon could ask.
    pub bitbucket: Option<BitbucketConfig>,
    /// When secrets and certificates are told of.
    pub secrets: SecretsConfig,
    /// How log lines are written.
    pub log_format: LogFormat,
}

/// Whose the policy is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PolicyPlace {
    /// A folder of the daemon's own, which `oam policy apply` replaces. Edits by hand are followed too.
    Managed(PathBuf),
    /// A file or folder of the administrator's, which the daemon only follows.
    Followed(PathBuf),
}

impl PolicyPlace {
    /// The file or folder.
    pub fn path(&self) -> &Path {
        match self {
            Self::Managed(path) | Self::Followed(path) => path,
        }
    }
}

/// A witness of the audit log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WitnessConfig {
    /// Where it listens.
    pub url: String,
    /// What its cosignatures are verified with.
    pub key: CosignerKey,
}

/// A TCP listener with mutual TLS: whoever shows a certificate of the client authority may ask.
#[derive(Debug, Clone)]
pub struct TcpConfig {
    /// The address.
    pub listen: SocketAddr,
    /// The daemon's certificate, and the authority of the hooks' certificates.
    pub tls: TlsFiles,
}

/// Why a configuration cannot be used.
#[derive(Debug, Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("configuration `{path}` cannot be read: {source}")]
    Read {
        /// The file.
        path: PathBuf,
        /// What went wrong.
        source: std::io::Error,
    },
    /// The file is not TOML of this shape. The text shows the place.
    #[error("configuration `{path}` is faulty\n{source}")]
    Parse {
        /// The file.
        path: PathBuf,
        /// What is wrong, and where.
        source: Box<toml::de::Error>,
    },
    /// A value of an issuer makes no sense.
    #[error("configuration key `issuer.{}{key}`: {detail}", .name.escape_debug())]
    Issuer {
        /// The issuer's name.
        name: String,
        /// The key, with its dot; empty: the name itself.
        key: &'static str,
        /// What is wrong, and what would be right.
        detail: String,
    },
    /// A value makes no sense.
    #[error("configuration key `{key}`: {detail}")]
    Value {
        /// The key.
        key: &'static str,
        /// What is wrong, and what would be right.
        detail: String,
    },
}

/// What the command line says beside the file.
#[derive(Debug, Clone, Default)]
pub struct Overrides {
    /// `--state`
    pub state: Option<PathBuf>,
}

impl Config {
    /// Reads a configuration file, or makes do without one.
    ///
    /// # Errors
    /// When the file cannot be read or is faulty.
    pub fn load(path: Option<&Path>, overrides: Overrides) -> Result<Self, ConfigError> {
        let file = match path {
            Some(path) => {
                let read = |source| ConfigError::Read { path: path.to_owned(), source };
                let text = std::fs::read_to_string(path).map_err(read)?;
                toml::from_str(&text).map_err(|source| ConfigError::Parse {
                    path: path.to_owned(),
                    source: Box::new(source),
                })?
            }
            None => FileConfig::default(),
        };
        Self::from_file(path, file, overrides)
    }

    fn from_file(source: Option<&Path>, file: FileConfig, overrides: Overrides) -> Result<Self, ConfigError> {
        let state = absolute("state", overrides.state.or(file.state).unwrap_or_else(default_state))?;
        let runtime = absolute("runtime", file.runtime.unwrap_or_else(|| default_runtime(&state)))?;
        let policy = match file.policy.path {
            Some(path) => PolicyPlace::Followed(absolute("policy.path", path)?),
            None => PolicyPlace::Managed(state.join("policy")),
        };
        let tcp = file.tcp.map(|tcp| TcpConfig {
            listen: tcp.listen,
            tls: TlsFiles {
                section: "tcp",
                certificate: tcp.certificate,
                key: tcp.key,
                client_ca: Some(tcp.client_ca),
            },
        });
        let sources = source::configured(file.source, file.directory.max_age.as_deref())?;
        if file.scim.is_none() {
            source::without_listener(&sources)?;
        }
        Ok(Self {
            source: source.map(Path::to_owned),
            node: file.node.as_deref().map(node_name).transpose()?,
            unapproved_policy: file.policy.unapproved.as_deref().map(digest).transpose()?,
            signals: signals::configured(file.signals, &sources, file.scim.is_some())?,
            sources,
            scim: file.scim.map(https::scim).transpose()?,
            exchange: file.exchange.map(https::exchange).transpose()?,
            all_reasons_within: duration(
                "decisions.all_reasons_within",
                file.decisions.all_reasons_within.as_deref(),
            )?
            .unwrap_or(DEFAULT_ALL_REASONS_WITHIN),
            facts_memory: (file.decisions.facts_memory.unwrap_or(DEFAULT_FACTS_MEMORY) as usize) << 20,
            signatures: SignatureFiles {
                allowed_signers: file
                    .signatures
                    .allowed_signers
                    .map(|path| absolute("signatures.allowed_signers", path))
                    .transpose()?,
                revoked_keys: file
                    .signatures
                    .revoked_keys
                    .map(|path| absolute("signatures.revoked_keys", path))
                    .transpose()?,
            },
            webhooks: webhooks(file.webhook)?,
            exports: exports(file.export)?,
            witnesses: file.audit.witnesses.into_iter().map(witness).collect::<Result<_, _>>()?,
            keeping: Keeping {
                compress_after: age("audit.compress_after", file.audit.compress_after.as_deref())?,
                keep: age("audit.keep", file.audit.keep.as_deref())?,
                wait_for_collectors: age(
                    "audit.wait_for_collectors",
                    file.audit.wait_for_collectors.as_deref(),
                )?
                .unwrap_or(Keeping::default().wait_for_collectors),
            },
            people: file.audit.people,
            hook_uids: trusted(file.hook.uids),
            hook_gid: file.hook.gid,
            admin: AdminConfig::from_file(&file.admin)?,
            admin_uids: trusted(file.admin.uids),
            issuers: issuers(file.issuer)?,
            http: http_address(file.http.listen.as_deref())?,
            bitbucket: file.bitbucket.map(bitbucket::configured).transpose()?,
            secrets: SecretsConfig::from_file(&file.secrets)?,
            log_format: file.log.format,
            state,
            runtime,
            policy,
            tcp,
        })
    }

    /// The socket that hooks ask at.
    pub fn hook_socket(&self) -> PathBuf {
        self.runtime.join("hook.sock")
    }

    /// The socket that `oam` talks to.
    pub fn admin_socket(&self) -> PathBuf {
        self.runtime.join("admin.sock")
    }
}

/// systemd's `StateDirectory=`, else a folder where the daemon was started.
fn default_state() -> PathBuf {
    env::var_os("STATE_DIRECTORY").map_or_else(|| PathBuf::from("oam-state"), PathBuf::from)
}

/// systemd's `RuntimeDirectory=`; else `/run/oam` for root, the user's own runtime folder, or one beside the state.
fn default_runtime(state: &Path) -> PathBuf {
    if let Some(given) = env::var_os("RUNTIME_DIRECTORY") {
        return PathBuf::from(given);
    }
    if rustix::process::geteuid().is_root() {
        return PathBuf::from("/run/oam");
    }
    env::var_os("XDG_RUNTIME_DIR")
        .map_or_else(|| state.join("run"), |folder| PathBuf::from(folder).join("oam"))
}

fn absolute(key: &'static str, path: PathBuf) -> Result<PathBuf, ConfigError> {
    std::path::absolute(path).map_err(|error| ConfigError::Value { key, detail: error.to_string() })
}

fn node_name(name: &str) -> Result<Name, ConfigError> {
    name.parse()
        .map_err(|error: oam_audit::NameError| ConfigError::Value { key: "node", detail: error.to_string() })
}

fn digest(text: &str) -> Result<Digest, ConfigError> {
    text.parse::<Digest>()
        .map_err(|error| ConfigError::Value { key: "policy.unapproved", detail: error.to_string() })
}

/// Those whose tokens are believed. Which of two is meant must be clear from a token.
fn issuers(sections: BTreeMap<String, IssuerSection>) -> Result<BTreeMap<String, IssuerConfig>, ConfigError> {
    let mut issuers: BTreeMap<String, IssuerConfig> = BTreeMap::new();
    for (name, section) in sections {
        let issuer = IssuerConfig::from_file(&name, section)?;
        let twin = issuers.iter().find(|(_, other)| {
            (&other.url, &other.audience, other.purpose) == (&issuer.url, &issuer.audience, issuer.purpose)
        });
        if let Some((twin, _)) = twin {
            let detail = format!("`issuer.{twin}` has the same `url` and `audience`");
            return Err(ConfigError::Issuer { name, key: "", detail });
        }
        issuers.insert(name, issuer);
    }
    Ok(issuers)
}

fn witness(WitnessSection { url, key }: WitnessSection) -> Result<WitnessConfig, ConfigError> {
    let fault = |detail: String| ConfigError::Value { key: "audit.witnesses", detail };
    witnesses::check_url(&url).map_err(|detail| fault(format!("`{url}`: {detail}")))?;
    let key = key.trim().parse().map_err(|error: oam_audit::keys::KeyError| fault(error.to_string()))?;
    Ok(WitnessConfig { url, key })
}

fn webhooks(sections: BTreeMap<String, WebhookSection>) -> Result<Vec<WebhookConfig>, ConfigError> {
    sections.into_iter().map(|(name, section)| WebhookConfig::from_file(name, section)).collect()
}

fn exports(sections: BTreeMap<String, ExportSection>) -> Result<Vec<ExportConfig>, ConfigError> {
    sections.into_iter().map(|(name, section)| ExportConfig::from_file(name, &section)).collect()
}

/// Root, the daemon's own user, and who else was named.
fn trusted(named: Vec<u32>) -> BTreeSet<u32> {
    named.into_iter().chain([0, rustix::process::geteuid().as_raw()]).collect()
}

fn duration(key: &'static str, text: Option<&str>) -> Result<Option<Duration>, ConfigError> {
    let Some(text) = text else { return Ok(None) };
    let fault = |detail: String| ConfigError::Value { key, detail };
    let signed: jiff::SignedDuration =
        text.parse().map_err(|error| fault(format!("`{text}` is no duration such as `24h`: {error}")))?;
    Duration::try_from(signed).map(Some).map_err(|_| fault(format!("`{text}` is negative")))
}

fn age(key: &'static str, text: Option<&str>) -> Result<Option<Age>, ConfigError> {
    let fault = |error: AgeError| ConfigError::Value { key, detail: error.to_string() };
    text.map(str::parse).transpose().map_err(fault)
}

fn http_address(text: Option<&str>) -> Result<Option<SocketAddr>, ConfigError> {
    match text.unwrap_or(DEFAULT_HTTP) {
        "off" => Ok(None),
        address => address.parse().map(Some).map_err(|_| ConfigError::Value {
            key: "http.listen",
            detail: format!("`{address}` is neither an address such as `{DEFAULT_HTTP}` nor `off`"),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::{Config, ConfigError, FileConfig, Overrides, PolicyPlace};

    fn config(text: &str) -> Result<Config, String> {
        let file: FileConfig = toml::from_str(text).map_err(|error| error.to_string())?;
        Config::from_file(None, file, Overrides::default()).map_err(|error: ConfigError| error.to_string())
    }

    #[test]
    fn nothing_need_be_said() {
        let config = config("").unwrap();
        assert!(config.state.is_absolute() && config.runtime.is_absolute());
        assert_eq!(config.policy, PolicyPlace::Managed(config.state.join("policy")));
        assert!(config.admin_uids.contains(&0));
        let names: Vec<_> = config.sources.iter().map(|source| source.name.as_str()).collect();
        assert_eq!(names, ["file"]);
        assert_eq!((config.sources[0].max_age, config.scim.is_none()), (None, true));
        assert_eq!(config.all_reasons_within.as_millis(), 500);
    }

    #[test]
    fn what_is_said_is_kept() {
        let config = config(
            "state = '/s'\nruntime = '/r'\nnode = 'n'\n[policy]\npath = '/p'\n[directory]\nmax_age = '24h'\n\
             [decisions]\nall_reasons_within = '2s'\n[signatures]\nallowed_signers = '/a'\n[hook]\nuids = [7]\n[http]\nlisten = 'off'\n",
        )
        .unwrap();
        assert_eq!(config.policy, PolicyPlace::Followed("/p".into()));
        assert_eq!(config.sources[0].max_age.unwrap().as_secs(), 86_400);
        assert_eq!(config.all_reasons_within.as_secs(), 2);
        assert_eq!(config.signatures.allowed_signers.as_deref(), Some("/a".as_ref()));
        assert!(config.hook_uids.contains(&7) && !config.admin_uids.contains(&7));
        assert_eq!((config.http, config.hook_socket()), (None, "/r/hook.sock".into()));
    }

    #[test]
    fn what_is_shown_is_what_is_in_force() {
        for text in [
            "",
            "state = \"/a\\nnode = x\"",
            "state = \"/var/l\u{200b}b\"",
            "state = \"/a\\u007f\"",
            "node = 'n'\n[directory]\nmax_age = '1500ms'\n[decisions]\nall_reasons_within = '0s'\n[policy]\npath = '/\u{200b}'\nunapproved = '0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef'\n[log]\nformat = 'json'\n\
             [signatures]\nallowed_signers = '/\u{200b}a'\nrevoked_keys = '/r'\n\
             [tcp]\nlisten = '127.0.0.1:1'\ncertificate = '/c'\nkey = '/k'\nclient_ca = '/ca'\n",
            "[source.okta]\nkind = 'scim'\nmax_age = '2h'\nusername = 'emails'\nusername_suffix = '@x'\n\
             [source.hr]\nkind = 'file'\n[scim]\nlisten = '127.0.0.1:1'\nplaintext = 'loopback-only'\nurl = 'https://x'",
            "[scim]\nlisten = '0.0.0.0:1'\ncertificate = '/c'\nkey = '/k'",
            "[exchange]\nlisten = '0.0.0.0:1'\ncertificate = '/c'\nkey = '/k'\n\
             [issuer.ci]\nfor = 'workloads'\nurl = 'https://ci'\naudience = 'oam'\n\
             [issuer.spire]\nfor = 'workloads'\nurl = 'https://s'\naudience = 'oam'\ntrust_domain = 'example.org'",
            "[exchange]\nlisten = '127.0.0.1:1'\nplaintext = 'loopback-only'",
            "[admin]\nadmin = ['role:boss', 'token:corp:oam \"x\"', 'uid:7']\nauditor = ['group:hr:a:b', 'gid:8']\n\
             listen = '127.0.0.1:2'\ncertificate = '/c'\nkey = '/k\u{200b}'\n\
             [issuer.corp]\nurl = 'https://id.example.com/\"'\naudience = \"a\\n\\u0007\"\nalgorithms = ['ES256', 'RS512']\n\
             type = 'at+jwt'\nleeway = '5s'\nusername = 'upn'\nid = 'oid'\ngroups = 'a.\"b.c\"'\ngroups_cut_at = 200\n\
             network = 'private'\nca = '/ca'\njwks_max_age = '1m'\njwks_max_stale = '2m'\njwks_retry = '1s'\n\
             client = 'oam-cli'\nscopes = ['openid']\nresource = 'urn:oam'\n[issuer.b]\nurl = 'https://b'\naudience = 'b'\n",
            "[source.a]\nkind = 'ldap'\nusername_suffix = '@x'\n[source.a.ldap]\nurls = ['ldaps://a', 'ldap://[::1]']\n\
             flavour = 'active-directory'\nbind_dn = 'cn=\"o'\npassword_file = '/p'\nusers.base = 'dc=x'\ngroups.base = 'dc=x'",
            "[source.a]\nkind = 'ldap'\n[source.a.ldap]\nurls = ['ldap://localhost']\nplaintext = 'loopback-only'\n\
             flavour = 'plain'\nbind_dn = 'cn=o'\npassword_file = '/p'\nmax_loss = '5%'\nresync = '10s'\n\
             users = { base = 'dc=x', filter = '(a=b)', id = 'nsUniqueId', limits = [], email = 'm' }\n\
             groups = { base = 'dc=x', name = 'ou', member = 'uniqueMember' }",
            "[source.a]\nkind = 'okta'\nusername = 'nickName'\ngroup = 'externalId'\n\
             [source.a.okta]\nurl = 'https://a.okta.com/'\ntoken_file = '/t'",
            "[source.a]\nkind = 'okta'\n[source.a.okta]\nurl = 'http://[::1]:1'\ntoken_file = '/t'\npoll = '10s'\nresync = '2h'\n\
             max_loss = '5%'\ngroups = ['b \"', 'a']\nnetwork = 'loopback'\nca = '/c'\nhook_secret_file = '/h'\n\
             [scim]\nlisten = '127.0.0.1:1'\nplaintext = 'loopback-only'",
            "[source.a]\nkind = 'entra'\n[source.a.entra]\ntenant = 'a.example'\nclient_id = 'b'\nclient_secret_file = '/s'",
            "[source.a]\nkind = 'entra'\n[source.a.entra]\ntenant = 'a'\nclient_id = 'b'\nclient_secret_file = '/s'\nnested = true\n\
             notifications = 'https://oam:8443/'\ngraph = 'http://[::1]:1'\nlogin = 'https://l'\nnetwork = 'loopback'\npoll = '5s'\n\
             [scim]\nlisten = '127.0.0.1:1'\nplaintext = 'loopback-only'",
            "[export.a]\nkind = 'file'\npath = '/\u{200b}x'\n[export.b]\nkind = 'syslog'\naddress = '[::1]:6514'\nformat = 'ocsf'\n\
             from = 'start'\nconfirm = 'close'\nnetwork = 'loopback'\nca = '/c'\ncertificate = '/d'\nkey = '/k'\nalarm_after = '5m'\n\
             [export.c]\nkind = 'otlp'\nurl = 'https://c:4317'\ntoken_file = '/t'",
            "[bitbucket]\nurl = 'https://b'\ntoken_file = '/t'",
            "[bitbucket]\nurl = 'https://b/x'\ntoken_file = '/\u{200b}t'\nca = '/c'\nnetwork = 'loopback'\n\
             [bitbucket.canary]\nevery = '1500ms'\nrepositories = 2\nalarm_after = '2h'\n\
             [bitbucket.approvals]\nwithin = '250ms'\nremember = '0s'",
            "[bitbucket]\nurl = 'https://b'\ntoken_file = '/t'\n[bitbucket.provisioning]\naccount = 'svc-oam'",
            "[bitbucket]\nurl = 'https://b'\ntoken_file = '/t'\n[bitbucket.provisioning]\naccount = 'Svc \"oam'\n\
             groups = ['okta']\njit = true\nadopt = ['PAY', 'WEB/shop']\nignore = ['group:a \"b', 'OPS', 'user:x']\n\
             max_removed = '5%'\nautomatic = ['give', 'take']",
        ] {
            let first = config(text).unwrap();
            let shown = first.to_string();
            let again = config(&shown).unwrap_or_else(|error| panic!("{error}\n{shown}"));
            assert_eq!(shown, again.to_string());
            assert_eq!((first.state, first.sources), (again.state, again.sources));
            assert_eq!((first.admin, first.issuers), (again.admin, again.issuers));
            assert_eq!(first.all_reasons_within, again.all_reasons_within);
            assert_eq!(first.signatures, again.signatures);
        }
    }

    #[test]
    fn witnesses_are_shown_as_they_were_given() {
        let key = oam_audit::keys::CosigningKey::from_seed("w1.example".parse().unwrap(), &[1; 32]);
        let key = key.verifier().to_string();
        let first = config(&format!("[[audit.witnesses]]\nurl = 'http://w:1/x'\nkey = '{key}'\n")).unwrap();
        assert_eq!(first.witnesses[0].key.to_string(), key);
        assert_eq!(config(&first.to_string()).unwrap().witnesses, first.witnesses);
    }

    #[test]
    fn faults_name_the_key_and_what_is_right() {
        for (text, part) in [
            ("stat = '/s'", "unknown field `stat`"),
            ("[directory]\nmax_age = 'soon'", "directory.max_age"),
            ("[decisions]\nall_reasons_within = '-1s'", "decisions.all_reasons_within"),
            ("[http]\nlisten = 'x'", "http.listen"),
            ("[policy]\nunapproved = 'c0ffee'", "policy.unapproved"),
            ("node = 'a b'", "node"),
            ("[source.Okta]\nkind = 'scim'", "source.NAME"),
            ("[source.file]\nkind = 'scim'", "source.NAME.kind"),
            ("[source.a]\nkind = 'nis'", "unknown variant `nis`"),
            ("[source.a]\nkind = 'ldap'", "[source.a.ldap]"),
            ("[source.a]\nkind = 'okta'", "[source.a.okta]"),
            ("[source.a]\nkind = 'entra'", "[source.a.entra]"),
            (
                "[source.a]\nkind = 'entra'\n[source.a.entra]\ntenant = 'a/b'\nclient_id = 'b'\nclient_secret_file = '/s'",
                "source.NAME.entra.tenant",
            ),
            (
                "[source.a]\nkind = 'entra'\n[source.a.entra]\ntenant = 'a'\nclient_id = 'b'\nclient_secret_file = '/s'\n\
                 graph = 'http://g'",
                "source.NAME.entra.graph",
            ),
            (
                "[source.a]\nkind = 'entra'\n[source.a.entra]\ntenant = 'a'\nclient_id = 'b'\nclient_secret_file = '/s'\n\
                 notifications = 'https://o'",
                "source.NAME.entra.notifications",
            ),
            (
                "[source.a]\nkind = 'scim'\n[source.a.okta]\nurl = 'https://a'\ntoken_file = '/t'",
                "source.NAME.okta",
            ),
            (
                "[source.a]\nkind = 'okta'\n[source.a.okta]\nurl = 'http://a'\ntoken_file = '/t'",
                "source.NAME.okta.url",
            ),
            (
                "[source.a]\nkind = 'okta'\n[source.a.okta]\nurl = 'https://a?b'\ntoken_file = '/t'",
                "source.NAME.okta.url",
            ),
            (
                "[source.a]\nkind = 'okta'\n[source.a.okta]\nurl = 'https://a'\ntoken_file = '/t'\npoll = '10ms'",
                "source.NAME.okta.poll",
            ),
            (
                "[source.a]\nkind = 'okta'\n[source.a.okta]\nurl = 'https://a'\ntoken_file = '/t'\ngroups = []",
                "source.NAME.okta.groups",
            ),
            (
                "[source.a]\nkind = 'okta'\n[source.a.okta]\nurl = 'https://a'\ntoken_file = '/t'\n\
                 hook_secret_file = '/h'",
                "source.NAME.okta.hook_secret_file",
            ),
            ("[source.a]\nkind = 'ldap'\nusername = 'uid'", "source.NAME.username"),
            ("[source.a]\nkind = 'file'\nusername = 'userName'", "source.NAME.username"),
            ("[source.a]\nkind = 'scim'\nusername = 'password'", "source.NAME.username"),
            ("[source.a]\nkind = 'scim'\ngroup = 'members'", "source.NAME.group"),
            (
                "[directory]\nmax_age = '1h'\n[source.file]\nkind = 'file'\nmax_age = '1h'",
                "directory.max_age",
            ),
            ("[directory]\nmax_age = '1h'\n[source.okta]\nkind = 'scim'", "directory.max_age"),
            ("[scim]\nlisten = '0.0.0.0:1'\nplaintext = 'loopback-only'", "scim.plaintext"),
            ("[scim]\nlisten = '127.0.0.1:1'\nplaintext = 'yes'", "scim.plaintext"),
            ("[scim]\nlisten = '127.0.0.1:1'", "scim.certificate"),
            ("[exchange]\nlisten = '127.0.0.1:1'", "exchange.certificate"),
            ("[exchange]\nlisten = '0.0.0.0:1'\nplaintext = 'loopback-only'", "exchange.plaintext"),
            ("[scim]\nlisten = '127.0.0.1:1'\ncertificate = '/c'", "scim.key"),
            ("[scim]\nlisten = '127.0.0.1:1'\nplaintext = 'loopback-only'\nurl = 'ftp://x'", "scim.url"),
            ("[[audit.witnesses]]\nurl = 'https://w'\nkey = 'x'", "http://HOST:PORT"),
            ("[[audit.witnesses]]\nurl = 'http://w'\nkey = 'x'", "audit.witnesses"),
            ("[[audit.witnesses]]\nurl = 'http://w'", "missing field `key`"),
            ("[audit]\nkeep = 'soon'", "audit.keep"),
            ("[audit]\ncompress_after = '-3d'", "audit.compress_after"),
            ("[tcp]\nlisten = '127.0.0.1:1'", "certificate"),
            ("[admin]\nlisten = '127.0.0.1:1'", "admin.listen"),
            ("[admin]\nadmin = ['oam-admins']", "admin.admin"),
            ("[admin]\nauditor = ['role:No Such']", "admin.auditor"),
            ("[issuer.Corp]\nurl = 'https://i'\naudience = 'a'", "issuer.Corp"),
            (
                "[issuer.a]\nurl = 'https://i'\naudience = 'a'\n[issuer.b]\nurl = 'https://i'\naudience = 'a'",
                "issuer.b",
            ),
            ("[bitbucket]\nurl = 'https://b'", "missing field `token_file`"),
            ("[export.A]\nkind = 'file'\npath = '/x'", "lower-case"),
            ("[export.a]\nkind = 'kafka'", "unknown variant `kafka`"),
            ("[export.a]\nkind = 'file'", "`path` says which file"),
            ("[export.a]\nkind = 'file'\npath = 'x'", "`path` is absolute"),
            ("[export.a]\nkind = 'file'\npath = '/x'\nkeep = 0", "`keep` between"),
            ("[export.a]\nkind = 'file'\npath = '/x'\nca = '/c'", "`ca` is not for `file`"),
            ("[export.a]\nkind = 'syslog'\naddress = 'siem'", "a host and a port"),
            ("[export.a]\nkind = 'syslog'\naddress = 'siem:6514/x'", "a host and a port"),
            (
                "[export.a]\nkind = 'syslog'\naddress = 'siem:6514'\nurl = 'https://c'",
                "`url` is not for `syslog`",
            ),
            ("[export.a]\nkind = 'syslog'\naddress = 'siem:6514'\nkey = '/k'", "go together"),
            ("[export.a]\nkind = 'otlp'\nurl = 'http://c:4317'", "only `https://` leaves"),
            ("[export.a]\nkind = 'otlp'\nurl = 'c:4317'", "`url` is an address"),
            ("[export.a]\nkind = 'otlp'\nurl = 'https://c'\nalarm_after = 'soon'", "export.NAME.alarm_after"),
            ("[bitbucket]\nurl = 'b'\ntoken_file = '/t'", "bitbucket.url"),
            ("[bitbucket]\nurl = 'https://b'\ntoken_file = '/t'\nnetwork = 'x'", "bitbucket.network"),
            (
                "[bitbucket]\nurl = 'https://b'\ntoken_file = '/t'\n[bitbucket.provisioning]\njit = true",
                "missing field `account`",
            ),
            (
                "[bitbucket]\nurl = 'https://b'\ntoken_file = '/t'\nprovisioning = { account = 'a', adopt = ['a b'] }",
                "bitbucket.provisioning.adopt",
            ),
            (
                "[bitbucket]\nurl = 'https://b'\ntoken_file = '/t'\nprovisioning = { account = 'a', ignore = ['x:y'] }",
                "`user:NAME` or `group:NAME`",
            ),
            (
                "[bitbucket]\nurl = 'https://b'\ntoken_file = '/t'\nprovisioning = { account = 'a', max_removed = '101%' }",
                "bitbucket.provisioning.max_removed",
            ),
            (
                "[bitbucket]\nurl = 'https://b'\ntoken_file = '/t'\nprovisioning = { account = 'a', automatic = ['all'] }",
                "bitbucket.provisioning.automatic",
            ),
            (
                "[bitbucket]\nurl = 'https://b'\ntoken_file = '/t'\nprovisioning = { account = 'a', groups = ['A B'] }",
                "bitbucket.provisioning.groups",
            ),
            (
                "[bitbucket]\nurl = 'https://b'\ntoken_file = '/t'\ncanary.every = '1ms'",
                "bitbucket.canary.every",
            ),
            (
                "[bitbucket]\nurl = 'https://b'\ntoken_file = '/t'\ncanary.repositories = 0",
                "bitbucket.canary.repositories",
            ),
            (
                "[bitbucket]\nurl = 'https://b'\ntoken_file = '/t'\napprovals.within = '2m'",
                "bitbucket.approvals.within",
            ),
            (
                "[bitbucket]\nurl = 'https://b'\ntoken_file = '/t'\napprovals.remember = '1h'",
                "bitbucket.approvals.remember",
            ),
        ] {
            let error = config(text).unwrap_err();
            assert!(error.contains(part), "{text}: {error}");
        }
    }
}
