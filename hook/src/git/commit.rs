//! Raw commits.
//!
//! `tree …`, `parent …` any number of times, then further header lines in any order, an empty line, the message. As for
//! git, a parent is one only directly behind the tree or another parent: else a commit could claim, to us alone, to
//! descend from anything.

use oam_policy::ObjectId;

use super::{
    Malformed,
    identity::{between_brackets, email, split_header},
};

/// How many bytes of a subject are told.
pub const MAX_SUBJECT: usize = oam_proto::limits::SUBJECT_BYTES;

/// A commit, with its message still as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commit<'a> {
    /// What it holds.
    pub tree: ObjectId,
    /// What it came from, the first parent first.
    pub parents: Vec<ObjectId>,
    header: &'a [u8],
    message: &'a [u8],
}

/// Who made a commit: e-mails without the brackets. What git finds no e-mail in is empty, and so nobody's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Makers<'a> {
    /// Who wrote it.
    pub author: &'a [u8],
    /// Who made the commit of it.
    pub committer: &'a [u8],
}

impl<'a> Commit<'a> {
    /// Parses what git stores.
    ///
    /// # Errors
    /// When it has no proper tree or parents.
    pub fn parse(data: &'a [u8]) -> Result<Self, Malformed> {
        let (header, message) = split_header(data)?;
        let tree = Self::tree_of(header)?;
        let lines = header.split(|byte| *byte == b'\n').skip(1);
        let parents = lines.map_while(|line| line.strip_prefix(b"parent "));
        let parents: Option<Vec<_>> = parents.map(id).collect();
        let parents = parents.ok_or(Malformed("a parent is none"))?;
        Ok(Self { tree, parents, header, message })
    }

    /// What a raw commit holds, where nothing else of it matters.
    ///
    /// # Errors
    /// When it has no proper tree.
    pub fn tree_of(data: &[u8]) -> Result<ObjectId, Malformed> {
        let first = data.split(|byte| *byte == b'\n').next().and_then(|line| line.strip_prefix(b"tree "));
        first.and_then(id).ok_or(Malformed("it does not begin with a tree"))
    }

    /// Who made it.
    ///
    /// # Errors
    /// When it names several.
    pub fn makers(&self) -> Result<Makers<'a>, Malformed> {
        Ok(Makers { author: email(self.header, b"author")?, committer: email(self.header, b"committer")? })
    }

    /// The first paragraph of the message in one line, as `git log --format=%s`, in the commit's own encoding; the first
    /// [`MAX_SUBJECT`] bytes of it.
    pub fn subject(&self) -> Vec<u8> {
        let lines = self.lines().skip_while(|line| line.is_empty()).take_while(|line| !line.is_empty());
        let mut subject = Vec::new();
        for line in lines {
            if !subject.is_empty() {
                subject.push(b' ');
            }
            subject.extend_from_slice(line);
            if subject.len() > MAX_SUBJECT {
                break;
            }
        }
        subject.truncate(MAX_SUBJECT);
        subject
    }

    /// Whether a line `Signed-off-by:` in the last paragraph of the message, which must not be the first, names the
    /// author or the committer. Where git finds such a trailer, so do we; git wants besides that a quarter of the
    /// paragraph's lines are trailers. ASCII letters are compared without regard to case, as in all e-mails.
    pub fn is_signed_off(&self, makers: &Makers<'_>) -> bool {
        let mut found = false;
        // Going on from the title, each empty line begins a paragraph anew.
        let mut after_gap = true;
        for line in self.lines().skip_while(|line| !line.is_empty()) {
            if line.is_empty() {
                after_gap = true;
                continue;
            }
            found = (found && !after_gap) || signs_off(line, makers);
            after_gap = false;
        }
        found
    }

    /// The lines of the message, without white space at their ends. For git a message ends at a NUL byte.
    fn lines(&self) -> impl Iterator<Item = &'a [u8]> {
        let message = self.message.split(|byte| *byte == 0).next().unwrap_or_default();
        message.split(|byte| *byte == b'\n').map(trim_end)
    }
}

fn signs_off(line: &[u8], makers: &Makers<'_>) -> bool {
    const KEY: &[u8] = b"signed-off-by";
    let Some((key, rest)) = line.split_at_checked(KEY.len()) else { return false };
    let Some(value) = rest.trim_ascii_start().strip_prefix(b":") else { return false };
    let is_of = |email: &[u8]| {
        between_brackets(value).is_some_and(|by| !by.is_empty() && by.eq_ignore_ascii_case(email))
    };
    key.eq_ignore_ascii_case(KEY) && (is_of(makers.author) || is_of(makers.committer))
}

/// Without what git takes for white space.
fn trim_end(line: &[u8]) -> &[u8] {
    let end =
        line.iter().rposition(|byte| !b" \t\n\r".contains(byte)).map_or(0, |last| last.saturating_add(1));
    line.get(..end).unwrap_or_default()
}

fn id(hex: &[u8]) -> Option<ObjectId> {
    ObjectId::parse_hex(hex).ok()
}

#[cfg(test)]
mod tests {
    use super::{Commit, MAX_SUBJECT, Makers};
    use crate::git::Malformed;

    const ONE: &str = "1111111111111111111111111111111111111111";

    fn commit(message: &str) -> String {
        format!("tree {ONE}\nauthor A <a@x> 1 +0000\ncommitter C <c@x> 1 +0000\n\n{message}")
    }

    #[test]
    fn parents_stand_directly_behind_the_tree() {
        let text = format!(
            "tree {ONE}\nparent {ONE}\nparent {ONE}\nauthor A <a> 1 +0000\nparent {ONE}\n\nparent {ONE}\n"
        );
        assert_eq!(Commit::parse(text.as_bytes()).unwrap().parents.len(), 2);
        let upper = format!("tree {ONE}\nparent {}\n", "A".repeat(40));
        let zero = format!("tree {}\n", "0".repeat(40));
        let nul = format!("tree {ONE}\nauthor A <a>\0 1 +0000\n\n");
        for text in ["", "tree", "tree 11\n", "parent x\n", &upper, &zero, &nul] {
            assert!(Commit::parse(text.as_bytes()).is_err(), "{text:?}");
        }
    }

    #[test]
    fn who_made_it_is_one() {
        let twice =
            format!("tree {ONE}\nauthor A <a> 1 +0000\ncommitter A <a> 1 +0000\ncommitter B <b> 1 +0000\n\n");
        let twice = Commit::parse(twice.as_bytes()).unwrap();
        assert_eq!(twice.makers(), Err(Malformed("it names several authors, committers or taggers")));
        let nobody = format!("tree {ONE}\n\nauthor A <a> 1 +0000\n");
        let nobody = Commit::parse(nobody.as_bytes()).unwrap();
        assert_eq!(nobody.makers(), Ok(Makers { author: b"", committer: b"" }));
    }

    #[test]
    fn subjects() {
        for (message, subject) in [
            ("one\n", "one"),
            ("", ""),
            ("\n \n\tone \t\n two\r\n\nbody", "\tone  two"),
            ("one\0two\nthree", "one"),
        ] {
            let text = commit(message);
            let found = Commit::parse(text.as_bytes()).unwrap().subject();
            assert_eq!(String::from_utf8(found).unwrap(), subject, "{message:?}");
        }
        let long = commit(&"word ".repeat(10_000));
        assert_eq!(Commit::parse(long.as_bytes()).unwrap().subject().len(), MAX_SUBJECT);
    }

    #[test]
    fn sign_offs() {
        for (message, expected) in [
            ("one\n\nSigned-off-by: A <a@x>\n", true),
            ("one\n\nsigned-off-BY:C <C@X>", true),
            ("one\n\nbody\n\nReviewed-by: B <b@x>\nSigned-off-by: C <c@x>\n\n\n", true),
            ("one\n\nprose\nSigned-off-by: A <a@x>\nprose\n", true),
            ("one\n\nSigned-off-by: A <a@x>\n\nafter it\n", false),
            ("one\n\nSigned-off-by: B <b@x>\n", false),
            ("one\n\nSigned-off-by: a@x\n", false),
            ("one\n\n  Signed-off-by: A <a@x>\n", false),
            ("Signed-off-by: A <a@x>\n", false),
            ("one\nSigned-off-by: A <a@x>\n", false),
            ("one\n\n\0Signed-off-by: A <a@x>\n", false),
            ("one\n\nSigned-off-by\n", false),
            ("\nSigned-off-by: A <a@x>\n", true),
        ] {
            let text = commit(message);
            let commit = Commit::parse(text.as_bytes()).unwrap();
            assert_eq!(commit.is_signed_off(&commit.makers().unwrap()), expected, "{message:?}");
        }
        let nobody = format!("tree {ONE}\n\none\n\nSigned-off-by: A <>\n");
        let nobody = Commit::parse(nobody.as_bytes()).unwrap();
        assert!(!nobody.is_signed_off(&nobody.makers().unwrap()));
    }
}
