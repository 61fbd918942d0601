use std::{cell::OnceCell, ops::Range};

use super::{Fault, Place, shown_character};

/// A text with a name, in which places are found.
pub(crate) struct Source<'a> {
    name: &'a str,
    text: &'a str,
    /// Where the lines are, known at every 4 KiB: a file may be one line of 80 MB and have a thousand faults.
    marks: OnceCell<Vec<Position>>,
}

/// A line and a column, both from 1.
#[derive(Clone, Copy)]
pub(crate) struct Position {
    pub(crate) line: u32,
    /// In characters.
    pub(crate) column: u32,
}

impl Position {
    const START: Self = Self { line: 1, column: 1 };

    /// The position behind `bytes` that begin here.
    fn behind(self, bytes: &[u8]) -> Self {
        bytes.iter().fold(self, |at, byte| match byte {
            b'\n' => Self { line: at.line.saturating_add(1), column: 1 },
            // The second and later bytes of a character.
            0x80..=0xbf => at,
            _ => Self { column: at.column.saturating_add(1), ..at },
        })
    }
}

impl<'a> Source<'a> {
    const BLOCK: usize = 4096;

    pub(crate) fn new(name: &'a str, text: &'a str) -> Self {
        Self { name, text, marks: OnceCell::new() }
    }

    pub(crate) fn name(&self) -> &'a str {
        self.name
    }

    pub(crate) fn text(&self) -> &'a str {
        self.text
    }

    /// Where the byte at `offset` is.
    pub(crate) fn position(&self, offset: usize) -> Position {
        let marks = self.marks.get_or_init(|| self.mark());
        let offset = offset.min(self.text.len());
        let block = offset / Self::BLOCK;
        let mark = marks.get(block).copied().unwrap_or(Position::START);
        let rest = self.text.as_bytes().get(block * Self::BLOCK..offset).unwrap_or_default();
        mark.behind(rest)
    }

    fn mark(&self) -> Vec<Position> {
        let mut marks = vec![Position::START];
        let mut at = Position::START;
        for block in self.text.as_bytes().chunks(Self::BLOCK) {
            at = at.behind(block);
            marks.push(at);
        }
        marks
    }

    /// `file:line:column`, for messages that name a second place.
    pub(crate) fn place(&self, offset: usize) -> String {
        let Position { line, column } = self.position(offset);
        format!("{}:{line}:{column}", crate::printable::Printable::new(self.name))
    }

    /// The bytes of `span` as a place.
    pub(crate) fn place_of(&self, span: Range<usize>) -> Place {
        let Fault { file, line, column, length, excerpt, .. } = self.fault(span, "", None);
        Place { file, line, column, length, excerpt }
    }

    /// A fault in the bytes of `span`.
    pub(crate) fn fault(
        &self,
        span: Range<usize>,
        message: impl Into<String>,
        help: Option<String>,
    ) -> Fault {
        let mut start = span.start.min(self.text.len());
        while !self.text.is_char_boundary(start) {
            start -= 1;
        }
        let Position { line, column } = self.position(start);
        let (before, rest) = self.text.split_at_checked(start).unwrap_or((self.text, ""));
        let (excerpt, room) = excerpt(before, rest, column);
        let at_fault =
            rest.char_indices().take_while(|(at, c)| start + at < span.end && !"\r\n".contains(*c));
        let length = at_fault.take(room).count().max(1);
        Fault {
            file: self.name.to_owned(),
            line,
            column,
            length: u32::try_from(length).unwrap_or(1),
            excerpt,
            message: message.into(),
            help,
        }
    }
}

/// The line that runs from `before` into `rest`, cut to a window around `column` (see [`Fault::caret`]), and how many
/// characters of `rest` it shows.
fn excerpt(before: &str, rest: &str, column: u32) -> (String, usize) {
    let lead = Fault::LEAD as usize;
    let mut shown: Vec<char> = before.chars().rev().take_while(|c| *c != '\n').take(lead).collect();
    shown.reverse();
    if column > Fault::LEAD + 1
        && let Some(first) = shown.first_mut()
    {
        *first = '…';
    }
    let room = Fault::WIDTH as usize - shown.len();
    // No more of the line than may be shown, one character to see that there is more, and its end: it may be 80 MB long.
    let end = rest.char_indices().nth(room + 3).map_or(rest.len(), |(at, _)| at);
    let mut after = rest.get(..end).and_then(|rest| rest.lines().next()).unwrap_or_default().chars();
    shown.extend(after.by_ref().take(room));
    if after.next().is_some()
        && let Some(last) = shown.last_mut()
    {
        *last = '…';
    }
    (shown.into_iter().map(shown_character).collect(), room)
}
