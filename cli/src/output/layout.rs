//! Labelled fields and tables.

use std::fmt::Write as _;

use unicode_width::UnicodeWidthStr as _;

use super::Page;

/// Labels and their values, the values one below the other. A field without a value is left out.
#[derive(Debug, Default)]
pub(super) struct Fields(Vec<(&'static str, String)>);

impl Fields {
    pub(super) fn new() -> Self {
        Self::default()
    }

    pub(super) fn with(mut self, label: &'static str, value: impl Into<String>) -> Self {
        let value = value.into();
        if !value.is_empty() {
            self.0.push((label, value));
        }
        self
    }

    pub(super) fn and(mut self, more: Self) -> Self {
        self.0.extend(more.0);
        self
    }

    /// One field a line, ending in a line feed.
    pub(super) fn laid_out(&self, page: &Page) -> String {
        let width = self.0.iter().map(|(label, _)| label.width()).max().unwrap_or(0);
        let mut text = String::new();
        for (label, value) in &self.0 {
            let gap = width - label.width() + 2;
            let _ = writeln!(text, "  {}{:gap$}{value}", page.dim(label), "");
        }
        text
    }
}

/// Rows below a heading, in columns as wide as their widest cell.
#[derive(Debug)]
pub(super) struct Table<const N: usize> {
    heading: [&'static str; N],
    rows: Vec<[String; N]>,
}

impl<const N: usize> Table<N> {
    pub(super) fn new(heading: [&'static str; N]) -> Self {
        Self { heading, rows: Vec::new() }
    }

    pub(super) fn push(&mut self, row: [String; N]) {
        self.rows.push(row);
    }

    /// The heading and the rows, ending in a line feed.
    pub(super) fn laid_out(&self, page: &Page) -> String {
        let mut widths = self.heading.map(str::width);
        for row in &self.rows {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = (*width).max(cell.width());
            }
        }
        let mut text = page.bold(&line(&self.heading.map(str::to_owned), &widths));
        text.push('\n');
        for row in &self.rows {
            text.push_str(&line(row, &widths));
            text.push('\n');
        }
        text
    }
}

fn line(cells: &[String], widths: &[usize]) -> String {
    let mut line = String::new();
    for (cell, width) in cells.iter().zip(widths) {
        let gap = width.saturating_sub(cell.width()) + 2;
        let _ = write!(line, "{cell}{:gap$}", "");
    }
    line.truncate(line.trim_end().len());
    line
}

/// A count for each thing that there are some of: `3 added, 1 changed`; `words` when there is nothing.
pub(super) fn counts(parts: &[(u64, &str)], words: &str) -> String {
    let some: Vec<_> = parts
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, what)| format!("{} {what}", super::page::number(*count)))
        .collect();
    if some.is_empty() { words.to_owned() } else { some.join(", ") }
}

/// Names from outside in a sentence: `a, b, c`; `none` when there are none.
pub(super) fn names(names: &[String]) -> String {
    if names.is_empty() {
        return "none".into();
    }
    names.iter().map(super::shown).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::{Fields, Table};
    use crate::output::Page;

    const PAGE: Page = Page { color: false, now: Timestamp::UNIX_EPOCH };

    #[test]
    fn columns_line_up_by_what_is_seen() {
        let mut table = Table::new(["NAME", "N"]);
        table.push(["日本".into(), "1".into()]);
        table.push(["größe".into(), "20".into()]);
        assert_eq!(table.laid_out(&PAGE), "NAME   N\n日本   1\ngröße  20\n");
    }

    #[test]
    fn a_field_without_a_value_is_left_out() {
        let fields = Fields::new().with("a", "1").with("reason", "").with("long", "2");
        assert_eq!(fields.laid_out(&PAGE), "  a     1\n  long  2\n");
    }
}
