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
    let mut shown = String::new();
    let mut rest = text;
    while let Some(character) = rest.chars().next() {
        let starts_word = !shown.ends_with(|c: char| c.is_ascii_alphanumeric());
        let found = starts_word.then(|| id(rest).or_else(|| moment(rest)).or_else(|| temporary_path(rest)));
        match found.flatten() {
            Some((length, mark)) => {
                shown.push_str(mark);
                rest = &rest[length..];
            }
            None => {
                shown.push(character);
                rest = &rest[character.len_utf8()..];
            }
        }
    }
    shown
}

fn id(text: &str) -> Option<(usize, &'static str)> {
    follows(text, "hhhhhhhh-hhhh-hhhh-hhhh-hhhhhhhhhhhh").map(|length| (length, "[id]"))
}

/// `2026-11-23 17:42 UTC`, which may be broken over two lines, or `2026-11-23T17:42:01Z`.
fn moment(text: &str) -> Option<(usize, &'static str)> {
    let long = || follows(text, "dddd-dd-dd dd:dd UTC");
    let length = follows(text, "dddd-dd-ddTdd:dd:ddZ").or_else(long)?;
    Some((length, "[time]"))
}

/// How many bytes at the beginning of `text` have a shape: `h` a hexadecimal digit, `d` a decimal one, and a space any
/// white space.
fn follows(text: &str, shape: &str) -> Option<usize> {
    let mut rest = text;
    for shape in shape.chars() {
        if shape == ' ' {
            let trimmed = rest.trim_start();
            if trimmed.len() == rest.len() {
                return None;
            }
            rest = trimmed;
            continue;
        }
        let matches = |c: char| match shape {
            'h' => c.is_ascii_hexdigit(),
            'd' => c.is_ascii_digit(),
            other => c == other,
        };
        rest = rest.strip_prefix(matches)?;
    }
    Some(text.len() - rest.len())
}

/// A path below one of the harness's temporary folders, without the file's own name.
fn temporary_path(text: &str) -> Option<(usize, &'static str)> {
    let root = format!("{}/{}", temporary::ROOT, temporary::PREFIX);
    let rest = text.strip_prefix(&root)?;
    let end = rest.find(|c: char| c.is_whitespace() || "`'\",:;)".contains(c)).unwrap_or(rest.len());
    let last = rest[..end].rfind('/').unwrap_or(end);
    Some((root.len() + last, "[temporary]"))
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
        assert_eq!(redact("on 2026-11-23\n  17:42 UTC. At 2026-11-23T17:42:01Z."), "on [time]. At [time].");
        assert_eq!(redact("no `/tmp/oamXy12/run/hook.sock`: gone"), "no `[temporary]/hook.sock`: gone");
        assert_eq!(redact("plain größe"), "plain größe");
    }
}
