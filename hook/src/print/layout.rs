use oam_policy::printable::Printable;
use unicode_width::UnicodeWidthChar as _;

/// How wide a line is at most: git puts `remote: ` before it, and terminals have 80 columns.
pub(super) const WIDTH: usize = 72;

/// The longest text that is printed of one reason, in characters.
const MAX_TEXT: usize = 1_000;

/// A text for a terminal, growing line by line. Whatever is put on it is escaped and fits.
pub(super) struct Page(String);

impl Page {
    /// An empty page. It begins with an empty line, to stand apart from what git prints.
    pub(super) fn new() -> Self {
        Self("\n".into())
    }

    /// The whole text.
    pub(super) fn into_text(self) -> String {
        self.0
    }

    /// An empty line.
    pub(super) fn gap(&mut self) {
        self.0.push('\n');
    }

    /// A paragraph, broken at white space. `first` stands before its first line, as many spaces before the others.
    pub(super) fn paragraph(&mut self, first: &str, text: &str) {
        let hanging = " ".repeat(width(first));
        let room = WIDTH.saturating_sub(hanging.len()).max(1);
        let mut lead = first;
        for line in wrap(&printable(text), room) {
            self.line(lead, &line);
            lead = &hanging;
        }
    }

    /// One line for a name, cut in its middle where it is too long; `after` is kept whole.
    pub(super) fn name(&mut self, indent: &str, name: &[u8], after: &str) {
        let room = WIDTH.saturating_sub(width(indent)).saturating_sub(width(after)).max(1);
        let shown = cut_middle(&Printable::new(name).to_string(), room);
        self.line(indent, &format!("{shown}{after}"));
    }

    fn line(&mut self, lead: &str, text: &str) {
        self.0.push_str(lead);
        self.0.push_str(text);
        self.0.push('\n');
    }
}

/// Columns on a terminal.
fn width(text: &str) -> usize {
    text.chars().map(columns).sum()
}

fn columns(character: char) -> usize {
    character.width().unwrap_or(1)
}

/// Escapes a text, but not its backslashes: where it holds names, the daemon has escaped those once already.
fn printable(text: &str) -> String {
    let mut shown: String = text.chars().take(MAX_TEXT).collect();
    if shown.len() < text.len() {
        shown.push('…');
    }
    let words: Vec<_> = shown.split_whitespace().map(escaped_once).collect();
    words.join(" ")
}

fn escaped_once(word: &str) -> String {
    word.split('\\').map(|part| Printable::new(part).to_string()).collect::<Vec<_>>().join("\\")
}

/// Breaks at spaces, and within a word only where it is wider than a line.
fn wrap(text: &str, room: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = String::new();
    for word in text.split(' ') {
        if !line.is_empty() && width(&line) + 1 + width(word) > room {
            lines.push(std::mem::take(&mut line));
        }
        if !line.is_empty() {
            line.push(' ');
        }
        for character in word.chars() {
            if width(&line) + columns(character) > room {
                lines.push(std::mem::take(&mut line));
            }
            line.push(character);
        }
    }
    lines.push(line);
    lines
}

/// Keeps the beginning and the end, which tell names apart; the end gets the odd column.
fn cut_middle(text: &str, room: usize) -> String {
    if width(text) <= room {
        return text.to_owned();
    }
    let kept = room.saturating_sub(1);
    let head: String = fitting(text.chars(), kept / 2).collect();
    let tail: Vec<char> = fitting(text.chars().rev(), kept - kept / 2).collect();
    head.chars().chain(['…']).chain(tail.into_iter().rev()).collect()
}

/// The first characters that fit a number of columns.
fn fitting(characters: impl Iterator<Item = char>, mut room: usize) -> impl Iterator<Item = char> {
    characters.map_while(move |character| {
        room = room.checked_sub(columns(character))?;
        Some(character)
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use unicode_width::UnicodeWidthStr as _;

    use super::{Page, WIDTH, cut_middle, wrap};

    #[test]
    fn lines_break_at_spaces() {
        assert_eq!(wrap("one two three", 7), ["one two", "three"]);
        assert_eq!(wrap("12345678", 3), ["123", "456", "78"]);
        assert_eq!(wrap("", 3), [""]);
        assert_eq!(wrap("日本語", 4), ["日本", "語"]);
    }

    #[test]
    fn a_long_name_keeps_both_ends() {
        assert_eq!(cut_middle("abcdefghij", 10), "abcdefghij");
        assert_eq!(cut_middle("abcdefghijk", 10), "abcd…ghijk");
        assert_eq!(cut_middle("日本語日本語", 5), "日…語");
    }

    proptest! {
        #[test]
        fn every_line_fits_and_is_plain(
            name: Vec<u8>, text: String, wide in "[a-z日語\u{1f468}\u{1f3fd}\u{1b}\u{9b}\u{301} \n\\\\]{0,300}", indent in " {0,6}",
        ) {
            let mut page = Page::new();
            page.paragraph(&indent, &text);
            page.paragraph("  -> ", &wide);
            page.name(&indent, &name, " (refused)");
            page.name(&indent, wide.as_bytes(), "");
            let text = page.into_text();
            for line in text.split('\n') {
                prop_assert!(line.width() <= WIDTH, "{line:?}");
                prop_assert!(!line.chars().any(char::is_control), "{line:?}");
            }
        }
    }
}
