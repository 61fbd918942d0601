use std::collections::BTreeSet;

use jiff::Timestamp;
use oam_policy::{file::PolicySource, lint::lint};
use proptest::prelude::*;

use super::{Bounds, Choices, Compared, Found, Imported, LeftKind, compare, tidy};
use crate::{
    Account, BranchModel, ExemptKey, Forbids, GlobalLevel, GlobalPermission, Matcher, MatcherKind,
    Restriction,
    permission::{Holder, Level},
    samples::{dated, holder, place},
};

fn choices() -> Choices {
    Choices::new("okta", &["svc-ci".to_owned()]).unwrap()
}

/// Two projects, groups `eng`, `leads` and `admins`, and a machine.
fn company() -> Found {
    let mut found = Found::default();
    found.seen.places = dated(["PAY", "PAY/api", "PAY/web", "WEB", "WEB/shop"].map(place).into());
    let account = |name: &str| Account { id: None, name: name.into(), slug: name.into(), active: true };
    let people = ["ada", "bob", "carl", "dora", "root", "svc-ci"];
    found.seen.accounts = dated(people.map(account).into());
    found.seen.groups = dated(["users", "eng", "leads", "admins"].map(str::to_owned).into());
    for (group, members) in
        [("users", &people[..]), ("eng", &["ada", "bob"]), ("leads", &["bob", "carl"]), ("admins", &["root"])]
    {
        let members = members.iter().map(|name| Holder::user(name).unwrap()).collect();
        found.members.insert(Holder::group(group).unwrap(), members);
    }
    found
        .everywhere("group:users", GlobalLevel::LicensedUser)
        .everywhere("group:admins", GlobalLevel::SysAdmin);
    found
}

impl Found {
    fn everywhere(&mut self, who: &str, level: GlobalLevel) -> &mut Self {
        self.seen.everywhere.is.push(GlobalPermission { holder: holder(who), level });
        self
    }

    fn give(&mut self, at: &str, who: &str, level: Level) -> &mut Self {
        let there = self.seen.permissions.entry(place(at)).or_insert_with(|| dated(Vec::new()));
        there.is.retain(|(one, _)| *one != holder(who));
        there.is.push((holder(who), level));
        self
    }

    fn restrict(&mut self, at: &str, kind: &str, matcher: (MatcherKind, &str), exempt: &[&str]) -> &mut Self {
        let id = self.around.restrictions.len() as u64 + 1;
        let named = |start: &str| {
            exempt.iter().filter_map(|one| one.strip_prefix(start)).map(str::to_owned).collect()
        };
        let keys: Vec<String> = named("key:");
        let matcher = Matcher { kind: matcher.0, id: matcher.1.into(), shown: matcher.1.into() };
        self.around.restrictions.push((
            place(at),
            Restriction {
                id,
                kind: kind.into(),
                matcher,
                users: named("user:"),
                groups: named("group:"),
                access_keys: keys.into_iter().map(|label| ExemptKey { id, label }).collect(),
            },
        ));
        self
    }
}

/// The files as one text, and what could not be said.
fn imported(found: &Found) -> Imported {
    Imported::of(found, &choices(), Timestamp::UNIX_EPOCH).unwrap_or_else(|faults| panic!("{faults}"))
}

fn compared(found: &Found, imported: &Imported) -> Compared {
    let came = compare(found, &choices(), imported, Timestamp::UNIX_EPOCH, Bounds::default());
    assert!(came.complete && came.questions > 0);
    came
}

fn text(imported: &Imported) -> String {
    imported.files.iter().map(|PolicySource { name, text }| format!("### {name}\n{text}")).collect()
}

fn left(imported: &Imported) -> Vec<(LeftKind, String)> {
    imported
        .left
        .iter()
        .map(|left| (left.kind, left.holder.as_ref().map(ToString::to_string).unwrap_or_default()))
        .collect()
}

const MATTER_OF_COURSE: (LeftKind, String) = (LeftKind::OtherRefs, String::new());

#[test]
fn a_company_becomes_a_policy_that_decides_the_same() {
    let mut found = company();
    found.give("PAY", "group:eng", Level::Write).give("PAY", "group:leads", Level::Admin);
    found.give("WEB/shop", "group:eng", Level::Read).give("WEB/shop", "user:svc-ci", Level::Write);
    let main = (MatcherKind::Branch, "refs/heads/main");
    found.restrict("PAY", "no-deletes", main.clone(), &[]).restrict(
        "PAY",
        "fast-forward-only",
        main.clone(),
        &[],
    );
    found.restrict("PAY", "pull-request-only", main, &["group:leads"]);
    found.restrict("PAY/api", "read-only", (MatcherKind::Pattern, "release/"), &["group:leads"]);
    found.restrict("WEB", "no-creates", (MatcherKind::AnyRef, "ANY"), &["user:svc-ci"]);
    let imported = imported(&found);
    let text = text(&imported);
    for part in [
        "id = \"eng\"\nany = [\"okta:eng\"]",
        "service = [\"svc-ci\"]",
        "to = [\"admins\"]\non = [\"**\"]",
        "to = [\"eng\"]\non = [\"PAY/*\"]",
        "on = [\"PAY/*\"]\nrefs = [\"refs/heads/main\"]\nverbs = [\"force\", \"delete\"]\n",
        "# PAY 3: pull-request-only on refs/heads/main\n[[require]]",
        "on = [\"PAY/api\"]\nrefs = [\"refs/**/release\", \"refs/**/release/**\"]\nexcept = [\"leads\"]\n",
        "on = [\"WEB/*\"]\nrefs = [\"refs/**\"]\nverbs = [\"create\"]\nexcept = [\"svc-ci\"]\n",
    ] {
        assert!(text.contains(part), "{part}\n---\n{text}");
    }
    assert_eq!(left(&imported), [MATTER_OF_COURSE]);
    let came = compared(&found, &imported);
    assert!(came.differing > 0 && came.unexplained == 0, "{came:?}");
    let other_refs = |name: &str| name.starts_with("refs/notes/");
    assert!(
        came.differences.iter().all(|one| !one.is_wider() && other_refs(&one.name.to_string())),
        "{came:?}"
    );
    assert!(!came.unclear.is_empty());
}

#[test]
fn whoever_has_something_by_name_is_told_of_and_given_nothing() {
    let mut found = company();
    found.give("PAY", "user:dora", Level::Write).give("PAY", "group:eng", Level::Write);
    found.everywhere("user:carl", GlobalLevel::Admin);
    found.restrict(
        "PAY",
        "read-only",
        (MatcherKind::Branch, "refs/heads/main"),
        &["user:ada", "key:deploy", "group:gone"],
    );
    let imported = imported(&found);
    let is = |kind, who: &str| (kind, who.to_owned());
    assert_eq!(
        left(&imported),
        [
            is(LeftKind::Person, "user:carl"),
            is(LeftKind::Person, "user:dora"),
            is(LeftKind::ExemptPerson, "user:ada"),
            is(LeftKind::AccessKey, ""),
            is(LeftKind::Group, "group:gone"),
            MATTER_OF_COURSE,
        ]
    );
    let came = compared(&found, &imported);
    assert_eq!(came.unexplained, 0, "{came:?}");
    let who: BTreeSet<_> = came
        .differences
        .iter()
        .filter(|one| one.because != Some(5))
        .map(|one| one.user.to_string())
        .collect();
    assert_eq!(who, ["user:ada", "user:carl", "user:dora"].map(str::to_owned).into(), "{came:?}");
}

#[test]
fn what_everybody_has_is_given_to_those_who_use_bitbucket() {
    let mut found = company();
    found.around.everybody.push(("WEB".parse().unwrap(), Level::Write));
    let imported = imported(&found);
    assert!(text(&imported).contains("to = [\"users\"]\non = [\"WEB/*\"]"), "{}", text(&imported));
    assert_eq!(compared(&found, &imported).unexplained, 0);
}

#[test]
fn a_model_is_one_of_each_repository() {
    let mut found = company();
    found.give("PAY", "group:eng", Level::Write);
    found.restrict("PAY", "read-only", (MatcherKind::ModelBranch, "development"), &[]);
    found.restrict("PAY", "no-deletes", (MatcherKind::ModelCategory, "RELEASE"), &[]);
    let model = |development: &str| BranchModel {
        development: Some(development.into()),
        production: None,
        prefixes: [("RELEASE".to_owned(), "release/".to_owned())].into(),
    };
    found.models = [
        ("PAY/api".parse().unwrap(), Some(model("refs/heads/dev"))),
        ("PAY/web".parse().unwrap(), Some(model("refs/heads/main"))),
    ]
    .into();
    let whole = imported(&found);
    let written = text(&whole);
    assert!(written.contains("on = [\"PAY/*\"]\nrefs = [\"refs/heads/release/**\"]"), "{written}");
    assert!(
        written.contains("\"PAY/*\", \"!PAY/") && written.contains("refs = [\"refs/heads/dev\"]"),
        "{written}"
    );
    assert_eq!(compared(&found, &whole).unexplained, 0);
    // Where there is none, nobody can tell, and that is said.
    found.models.insert("PAY/web".parse().unwrap(), None);
    let partial = imported(&found);
    let unknown = partial.left.iter().filter(|left| left.kind == LeftKind::UnknownRefs);
    assert!(unknown.clone().count() == 2 && unknown.clone().all(|left| left.place == Some(place("PAY/web"))));
    let came = compared(&found, &partial);
    assert!(came.unexplained == 0 && came.differences.iter().any(super::Difference::is_wider), "{came:?}");
}

#[test]
fn a_policy_that_lost_a_rule_is_found_out() {
    let mut found = company();
    found.give("PAY", "group:eng", Level::Write);
    found.restrict("PAY", "no-deletes", (MatcherKind::Pattern, "release/"), &[]);
    let whole = imported(&found);
    let mut without = found.clone();
    without.around.restrictions.clear();
    let came = compared(&found, &Imported { left: whole.left, ..imported(&without) });
    let wider: Vec<_> = came.differences.iter().filter(|one| one.is_wider()).collect();
    assert!(came.unexplained > 0 && !wider.is_empty());
    assert!(
        wider.iter().all(|one| one.because.is_none() && one.name.to_string().contains("/release")),
        "{wider:?}"
    );
    // And one that gives less.
    let mut without = found.clone();
    without.seen.permissions.clear();
    let came = compared(&found, &imported(&without));
    assert!(came.unexplained > 0 && came.differences.iter().all(|one| !one.is_wider()));
}

#[test]
fn more_than_may_be_asked_is_said_to_be_unfinished() {
    let mut found = company();
    found.give("PAY", "group:eng", Level::Write);
    let imported = imported(&found);
    let bounds = Bounds { questions: 10, ..Bounds::default() };
    let came = compare(&found, &choices(), &imported, Timestamp::UNIX_EPOCH, bounds);
    assert!(!came.complete && came.questions == 10);
}

/// Any Bitbucket, of the people and repositories of [`company`].
fn chance() -> impl Strategy<Value = Found> {
    let holders = || {
        let all =
            ["group:eng", "group:leads", "group:users", "group:gone", "user:ada", "user:dora", "user:svc-ci"];
        proptest::sample::select(all.to_vec())
    };
    let places = || proptest::sample::select(vec!["PAY", "PAY/api", "PAY/web", "WEB", "WEB/shop"]);
    let projects = proptest::sample::select(vec!["PAY", "WEB"]);
    let levels = || proptest::sample::select(vec![Level::Read, Level::Write, Level::Write, Level::Admin]);
    let kinds: Vec<_> = Forbids::ALL.map(Forbids::as_str).into_iter().chain(["of-tomorrow"]).collect();
    let matchers = vec![
        (MatcherKind::AnyRef, "ANY"),
        (MatcherKind::Branch, "refs/heads/main"),
        (MatcherKind::Branch, "refs/heads/feature/x"),
        (MatcherKind::ModelCategory, "RELEASE"),
        (MatcherKind::ModelBranch, "development"),
        (MatcherKind::ModelBranch, "production"),
        (MatcherKind::Other("NEW".into()), "x"),
    ];
    let pattern = proptest::sample::select(vec![
        "main",
        "*",
        "release/",
        "heads/**",
        "tags/",
        "feature/*",
        "**/x",
        "?ain",
        "refs/heads/main",
        "a**n",
        "*/heads/main",
    ]);
    let matcher = prop_oneof![
        proptest::sample::select(matchers).prop_map(|(kind, id)| (kind, id.to_owned())),
        pattern.prop_map(|pattern| (MatcherKind::Pattern, pattern.to_owned())),
    ];
    let exempt = proptest::collection::vec(prop_oneof![6 => holders(), 1 => Just("key:deploy")], 0..3);
    let given = proptest::collection::vec((places(), holders(), levels()), 0..6);
    let restrictions =
        proptest::collection::vec((places(), proptest::sample::select(kinds), matcher, exempt), 0..6);
    let everybody = proptest::option::of((projects, levels()));
    let more = proptest::option::of((
        holders(),
        proptest::sample::select(vec![GlobalLevel::LicensedUser, GlobalLevel::Admin]),
    ));
    let models =
        proptest::collection::vec(proptest::option::of(proptest::sample::select(vec!["dev", "main", ""])), 3);
    (given, restrictions, everybody, more, models).prop_map(
        |(given, restrictions, everybody, more, models)| {
            let mut found = company();
            for (at, who, level) in given {
                found.give(at, who, level);
            }
            for (at, kind, (matcher, id), exempt) in restrictions {
                found.restrict(at, kind, (matcher, &id), &exempt);
            }
            found
                .around
                .everybody
                .extend(everybody.map(|(project, level)| (project.parse().unwrap(), level)));
            if let Some((who, level)) = more {
                found.everywhere(who, level);
            }
            for (repository, model) in ["PAY/api", "PAY/web", "WEB/shop"].into_iter().zip(models) {
                let model = model.map(|branch| BranchModel {
                    development: (!branch.is_empty()).then(|| format!("refs/heads/{branch}")),
                    production: None,
                    prefixes: [("RELEASE".to_owned(), format!("rel{branch}/"))].into(),
                });
                found.models.insert(repository.parse().unwrap(), model);
            }
            found
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]
    /// Whatever Bitbucket is like, what comes out is a policy without a warning, and each difference is one that is told of.
    #[test]
    fn each_difference_is_in_the_table(found in chance()) {
        let imported = imported(&found);
        let snapshot = tidy::directory(&found, &choices(), Timestamp::UNIX_EPOCH);
        let report = lint(&imported.policy, snapshot.as_ref(), Timestamp::UNIX_EPOCH);
        prop_assert_eq!(report.open().count(), 0, "{:?}", report.open().next());
        let came = compared(&found, &imported);
        prop_assert_eq!(came.unexplained, 0, "{:?}\n{}", came.differences.iter().find(|one| one.because.is_none()), text(&imported));
        let told = |one: &super::Difference| one.because.is_some_and(|place| imported.left[place].kind.may_widen());
        prop_assert!(came.differences.iter().filter(|one| one.is_wider()).all(told));
    }
}
