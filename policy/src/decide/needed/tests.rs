use std::{
    cell::Cell,
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    sync::Arc,
};

use jiff::Timestamp;
use proptest::prelude::*;

use super::indispensable;
use crate::{
    decide::{Evaluation, PushVerdict, State, Verdict, decide},
    facts::{Cover, Facts},
    file::{PolicySource, parse},
    name::{ObjectId, RefName, Repository, TreePath, Username},
    nonempty::NonEmpty,
    request::{Channel, RefChange, RefUpdate, Request},
    snapshot::{Snapshot, file::parse_json},
};

thread_local! {
    /// How often it was asked whether a part covers a path.
    pub(in crate::decide) static LOOKED: Cell<usize> = const { Cell::new(0) };
}

const GRANTS: usize = 40;
const PATHS: usize = 400;

/// As many grants, each of a folder of its own, one of everything in a subfolder, and one of nothing that changes.
fn policy() -> String {
    let mut text = "version = 1\n[[role]]\nid = \"developer\"\nany = [\"okta:eng\"]\n".to_owned();
    let mut grant = |id: &str, paths: &str| {
        write!(
            text,
            "[[grant]]\nid = \"{id}\"\nto = [\"developer\"]\non = [\"**\"]\nrefs = [\"refs/heads/**\"]\n\
             verbs = [\"create\"]\npaths = [\"{paths}\"]\n"
        )
        .unwrap();
    };
    for number in 0..GRANTS {
        grant(&format!("folder-{number:02}"), &format!("{number:02}/**"));
    }
    grant("other", "other/**");
    grant("subfolder", "*/1/**");
    text
}

/// The work for naming what carries a push is that of looking at each path once for each grant, and a little more.
#[test]
fn a_path_is_looked_at_a_few_times_only_however_many_grants_carry_a_push() {
    let policy = parse(&[PolicySource { name: "p".into(), text: policy() }])
        .unwrap_or_else(|faults| panic!("{faults}"));
    let directory = r#"{"version":1,"users":[{"username":"dora","groups":["okta:eng"]}]}"#;
    let directory = parse_json("d", directory).unwrap();
    let now = Timestamp::from_second(1_767_225_600).unwrap();
    let snapshot = Snapshot::of_directory(1, now, &directory, BTreeMap::new()).unwrap();
    let state = State { policy: Some(Arc::new(policy)), snapshot: Some(snapshot), ..State::default() };
    let new = ObjectId::parse_hex(b"1111111111111111111111111111111111111111").unwrap();
    let update =
        RefUpdate { name: RefName::parse(b"refs/heads/x").unwrap(), change: RefChange::Create { new } };
    let request = Request {
        repository: Repository::parse("PAY/api").unwrap(),
        pusher: Username::parse("dora").unwrap(),
        channel: Channel::Push,
        updates: NonEmpty::one(update),
    };
    let path = |number: usize| {
        TreePath::parse(format!("{:02}/{}/x", number % GRANTS, number / GRANTS).as_bytes()).unwrap()
    };
    let mut facts = Facts::none();
    facts.learn_paths(0, Cover::whatever(), Ok((0..PATHS).map(path).collect()));
    LOOKED.set(0);
    let Evaluation::Decided(decision) = decide(&state, &request, &facts, now) else { panic!("it is known") };
    let PushVerdict::PerRef(refs) = decision.verdict() else { panic!("{decision:?}") };
    let Verdict::Permitted(permit) = &refs.first().verdict else { panic!("{decision:?}") };
    // Each folder has more than its first subfolder: all of their grants are needed, and no other.
    assert_eq!(permit.grant().as_str(), "folder-00");
    assert_eq!(permit.other_grants().len(), GRANTS - 1);
    assert!(LOOKED.get() <= 4 * (GRANTS + 2) * PATHS, "{} times", LOOKED.get());
}

/// Word for word: from the last to the first, each is left out without which the others still cover every path.
fn left_out_one_by_one(count: usize, paths: &BTreeSet<Vec<usize>>) -> BTreeSet<usize> {
    let mut left: BTreeSet<usize> = (0..count).collect();
    for number in (0..count).rev() {
        left.remove(&number);
        if !paths.iter().all(|covering| covering.iter().any(|part| left.contains(part))) {
            left.insert(number);
        }
    }
    left
}

proptest! {
    #[test]
    fn one_look_at_each_path_tells_what_leaving_out_one_by_one_does(
        paths in proptest::collection::btree_set(proptest::collection::btree_set(0..8_usize, 1..5), 0..12),
    ) {
        let paths: BTreeSet<Vec<usize>> =
            paths.into_iter().map(|covering| covering.into_iter().collect()).collect();
        prop_assert_eq!(indispensable(&paths), left_out_one_by_one(8, &paths), "{:?}", paths);
    }
}
