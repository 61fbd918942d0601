//! Policies made to be expensive: the answer comes, and says what it is not.

use std::{collections::BTreeSet, fmt::Write as _};

use oam_policy::{
    Snapshot,
    diff::{Class, Effect, Limits, MOST_PATTERNS, Paths, diff},
    file,
    snapshot::{Directory, Person},
};

use super::{
    common,
    world::{NOW, at, directory},
};

const HEAD: &str = "version = 1\n[[role]]\nid = \"one\"\nany = [\"g:1\"]\n";

#[test]
fn a_hostile_policy_is_answered_in_part_and_says_so() {
    let mut hostile = HEAD.to_owned();
    for number in 0..300 {
        let letters = ["a", "b", "c", "d", "e"].map(|letter| format!("*{letter}{number}"));
        write!(
            hostile,
            "[[grant]]\nid = \"grant-{number}\"\nto = [\"one\"]\non = [\"**\"]\nverbs = [\"create\"]\n"
        )
        .unwrap();
        writeln!(hostile, "refs = [\"refs/heads/{}*\"]", letters.concat()).unwrap();
    }
    let limits = Limits { steps_per_product: 1_000_000, steps: 2_000_000, ..Limits::default() };
    let found = diff(&common::policy(HEAD), &common::policy(&hostile), Some(&directory()), at(NOW), &limits);
    assert!(!found.exact);
    assert!(!found.bounded.is_empty());
    // All that could meet are counted, with the two of the product, and a few are named.
    let of_refs = found.bounded.iter().find(|bounded| bounded.patterns_total == 302);
    let named = &of_refs.unwrap_or_else(|| panic!("{found:?}")).patterns;
    assert!(named.len() == MOST_PATTERNS && named[0].starts_with("refs/heads/*a0*"), "{named:?}");
    for change in &found.changes {
        assert_eq!(change.effect, Effect::Gains);
    }
}

/// Who may read and administer comes first, and pushes take what is left.
#[test]
fn rights_are_told_where_nothing_is_left_for_pushes() {
    let mut hostile =
        format!("{HEAD}[[grant]]\nid = \"oops\"\nto = [\"one\"]\non = [\"**\"]\nverbs = [\"admin\"]\n");
    for number in 0..300 {
        let letters = ["a", "b", "c", "d", "e"].map(|letter| format!("*{letter}{number}")).concat();
        hostile += &creating(&format!("grant-{number}"), &format!("refs/heads/{letters}*"));
    }
    let limits = Limits { steps: 200_000, ..Limits::default() };
    let found = diff(&common::policy(HEAD), &common::policy(&hostile), Some(&directory()), at(NOW), &limits);
    assert!(!found.exact);
    let given: BTreeSet<_> = found.rights.iter().map(|change| change.right.as_str()).collect();
    assert_eq!(given, BTreeSet::from(["admin", "read"]));
    let of_rights = |bounded: &oam_policy::diff::Bounded| bounded.why.contains("who may read or administer");
    assert!(!found.bounded.iter().any(of_rights), "{:?}", found.bounded);
}

#[test]
fn what_is_told_is_true_also_when_it_is_not_all() {
    let rule = |letter: &str| {
        format!(
            "[[grant]]\nid = \"grant-{letter}\"\nto = [\"one\"]\non = [\"**\"]\nverbs = [\"create\"]\nrefs = [\"refs/heads/*{letter}*\"]\n"
        )
    };
    let letters: Vec<_> = ('a'..='z').map(String::from).collect();
    let old = common::policy(&format!("{HEAD}{}", rule("a")));
    let new =
        common::policy(&format!("{HEAD}{}", letters.iter().map(|letter| rule(letter)).collect::<String>()));
    let limits = Limits { states: 2_000, ..Limits::default() };
    let found = diff(&old, &new, Some(&directory()), at(NOW), &limits);
    assert!(!found.exact);
    assert!(!found.changes.is_empty());
    for witness in found.changes.iter().flat_map(|change| &change.places).map(|place| &place.witness) {
        let name = [witness.name.clone()];
        let states = [&old, &new].map(super::world::state);
        let permitted = |state| {
            super::world::permitted(
                state,
                &witness.user,
                &witness.repository,
                witness.verb,
                &name,
                witness.at,
            )[0]
        };
        assert_eq!([permitted(&states[0]), permitted(&states[1])], [false, true], "{witness:?}");
    }
}

#[test]
fn a_small_change_to_a_large_policy_is_exact() {
    let mut rules = HEAD.to_owned();
    for number in 0..1_000 {
        write!(
            rules,
            "[[grant]]\nid = \"grant-{number}\"\nto = [\"one\"]\non = [\"P{number}/*\"]\nverbs = [\"create\", \"update\"]\n\
             refs = [\"refs/heads/feature-{number}/**\", \"refs/heads/u/${{user}}/**\", \"!refs/heads/feature-{number}/x*\"]\n"
        )
        .unwrap();
    }
    let freeze = "[[block]]\nid = \"freeze\"\non = [\"P7/*\"]\nrefs = [\"refs/heads/**\"]\nfrom = 2026-12-20T00:00:00Z\n";
    let person = |number| Person {
        username: format!("user-{number}").parse().unwrap(),
        id: None,
        display_name: None,
        emails: Vec::new(),
        active: true,
        groups: BTreeSet::from(["g:1".parse().unwrap()]),
        keys: Default::default(),
    };
    let people = (0..20_000).map(person).collect();
    let directory = Directory { people, groups: Default::default() };
    let crowd = Snapshot::of_directory(1, at(NOW), &directory, Default::default()).unwrap();
    let new = format!("{rules}{freeze}");
    let found =
        diff(&common::policy(&rules), &common::policy(&new), Some(&crowd), at(NOW), &Limits::default());
    assert!(found.exact, "{:?}", found.bounded);
    let told: Vec<_> =
        found.changes.iter().map(|change| (change.effect, change.users(), change.places.len())).collect();
    assert_eq!(told, [(Effect::Loses, 20_000, 2)]);
}

/// The policy of a text; `None` where this program is built without the engine of `re:` patterns.
fn with_expressions(text: &str) -> Option<oam_policy::Policy> {
    let source = file::PolicySource { name: "policy.toml".into(), text: text.into() };
    match file::parse(&[source]) {
        Ok(policy) => Some(policy),
        Err(faults) if !cfg!(feature = "regex") => {
            assert!(faults.to_string().contains("without `re:` patterns"), "{faults}");
            None
        }
        Err(faults) => panic!("{faults}"),
    }
}

fn creating(id: &str, refs: &str) -> String {
    format!(
        "[[grant]]\nid = \"{id}\"\nto = [\"one\"]\non = [\"**\"]\nverbs = [\"create\"]\nrefs = [\"{refs}\"]\n"
    )
}

#[test]
fn a_regular_expression_is_compared() {
    let text = format!("{HEAD}{}", creating("re", "re:refs/heads/a+"));
    let Some(new) = with_expressions(&text) else { return };
    let found = diff(&common::policy(HEAD), &new, Some(&directory()), at(NOW), &Limits::default());
    assert!(found.exact, "{:?}", found.bounded);
    let [change] = found.changes.as_slice() else { panic!("{:?}", found.changes) };
    assert_eq!(change.effect, Effect::Gains);
    assert_eq!(change.places[0].refs.within, ["re:refs/heads/a+"]);
    assert_eq!(change.places[0].witness.name.to_string(), "refs/heads/a");
}

/// An automaton that remembers the last thirty letters.
const LARGE: &str = "re:refs/heads/(x/)?.*a.{30}";

#[test]
fn a_regular_expression_that_grows_too_large_is_named_and_hides_nothing_else() {
    let old = format!("{HEAD}{}", creating("re", LARGE));
    let Some(old_policy) = with_expressions(&old) else { return };
    let compared = |refs: &str| {
        let new = with_expressions(&(old.clone() + &creating("more", refs))).unwrap();
        diff(&old_policy, &new, Some(&directory()), at(NOW), &Limits::default())
    };
    // It was there before, and little of it meets the change.
    let found = compared("refs/heads/main");
    assert!(found.exact && found.changes.len() == 1, "{found:?}");
    let found = compared("refs/heads/*");
    assert!(!found.exact && !found.changes.is_empty(), "{found:?}");
    assert_eq!(found.bounded.len(), 1, "{:?}", found.bounded);
    assert_eq!(found.bounded[0].patterns, [LARGE]);
    assert!(found.bounded[0].why.contains("grow too large"));
}

#[test]
fn people_whom_a_regular_expression_tells_apart_are_told_apart() {
    let old = format!("{HEAD}{}", creating("re", "re:refs/heads/u/a.*"));
    let Some(old_policy) = with_expressions(&old) else { return };
    let new = with_expressions(&(old + &creating("own", "refs/heads/u/${user}/**"))).unwrap();
    let found = diff(&old_policy, &new, Some(&directory()), at(NOW), &Limits::default());
    assert!(found.exact, "{:?}", found.bounded);
    // Whose name begins with an `a` had their own already.
    let gainers: BTreeSet<_> = found
        .changes
        .iter()
        .flat_map(|change| &change.who)
        .flat_map(|holders| holders.sample.iter().map(ToString::to_string))
        .collect();
    assert_eq!(gainers, BTreeSet::from(["b".to_owned()]));
}

const ON_MAIN: &str = "to = [\"one\"]\non = [\"**\"]\nverbs = [\"update\"]\nrefs = [\"refs/heads/main\"]\n";

#[test]
fn paths_that_meet_in_too_many_ways_are_named() {
    let mut hostile = HEAD.to_owned();
    for number in 0..300 {
        let letters = ["a", "b", "c", "d", "e"].map(|letter| format!("*{letter}{number}")).concat();
        writeln!(hostile, "[[grant]]\nid = \"grant-{number}\"\n{ON_MAIN}paths = [\"src/{letters}*\"]")
            .unwrap();
    }
    let limits = Limits { steps_per_product: 1_000_000, steps: 2_000_000, ..Limits::default() };
    let (old, new) = (common::policy(HEAD), common::policy(&hostile));
    let found = diff(&old, &new, Some(&directory()), at(NOW), &limits);
    assert!(!found.exact);
    let names_one = |bounded: &oam_policy::diff::Bounded| {
        bounded.patterns_total == 300 && bounded.patterns[0].starts_with("src/*a0")
    };
    assert!(found.bounded.iter().any(names_one), "{:?}", found.bounded);
    assert!(found.changes.iter().all(|change| change.effect == Effect::Gains));
}

#[test]
fn many_owned_folders_are_exact() {
    let mut owned = HEAD.to_owned();
    for number in 0..200 {
        writeln!(owned, "[[grant]]\nid = \"grant-{number}\"\n{ON_MAIN}paths = [\"src/{number}/**\"]")
            .unwrap();
    }
    let narrowed = owned.replace("src/7/**", "src/7/docs/**");
    let (old, new) = (common::policy(&owned), common::policy(&narrowed));
    let found = diff(&old, &new, Some(&directory()), at(NOW), &Limits::default());
    assert!(found.exact, "{:?}", found.bounded);
    let [change] = found.changes.as_slice() else { panic!("{:?}", found.changes) };
    assert_eq!(change.effect, Effect::Loses);
    let [place] = change.places.as_slice() else { panic!("{:?}", change.places) };
    let paths = Class { within: vec!["src/7/**".into()], without: vec!["src/7/docs/**".into()] };
    assert_eq!(place.paths, Paths::Of(paths));
    assert_eq!(place.witness.path.as_ref().unwrap().to_string(), "src/7/a");
}

#[test]
fn rules_that_look_at_different_commits_are_said_not_to_be_compared() {
    let block = |id: &str, refs: &str| {
        format!("[[block]]\nid = \"{id}\"\non = [\"**\"]\nrefs = [\"{refs}\"]\npaths = [\"secrets/**\"]\n")
    };
    let grant = format!("{HEAD}[[grant]]\nid = \"all\"\n{ON_MAIN}");
    let (old, new) = (block("old", "refs/heads/main"), block("new", "refs/heads/**"));
    let (old, new) = (common::policy(&(grant.clone() + &old)), common::policy(&(grant + &new)));
    let found = diff(&old, &new, Some(&directory()), at(NOW), &Limits::default());
    assert!(!found.exact && found.changes.is_empty(), "{found:?}");
    assert_eq!(found.bounded[0].patterns, ["refs/heads/**", "refs/heads/main"]);
}

/// Signed commits are taken for signed-off ones, and of other commits: what already lies on a free branch goes in unsigned.
#[test]
fn what_is_tightened_of_some_commits_and_loosened_of_others_is_said_not_to_be_compared() {
    let grant = format!("{HEAD}[[grant]]\nid = \"all\"\n{ON_MAIN}");
    let require = |refs: &str, asks: &str| {
        format!("[[require]]\nid = \"careful\"\non = [\"**\"]\nrefs = [\"{refs}\"]\n{asks}\n")
    };
    let compared = |before: &str, after: &str| {
        let (old, new) =
            (common::policy(&format!("{grant}{before}")), common::policy(&format!("{grant}{after}")));
        diff(&old, &new, Some(&directory()), at(NOW), &Limits::default())
    };
    let approvals =
        |count: u8| format!("approvals = [{{ role = \"one\", count = {count}, paths = [\"deploy/**\"] }}]");
    for (before, after) in [
        ("commits = { signed = true }".to_owned(), "commits = { signed = true, sign_off = true }".to_owned()),
        (approvals(1), approvals(2)),
    ] {
        let found = compared(&require("refs/heads/main", &before), &require("refs/heads/**", &after));
        assert!(!found.exact, "{found:?}");
        assert!(found.changes.iter().any(|change| change.effect == Effect::Tightens), "{found:?}");
        assert_eq!(found.bounded[0].patterns, ["refs/heads/**", "refs/heads/main"], "{found:?}");
    }
    // Beside a rule that looks at other commits, and says what it said, more is asked of the same ones.
    let beside = "[[require]]\nid = \"beside\"\non = [\"**\"]\nrefs = [\"refs/heads/**\"]\ncommits = { linear = true }\n";
    let asking = |checks: &str| require("refs/heads/main", &format!("commits = {{ {checks} }}")) + beside;
    let found = compared(&asking("signed = true"), &asking("signed = true, sign_off = true"));
    assert!(found.exact && !found.changes.is_empty(), "{found:?}");
    // A rule more for all of them takes nothing from anybody but what is told.
    let more = require("refs/heads/main", "commits = { signed = true }");
    let found = compared(beside, &format!("{more}{beside}"));
    assert!(found.exact && !found.changes.is_empty(), "{found:?}");
}

#[test]
fn a_regular_expression_over_paths_is_compared() {
    let text = format!("{HEAD}[[grant]]\nid = \"re\"\n{ON_MAIN}paths = [\"re:src/a+\"]\n");
    let Some(new) = with_expressions(&text) else { return };
    let found = diff(&common::policy(HEAD), &new, Some(&directory()), at(NOW), &Limits::default());
    assert!(found.exact, "{:?}", found.bounded);
    let paths =
        found.changes.iter().flat_map(|change| &change.places).filter_map(|place| place.witness.path.clone());
    assert_eq!(paths.map(|path| path.to_string()).collect::<Vec<_>>(), ["src/a"]);
}

/// Fifty thousand people who hold each other roles, and two thousand rules: what is looked at is bounded, and the answer says so.
#[test]
fn people_who_all_hold_other_roles_are_asked_about_within_the_bounds() {
    let mut roles = "version = 1\n".to_owned();
    let mut rules = String::new();
    for role in 0..200 {
        writeln!(roles, "[[role]]\nid = \"r{role}\"\nany = [\"g:{role}\"]").unwrap();
        for grant in 0..10 {
            write!(
                rules,
                "[[grant]]\nid = \"g-{role}-{grant}\"\nto = [\"r{role}\"]\non = [\"P{role}/*\"]\nverbs = [\"create\"]\n\
                 refs = [\"refs/heads/{grant}/**\"]\n"
            )
            .unwrap();
        }
    }
    let person = |number: usize| Person {
        username: format!("user-{number}").parse().unwrap(),
        id: None,
        display_name: None,
        emails: Vec::new(),
        active: true,
        groups: [number % 200, number / 200 % 200, (number / 7 + 3) % 200]
            .map(|group| format!("g:{group}").parse().unwrap())
            .into(),
        keys: Default::default(),
    };
    let directory = Directory { people: (0..50_000).map(person).collect(), groups: Default::default() };
    let crowd = Snapshot::of_directory(1, at(NOW), &directory, Default::default()).unwrap();
    let old = common::policy(&format!("{roles}{rules}"));
    let compared = |more: &str, limits: &Limits| {
        diff(&old, &common::policy(&format!("{roles}{rules}{more}")), Some(&crowd), at(NOW), limits)
    };
    // One more right for one role: those who hold it are asked about, and nobody else.
    let one = "[[grant]]\nid = \"more\"\nto = [\"r7\"]\non = [\"X/*\"]\nverbs = [\"create\"]\nrefs = [\"refs/heads/**\"]\n";
    let found = compared(one, &Limits { steps: 10_000_000, ..Limits::default() });
    assert!(found.exact, "{:?}", found.bounded);
    assert!(found.changes.iter().any(|change| change.effect == Effect::Gains && change.users() > 250));
    // A freeze is for all of them.
    let freeze = "[[block]]\nid = \"freeze\"\non = [\"**\"]\nrefs = [\"refs/heads/**\"]\n";
    let found = compared(freeze, &Limits { steps: 300_000, ..Limits::default() });
    assert!(!found.exact);
    assert!(
        found.bounded.iter().any(|bounded| bounded.why.contains("some were not asked about")),
        "{:?}",
        found.bounded
    );
}

#[test]
fn what_is_not_compared_of_workloads_and_approvers_is_said() {
    let job = |id: &str, claim: &str, account: &str| {
        format!(
            "[[workload]]\nid = \"{id}\"\nprofile = \"generic\"\nissuer = \"https://ci\"\nclaims = {{ {claim} = \"1\" }}\n\
             principal = \"{account}\"\nroles = [\"one\"]\non = [\"**\"]\nrefs = [\"refs/**\"]\n"
        )
    };
    let elevation = |refs: &str| {
        format!(
            "[[elevation]]\nid = \"call\"\nroles = [\"one\"]\nto = [\"one\"]\nrefs = [\"{refs}\"]\nmax_time = \"1h\"\n\
             approved_by = [\"one\"]\n"
        )
    };
    let bounded = |more: &str| {
        let (old, new) = (common::policy(HEAD), common::policy(&format!("{HEAD}{more}")));
        let found = diff(&old, &new, Some(&directory()), at(NOW), &Limits::default());
        assert!(!found.offers.is_empty(), "{more}");
        assert_eq!(found.exact, found.bounded.is_empty());
        found.bounded.iter().map(|bounded| bounded.why).collect::<Vec<_>>().join("; ")
    };
    // The same token may show both, and which comes first depends on what else it says.
    let both = job("x", "a", "svc") + &job("y", "b", "bot");
    assert!(bounded(&both).contains("lead to different accounts"), "{}", bounded(&both));
    assert_eq!(bounded(&(job("x", "a", "svc") + &job("y", "b", "svc"))), "");
    assert_eq!(bounded(&elevation("refs/heads/main")), "");
    assert!(bounded(&elevation("refs/heads/${user}/**")).contains("whose requests may be approved"));
}
