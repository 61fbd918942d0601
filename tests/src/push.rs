//! What somebody who pushes sees.

use std::fmt;

use crate::{process::Finished, temporary};

/// What came of a push, from where the developer sits.
#[derive(Clone)]
pub struct PushOutput {
    /// What `git push` did.
    pub git: Finished,
}

/// The three outcomes, as the client can tell them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// git took it.
    Permitted,
    /// The hook said that the policy says no.
    Refused,
    /// The hook said that it could not be checked.
    Undecided,
}

impl PushOutput {
    /// Whether git took it.
    pub fn accepted(&self) -> bool {
        self.git.success()
    }

    /// What the hook printed: the lines that git marks with `remote:`, without the mark.
    pub fn remote_lines(&self) -> Vec<String> {
        let stderr = self.git.stderr_text();
        let lines = stderr.split(['\n', '\r']).filter_map(|line| line.strip_prefix("remote:"));
        lines.map(|line| line.strip_prefix(' ').unwrap_or(line).trim_end().to_owned()).collect()
    }

    /// What the hook printed, as one text.
    pub fn remote(&self) -> String {
        self.remote_lines().join("\n")
    }

    /// The outcome, told by whether git took it and by what the hook printed.
    ///
    /// # Panics
    /// When a push failed for another reason than the hook's, or the hook did not say which it is.
    #[track_caller]
    pub fn verdict(&self) -> Verdict {
        if self.accepted() {
            return Verdict::Permitted;
        }
        let stderr = self.git.stderr_text();
        assert!(stderr.contains("pre-receive hook declined"), "not declined by the hook: {self:?}");
        verdict_in(&self.remote()).unwrap_or_else(|| panic!("neither refused nor undecided: {self:?}"))
    }

    /// What the hook printed, with what differs from run to run replaced.
    pub fn redacted(&self) -> String {
        redact(&self.remote())
    }
}

impl fmt::Debug for PushOutput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.git.fmt(f)
    }
}

/// Tells a refusal from an inability to decide by the hook's own words.
pub fn verdict_in(text: &str) -> Option<Verdict> {
    match (text.contains(" refused by Bitbucket OAM"), text.contains(" NOT checked by Bitbucket OAM")) {
        (true, false) => Some(Verdict::Refused),
        (false, true) => Some(Verdict::Undecided),
        _ => None,
    }
}

/// Replaces ids (UUIDs), moments and temporary paths by `[id]`, `[time]` and `[temporary]`.
pub fn redact(text: &str) -> String {
    text.split('\n').map(redact_line).collect::<Vec<_>>().join("\n")
}

fn redact_line(line: &str) -> String {
    let mut shown = String::new();
    let mut rest = line;
    while let Some(character) = rest.chars().next() {
        let starts_word = !shown.ends_with(|c: char| c.is_ascii_alphanumeric());
        let (length, mark) = match (starts_word, rest) {
            (true, text) if is_uuid(text) => (36, "[id]"),
            (true, text) if is_moment(text) => (20, "[time]"),
            (_, text) => match temporary_path(text) {
                Some(length) => (length, "[temporary]"),
                None => (0, ""),
            },
        };
        if length == 0 {
            shown.push(character);
            rest = &rest[character.len_utf8()..];
        } else {
            shown.push_str(mark);
            rest = &rest[length..];
        }
    }
    shown
}

/// `xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx`.
fn is_uuid(text: &str) -> bool {
    follows(text, "hhhhhhhh-hhhh-hhhh-hhhh-hhhhhhhhhhhh")
}

/// `2026-11-23 17:42 UTC` and `2026-11-23T17:42:01Z`: both of 20 bytes.
fn is_moment(text: &str) -> bool {
    follows(text, "dddd-dd-dd dd:dd UTC") || follows(text, "dddd-dd-ddTdd:dd:ddZ")
}

fn follows(text: &str, shape: &str) -> bool {
    let matches = |(byte, shape): (u8, u8)| match shape {
        b'h' => byte.is_ascii_hexdigit(),
        b'd' => byte.is_ascii_digit(),
        other => byte == other,
    };
    text.len() >= shape.len() && text.bytes().zip(shape.bytes()).all(matches)
}

/// How long a path below the harness's temporary folders is up to the file's own name.
fn temporary_path(text: &str) -> Option<usize> {
    let root = format!("{}/{}", temporary::ROOT, temporary::PREFIX);
    let rest = text.strip_prefix(&root)?;
    let end = rest.find(|c: char| c.is_whitespace() || "`'\",:;)".contains(c)).unwrap_or(rest.len());
    let last = rest[..end].rfind('/').unwrap_or(end);
    Some(root.len() + last)
}

#[cfg(test)]
mod tests {
    use super::redact;

    #[test]
    fn what_differs_from_run_to_run_is_replaced() {
        assert_eq!(
            redact("id 019a3f0e-0000-7000-8000-0123456789ab since 2026-11-23 17:42 UTC"),
            "id [id] since [time]"
        );
        assert_eq!(redact("no `/tmp/oamXy12/run/hook.sock`: gone"), "no `[temporary]/hook.sock`: gone");
        assert_eq!(redact("plain größe"), "plain größe");
    }
}
