use std::{
    collections::BTreeMap,
    fmt::{self, Write as _},
    net::SocketAddr,
};

use oam_policy::{RoleId, Username};

use super::{ConfigError, TlsFiles, file::AdminSection};
use crate::access::{AdminRole, Holder};

/// Who may administer, besides the user ids over the socket, and where.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AdminConfig {
    /// Who holds which role. Nobody holds one that is not here.
    pub roles: BTreeMap<AdminRole, Vec<Holder>>,
    /// Who users of this host are in the directory: over the socket they may ask and answer for themselves.
    pub people: BTreeMap<u32, Username>,
    /// The listener for those who show a token; `None`: there is none.
    pub listener: Option<AdminListener>,
}

/// A TCP listener with TLS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AdminListener {
    /// The address.
    pub listen: SocketAddr,
    /// The daemon's certificate.
    pub tls: TlsFiles,
}

impl AdminConfig {
    pub(super) fn from_file(section: &AdminSection) -> Result<Self, ConfigError> {
        let written = [
            (AdminRole::Admin, &section.admin),
            (AdminRole::Operator, &section.operator),
            (AdminRole::Auditor, &section.auditor),
        ];
        let mut roles = BTreeMap::new();
        for (role, holders) in written {
            let fault = |detail| ConfigError::Value { key: role.key(), detail };
            let holders =
                holders.iter().map(|text| text.parse().map_err(fault)).collect::<Result<Vec<_>, _>>()?;
            if !holders.is_empty() {
                roles.insert(role, holders);
            }
        }
        let listener = match (section.listen, &section.certificate, &section.key) {
            (None, None, None) => None,
            (Some(listen), Some(certificate), Some(key)) => {
                let (certificate, key) = (certificate.clone(), key.clone());
                let tls = TlsFiles { section: "admin", certificate, key, client_ca: None };
                Some(AdminListener { listen, tls })
            }
            _ => {
                let detail = "`listen`, `certificate` and `key` go together".to_owned();
                return Err(ConfigError::Value { key: "admin.listen", detail });
            }
        };
        Ok(Self { roles, people: people(&section.people)?, listener })
    }

    /// Whether somebody can hold a role by a token, or by what the directory says of them.
    pub fn knows_people(&self) -> bool {
        self.roles.values().flatten().any(Holder::is_of_people)
    }

    /// What the holders of a role of the policy may by this: the policy itself does not know.
    pub fn uses_of(&self, role: &RoleId) -> impl Iterator<Item = String> {
        let by_it = move |holder: &Holder| matches!(holder, Holder::Role(one) if one == role);
        let given = self.roles.iter().filter(move |(_, holders)| holders.iter().any(by_it));
        given.map(|(given, _)| format!("administers the daemon as `{given}`"))
    }

    /// The rest of the section of a file that would give it.
    pub(super) fn show(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut lines = String::new();
        for (role, holders) in &self.roles {
            let holders = holders.iter().map(|holder| toml::Value::String(holder.to_string())).collect();
            write!(lines, "\n{role} = {}", toml::Value::Array(holders))?;
        }
        if !self.people.is_empty() {
            let people = self.people.iter();
            let people = people
                .map(|(uid, name)| format!("{uid} = {}", toml::Value::String(name.as_str().to_owned())));
            write!(lines, "\npeople = {{ {} }}", people.collect::<Vec<_>>().join(", "))?;
        }
        if let Some(listener) = &self.listener {
            write!(lines, "\nlisten = \"{}\"", listener.listen)?;
            write!(lines, "\ncertificate = {}", super::show::written(&listener.tls.certificate))?;
            write!(lines, "\nkey = {}", super::show::written(&listener.tls.key))?;
        }
        f.write_str(&lines)
    }
}

/// Who users of this host are in the directory. Two users may be one person; none is two.
fn people(named: &BTreeMap<String, String>) -> Result<BTreeMap<u32, Username>, ConfigError> {
    let fault = |detail: String| ConfigError::Value { key: "admin.people", detail };
    let one = |(uid, name): (&String, &String)| {
        let uid = uid.parse().map_err(|_| fault(format!("`{}` is no user id", uid.escape_debug())))?;
        let name = Username::parse(name).map_err(|error| fault(error.to_string()))?;
        Ok((uid, name))
    };
    named.iter().map(one).collect()
}
