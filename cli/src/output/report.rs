//! Reports for auditors: one table, its grounds, and what it does not say.

mod html;

use serde::Serialize;
use serde_json::{Map, Value};

use super::{
    Page, Terminal, json,
    layout::Fields,
    page::{number, utc},
    query::csv_line,
    shown,
};
use crate::failure::Failure;

/// How a report is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum Format {
    /// For people
    #[default]
    Text,
    /// A row each, for a spreadsheet
    Csv,
    /// A JSON line each
    Json,
    /// A page that stands on its own and prints well
    Html,
}

/// What a report is about.
#[derive(Debug, Clone, Copy)]
pub struct Kind {
    /// As the command calls it.
    pub name: &'static str,
    /// Its heading.
    pub title: &'static str,
    /// What it answers.
    pub question: &'static str,
    /// The controls that it serves.
    pub controls: &'static [&'static str],
    /// What the columns are called.
    pub columns: &'static [&'static str],
}

/// What a report rests on.
#[derive(Debug, Clone, Serialize)]
pub struct Grounds {
    /// The log's name.
    pub log: String,
    /// The key that its checkpoint was verified with.
    pub key: String,
    /// How many entries were signed.
    pub entries: u64,
    /// The root over them.
    pub root: String,
    /// Since when.
    pub since: Option<String>,
    /// Until when.
    pub until: Option<String>,
    /// When the report was made.
    pub made: String,
    /// What else it rests on, such as a policy and a directory.
    pub besides: Vec<(&'static str, String)>,
}

/// A line of a report as JSON.
#[derive(Serialize)]
#[serde(tag = "item", rename_all = "kebab-case")]
enum Line<'a> {
    Report { report: &'a str, title: &'a str, controls: &'a [&'a str], grounds: &'a Grounds },
    Row { row: Map<String, Value> },
    Note { note: &'a str },
    End { rows: u64, findings: u64 },
}

/// A row: its cells, and whether somebody should look at it.
#[derive(Debug, Clone, Default)]
pub struct Row {
    /// As many as there are columns.
    pub cells: Vec<String>,
    /// Whether it says that something is not as it should be.
    pub finding: bool,
}

/// Who answers for which rows of a review of access.
#[derive(Debug, Serialize)]
pub struct AttestedJson<'a> {
    /// `accepted` or `revoked`.
    pub verdict: &'a str,
    /// Who answers for it.
    pub by: &'a str,
    /// How many rows.
    pub rows: u64,
    /// The SHA-256 of the report that was read.
    pub review: &'a str,
    /// The numbers of the entries that say so.
    pub entries: &'a [u64],
}

/// The same for people.
pub fn attested_text(told: &AttestedJson<'_>, page: &Page) -> String {
    let entries: Vec<_> = told.entries.iter().map(|seq| format!("#{seq}")).collect();
    let rows = super::page::counted(told.rows, "row", "rows");
    let fields = Fields::new().with("entries", entries.join(" ")).with("report", told.review);
    format!("{rows} {} by {}\n{}", told.verdict, shown(told.by), fields.laid_out(page))
}

/// Prints a report row by row.
#[derive(Debug)]
pub struct Report<'a> {
    kind: Kind,
    format: Format,
    terminal: &'a mut Terminal,
    /// Rows for people, until their widths are known.
    waiting: Vec<Row>,
    rows: u64,
    findings: u64,
}

/// So many rows are laid out together.
const TOGETHER: usize = 500;

impl<'a> Report<'a> {
    /// Begins a report.
    ///
    /// # Errors
    /// When standard output cannot be written.
    pub fn begin(
        kind: Kind,
        format: Format,
        grounds: &Grounds,
        terminal: &'a mut Terminal,
    ) -> Result<Self, Failure> {
        let format = if terminal.is_json() { Format::Json } else { format };
        let mut report = Self { kind, format, terminal, waiting: Vec::new(), rows: 0, findings: 0 };
        match format {
            Format::Text => {
                let text = heading(&kind, grounds, &report.terminal.page());
                report.put(&text)?;
            }
            Format::Csv => {
                let columns: Vec<&str> =
                    kind.columns.iter().copied().chain(["finding", "controls"]).collect();
                report.terminal.print(&csv_line(&columns)?)?;
            }
            Format::Json => report.line(&Line::Report {
                report: kind.name,
                title: kind.title,
                controls: kind.controls,
                grounds,
            })?,
            Format::Html => report.put(&html::opening(&kind, grounds))?,
        }
        Ok(report)
    }

    /// Whether nobody reads any more.
    pub fn is_closed(&self) -> bool {
        self.terminal.is_closed()
    }

    /// Prints a row.
    ///
    /// # Errors
    /// When standard output cannot be written.
    pub fn row(&mut self, row: Row) -> Result<(), Failure> {
        self.rows += 1;
        self.findings += u64::from(row.finding);
        match self.format {
            Format::Text => {
                self.waiting.push(row);
                if self.waiting.len() >= TOGETHER { self.lay_out() } else { Ok(()) }
            }
            Format::Csv => {
                let finding = if row.finding { "yes" } else { "" };
                let controls = self.kind.controls.join("; ");
                let cells = row.cells.into_iter().map(oam_export::row::harmless);
                let cells: Vec<String> = cells.chain([finding.to_owned(), controls]).collect();
                Ok(self.terminal.print(&csv_line(&cells)?)?)
            }
            Format::Json => {
                let cells = self.kind.columns.iter().zip(row.cells);
                let mut object: Map<String, Value> =
                    cells.map(|(column, cell)| ((*column).to_owned(), cell.into())).collect();
                object.insert("finding".into(), row.finding.into());
                self.line(&Line::Row { row: object })
            }
            Format::Html => self.put(&html::row(&row)),
        }
    }

    /// Ends a report, with what it does not say. Returns whether there was nothing that somebody should look at.
    ///
    /// # Errors
    /// When standard output cannot be written.
    pub fn end(mut self, notes: &[String]) -> Result<bool, Failure> {
        match self.format {
            Format::Text => {
                self.lay_out()?;
                let page = self.terminal.page();
                let mut text = format!("\n{}\n", summary(self.rows, self.findings, &page));
                for note in notes {
                    text.push_str(&format!("{} {}\n", page.bold("note:"), shown(note)));
                }
                self.put(&text)?;
            }
            // A table has no place for more; who reads it alone is told on standard error.
            Format::Csv => {
                notes.iter().for_each(|note| self.terminal.note(&format!("note: {}", shown(note))));
            }
            Format::Json => {
                for note in notes {
                    self.line(&Line::Note { note })?;
                }
                self.line(&Line::End { rows: self.rows, findings: self.findings })?;
            }
            Format::Html => self.put(&html::closing(self.rows, self.findings, notes))?,
        }
        Ok(self.findings == 0)
    }

    fn put(&mut self, text: &str) -> Result<(), Failure> {
        Ok(self.terminal.print(text.as_bytes())?)
    }

    fn line(&mut self, line: &Line<'_>) -> Result<(), Failure> {
        let text = json::text(line, false)?;
        self.put(&format!("{text}\n"))
    }

    fn lay_out(&mut self) -> Result<(), Failure> {
        let rows = std::mem::take(&mut self.waiting);
        if rows.is_empty() {
            return Ok(());
        }
        let text = table(self.kind.columns, &rows, &self.terminal.page());
        self.put(&text)
    }
}

fn heading(kind: &Kind, grounds: &Grounds, page: &Page) -> String {
    let mut fields = Fields::new()
        .with("question", kind.question)
        .with("controls", kind.controls.join("; "))
        .with("log", shown(&grounds.log))
        .with("signed", format!("{} entries, root {}", number(grounds.entries), grounds.root))
        .with("since", grounds.since.clone().unwrap_or_default())
        .with("until", grounds.until.clone().unwrap_or_default());
    for (label, value) in &grounds.besides {
        fields = fields.with(label, shown(value));
    }
    format!("{}\n{}\n", page.bold(kind.title), fields.with("made", &grounds.made).laid_out(page))
}

/// A block of lines for each row would hide what differs, so it is a table, as wide as it is.
fn table(columns: &[&str], rows: &[Row], page: &Page) -> String {
    let shown_rows: Vec<(Vec<String>, bool)> =
        rows.iter().map(|row| (row.cells.iter().map(shown).collect(), row.finding)).collect();
    let width = |column: usize| {
        let cells = shown_rows.iter().filter_map(|(cells, _)| cells.get(column));
        cells.map(|cell| unicode_width::UnicodeWidthStr::width(cell.as_str())).max().unwrap_or(0)
    };
    // Columns that say nothing in any row are left out.
    let kept: Vec<(usize, usize)> =
        (0..columns.len()).map(|column| (column, width(column))).filter(|(_, width)| *width > 0).collect();
    let line = |cells: &dyn Fn(usize) -> String| {
        let mut line = String::new();
        for (column, width) in &kept {
            let title = columns.get(*column).map_or(0, |title| title.len());
            let cell = cells(*column);
            let gap =
                (*width).max(title).saturating_sub(unicode_width::UnicodeWidthStr::width(cell.as_str())) + 2;
            line.push_str(&cell);
            line.push_str(&" ".repeat(gap));
        }
        line.trim_end().to_owned()
    };
    let title = line(&|column| columns.get(column).map(|title| title.to_uppercase()).unwrap_or_default());
    let mut text = format!("{}\n", page.bold(&title));
    for (cells, finding) in &shown_rows {
        let row = line(&|column| cells.get(column).cloned().unwrap_or_default());
        text.push_str(&if *finding { page.warn(&row) } else { row });
        text.push('\n');
    }
    text
}

fn summary(rows: u64, findings: u64, page: &Page) -> String {
    let counted = super::page::counted;
    match (rows, findings) {
        (0, _) => "Nothing to report.".into(),
        (rows, 0) => {
            page.good(&format!("{}, nothing that is not as it should be.", counted(rows, "row", "rows")))
        }
        (rows, findings) => page.warn(&format!(
            "{}, {} to look at.",
            counted(rows, "row", "rows"),
            counted(findings, "of them", "of them")
        )),
    }
}

/// A moment for a cell.
pub fn moment(at: jiff::Timestamp) -> String {
    utc(at)
}
