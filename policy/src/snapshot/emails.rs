use std::{
    collections::{BTreeSet, HashMap},
    hash::BuildHasher as _,
    sync::{Arc, OnceLock},
};

use foldhash::fast::RandomState;

use super::{Amendment, Snapshot};
use crate::name::UsernameKey;

/// How many parts an index has.
const PARTS: usize = 256;

/// Whose e-mail addresses are whose: folded to ASCII lower case, with the names of the users who have them. Made when
/// it is first asked for, since most policies ask nothing of commits; from then on a change copies the parts in which somebody's
/// address is another, and shares all others.
#[derive(Debug, Clone)]
pub(super) struct EmailIndex {
    hasher: RandomState,
    parts: Box<[Arc<Part>]>,
}

/// Almost every address is one person's.
type Part = HashMap<Box<str>, Vec<UsernameKey>>;

impl EmailIndex {
    fn of(snapshot: &Snapshot) -> Self {
        let hasher = RandomState::default();
        let mut parts = vec![Part::new(); PARTS];
        for user in snapshot.shards().iter().flat_map(|shard| shard.users()) {
            for email in folded(user.emails.iter().map(AsRef::as_ref)) {
                if let Some(part) = parts.get_mut(part(&hasher, &email)) {
                    part.entry(email).or_insert_with(|| Vec::with_capacity(1)).push(user.key());
                }
            }
        }
        Self { hasher, parts: parts.into_iter().map(Arc::new).collect() }
    }

    fn names(&self, email: &str) -> impl Iterator<Item = &UsernameKey> {
        let email = email.to_ascii_lowercase();
        let part = self.parts.get(part(&self.hasher, &email));
        part.and_then(|part| part.get(email.as_str())).into_iter().flatten()
    }

    fn put(&mut self, email: Box<str>, key: &UsernameKey) {
        if let Some(part) = self.parts.get_mut(part(&self.hasher, &email)) {
            Arc::make_mut(part).entry(email).or_default().push(key.clone());
        }
    }

    fn take(&mut self, email: &str, key: &UsernameKey) {
        let Some(part) = self.parts.get_mut(part(&self.hasher, email)).map(Arc::make_mut) else { return };
        if let Some(names) = part.get_mut(email) {
            names.retain(|name| name != key);
            if names.is_empty() {
                part.remove(email);
            }
        }
    }
}

fn part(hasher: &RandomState, email: &str) -> usize {
    let [.., last] = hasher.hash_one(email).to_be_bytes();
    usize::from(last)
}

/// A source may say an empty one of many, and a commit may have none: that is no address of anybody.
fn folded<'a>(emails: impl Iterator<Item = &'a str>) -> BTreeSet<Box<str>> {
    let said = emails.filter(|email| !email.trim().is_empty());
    said.map(|email| email.to_ascii_lowercase().into()).collect()
}

impl Snapshot {
    /// Makes ready to tell whose an e-mail address is, which the first who asks would wait for, if that was asked of
    /// `before`. For whoever puts it in force.
    pub fn prepare_emails_as(&self, before: &Self) {
        if before.emails.get().is_some() {
            self.emails.get_or_init(|| EmailIndex::of(self));
        }
    }

    /// The index of what comes after this snapshot by an amendment.
    pub(super) fn emails_after(&self, amendment: &Amendment) -> Arc<OnceLock<EmailIndex>> {
        let Some(index) = self.emails.get() else { return Arc::default() };
        let mut next = index.clone();
        for person in &amendment.people {
            let key = person.username.key();
            let was = self.user(&key).map(|user| folded(user.emails())).unwrap_or_default();
            let is = folded(person.emails.iter().map(AsRef::as_ref));
            was.difference(&is).for_each(|email| next.take(email, &key));
            is.difference(&was).for_each(|email| next.put(email.clone(), &key));
        }
        Arc::new(OnceLock::from(next))
    }

    /// The users who have this e-mail address, active or not.
    pub fn users_with_email<'a>(&'a self, email: &'a str) -> impl Iterator<Item = super::UserView<'a>> {
        let index = self.emails.get_or_init(|| EmailIndex::of(self));
        let users = index.names(email).filter_map(|key| self.user(key));
        users.filter(move |user| user.emails().any(|one| one.eq_ignore_ascii_case(email)))
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
    use std::collections::BTreeSet;

    use proptest::{collection::vec, prelude::*};

    use crate::snapshot::{Amendment, Person, Revocation, Snapshot, file::parse_json};

    proptest! {
        /// Whatever changes, addresses are those of whoever has them now, also where the index was made before.
        #[test]
        fn an_address_follows_whoever_has_it(changes in vec((0..5_u8, vec(0..4_u8, 0..3)), 0..12), asked in 0..12_usize) {
            let as_of = "2026-01-01T00:00:00Z".parse().unwrap();
            let mut snapshot = Snapshot::empty();
            for (number, (person, emails)) in changes.into_iter().enumerate() {
                if number == asked {
                    prop_assert!(!snapshot.is_email_of_somebody("nobody@x"));
                }
                let emails = emails.into_iter().map(|email| format!("{email}@X")).collect();
                let person = Person { emails, ..Person::named(format!("P{person}").parse().unwrap()) };
                snapshot = snapshot.amend(&Amendment { as_of, people: vec![person], groups: None });
                for email in 0..4 {
                    let email = format!("{email}@x");
                    let has = |user: &crate::snapshot::UserView<'_>| user.emails().any(|one| one.eq_ignore_ascii_case(&email));
                    let naive: BTreeSet<_> = snapshot.users().filter(has).map(|user| user.username().key()).collect();
                    // A copy that never answered looks at everybody; this one goes on from before.
                    if number >= asked {
                        let mut told: Vec<_> =
                            snapshot.users_with_email(&email).map(|user| user.username().key()).collect();
                        told.sort();
                        prop_assert_eq!(told, naive.into_iter().collect::<Vec<_>>());
                    }
                }
            }
        }
    }

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
