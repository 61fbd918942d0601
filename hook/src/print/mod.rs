//! What a person reads at their terminal or on a pull request's page. The words of a decision are the daemon's, the
//! layout is here: at most 72 columns, no colour, nothing unescaped, all violations at once.
//!
//! "Refused" and "NOT checked" begin differently and end differently, so that nobody mistakes an outage for a rule.

mod layout;

use oam_policy::Channel;
use oam_proto::{limits, v1};

use crate::{environment::Invocation, undecided::Undecided};

use layout::Page;

/// How many of the pusher's roles are listed.
const ROLES_SHOWN: usize = 6;

/// How many reasons are printed for one ref, or for a push as a whole.
const REASONS_SHOWN: usize = 8;

/// The text of a refusal.
pub fn refused(decision: &v1::Decision, invocation: &Invocation) -> String {
    let words = Words::of(invocation.channel);
    let mut page = Page::new();
    page.paragraph("", &format!("{} refused by Bitbucket OAM{}", words.what, refused_count(decision)));
    objections(&mut page, decision, v1::Outcome::Refused);
    page.gap();
    let unchanged = if invocation.channel.is_dry_run() { "" } else { " Nothing was changed." };
    page.paragraph("", &format!("{}{unchanged}", as_whom(decision, invocation)));
    reference(&mut page, decision);
    page.into_text()
}

/// The banner for a push that goes in for another reason than a standing right.
pub fn noticed(notices: &[String]) -> String {
    let mut page = Page::new();
    page.paragraph("", "Bitbucket OAM lets this in, and you should know:");
    for notice in notices.iter().take(REASONS_SHOWN) {
        page.paragraph("  ", notice);
    }
    page.into_text()
}

/// The text for a push that the daemon could not decide.
pub fn not_decided(decision: &v1::Decision, invocation: &Invocation) -> String {
    let words = Words::of(invocation.channel);
    let mut page = Page::new();
    page.paragraph("", &format!("{} NOT checked by Bitbucket OAM. This is no refusal.", words.what));
    objections(&mut page, decision, v1::Outcome::Undecided);
    page.gap();
    page.paragraph(
        "",
        &format!("{} {}", words.not_your_fault(), "If it stays so, tell your administrators."),
    );
    reference(&mut page, decision);
    page.into_text()
}

/// The text for a push that the hook could not even ask about, or got no decision on.
pub fn not_checked(why: &Undecided, channel: Channel) -> String {
    let words = Words::of(channel);
    let mut page = Page::new();
    page.paragraph("", &format!("{} NOT checked by Bitbucket OAM. This is no refusal.", words.what));
    page.gap();
    page.paragraph("  ", &sentence(&why.to_string()));
    page.gap();
    page.paragraph("", &format!("{} If it stays so, tell your administrators:", words.not_your_fault()));
    page.paragraph("  ", &sentence(why.advice()));
    page.into_text()
}

/// The banner for a push that goes in without a check. `record` is where it is recorded; a dry run is not.
pub fn let_through(why: &str, channel: Channel, record: Option<&str>) -> String {
    let mut page = Page::new();
    let allowed = if channel.is_dry_run() { "would be let in" } else { "let in" };
    page.paragraph("", &format!("{} {allowed} WITHOUT A CHECK by Bitbucket OAM.", Words::of(channel).what));
    page.gap();
    page.paragraph("  ", &sentence(why));
    page.paragraph("  ", "Your administrators allow it for these refs while no daemon answers.");
    if let Some(id) = record {
        page.gap();
        page.paragraph("", "It will be reported to the audit log.");
        page.paragraph("", &format!("Record: {id}"));
    }
    page.into_text()
}

/// The text for a push that is in, and that no daemon could be told of.
pub fn not_reported(why: &str) -> String {
    let mut page = Page::new();
    page.paragraph("", "Your push is in. Bitbucket OAM could not note that:");
    page.paragraph("  ", &sentence(why));
    page.paragraph("", "Nothing is wrong with what you pushed. Please tell your administrators.");
    page.into_text()
}

/// A line for an administrator at a terminal.
pub fn notice(text: &str) -> String {
    let mut page = Page::new();
    page.paragraph("", text);
    page.into_text().trim_start().to_owned()
}

/// How things are called, by the way in.
struct Words {
    what: &'static str,
    again: &'static str,
}

impl Words {
    fn of(channel: Channel) -> Self {
        let (what, again) = match channel {
            Channel::Push => ("Push", "Push again."),
            Channel::BranchCreate | Channel::TagCreate => ("Creation", "Try again."),
            Channel::BranchDelete | Channel::TagDelete => ("Deletion", "Try again."),
            Channel::FileEdit => ("Edit", "Try again."),
            Channel::PullRequestMerge | Channel::PullRequestDryRun | Channel::Merge => {
                ("Merge", "Try again.")
            }
        };
        Self { what, again }
    }

    fn not_your_fault(&self) -> String {
        format!("This is not your fault, and nothing was changed. {}", self.again)
    }
}

/// `: 1 of 2 refs may not change.`
fn refused_count(decision: &v1::Decision) -> String {
    let (bad, total) = (decision.refs_not_permitted, decision.refs_total);
    match (bad, total) {
        _ if !decision.reasons.is_empty() => ".".into(),
        (_, 0 | 1) => ".".into(),
        _ if bad >= total => format!(": none of the {} refs may change.", number(total)),
        _ => format!(": {} of {} refs may not change.", number(bad), number(total)),
    }
}

/// The reasons for the push as a whole, then ref by ref; refs that follow each other with the same reasons share them.
fn objections(page: &mut Page, decision: &v1::Decision, expected: v1::Outcome) {
    if !decision.reasons.is_empty() {
        page.gap();
        reasons(page, "  ", &decision.reasons);
    }
    let shown = decision.refs.get(..limits::REFS_DESCRIBED).unwrap_or(&decision.refs);
    for group in shown.chunk_by(|one, next| one.outcome == next.outcome && one.reasons == next.reasons) {
        page.gap();
        for verdict in group {
            page.name("  ", &verdict.name, remark(verdict.outcome(), expected));
        }
        if let Some(first) = group.first() {
            reasons(page, "    ", &first.reasons);
        }
    }
    let more = decision.refs_not_permitted.saturating_sub(shown.len() as u64);
    if more > 0 && !shown.is_empty() {
        page.gap();
        page.paragraph("  ", &format!("… and {} more ref{}", number(more), if more == 1 { "" } else { "s" }));
    }
}

/// Set after a ref whose verdict is another than the push's.
fn remark(outcome: v1::Outcome, expected: v1::Outcome) -> &'static str {
    match outcome {
        _ if outcome == expected => "",
        v1::Outcome::Refused => " (refused)",
        v1::Outcome::Undecided => " (not checked)",
        v1::Outcome::Unspecified | v1::Outcome::Permitted => "",
    }
}

fn reasons(page: &mut Page, indent: &str, reasons: &[v1::Reason]) {
    for reason in reasons.iter().take(REASONS_SHOWN) {
        let known = reason.rule.is_empty() || reason.summary.contains(&reason.rule);
        let rule = if known { String::new() } else { format!(": {}", reason.rule) };
        page.paragraph(indent, &format!("{} [{}{rule}]", reason.summary, reason.code));
        if !reason.hint.is_empty() {
            page.paragraph(&format!("{indent}-> "), &reason.hint);
        }
    }
    if let Some(more) = reasons.len().checked_sub(REASONS_SHOWN).filter(|more| *more > 0) {
        page.paragraph(indent, &format!("… and {more} more reasons"));
    }
}

fn as_whom(decision: &v1::Decision, invocation: &Invocation) -> String {
    // As the directory knows them; where it knows nobody, as the git server does.
    let name = Some(decision.username.as_str()).filter(|name| !name.is_empty());
    let name = name.unwrap_or(invocation.pusher.as_str());
    let roles: Vec<_> = decision.roles.iter().take(ROLES_SHOWN).map(String::as_str).collect();
    let more = decision.roles.len().saturating_sub(roles.len());
    let roles = match (roles.len(), more) {
        (0, _) => "no role".to_owned(),
        (1, 0) => format!("role: {}", roles.join(", ")),
        (_, 0) => format!("roles: {}", roles.join(", ")),
        (_, more) => format!("roles: {} and {more} more", roles.join(", ")),
    };
    format!("You are {name} ({roles}) in {}.", invocation.repository)
}

/// What to tell whoever is asked.
fn reference(page: &mut Page, decision: &v1::Decision) {
    page.paragraph("", &format!("Decision: {}", decision.decision_id));
    if !decision.contact.is_empty() {
        page.paragraph("", &format!("Questions: {}", decision.contact));
    }
}

/// A text with a capital at its beginning and a full stop at its end.
fn sentence(text: &str) -> String {
    let mut characters = text.trim_end_matches('.').chars();
    let first = characters.next().map(|first| first.to_uppercase().to_string()).unwrap_or_default();
    format!("{first}{}.", characters.as_str())
}

/// `9,980`
fn number(count: u64) -> String {
    let digits = count.to_string();
    let mut grouped = String::new();
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

#[cfg(test)]
mod tests;
