mod change;
mod faults;
mod laws;
mod trials;

use super::{PolicySource, parse, starter};
use crate::{fault::Faults, rule::Policy};

/// Reads files called `1.toml`, `2.toml`, …
fn read(texts: &[&str]) -> Result<Policy, Faults> {
    let source = |(index, text): (usize, &&str)| PolicySource {
        name: format!("{}.toml", index + 1),
        text: (*text).to_owned(),
    };
    parse(&texts.iter().enumerate().map(source).collect::<Vec<_>>())
}

/// The faults of one file, without the `version` that all of them have.
fn faults(text: &str) -> String {
    read(&[&format!("version = 1\n{text}")]).expect_err("a fault is expected").to_string()
}

#[test]
fn the_starter_is_a_policy() {
    let policy = read(&[starter()]).unwrap();
    assert_eq!((policy.roles().len(), policy.grants().len(), policy.blocks().len()), (2, 4, 1));
    let elsewhere = crate::Repository::parse("PAY/api").unwrap();
    assert!(
        policy.grants().iter().all(|grant| !grant.on.matches(&elsewhere)),
        "it gives rights over DEMO only"
    );
}

/// The parts of the starter that are commented out are examples too: each must be a policy beside the rest.
#[test]
fn the_examples_in_the_starters_comments_are_right() {
    let is_example = |line: &str| {
        line.starts_with("# [[") || (line.starts_with("# ") && line.contains(" = ") && !line.contains('`'))
    };
    let mode = "# mode   = \"evaluate\"";
    assert!(starter().contains(mode));
    let uncommented: Vec<_> = starter()
        .lines()
        .map(|line| if is_example(line) { line.trim_start_matches("# ") } else { line })
        .collect();
    let policy = read(&[&uncommented.join("\n")]).unwrap_or_else(|faults| panic!("{faults}"));
    assert_eq!((policy.roles().len(), policy.grants().len(), policy.blocks().len()), (3, 5, 2));
}

/// The example of the language's description, without the parts that this version does not decide.
const DESCRIBED: &str = r##"
version = 1

[[role]]
id  = "developer"
any = ["okta:eng"]

[[role]]
id  = "release-manager"
any = ["okta:release", "ad:Release Managers"]

[[role]]
id        = "renovate"
service   = ["svc-renovate"]
max_lease = "15m"

[[grant]]
id    = "topic-branches"
to    = ["developer"]
on    = ["PAY/*"]
refs  = ["refs/heads/feature/**", "refs/heads/u/${user}/**"]
verbs = ["create", "update", "force", "delete"]

[[grant]]
id    = "main"
to    = ["developer"]
on    = ["PAY/*"]
refs  = ["refs/heads/main"]
verbs = ["update"]

[[block]]
id       = "tags-are-forever"
on       = ["**"]
refs     = ["refs/tags/**"]
verbs    = ["force", "delete"]
absolute = true

[[block]]
id     = "year-end-freeze"
on     = ["PAY/*"]
refs   = ["refs/heads/main"]
from   = 2026-12-20T00:00:00Z
to     = 2027-01-05T00:00:00Z
help   = "Year-end freeze. Urgent fixes: #release, or `oam breakglass`."
"##;

#[test]
fn every_key_comes_to_its_place() {
    let more = r##"
version = 1
contact = "#platform"

[[role]]
id = "everything"
any = ["okta:eng"]
all = ["okta:staff", "ad:a: b"]

[[grant]]
id = "exception"
user = "Alice"
approved_by = "bob"
expires = 2026-12-31T23:00:00+01:00
on = ["!PAY/secret", "PAY/*"]
refs = ["refs/heads/**", "!refs/heads/main"]
verbs = ["delete"]
mode = "evaluate"

[[grant]]
id = "readers"
to = ["developer"]
on = ["PAY/*"]
verbs = ["read"]

[[block]]
id = "b"
on = ["**"]
refs = ["refs/heads/x"]
except = ["release-manager"]
mode = "enforce"
weekly = { from = "Fri 18:00", to = "Mon 06:00", zone = "Europe/Berlin" }
"##;
    let policy = read(&[DESCRIBED, more]).unwrap_or_else(|faults| panic!("{faults}"));
    assert_eq!(policy.contact(), Some("#platform"));
    insta::assert_snapshot!(
        serde_json::to_string_pretty(&(policy.roles(), policy.grants(), policy.blocks())).unwrap()
    );
}

/// Patterns that multiply out are bounded over the whole policy, in memory and time, and the rule is named.
#[test]
fn what_patterns_multiply_to_is_bounded() {
    let rule = |id: usize| {
        let pattern = format!("refs/{}{id}", "{aaaaaaaa,bbbbbbbb}".repeat(8));
        format!("[[block]]\nid = \"b{id}\"\non = [\"**\"]\nrefs = [\"{pattern}\"]\n")
    };
    let of = |count: usize| format!("version = 1\n{}", (0..count).map(rule).collect::<String>());
    read(&[&of(50)]).unwrap_or_else(|faults| panic!("{faults}"));
    let started = std::time::Instant::now();
    insta::assert_snapshot!(read(&[&of(10_000)]).unwrap_err(), @r#"
    with the block `b55` the patterns of the policy come to more than 1000000 characters, their alternatives multiplied out
       --> 1.toml:222:1
        |
    222 | [[block]]
        | ^^^^^^^^^
        = write fewer alternatives, or wider patterns in fewer rules
    "#);
    assert!(started.elapsed() < std::time::Duration::from_secs(20), "it is not read on");
}

#[test]
fn tests_are_bounded() {
    let test = "[[test]]\nas = []\npush = \"create A/b refs/heads/x\"\nexpect = \"refused\"\n";
    let of = |count: usize, rest: &str| format!("version = 1\n{rest}{}", test.repeat(count));
    assert_eq!(read(&[&of(super::MAX_TESTS, "")]).unwrap().tests().len(), super::MAX_TESTS);
    let told = read(&[&of(super::MAX_TESTS + 5, "")]).unwrap_err();
    assert!(told.total() == 1 && told.to_string().contains("more than 2000 tests"), "{told}");
    let long = format!("[[block]]\nid = \"b\"\non = [\"**\"]\nrefs = [\"refs/{}\"]\n", "{a,b}{c,d}x");
    let long = (0..200).map(|id| long.replace("\"b\"", &format!("\"b{id}\"")).replace('x', &"y".repeat(150)));
    let told = read(&[&of(super::MAX_TESTS, &long.collect::<String>())]).unwrap_err();
    assert!(told.to_string().contains("too many tests for patterns of that size"), "{told}");
}

#[test]
fn a_policy_is_bounded() {
    let long = format!("version = 1\n#{}", "x".repeat(super::MAX_BYTES));
    insta::assert_snapshot!(read(&[&long]).unwrap_err(), @r#"
    the policy has 4194317 bytes; 4194304 are allowed
      --> 1.toml
      = wider patterns say more in fewer rules
    "#);
    let many = format!("version = 1\n{}", "[[block]]\n".repeat(super::MAX_RULES + 1));
    insta::assert_snapshot!(read(&[&many]).unwrap_err(), @r#"
    the policy has 100001 rules; 100000 are allowed
      --> 1.toml
      = wider patterns say more in fewer rules
    "#);
    insta::assert_snapshot!(parse(&[]).unwrap_err(), @r#"
    there is no policy file
      = an empty policy refuses every push: if that is meant, give a file that holds `version = 1`
    "#);
}
