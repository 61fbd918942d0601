use std::{collections::BTreeSet, fmt, time::Duration};

use jiff::Timestamp;
use oam_policy::Username;
use serde_json::{Map, Value};

use super::{ClaimPath, Groups};

/// From this length of life on a token is remarked upon: whoever finds it can use it for that long.
const LONG: Duration = Duration::from_secs(12 * 60 * 60);

/// What an issuer says of somebody, checked in every respect. Only [`Issuers`](super::Issuers) makes one.
#[derive(Clone)]
pub struct VerifiedToken {
    pub(super) issuer: String,
    pub(super) subject: String,
    pub(super) expires: Timestamp,
    pub(super) issued: Option<Timestamp>,
    pub(super) audiences: usize,
    pub(super) username: Option<Username>,
    /// Who it is by the directory's numbering, where the configuration says that a claim tells.
    pub(super) id: Id,
    pub(super) groups: Groups,
    pub(super) claims: Map<String, Value>,
}

impl VerifiedToken {
    /// The issuer's name in the configuration.
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// Who it is, as the issuer numbers its people. It never changes, and no other has it.
    pub fn subject(&self) -> &str {
        &self.subject
    }

    /// Until when it is good.
    pub fn expires(&self) -> Timestamp {
        self.expires
    }

    /// The name in the directory, where the issuer tells one that can be.
    pub fn username(&self) -> Option<&Username> {
        self.username.as_ref()
    }

    /// Whether it is about the one that the directory knows by this id. Where the issuer's configuration does not say which
    /// claim tells, the name alone must do.
    pub fn is_of(&self, id: Option<&str>) -> bool {
        match &self.id {
            Id::ByName => true,
            Id::Told(told) => id == Some(told),
            Id::Untold => false,
        }
    }

    /// Groups or roles, as the issuer tells them.
    pub fn groups(&self) -> &Groups {
        &self.groups
    }

    /// What stands at a path among the claims.
    pub fn claim(&self, path: &ClaimPath) -> Option<&Value> {
        path.find(&self.claims)
    }

    /// What somebody should know of a token that is good, and better were another: a word for it, for counting, and a sentence.
    pub fn remarks(&self) -> Vec<(&'static str, String)> {
        let life = self.issued.map(|issued| self.expires.duration_since(issued).unsigned_abs());
        let long = life.is_some_and(|life| life > LONG).then(|| {
            let what = format!(
                "The token is good for {} hours: whoever finds it can use it that long. Have `{}` issue shorter ones.",
                life.unwrap_or_default().as_secs() / 3600,
                self.issuer
            );
            ("long", what)
        });
        let endless = self.issued.is_none().then(|| {
            let what = format!(
                "The token does not say when it was issued: nobody can tell how long `{}` makes them good for.",
                self.issuer
            );
            ("undated", what)
        });
        let broad = (self.audiences > 1).then(|| {
            let what = format!(
                "The token is good for {} services: each of them could use it here. Have `{}` issue one for this service \
                 alone.",
                self.audiences, self.issuer
            );
            ("broad", what)
        });
        [long, endless, broad].into_iter().flatten().collect()
    }

    /// The same, the sentences alone.
    pub fn warnings(&self) -> Vec<String> {
        self.remarks().into_iter().map(|(_, what)| what).collect()
    }
}

/// Every word for what there may be to know of a good token.
pub const REMARKS: [&str; 3] = ["long", "undated", "broad"];

/// Who somebody is by the directory's numbering.
#[derive(Debug, Clone)]
pub(super) enum Id {
    /// No claim is configured to tell.
    ByName,
    /// A claim tells.
    Told(String),
    /// The claim is not there.
    Untold,
}

impl Id {
    pub(super) fn read(claims: &Map<String, Value>, path: Option<&ClaimPath>) -> Self {
        match path.map(|path| path.find(claims).and_then(Value::as_str)) {
            None => Self::ByName,
            Some(Some(told)) => Self::Told(told.to_owned()),
            Some(None) => Self::Untold,
        }
    }
}

/// Who it is, and nothing else: what more it says may be personal.
impl fmt::Debug for VerifiedToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let claims: BTreeSet<_> = self.claims.keys().collect();
        f.debug_struct("VerifiedToken")
            .field("issuer", &self.issuer)
            .field("subject", &self.subject)
            .field("expires", &self.expires)
            .field("claims", &claims)
            .finish_non_exhaustive()
    }
}
