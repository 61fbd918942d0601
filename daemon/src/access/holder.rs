use std::{fmt, str::FromStr};

use oam_policy::{GroupName, RoleId};

/// Who holds a role of the admin service, as a configuration says it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Holder {
    /// `role:ID`: whoever holds this role by the policy and the directory in force.
    Role(RoleId),
    /// `group:SOURCE:NAME`: whoever is in this group by the directory in force.
    Group(GroupName),
    /// `token:ISSUER:NAME`: whoever has this group or role by the word of this issuer.
    Token {
        /// The issuer's name in the configuration.
        issuer: String,
        /// The group or role.
        name: String,
    },
    /// `uid:NUMBER`: this user of this host, over the socket.
    Uid(u32),
    /// `gid:NUMBER`: whoever has this as their main group on this host, over the socket.
    Gid(u32),
}

impl Holder {
    /// Whether it is about people, and not about users of this host.
    pub fn is_of_people(&self) -> bool {
        match self {
            Self::Role(_) | Self::Group(_) | Self::Token { .. } => true,
            Self::Uid(_) | Self::Gid(_) => false,
        }
    }
}

impl FromStr for Holder {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let shape = || {
            format!(
                "`{}` is none of `role:ID`, `group:SOURCE:NAME`, `token:ISSUER:NAME`, `uid:NUMBER` and `gid:NUMBER`",
                text.escape_debug()
            )
        };
        let (kind, rest) = text.split_once(':').ok_or_else(shape)?;
        match kind {
            "role" => RoleId::parse(rest).map(Self::Role).map_err(|error| error.to_string()),
            "group" => GroupName::parse(rest).map(Self::Group).map_err(|error| error.to_string()),
            "token" => match rest.split_once(':') {
                Some((issuer, name)) if !issuer.is_empty() && !name.is_empty() => {
                    Ok(Self::Token { issuer: issuer.to_owned(), name: name.to_owned() })
                }
                _ => Err(shape()),
            },
            "uid" => rest.parse().map(Self::Uid).map_err(|_| shape()),
            "gid" => rest.parse().map(Self::Gid).map_err(|_| shape()),
            _ => Err(shape()),
        }
    }
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Role(role) => write!(f, "role:{role}"),
            Self::Group(group) => write!(f, "group:{group}"),
            Self::Token { issuer, name } => write!(f, "token:{issuer}:{name}"),
            Self::Uid(uid) => write!(f, "uid:{uid}"),
            Self::Gid(gid) => write!(f, "gid:{gid}"),
        }
    }
}
