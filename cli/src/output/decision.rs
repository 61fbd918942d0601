//! Outcomes, reasons and refs, as several answers show them.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use oam_proto::v1::{Outcome, Reason, RefVerdict};
use serde::Serialize;

use super::{Page, json, shown_line};

/// A ref's name in JSON: `ref` when it is UTF-8, else `ref_b64`, as in the audit log.
#[derive(Debug, Serialize)]
pub enum RefSpelling<'a> {
    /// Text.
    #[serde(rename = "ref")]
    Text(&'a str),
    /// Standard base64 of the bytes.
    #[serde(rename = "ref_b64")]
    Base64(String),
}

impl<'a> RefSpelling<'a> {
    /// The spelling of `name`.
    pub(super) fn of(name: &'a [u8]) -> Self {
        str::from_utf8(name).map_or_else(|_| Self::Base64(STANDARD.encode(name)), Self::Text)
    }
}

/// A reason in words.
#[derive(Debug, Serialize)]
pub struct ReasonJson<'a> {
    code: &'a str,
    rule: Option<&'a str>,
    summary: &'a str,
    hint: Option<&'a str>,
}

impl<'a> From<&'a Reason> for ReasonJson<'a> {
    fn from(reason: &'a Reason) -> Self {
        Self {
            code: &reason.code,
            rule: json::some(&reason.rule),
            summary: &reason.summary,
            hint: json::some(&reason.hint),
        }
    }
}

/// What is taken to be so, in a line; empty where that is nothing.
pub(super) fn supposing_text<'a>(supposing: impl IntoIterator<Item = &'a str>) -> String {
    let all: Vec<_> = supposing.into_iter().map(shown_line).collect();
    match all.as_slice() {
        [] => String::new(),
        all => format!("\nSupposing, since nothing else is said: {}.\n", all.join("; ")),
    }
}

/// A ref that is not permitted.
#[derive(Debug, Serialize)]
pub struct RefJson<'a> {
    #[serde(flatten)]
    name: RefSpelling<'a>,
    outcome: &'static str,
    verb: Option<&'a str>,
    reasons: Vec<ReasonJson<'a>>,
}

impl<'a> From<&'a RefVerdict> for RefJson<'a> {
    fn from(verdict: &'a RefVerdict) -> Self {
        Self {
            name: RefSpelling::of(&verdict.name),
            outcome: word(verdict.outcome()),
            verb: json::some(&verdict.verb),
            reasons: verdict.reasons.iter().map(Into::into).collect(),
        }
    }
}

/// An outcome in a word. What this version does not know is not permitted, and not refused either.
pub(super) fn word(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Permitted => "permitted",
        Outcome::Refused => "refused",
        Outcome::Undecided | Outcome::Unspecified => "undecided",
    }
}

/// An outcome in a word, in its colour.
pub(super) fn painted(outcome: Outcome, page: &Page) -> String {
    match outcome {
        Outcome::Permitted => page.good(word(outcome)),
        Outcome::Refused => page.bad(word(outcome)),
        Outcome::Undecided | Outcome::Unspecified => page.warn(word(outcome)),
    }
}
