use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::assertion::{Known, Taken};

/// Everything that is in an organization, and how it behaves.
#[derive(Debug)]
pub(super) struct Organization {
    pub(super) per_page: usize,
    /// How many users and groups were made.
    made: usize,
    pub(super) users: BTreeMap<String, User>,
    pub(super) groups: BTreeMap<String, Group>,
    pub(super) next_base: Option<String>,
    pub(super) shows_nothing: bool,
    pub(super) hides_from_loads: bool,
    pub(super) goes_round: bool,
    /// How many requests within how many seconds.
    pub(super) limit: Option<(u32, i64)>,
    /// Which of these spans it is, and how many requests came in it.
    pub(super) span: (i64, u32),
    pub(super) too_many: usize,
    /// The application that may ask for tokens by a key; `None`: an API token is what lets somebody ask.
    pub(super) client: Option<Known>,
    pub(super) taken: Taken,
    pub(super) tokens: BTreeSet<String>,
}

#[derive(Debug)]
pub(super) struct User {
    pub(super) login: String,
    pub(super) status: String,
    pub(super) last_updated: Timestamp,
}

#[derive(Debug)]
pub(super) struct Group {
    pub(super) name: String,
    pub(super) kind: &'static str,
    pub(super) members: BTreeSet<String>,
    pub(super) last_updated: Timestamp,
    pub(super) last_membership_updated: Timestamp,
}

/// When everything began.
fn long_ago() -> Timestamp {
    "2020-01-01T00:00:00.000Z".parse().unwrap()
}

/// As Okta writes it.
fn written(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string()
}

impl Organization {
    pub(super) fn new(per_page: usize) -> Self {
        let everyone = Group { name: "Everyone".into(), ..Group::new("BUILT_IN") };
        Self {
            per_page,
            made: 0,
            users: BTreeMap::new(),
            groups: BTreeMap::from([("00g00000000".to_owned(), everyone)]),
            next_base: None,
            shows_nothing: false,
            hides_from_loads: false,
            goes_round: false,
            limit: None,
            span: (0, 0),
            too_many: 0,
            client: None,
            taken: Taken::default(),
            tokens: BTreeSet::new(),
        }
    }

    pub(super) fn next_number(&mut self) -> usize {
        self.made += 1;
        self.made
    }
}

impl User {
    pub(super) fn new() -> Self {
        Self { login: String::new(), status: "ACTIVE".into(), last_updated: long_ago() }
    }

    pub(super) fn json(&self, id: &str) -> Value {
        json!({
            "id": id,
            "status": self.status,
            "created": written(long_ago()),
            "activated": null,
            "lastUpdated": written(self.last_updated),
            "profile": {
                "firstName": self.login.split('@').next(), "lastName": "L", "mobilePhone": null, "secondEmail": null,
                "login": self.login, "email": self.login,
            },
            "credentials": {"provider": {"type": "OKTA", "name": "OKTA"}},
        })
    }

    /// Whether a filter finds them; `None`: it is none that is known here.
    pub(super) fn is_found(&self, filter: Option<&str>) -> Option<bool> {
        let Some(filter) = filter else { return Some(self.status != "DEPROVISIONED") };
        let since = |text: &str| Some(written(self.last_updated).as_str() > text.strip_suffix('"')?);
        if let Some(since_text) = filter.strip_prefix("status eq \"DEPROVISIONED\" and lastUpdated gt \"") {
            return Some(self.status == "DEPROVISIONED" && since(since_text)?);
        }
        // The most unkind reading of what is written down: deactivated users only where the filter asks for them.
        Some(self.status != "DEPROVISIONED" && since(filter.strip_prefix("lastUpdated gt \"")?)?)
    }
}

impl Group {
    pub(super) fn new(kind: &'static str) -> Self {
        Self {
            name: String::new(),
            kind,
            members: BTreeSet::new(),
            last_updated: long_ago(),
            last_membership_updated: long_ago(),
        }
    }

    pub(super) fn json(&self, id: &str) -> Value {
        json!({
            "id": id,
            "type": self.kind,
            "objectClass": ["okta:user_group"],
            "created": written(long_ago()),
            "lastUpdated": written(self.last_updated),
            "lastMembershipUpdated": written(self.last_membership_updated),
            "profile": {"name": self.name, "description": null},
        })
    }

    /// Whether a filter finds it; `None`: it is none that is known here.
    pub(super) fn is_found(&self, filter: Option<&str>) -> Option<bool> {
        let Some(filter) = filter else { return Some(true) };
        let rest = filter.strip_prefix("lastUpdated gt \"")?;
        let (one, rest) = rest.split_once("\" or lastMembershipUpdated gt \"")?;
        let other = rest.strip_suffix('"')?;
        Some(
            written(self.last_updated).as_str() > one
                || written(self.last_membership_updated).as_str() > other,
        )
    }
}
