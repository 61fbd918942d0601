//! Times in which pushes could not be decided, by reason.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use super::finding;
use crate::output::report::{Row, moment};

/// What is further apart is not one incident.
const APART: SignedDuration = SignedDuration::from_hours(1);

#[derive(Debug)]
struct Span {
    first: Timestamp,
    last: Timestamp,
    count: u64,
}

/// The spans of each reason.
#[derive(Debug, Default)]
pub(super) struct Spans(BTreeMap<String, Vec<Span>>);

impl Spans {
    pub(super) fn add(&mut self, at: Timestamp, reason: &str) {
        let spans = self.0.entry(reason.to_owned()).or_default();
        match spans.last_mut() {
            Some(span) if at.duration_since(span.last) <= APART => {
                (span.last, span.count) = (span.last.max(at), span.count + 1);
            }
            _ => spans.push(Span { first: at, last: at, count: 1 }),
        }
    }

    pub(super) fn into_rows(self) -> impl Iterator<Item = Row> {
        self.0.into_iter().flat_map(|(reason, spans)| {
            spans.into_iter().map(move |span| {
                let detail = format!("until {}", moment(span.last));
                let count = format!("{} pushes", span.count);
                finding([&moment(span.first), "not decided", &reason, &count, &detail])
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{APART, Spans};

    #[test]
    fn what_is_close_together_is_one_incident() {
        let start: jiff::Timestamp = "2026-03-01T12:00:00Z".parse().unwrap();
        let mut spans = Spans::default();
        for hours in [0, 1, 2, 5] {
            spans.add(start + APART * hours, "source-stale");
        }
        spans.add(start, "audit-unavailable");
        let counts: Vec<_> = spans.into_rows().map(|row| row.cells[2..4].join(" ")).collect();
        assert_eq!(counts, ["audit-unavailable 1 pushes", "source-stale 3 pushes", "source-stale 1 pushes"]);
    }
}
