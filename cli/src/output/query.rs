//! Entries that were found, in the form that was asked for.

use std::io;

use oam_audit::entry::Entry;
use oam_export::{ocsf, row};

use super::{Terminal, audit, json};
use crate::{command::audit::Format, failure::Failure, log::SignedLog, query::Found};

/// Prints entries as they are found.
#[derive(Debug)]
pub struct Printer<'a> {
    format: Format,
    terminal: &'a mut Terminal,
}

impl<'a> Printer<'a> {
    /// A printer; of a table it prints the heading.
    ///
    /// # Errors
    /// When standard output cannot be written.
    pub fn new(format: Format, terminal: &'a mut Terminal) -> Result<Self, Failure> {
        if format == Format::Csv {
            terminal.print(&csv_line(&row::COLUMNS)?)?;
        }
        Ok(Self { format, terminal })
    }

    /// Whether nobody reads any more.
    pub fn is_closed(&self) -> bool {
        self.terminal.is_closed()
    }

    /// Prints an entry, after its parts where it is a decision of many refs.
    ///
    /// # Errors
    /// When the log cannot be read, or standard output cannot be written.
    pub fn print(&mut self, found: &Found, log: &mut SignedLog) -> Result<(), Failure> {
        for part in found.parts.clone() {
            let (line, entry) = log.entry(part)?;
            self.entry(&line, &entry)?;
        }
        self.entry(&found.line, &found.entry)
    }

    fn entry(&mut self, line: &[u8], entry: &Entry) -> Result<(), Failure> {
        match self.format {
            Format::Text => {
                let text = audit::of_entry(entry, &self.terminal.page());
                self.terminal.print(text.as_bytes())?;
            }
            Format::Jsonl => self.terminal.raw_json(line)?,
            Format::Csv => {
                for row in row::rows(entry) {
                    self.terminal.print(&csv_line(&row)?)?;
                }
            }
            Format::Ocsf => {
                let event = json::text(&ocsf::event(entry, line), false)?;
                self.terminal.print(format!("{event}\n").as_bytes())?;
            }
        }
        Ok(())
    }
}

/// A line of a table, quoted where that is needed.
pub(super) fn csv_line<S: AsRef<[u8]>>(cells: &[S]) -> io::Result<Vec<u8>> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(cells)?;
    writer.into_inner().map_err(|error| io::Error::other(error.to_string()))
}
