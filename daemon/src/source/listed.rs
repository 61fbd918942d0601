use std::collections::BTreeMap;

use jiff::Timestamp;
use oam_policy::{
    GroupName, Snapshot,
    name::UsernameKey,
    snapshot::{Directory, DirectoryError, Person, User, UserView},
};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _, ser::SerializeStruct as _};

use super::roster::Touched;

/// Everybody, as a file lists them: kept as the directory itself is, in which half a million people take little room.
/// Written and read as a [`Directory`] is, without making one.
#[derive(Debug, Clone)]
pub struct Listed(Snapshot);

impl Listed {
    /// A list of these.
    ///
    /// # Errors
    /// When two people share a username.
    pub fn of(directory: &Directory) -> Result<Self, DirectoryError> {
        Snapshot::of_directory(0, Timestamp::UNIX_EPOCH, directory, BTreeMap::new()).map(Self)
    }

    pub(super) fn nobody() -> Self {
        Self(Snapshot::empty())
    }

    /// Puts another list in the place of this one, and tells who is no longer on it.
    pub(super) fn replace(&mut self, next: Self, touched: &mut Touched) -> Vec<Person> {
        let before = std::mem::replace(self, next);
        let has_other_groups = before.groups() != self.groups();
        touched.groups |= has_other_groups;
        let mut left = Vec::new();
        for (was, is) in before.0.shards().iter().zip(self.0.shards()) {
            // Where the groups are others, the same numbers mean others.
            if !has_other_groups && was.digest() == is.digest() {
                continue;
            }
            for key in was.users().iter().map(User::key) {
                let (was, is) = (before.0.user(&key), self.0.user(&key));
                match (was, is) {
                    (Some(was), Some(is)) if was.is_same_person(&is) => continue,
                    (Some(was), None) => left.push(was.to_person()),
                    _ => {}
                }
                touched.names.insert(key);
            }
            // Whoever is named again has no tombstone any more, be they the same as before it.
            let keys = is.users().iter().map(User::key);
            touched.names.extend(keys.filter(|key| before.0.user(key).is_none()));
        }
        left
    }

    pub(super) fn user(&self, key: &UsernameKey) -> Option<UserView<'_>> {
        self.0.user(key)
    }

    pub(super) fn users(&self) -> impl Iterator<Item = UserView<'_>> {
        self.0.users()
    }

    pub(super) fn user_count(&self) -> usize {
        self.0.user_count()
    }

    pub(super) fn groups(&self) -> &[GroupName] {
        self.0.groups()
    }
}

/// Those who were in a directory before there were sources, or whom an older generation has.
impl From<Snapshot> for Listed {
    fn from(snapshot: Snapshot) -> Self {
        Self(snapshot)
    }
}

impl PartialEq for Listed {
    fn eq(&self, other: &Self) -> bool {
        self.0.is_same_directory(&other.0)
    }
}

impl Eq for Listed {}

impl Serialize for Listed {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut directory = serializer.serialize_struct("Directory", 2)?;
        directory.serialize_field("people", &People(&self.0))?;
        directory.serialize_field("groups", self.groups())?;
        directory.end()
    }
}

impl<'de> Deserialize<'de> for Listed {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::of(&Directory::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

/// Everybody, one at a time.
struct People<'a>(&'a Snapshot);

impl Serialize for People<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeSeq as _;
        let mut people = serializer.serialize_seq(Some(self.0.user_count()))?;
        for user in self.0.users() {
            people.serialize_element(&user.to_person())?;
        }
        people.end()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use oam_policy::snapshot::{Directory, Person};

    use super::Listed;

    /// What earlier versions wrote is read, and the other way round.
    #[test]
    fn a_list_is_written_as_a_directory_is() {
        let people = (0..400).map(|number| Person {
            active: number % 3 > 0,
            emails: vec![format!("{number}@x")],
            groups: [format!("hr:{}", number % 7).parse().unwrap()].into(),
            ..Person::named(format!("Person-{number}").parse().unwrap())
        });
        let groups = BTreeSet::from(["hr:empty".parse().unwrap()]);
        let directory = Directory { people: people.collect(), groups };
        let listed = Listed::of(&directory).unwrap();
        let read: Listed = postcard::from_bytes(&postcard::to_stdvec(&directory).unwrap()).unwrap();
        assert_eq!(read, listed);
        let mut again: Directory = postcard::from_bytes(&postcard::to_stdvec(&listed).unwrap()).unwrap();
        assert_eq!(again.groups.len(), 8);
        again.people.sort_by_key(|person| person.emails.clone());
        let mut people = directory.people;
        people.sort_by_key(|person| person.emails.clone());
        assert_eq!(again.people, people);
    }
}
