use std::{collections::BTreeSet, fmt, path::Path};

use oam_bitbucket::{mirror::MirrorSettings, provision::Settings};
use oam_policy::printable::Printable;

use super::{
    ApprovalsConfig, BitbucketConfig, CanaryConfig, Config, Flavour, LdapConfig, PolicyPlace, SecretsConfig,
    SourceConfig, SourceKind, TlsFiles, Upstream, WitnessConfig,
};
use crate::{audit_log::Keeping, signature::SignatureFiles};

/// The configuration in force, as a file that would give it.
impl fmt::Display for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.source {
            Some(path) => writeln!(f, "# In force from {}", shown(path))?,
            None => writeln!(f, "# In force without a configuration file")?,
        }
        writeln!(f, "state = {}", written(&self.state))?;
        writeln!(f, "runtime = {}", written(&self.runtime))?;
        match &self.node {
            Some(node) => writeln!(f, "node = \"{node}\"")?,
            None => writeln!(f, "# node: the host's name at the first start")?,
        }
        writeln!(f, "\n[policy]")?;
        match &self.policy {
            PolicyPlace::Managed(path) => writeln!(f, "# kept by the daemon in {}", shown(path))?,
            PolicyPlace::Followed(path) => writeln!(f, "path = {}", written(path))?,
        }
        if let Some(digest) = &self.unapproved_policy {
            writeln!(f, "unapproved = \"{digest}\"")?;
        }
        for source in &self.sources {
            show_source(source, f)?;
        }
        if let Some(scim) = &self.scim {
            writeln!(f, "\n[scim]\nlisten = \"{}\"", scim.listen)?;
            show_tls(scim.tls.as_ref(), f)?;
            if let Some(url) = &scim.url {
                writeln!(f, "url = {}", text(url))?;
            }
        }
        self.signals.iter().try_for_each(|one| one.show(f))?;
        if let Some(exchange) = &self.exchange {
            writeln!(f, "\n[exchange]\nlisten = \"{}\"", exchange.listen)?;
            show_tls(exchange.tls.as_ref(), f)?;
            match &exchange.url {
                Some(url) => writeln!(f, "url = {}", text(url))?,
                None => writeln!(f, "# url: none, so leases have no tokens")?,
            }
        }
        writeln!(f, "\n[decisions]\nall_reasons_within = \"{}ms\"", self.all_reasons_within.as_millis())?;
        writeln!(f, "facts_memory = {}", self.facts_memory >> 20)?;
        let SignatureFiles { allowed_signers, revoked_keys } = &self.signatures;
        writeln!(f, "\n[signatures]")?;
        for (key, path) in [("allowed_signers", allowed_signers), ("revoked_keys", revoked_keys)] {
            match path {
                Some(path) => writeln!(f, "{key} = {}", written(path))?,
                None => writeln!(f, "# {key}: none")?,
            }
        }
        writeln!(f, "\n[audit]\nwitnesses = [{}]", witnesses(&self.witnesses))?;
        let Keeping { compress_after, keep, wait_for_collectors } = &self.keeping;
        for (key, age) in [("compress_after", compress_after), ("keep", keep)] {
            match age {
                Some(age) => writeln!(f, "{key} = \"{age}\"")?,
                None => writeln!(f, "# {key}: never")?,
            }
        }
        writeln!(f, "wait_for_collectors = \"{wait_for_collectors}\"")?;
        writeln!(f, "people = \"{}\"", self.people.as_str())?;
        writeln!(f, "\n[hook]\nuids = {}", list(&self.hook_uids))?;
        if let Some(gid) = self.hook_gid {
            writeln!(f, "gid = {gid}")?;
        }
        write!(f, "\n[admin]\nuids = {}", list(&self.admin_uids))?;
        self.admin.show(f)?;
        writeln!(f)?;
        for webhook in &self.webhooks {
            // The address of some receivers is their only secret.
            let (name, format) = (&webhook.name, webhook.format.as_str());
            writeln!(f, "\n[webhook.{name}]\nurl = \"***\"\nformat = \"{format}\"")?;
            writeln!(f, "network = \"{}\"", webhook.network.as_str())?;
            if let Some(secret) = &webhook.secret {
                writeln!(f, "secret = {}", written(secret))?;
            }
            if let Some(ca) = &webhook.ca {
                writeln!(f, "ca = {}", written(ca))?;
            }
        }
        self.exports.iter().try_for_each(|export| export.show(f))?;
        if let Some(tcp) = &self.tcp {
            writeln!(f, "\n[tcp]\nlisten = \"{}\"", tcp.listen)?;
            show_tls(Some(&tcp.tls), f)?;
        }
        let http = self.http.map_or_else(|| "off".to_owned(), |address| address.to_string());
        writeln!(f, "\n[http]\nlisten = \"{http}\"")?;
        if let Some(bitbucket) = &self.bitbucket {
            show_bitbucket(bitbucket, f)?;
        }
        let SecretsConfig { warn_days, alarm_days, rotate_days } = &self.secrets;
        writeln!(f, "\n[secrets]\nwarn_days = {warn_days}\nalarm_days = {alarm_days}")?;
        writeln!(f, "rotate_days = {rotate_days}")?;
        write!(f, "\n[log]\nformat = \"{}\"", self.log_format.as_str())?;
        self.issuers.iter().try_for_each(|(name, issuer)| issuer.show(f, name))
    }
}

fn show_tls(tls: Option<&TlsFiles>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match tls {
        Some(tls) => {
            writeln!(f, "certificate = {}\nkey = {}", written(&tls.certificate), written(&tls.key))?;
            tls.client_ca.as_ref().map_or(Ok(()), |ca| writeln!(f, "client_ca = {}", written(ca)))
        }
        None => writeln!(f, "plaintext = \"loopback-only\""),
    }
}

fn show_bitbucket(bitbucket: &BitbucketConfig, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let BitbucketConfig { url, token_file, ca, network, canary, provisioning, approvals } = bitbucket;
    writeln!(f, "\n[bitbucket]\nurl = {}\ntoken_file = {}", text(url.as_str()), written(token_file))?;
    match ca {
        Some(ca) => writeln!(f, "ca = {}", written(ca))?,
        None => writeln!(f, "# ca: the system's")?,
    }
    writeln!(f, "network = \"{}\"", network.as_str())?;
    let CanaryConfig { every, repositories, alarm_after } = canary;
    writeln!(f, "\n[bitbucket.canary]\nevery = \"{}ms\"", every.as_millis())?;
    writeln!(f, "repositories = {repositories}\nalarm_after = \"{}ms\"", alarm_after.as_millis())?;
    let ApprovalsConfig { within, remember } = approvals;
    writeln!(f, "\n[bitbucket.approvals]\nwithin = \"{}ms\"", within.as_millis())?;
    writeln!(f, "remember = \"{}ms\"", remember.as_millis())?;
    provisioning.as_ref().map_or(Ok(()), |settings| show_provisioning(settings, f))
}

fn show_provisioning(settings: &Settings, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let Settings { account, daemon: _, groups, jit, adopt, ignore, most_removed, automatic, mirror } =
        settings;
    writeln!(f, "\n[bitbucket.provisioning]\naccount = {}", text(account.name()))?;
    writeln!(f, "groups = {}\njit = {jit}", texts(groups))?;
    writeln!(f, "adopt = {}\nignore = {}", texts(adopt), texts(ignore))?;
    let automatic = automatic.iter().map(|one| one.as_str());
    writeln!(f, "max_removed = \"{most_removed}%\"\nautomatic = {}", texts(automatic))?;
    let MirrorSettings { at, patterns } = mirror;
    match at.is_empty() {
        true => Ok(()),
        false => writeln!(f, "\n[bitbucket.mirror]\nat = {}\npatterns = {patterns}", texts(at)),
    }
}

fn show_source(source: &SourceConfig, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    writeln!(f, "\n[source.{}]\nkind = \"{}\"", source.name, source.kind.as_str())?;
    match source.max_age {
        Some(age) => writeln!(f, "max_age = \"{}ms\"", age.as_millis())?,
        None => writeln!(f, "# max_age: of any age")?,
    }
    let mapping = &source.mapping;
    let names_attributes = !matches!(source.kind, SourceKind::File | SourceKind::Ldap);
    if names_attributes {
        writeln!(f, "username = \"{}\"", mapping.username.as_str())?;
    }
    if let Some(suffix) = &mapping.username_suffix {
        writeln!(f, "username_suffix = {}", text(suffix))?;
    }
    if names_attributes {
        writeln!(f, "group = \"{}\"", mapping.group.as_str())?;
    }
    match &source.upstream {
        None => Ok(()),
        Some(Upstream::Ldap(ldap)) => show_ldap(source.name.as_str(), ldap, f),
        Some(Upstream::Okta(okta)) => okta.show(source.name.as_str(), f),
        Some(Upstream::Entra(entra)) => entra.show(source.name.as_str(), f),
    }
}

fn show_ldap(name: &str, ldap: &LdapConfig, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let urls: Vec<_> = ldap.servers.iter().map(|server| format!("\"{server}\"")).collect();
    writeln!(f, "\n[source.{name}.ldap]\nurls = [{}]", urls.join(", "))?;
    writeln!(f, "flavour = \"{}\"\nca = {}", ldap.flavour.as_str(), written(&ldap.ca))?;
    if ldap.is_plaintext() {
        writeln!(f, "plaintext = \"loopback-only\"")?;
    }
    writeln!(f, "bind_dn = {}", text(&ldap.bind_dn))?;
    writeln!(f, "password_file = {}", written(&ldap.password_file))?;
    writeln!(f, "resync = \"{}ms\"\nmax_loss = \"{}%\"", ldap.resync.as_millis(), ldap.max_loss)?;
    let users = &ldap.users;
    writeln!(f, "\n[source.{name}.ldap.users]\nbase = {}", text(&users.base))?;
    writeln!(f, "filter = {}\nusername = {}", text(&users.filter_text), text(&users.username))?;
    writeln!(f, "display_name = {}\nemail = {}", text(&users.display_name), text(&users.email))?;
    if ldap.flavour == Flavour::Plain {
        writeln!(f, "id = {}", text(&users.id))?;
    }
    let limits: Vec<_> = users.limits.iter().map(|limit| format!("\"{}\"", limit.as_str())).collect();
    writeln!(f, "limits = [{}]", limits.join(", "))?;
    let groups = &ldap.groups;
    writeln!(f, "\n[source.{name}.ldap.groups]\nbase = {}", text(&groups.base))?;
    writeln!(f, "filter = {}", text(&groups.filter_text))?;
    writeln!(f, "name = {}\nmember = {}", text(&groups.name), text(&groups.member))
}

fn list(uids: &BTreeSet<u32>) -> String {
    let texts: Vec<_> = uids.iter().map(ToString::to_string).collect();
    format!("[{}]", texts.join(", "))
}

fn texts(all: impl IntoIterator<Item: ToString>) -> toml::Value {
    toml::Value::Array(all.into_iter().map(|one| text(&one.to_string())).collect())
}

fn witnesses(witnesses: &[WitnessConfig]) -> String {
    let table = |WitnessConfig { url, key }: &WitnessConfig| {
        format!("{{ url = {}, key = \"{key}\" }}", toml::Value::String(url.clone()))
    };
    witnesses.iter().map(table).collect::<Vec<_>>().join(", ")
}

/// A path as a TOML text.
pub(super) fn written(path: &Path) -> toml::Value {
    text(&path.to_string_lossy())
}

pub(super) fn text(text: &str) -> toml::Value {
    toml::Value::String(text.to_owned())
}

/// A path in a comment, which no character of it can end.
fn shown(path: &Path) -> String {
    Printable::new(path.as_os_str().as_encoded_bytes()).to_string()
}
