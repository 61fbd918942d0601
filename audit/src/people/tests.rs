use std::{cell::RefCell, convert::Infallible, sync::Arc};

use proptest::prelude::*;

use super::*;
use crate::entry::{
    AdminDenied, Entry, Event, Update,
    history::{self, Named},
    strategies,
};

#[path = "plant.rs"]
mod plant;

/// Everybody becomes known who is asked for. The directory knows `alice`, also by an address.
#[derive(Default)]
struct World(RefCell<Table>);

impl World {
    fn person(&self, name: &str) -> Arc<Person> {
        let mut table = self.0.borrow_mut();
        if let Some(person) = table.person(name) {
            return Arc::clone(person);
        }
        let number = u8::try_from(table.len() % 251).unwrap();
        let person = Arc::new(Person::new(name, [number; SECRET_BYTES]));
        table.insert(Arc::clone(&person));
        person
    }

    fn named(&self, word: &str) -> Vec<Arc<Person>> {
        let known = self.0.borrow().person(word).cloned();
        let by_address = (word == "alice@example.com").then(|| self.person("alice"));
        known.into_iter().chain(by_address).collect()
    }

    fn write<T>(&self, work: impl FnOnce(&mut Aliases<'_, Infallible>) -> Result<T, Infallible>) -> T {
        let person = |name: &str| Ok(self.person(name));
        let named = |word: &str| Ok(self.named(word));
        let Ok(done) = work(&mut Aliases::new(Known { person: &person, named: &named }));
        done
    }

    fn written(&self, event: &Event) -> Event {
        let mut event = event.clone();
        self.write(|aliases| aliases.event(&mut event));
        event
    }

    fn opened(&self, event: &Event) -> Event {
        let mut event = event.clone();
        self.0.borrow().open(&mut event);
        event
    }

    fn forget(&self, name: &str) {
        let alias = self.person(name).alias();
        assert!(self.0.borrow_mut().forget(&alias).is_some());
    }
}

fn event(json: &str) -> Event {
    serde_json::from_str(json).unwrap()
}

fn json(event: &Event) -> String {
    serde_json::to_string(event).unwrap()
}

/// Names fold case, and come back in the spelling that came first.
fn folded(event: &Event) -> String {
    json(event).to_lowercase()
}

proptest! {
    #[test]
    fn no_name_that_stands_anywhere_is_written(entry in strategies::entry()) {
        let mut value = serde_json::to_value(&entry.event).unwrap();
        plant::plant(&mut value, "zaph.od");
        let planted: Event = serde_json::from_value(value).unwrap();
        let world = World::default();
        let written = world.written(&planted);
        prop_assert!(!json(&written).contains("zaph.od"), "{}", json(&written));
        prop_assert_eq!(world.opened(&written), planted);
    }

    #[test]
    fn what_is_written_is_an_entry_and_comes_back(entry in strategies::entry()) {
        let world = World::default();
        let event = world.written(&entry.event);
        let written = Entry { event, ..entry.clone() };
        if let Ok(line) = written.encode() {
            prop_assert_eq!(&Entry::decode(&line).unwrap(), &written);
        }
        prop_assert_eq!(folded(&world.opened(&written.event)), folded(&entry.event));
        prop_assert_eq!(&world.written(&entry.event), &written.event, "the same again");
        let mut other = written.event.clone();
        Table::default().open(&mut other);
        prop_assert_eq!(other, written.event, "without the table nothing changes");
    }
}

#[test]
fn an_entry_reads_so() {
    let world = World::default();
    let requested = event(
        r#"{"kind":"privilege-requested","id":"g-1","privilege":{"grant":{"elevation":"night","role":"developer"}},"by":"alice","actor":"corp:00u1 (alice)","on":["PAY/api","~alice/notes"],"refs":["refs/heads/main"],"seconds":7200,"reason":"an outage","needed":1}"#,
    );
    insta::assert_snapshot!(json(&world.written(&requested)), @r#"{"kind":"privilege-requested","id":"g-1","privilege":{"grant":{"elevation":"night","role":"developer"}},"by":" person:0b8983f7e06ac9e8e7901edf204356cc","actor":"sealed:0b8983f7e06ac9e8e7901edf204356cc:Tg2ag2TzTzynpE4zsayhnIsbu3P38-7HyA8zRvbAScicf2NhDgNrHAt24Bw7","on":["PAY/api","~ person:0b8983f7e06ac9e8e7901edf204356cc/notes"],"refs":["refs/heads/main"],"seconds":7200,"reason":"sealed:0b8983f7e06ac9e8e7901edf204356cc:nGI94OI6surYzqhXDywCMqD540i6pci2Zr9q1c2J2LPT-D8sFw","needed":1}"#);
}

#[test]
fn the_parts_of_the_daemon_and_sources_stay_readable() {
    let world = World::default();
    for actor in ["files", "oamd", "start", "source okta (token t1)"] {
        let denied = Event::AdminDenied(AdminDenied { actor: actor.into(), call: "x".into(), times: 1 });
        assert_eq!(world.written(&denied), denied);
    }
    assert!(world.0.borrow().is_empty());
}

#[test]
fn names_fold_case_and_one_person_has_one_alias() {
    let world = World::default();
    let denied = |actor: &str| {
        json(&world.written(&Event::AdminDenied(AdminDenied {
            actor: actor.into(),
            call: "x".into(),
            times: 1,
        })))
    };
    assert_eq!(denied("Alice"), denied("alice"));
    assert_ne!(denied("alice"), denied("bob"));
}

/// A cut-off with words about somebody else.
fn cut_off() -> Event {
    event(
        r#"{"kind":"snapshot-changed","generation":13,"digest":"beef","cause":"user-deactivated","actor":"uid 0","reason":"left, as bob says (alice@example.com)","users":3,"groups":2,"subject":"carol"}"#,
    )
}

#[test]
fn words_are_gone_with_anybody_whom_they_are_by_or_about_or_name() {
    for gone in ["uid 0", "carol", "bob", "alice"] {
        let world = World::default();
        world.person("bob");
        world.person("dave");
        let written = world.written(&cut_off());
        assert_eq!(world.opened(&written), cut_off());
        world.forget("dave");
        assert_eq!(world.opened(&written), cut_off(), "who has nothing to do with it");
        world.forget(gone);
        let opened = json(&world.opened(&written));
        assert!(opened.contains(r#""reason":"sealed:"#), "{gone}: {opened}");
        assert_eq!(opened.contains("carol"), gone != "carol", "{opened}");
        // Called so again, they are somebody else.
        world.0.borrow_mut().insert(Arc::new(Person::new(gone, [77; SECRET_BYTES])));
        assert_eq!(json(&world.opened(&written)), opened);
    }
}

#[test]
fn what_names_too_many_is_not_kept() {
    let world = World::default();
    let names: Vec<_> = (0..40).map(|number| format!("user{number}")).collect();
    names.iter().for_each(|name| drop(world.person(name)));
    let written = |count: usize| {
        let why = names[..count].join(", ");
        let event = event(&format!(
            r#"{{"kind":"canary-tried","repository":"PAY/api","branch":"x","outcome":"unknown","decision":null,"detail":"{why}"}}"#
        ));
        json(&world.written(&event))
    };
    assert!(written(16).contains("sealed:"));
    assert!(written(17).contains("not kept"), "{}", written(17));
    assert!(!written(17).contains("user3"));
    assert!(written(1).contains("sealed:"));
}

#[test]
fn a_sealed_text_that_was_changed_stays_sealed() {
    let world = World::default();
    let written = json(&world.written(&cut_off()));
    let start = written.find("sealed:").unwrap();
    let end = start + written.split_at(start).1.find('"').unwrap();
    for at in start..end {
        let mut bytes = written.clone().into_bytes();
        bytes[at] = if bytes[at] == b'b' { b'c' } else { b'b' };
        let changed = event(&String::from_utf8(bytes).unwrap());
        let opened = json(&world.opened(&changed));
        // The last digit of base64 may have bits that mean nothing; such a spelling is refused as well.
        assert!(!opened.contains("as bob says"), "byte {at}: {opened}");
    }
}

/// An update whose lists fill an entry as they are.
fn large() -> Update {
    let commit = |number: usize| history::Commit {
        id: format!("{number:040x}"),
        subject: b"x".as_slice().into(),
        author: Named::Email(format!("someone{number}@example.com")),
        committer: Named::Email(format!("someone{number}@example.com")),
        parents: 1,
        signed_off: false,
        foreign: false,
        signature: history::Signature::Absent,
    };
    let listed = history::Listed {
        told: 150,
        end: history::End::Complete,
        all: Some((0..150).map(commit).collect::<Vec<_>>()),
        sha256: None,
    };
    let mut update: Update = serde_json::from_str(
        r#"{"ref":"refs/heads/main","change":{"delete":{"old":"00"}},"verb":null,"fast_forward":null,"outcome":"permitted","grant":null,"waiver":null,"reasons":[],"shadow":[],"histories":[{"refs":["refs/**"]}]}"#,
    )
    .unwrap();
    update.histories[0].commits = Some(listed);
    update
}

#[test]
fn a_list_that_finds_no_room_once_it_is_sealed_is_told_by_its_digest() {
    let world = World::default();
    let update = large();
    let clear = serde_json::to_string(&update).unwrap();
    assert!(clear.len() < 48 << 10, "{}", clear.len());
    let written = world.write(|aliases| aliases.update(update.clone()));
    let commits = written.histories[0].commits.as_ref().unwrap();
    assert_eq!(commits.all, None);
    let all = update.histories[0].commits.as_ref().unwrap().all.as_ref().unwrap();
    let digest = <sha2::Sha256 as sha2::Digest>::digest(serde_json::to_vec(all).unwrap());
    assert_eq!(commits.sha256, Some(hex::encode(digest)));
    assert_eq!(commits.told, 150);
}

#[test]
fn the_table_comes_back_and_what_is_torn_is_told() {
    let world = World::default();
    for name in ["alice", "corp:00u1", "名前", "a \"quoted\" one\\"] {
        world.person(name);
    }
    let text = world.0.borrow().text();
    let (read, whole) = Table::read(text.as_bytes()).unwrap();
    assert_eq!((read.text(), whole), (text.clone(), text.len()));
    assert_eq!(read.person("ALICE").unwrap().alias(), world.person("alice").alias());

    let cut = &text.as_bytes()[..text.len() - 3];
    let (read, whole) = Table::read(cut).unwrap();
    assert_eq!(read.len(), 3);
    assert!(whole < cut.len() && text.as_bytes()[whole - 1] == b'\n');
}

#[test]
fn a_flipped_bit_anywhere_in_the_table_is_noticed() {
    let world = World::default();
    world.person("alice");
    world.person("bob");
    let text = world.0.borrow().text().into_bytes();
    for at in 0..text.len() - 1 {
        for bit in 0..8 {
            let mut changed = text.clone();
            changed[at] ^= 1 << bit;
            let read = Table::read(&changed);
            // Upper case is another spelling of a hexadecimal digit of the secret, and the same bytes.
            let same = read
                .as_ref()
                .is_ok_and(|(table, whole)| table.text().as_bytes() == text && *whole == text.len());
            assert!(read.is_err() || same, "byte {at}, bit {bit}: {read:?}");
        }
    }
    let twice = [&text[..], text.split_inclusive(|byte| *byte == b'\n').nth(1).unwrap()].concat();
    assert!(matches!(Table::read(&twice), Err(TableError::Twice { number: 4 })));
}

#[test]
fn secrets_are_not_shown() {
    let person = Person::new("alice", [0xab; SECRET_BYTES]);
    let shown = format!("{person:?} {:?}", Table::default());
    assert!(shown.contains("***") && !shown.contains("abab") && !shown.contains("171"), "{shown}");
}

#[test]
fn whoever_is_asked_for_is_found_under_every_spelling() {
    let world = World::default();
    let alias = world.person("alice").alias().to_string();
    let table = world.0.borrow();
    assert_eq!(table.spellings("Alice"), ["Alice", &alias]);
    assert_eq!(table.spellings(alias.trim()), ["alice", &alias]);
    assert_eq!(table.spellings("mallory"), ["mallory"]);
    assert_eq!(table.repository_spellings("~alice/x"), ["~alice/x".to_owned(), format!("~{alias}/x")]);
    drop(table);
    let actor = "corp:00u1 (alice)";
    let written =
        world.written(&Event::AdminDenied(AdminDenied { actor: actor.into(), call: "x".into(), times: 1 }));
    let Event::AdminDenied(written) = written else { panic!() };
    assert_eq!(world.0.borrow().spellings(actor), [actor.to_owned(), written.actor]);
}
