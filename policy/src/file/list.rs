//! What grants and blocks have in common: where, which refs, which verbs, and whether they decide.

use std::{cell::Cell, collections::BTreeSet};

use super::{
    draft::Draft,
    grammar,
    reader::{Report, TableReader, one_of},
    tree::{Node, Spanned},
};
use crate::{
    name::RoleId,
    request::Verb,
    rule::{Mode, PathSet, Pattern, PatternError, RefSet, RepositorySet, VerbSet},
};

/// `on`: the repositories.
pub(super) fn on<'a>(
    rule: &mut TableReader<'a>,
    room: &Room,
    report: &mut Report<'_, 'a>,
) -> Option<RepositorySet> {
    let node = rule.require("on", "[\"PROJECT/*\"]", report)?;
    patterns("on", node, RepositorySet::parse_one, RepositorySet::new, room, report)
}

/// `refs`, when it is there.
pub(super) fn refs<'a>(node: Spanned<Node<'a>>, room: &Room, report: &mut Report<'_, 'a>) -> Option<RefSet> {
    patterns("refs", node, RefSet::parse_one, RefSet::new, room, report)
}

/// How many more signs the patterns of the policy may have: see [`super::MAX_SIGNS`].
pub(super) struct Room(Cell<Option<usize>>);

impl Room {
    pub(super) fn new() -> Self {
        Self(Cell::new(Some(super::MAX_SIGNS)))
    }

    /// Whether there is room for more.
    pub(super) fn is_left(&self) -> bool {
        self.0.get().is_some()
    }

    /// How many signs the patterns have so far.
    pub(super) fn taken(&self) -> usize {
        super::MAX_SIGNS - self.0.get().unwrap_or_default()
    }

    pub(super) fn take(&self, signs: usize) {
        self.0.set(self.0.get().and_then(|left| left.checked_sub(signs)));
    }
}

/// `key`, a list of patterns of paths, when it is there.
pub(super) fn paths<'a>(
    key: &str,
    rule: &mut TableReader<'a>,
    room: &Room,
    report: &mut Report<'_, 'a>,
) -> Option<PathSet> {
    let node = rule.take(key)?;
    patterns(key, node, PathSet::parse_one, PathSet::new, room, report)
}

fn patterns<'a, S>(
    key: &str,
    node: Spanned<Node<'a>>,
    parse_one: impl Fn(&str) -> Result<(bool, Pattern), PatternError>,
    set: impl Fn(Vec<(bool, Pattern)>) -> Result<S, PatternError>,
    room: &Room,
    report: &mut Report<'_, 'a>,
) -> Option<S> {
    let span = node.span.clone();
    let one = |text: &str| -> Result<_, String> {
        if !room.is_left() {
            // The rule is refused as a whole.
            return Ok(None);
        }
        let pattern = parse_one(text).map_err(|error| quoted(text, &error))?;
        room.take(pattern.1.weight());
        Ok(Some(pattern))
    };
    let patterns = report.parsed(key, node, one)?;
    if !room.is_left() {
        return None;
    }
    match set(patterns.into_iter().filter_map(|pattern| pattern.value).collect()) {
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

/// The words of those.
pub(super) fn whole_repository_verbs() -> Vec<&'static str> {
    Verb::ALL.into_iter().filter(|verb| carries_no_refs(*verb)).map(Verb::as_str).collect()
}

/// The verbs that change refs.
pub(super) fn all_on_refs() -> VerbSet {
    Verb::ALL.into_iter().filter(|verb| !carries_no_refs(*verb)).collect()
}

/// The verbs that a rule is about, which says how refs may change: all that change refs, where it names none.
pub(super) fn verbs_on_refs<'a>(
    kind: &str,
    table: &mut TableReader<'a>,
    report: &mut Report<'_, 'a>,
) -> VerbSet {
    let Some(node) = table.take("verbs") else { return all_on_refs() };
    let verbs = verbs(node, report).unwrap_or_default();
    for verb in verbs.iter().filter(|verb| carries_no_refs(verb.value)) {
        let message = format!("a {kind} cannot be about `{}`: it is about changes to refs", verb.value);
        report.add(verb.span.clone(), message, Some("take it out".into()));
    }
    verbs.into_iter().map(|verb| verb.value).collect()
}

/// `key`, a list of roles, when it is there.
pub(super) fn mentioned_roles<'a>(
    key: &str,
    table: &mut TableReader<'a>,
    draft: &mut Draft<'_, '_>,
    file: usize,
    report: &mut Report<'_, 'a>,
) -> BTreeSet<RoleId> {
    let roles = table.take(key).and_then(|node| roles(key, node, report)).unwrap_or_default();
    draft.mention_roles(&roles, file);
    set(roles)
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
    let parse = |text: &str| one_of(text, "mode", &grammar::MODES);
    match text.and_then(|text| report.parse(text, parse)) {
        Some(Spanned { value: "evaluate", .. }) => Mode::Evaluate,
        _ => Mode::Enforce,
    }
}
