use toml::de::DeTable;

use super::{
    reader::Report,
    tree::{Table, table_of_toml},
};

/// The longest text of which every fault of the syntax is reported, in bytes; of a longer one only the first is.
const RECOVERABLE: usize = super::MAX_BYTES;

/// Reads the file of `report` as TOML. What is not well-formed is reported; the rest is read all the same.
pub(crate) fn read_toml<'a>(report: &mut Report<'_, 'a>) -> Table<'a> {
    let text = report.source.text();
    let (table, errors) = if text.len() <= RECOVERABLE {
        let (table, errors) = DeTable::parse_recoverable(text);
        (table.into_inner(), errors)
    } else {
        match DeTable::parse(text) {
            Ok(table) => (table.into_inner(), Vec::new()),
            Err(error) => (DeTable::new(), vec![error]),
        }
    };
    for error in errors {
        report.syntax(error.span().unwrap_or_default(), &format!("this is not TOML: {}", error.message()));
    }
    table_of_toml(table)
}
