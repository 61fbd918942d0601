//! Everything that is wrong with a file, each fault at its place.

use std::fmt::Write as _;

use oam_policy::fault;
use oam_proto::v1::{Fault, Faults};
use serde::Serialize;
use unicode_width::UnicodeWidthStr as _;

use super::{Page, json, page::counted, shown, shown_line};

/// A fault.
#[derive(Debug, Serialize)]
pub struct FaultJson<'a> {
    file: Option<&'a str>,
    line: Option<u32>,
    column: Option<u32>,
    length: Option<u32>,
    message: &'a str,
    help: Option<&'a str>,
    excerpt: Option<&'a str>,
}

impl<'a> From<&'a Fault> for FaultJson<'a> {
    fn from(fault: &'a Fault) -> Self {
        let some = |number: u32| (number != 0).then_some(number);
        Self {
            file: json::some(&fault.file),
            line: some(fault.line),
            column: some(fault.column),
            length: some(fault.length),
            message: &fault.message,
            help: json::some(&fault.help),
            excerpt: json::some(&fault.excerpt),
        }
    }
}

/// A draft that has faults, so that nothing was decided by it.
#[derive(Debug, Serialize)]
pub struct DraftJson<'a> {
    faults_total: u64,
    faults: Vec<FaultJson<'a>>,
}

impl<'a> From<&'a Faults> for DraftJson<'a> {
    fn from(faults: &'a Faults) -> Self {
        Self { faults_total: total(faults), faults: list(faults) }
    }
}

/// The faults of a document, in order of place.
pub(super) fn list(faults: &Faults) -> Vec<FaultJson<'_>> {
    faults.faults.iter().map(Into::into).collect()
}

/// How many faults there are; `faults.total` may be more than are shown, and is never less.
pub(super) fn total(faults: &Faults) -> u64 {
    faults.total.max(faults.faults.len() as u64)
}

/// Whether there is any fault.
pub fn any(faults: &Faults) -> bool {
    total(faults) > 0
}

/// All faults, and how many there are.
pub fn text(faults: &Faults, consequence: &str, page: &Page) -> String {
    let mut text = String::new();
    for fault in &faults.faults {
        text.push_str(&one(fault, page));
        text.push('\n');
    }
    let total = total(faults);
    let unseen = total - faults.faults.len() as u64;
    let more = if unseen > 0 { format!(" ({unseen} of them not shown)") } else { String::new() };
    let sum = page.bad(&format!("{}{more}", counted(total, "fault", "faults")));
    let _ = writeln!(text, "{sum}; {consequence}");
    text
}

fn one(fault: &Fault, page: &Page) -> String {
    let mut text = format!("{} {}\n", page.bad("fault:"), shown_line(&fault.message));
    let number = fault.line.to_string();
    let gutter = if fault.line == 0 { 1 } else { number.len() };
    let mut place = shown(&fault.file);
    for number in [fault.line, fault.column].into_iter().filter(|number| *number != 0) {
        let _ = write!(place, ":{number}");
    }
    if !place.is_empty() {
        let _ = writeln!(text, "{:gutter$}{} {place}", "", page.dim("-->"));
    }
    if !fault.excerpt.is_empty() && fault.line != 0 {
        let bar = page.dim("|");
        let _ = writeln!(text, "{:gutter$} {bar}", "");
        let _ = writeln!(text, "{} {bar} {}", page.dim(&number), shown_line(&fault.excerpt));
        let _ = writeln!(text, "{:gutter$} {bar} {}", "", page.bad(&mark(fault)));
    }
    if !fault.help.is_empty() {
        let _ = writeln!(text, "{:gutter$} {} {}", "", page.bold("help:"), shown_line(&fault.help));
    }
    text
}

/// The line below the excerpt: spaces up to what is at fault, then a caret for each of its columns on the screen.
fn mark(fault: &Fault) -> String {
    let place = policy_fault(fault).caret();
    let [before, length] = [place, fault.length].map(|number| usize::try_from(number).unwrap_or(usize::MAX));
    let width = |text: String| shown_line(&text).width();
    let indent = width(fault.excerpt.chars().take(before).collect());
    let carets = width(fault.excerpt.chars().skip(before).take(length).collect()).max(1);
    format!("{:indent$}{}", "", "^".repeat(carets))
}

/// The fault as the reader of the file found it, which knows where its excerpt was cut.
fn policy_fault(fault: &Fault) -> fault::Fault {
    fault::Fault {
        file: fault.file.clone(),
        line: fault.line,
        column: fault.column,
        length: fault.length,
        excerpt: fault.excerpt.clone(),
        message: fault.message.clone(),
        help: json::some(&fault.help).map(str::to_owned),
    }
}

/// Faults that were found here, as the daemon would send them.
pub fn to_wire(faults: &fault::Faults) -> Faults {
    let one = |fault: &fault::Fault| Fault {
        file: fault.file.clone(),
        line: fault.line,
        column: fault.column,
        length: fault.length,
        excerpt: fault.excerpt.clone(),
        message: fault.message.clone(),
        help: fault.help.clone().unwrap_or_default(),
    };
    Faults { faults: faults.iter().map(one).collect(), total: faults.total() }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use oam_proto::v1::{Fault, Faults};

    use super::text;
    use crate::output::Page;

    #[test]
    fn the_mark_stands_below_what_is_at_fault() {
        let faults = Faults {
            faults: vec![
                Fault {
                    file: "a.toml".into(),
                    line: 12,
                    column: 10,
                    length: 2,
                    message: "`日本` is no role".into(),
                    help: "say which role".into(),
                    excerpt: "\tto = [ \"日本\" ]".into(),
                },
                Fault { message: "the policy has no role".into(), ..Fault::default() },
            ],
            total: 7,
        };
        let page = Page { color: false, now: Timestamp::UNIX_EPOCH };
        insta::assert_snapshot!(text(&faults, "nothing was changed.", &page), @r#"
        fault: `日本` is no role
          --> a.toml:12:10
           |
        12 |     to = [ "日本" ]
           |             ^^^^
           help: say which role

        fault: the policy has no role

        7 faults (5 of them not shown); nothing was changed.
        "#);
    }
}
