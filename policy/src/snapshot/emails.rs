use std::collections::HashMap;

use super::Snapshot;

/// Whose e-mail addresses are whose: folded to ASCII lower case, with the places of the users who have them. Made when
/// it is first asked for, since most policies ask nothing of commits.
#[derive(Debug, Default)]
pub(super) struct EmailIndex(HashMap<Box<str>, Vec<(usize, usize)>>);

impl EmailIndex {
    fn of(snapshot: &Snapshot) -> Self {
        let mut places: HashMap<Box<str>, Vec<(usize, usize)>> = HashMap::new();
        for (number, shard) in snapshot.shards().iter().enumerate() {
            for (position, user) in shard.users().iter().enumerate() {
                // A source may say an empty one of many, and a commit may have none: that is no address of anybody.
                for email in user.emails.iter().filter(|email| !email.trim().is_empty()) {
                    places.entry(email.to_ascii_lowercase().into()).or_default().push((number, position));
                }
            }
        }
        Self(places)
    }
}

impl Snapshot {
    /// The users who have this e-mail address, active or not.
    pub fn users_with_email(&self, email: &str) -> impl Iterator<Item = super::UserView<'_>> {
        let index = self.emails.get_or_init(|| EmailIndex::of(self));
        let places = index.0.get(email.to_ascii_lowercase().as_str());
        places.into_iter().flatten().filter_map(|(shard, position)| {
            let user = self.shards.get(*shard).and_then(|shard| shard.users().get(*position))?;
            Some(self.view(user))
        })
    }

    /// Whether somebody has this e-mail address, active or not.
    pub fn is_email_of_somebody(&self, email: &str) -> bool {
        self.users_with_email(email).next().is_some()
    }

    /// Whether an active user has this e-mail address. Addresses are compared without regard to ASCII case.
    pub fn is_email_of_somebody_active(&self, email: &str) -> bool {
        self.users_with_email(email).any(|user| user.is_active())
    }
}

#[cfg(test)]
mod tests {
    use crate::snapshot::{Revocation, Snapshot, file::parse_json};

    #[test]
    fn an_address_is_that_of_whoever_is_active() {
        let directory = r#"{"version":1,"users":[
            {"username":"bare","emails":["", " "],"groups":[]},
            {"username":"ann","emails":["Ann@Example.com","a@x"],"groups":[]},
            {"username":"old","emails":["old@x"],"active":false,"groups":[]}]}"#;
        let directory = parse_json("d", directory).unwrap();
        let now = "2026-01-01T00:00:00Z".parse().unwrap();
        let snapshot = Snapshot::of_directory(1, now, &directory, Default::default()).unwrap();
        let knows = |snapshot: &Snapshot, email| snapshot.is_email_of_somebody_active(email);
        assert!(knows(&snapshot, "ann@example.COM") && knows(&snapshot, "a@x"));
        assert!(!knows(&snapshot, "") && !knows(&snapshot, " "), "no address is nobody's");
        assert!(snapshot.is_email_of_somebody("OLD@x") && !snapshot.is_email_of_somebody("ann"));
        assert!(!knows(&snapshot, "old@x") && !knows(&snapshot, "ann") && !knows(&snapshot, ""));
        let revocation = Revocation { at: now, by: "uid 0".into(), reason: "left".into() };
        let ann = "ann".parse::<crate::Username>().unwrap().key();
        assert!(!knows(&snapshot.revoke(&ann, revocation), "a@x"));
    }
}
