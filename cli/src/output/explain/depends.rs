//! What there is to tell where the answer depends on what was not said.

use std::collections::BTreeSet;

use oam_proto::v1::Explanation;
use serde::Serialize;

use super::{AskedJson, Question, RuleJson, basis, head, held, rules, supposed::supposing};
use crate::output::{Page, decision::supposing_text, json, shown_line, snapshot::SnapshotJson};

/// That the answer depends on what was not said, and what each rule says without it.
#[derive(Debug, Serialize)]
pub struct DependsJson<'a> {
    outcome: &'static str,
    depends_on: &'a str,
    #[serde(flatten)]
    asked: AskedJson<'a>,
    supposing: BTreeSet<&'a str>,
    rules: Vec<RuleJson<'a>>,
    policy: Option<&'a str>,
    snapshot: Option<SnapshotJson<'a>>,
}

/// See [`DependsJson`].
pub fn depends_json<'a>(explanation: &'a Explanation, question: Question<'a>) -> DependsJson<'a> {
    DependsJson {
        outcome: "depends",
        depends_on: &explanation.depends_on,
        asked: AskedJson::of(question, &explanation.username, &explanation.roles),
        supposing: supposing(&explanation.rules),
        rules: explanation.rules.iter().map(Into::into).collect(),
        policy: json::some(&explanation.policy),
        snapshot: explanation.snapshot.as_ref().map(Into::into),
    }
}

/// On what it depends, how to say it, and what each rule says without it.
pub fn depends_text(explanation: &Explanation, question: Question<'_>, page: &Page) -> String {
    format!(
        "{}{}\nThe answer depends on {}. Say which paths change: `--paths a,b`, or `--paths=` for none.\n{}{}",
        head(&page.warn("it depends"), &explanation.username, question),
        held(&explanation.roles).and(basis(explanation, page)).laid_out(page),
        shown_line(&explanation.depends_on),
        supposing_text(supposing(&explanation.rules)),
        rules(&explanation.rules, question, page)
    )
}
