//! Real directory servers, and a network between them and the daemon that can be cut.

mod openldap;
mod parts;
mod proxy;
mod samba;

use std::{
    fmt::Write as _,
    net::Ipv4Addr,
    path::{Path, PathBuf},
    process::Command,
};

use crate::{Finished, Run};

pub use openldap::OpenLdap;
pub use parts::InParts;
pub use proxy::{Proxy, rude_server};
pub use samba::Samba;

/// An address of this machine that no other process uses: servers with fixed ports can stand beside one another.
pub fn own_address() -> Ipv4Addr {
    let [_, b, c, d] = std::process::id().to_be_bytes();
    // Process ids have 22 bits at most: the first of these is below 64.
    Ipv4Addr::new(127, b | 0x40, c, d)
}

/// Whether a program is there.
pub fn has(program: &str) -> bool {
    ["/usr/sbin", "/usr/bin", "/sbin", "/bin"].iter().any(|folder| Path::new(folder).join(program).exists())
}

/// Whether a test can run that needs these programs. Where they cannot be had it is skipped, loudly; in CI never.
///
/// # Panics
/// In CI, when one is missing.
pub fn can_run(programs: &[&str]) -> bool {
    let missing: Vec<_> = programs.iter().filter(|program| !has(program)).collect();
    if missing.is_empty() {
        return true;
    }
    assert!(std::env::var_os("CI").is_none(), "{missing:?} are missing: `.ci/run` installs them");
    eprintln!("SKIPPED: {missing:?} are not installed (Debian: slapd ldap-utils samba samba-ad-provision)");
    false
}

/// Runs one of the `ldap…` programs against a server.
pub(crate) fn tool(program: &str, url: &str, dn: &str, password: &str, ca: &Path) -> Command {
    let mut command = Command::new(program);
    command.env_clear().env("PATH", "/usr/bin:/bin");
    command.env("LDAPTLS_CACERT", ca);
    command.args(["-x", "-H", url, "-D", dn, "-w", password]);
    command
}

/// Feeds LDIF to a program.
pub(crate) fn feed(mut command: Command, ldif: &str) -> Finished {
    command.run_with(ldif.as_bytes())
}

/// The configuration of a source that follows a server.
pub fn config(kind: &Source<'_>) -> String {
    let Source { name, flavour, urls, ca, bind_dn, password, people, groups, more } = kind;
    let mut text = String::new();
    let _ = write!(
        text,
        "[source.{name}]\nkind = \"ldap\"\n{more}\n[source.{name}.ldap]\nurls = {urls:?}\nflavour = \"{flavour}\"\nca = {ca:?}\n\
         bind_dn = \"{bind_dn}\"\npassword_file = {password:?}\nusers.base = \"{people}\"\ngroups.base = \"{groups}\"\n"
    );
    text
}

/// What [`config`] says.
#[derive(Debug)]
pub struct Source<'a> {
    /// The name.
    pub name: &'a str,
    /// The flavour.
    pub flavour: &'a str,
    /// The servers.
    pub urls: Vec<String>,
    /// The authority.
    pub ca: &'a Path,
    /// Who reads.
    pub bind_dn: &'a str,
    /// The file with their password.
    pub password: PathBuf,
    /// Where users are.
    pub people: &'a str,
    /// Where groups are.
    pub groups: &'a str,
    /// More lines below `[source.NAME]`.
    pub more: &'a str,
}
