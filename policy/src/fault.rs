//! What is wrong with a file, told so that a person finds the place and knows what would be right.
//!
//! A reader never stops at the first fault: it collects all of them ([`Faults`]), each with its line, its column,
//! the offending line itself and what to do. The texts hold bytes from outside; they are escaped here, and once
//! more when a fault is displayed, since it may have come over the wire.

mod collector;
mod source;

use std::fmt;

use crate::{nonempty::NonEmpty, printable::Printable};

pub(crate) use collector::Collector;
pub(crate) use source::Source;

/// One thing that is wrong with a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The file's name.
    pub file: String,
    /// The line, from 1; 0 when the fault lies in no single place.
    pub line: u32,
    /// The column, from 1, in characters of the file's line; 0 with line 0.
    pub column: u32,
    /// How many characters of the excerpt are at fault, from [`Fault::caret`] on; 0 with line 0.
    pub length: u32,
    /// The line, with one printable character for each of its characters; of a long line a window, `…` at the ends
    /// that were cut. Empty with line 0.
    pub excerpt: String,
    /// What is wrong.
    pub message: String,
    /// What would be right.
    pub help: Option<String>,
}

/// A place in a file, with what is needed to show it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// As in [`Fault::file`].
    pub file: String,
    /// As in [`Fault::line`].
    pub line: u32,
    /// As in [`Fault::column`].
    pub column: u32,
    /// As in [`Fault::length`].
    pub length: u32,
    /// As in [`Fault::excerpt`].
    pub excerpt: String,
}

impl Place {
    /// A fault at this place.
    pub fn fault(&self, message: impl Into<String>, help: Option<String>) -> Fault {
        Fault {
            file: self.file.clone(),
            line: self.line,
            column: self.column,
            length: self.length,
            excerpt: self.excerpt.clone(),
            message: message.into(),
            help,
        }
    }
}

impl Fault {
    /// How many characters of a line are shown before the fault; the excerpt of a line is cut at its left when there
    /// are more.
    const LEAD: u32 = 64;
    /// How many characters an excerpt has at most.
    const WIDTH: u32 = 120;

    /// A fault that lies in no single place of `file`.
    pub fn of_file(file: &str, message: impl Into<String>, help: Option<String>) -> Self {
        Self {
            file: file.to_owned(),
            line: 0,
            column: 0,
            length: 0,
            excerpt: String::new(),
            message: message.into(),
            help,
        }
    }

    fn fmt_without_place(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.file.is_empty() {
            write!(f, "\n  --> {}", Printable::new(&self.file))?;
        }
        match &self.help {
            Some(help) => write!(f, "\n  = {}", shown(help)),
            None => Ok(()),
        }
    }

    /// The position within the excerpt, from 0, in characters, of the first character at fault.
    pub fn caret(&self) -> u32 {
        self.column.saturating_sub(1).min(Self::LEAD)
    }
}

/// For a person at a terminal: several lines without a final line feed.
impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", shown(&self.message))?;
        if self.line == 0 {
            return self.fmt_without_place(f);
        }
        let number = self.line.to_string();
        let gutter = " ".repeat(number.len());
        writeln!(f, "\n{gutter}--> {}:{number}:{}", Printable::new(&self.file), self.column)?;
        writeln!(f, "{gutter} |")?;
        writeln!(f, "{number} | {}", shown(&self.excerpt))?;
        let lead = " ".repeat(self.caret() as usize);
        write!(f, "{gutter} | {lead}{}", "^".repeat(self.length.clamp(1, Self::WIDTH) as usize))?;
        match &self.help {
            Some(help) => write!(f, "\n{gutter} = {}", shown(help)),
            None => Ok(()),
        }
    }
}

/// Everything that is wrong with some files, in order of place: at least one fault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Faults {
    kept: Box<NonEmpty<Fault>>,
    total: u64,
}

impl Faults {
    /// The faults `kept` out of `total`.
    pub fn new(kept: NonEmpty<Fault>, total: u64) -> Self {
        let total = total.max(kept.len() as u64);
        Self { kept: Box::new(kept), total }
    }

    /// The faults that were kept: all of them, or the first thousand.
    pub fn iter(&self) -> impl Iterator<Item = &Fault> {
        self.kept.iter()
    }

    /// How many there are in all.
    pub fn total(&self) -> u64 {
        self.total
    }
}

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, fault) in self.kept.iter().enumerate() {
            if index > 0 {
                f.write_str("\n\n")?;
            }
            fault.fmt(f)?;
        }
        match self.total.saturating_sub(self.kept.len() as u64) {
            0 => Ok(()),
            more => write!(f, "\n\nand {more} more"),
        }
    }
}

impl std::error::Error for Faults {}

/// A text with one printable character for each of its own, so that columns stay where they are.
fn shown(text: &str) -> String {
    text.chars().map(shown_character).collect()
}

/// A character itself when it plainly shows itself, a space for a tab, and `·` for all that hides or moves others.
fn shown_character(character: char) -> char {
    match character {
        ' '..='~' => character,
        '\t' => ' ',
        _ => {
            let mut buffer = [0; 4];
            let text: &str = character.encode_utf8(&mut buffer);
            if Printable::new(text).to_string() == text { character } else { '·' }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Collector, Fault, Faults, Source};

    fn at(text: &str, offending: &str) -> Fault {
        let start = text.find(offending).unwrap();
        Source::new("a.toml", text).fault(
            start..start + offending.len(),
            "it is wrong",
            Some("do it right".into()),
        )
    }

    #[test]
    fn a_fault_shows_its_place() {
        insta::assert_snapshot!(at("one\n\ttwo = größe\r\nthree\n", "größe"), @r"
        it is wrong
         --> a.toml:2:8
          |
        2 |  two = größe
          |        ^^^^^
          = do it right
        ");
    }

    #[test]
    fn nothing_in_a_line_can_move_the_cursor_or_the_carets() {
        let fault = at("a\u{1b}[31m\u{202e} = wrong", "wrong");
        assert_eq!((fault.excerpt.as_str(), fault.column), ("a·[31m· = wrong", 11));
        let hostile = Fault { message: "\u{1b}]0;x\u{7}".into(), file: "\u{9b}2J".into(), ..fault };
        assert!(!hostile.to_string().replace('\n', "").chars().any(char::is_control));
    }

    #[test]
    fn of_a_long_line_a_window_is_shown() {
        let text = format!("{}\n{}wrong{}", "x".repeat(9000), "é".repeat(9000), "b".repeat(9000));
        let fault = at(&text, "wrong");
        assert_eq!((fault.line, fault.column, fault.length), (2, 9001, 5));
        assert_eq!(fault.excerpt.chars().count(), 120);
        assert!(fault.excerpt.starts_with("…é") && fault.excerpt.ends_with("b…"), "{}", fault.excerpt);
        let found: String = fault.excerpt.chars().skip(fault.caret() as usize).take(5).collect();
        assert_eq!(found, "wrong");
    }

    #[test]
    fn a_fault_at_the_end_of_the_text_or_over_several_lines_has_a_place() {
        let source = Source::new("a.toml", "ab\ncd\n");
        let end = source.fault(6..6, "", None);
        assert_eq!((end.line, end.column, end.length, end.excerpt.as_str()), (3, 1, 1, ""));
        let beyond = source.fault(70..90, "", None);
        assert_eq!((beyond.line, beyond.column), (3, 1));
        let wide = source.fault(1..6, "", None);
        assert_eq!((wide.line, wide.column, wide.length), (1, 2, 1));
    }

    #[test]
    fn only_the_first_thousand_are_kept_and_all_are_counted() {
        let mut collector = Collector::new();
        for line in 0..1500 {
            collector.add(|| Fault { line, ..Fault::of_file("f", "m", None) });
        }
        let faults: Faults = collector.finish(Some(())).unwrap_err();
        assert_eq!((faults.iter().count(), faults.total()), (1000, 1500));
        assert!(faults.to_string().ends_with("and 500 more"));
    }

    proptest::proptest! {
        #[test]
        fn line_and_column_agree_with_counting(
            part in "[aé\\n\\t]{0,40}|\\PC{0,40}",
            times in 0..300_usize,
            pick: proptest::sample::Index,
        ) {
            let text = part.repeat(times);
            let ends: Vec<usize> = text.char_indices().map(|(at, _)| at).chain([text.len()]).collect();
            let offset = *pick.get(&ends);
            let (before, _) = text.split_at(offset);
            let fault = Source::new("f", &text).fault(offset..text.len(), "m", None);
            proptest::prop_assert_eq!(fault.line as usize, 1 + before.matches('\n').count());
            let line = before.rsplit('\n').next().unwrap();
            proptest::prop_assert_eq!(fault.column as usize, 1 + line.chars().count());
            let excerpt = fault.excerpt.chars().count();
            proptest::prop_assert!(excerpt <= 120);
            proptest::prop_assert!((fault.caret() as usize) <= excerpt);
        }
    }
}
