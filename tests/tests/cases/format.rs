//! The case files as a whole, the format's own faults, and whether the doors would notice.

use std::{collections::BTreeSet, fs};

use oam_tests::binaries::workspace;

use crate::{
    FILES,
    case::Case,
    file::{CaseFile, folder},
    host::Host,
    run::findings,
};

#[test]
fn every_file_has_its_test() {
    let files = fs::read_dir(folder()).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap());
    let files: BTreeSet<_> = files.collect();
    let tested: BTreeSet<_> = FILES.iter().map(|name| format!("{name}.toml")).collect();
    assert_eq!(files, tested, "list every file in `tests/tests/cases/main.rs`");
}

#[test]
fn there_are_many_cases_and_most_are_answered_alike_at_every_door() {
    let files: Vec<_> = FILES.iter().map(|name| CaseFile::read(name)).collect();
    let titles: BTreeSet<_> = files.iter().map(|file| &file.title).collect();
    assert_eq!(titles.len(), files.len(), "two files have one title: {titles:?}");
    let cases: usize = files.iter().map(|file| file.cases.len()).sum();
    assert!(cases >= 300, "{cases} cases");
    let alike = cases - those(&files, |case| why_not(case, true).or_else(|| answered_otherwise(case))).len();
    assert!(alike >= 200, "{alike} of {cases} cases are answered alike at every door");
}

/// Why a case is not pushed, by a process that is root, or is not.
fn why_not(case: &Case, is_root: bool) -> Option<&'static str> {
    case.not_pushed().or_else(|| Host::cannot_as(case, is_root))
}

fn answered_otherwise(case: &Case) -> Option<&'static str> {
    (!case.is_alike_at_every_door()).then_some("a daemon answers otherwise")
}

/// The cases of which something can be said, in a line each: file, name, what.
fn those(files: &[CaseFile], say: impl Fn(&Case) -> Option<&'static str>) -> Vec<String> {
    let mut all = Vec::new();
    for (name, file) in FILES.iter().zip(files) {
        let said = file.cases.iter().filter_map(|case| Some((case, say(case)?)));
        all.extend(said.map(|(case, what)| format!("{name}: {}: {what}", case.name)));
    }
    all
}

/// A case that goes through the first door alone proves little, and nobody sees that it passes. So each of them is named.
#[test]
fn the_cases_that_do_not_go_through_every_door_are_these() {
    let files: Vec<_> = FILES.iter().map(|name| CaseFile::read(name)).collect();
    insta::assert_snapshot!("not_pushed", those(&files, |case| why_not(case, true)).join("\n"));
    assert_eq!(
        those(&files, answered_otherwise),
        Vec::<String>::new(),
        "there is nothing that a daemon cannot know"
    );
    let only_by_root = |case: &Case| why_not(case, false).filter(|_| why_not(case, true).is_none());
    insta::assert_snapshot!("only_by_root", those(&files, only_by_root).join("\n"));
}

/// Alice may create `x`, and not delete `y`.
const WHOLE: &str = r#"
title = "One"
text  = "Of something."

policy = '''
version = 1

[[role]]
id  = "developer"
any = ["okta:eng"]

[[grant]]
id    = "topics"
to    = ["developer"]
on    = ["PAY/*"]
refs  = ["refs/heads/x"]
verbs = ["create"]
'''

[people]
alice = ["okta:eng"]
gone  = { groups = ["okta:eng"], active = false }

[[case]]
name   = "One of two"
who    = "alice"
push   = ["create PAY/api refs/heads/x", "delete PAY/api refs/heads/y"]
expect = ["permitted:topics", "refused:no-grant"]
"#;

/// [`WHOLE`] with something else in the place of `part`.
fn with(part: &str, other: &str) -> String {
    let text = WHOLE.replacen(part, other, 1);
    assert_ne!(text, WHOLE, "there is no `{part}`");
    text
}

fn read(text: &str) -> Result<CaseFile, String> {
    let file: CaseFile = toml::from_str(text).map_err(|error| error.to_string())?;
    file.check().map(|()| file)
}

#[test]
fn what_is_not_understood_is_a_fault() {
    read(WHOLE).unwrap();
    for (part, other, complaint) in [
        ("title ", "titel ", "unknown field `titel`"),
        ("who ", "why = \"\"\nwho ", "unknown field `why`"),
        ("active", "activ", "a list of groups, or a table with"),
        ("Of something.", " ", "`title`, `text` and at least one"),
        ("refused:no-grant", "refused:no-grants", "`no-grants` is none of no-grant"),
        ("refused:no-grant", "refused", "write why"),
        ("[\"permitted:topics\", \"refused:no-grant\"]", "true", "a text or a list of texts"),
        ("\"permitted:topics\", ", "\"permitted\", \"permitted\", ", "2 refs have 3 answers"),
        ("who ", "channel = \"branch-create\"\nwho ", "`branch-create` does no such thing"),
        ("who ", "at = 2026-12-24T08:00:00\nwho ", "`2026-12-24T08:00:00`"),
        ("who ", "at = 2026-12-24T08:00:00Z\nwho ", "say in `never_pushed` why"),
        ("title ", "never_pushed = \"…\"\ntitle ", "and a case is pushed"),
        ("who ", "would = [\"blocked\"]\nwho ", "names no rule"),
        ("who ", "pushed = \"permitted\"\nwho ", "say in `never_pushed` why"),
        (
            "who ",
            "pushed = [\"permitted:topics\", \"refused:no-grant\"]\nwho ",
            "`pushed` says what `expect` says",
        ),
        ("who ", "commits = [{ mesage = \"x\" }]\nwho ", "unknown field `mesage`"),
        ("who ", "pull_request = { autor = \"x\" }\nwho ", "unknown field `autor`"),
        ("who ", "waivers = [{ ids = \"x\" }]\nwho ", "unknown field `ids`"),
        ("create PAY/api", "create WEB/api", "a push is to one repository"),
        ("create PAY/api refs/heads/x", "create PAY/api main", "`main`: "),
        ("create PAY/api refs/heads/x", "update PAY/api refs/tags/x", "a tag is never updated"),
    ] {
        let told = read(&with(part, other)).expect_err(other);
        assert!(told.contains(complaint), "{complaint}: {told}");
    }
    let twice = WHOLE.to_owned() + &WHOLE[WHOLE.find("[[case]]").unwrap()..];
    assert!(read(&twice).unwrap_err().contains("two cases are called"));
}

/// A check that finds nothing would pass for ever.
#[test]
fn what_is_wrong_is_found_at_every_door() {
    let decided = ["decide:", "gRPC:", "gRPC, in the audit log:", "push, in the audit log:"];
    // What the pusher sees tells no grant, nor does the wire.
    let logged = ["decide:", "gRPC, in the audit log:", "push, in the audit log:"];
    let words = ["decide: nobody says", "gRPC: nobody says", "push: nobody says"];
    let marks = [
        "decide, in evaluate mode",
        "gRPC, in the audit log, in evaluate",
        "push, in the audit log, in evaluate",
    ];
    let waived =
        ["decide, by waivers", "gRPC, in the audit log, by waivers", "push, in the audit log, by waivers"];
    for (part, other, doors) in [
        ("One of two", "One of both", &[][..]),
        ("refused:no-grant", "permitted", &[&decided[..], &["push: Permitted is expected"]].concat()),
        ("refused:no-grant", "refused:blocked:b", &[&decided[..], &["push: {\"blocked\"}"]].concat()),
        ("refused:no-grant", "refused:no-grant + blocked:b", &decided),
        ("permitted:topics", "permitted:others", &logged),
        ("who ", "says = [\"something else\"]\nwho ", &words),
        ("who ", "would = [\"blocked:trial\"]\nwho ", &marks),
        ("who ", "lifted = [\"freeze:hotfix\"]\nwho ", &waived),
    ] {
        let told = findings(&read(&with(part, other)).unwrap());
        assert_eq!(told.is_empty(), doors.is_empty(), "{other}: {told}");
        for door in doors {
            assert!(told.contains(door), "{other}: nothing of `{door}` in\n{told}");
        }
    }
}

#[test]
fn every_key_is_explained() {
    let page = fs::read_to_string(workspace().join("docs/src/reference/cases.md")).unwrap();
    // The keys, as the first column of a table has them.
    let columns = page.lines().filter_map(|line| line.strip_prefix("| ")?.split(" |").next());
    let explained: BTreeSet<_> = columns.flat_map(|column| column.split('`').skip(1).step_by(2)).collect();
    for wrong in [
        with("title ", "titel "),
        with("who ", "whom "),
        with("who ", "commits = [{ mesage = 1 }]\nwho "),
        with("who ", "pull_request = { autor = 1 }\nwho "),
        with("who ", "waivers = [{ ids = 1 }]\nwho "),
    ] {
        // Whoever is told which keys there would be is told all of them.
        let told = read(&wrong).unwrap_err();
        let keys: Vec<_> =
            told.split("expected one of").nth(1).unwrap().split('`').skip(1).step_by(2).collect();
        assert!(keys.len() > 3, "{told}");
        for key in keys {
            let written = [key.to_owned(), format!("[{key}]"), format!("[[{key}]]")];
            assert!(written.iter().any(|one| explained.contains(one.as_str())), "`{key}` is not explained");
        }
    }
}
