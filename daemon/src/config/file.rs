use std::{collections::BTreeMap, net::SocketAddr, path::PathBuf};

use oam_audit::entry::PeopleForm;
use serde::Deserialize;

use super::{
    export::ExportSection,
    issuer::IssuerSection,
    ldap::LdapSection,
    pull::{EntraSection, OktaSection},
    secrets::SecretsSection,
    signals::SignalsSection,
    webhook::WebhookSection,
};

/// The configuration as it is written. Every key may be left out.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FileConfig {
    /// The folder of everything that must survive a restart.
    pub state: Option<PathBuf>,
    /// The folder of the sockets.
    pub runtime: Option<PathBuf>,
    /// The daemon's name in the audit log; the host's name by default.
    pub node: Option<String>,
    /// `[policy]`
    pub policy: PolicySection,
    /// `[directory]`
    pub directory: DirectorySection,
    /// `[source.NAME]`
    pub source: BTreeMap<String, SourceSection>,
    /// `[scim]`
    pub scim: Option<ScimSection>,
    /// `[signals.NAME]`
    pub signals: BTreeMap<String, SignalsSection>,
    /// `[exchange]`
    pub exchange: Option<ExchangeSection>,
    /// `[decisions]`
    pub decisions: DecisionsSection,
    /// `[signatures]`
    pub signatures: SignaturesSection,
    /// `[audit]`
    pub audit: AuditSection,
    /// `[webhook.NAME]`
    pub webhook: BTreeMap<String, WebhookSection>,
    /// `[export.NAME]`
    pub export: BTreeMap<String, ExportSection>,
    /// `[hook]`
    pub hook: HookSection,
    /// `[admin]`
    pub admin: AdminSection,
    /// `[tcp]`
    pub tcp: Option<TcpSection>,
    /// `[http]`
    pub http: HttpSection,
    /// `[issuer.NAME]`
    pub issuer: BTreeMap<String, IssuerSection>,
    /// `[bitbucket]`
    pub bitbucket: Option<BitbucketSection>,
    /// `[secrets]`
    pub secrets: SecretsSection,
    /// `[log]`
    pub log: LogSection,
}

/// The Bitbucket that is guarded.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BitbucketSection {
    /// Its address, as in `https://bitbucket.example.com`.
    pub url: String,
    /// A file with an HTTP access token.
    pub token_file: PathBuf,
    /// The authorities that its certificate may come from, PEM; the system's by default.
    pub ca: Option<PathBuf>,
    /// Where its host may lie: `public`, `private` (the default) or `loopback`.
    pub network: Option<String>,
    /// `[bitbucket.canary]`
    #[serde(default)]
    pub canary: CanarySection,
    /// `[bitbucket.provisioning]`
    pub provisioning: Option<ProvisioningSection>,
    /// `[bitbucket.approvals]`
    #[serde(default)]
    pub approvals: ApprovalsSection,
    /// `[bitbucket.mirror]`
    pub mirror: Option<MirrorSection>,
}

/// Which rules are written as branch restrictions, too.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MirrorSection {
    /// Where: projects and repositories.
    pub at: Vec<String>,
    /// Whether rules with wildcards are, too.
    #[serde(default)]
    pub patterns: bool,
}

/// How permissions in Bitbucket are kept.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProvisioningSection {
    /// The user of Bitbucket whose token `oam bitbucket` uses.
    pub account: String,
    /// The sources whose groups Bitbucket has under the same names.
    #[serde(default)]
    pub groups: Vec<String>,
    /// Whether Bitbucket writes group memberships itself when somebody signs in.
    #[serde(default)]
    pub jit: bool,
    /// Where permissions that others gave are treated as our own.
    #[serde(default)]
    pub adopt: Vec<String>,
    /// What is never touched.
    #[serde(default)]
    pub ignore: Vec<String>,
    /// How much may be taken at once, as in `10%`.
    pub max_removed: Option<String>,
    /// What `oam bitbucket watch` does without being asked: `leavers`, `give`, `take`.
    pub automatic: Option<Vec<String>>,
}

/// How it is asked for pull requests.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ApprovalsSection {
    /// How long is waited for it, as in `1s`.
    pub within: Option<String>,
    /// How long the page of a pull request is answered by what it said before, as in `10s`.
    pub remember: Option<String>,
}

/// How it is proved that changes are checked.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CanarySection {
    /// How long from one round to the next, as in `15m`.
    pub every: Option<String>,
    /// In how many repositories each round.
    pub repositories: Option<usize>,
    /// After how long nothing proved is an alarm, as in `1h`.
    pub alarm_after: Option<String>,
}

/// Where the policy is.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PolicySection {
    /// A file or folder to follow.
    pub path: Option<PathBuf>,
    /// The digest of a proposed policy that comes into force without approval.
    pub unapproved: Option<String>,
}

/// The directory of users.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DirectorySection {
    /// How old it may be, as in `24h`.
    pub max_age: Option<String>,
}

/// How decisions are made.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DecisionsSection {
    /// How long more reasons are looked for, once it is certain that a push is refused, as in `500ms`.
    pub all_reasons_within: Option<String>,
    /// How much of what hooks tell is held at once, over all pushes, in MiB.
    pub facts_memory: Option<u32>,
}

/// With which keys people sign, besides those in the directory.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SignaturesSection {
    /// Who may sign with which SSH key: a file as `ssh-keygen` reads it.
    pub allowed_signers: Option<PathBuf>,
    /// SSH keys that nobody may sign with: a file with one public key a line.
    pub revoked_keys: Option<PathBuf>,
}

/// The audit log.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AuditSection {
    /// Who is asked to cosign its checkpoints.
    pub witnesses: Vec<WitnessSection>,
    /// From which age on files of entries are compressed, such as `90d`.
    pub compress_after: Option<String>,
    /// From which age on entries are removed, such as `7y`.
    pub keep: Option<String>,
    /// For how much longer those stay that a collector has not taken, such as `30d`.
    pub wait_for_collectors: Option<String>,
    /// As what people stand in its entries: `names` or `aliases`.
    pub people: PeopleForm,
}

/// A witness.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WitnessSection {
    /// Where it listens, as in `http://witness.example.com:8750`.
    pub url: String,
    /// Its public key.
    pub key: String,
}

/// One source of the directory.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SourceSection {
    /// How it reaches us.
    pub kind: SourceKind,
    /// How old what it says may be, as in `24h`.
    pub max_age: Option<String>,
    /// The attribute that holds the Bitbucket username.
    pub username: Option<String>,
    /// What is cut off the end of that attribute.
    pub username_suffix: Option<String>,
    /// The attribute that holds a group's name.
    pub group: Option<String>,
    /// `[source.NAME.ldap]`
    pub ldap: Option<LdapSection>,
    /// `[source.NAME.okta]`
    pub okta: Option<OktaSection>,
    /// `[source.NAME.entra]`
    pub entra: Option<EntraSection>,
}

/// How a source reaches us.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SourceKind {
    /// Somebody imports a file.
    File,
    /// An identity provider pushes changes by SCIM 2.0.
    Scim,
    /// We follow a directory server by LDAP.
    Ldap,
    /// We ask Okta's API.
    Okta,
    /// We ask Microsoft Graph.
    Entra,
}

impl SourceKind {
    /// The word for it in the configuration.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::File => "file",
            Self::Scim => "scim",
            Self::Ldap => "ldap",
            Self::Okta => "okta",
            Self::Entra => "entra",
        }
    }

    /// Whether we ask, rather than being told.
    pub const fn is_followed(self) -> bool {
        matches!(self, Self::Ldap | Self::Okta | Self::Entra)
    }
}

/// Where identity providers push to.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScimSection {
    /// The address, as in `0.0.0.0:8443`.
    pub listen: SocketAddr,
    /// The certificate chain, PEM.
    pub certificate: Option<PathBuf>,
    /// Its private key, PEM.
    pub key: Option<PathBuf>,
    /// `loopback-only`: without TLS, which is taken on a loopback address alone.
    pub plaintext: Option<String>,
    /// The address that providers know us by, when it is another, as in `https://oam.example.com`.
    pub url: Option<String>,
}

/// Where jobs show their tokens.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExchangeSection {
    /// The address, as in `0.0.0.0:8444`.
    pub listen: SocketAddr,
    /// The certificate chain, PEM.
    pub certificate: Option<PathBuf>,
    /// Its private key, PEM.
    pub key: Option<PathBuf>,
    /// `loopback-only`: without TLS, which is taken on a loopback address alone.
    pub plaintext: Option<String>,
    /// The address that jobs know it by: with it, tokens of leases are issued.
    pub url: Option<String>,
}

/// Who may ask for decisions on this host.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct HookSection {
    /// User ids besides root's and the daemon's.
    pub uids: Vec<u32>,
    /// Who users of this host are in the directory: usernames by user id.
    pub people: BTreeMap<String, String>,
    /// The group that the socket is given to.
    pub gid: Option<u32>,
}

/// Who may administer.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AdminSection {
    /// User ids besides root's and the daemon's, over the socket.
    pub uids: Vec<u32>,
    /// Who may do everything.
    pub admin: Vec<String>,
    /// Who may look, and cut people off.
    pub operator: Vec<String>,
    /// Who may look, and read the audit log.
    pub auditor: Vec<String>,
    /// The address for those who show a token, as in `0.0.0.0:7444`.
    pub listen: Option<SocketAddr>,
    /// The daemon's certificate chain there, PEM.
    pub certificate: Option<PathBuf>,
    /// Its private key, PEM.
    pub key: Option<PathBuf>,
    /// Who users of this host are in the directory: usernames by user id.
    pub people: BTreeMap<String, String>,
}

/// The listener for hooks on other hosts.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TcpSection {
    /// The address, as in `0.0.0.0:7443`.
    pub listen: SocketAddr,
    /// The daemon's certificate chain, PEM.
    pub certificate: PathBuf,
    /// Its private key, PEM.
    pub key: PathBuf,
    /// The authority of the hooks' certificates, PEM.
    pub client_ca: PathBuf,
}

/// Metrics and health.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct HttpSection {
    /// An address, or `off`.
    pub listen: Option<String>,
}

/// The daemon's own log.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LogSection {
    /// How lines are written.
    pub format: LogFormat,
}

/// How log lines are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

impl LogFormat {
    /// The word for it in the configuration.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Json => "json",
        }
    }
}
