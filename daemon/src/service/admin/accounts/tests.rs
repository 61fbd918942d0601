use std::{collections::BTreeSet, sync::Arc};

use jiff::Timestamp;
use oam_audit::entry::Event;
use oam_bitbucket::{
    AccountId,
    mirror::MirrorSettings,
    permission::Holder,
    provision::{Settings, Told},
};
use oam_policy::{
    Snapshot, State,
    entitle::Standing,
    file::{self, PolicySource},
    snapshot::{Directory, Person},
};
use tempfile::TempDir;

use super::{Accept, Stands, Taken, Why, anothers, moving_on, still_right};
use crate::provisioning::{Ledger, Numbers};

/// Carl is active, and lena is gone.
fn state() -> State {
    state_of("", &[])
}

/// The same with more in the policy, and carl in groups.
fn state_of(more: &str, groups: &[&str]) -> State {
    let person = |name: &str, active| Person { active, ..Person::named(name.parse().unwrap()) };
    let groups = groups.iter().map(|group| group.parse().unwrap()).collect();
    let people = vec![Person { groups, ..person("carl", true) }, person("lena", false)];
    let directory = Directory { people, groups: Default::default() };
    let snapshot = Snapshot::of_directory(1, Timestamp::UNIX_EPOCH, &directory, Default::default()).unwrap();
    let text = format!("version = 1\n[[role]]\nid = \"developer\"\nany = [\"s:eng\"]\n{more}");
    let source = PolicySource { name: "p.toml".into(), text };
    State {
        policy: Some(Arc::new(file::parse(&[source]).unwrap())),
        snapshot: Some(snapshot),
        ..State::default()
    }
}

fn settings(groups: &[&str]) -> Settings {
    Settings {
        account: name("svc-oam"),
        daemon: Default::default(),
        groups: groups.iter().map(|source| (*source).to_owned()).collect(),
        jit: false,
        adopt: Default::default(),
        ignore: Default::default(),
        most_removed: 10,
        automatic: Default::default(),
        mirror: MirrorSettings::default(),
    }
}

fn id(number: u64) -> AccountId {
    AccountId::of_wire(number).unwrap()
}

fn name(name: &str) -> Holder {
    Holder::user(name).unwrap()
}

/// Carl was known by 17, and lena by 18.
fn numbers() -> Numbers {
    let folder = TempDir::new().unwrap();
    let (ledger, _) = Ledger::open(&folder.path().join("ledger")).unwrap();
    let known = vec![(id(17), name("carl")), (id(18), name("lena"))];
    ledger.know(known, &BTreeSet::new(), &BTreeSet::new()).unwrap();
    ledger.numbers()
}

fn stands(called: &str, number: u64) -> Stands {
    let state = state();
    let in_force = (state.policy.as_deref().unwrap(), state.snapshot.as_ref().unwrap());
    Stands::of(in_force, &numbers(), &name(called), Some(id(number)))
}

#[test]
fn a_colleague_who_was_renamed_is_told_apart_and_a_leaver_is_gone() {
    let Stands { standing, was, another } = stands("carla", 17);
    assert_eq!((standing, was), (Standing::Unknown, Some(name("carl"))));
    assert!(another.unwrap().contains("was `carl`, who is active: the directory has the old name"));
    let leaver = Stands { standing: Standing::Deactivated, was: Some(name("lena")), another: None };
    assert_eq!(stands("lena.old", 18), leaver);
    let stranger = Stands { standing: Standing::Unknown, was: None, another: None };
    assert_eq!(stands("nobody", 19), stranger);
}

#[test]
fn a_colleague_who_was_renamed_is_no_stranger() {
    let state = state();
    let settings = settings(&[]);
    let policy = state.policy.as_ref().unwrap().digest().to_string();
    let right = |user: &str, was: Option<Holder>, why| {
        let change = Told {
            step: "revoke".into(),
            place: "PAY".into(),
            user: user.into(),
            before: "write".into(),
            ..Told::default()
        };
        still_right((&settings, &state), &change, was.as_ref(), (&policy, why))
    };
    let refused = right("carla", Some(name("carl")), Why::Stranger).unwrap_err();
    assert!(refused.message().contains("`carla` is known now"), "{refused}");
    assert!(right("carla", Some(name("carl")), Why::Gone).is_err());
    assert!(right("carla", None, Why::Stranger).is_ok());
    assert!(right("lena.old", Some(name("lena")), Why::Gone).is_ok());
}

/// Whoever says whose an account is decides who gets and who loses by it.
#[test]
fn that_an_account_is_taken_for_another_is_recorded_with_both_numbers() {
    let told = [(name("carl"), id(27))];
    let taken = |all| {
        let accept = Accept { all, ..Accept::default() };
        Taken::of(&state(), &numbers(), &told, (&accept, "uid 0")).unwrap()
    };
    let none = taken(false);
    assert!(none.known.is_empty() && none.accepted.is_empty(), "{none:?}");
    let Taken { known, accepted, .. } = taken(true);
    assert_eq!(known, [(id(27), name("carl"))]);
    let [Event::BitbucketChanged(one)] = &accepted[..] else { panic!("{accepted:?}") };
    assert_eq!((one.step.as_str(), one.actor.as_str()), ("accept-account", "uid 0"));
    let numbers = (one.before.as_deref(), one.after.as_deref());
    assert_eq!((one.user.as_deref(), numbers), (Some("carl"), (Some("17"), Some("27"))));
    assert_eq!(one.because, "another account was known by this name");
}

/// Those who had these numbers there are other people, and one of them is gone.
#[test]
fn in_another_bitbucket_nobody_is_taken_for_who_had_their_number() {
    let (state, folder) = (state(), TempDir::new().unwrap());
    let (ledger, _) = Ledger::open(&folder.path().join("ledger")).unwrap();
    let known = [("carl", 17), ("lena", 18), ("lena.old", 19), ("carl", 20)];
    let known = known.map(|(called, number)| (id(number), name(called))).to_vec();
    ledger.know(known, &BTreeSet::new(), &BTreeSet::new()).unwrap();
    let told = [("svc-test", 17), ("svc-build", 18), ("carl", 27), ("lena", 28), ("nobody", 29)];
    let told = told.map(|(called, number)| (name(called), id(number)));
    let taken = |all| {
        let accept = Accept { all, ..Accept::default() };
        Taken::of(&state, &ledger.numbers(), &told, (&accept, "uid 0")).unwrap()
    };
    let none = taken(false);
    assert!(none.known.is_empty() && none.forgotten.is_empty() && none.let_go.is_empty(), "{none:?}");
    let Taken { known, forgotten, accepted, let_go, .. } = taken(true);
    assert_eq!(known.len(), 4, "{known:?}");
    assert_eq!(forgotten, BTreeSet::from([19, 20].map(id)));
    // Of the other one that was carl the entry tells by which carl is accepted.
    let [Event::BitbucketChanged(one)] = &let_go[..] else { panic!("{let_go:?}") };
    assert_eq!((one.step.as_str(), one.actor.as_str()), ("forget-account", "uid 0"));
    let numbers = (one.before.as_deref(), one.after.as_deref());
    assert_eq!((one.user.as_deref(), numbers), (Some("lena.old"), (Some("19"), None)));
    let of_both = accepted.iter().filter(|event| match event {
        Event::BitbucketChanged(one) => one.before.as_deref() == Some("17, 20"),
        other => panic!("{other:?}"),
    });
    assert_eq!(of_both.count(), 1, "{accepted:?}");
    // Each is recorded: by it a leaver who was renamed is let off, where it is the same Bitbucket.
    let why = accepted.iter().map(|event| match event {
        Event::BitbucketChanged(one) => (one.user.as_deref().unwrap(), one.because.as_str()),
        other => panic!("{other:?}"),
    });
    let why: Vec<_> = why.collect();
    assert_eq!(why.len(), 4);
    assert!(why.contains(&("svc-build", "its number was that of `lena` in another Bitbucket")), "{why:?}");
    ledger.know(known, &BTreeSet::new(), &BTreeSet::new()).unwrap();
    ledger.forget(forgotten).unwrap();
    // Read as it was appended, and as it was written anew; also whoever gets a number later that nobody has yet.
    for _ in 0..2 {
        let (ledger, _) = Ledger::open(&folder.path().join("ledger")).unwrap();
        let numbers = ledger.numbers();
        let in_force = (state.policy.as_deref().unwrap(), state.snapshot.as_ref().unwrap());
        let stranger = Stands { standing: Standing::Unknown, was: None, another: None };
        for (called, number) in [("svc-test", 17), ("svc-build", 18), ("svc-late", 19)] {
            let stands = Stands::of(in_force, &numbers, &name(called), Some(id(number)));
            assert_eq!(stands, stranger, "{called}");
        }
        assert_eq!(numbers.all().count(), 4);
    }
}

/// Of two that have another's name now only the one is accepted that was named.
#[test]
fn only_that_account_is_accepted_that_was_named_by_its_number() {
    let told = [(name("carl"), id(27)), (name("lena"), id(28))];
    let taken = |named: &[(&str, u64)]| {
        let named = named.iter().map(|(called, number)| (name(called), id(*number))).collect();
        let accept = Accept { all: false, named };
        Taken::of(&state(), &numbers(), &told, (&accept, "uid 0"))
    };
    let one = taken(&[("CARL", 27)]).unwrap();
    assert_eq!((one.known, one.accepted.len()), (vec![(id(27), name("carl"))], 1));
    assert!(taken(&[]).unwrap().known.is_empty());
    // Where one of them is wrong none is accepted.
    for wrong in [("carl", 28), ("nobody", 29)] {
        let refused = taken(&[("lena", 28), wrong]).unwrap_err();
        assert!(refused.message().contains(&format!("no account `{}`", wrong.0)), "{refused}");
    }
}

#[test]
fn what_was_given_under_a_name_goes_with_its_account_whoever_has_the_name_now() {
    let known = [(id(17), name("carla"))];
    let moves = |told: &[(&str, u64)]| {
        let told: Vec<_> = told.iter().map(|(called, number)| (name(called), id(*number))).collect();
        moving_on(&numbers(), &told, &known).0
    };
    assert_eq!(moves(&[("carla", 17), ("lena", 18)]), BTreeSet::from([id(17)]));
    assert_eq!(moves(&[("carla", 17), ("carl", 27)]), BTreeSet::from([id(17)]));
    // In another Bitbucket it is somebody else's number.
    let (state, told) = (state(), [(name("carl"), id(18))]);
    let taken = |all, named: &[(Holder, AccountId)]| {
        let accept = Accept { all, named: named.iter().cloned().collect() };
        Taken::of(&state, &numbers(), &told, (&accept, "uid 0")).unwrap()
    };
    assert!(taken(true, &[]).move_on.is_empty());
    assert_eq!(taken(false, &told).move_on, BTreeSet::from([id(18)]));
}

/// Whoever was given a role after it was planned keeps what it gives, and is not looked at again in an hour only.
#[test]
fn nothing_is_taken_by_name_that_is_granted_by_name_meanwhile() {
    let grant = |id: &str, on: &str, verb: &str| {
        format!("[[grant]]\nid = \"{id}\"\nto = [\"developer\"]\non = [\"{on}\"]\nverbs = [\"{verb}\"]\n")
    };
    let more = [grant("a", "PAY/*", "admin"), grant("b", "WEB/shop", "read"), grant("c", "PAY/api", "read")]
        .concat();
    let right =
        |groups: &[&str], sources: &[&str], (step, place, before, after): (&str, &str, &str, &str)| {
            let state = state_of(&more, groups);
            let policy = state.policy.as_ref().unwrap().digest().to_string();
            let change = Told {
                step: step.into(),
                place: place.into(),
                user: "Carl".into(),
                before: before.into(),
                after: after.into(),
                ..Told::default()
            };
            still_right((&settings(sources), &state), &change, None, (&policy, Why::Else))
        };
    let revoke = ("revoke", "PAY", "admin", "");
    assert!(right(&[], &[], revoke).is_ok());
    let refused = right(&["s:eng"], &[], revoke).unwrap_err();
    assert!(refused.message().contains("`Carl` is granted more than that now"), "{refused}");
    for (change, is_right) in [
        (("permit", "PAY", "admin", "write"), false),
        (("permit", "PAY", "read", "write"), true),
        (("permit", "WEB/shop", "write", "read"), true),
        (("revoke", "WEB/shop", "write", ""), false),
        (("revoke", "WEB", "write", ""), true),
        // By the whole project they have more.
        (("revoke", "PAY/api", "write", ""), true),
        (("forget", "PAY", "", ""), true),
    ] {
        assert_eq!(right(&["s:eng"], &[], change).is_ok(), is_right, "{change:?}");
    }
    // In the stead of what the group has now.
    assert!(right(&["s:eng"], &["s"], revoke).is_ok());
}

/// What is ours while accounts are renamed, as the daemon is told of them.
struct Company {
    ledger: Ledger,
    given: u64,
    _folder: TempDir,
}

impl Company {
    /// Of accounts that have the names of their people.
    fn of(accounts: &[(&str, u64)]) -> Self {
        let folder = TempDir::new().unwrap();
        let (ledger, _) = Ledger::open(&folder.path().join("ledger")).unwrap();
        let company = Self { ledger, given: 0, _folder: folder };
        let names: Vec<_> = accounts.iter().map(|(name, _)| *name).collect();
        company.tell(&names, accounts, &[]);
        company
    }

    fn give(mut self, place: &str, user: &str) -> Self {
        self.given += 1;
        let (place, user) = (place.into(), user.into());
        let told = Told { step: "permit".into(), place, user, after: "write".into(), ..Told::default() };
        self.ledger.begin(self.given, &told).unwrap();
        self.ledger.end(self.given, Some(true)).unwrap();
        self
    }

    /// Tells of accounts while the directory has these people, and of some whose they are; gives what is ours then.
    fn tell(&self, directory: &[&str], accounts: &[(&str, u64)], accepted: &[(&str, u64)]) -> Vec<String> {
        let people =
            directory.iter().map(|name| Person { active: true, ..Person::named(name.parse().unwrap()) });
        let directory = Directory { people: people.collect(), groups: Default::default() };
        let snapshot =
            Snapshot::of_directory(1, Timestamp::UNIX_EPOCH, &directory, Default::default()).unwrap();
        let state = State { snapshot: Some(snapshot), ..state() };
        let numbered = |all: &[(&str, u64)]| -> Vec<_> {
            all.iter().map(|(called, number)| (name(called), id(*number))).collect()
        };
        let accept = Accept { all: false, named: numbered(accepted).into_iter().collect() };
        let numbers = self.ledger.numbers();
        let taken = Taken::of(&state, &numbers, &numbered(accounts), (&accept, "uid 0")).unwrap();
        self.ledger.know(taken.known, &taken.move_on, &taken.dropped).unwrap();
        let managed = self.ledger.managed();
        managed.keys().map(|(place, holder)| format!("{place} {}", holder.name())).collect()
    }
}

#[test]
fn who_has_a_name_that_was_given_again_has_nothing_of_whoever_had_it() {
    let company = Company::of(&[("carl", 17)]).give("PAY", "carl");
    let renamed = [("carla", 17), ("carl", 27)];
    // The directory has the old name.
    assert_eq!(company.tell(&["carl"], &renamed, &[]), ["PAY carl"]);
    assert_eq!(company.tell(&["carla"], &renamed, &[]), ["PAY carla"]);
    assert_eq!(company.tell(&["carl", "carla"], &renamed, &[]), ["PAY carla"]);
    assert_eq!(company.ledger.known_as(id(27)), Some(name("carl")));
    // Somebody says whose the name is while the other one has none that is known.
    let company = Company::of(&[("carl", 17)]).give("PAY", "carl");
    let accounts = [("carl.old", 17), ("carl", 27)];
    assert_eq!(company.tell(&["carl"], &accounts, &[("carl", 27)]), [""; 0]);
    // What is given from then on is that of whoever has the name.
    let company = company.give("WEB", "carl");
    assert_eq!(company.tell(&["carl", "carla"], &renamed, &[]), ["WEB carl"]);
}

/// Nor while no directory knows the name: then nothing else holds it back.
#[test]
fn what_was_given_to_another_account_is_not_told_as_given_to_whoever_has_its_name() {
    let users = [("carl", Some(27)), ("Lena", Some(18)), ("ada", Some(28)), ("bob", None)];
    let users = users.map(|(called, number)| (name(called), number.map(id)));
    assert_eq!(anothers(&numbers(), &users), BTreeSet::from([&name("carl")]));
    assert!(anothers(&Numbers::default(), &users).is_empty());
}

#[test]
fn what_was_given_goes_with_each_of_a_chain_of_names() {
    let before = || Company::of(&[("ada", 1), ("bob", 2)]).give("PAY", "ada").give("WEB", "bob");
    let renamed = [("bob", 1), ("cleo", 2)];
    let company = before();
    // The first waits until the name is free.
    assert_eq!(company.tell(&["bob", "cleo"], &renamed, &[]), ["PAY ada", "WEB cleo"]);
    assert_eq!(company.tell(&["bob", "cleo"], &renamed, &[]), ["PAY bob", "WEB cleo"]);
    assert_eq!(before().tell(&["bob", "cleo"], &renamed, &[("bob", 1)]), ["PAY bob", "WEB cleo"]);
}

#[test]
fn what_was_given_goes_with_both_who_have_each_others_name() {
    let before = || Company::of(&[("ada", 1), ("bob", 2)]).give("PAY", "ada").give("WEB", "bob");
    let (people, swapped) = (["ada", "bob"], [("bob", 1), ("ada", 2)]);
    let company = before();
    assert_eq!(company.tell(&people, &swapped, &[]), ["PAY ada", "WEB bob"]);
    assert_eq!(company.tell(&people, &swapped, &swapped), ["PAY bob", "WEB ada"]);
    // What was the other one's is nobody's while it is held back.
    let company = before();
    assert_eq!(company.tell(&people, &swapped, &[("bob", 1)]), ["PAY bob"]);
    assert_eq!(company.tell(&people, &swapped, &[]), ["PAY bob"]);
    assert_eq!(company.ledger.known_as(id(2)), Some(name("ada")));
}
