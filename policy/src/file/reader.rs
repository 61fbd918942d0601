use std::{
    collections::BTreeSet,
    ops::{Range, RangeInclusive},
};

use jiff::Timestamp;

use super::{
    grammar::TableKind,
    suggest::{did_you_mean, nearest},
    tree::{Node, Spanned, Table, Text},
};
use crate::{
    fault::{Collector, Fault, Source},
    printable::Printable,
};

/// How a file is written, so that what is told to do is told in its own signs.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Notation {
    Toml,
    Json,
}

/// One file that is being read, and where its faults go.
pub(crate) struct Report<'r, 'a> {
    pub(crate) source: &'r Source<'a>,
    pub(crate) faults: &'r mut Collector,
    notation: Notation,
    /// Lines that are not even well-formed: what else seems wrong there only follows from that.
    broken: BTreeSet<u32>,
}

impl<'r, 'a> Report<'r, 'a> {
    pub(crate) fn new(notation: Notation, source: &'r Source<'a>, faults: &'r mut Collector) -> Self {
        Self { source, faults, notation, broken: BTreeSet::new() }
    }

    /// A key with its value, as the file would write them.
    pub(crate) fn pair(&self, key: &str, value: &str) -> String {
        match self.notation {
            Notation::Toml => format!("`{key} = {value}`"),
            Notation::Json => format!("`\"{key}\": {value}`"),
        }
    }

    /// The kind of a value, in a sentence.
    pub(crate) fn kind(&self, node: &Node<'_>) -> &'static str {
        match (node, self.notation) {
            (Node::Table(_), Notation::Json) => "an object",
            _ => node.kind(),
        }
    }

    /// Adds a fault of the syntax.
    pub(crate) fn syntax(&mut self, span: Range<usize>, message: &str) {
        self.broken.insert(self.source.position(span.start).line);
        self.fault(span, message, Some("fix this first: more may come to light".to_owned()));
    }

    /// Whether the file is not even well-formed, so that what seems missing may be there.
    pub(crate) fn is_broken(&self) -> bool {
        !self.broken.is_empty()
    }

    /// Adds a fault in the meaning.
    pub(crate) fn add(&mut self, span: Range<usize>, message: impl Into<String>, help: Option<String>) {
        if !self.is_broken() || !self.broken.contains(&self.source.position(span.start).line) {
            self.fault(span, message, help);
        }
    }

    fn fault(&mut self, span: Range<usize>, message: impl Into<String>, help: Option<String>) {
        let source = self.source;
        self.faults.add(|| source.fault(span, message, help));
    }

    /// Adds a fault that lies in no single place of the file.
    pub(crate) fn whole_file(&mut self, message: &str, help: String) {
        let name = self.source.name();
        self.faults.add(|| Fault::of_file(name, message, Some(help)));
    }

    fn wrong_kind(&mut self, key: &str, expected: &str, found: &Spanned<Node<'_>>, help: Option<String>) {
        let message = format!("`{key}` is {expected}, not {}", self.kind(&found.value));
        self.add(found.span.clone(), message, help);
    }

    /// A string that is not empty.
    pub(crate) fn text(&mut self, key: &str, node: Spanned<Node<'a>>) -> Option<Text<'a>> {
        match node.value {
            Node::Text(text) if text.is_empty() => {
                self.add(
                    node.span,
                    format!("`{key}` is empty"),
                    Some("give a value, or leave it out".into()),
                );
                None
            }
            Node::Text(text) => Some(Spanned { value: text, span: node.span }),
            _ => {
                self.wrong_kind(key, "a string", &node, None);
                None
            }
        }
    }

    /// A list of strings; `None` when any element is not one.
    pub(crate) fn texts(&mut self, key: &str, node: Spanned<Node<'a>>) -> Option<Vec<Text<'a>>> {
        let help = match &node.value {
            Node::Text(text) => {
                let list = format!("[\"{}\"]", Printable::new(text.as_ref()));
                Some(format!("write {}", self.pair(key, &list)))
            }
            _ => None,
        };
        let Node::List(elements) = node.value else {
            self.wrong_kind(key, "a list of strings", &node, help);
            return None;
        };
        let given = elements.len();
        let mut texts = Vec::with_capacity(given);
        for element in elements {
            match element.value {
                Node::Text(text) => texts.push(Spanned { value: text, span: element.span }),
                _ => {
                    let kind = self.kind(&element.value);
                    let message = format!("`{key}` is a list of strings; this is {kind}");
                    self.add(element.span, message, None);
                }
            }
        }
        (texts.len() == given).then_some(texts)
    }

    /// A list of at least one string, each read by `parse`; what `parse` says is put at the string. `None` when
    /// anything is wrong.
    pub(crate) fn parsed<T, E: ToString>(
        &mut self,
        key: &str,
        node: Spanned<Node<'a>>,
        parse: impl Fn(&str) -> Result<T, E>,
    ) -> Option<Vec<Spanned<T>>> {
        let span = node.span.clone();
        let texts = self.texts(key, node)?;
        if texts.is_empty() {
            let help = Some(format!("name at least one, or leave `{key}` out where it may be"));
            self.add(span, format!("`{key}` is an empty list"), help);
            return None;
        }
        let given = texts.len();
        let parsed: Vec<_> = texts.into_iter().filter_map(|text| self.parse(text, &parse)).collect();
        (parsed.len() == given).then_some(parsed)
    }

    /// One string, read by `parse`.
    pub(crate) fn parse<T, E: ToString>(
        &mut self,
        text: Text<'a>,
        parse: impl Fn(&str) -> Result<T, E>,
    ) -> Option<Spanned<T>> {
        match parse(&text.value) {
            Ok(value) => Some(Spanned { value, span: text.span }),
            Err(error) => {
                self.add(text.span, error.to_string(), None);
                None
            }
        }
    }

    /// A boolean.
    pub(crate) fn boolean(&mut self, key: &str, node: &Spanned<Node<'_>>) -> Option<bool> {
        if let Node::Boolean(boolean) = node.value {
            return Some(boolean);
        }
        self.wrong_kind(key, "`true` or `false`", node, None);
        None
    }

    /// A whole number.
    pub(crate) fn whole_number(
        &mut self,
        key: &str,
        node: &Spanned<Node<'_>>,
        range: RangeInclusive<u64>,
    ) -> Option<u64> {
        let Node::Number(number) = &node.value else {
            self.wrong_kind(key, "a number", node, None);
            return None;
        };
        let parsed = number.parse().ok().filter(|number| range.contains(number));
        if parsed.is_none() {
            let message =
                format!("`{key}` is a whole number from {} to {}, not {number}", range.start(), range.end());
            self.add(node.span.clone(), message, None);
        }
        parsed
    }

    /// A list of tables; what is no table is told. `example` is one.
    pub(crate) fn tables(
        &mut self,
        key: &'static str,
        example: &str,
        node: Spanned<Node<'a>>,
    ) -> Vec<TableReader<'a>> {
        let help = Some(format!("write {}", self.pair(key, example)));
        match node.value {
            Node::List(elements) if elements.is_empty() => {
                self.add(node.span, format!("`{key}` is an empty list"), help);
                Vec::new()
            }
            Node::List(elements) => {
                let what = "an element of this list";
                elements.into_iter().filter_map(|element| self.table(what, element)).collect()
            }
            _ => {
                self.wrong_kind(key, "a list of tables", &node, help);
                Vec::new()
            }
        }
    }

    /// A moment: a TOML date-time with an offset.
    pub(crate) fn moment(&mut self, key: &str, node: &Spanned<Node<'_>>) -> Option<Timestamp> {
        let datetime = match &node.value {
            Node::Datetime(datetime) => datetime,
            Node::Text(text) if text.parse::<Timestamp>().is_ok() => {
                self.wrong_kind(key, "a date-time", node, Some("write it without quotes".into()));
                return None;
            }
            _ => {
                let help = "write a date-time without quotes, as in `2026-12-31T23:00:00Z`";
                self.wrong_kind(key, "a date-time", node, Some(help.into()));
                return None;
            }
        };
        let (what, right) = match (datetime.date, datetime.time, datetime.offset) {
            (Some(_), Some(_), Some(_)) => return self.timestamp(key, &datetime.to_string(), node),
            (Some(_), Some(_), None) => ("no time zone", format!("add `Z` for UTC: `{datetime}Z`")),
            (Some(_), None, _) => ("no time of day", format!("add it, in UTC: `{datetime}T00:00:00Z`")),
            _ => ("no date", "write a whole date-time, as in `2026-12-31T23:00:00Z`".to_owned()),
        };
        self.add(node.span.clone(), format!("`{key}` has {what}, so it is no moment in time"), Some(right));
        None
    }

    fn timestamp(&mut self, key: &str, text: &str, node: &Spanned<Node<'_>>) -> Option<Timestamp> {
        let parsed = text.parse().ok();
        if parsed.is_none() {
            self.add(node.span.clone(), format!("`{key}` is no moment that exists"), None);
        }
        parsed
    }

    /// The table that a node is.
    pub(crate) fn table(&mut self, what: &'static str, node: Spanned<Node<'a>>) -> Option<TableReader<'a>> {
        match node.value {
            Node::Table(table) => Some(TableReader { what, span: node.span, table }),
            other => {
                let table = self.kind(&Node::Table(Vec::new()));
                let message = format!("{what} is {table}, not {}", self.kind(&other));
                self.add(node.span, message, None);
                None
            }
        }
    }
}

/// A table from which one key after another is taken; what is left over in the end is not known.
pub(crate) struct TableReader<'a> {
    what: &'static str,
    /// Where the table begins: its header.
    pub(crate) span: Range<usize>,
    table: Table<'a>,
}

impl<'a> TableReader<'a> {
    pub(crate) fn new(what: &'static str, span: Range<usize>, table: Table<'a>) -> Self {
        Self { what, span, table }
    }

    /// Whether it has `key`, and nobody took it.
    pub(crate) fn has(&self, key: &str) -> bool {
        self.table.iter().any(|(found, _)| found.value == key)
    }

    /// Whether nothing is left.
    pub(crate) fn is_empty(&self) -> bool {
        self.table.is_empty()
    }

    /// The value of `key`, if it is there.
    pub(crate) fn take(&mut self, key: &str) -> Option<Spanned<Node<'a>>> {
        self.take_with_key(key).map(|(_, value)| value)
    }

    /// The value of `key` and the key itself, if it is there.
    pub(crate) fn take_with_key(&mut self, key: &str) -> Option<(Text<'a>, Spanned<Node<'a>>)> {
        let position = self.table.iter().position(|(found, _)| found.value == key)?;
        Some(self.table.swap_remove(position))
    }

    /// The value of `key`, which must be there; `example` is one.
    pub(crate) fn require(
        &mut self,
        key: &str,
        example: &str,
        report: &mut Report<'_, 'a>,
    ) -> Option<Spanned<Node<'a>>> {
        let value = self.take(key);
        if value.is_none() && !report.is_broken() {
            let message = format!("{} has no `{key}`", self.what);
            report.add(self.span.clone(), message, Some(format!("add {}", report.pair(key, example))));
        }
        value
    }

    /// Reports every key that nobody took, of a table of a policy.
    pub(super) fn finish_as(self, kind: &TableKind, report: &mut Report<'_, 'a>) {
        if !self.is_empty() {
            self.finish(&kind.names(), report);
        }
    }

    /// Reports every key that nobody took. `known` are those that might have been meant.
    pub(crate) fn finish(self, known: &[&str], report: &mut Report<'_, 'a>) {
        if report.is_broken() {
            // It may belong to a table whose header could not be read.
            return;
        }
        for (key, _) in self.table {
            let help = did_you_mean(&key.value, known.iter().copied())
                .unwrap_or_else(|| format!("it may have {}", listed(known)));
            let message = format!("{} has no key `{}`", self.what, Printable::new(key.value.as_ref()));
            report.add(key.span, message, Some(help));
        }
    }
}

/// `text` as one of `known`, which are few.
pub(crate) fn one_of<'k>(text: &str, what: &str, known: &[&'k str]) -> Result<&'k str, String> {
    if let Some(found) = known.iter().find(|one| **one == text) {
        return Ok(found);
    }
    let right = match nearest(text, known.iter().copied()) {
        Some(meant) => format!("did you mean `{meant}`?"),
        None => format!("it is one of {}", listed(known)),
    };
    Err(format!("`{}` is no {what}: {right}", Printable::new(text)))
}

fn listed(words: &[&str]) -> String {
    words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ")
}
