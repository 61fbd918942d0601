//! What grants and blocks have in common: where, which refs, which verbs, and whether they decide.

use std::collections::BTreeSet;

use super::{
    reader::{Report, TableReader, one_of},
    tree::{Node, Spanned},
};
use crate::{
    glob::Glob,
    name::RoleId,
    request::Verb,
    rule::{Mode, PatternError, RefSet, RepositorySet, VerbSet},
};

/// `on`: the repositories.
pub(super) fn on<'a>(rule: &mut TableReader<'a>, report: &mut Report<'_, 'a>) -> Option<RepositorySet> {
    let node = rule.require("on", "[\"PROJECT/*\"]", report)?;
    patterns("on", node, RepositorySet::parse_one, RepositorySet::new, report)
}

/// `refs`, when it is there.
pub(super) fn refs<'a>(node: Spanned<Node<'a>>, report: &mut Report<'_, 'a>) -> Option<RefSet> {
    patterns("refs", node, RefSet::parse_one, RefSet::new, report)
}

fn patterns<'a, S>(
    key: &str,
    node: Spanned<Node<'a>>,
    parse_one: impl Fn(&str) -> Result<(bool, Glob), PatternError>,
    set: impl Fn(Vec<(bool, Glob)>) -> Result<S, PatternError>,
    report: &mut Report<'_, 'a>,
) -> Option<S> {
    let span = node.span.clone();
    let patterns = report.parsed(key, node, |text| parse_one(text).map_err(|error| quoted(text, &error)))?;
    match set(patterns.into_iter().map(|pattern| pattern.value).collect()) {
        Ok(set) => Some(set),
        Err(error) => {
            report.add(span, format!("`{key}`: {error}"), None);
            None
        }
    }
}

fn quoted(pattern: &str, error: &PatternError) -> String {
    format!("the pattern `{}`: {error}", crate::printable::Printable::new(pattern))
}

/// A list of verbs.
pub(super) fn verbs<'a>(node: Spanned<Node<'a>>, report: &mut Report<'_, 'a>) -> Option<Vec<Spanned<Verb>>> {
    let known = Verb::ALL.map(Verb::as_str);
    report.parsed("verbs", node, |text| {
        one_of(text, "verb", &known).and_then(|verb| Verb::parse(verb).ok_or_else(String::new))
    })
}

/// Whether a verb exists for provisioning only, and says nothing about refs.
pub(super) fn carries_no_refs(verb: Verb) -> bool {
    matches!(verb, Verb::Read | Verb::Admin)
}

/// The verbs that change refs.
pub(super) fn all_on_refs() -> VerbSet {
    Verb::ALL.into_iter().filter(|verb| !carries_no_refs(*verb)).collect()
}

/// A list of roles; that they exist is checked when all files are read.
pub(super) fn roles<'a>(
    key: &str,
    node: Spanned<Node<'a>>,
    report: &mut Report<'_, 'a>,
) -> Option<Vec<Spanned<RoleId>>> {
    report.parsed(key, node, RoleId::parse)
}

/// The set of the values.
pub(super) fn set<T: Ord>(values: Vec<Spanned<T>>) -> BTreeSet<T> {
    values.into_iter().map(|value| value.value).collect()
}

/// `mode`.
pub(super) fn mode<'a>(rule: &mut TableReader<'a>, report: &mut Report<'_, 'a>) -> Mode {
    let text = rule.take("mode").and_then(|node| report.text("mode", node));
    let parse = |text: &str| one_of(text, "mode", &["enforce", "evaluate"]);
    match text.and_then(|text| report.parse(text, parse)) {
        Some(Spanned { value: "evaluate", .. }) => Mode::Evaluate,
        _ => Mode::Enforce,
    }
}

/// `paths`: part of the language, and not decided yet.
pub(super) fn refuse_paths<'a>(rule: &mut TableReader<'a>, report: &mut Report<'_, 'a>) {
    if let Some((key, _)) = rule.take_with_key("paths") {
        refuse_undecided("paths", key.span, report);
    }
}

/// A part of the language that this version knows and cannot decide.
pub(super) fn refuse_undecided(what: &str, span: std::ops::Range<usize>, report: &mut Report<'_, '_>) {
    let message = format!("`{what}` is not decided by this version: a policy holding one is not loaded");
    report.add(span, message, Some("take it out until a release that decides it".into()));
}
