use std::{collections::BTreeSet, fmt, path::Path};

use oam_policy::printable::Printable;

use super::{Config, PolicyPlace, SourceConfig, SourceKind, WitnessConfig};
use crate::signature::SignatureFiles;

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
            match &scim.tls {
                Some(tls) => {
                    writeln!(f, "certificate = {}\nkey = {}", written(&tls.certificate), written(&tls.key))?;
                }
                None => writeln!(f, "plaintext = \"loopback-only\"")?,
            }
            if let Some(url) = &scim.url {
                writeln!(f, "url = {}", text(url))?;
            }
        }
        writeln!(f, "\n[decisions]\nall_reasons_within = \"{}ms\"", self.all_reasons_within.as_millis())?;
        let SignatureFiles { allowed_signers, revoked_keys } = &self.signatures;
        writeln!(f, "\n[signatures]")?;
        for (key, path) in [("allowed_signers", allowed_signers), ("revoked_keys", revoked_keys)] {
            match path {
                Some(path) => writeln!(f, "{key} = {}", written(path))?,
                None => writeln!(f, "# {key}: none")?,
            }
        }
        if !self.witnesses.is_empty() {
            writeln!(f, "\n[audit]\nwitnesses = [{}]", witnesses(&self.witnesses))?;
        }
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
        if let Some(tcp) = &self.tcp {
            writeln!(f, "\n[tcp]\nlisten = \"{}\"\ncertificate = {}", tcp.listen, written(&tcp.certificate))?;
            writeln!(f, "key = {}\nclient_ca = {}", written(&tcp.key), written(&tcp.client_ca))?;
        }
        let http = self.http.map_or_else(|| "off".to_owned(), |address| address.to_string());
        writeln!(f, "\n[http]\nlisten = \"{http}\"")?;
        write!(f, "\n[log]\nformat = \"{}\"", self.log_format.as_str())?;
        self.issuers.iter().try_for_each(|(name, issuer)| issuer.show(f, name))
    }
}

fn show_source(source: &SourceConfig, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    writeln!(f, "\n[source.{}]\nkind = \"{}\"", source.name, source.kind.as_str())?;
    match source.max_age {
        Some(age) => writeln!(f, "max_age = \"{}ms\"", age.as_millis())?,
        None => writeln!(f, "# max_age: of any age")?,
    }
    if source.kind == SourceKind::Scim {
        let mapping = &source.mapping;
        writeln!(f, "username = \"{}\"", mapping.username.as_str())?;
        if let Some(suffix) = &mapping.username_suffix {
            writeln!(f, "username_suffix = {}", text(suffix))?;
        }
        writeln!(f, "group = \"{}\"", mapping.group.as_str())?;
    }
    Ok(())
}

fn list(uids: &BTreeSet<u32>) -> String {
    let texts: Vec<_> = uids.iter().map(ToString::to_string).collect();
    format!("[{}]", texts.join(", "))
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
