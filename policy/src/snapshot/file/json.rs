use std::{borrow::Cow, collections::BTreeSet, fmt, ops::Range};

use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor},
};
use serde_json::value::RawValue;

use super::{Document, FILE};
use crate::{
    file::{
        reader::{Report, TableReader},
        tree::{Node, Spanned, Text},
    },
    printable::Printable,
};

/// How deep anything that means something is nested within a user or a group.
const DEPTH: u32 = 4;

/// Reads the outermost layer; `None` when the text is not JSON, or no object.
pub(super) fn read_document<'a>(report: &mut Report<'_, 'a>) -> Option<Document<'a, &'a RawValue>> {
    let text = report.source.text();
    // Windows' tools put a byte order mark before the text.
    let json = text.strip_prefix('\u{feff}').unwrap_or(text);
    let whole: &RawValue = match serde_json::from_str(json) {
        Ok(whole) => whole,
        Err(error) => {
            let at = text.len() - json.len() + offset_of(&error, json);
            let message = error.to_string();
            let message = message.rsplit_once(" at line ").map_or(message.as_str(), |(what, _)| what);
            report.syntax(at..at.saturating_add(1), &format!("this is not JSON: {message}"));
            return None;
        }
    };
    let span = span_of(whole, text);
    let Ok(Pairs(pairs)) = serde_json::from_str(whole.get()) else {
        report.add(span, format!("{FILE} is an object: `{{\"version\": 1, \"users\": []}}`"), None);
        return None;
    };
    let (mut users, mut groups, mut rest) = (None, None, Vec::new());
    for (key, value) in unique(pairs, report) {
        match key.value.as_ref() {
            "users" => users = Some(elements("users", value, report)),
            "groups" => groups = Some(elements("groups", value, report)),
            _ => rest.push((key, node(value, report))),
        }
    }
    Some(Document { top: TableReader::new(FILE, span, rest), users, groups })
}

/// Where serde_json stopped, as an offset in `text`.
fn offset_of(error: &serde_json::Error, text: &str) -> usize {
    let lines_before = error.line().saturating_sub(1);
    let before: usize = text.split_inclusive('\n').take(lines_before).map(str::len).sum();
    before + error.column().saturating_sub(1)
}

fn elements<'a>(key: &str, value: &'a RawValue, report: &mut Report<'_, 'a>) -> Vec<&'a RawValue> {
    serde_json::from_str(value.get()).unwrap_or_else(|_| {
        let value = node(value, report);
        super::not_a_list(key, &value, report);
        Vec::new()
    })
}

/// A value with the places of everything in it.
pub(super) fn node<'a>(raw: &'a RawValue, report: &mut Report<'_, 'a>) -> Spanned<Node<'a>> {
    node_at_depth(raw, DEPTH, report)
}

fn node_at_depth<'a>(raw: &'a RawValue, depth: u32, report: &mut Report<'_, 'a>) -> Spanned<Node<'a>> {
    let text = raw.get();
    let span = span_of(raw, report.source.text());
    let value = match (text.bytes().next(), depth.checked_sub(1)) {
        (Some(b'{' | b'['), None) => Node::TooDeep,
        (Some(b'{'), Some(depth)) => {
            let Pairs(pairs) = serde_json::from_str(text).unwrap_or_default();
            let pairs = unique(pairs, report).into_iter();
            Node::Table(pairs.map(|(key, value)| (key, node_at_depth(value, depth, report))).collect())
        }
        (Some(b'['), Some(depth)) => {
            let elements: Vec<&RawValue> = serde_json::from_str(text).unwrap_or_default();
            Node::List(elements.into_iter().map(|element| node_at_depth(element, depth, report)).collect())
        }
        (Some(b'"'), _) => Node::Text(string(raw, &span, report)),
        (Some(b't'), _) => Node::Boolean(true),
        (Some(b'f'), _) => Node::Boolean(false),
        (Some(b'n'), _) => Node::Null,
        _ => Node::Number(text.into()),
    };
    Spanned { value, span }
}

/// The string's value, borrowed where it holds no escape.
fn string<'a>(raw: &'a RawValue, span: &Range<usize>, report: &mut Report<'_, 'a>) -> Cow<'a, str> {
    let text = raw.get();
    if let Ok(plain) = serde_json::from_str::<&'a str>(text) {
        return Cow::Borrowed(plain);
    }
    serde_json::from_str::<String>(text).map_or_else(
        |_| {
            // Well-formed, and yet no text: half of a surrogate pair.
            report.add(span.clone(), "this string holds an escape that stands for no character", None);
            Cow::Borrowed("?")
        },
        Cow::Owned,
    )
}

/// The pairs of an object, each key decoded; a key that is given again is a fault.
fn unique<'a>(
    pairs: Vec<(&'a RawValue, &'a RawValue)>,
    report: &mut Report<'_, 'a>,
) -> Vec<(Text<'a>, &'a RawValue)> {
    let mut seen = BTreeSet::new();
    let mut kept = Vec::with_capacity(pairs.len());
    for (key, value) in pairs {
        let span = span_of(key, report.source.text());
        let text = string(key, &span, report);
        if seen.insert(text.clone()) {
            kept.push((Spanned { value: text, span }, value));
        } else {
            let message = format!("the key `{}` is given twice in one object", Printable::new(text.as_ref()));
            report.add(span, message, Some("keep one".into()));
        }
    }
    kept
}

/// Where `raw`, which was borrowed from `text`, lies in it.
fn span_of(raw: &RawValue, text: &str) -> Range<usize> {
    let raw = raw.get();
    let start = raw.as_ptr().addr().saturating_sub(text.as_ptr().addr());
    start..start + raw.len()
}

/// The pairs of an object in order, keys too as they are written, so that both have places.
#[derive(Default)]
struct Pairs<'a>(Vec<(&'a RawValue, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Pairs<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(PairsVisitor).map(Self)
    }
}

struct PairsVisitor;

impl<'de> Visitor<'de> for PairsVisitor {
    type Value = Vec<(&'de RawValue, &'de RawValue)>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut pairs = Vec::new();
        while let Some(pair) = map.next_entry()? {
            pairs.push(pair);
        }
        Ok(pairs)
    }
}
