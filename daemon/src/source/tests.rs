//! What sources say, against a naive model of it.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    sync::Arc,
};

use jiff::Timestamp;
use oam_policy::{
    GroupName, Snapshot, Username,
    name::UsernameKey,
    snapshot::{Amendment, Directory, Person},
};
use oam_scim::Document;
use proptest::{collection::vec, prelude::*, sample::select};
use serde_json::json;

use super::{
    Change, EXPIRES, Entry, Listed, Provisioned, Roster, Sources, StoredGroup, StoredUser,
    disk::{self, Disk, Found},
    merge::{self, Voice},
    roster::Touched,
};
use crate::{
    config::{SourceConfig, SourceKind, SourceName},
    directory,
    store::{Opened, Store},
};

/// Ids of users.
pub(crate) fn ids(numbers: &[usize]) -> Vec<String> {
    numbers.iter().map(|number| format!("u{number}")).collect()
}

/// A source with the group `g`, in which these are.
pub(crate) fn group_with<'a>(members: impl Iterator<Item = &'a String>, at: Timestamp) -> Provisioned {
    let mut provisioned = Provisioned::new(&config("okta", SourceKind::Scim));
    let mut touched = Touched::default();
    for number in 0..6 {
        provisioned.apply(Change::PutUser(stored(number, &format!("n{number}"), true)), &mut touched);
    }
    provisioned.apply(Change::PutGroup(head("g", "g", at)), &mut touched);
    let users = members.map(|id| id.as_str().into()).collect();
    provisioned.apply(Change::Join { group: "g".into(), users }, &mut touched);
    provisioned
}

/// The sources of a daemon that has one, `corp`, of this kind.
pub(crate) async fn opened(state: &Path, kind: SourceKind) -> Arc<Sources> {
    let Opened { store, loaded, .. } = Store::open(state).unwrap();
    let (writer, reader) = directory::start(store, loaded, Box::new(|_| Ok(()))).unwrap();
    let (sources, healed) = Sources::open(&[config("corp", kind)], state, (writer, reader)).await.unwrap();
    assert!(healed.is_empty(), "{healed:?}");
    Arc::new(sources)
}

fn config(name: &str, kind: SourceKind) -> SourceConfig {
    SourceConfig::bare(SourceName::parse(name).unwrap(), kind)
}

fn head(id: &str, name: &str, at: Timestamp) -> StoredGroup {
    let (id, display_name) = (id.into(), name.into());
    StoredGroup { id, created: at, modified: at, version: 1, display_name, external_id: None }
}

pub(crate) fn stored(number: usize, name: &str, active: bool) -> StoredUser {
    let document: Document = json!({"userName": name, "active": active}).as_object().unwrap().clone();
    let at = Timestamp::UNIX_EPOCH;
    StoredUser::new(&format!("u{number}"), at, at, 1, &document)
}

/// One thing that a source says.
#[derive(Debug, Clone)]
enum Said {
    /// The file lists these: the name, whether active, and the numbers of groups.
    Listed(BTreeMap<&'static str, (bool, BTreeSet<u8>)>),
    /// The provider's user of that number is called so, and active or not.
    User(usize, &'static str, bool),
    Deleted(usize),
    Group(u8),
    NoGroup(u8),
    Joined(u8, usize),
    Left(u8, usize),
}

const NAMES: [&str; 4] = ["Ann", "bob", "cy", "svc"];

fn said() -> impl Strategy<Value = Said> {
    let people =
        vec((select(&NAMES[..]), any::<bool>(), proptest::collection::btree_set(0..3_u8, 0..3)), 0..4);
    let people = people.prop_map(|people| {
        people.into_iter().map(|(name, active, groups)| (name, (active, groups))).collect()
    });
    prop_oneof![
        2 => people.prop_map(Said::Listed),
        3 => (0..4_usize, select(&NAMES[..]), any::<bool>()).prop_map(|(n, name, active)| Said::User(n, name, active)),
        1 => (0..4_usize).prop_map(Said::Deleted),
        1 => (0..3_u8).prop_map(Said::Group),
        1 => (0..3_u8).prop_map(Said::NoGroup),
        2 => (0..3_u8, 0..4_usize).prop_map(|(group, user)| Said::Joined(group, user)),
        1 => (0..3_u8, 0..4_usize).prop_map(|(group, user)| Said::Left(group, user)),
    ]
}

/// What was said, kept in the plainest way.
#[derive(Debug, Clone, Default)]
struct Model {
    listed: BTreeMap<&'static str, (bool, BTreeSet<u8>)>,
    users: BTreeMap<usize, (&'static str, bool)>,
    groups: BTreeMap<u8, BTreeSet<usize>>,
    /// Of each source, the names that are gone from it, and whether deactivated.
    gone: [BTreeMap<&'static str, bool>; 2],
}

impl Model {
    /// Whether this may be said at all: the SCIM service refuses names that are taken, and groups that are not there.
    fn may(&self, said: &Said) -> bool {
        match said {
            Said::User(number, name, _) => {
                !self.users.iter().any(|(other, (taken, _))| other != number && taken == name)
            }
            Said::Deleted(number) => self.users.contains_key(number),
            Said::Group(group) => !self.groups.contains_key(group),
            Said::NoGroup(group) => self.groups.contains_key(group),
            Said::Joined(group, user) | Said::Left(group, user) => {
                self.groups.contains_key(group) && self.users.contains_key(user)
            }
            Said::Listed(_) => true,
        }
    }

    fn hear(&mut self, said: &Said) {
        match said {
            Said::Listed(people) => {
                for (name, (active, _)) in std::mem::take(&mut self.listed) {
                    self.gone[0].insert(name, !active);
                }
                self.listed = people.clone();
                self.gone[0].retain(|name, _| !people.contains_key(name));
            }
            Said::User(number, name, active) => {
                if let Some((old, was_active)) = self.users.insert(*number, (name, *active)) {
                    self.gone[1].insert(old, !was_active);
                }
                self.gone[1].remove(name);
            }
            Said::Deleted(number) => {
                let (name, _) = self.users.remove(number).unwrap();
                self.gone[1].insert(name, true);
                self.groups.values_mut().for_each(|members| {
                    members.remove(number);
                });
            }
            Said::Group(group) => {
                self.groups.insert(*group, BTreeSet::new());
            }
            Said::NoGroup(group) => {
                self.groups.remove(group);
            }
            Said::Joined(group, user) => {
                self.groups.get_mut(group).unwrap().insert(*user);
            }
            Said::Left(group, user) => {
                self.groups.get_mut(group).unwrap().remove(user);
            }
        }
    }

    /// Everybody: whether active, and in which groups.
    fn directory(&self) -> BTreeMap<String, (bool, BTreeSet<String>)> {
        let mut directory = BTreeMap::new();
        for name in NAMES {
            let listed = self.listed.get(name);
            let user = self.users.iter().find(|(_, (known, _))| *known == name);
            let gone: Vec<bool> = self.gone.iter().filter_map(|gone| gone.get(name).copied()).collect();
            if listed.is_none() && user.is_none() && gone.is_empty() {
                continue;
            }
            let mut groups = BTreeSet::new();
            groups
                .extend(listed.into_iter().flat_map(|(_, groups)| groups).map(|group| format!("hr:{group}")));
            if let Some((number, _)) = user {
                let of_user = self.groups.iter().filter(|(_, members)| members.contains(number));
                groups.extend(of_user.map(|(group, _)| format!("okta:{group}")));
            }
            let active = (listed.is_some() || user.is_some())
                && listed.is_none_or(|(active, _)| *active)
                && user.is_none_or(|(_, (_, active))| *active)
                && !gone.contains(&true);
            directory.insert(name.to_lowercase(), (active, groups));
        }
        directory
    }
}

impl Said {
    /// As a source says it: the place of the source, and the change.
    fn change(&self, model: &Model) -> (usize, Vec<Change>) {
        let at = Timestamp::UNIX_EPOCH;
        let group = |group: &u8| -> Box<str> { format!("g{group}").into() };
        let user = |user: &usize| -> Box<str> { format!("u{user}").into() };
        match self {
            Self::Listed(people) => {
                let person = |(name, (active, groups)): (&&str, &(bool, BTreeSet<u8>))| Person {
                    active: *active,
                    groups: groups
                        .iter()
                        .map(|group| GroupName::parse(&format!("hr:{group}")).unwrap())
                        .collect(),
                    ..Person::named(Username::parse(name).unwrap())
                };
                let people = people.iter().map(person).collect();
                (0, vec![list(people)])
            }
            Self::User(number, name, active) => (1, vec![Change::PutUser(stored(*number, name, *active))]),
            Self::Deleted(number) => (1, vec![Change::DropUser(user(number))]),
            Self::Group(number) => (1, vec![Change::PutGroup(head(&group(number), &number.to_string(), at))]),
            Self::NoGroup(number) => (1, vec![Change::DropGroup(group(number))]),
            Self::Joined(to, who) => (1, vec![Change::Join { group: group(to), users: vec![user(who)] }]),
            Self::Left(from, who) if model.groups[from].contains(who) => {
                (1, vec![Change::Leave { group: group(from), users: vec![user(who)] }])
            }
            Self::Left(from, _) => (1, vec![Change::TouchGroup { group: group(from), at }]),
        }
    }

    /// Whether nothing is given by it to anybody: law 3 says what follows.
    fn only_takes(&self, model: &Model) -> bool {
        match self {
            Self::Listed(people) => people.iter().all(|(name, (active, groups))| {
                model
                    .listed
                    .get(name)
                    .is_some_and(|(was, before)| (!active || *was) && groups.is_subset(before))
            }),
            Self::User(number, name, active) => {
                model.users.get(number).is_some_and(|(known, was)| known == name && (!active || *was))
            }
            Self::Deleted(_) | Self::NoGroup(_) | Self::Left(..) => true,
            Self::Group(_) | Self::Joined(..) => false,
        }
    }
}

struct World {
    names: [SourceName; 2],
    rosters: [Roster; 2],
    snapshot: Option<Snapshot>,
}

impl World {
    fn new() -> Self {
        let configs = [config("hr", SourceKind::File), config("okta", SourceKind::Scim)];
        let rosters = configs.each_ref().map(Roster::empty);
        Self { names: configs.map(|config| config.name), rosters, snapshot: None }
    }

    fn voices(&self) -> Vec<Voice<'_>> {
        let both = self.names.iter().zip(&self.rosters);
        both.map(|(name, roster)| Voice { name, retired: false, roster }).collect()
    }

    /// Hears it, and changes the directory by those alone whom it is about.
    fn hear(&mut self, place: usize, changes: Vec<Change>) {
        let touched = self.rosters[place].apply(Entry { at: Timestamp::UNIX_EPOCH, changes });
        let voices = self.voices();
        let Some(before) = &self.snapshot else {
            self.snapshot = Some(whole(&voices));
            return;
        };
        let people = touched.names.iter().filter_map(|key| merge::person(key, &voices)).collect();
        let groups = touched.groups.then(|| merge::groups(&voices));
        self.snapshot = Some(before.amend(&Amendment { as_of: before.as_of(), people, groups }));
    }

    fn shown(&self) -> BTreeMap<String, (bool, BTreeSet<String>)> {
        let Some(snapshot) = &self.snapshot else { return BTreeMap::new() };
        let user = |user: oam_policy::snapshot::UserView<'_>| {
            let groups = user.groups().map(ToString::to_string).collect();
            (user.username().key().as_str().to_owned(), (user.is_active(), groups))
        };
        snapshot.users().map(user).collect()
    }
}

fn whole(voices: &[Voice<'_>]) -> Snapshot {
    merge::snapshot(voices, Timestamp::UNIX_EPOCH).unwrap()
}

fn list(people: Vec<Person>) -> Change {
    Change::List(Listed::of(&Directory { people, groups: BTreeSet::new() }).unwrap())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// Whatever is said in whatever order, the directory is what the naive model says; changing it by single people comes
    /// to the same as making it anew; and what only takes gives nobody anything (law 3), nor does damage to what is kept.
    #[test]
    fn the_directory_is_what_the_sources_say(all in vec(said(), 1..25)) {
        let (mut world, mut model) = (World::new(), Model::default());
        let folder = tempfile::tempdir().unwrap();
        let configs = [config("hr", SourceKind::File), config("okta", SourceKind::Scim)];
        let mut kept: Vec<Disk> = Vec::new();
        for (config, roster) in configs.iter().zip(&world.rosters) {
            kept.push(Disk::begin(&folder.path().join(config.name.as_str()), config.kind, roster).unwrap());
        }
        for said in &all {
            if !model.may(said) {
                continue;
            }
            let (before, only_takes) = (world.shown(), said.only_takes(&model));
            let (place, changes) = said.change(&model);
            kept[place].append(&Entry { at: Timestamp::UNIX_EPOCH, changes: changes.clone() }).unwrap();
            world.hear(place, changes);
            model.hear(said);
            let after = world.shown();
            prop_assert_eq!(&after, &model.directory(), "after {:?}", said);
            let anew = whole(&world.voices());
            prop_assert!(world.snapshot.as_ref().unwrap().is_same_directory(&anew), "after {:?}", said);
            prop_assert!(before.keys().all(|name| after.contains_key(name)), "nobody is forgotten");
            if only_takes {
                for (name, (active, groups)) in &after {
                    let (was, had) = before.get(name).cloned().unwrap_or_default();
                    prop_assert!(was || !active, "{name} may act by {said:?}");
                    prop_assert!(groups.is_subset(&had), "{name} is in more by {said:?}");
                }
            }
        }
        // What is read again is what was said.
        drop(kept);
        for (place, config) in configs.iter().enumerate() {
            let Found::Whole(stored) = disk::read(&folder.path().join(config.name.as_str())).unwrap() else {
                panic!("it is whole")
            };
            let stored = *stored;
            let mut roster = Roster::of_image(stored.image, config).unwrap();
            for entry in stored.entries {
                roster.apply(entry);
            }
            let read = World { names: world.names.clone(), rosters: world.rosters.clone(), snapshot: None };
            let mut voices = read.voices();
            voices[place].roster = &roster;
            prop_assert!(whole(&voices).is_same_directory(&whole(&world.voices())));
        }
    }
}

#[test]
fn a_journal_that_is_not_whole_is_not_believed() {
    let config = config("okta", SourceKind::Scim);
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().join("okta");
    let mut disk = Disk::begin(&folder, config.kind, &Roster::empty(&config)).unwrap();
    let entry = |number: usize, active| Entry {
        at: Timestamp::UNIX_EPOCH,
        changes: vec![Change::PutUser(stored(number, &format!("n{number}"), active))],
    };
    disk.append(&entry(0, true)).unwrap();
    disk.append(&entry(1, true)).unwrap();
    disk.append(&entry(1, false)).unwrap();
    drop(disk);
    let path = folder.join("journal-00000000000000000001");
    let whole = std::fs::read(&path).unwrap();
    let is_believed = |bytes: &[u8]| {
        std::fs::write(&path, bytes).unwrap();
        matches!(disk::read(&folder).unwrap(), Found::Whole(stored) if stored.entries.len() == 3)
    };
    assert!(is_believed(&whole));
    // Something that was never acknowledged follows: a crash.
    assert!(is_believed(&[&whole[..], b"torn"].concat()));
    for end in 0..whole.len() {
        assert!(!is_believed(&whole[..end]), "cut to {end}");
    }
    for place in 0..whole.len() {
        let mut bytes = whole.clone();
        bytes[place] ^= 0x10;
        assert!(!is_believed(&bytes), "another bit at {place}");
    }
    std::fs::remove_file(&path).unwrap();
    assert!(matches!(disk::read(&folder).unwrap(), Found::Damaged(_)));
    std::fs::write(&path, &whole).unwrap();
    std::fs::remove_file(folder.join("floor")).unwrap();
    assert!(matches!(disk::read(&folder).unwrap(), Found::Damaged(_)));
}

#[test]
fn a_draft_counts_only_when_it_is_adopted_or_the_daemon_dies() {
    let config = config("hr", SourceKind::File);
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().join("hr");
    let mut disk = Disk::begin(&folder, config.kind, &Roster::empty(&config)).unwrap();
    let mut roster = Roster::empty(&config);
    let people = vec![Person::named(Username::parse("ann").unwrap())];
    roster.apply(Entry { at: Timestamp::UNIX_EPOCH, changes: vec![list(people)] });
    let read = || {
        let Found::Whole(stored) = disk::read(&folder).unwrap() else { panic!("it is whole") };
        Roster::of_image(stored.image, &config).unwrap().counts().0
    };
    let draft = disk.draft(&roster).unwrap();
    assert_eq!(read(), 1, "the daemon died: it is what was said");
    disk.abandon(&draft);
    assert_eq!(read(), 0);
    let draft = disk.draft(&roster).unwrap();
    disk.adopt(&draft).unwrap();
    disk.append(&Entry { at: Timestamp::UNIX_EPOCH, changes: Vec::new() }).unwrap();
    assert_eq!(read(), 1);
    assert!(!folder.join("base-00000000000000000001").exists());
}

/// Whoever was taken by a draft is not back, whatever is said afterwards.
#[test]
fn a_draft_that_could_not_be_gone_on_behind_is_not_outlived_by_what_was_before_it() {
    let config = config("hr", SourceKind::File);
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().join("hr");
    let mut roster = Roster::empty(&config);
    let ann = || vec![Person::named(Username::parse("ann").unwrap())];
    roster.apply(Entry { at: Timestamp::UNIX_EPOCH, changes: vec![list(ann())] });
    let mut disk = Disk::begin(&folder, config.kind, &roster).unwrap();
    roster.apply(Entry { at: Timestamp::UNIX_EPOCH, changes: vec![list(Vec::new())] });
    let people = || {
        let Found::Whole(stored) = disk::read(&folder).unwrap() else { panic!("it is whole") };
        Roster::of_image(stored.image, &config).unwrap().counts().0
    };
    assert_eq!(people(), 1);
    let in_the_way = folder.join("journal-00000000000000000002");
    std::fs::create_dir(&in_the_way).unwrap();
    let draft = disk.draft(&roster).unwrap();
    assert!(disk.adopt(&draft).is_err());
    let nothing = || Entry { at: Timestamp::UNIX_EPOCH, changes: Vec::new() };
    assert!(disk.append(&nothing()).is_err());
    std::fs::remove_dir(&in_the_way).unwrap();
    assert_eq!(people(), 0, "the daemon died");
    disk.append(&nothing()).unwrap();
    assert_eq!(people(), 0);
}

/// A source that does not answer does not become fresh by what is done with what it said before.
#[test]
fn a_source_is_heard_by_what_it_says_and_not_by_what_is_done_here() {
    let at = |second| Timestamp::from_second(second).unwrap();
    let mut roster = Roster::empty(&config("corp", SourceKind::Ldap));
    let said = |at, changes| Entry { at, changes };
    roster.apply(said(at(10), vec![Change::PutUser(stored(1, "n1", true))]));
    assert_eq!(roster.seen, Some(at(10)));
    roster.apply(said(at(20), Vec::new()));
    assert_eq!(roster.seen, Some(at(20)), "that things are still so");
    // Its time is over; somebody is forgotten; a page of a load that failed.
    let own = [Change::PutUser(stored(1, "n1", false)), Change::Forget(Username::parse("n2").unwrap())];
    for change in own.into_iter().chain([Change::DropUser("u1".into()), Change::Complete]) {
        roster.apply(said(at(30), vec![change]));
    }
    assert_eq!(roster.seen, Some(at(20)));
    let mut roster = Roster::empty(&config("hr", SourceKind::File));
    roster.apply(said(at(30), vec![list(Vec::new())]));
    roster.apply(said(at(40), vec![list(Vec::new())]));
    assert_eq!(roster.seen, Some(at(40)), "a file says everything");
    // The clock was ahead, and was put right: the later word is by the clock that is right.
    roster.apply(said(at(35), Vec::new()));
    assert_eq!(roster.seen, Some(at(35)));
}

#[test]
fn a_retired_source_gives_nothing_and_what_it_took_stays() {
    let mut world = World::new();
    let people = |active| {
        let group = GroupName::parse("hr:x").unwrap();
        Person {
            active,
            groups: [group].into(),
            ..Person::named(Username::parse(if active { "ann" } else { "bob" }).unwrap())
        }
    };
    let people = vec![people(true), people(false)];
    world.hear(0, vec![list(people)]);
    for (number, name) in ["ann", "bob"].into_iter().enumerate() {
        world.hear(1, vec![Change::PutUser(stored(number, name, true))]);
    }
    let mut voices = world.voices();
    voices[0].retired = true;
    let person = |name: &str| {
        let key: UsernameKey = Username::parse(name).unwrap().key();
        merge::person(&key, &voices).unwrap()
    };
    assert!(person("ann").active && person("ann").groups.is_empty());
    assert!(!person("bob").active);
}

/// Every active user ends at the instant that was said beforehand, and nobody else does.
#[test]
fn an_account_ends_when_it_was_said_to() {
    let ending = |number: usize, active: bool, end: &str| {
        let document = json!({"userName": format!("n{number}"), "active": active, EXPIRES: end});
        let at = Timestamp::UNIX_EPOCH;
        StoredUser::new(&format!("u{number}"), at, at, 1, document.as_object().unwrap())
    };
    let at = |second| Timestamp::from_second(second).unwrap();
    let ended = |provisioned: &Provisioned, second| {
        provisioned.ended(at(second)).map(|user| user.id.to_string()).collect::<Vec<_>>()
    };
    let config = config("corp", SourceKind::Ldap);
    let mut roster = Roster::empty(&config);
    let users = [
        ending(1, true, &at(100).to_string()),
        ending(2, true, &at(50).to_string()),
        ending(3, false, &at(10).to_string()),
        ending(4, true, "never, they say"),
        stored(5, "n5", true),
    ];
    roster.apply(Entry { at: at(0), changes: users.into_iter().map(Change::PutUser).collect() });
    // As after a restart.
    let roster = Roster::of_image(roster.image(config.kind), &config).unwrap();
    assert!(Roster::of_image(roster.image(config.kind), &self::config("corp", SourceKind::Scim)).is_none());
    let mut provisioned = roster.provisioned().unwrap().clone();
    // What cannot be read is over.
    assert_eq!(provisioned.next_end(), Some(Timestamp::MIN));
    assert_eq!(ended(&provisioned, 49), ["u4"]);
    assert_eq!(ended(&provisioned, 50), ["u4", "u2"]);
    let over: Vec<_> = provisioned.ended(at(50)).map(|user| user.inactive(at(50))).collect();
    for user in over {
        assert!(!user.is_active());
        provisioned.apply(Change::PutUser(user), &mut Touched::default());
    }
    assert_eq!((ended(&provisioned, 99), provisioned.next_end()), (vec![], Some(at(100))));
    // More time was given, and then the user is gone.
    provisioned.apply(Change::PutUser(ending(1, true, &at(200).to_string())), &mut Touched::default());
    assert_eq!(ended(&provisioned, 199), Vec::<String>::new());
    provisioned.apply(Change::DropUser("u1".into()), &mut Touched::default());
    assert_eq!(provisioned.next_end(), None);
}

/// Whoever was made inactive by a clock that was ahead is told from whoever the source says is inactive, or whose time is over.
#[test]
fn who_ended_before_their_time_is_known() {
    let at = |second| Timestamp::from_second(second).unwrap();
    let user = |active: bool, ends: Option<i64>| {
        let mut document: Document = json!({"userName": "a", "active": active}).as_object().unwrap().clone();
        document.extend(ends.map(|ends| (EXPIRES.to_owned(), at(ends).to_string().into())));
        StoredUser::new("u", at(0), at(0), 1, &document)
    };
    assert!(user(true, Some(200)).inactive(at(100)).ended_before(at(100)));
    for (active, ends) in [(true, Some(200)), (false, Some(50)), (false, None), (true, None)] {
        assert!(!user(active, ends).ended_before(at(100)), "{active} {ends:?}");
    }
}
