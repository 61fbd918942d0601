use std::fs;

use oam_policy::file::{self, PolicySource};
use proptest::prelude::*;

use super::{
    answers::{Answers, branch, branches, contact, group, project, source},
    checked,
    compose::policy,
    interview::{Given, Interview},
    write,
};
use crate::failure::Failure;

/// Three teams' worth of answers.
fn answers() -> Answers {
    Answers {
        contact: "#platform".into(),
        developers: vec![group(None, "okta:eng").unwrap()],
        maintainers: vec![group(None, "okta:release").unwrap()],
        projects: vec![project("PAY").unwrap()],
        protected: vec![branch("main").unwrap(), branch("release/**").unwrap()],
        tags_are_forever: true,
        pull_requests: true,
    }
}

#[test]
fn with_pull_requests() {
    insta::assert_snapshot!(policy(&answers()));
}

#[test]
fn with_little_protected() {
    let little = Answers {
        contact: "ask \"Zoë\" \\ #scm".into(),
        projects: vec![project("PAY/api").unwrap(), project("WEB/*").unwrap()],
        protected: Vec::new(),
        tags_are_forever: false,
        pull_requests: false,
        ..answers()
    };
    insta::assert_snapshot!(policy(&little));
}

/// What is commented out are examples: each must be right beside the rest.
fn uncommented(policy: &str) -> String {
    let is_example = |line: &str| {
        line.starts_with("# [[") || (line.starts_with("# ") && line.contains(" = ") && !line.contains('`'))
    };
    let line = |line: &str| {
        if is_example(line) { line.trim_start_matches("# ").to_owned() } else { line.to_owned() }
    };
    policy.lines().map(|text| line(text) + "\n").collect()
}

fn names() -> impl Strategy<Value = Vec<String>> {
    proptest::collection::vec("[a-z]{1,4}|Release Managers|cn=x,ou=\"y\\\\z\"|é.{0,3}é", 1..4)
}

proptest! {
    /// Whatever is answered: the policy is one, its tests pass, and so are its examples.
    #[test]
    fn every_combination_of_answers_is_a_policy_whose_tests_pass(
        contact_text in "\\PC{0,20}x",
        sources in proptest::collection::vec("[a-z0-9_-]{1,5}", 2),
        developers in names(),
        maintainers in names(),
        projects in proptest::collection::vec(
            prop_oneof!["[A-Z]{1,4}", "[A-Z]{2}/\\*", "~[a-z]{2}/[a-z.]{1,3}x", "[A-Z]\\*/[a-z]\\*", Just("**".to_owned())], 1..4,
        ),
        protected in proptest::collection::vec(
            prop_oneof!["[a-z]{1,5}", "release/\\*\\*", "\\*", "\\*\\*", "[a-f]\\*/\\*", "\\*/[a-z]\\*", "\\*\\*/x", "refs/heads/main", Just("é\"'".to_owned())], 0..5,
        ),
        tags_are_forever: bool,
        pull_requests: bool,
    ) {
        let groups = |source: &str, names: &[String]| {
            names.iter().map(|name| group(Some(source), name)).collect::<Result<Vec<_>, _>>()
        };
        let (Ok(contact), Ok(developers), Ok(maintainers)) =
            (contact(&contact_text), groups(&sources[0], &developers), groups(&sources[1], &maintainers))
        else {
            return Ok(());
        };
        let answers = Answers {
            contact: contact.clone(),
            developers,
            maintainers,
            projects: projects.iter().map(|text| project(text).unwrap()).collect(),
            protected: protected.iter().map(|text| branch(text).unwrap()).collect(),
            tags_are_forever,
            pull_requests,
        };
        let text = policy(&answers);
        let made = checked(&text).unwrap_or_else(|failure| panic!("{failure}\n{text}"));
        prop_assert_eq!(made.contact(), Some(contact.as_str()));
        prop_assert!(made.tests().len() >= answers.projects.len() * 3);
        prop_assert_eq!(made.requires().len(), usize::from(pull_requests && !protected.is_empty()));
        prop_assert_eq!(made.blocks().len(), usize::from(tags_are_forever));
        let source = PolicySource { name: "policy.toml".into(), text: uncommented(&text) };
        let whole = file::parse(&[source]).unwrap_or_else(|faults| panic!("{faults}"));
        prop_assert_eq!((whole.roles().len(), whole.blocks().len()), (3, made.blocks().len() + 1));
        prop_assert_eq!(whole.grants().len(), made.grants().len() + 1);
    }

    #[test]
    fn no_answer_makes_it_panic(text in "\\PC{0,30}|[!*{}$a-z/:\\\\]{0,20}") {
        let mut made = answers();
        if let Ok(project) = project(&text) {
            made.projects = vec![project];
        }
        if let Ok(branch) = branch(&text) {
            made.protected = vec![branch];
        }
        if let Ok(contact) = contact(&text) {
            made.contact = contact;
        }
        if let Ok(group) = group(Some("okta"), &text) {
            made.developers = vec![group];
        }
        let text = policy(&made);
        prop_assert!(checked(&text).is_ok(), "{}", text);
    }
}

#[test]
fn what_is_no_answer() {
    for wrong in ["", "PAY/", "PAY/a/b", "!PAY", "{A,B}", "re:PAY/.*", "PAY REST", "PAY/${user}"] {
        assert!(project(wrong).is_err(), "{wrong}");
    }
    for wrong in ["", "a b", "re:main", "{a,b}", "u/${user}", "main/", "ma?n", "a..b", "a\u{2000}b"] {
        assert!(branch(wrong).is_err(), "{wrong}");
    }
    assert!(group(None, "eng").is_err(), "no source is guessed");
    assert!(group(Some("okta"), " ").is_err());
    assert!(source("Okta").is_err() && source("a:b").is_err());
    assert!(contact("a\nb").is_err());
    assert_eq!(branches(&["none".into()]), Ok(Vec::new()));
    assert_eq!(
        branches(&["main".into(), "refs/heads/main".into()]),
        Ok(vec![branch("main").unwrap()]),
        "once"
    );
    assert_eq!(group(Some("okta"), "ad:Release Managers").unwrap().source(), "ad");
}

/// The answers after a talk, and what was asked.
fn talk(given: &[&str], lines: &[&str]) -> (Result<Answers, Failure>, Vec<String>) {
    let given = read(given);
    let mut lines = lines.iter().map(|line| (*line).to_owned());
    let mut asked = Vec::new();
    let mut ask = |prompt: &str| {
        asked.push(prompt.to_owned());
        lines.next()
    };
    (Interview::new(&given, Some(&mut ask)).answers(), asked)
}

/// What options say.
fn read(options: &[&str]) -> Given {
    use clap::{Args as _, FromArgMatches as _};
    let command = Given::augment_args(clap::Command::new("init").no_binary_name(true));
    Given::from_arg_matches(&command.try_get_matches_from(options).unwrap()).unwrap()
}

#[test]
fn a_talk() {
    let lines =
        ["#scm", "ad", "Developers, Contractors", "", "PAY, web/shop", "main,release/*", "y", "maybe", "yes"];
    let (answers, asked) = talk(&[], &lines);
    insta::assert_snapshot!(asked.concat());
    insta::assert_debug_snapshot!(answers.unwrap());
}

#[test]
fn what_is_given_is_not_asked() {
    let given = [
        "--developers",
        "okta:a",
        "--developers",
        "ldap:cn=b,ou=c",
        "--maintainers",
        "okta:r",
        "--project",
        "PAY",
        "--tags-are-forever",
        "no",
    ];
    let (answers, asked) = talk(&given, &["", "none"]);
    let answers = answers.unwrap();
    assert_eq!(asked.len(), 2, "the contact and the branches: {asked:?}");
    assert_eq!(answers.developers.len(), 2, "a comma may be part of a name");
    assert!(!answers.tags_are_forever && !answers.pull_requests && answers.protected.is_empty());
}

#[test]
fn without_anybody_to_ask_it_is_the_defaults() {
    let answers = Interview::new(&Given::default(), None).answers().unwrap();
    assert_eq!(answers.projects, [project("DEMO").unwrap()]);
    assert_eq!(answers.developers, [group(None, "okta:developers").unwrap()]);
    assert!(checked(&policy(&answers)).is_ok());
    let answers = Interview::new(&read(&["--source", "ad"]), None).answers().unwrap();
    assert_eq!(answers.maintainers, [group(None, "ad:maintainers").unwrap()]);
}

#[test]
fn what_makes_no_sense_is_told_with_its_option() {
    let failure = |given: &[&str]| Interview::new(&read(given), None).answers().unwrap_err().to_string();
    insta::assert_snapshot!(
        [
            failure(&["--developers", "eng"]),
            failure(&["--source", "Okta Prod"]),
            failure(&["--project", "PAY/a/b"]),
            failure(&["--protect", "re:x"]),
            failure(&["--protect", "main", "--protect", "!dev"]),
            failure(&["--pull-requests", "maybe"]),
            failure(&["--protect", "none", "--pull-requests", "yes"]),
            failure(&["--contact", " "]),
        ]
        .join("\n")
    );
    let (ended, _) = talk(&[], &["#scm"]);
    assert!(ended.unwrap_err().to_string().contains("nothing was written"));
}

#[test]
fn nothing_is_ever_overwritten() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.toml");
    assert_eq!(write(&file, "one").unwrap(), file);
    assert!(write(&file, "two").is_err());
    assert_eq!(fs::read_to_string(&file).unwrap(), "one");
    let new = folder.path().join("policy");
    assert_eq!(write(&new, "one").unwrap(), new.join("policy.toml"));
    assert!(write(&new, "two").is_err(), "the folder is there already");
    assert_eq!(fs::read_to_string(new.join("policy.toml")).unwrap(), "one");
    let dangling = folder.path().join("b.toml");
    std::os::unix::fs::symlink(folder.path().join("nowhere"), &dangling).unwrap();
    assert!(super::refuse_existing(&dangling).is_err(), "a link is there, wherever it leads");
    assert!(write(&dangling, "one").is_err());
}
