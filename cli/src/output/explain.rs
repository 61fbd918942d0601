//! What would be decided, and why.

mod depends;
mod supposed;

use std::collections::BTreeSet;

use oam_proto::v1::{Decision, Explanation, Finding, Otherwise, Outcome, Reason, RuleTrace};
use serde::Serialize;

pub use depends::{DependsJson, depends_json, depends_text};
use supposed::supposing;

use super::page::short;
use super::{
    Page,
    decision::{self, ReasonJson, RefJson, RefSpelling, supposing_text},
    json,
    layout::{Fields, Table},
    quoted, shown, shown_line,
    snapshot::{self, SnapshotJson},
};

/// What was asked.
#[derive(Debug, Clone, Copy)]
pub struct Question<'a> {
    /// `PROJECT/slug`.
    pub repository: &'a str,
    /// The ref.
    pub name: &'a [u8],
    /// `create`, `update`, `force` or `delete`.
    pub verb: &'a str,
    /// Whether to tell of each rule all that it was asked.
    pub verbose: bool,
}

/// What would be decided.
#[derive(Debug, Serialize)]
pub struct ExplanationJson<'a> {
    outcome: &'static str,
    #[serde(flatten)]
    asked: AskedJson<'a>,
    grant: Option<&'a str>,
    through_role: Option<&'a str>,
    reasons: Vec<ReasonJson<'a>>,
    refs: Vec<RefJson<'a>>,
    contact: Option<&'a str>,
    otherwise: Option<OtherwiseJson<'a>>,
    supposing: BTreeSet<&'a str>,
    rules: Vec<RuleJson<'a>>,
    policy: Option<&'a str>,
    snapshot: Option<SnapshotJson<'a>>,
}

/// What was asked, and who asks.
#[derive(Debug, Serialize)]
struct AskedJson<'a> {
    username: &'a str,
    repository: &'a str,
    #[serde(flatten)]
    name: RefSpelling<'a>,
    verb: &'a str,
    roles: &'a [String],
}

impl<'a> AskedJson<'a> {
    fn of(question: Question<'a>, username: &'a str, roles: &'a [String]) -> Self {
        let Question { repository, name, verb, .. } = question;
        Self { username, repository, name: RefSpelling::of(name), verb, roles }
    }
}

#[derive(Debug, Serialize)]
struct OtherwiseJson<'a> {
    outcome: &'static str,
    grant: Option<&'a str>,
    through_role: Option<&'a str>,
    refs: Vec<RefJson<'a>>,
}

impl<'a> OtherwiseJson<'a> {
    fn of(otherwise: &'a Otherwise) -> Option<Self> {
        let decision = otherwise.decision.as_ref()?;
        Some(Self {
            outcome: decision::word(decision.outcome()),
            grant: json::some(&otherwise.grant),
            through_role: json::some(&otherwise.through_role),
            refs: decision.refs.iter().map(Into::into).collect(),
        })
    }
}

#[derive(Debug, Serialize)]
struct RuleJson<'a> {
    kind: &'a str,
    id: &'a str,
    matched: bool,
    why_not: Option<&'a str>,
    evaluate_only: bool,
    findings: Vec<FindingJson<'a>>,
    conditions: Vec<ConditionJson<'a>>,
    lifted_by: Option<&'a str>,
}

#[derive(Debug, Serialize)]
struct FindingJson<'a> {
    dimension: &'a str,
    ok: Option<bool>,
    detail: &'a str,
}

#[derive(Debug, Serialize)]
struct ConditionJson<'a> {
    ok: Option<bool>,
    detail: &'a str,
    supposed: bool,
}

/// `None`: it depends on what was not said.
fn ok(finding: &Finding) -> Option<bool> {
    (!finding.unknown).then_some(finding.ok)
}

fn word(finding: &Finding) -> &'static str {
    match ok(finding) {
        Some(true) => "yes",
        Some(false) => "no",
        None => "?",
    }
}

impl<'a> From<&'a RuleTrace> for RuleJson<'a> {
    fn from(rule: &'a RuleTrace) -> Self {
        let finding = |finding: &'a Finding| FindingJson {
            dimension: &finding.dimension,
            ok: ok(finding),
            detail: &finding.detail,
        };
        let condition = |finding: &'a Finding| ConditionJson {
            ok: ok(finding),
            detail: &finding.detail,
            supposed: finding.supposed,
        };
        Self {
            kind: &rule.kind,
            id: &rule.id,
            matched: rule.matched,
            why_not: json::some(&rule.why_not),
            evaluate_only: rule.evaluate_only,
            findings: rule.findings.iter().map(finding).collect(),
            conditions: rule.conditions.iter().map(condition).collect(),
            lifted_by: json::some(&rule.lifted_by),
        }
    }
}

/// See [`ExplanationJson`].
pub fn json<'a>(
    explanation: &'a Explanation,
    decision: &'a Decision,
    question: Question<'a>,
) -> ExplanationJson<'a> {
    ExplanationJson {
        outcome: decision::word(decision.outcome()),
        asked: AskedJson::of(question, &decision.username, &decision.roles),
        grant: json::some(&explanation.grant),
        through_role: json::some(&explanation.through_role),
        reasons: decision.reasons.iter().map(Into::into).collect(),
        refs: decision.refs.iter().map(Into::into).collect(),
        contact: json::some(&decision.contact),
        otherwise: explanation.otherwise.as_ref().and_then(OtherwiseJson::of),
        supposing: supposing(&explanation.rules),
        rules: explanation.rules.iter().map(Into::into).collect(),
        policy: json::some(&explanation.policy),
        snapshot: explanation.snapshot.as_ref().map(Into::into),
    }
}

/// What would be decided, on which grounds, and what each rule had to say.
pub fn text(explanation: &Explanation, decision: &Decision, question: Question<'_>, page: &Page) -> String {
    let outcome = decision.outcome();
    let mut text = head(&decision::painted(outcome, page), &decision.username, question);
    let mut grounds = held(&decision.roles);
    if outcome == Outcome::Permitted && !explanation.grant.is_empty() {
        grounds = grounds.with("by", carried_by(&explanation.grant, &explanation.through_role));
    }
    for notice in &decision.notices {
        grounds = grounds.with("notice", shown_line(notice));
    }
    text.push_str(&grounds.and(basis(explanation, page)).laid_out(page));

    let reasons = decision.reasons.iter().chain(decision.refs.iter().flat_map(|verdict| &verdict.reasons));
    let told: Vec<_> = reasons.map(|reason| told(reason, page)).collect();
    if !told.is_empty() {
        text.push_str(&format!("\n{}\n{}", page.bold("Because:"), told.concat()));
    }
    if let Some(otherwise) = &explanation.otherwise {
        text.push_str(&self::otherwise(otherwise, page));
    }
    if outcome != Outcome::Permitted && !decision.contact.is_empty() {
        text.push_str(&format!("\nWho can help: {}\n", shown_line(&decision.contact)));
    }
    text.push_str(&supposing_text(supposing(&explanation.rules)));
    // Without a policy or a directory no rule was looked at, which says nothing about the rules.
    if outcome != Outcome::Undecided || !explanation.rules.is_empty() {
        text.push_str(&rules(&explanation.rules, question, page));
    }
    text
}

/// What was asked, and the answer in a word.
fn head(word: &str, username: &str, question: Question<'_>) -> String {
    let Question { repository, name, verb, .. } = question;
    format!("{word}: {} {} {} in {}\n", shown(username), shown(verb), quoted(name), shown(repository))
}

fn held(roles: &[String]) -> Fields {
    let roles: Vec<_> = roles.iter().map(shown).collect();
    Fields::new().with("roles", if roles.is_empty() { "none".into() } else { roles.join(", ") })
}

/// What it was decided by.
fn basis(explanation: &Explanation, page: &Page) -> Fields {
    let policy = if explanation.policy.is_empty() { "none".into() } else { short(&explanation.policy) };
    let directory = explanation
        .snapshot
        .as_ref()
        .map(|info| format!("{}, as of {}", snapshot::named(info), page.time(info.as_of_micros)));
    Fields::new().with("policy", policy).with("directory", directory.unwrap_or_else(|| "none".into()))
}

/// What the rules say of somebody who is refused for who they are.
fn otherwise(otherwise: &Otherwise, page: &Page) -> String {
    let Some(decision) = &otherwise.decision else { return String::new() };
    let word = decision::painted(decision.outcome(), page);
    let by = if otherwise.grant.is_empty() {
        String::new()
    } else {
        format!(" by {}", carried_by(&otherwise.grant, &otherwise.through_role))
    };
    let reasons = decision.refs.iter().flat_map(|verdict| &verdict.reasons);
    let told: String = reasons.map(|reason| told(reason, page)).collect();
    format!("\nWere it not for that, it would be {word}{by}.\n{told}")
}

fn carried_by(grant: &str, role: &str) -> String {
    let through =
        if role.is_empty() { String::new() } else { format!(", through the role {}", quoted(role)) };
    format!("the grant {}{through}", quoted(grant))
}

fn told(reason: &Reason, page: &Page) -> String {
    let mut text =
        format!("  {} {}\n", shown_line(&reason.summary), page.dim(&format!("[{}]", shown(&reason.code))));
    if !reason.hint.is_empty() {
        text.push_str(&format!("    {}\n", shown_line(&reason.hint)));
    }
    text
}

fn rules(rules: &[RuleTrace], question: Question<'_>, page: &Page) -> String {
    if rules.is_empty() {
        return format!("\nNo rule of the policy is about {}.\n", shown(question.repository));
    }
    if question.verbose {
        return rules.iter().map(|rule| in_full(rule, page)).collect();
    }
    let mut table = Table::new(["RULE", "ID", "MATCHES", "WHY NOT"]);
    for rule in rules {
        let mode = if rule.evaluate_only { " (evaluate only)" } else { "" };
        table.push([shown(&rule.kind) + mode, shown(&rule.id), matches(rule).into(), remark(rule)]);
    }
    format!("\n{}", table.laid_out(page))
}

fn matches(rule: &RuleTrace) -> &'static str {
    let differs = rule.findings.iter().any(|finding| !finding.ok && !finding.unknown);
    match (rule.matched, differs) {
        (true, _) => "yes",
        (false, true) => "no",
        (false, false) => "?",
    }
}

/// Why it does not match; of one that does, what it asks for and is not so, or what lifts it.
fn remark(rule: &RuleTrace) -> String {
    if !rule.matched {
        return shown_line(&rule.why_not);
    }
    if !rule.lifted_by.is_empty() {
        return format!("lifted by the waiver {}", quoted(&rule.lifted_by));
    }
    let missing = rule.conditions.iter().filter(|condition| !condition.ok);
    missing.map(|condition| shown_line(&condition.detail)).collect::<Vec<_>>().join("; ")
}

/// A rule, and all that it was asked.
fn in_full(rule: &RuleTrace, page: &Page) -> String {
    let mode = if rule.evaluate_only { " (evaluate only)" } else { "" };
    let matches = match matches(rule) {
        "yes" => "matches",
        "no" => "does not match",
        _ => "may match",
    };
    let mut table = Table::new(["", "ASKED", "OK", "IN WORDS"]);
    for finding in &rule.findings {
        table.push([
            String::new(),
            shown(&finding.dimension),
            word(finding).into(),
            shown_line(&finding.detail),
        ]);
    }
    for condition in &rule.conditions {
        let ok = if condition.supposed { "supposed" } else { word(condition) };
        table.push([String::new(), "asks for".into(), ok.into(), shown_line(&condition.detail)]);
    }
    if !rule.lifted_by.is_empty() {
        let detail = format!("by the waiver {}", quoted(&rule.lifted_by));
        table.push([String::new(), "lifted".into(), "yes".into(), detail]);
    }
    let heading = format!("{}{mode} {}", shown(&rule.kind), quoted(&rule.id));
    format!("\n{} {matches}\n{}", page.bold(&heading), table.laid_out(page))
}

#[cfg(test)]
mod tests;
