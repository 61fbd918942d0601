//! One person of what all sources say of a name.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use oam_policy::{
    GroupName, Snapshot,
    name::UsernameKey,
    snapshot::{DirectoryError, Person},
};

use super::{Roster, roster::Tombstone};
use crate::config::SourceName;

/// A source while it is merged.
#[derive(Debug, Clone, Copy)]
pub(super) struct Voice<'a> {
    pub(super) name: &'a SourceName,
    pub(super) retired: bool,
    pub(super) roster: &'a Roster,
}

/// Who is called so; `None` when no source ever knew anybody of that name.
///
/// Inactive in any source is inactive. Whoever no source knows any more is inactive and in no group. Of everything that
/// is one value, the first source by name that has it says what it is.
pub(super) fn person(key: &UsernameKey, voices: &[Voice<'_>]) -> Option<Person> {
    let mut merged: Option<Person> = None;
    let mut gone: Option<Person> = None;
    let mut cut_off = false;
    for voice in voices {
        match voice.roster.person(key) {
            Some(person) if voice.retired => {
                cut_off |= !person.active;
                gone.get_or_insert_with(|| buried(person.username));
            }
            Some(person) => {
                cut_off |= !person.active;
                let person = limited(person, voice.name, voices);
                match &mut merged {
                    Some(merged) => unite(merged, person),
                    None => merged = Some(person),
                }
            }
            None => {
                if let Some(Tombstone { username, deactivated, .. }) = voice.roster.tombstone(key) {
                    cut_off |= deactivated;
                    gone.get_or_insert_with(|| buried(username.clone()));
                }
            }
        }
    }
    let merged = merged.or(gone)?;
    Some(Person { active: merged.active && !cut_off, ..merged })
}

/// Everybody whom any source knows or knew, and every group, as of then. Made person by person: beside what the sources hold
/// and what comes out nobody need have room for everybody once more.
pub(super) fn snapshot(voices: &[Voice<'_>], as_of: Timestamp) -> Result<Snapshot, DirectoryError> {
    let mut names = BTreeSet::new();
    for voice in voices {
        voice.roster.names(&mut names);
    }
    let people = names.iter().filter_map(|key| person(key, voices));
    Snapshot::of_people(0, as_of, groups(voices).into_iter().collect(), people, BTreeMap::new())
}

/// Every group of every source.
pub(super) fn groups(voices: &[Voice<'_>]) -> BTreeSet<GroupName> {
    let mut groups = BTreeSet::new();
    for voice in voices.iter().filter(|voice| !voice.retired) {
        groups.extend(
            voice.roster.groups().into_iter().filter(|group| may_speak_of(voice.name, group, voices)),
        );
    }
    groups
}

/// A source speaks of its own groups, and of those that no source is called after.
pub(super) fn may_speak_of(name: &SourceName, group: &GroupName, voices: &[Voice<'_>]) -> bool {
    group.source() == name.as_str()
        || !voices.iter().any(|voice| !voice.retired && voice.name.as_str() == group.source())
}

fn limited(mut person: Person, name: &SourceName, voices: &[Voice<'_>]) -> Person {
    person.groups.retain(|group| may_speak_of(name, group, voices));
    person
}

fn buried(username: oam_policy::Username) -> Person {
    Person { active: false, ..Person::named(username) }
}

fn unite(merged: &mut Person, other: Person) {
    merged.active &= other.active;
    merged.id = merged.id.take().or(other.id);
    merged.display_name = merged.display_name.take().or(other.display_name);
    for email in other.emails {
        if !merged.emails.iter().any(|known| known.eq_ignore_ascii_case(&email)) {
            merged.emails.push(email);
        }
    }
    merged.keys.ssh.extend(missing(other.keys.ssh, &merged.keys.ssh));
    merged.keys.openpgp.extend(missing(other.keys.openpgp, &merged.keys.openpgp));
    merged.groups.extend(other.groups);
}

fn missing<T: PartialEq>(these: Vec<T>, known: &[T]) -> Vec<T> {
    these.into_iter().filter(|one| !known.contains(one)).collect()
}
