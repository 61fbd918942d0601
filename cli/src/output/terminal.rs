//! Standard output and standard error.

use std::io::{self, BufRead as _, ErrorKind, IsTerminal as _, Write};

use jiff::Timestamp;
use serde::Serialize;

use super::{Color, Page, json, shown};
use crate::failure::Failure;

/// Where answers and failures go.
#[derive(Debug)]
pub struct Terminal {
    json: bool,
    color: Color,
    /// The reader of standard output has gone.
    closed: bool,
}

#[derive(Serialize)]
struct FailureJson<'a> {
    error: &'a str,
    help: Option<&'a str>,
    exit: u8,
}

impl Terminal {
    /// For answers as JSON, or laid out for people.
    pub fn new(json: bool, color: Color) -> Self {
        Self { json, color, closed: false }
    }

    /// Whether answers are JSON.
    pub fn is_json(&self) -> bool {
        self.json
    }

    /// Whether nobody reads standard output any more, so that there is no use in going on.
    pub fn is_closed(&self) -> bool {
        self.closed
    }

    /// Whether to show how far a long work has come: somebody is watching.
    pub fn shows_progress(&self) -> bool {
        !self.json && io::stderr().is_terminal()
    }

    /// The page that answers are laid out on.
    pub fn page(&self) -> Page {
        Page { color: self.color.on(&io::stdout()), now: Timestamp::now() }
    }

    /// Prints the one answer of a command: `value` as a JSON document, or what `text` makes of it for people.
    ///
    /// # Errors
    /// When standard output cannot be written. That nobody reads it any more is no error.
    pub fn answer(&mut self, value: &impl Serialize, text: impl FnOnce(&Page) -> String) -> io::Result<()> {
        let text = if self.json { json::text(value, true)? + "\n" } else { text(&self.page()) };
        self.print(text.as_bytes())
    }

    /// Prints what is JSON for everybody.
    ///
    /// # Errors
    /// As [`Terminal::answer`].
    pub fn document(&mut self, value: &impl Serialize) -> io::Result<()> {
        let text = json::text(value, true)? + "\n";
        self.print(text.as_bytes())
    }

    /// Prints one of many items: `value` as a JSON line, or what `text` makes of it for people.
    ///
    /// # Errors
    /// As [`Terminal::answer`].
    pub fn item(&mut self, value: &impl Serialize, text: impl FnOnce(&Page) -> String) -> io::Result<()> {
        let text = if self.json { json::text(value, false)? + "\n" } else { text(&self.page()) };
        self.print(text.as_bytes())
    }

    /// Prints JSON that somebody else made, on a line of its own: to a program byte by byte as it is, and on a
    /// terminal with what it could act upon escaped.
    ///
    /// # Errors
    /// As [`Terminal::answer`].
    pub fn raw_json(&mut self, bytes: &[u8]) -> io::Result<()> {
        let on_one_line = bytes.iter().all(|byte| *byte >= b' ');
        let mut line = match str::from_utf8(bytes) {
            Ok(_) if on_one_line && !io::stdout().is_terminal() => bytes.to_vec(),
            Ok(text) if on_one_line => json::escaped(text).into_bytes(),
            Ok(_) | Err(_) => shown(bytes).into_bytes(),
        };
        line.push(b'\n');
        self.print(&line)
    }

    /// Prints what is neither: a completion script.
    ///
    /// # Errors
    /// As [`Terminal::answer`].
    pub fn print(&mut self, bytes: &[u8]) -> io::Result<()> {
        if self.closed {
            return Ok(());
        }
        let mut out = io::stdout().lock();
        match out.write_all(bytes).and_then(|()| out.flush()) {
            Err(error) if error.kind() == ErrorKind::BrokenPipe => {
                self.closed = true;
                Ok(())
            }
            result => result,
        }
    }

    /// Whether there is somebody who can be asked.
    pub fn can_ask(&self) -> bool {
        !self.json && io::stdin().is_terminal() && io::stderr().is_terminal()
    }

    /// Asks on standard error, and brings the line that is answered; nothing when there will be none.
    pub fn ask(&self, prompt: &str) -> Option<String> {
        self.complain(prompt);
        let mut line = Vec::new();
        match io::stdin().lock().read_until(b'\n', &mut line) {
            Ok(0) | Err(_) => None,
            Ok(_) => Some(String::from_utf8_lossy(&line).into_owned()),
        }
    }

    /// Tells people what is not part of the answer, on standard error. Programs are not told.
    pub fn note(&self, text: &str) {
        if !self.json {
            self.complain(&format!("{text}\n"));
        }
    }

    /// Tells what somebody must do before there can be an answer, on standard error; it is laid out already. Programs are told,
    /// too: whoever watches them must know.
    pub fn tell(&self, text: &str) {
        self.complain(text);
    }

    /// Tells why there is no answer, on standard error.
    pub fn fail(&self, failure: &Failure) {
        let (what, help) = (failure.to_string(), failure.help());
        if self.json {
            let value = FailureJson { error: &what, help: json::some(&help), exit: failure.exit().code() };
            if let Ok(text) = json::text(&value, false) {
                self.complain(&format!("{text}\n"));
            }
            return;
        }
        let page = Page { color: self.color.on(&io::stderr()), now: Timestamp::UNIX_EPOCH };
        self.complain(&failure_text(&what, &help, &page));
    }

    #[expect(clippy::unused_self, reason = "only who holds the terminal may write to it")]
    fn complain(&self, text: &str) {
        // There is nobody left to be told that standard error cannot be written.
        let _ = io::stderr().lock().write_all(text.as_bytes());
    }
}

/// What happened and what to do. The daemon's words may have several lines.
fn failure_text(what: &str, help: &str, page: &Page) -> String {
    let what = what.lines().map(super::shown_line).collect::<Vec<_>>().join("\n  ");
    let mut text = format!("{} {what}\n", page.bad("error:"));
    if !help.is_empty() {
        text.push_str(&format!("  {} {}\n", page.bold("help:"), super::shown_line(help)));
    }
    text
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::{Page, failure_text};

    #[test]
    fn failures_say_what_to_do_and_print_nothing_raw() {
        let page = Page { color: false, now: Timestamp::UNIX_EPOCH };
        assert_eq!(failure_text("a\x1b[2Jb\nc", "try d", &page), "error: a\\x1b[2Jb\n  c\n  help: try d\n");
        assert_eq!(failure_text("a", "", &page), "error: a\n");
    }
}
