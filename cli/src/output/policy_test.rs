//! The unit tests of a policy, run.

use oam_proto::v1::{CheckPolicyResponse, TestOutcome, test_outcome::Result as Outcome};
use serde::Serialize;

use super::{
    Page,
    faults::{self, FaultJson},
    json,
    layout::Table,
    page::counted,
    quoted, shown, shown_line,
};

/// How many tests ended in which way.
#[derive(Debug, Default, Clone, Copy, Serialize)]
pub(super) struct Counts {
    passed: u64,
    failed: u64,
    not_run: u64,
}

impl Counts {
    pub(super) fn of(tests: &[TestOutcome]) -> Self {
        tests.iter().fold(Self::default(), |mut counts, test| {
            let count = match test.result() {
                Outcome::Passed => &mut counts.passed,
                Outcome::Failed => &mut counts.failed,
                // What this `oam` does not know was not seen to pass.
                Outcome::NotRun | Outcome::Unspecified => &mut counts.not_run,
            };
            *count += 1;
            counts
        })
    }

    pub(super) const fn all(self) -> u64 {
        self.passed + self.failed + self.not_run
    }

    /// `12 tests passed, 1 was not run.`
    pub(super) fn sentence(self) -> String {
        let mut parts = vec![format!("{} passed", counted(self.passed, "test", "tests"))];
        if self.failed > 0 {
            parts.push(format!("{} failed", self.failed));
        }
        if self.not_run > 0 {
            parts.push(format!(
                "{} {} not run",
                self.not_run,
                if self.not_run == 1 { "was" } else { "were" }
            ));
        }
        parts.join(", ") + "."
    }
}

/// What came of all tests. `ok` means that the policy would be loaded.
#[derive(Debug, Serialize)]
pub struct TestsJson<'a> {
    ok: bool,
    #[serde(flatten)]
    counts: Counts,
    tests: Vec<TestJson<'a>>,
    faults_total: u64,
    faults: Vec<FaultJson<'a>>,
}

#[derive(Debug, Serialize)]
struct TestJson<'a> {
    result: &'static str,
    file: &'a str,
    line: u32,
    column: u32,
    who: &'a str,
    push: &'a str,
    channel: &'a str,
    at: Option<String>,
    expected: &'a str,
    found: &'a [String],
    why: &'a [String],
}

impl<'a> From<&'a TestOutcome> for TestJson<'a> {
    fn from(test: &'a TestOutcome) -> Self {
        Self {
            result: match test.result() {
                Outcome::Passed => "passed",
                Outcome::Failed => "failed",
                Outcome::NotRun | Outcome::Unspecified => "not-run",
            },
            file: &test.file,
            line: test.line,
            column: test.column,
            who: &test.who,
            push: &test.push,
            channel: &test.channel,
            at: json::time(test.at_micros),
            expected: &test.expected,
            found: &test.found,
            why: &test.why,
        }
    }
}

/// See [`TestsJson`].
pub fn json(response: &CheckPolicyResponse) -> TestsJson<'_> {
    let faults = response.faults.as_ref();
    let total = faults.map_or(0, faults::total);
    TestsJson {
        ok: total == 0,
        counts: Counts::of(&response.tests),
        tests: response.tests.iter().map(Into::into).collect(),
        faults_total: total,
        faults: faults.map(faults::list).unwrap_or_default(),
    }
}

/// A line for each test, then what is wrong with those that failed, or with the policy at `path`.
pub fn text(response: &CheckPolicyResponse, path: &str, page: &Page) -> String {
    let mut text = String::new();
    if !response.tests.is_empty() {
        text.push_str(&table(&response.tests, page));
        text.push('\n');
    }
    for test in response.tests.iter().filter(|test| test.result() == Outcome::NotRun) {
        let why = test.why.iter().map(|why| shown_line(why)).collect::<Vec<_>>().join(" ");
        text.push_str(&format!("{} {} was not run: {why}\n", page.warn("warning:"), place(test)));
    }
    let counts = Counts::of(&response.tests);
    if let Some(faults) = response.faults.as_ref().filter(|faults| faults::any(faults)) {
        text.push_str(&faults::text(faults, "this policy would not be loaded.", page));
        if counts.all() > 0 {
            text.push_str(&format!("{}\n", counts.sentence()));
        }
        return text;
    }
    text.push_str(&match counts.all() {
        0 => format!("{} has no tests: a `[[test]]` is one.", quoted(path)),
        _ => page.good(&counts.sentence()),
    });
    text.push('\n');
    text
}

fn table(tests: &[TestOutcome], page: &Page) -> String {
    let mut table = Table::new(["RESULT", "TEST", "WHO", "PUSH", "EXPECTED"]);
    for test in tests {
        let result = match test.result() {
            Outcome::Passed => "passed",
            Outcome::Failed => "FAILED",
            Outcome::NotRun | Outcome::Unspecified => "not run",
        };
        table.push([result.into(), place(test), shown(&test.who), shown(&test.push), shown(&test.expected)]);
    }
    table.laid_out(page)
}

fn place(test: &TestOutcome) -> String {
    format!("{}:{}", shown(&test.file), test.line)
}

#[cfg(test)]
mod tests {
    use oam_policy::{
        file::{PolicySource, parse_and_test},
        trial,
    };
    use oam_proto::v1::CheckPolicyResponse;

    use super::{json, text};
    use crate::output::{
        faults, policy,
        samples::{json_line, page},
    };

    /// What the daemon would say without a directory.
    fn tested(tests: &str) -> CheckPolicyResponse {
        let policy = format!(
            "version = 1\n[[role]]\nid = \"developer\"\nany = [\"okta:eng\"]\n[[grant]]\nid = \"main\"\n\
             to = [\"developer\"]\non = [\"**\"]\nrefs = [\"refs/heads/main\"]\nverbs = [\"update\"]\n{tests}"
        );
        let file = PolicySource { name: "policy.toml".into(), text: policy };
        let tested = parse_and_test(&[file], None, page().now).unwrap();
        CheckPolicyResponse {
            tests: tested.tests.iter().map(oam_proto::test_outcome_to_wire).collect(),
            faults: trial::faults(&tested.tests).as_ref().map(faults::to_wire),
            ..CheckPolicyResponse::default()
        }
    }

    const GOOD: &str = r#"
[[test]]
as = ["developer"]
push = "update PAY/api refs/heads/main"
expect = "permitted:main"

[[test]]
user = "alice"
push = "update PAY/api refs/heads/main"
expect = "permitted"
"#;

    const BAD: &str = r#"
[[test]]
as = ["developer"]
push = "force PAY/api refs/heads/main"
expect = "permitted"
at = 2026-12-24T00:00:00Z
"#;

    #[test]
    fn every_test_is_told() {
        insta::assert_snapshot!(text(&tested(GOOD), "policy.toml", &page()), @r#"
        RESULT   TEST            WHO         PUSH                            EXPECTED
        passed   policy.toml:12  developer   update PAY/api refs/heads/main  permitted:main
        not run  policy.toml:17  user alice  update PAY/api refs/heads/main  permitted

        warning: policy.toml:17 was not run: no directory is loaded that would say which roles the user holds
        1 test passed, 1 was not run.
        "#);
        insta::assert_snapshot!(policy::check_text(&tested(GOOD), "policy.toml", &Default::default(), &page()), @r#"`policy.toml` is good. 1 test passed, 1 was not run."#);
        insta::assert_snapshot!(text(&tested(""), "policy.toml", &page()), @r#"`policy.toml` has no tests: a `[[test]]` is one."#);
    }

    #[test]
    fn a_test_that_fails_is_told_with_its_reasons() {
        insta::assert_snapshot!(text(&tested(&format!("{GOOD}{BAD}")), "policy.toml", &page()), @r#"
        RESULT   TEST            WHO         PUSH                            EXPECTED
        passed   policy.toml:12  developer   update PAY/api refs/heads/main  permitted:main
        not run  policy.toml:17  user alice  update PAY/api refs/heads/main  permitted
        FAILED   policy.toml:22  developer   force PAY/api refs/heads/main   permitted

        warning: policy.toml:17 was not run: no directory is loaded that would say which roles the user holds
        fault: `force PAY/api refs/heads/main` (developer): expected `permitted`, and it would be `refused:no-grant`
          --> policy.toml:22:1
           |
        22 | [[test]]
           | ^^^^^^^^
           help: No rule lets you force-push it. You may update it without rewriting history: fetch, rebase or merge onto it, and push again. No role may: push to another branch and open a pull request.

        1 fault; this policy would not be loaded.
        1 test passed, 1 failed, 1 was not run.
        "#);
        insta::assert_snapshot!(json_line(&json(&tested(BAD))), @r#"{"ok":false,"passed":0,"failed":1,"not_run":0,"tests":[{"result":"failed","file":"policy.toml","line":12,"column":1,"who":"developer","push":"force PAY/api refs/heads/main","channel":"push","at":"2026-12-24T00:00:00.000000Z","expected":"permitted","found":["refused:no-grant"],"why":["No rule lets you force-push it. You may update it without rewriting history: fetch, rebase or merge onto it, and push again. No role may: push to another branch and open a pull request."]}],"faults_total":1,"faults":[{"file":"policy.toml","line":12,"column":1,"length":8,"message":"`force PAY/api refs/heads/main` (developer): expected `permitted`, and it would be `refused:no-grant`","help":"No rule lets you force-push it. You may update it without rewriting history: fetch, rebase or merge onto it, and push again. No role may: push to another branch and open a pull request.","excerpt":"[[test]]"}]}"#);
    }
}
