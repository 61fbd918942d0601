use oam_proto::v1::{Decision, Explanation, Finding, Otherwise, Outcome, Reason, RuleTrace};

use super::{Question, depends_json, depends_text, json, text};
use crate::output::samples::{self, json_line, page};

const QUESTION: Question<'_> =
    Question { repository: "PAY/api", name: b"refs/heads/main", verb: "update", verbose: false };

/// Somebody who is cut off, and whom the rules would give what is asked.
fn cut_off() -> Explanation {
    let permitted = samples::permitted();
    let reason = Reason {
        code: "revoked".into(),
        summary: "The access of `ada` was revoked on 2026-11-23.".into(),
        ..Reason::default()
    };
    let decision = Decision {
        outcome: Outcome::Refused as i32,
        reasons: vec![reason],
        ..permitted.decision.clone().unwrap()
    };
    let otherwise = Otherwise {
        decision: permitted.decision,
        grant: permitted.grant,
        through_role: permitted.through_role,
    };
    Explanation {
        decision: Some(decision),
        otherwise: Some(otherwise),
        grant: String::new(),
        through_role: String::new(),
        ..samples::refused()
    }
}

#[test]
fn that_somebody_is_cut_off_comes_before_what_the_rules_say() {
    let explanation = cut_off();
    let decision = explanation.decision.as_ref().unwrap();
    insta::assert_snapshot!(text(&explanation, decision, QUESTION, &page()), @"
    refused: ada update `refs/heads/main` in PAY/api
      roles      developer
      policy     c0ffee00c0ff
      directory  generation 12 (beefbeefbeef), as of 2026-11-23T14:21:14Z (3 hours ago)

    Because:
      The access of `ada` was revoked on 2026-11-23. [revoked]

    Were it not for that, it would be permitted by the grant `main`, through the role `developer`.

    Who can help: #platform

    RULE                   ID               MATCHES  WHY NOT
    block                  year-end-freeze  yes
    block (evaluate only)  signed           no       its verbs do not include `update`
    grant                  main             yes
    ");
    let json = json_line(&json(&explanation, decision, QUESTION));
    let value: serde_json::Value = serde_json::from_str(&json).unwrap();
    insta::assert_snapshot!(value["otherwise"].to_string(), @r#"{"grant":"main","outcome":"permitted","refs":[],"through_role":"developer"}"#);
}

#[test]
fn what_the_rules_refuse_besides_is_told_too() {
    let refused = samples::refused();
    let otherwise = Otherwise { decision: refused.decision, ..Otherwise::default() };
    let explanation = Explanation { otherwise: Some(otherwise), ..cut_off() };
    let text = text(&explanation, explanation.decision.as_ref().unwrap(), QUESTION, &page());
    let told = text.find("Were it not for that, it would be refused.").unwrap();
    assert!(text.get(told..).unwrap().contains("`year-end-freeze` until"), "{text}");
}

#[test]
fn every_rule_in_full() {
    let explanation = samples::refused();
    let verbose = Question { verbose: true, ..QUESTION };
    let decision = explanation.decision.as_ref().unwrap();
    insta::assert_snapshot!(text(&explanation, decision, verbose, &page()), @"
    refused: ada update `refs/heads/main` in PAY/api
      roles      developer
      policy     c0ffee00c0ff
      directory  generation 12 (beefbeefbeef), as of 2026-11-23T14:21:14Z (3 hours ago)

    Because:
      Updating it is blocked by rule `year-end-freeze` until 2027-01-05 00:00 UTC. [blocked]
        Urgent fixes: #release.

    Who can help: #platform

    block `year-end-freeze` matches
      ASKED  OK   IN WORDS
      ref    yes  its refs are `refs/heads/main`
      verb   yes

    block (evaluate only) `signed` does not match
      ASKED  OK   IN WORDS
      ref    yes  its refs are `refs/heads/main`
      verb   no   its verbs do not include `update`

    grant `main` matches
      ASKED  OK   IN WORDS
      ref    yes  its refs are `refs/heads/main`
      verb   yes
    ");
}

/// An answer that depends on what was not said, with a rule that asks for more than is known.
fn depending() -> Explanation {
    let finding = Finding {
        dimension: "path".into(),
        detail: "it is about `secrets/**`".into(),
        unknown: true,
        ..Finding::default()
    };
    let secrets = RuleTrace {
        kind: "block".into(),
        id: "secrets".into(),
        why_not: finding.detail.clone(),
        findings: vec![finding],
        ..RuleTrace::default()
    };
    Explanation {
        depends_on: "the changed paths".into(),
        username: "ada".into(),
        roles: vec!["developer".into()],
        decision: None,
        rules: vec![secrets, signed()],
        ..samples::refused()
    }
}

/// A require that is met since nothing else is said.
fn signed() -> RuleTrace {
    let condition =
        |detail: &str, supposed| Finding { ok: true, detail: detail.into(), supposed, ..Finding::default() };
    RuleTrace {
        kind: "require".into(),
        id: "signed".into(),
        matched: true,
        conditions: vec![
            condition("through a pull request", false),
            condition("no merges", true),
            condition("commits are signed by their committers", true),
        ],
        ..RuleTrace::default()
    }
}

#[test]
fn where_it_depends_every_rule_is_told() {
    let explanation = depending();
    insta::assert_snapshot!(depends_text(&explanation, QUESTION, &page()), @"
    it depends: ada update `refs/heads/main` in PAY/api
      roles      developer
      policy     c0ffee00c0ff
      directory  generation 12 (beefbeefbeef), as of 2026-11-23T14:21:14Z (3 hours ago)

    The answer depends on the changed paths. Say which paths change: `--paths a,b`, or `--paths=` for none.

    Supposing, since nothing else is said: commits are signed by their committers; no merges.

    RULE     ID       MATCHES  WHY NOT
    block    secrets  ?        it is about `secrets/**`
    require  signed   yes
    ");
    let in_full = depends_text(&explanation, Question { verbose: true, ..QUESTION }, &page());
    assert!(in_full.contains("block `secrets` may match\n"), "{in_full}");
    assert!(in_full.contains("asks for  supposed  no merges"), "{in_full}");
    let json = json_line(&depends_json(&explanation, QUESTION));
    let value: serde_json::Value = serde_json::from_str(&json).unwrap();
    let told = ["outcome", "depends_on", "username", "ref"].map(|key| value[key].as_str().unwrap());
    assert_eq!(told, ["depends", "the changed paths", "ada", "refs/heads/main"]);
    insta::assert_snapshot!(value["rules"][0]["findings"].to_string(), @r#"[{"detail":"it is about `secrets/**`","dimension":"path","ok":null}]"#);
    assert!(value["policy"].is_string() && value["snapshot"]["generation"] == 12, "{value}");
}

#[test]
fn what_is_supposed_is_said_where_it_counts() {
    let with = |rule: RuleTrace| {
        let explanation = Explanation { rules: vec![rule], ..samples::permitted() };
        let decision = explanation.decision.as_ref().unwrap();
        let value: serde_json::Value =
            serde_json::from_str(&json_line(&json(&explanation, decision, QUESTION))).unwrap();
        let text = text(&explanation, decision, QUESTION, &page());
        (text.contains("\nSupposing, since nothing else is said: commits "), value["supposing"].to_string())
    };
    let told = r#"["commits are signed by their committers","no merges"]"#;
    assert_eq!(with(signed()), (true, told.to_owned()));
    for silent in [
        RuleTrace { matched: false, ..signed() },
        RuleTrace { evaluate_only: true, ..signed() },
        RuleTrace { lifted_by: "hotfix".into(), ..signed() },
    ] {
        assert_eq!(with(silent), (false, "[]".to_owned()));
    }
}
