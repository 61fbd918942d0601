//! What would be decided, and why.

use oam_proto::v1::{Decision, Explanation, Outcome, Reason, RuleTrace};
use serde::Serialize;

use super::page::short;
use super::{
    Page,
    decision::{self, ReasonJson, RefJson, RefSpelling},
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
}

/// What would be decided.
#[derive(Debug, Serialize)]
pub struct ExplanationJson<'a> {
    outcome: &'static str,
    username: &'a str,
    repository: &'a str,
    #[serde(flatten)]
    name: RefSpelling<'a>,
    verb: &'a str,
    roles: &'a [String],
    grant: Option<&'a str>,
    through_role: Option<&'a str>,
    reasons: Vec<ReasonJson<'a>>,
    refs: Vec<RefJson<'a>>,
    contact: Option<&'a str>,
    rules: Vec<RuleJson<'a>>,
    policy: Option<&'a str>,
    snapshot: Option<SnapshotJson<'a>>,
}

#[derive(Debug, Serialize)]
struct RuleJson<'a> {
    kind: &'a str,
    id: &'a str,
    matched: bool,
    why_not: Option<&'a str>,
    evaluate_only: bool,
}

impl<'a> From<&'a RuleTrace> for RuleJson<'a> {
    fn from(rule: &'a RuleTrace) -> Self {
        Self {
            kind: &rule.kind,
            id: &rule.id,
            matched: rule.matched,
            why_not: json::some(&rule.why_not),
            evaluate_only: rule.evaluate_only,
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
        username: &decision.username,
        repository: question.repository,
        name: RefSpelling::of(question.name),
        verb: question.verb,
        roles: &decision.roles,
        grant: json::some(&explanation.grant),
        through_role: json::some(&explanation.through_role),
        reasons: decision.reasons.iter().map(Into::into).collect(),
        refs: decision.refs.iter().map(Into::into).collect(),
        contact: json::some(&decision.contact),
        rules: explanation.rules.iter().map(Into::into).collect(),
        policy: json::some(&explanation.policy),
        snapshot: explanation.snapshot.as_ref().map(Into::into),
    }
}

/// What would be decided, on which grounds, and what each rule had to say.
pub fn text(explanation: &Explanation, decision: &Decision, question: Question<'_>, page: &Page) -> String {
    let outcome = decision.outcome();
    let word = decision::painted(outcome, page);
    let mut text = format!(
        "{word}: {} {} {} in {}\n",
        shown(&decision.username),
        shown(question.verb),
        quoted(question.name),
        shown(question.repository)
    );
    let roles: Vec<_> = decision.roles.iter().map(shown).collect();
    let mut grounds =
        Fields::new().with("roles", if roles.is_empty() { "none".into() } else { roles.join(", ") });
    if outcome == Outcome::Permitted && !explanation.grant.is_empty() {
        let through = if explanation.through_role.is_empty() {
            String::new()
        } else {
            format!(", through the role {}", quoted(&explanation.through_role))
        };
        grounds = grounds.with("by", format!("the grant {}{through}", quoted(&explanation.grant)));
    }
    let directory = explanation
        .snapshot
        .as_ref()
        .map(|info| format!("{}, as of {}", snapshot::named(info), page.time(info.as_of_micros)));
    grounds = grounds
        .with(
            "policy",
            if explanation.policy.is_empty() { "none".into() } else { short(&explanation.policy) },
        )
        .with("directory", directory.unwrap_or_else(|| "none".into()));
    text.push_str(&grounds.laid_out(page));

    let reasons = decision.reasons.iter().chain(decision.refs.iter().flat_map(|verdict| &verdict.reasons));
    let told: Vec<_> = reasons.map(|reason| told(reason, page)).collect();
    if !told.is_empty() {
        text.push_str(&format!("\n{}\n{}", page.bold("Because:"), told.concat()));
    }
    if outcome != Outcome::Permitted && !decision.contact.is_empty() {
        text.push_str(&format!("\nWho can help: {}\n", shown_line(&decision.contact)));
    }
    // Without a policy or a directory no rule was looked at, which says nothing about the rules.
    if outcome != Outcome::Undecided || !explanation.rules.is_empty() {
        text.push_str(&rules(&explanation.rules, question, page));
    }
    text
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
    let mut table = Table::new(["RULE", "ID", "MATCHES", "WHY NOT"]);
    for rule in rules {
        let mode = if rule.evaluate_only { " (evaluate only)" } else { "" };
        table.push([
            shown(&rule.kind) + mode,
            shown(&rule.id),
            if rule.matched { "yes" } else { "no" }.into(),
            shown_line(&rule.why_not),
        ]);
    }
    format!("\n{}", table.laid_out(page))
}
