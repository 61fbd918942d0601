//! The lines of a log, one at a time and in bounded memory.

use std::io::{self, BufRead, Read};

use crate::entry::MAX_ENTRY_BYTES;

/// Reads the lines of a log from any reader.
#[derive(Debug)]
pub struct Lines<R> {
    reader: R,
    line: Vec<u8>,
}

/// What comes next in a log.
#[derive(Debug, PartialEq, Eq)]
pub enum Line<'a> {
    /// A whole line, without its line feed.
    Whole(&'a [u8]),
    /// A line that is longer than any entry, and how many bytes it has without its line feed.
    TooLong(u64),
    /// Bytes at the end that no line feed follows, and how many: what a crash leaves of a line.
    Torn(u64),
}

impl<R: BufRead> Lines<R> {
    /// The lines from where `reader` stands.
    pub fn new(reader: R) -> Self {
        Self { reader, line: Vec::new() }
    }

    /// The next line, or `None` at the end.
    ///
    /// # Errors
    /// Whatever the reader fails with.
    #[expect(clippy::should_implement_trait, reason = "a line is lent, not given")]
    pub fn next(&mut self) -> io::Result<Option<Line<'_>>> {
        self.line.clear();
        let limit = MAX_ENTRY_BYTES as u64 + 1;
        self.reader.by_ref().take(limit).read_until(b'\n', &mut self.line)?;
        if self.line.is_empty() {
            return Ok(None);
        }
        let bytes = self.line.len() as u64;
        if self.line.ends_with(b"\n") {
            self.line.pop();
            return Ok(Some(Line::Whole(&self.line)));
        }
        if bytes < limit {
            return Ok(Some(Line::Torn(bytes)));
        }
        let (more, ended) = skip_line(&mut self.reader)?;
        Ok(Some(if ended { Line::TooLong(bytes + more) } else { Line::Torn(bytes + more) }))
    }
}

/// Skips to the end of the line: how many bytes that was, and whether there is a line feed.
fn skip_line(reader: &mut impl BufRead) -> io::Result<(u64, bool)> {
    let mut skipped = 0;
    loop {
        let buffer = reader.fill_buf()?;
        let (bytes, ended) = match buffer.iter().position(|&byte| byte == b'\n') {
            Some(at) => (at, true),
            None => (buffer.len(), false),
        };
        let consumed = bytes + usize::from(ended);
        reader.consume(consumed);
        skipped += bytes as u64;
        if ended || consumed == 0 {
            return Ok((skipped, ended));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_whole_too_long_or_torn() {
        let longest = vec![b'x'; MAX_ENTRY_BYTES];
        let too_long = vec![b'y'; MAX_ENTRY_BYTES * 3];
        let log = [b"a\n\n", &longest[..], b"\n", &too_long, b"\n", b"end"].concat();
        let mut lines = Lines::new(io::BufReader::with_capacity(1000, &log[..]));
        assert_eq!(lines.next().unwrap(), Some(Line::Whole(b"a")));
        assert_eq!(lines.next().unwrap(), Some(Line::Whole(b"")));
        assert_eq!(lines.next().unwrap(), Some(Line::Whole(&longest)));
        assert_eq!(lines.next().unwrap(), Some(Line::TooLong(too_long.len() as u64)));
        assert_eq!(lines.next().unwrap(), Some(Line::Torn(3)));
        assert_eq!(lines.next().unwrap(), None);

        let mut lines = Lines::new(&too_long[..]);
        assert_eq!(lines.next().unwrap(), Some(Line::Torn(too_long.len() as u64)));
    }
}
