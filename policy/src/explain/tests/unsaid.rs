//! What the answer says of what the question does not.

use super::{POLICY, at, question, state, user};
use crate::{
    decide::{Outcome, PushVerdict},
    explain::{Fit, RuleTrace, explain},
    name::{RefName, TreePath},
    question::{ImaginedCommit, ImaginedTag, Question},
    request::{Channel, Verb},
};

const SECRETS: &str = r#"
[[block]]
id = "secrets"
on = ["PAY/*"]
refs = ["refs/heads/main"]
paths = ["secrets/**"]
"#;

const CHECKED: &str = r#"
[[grant]]
id = "versions"
to = ["developer"]
on = ["PAY/*"]
refs = ["refs/tags/v*"]
verbs = ["create"]
[[require]]
id = "checked"
on = ["PAY/*"]
refs = ["refs/heads/main"]
commits = { signed = true, linear = true, message = "A-*", max_blob = "1KiB", max_commits = 3, forbid_paths = ["*.pem"] }
[[require]]
id = "signed-tags"
on = ["PAY/*"]
refs = ["refs/tags/**"]
tags = { signed = true }
"#;

fn main() -> Question {
    question("PAY/api", "refs/heads/main", Verb::Update)
}

fn of<'a>(rules: &'a [RuleTrace], id: &str) -> &'a RuleTrace {
    rules.iter().find(|rule| rule.id.as_str() == id).unwrap()
}

#[test]
fn what_depends_names_every_rule_and_who_asks() {
    let state = state(&format!("{POLICY}{SECRETS}"));
    let depends = explain(&state, &user("Dora"), &main(), at(0)).unwrap_err();
    assert_eq!(depends.needed.told(), "the changed paths");
    assert_eq!(depends.username.as_str(), "dora");
    assert_eq!(depends.roles.iter().map(ToString::to_string).collect::<Vec<_>>(), ["developer"]);
    let mut said = main();
    said.circumstances.paths = Some(Vec::new());
    let whole = explain(&state, &user("dora"), &said, at(0)).unwrap();
    let ids = |rules: &[RuleTrace]| rules.iter().map(|rule| rule.id.to_string()).collect::<Vec<_>>();
    assert_eq!(ids(&depends.rules), ids(&whole.rules));
    assert!(of(&depends.rules, "main").matched());
    let fits: Vec<_> = of(&depends.rules, "secrets").findings.iter().map(|finding| finding.fit).collect();
    assert_eq!(fits, [Fit::Fits, Fit::Fits, Fit::Fits, Fit::Fits, Fit::Fits, Fit::Unknown]);
}

#[test]
fn whoever_is_cut_off_is_refused_whatever_else_depends() {
    let state = state(&format!("{POLICY}{SECRETS}"));
    let gone = explain(&state, &user("gone"), &main(), at(0)).unwrap();
    assert!(matches!(gone.decision.verdict(), PushVerdict::Refused(_)));
    assert!(gone.otherwise.is_none());
    assert_eq!(of(&gone.rules, "secrets").findings.last().map(|finding| finding.fit), Some(Fit::Unknown));
}

/// The conditions of a rule that are met because nothing else is said.
fn supposed(asked: &Question, id: &str) -> Vec<String> {
    let explained = explain(&state(&format!("{POLICY}{CHECKED}")), &user("dora"), asked, at(0)).unwrap();
    let conditions = of(&explained.rules, id).conditions.iter().filter(|one| one.supposed);
    conditions.map(|one| one.detail.clone()).collect()
}

#[test]
fn what_is_supposed_of_the_commits_is_told() {
    let state = state(&format!("{POLICY}{CHECKED}"));
    assert_eq!(
        explain(&state, &user("dora"), &main(), at(0)).unwrap().decision.outcome(),
        Outcome::Permitted
    );
    assert_eq!(
        supposed(&main(), "checked"),
        [
            "commits are signed by their committers",
            "the first line of a message is like `A-*`",
            "no file has more than 1024 bytes",
            "no file is in `*.pem`",
            "no merges",
            "no more than 3 new commits",
        ]
    );
    let mut said = main();
    said.circumstances.paths = Some(vec![TreePath::parse(b"src/a").unwrap()]);
    said.circumstances.commits = Some(2);
    let message = Some("A-1 fix".to_owned());
    said.circumstances.commit = Some(ImaginedCommit { message, blob: 10, ..ImaginedCommit::default() });
    assert_eq!(supposed(&said, "checked"), ["commits are signed by their committers", "no merges"]);
    said.circumstances.commit = ImaginedCommit::default().with_flaw("unsigned");
    assert_eq!(
        supposed(&said, "checked"),
        ["the first line of a message is like `A-*`", "no file has more than 1024 bytes", "no merges"]
    );
}

/// Neither what happens to be like it nor what happens not to be.
#[test]
fn a_message_that_nobody_said_is_supposed_to_be_as_it_should_be() {
    let mut asked = main();
    asked.circumstances.commit = Some(ImaginedCommit { blob: 7, ..ImaginedCommit::default() });
    let expression = cfg!(feature = "regex").then_some("re:[A-Z].*");
    for pattern in ["A-*", "A *"].into_iter().chain(expression) {
        let state = state(&format!("{POLICY}{}", CHECKED.replace("A-*", pattern)));
        let message = |asked: &Question| {
            let explained = explain(&state, &user("dora"), asked, at(0)).unwrap();
            let conditions = &of(&explained.rules, "checked").conditions;
            let one = conditions.iter().find(|one| one.detail.starts_with("the first line")).unwrap();
            (explained.decision.outcome(), one.fit, one.supposed)
        };
        assert_eq!(message(&asked), (Outcome::Permitted, Fit::Fits, true), "{pattern}");
        let mut said = asked.clone();
        said.circumstances.commit =
            Some(ImaginedCommit { message: Some("fix".into()), ..ImaginedCommit::default() });
        assert_eq!(message(&said), (Outcome::Refused, Fit::Differs, false), "{pattern}");
    }
}

#[test]
fn what_is_supposed_of_a_tag_is_told() {
    let mut tag = question("PAY/api", "refs/tags/v1", Verb::Create);
    assert_eq!(supposed(&tag, "signed-tags"), ["a tag is a tag object", "a tag is signed by its tagger"]);
    for kind in [ImaginedTag::Annotated, ImaginedTag::Lightweight] {
        tag.circumstances.tag = kind;
        assert!(supposed(&tag, "signed-tags").is_empty());
    }
    tag.circumstances.tag = ImaginedTag::Signed;
    tag.verb = Verb::Delete;
    assert!(supposed(&tag, "signed-tags").is_empty());
    tag.name = RefName::parse(b"refs/heads/main").unwrap();
    assert!(supposed(&tag, "checked").is_empty());
}

/// What a require of approvals says of a merge that Rhea approved, where files of these paths change, and whether it is supposed.
fn approved(says: &str, paths: &[&str], channel: Channel) -> (Fit, String, bool) {
    let rule = "[[require]]\nid = \"reviewed\"\non = [\"PAY/*\"]\nrefs = [\"refs/heads/main\"]\n";
    let mut asked = main();
    asked.channel = channel;
    asked.circumstances.paths =
        Some(paths.iter().map(|path| TreePath::parse(path.as_bytes()).unwrap()).collect());
    asked.circumstances.approved_by = vec![user("rhea")];
    let state = state(&format!("{POLICY}{rule}{says}\n"));
    let explained = explain(&state, &user("dora"), &asked, at(0)).unwrap();
    let condition = of(&explained.rules, "reviewed").conditions.last().unwrap();
    (condition.fit, condition.detail.clone(), condition.supposed)
}

#[test]
fn what_is_supposed_of_the_approvers_is_told() {
    let merge = Channel::PullRequestMerge;
    let by = r#"approvals = [{ role = "release-manager", count = 1 }]"#;
    let met = |detail: &str, supposed| (Fit::Fits, detail.to_owned(), supposed);
    assert_eq!(approved(by, &[], merge), met("1 approval by `release-manager`", false));
    assert_eq!(
        approved(&format!("{by}\nexclude = [\"author\"]"), &[], merge),
        met("1 approval by `release-manager`, not the author: no approver is the author", true)
    );
    assert_eq!(
        approved(&format!("{by}\nexclude = [\"committers\"]\nreset_on_push = true"), &[], merge),
        met(
            "1 approval by `release-manager`, no committer, of what is there now: no approver is a committer, they approved \
             the present head",
            true
        )
    );
}

#[test]
fn nothing_is_supposed_of_approvers_where_it_does_not_rest_on_them() {
    let merge = Channel::PullRequestMerge;
    let says = r#"
exclude = ["author"]
approvals = [{ role = "release-manager", count = 1, paths = ["secrets/**"] }]"#;
    let (fit, _, supposed) = approved(says, &["src/a"], merge);
    assert_eq!((fit, supposed), (Fit::Fits, false));
    let (fit, _, supposed) = approved(says, &["secrets/a"], merge);
    assert_eq!((fit, supposed), (Fit::Fits, true));
    let (fit, _, supposed) = approved(&says.replace("count = 1", "count = 2"), &["secrets/a"], merge);
    assert_eq!((fit, supposed), (Fit::Differs, false));
    // That there is no pull request is told already.
    let (fit, _, supposed) =
        approved(&format!("via = \"pull-request\"\n{says}"), &["secrets/a"], Channel::Push);
    assert_eq!((fit, supposed), (Fit::Fits, false));
}

#[test]
fn a_rule_on_trial_is_told_to_be_on_trial() {
    let trial = r#"
[[block]]
id = "stop"
on = ["**"]
refs = ["refs/heads/main"]
[[waiver]]
id = "lift"
lifts = ["stop"]
to = ["developer"]
max_time = "1h"
mode = "evaluate"
[[elevation]]
id = "on-call"
roles = ["release-manager"]
to = ["developer"]
max_time = "1h"
mode = "evaluate"
"#;
    let mut asked = main();
    asked.circumstances.waivers = ["lift".parse().unwrap()].into();
    let explained = explain(&state(&format!("{POLICY}{trial}")), &user("dora"), &asked, at(0)).unwrap();
    assert_eq!(explained.decision.outcome(), Outcome::Refused);
    let why_not = |id: &str| of(&explained.rules, id).why_not().unwrap().to_owned();
    assert_eq!(why_not("lift"), "it is on trial, and lifts nothing; in force it could lift `stop`");
    assert_eq!(
        why_not("on-call"),
        "it is on trial, and gives nothing; in force it could give the role `release-manager`"
    );
}
