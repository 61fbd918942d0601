//! Raw tag objects: `object …`, `type …`, `tag …`, further header lines, an empty line, the message, and at its very end
//! a signature.

use oam_policy::ObjectId;

use super::{
    Malformed,
    identity::{email, split_header},
};

/// A tag object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tag<'a> {
    /// What it names.
    pub target: ObjectId,
    /// What that is, as the tag says: `commit`, `tree`, `blob` or `tag`.
    pub kind: &'a [u8],
    header: &'a [u8],
}

impl<'a> Tag<'a> {
    /// Parses what git stores.
    ///
    /// # Errors
    /// When git would not take it for a tag.
    pub fn parse(data: &'a [u8]) -> Result<Self, Malformed> {
        let (header, _) = split_header(data)?;
        let mut lines = header.split(|byte| *byte == b'\n');
        let target = lines.next().and_then(|line| line.strip_prefix(b"object "));
        let target = target.and_then(|hex| ObjectId::parse_hex(hex).ok());
        let target = target.ok_or(Malformed("it does not begin with an object"))?;
        let kind = lines.next().and_then(|line| line.strip_prefix(b"type "));
        let kind = kind.filter(|kind| [&b"commit"[..], b"tree", b"blob", b"tag"].contains(kind));
        let kind = kind.ok_or(Malformed("it names no type of object"))?;
        let name = lines.next().and_then(|line| line.strip_prefix(b"tag "));
        name.ok_or(Malformed("it has no name"))?;
        Ok(Self { target, kind, header })
    }

    /// The e-mail of who made it, without the brackets; empty where git finds none.
    ///
    /// # Errors
    /// When it names several.
    pub fn tagger(&self) -> Result<&'a [u8], Malformed> {
        email(self.header, b"tagger")
    }
}

#[cfg(test)]
mod tests {
    use super::Tag;

    const ONE: &str = "1111111111111111111111111111111111111111";

    #[test]
    fn what_git_takes_for_a_tag() {
        let text =
            format!("object {ONE}\ntype commit\ntag x\ntagger T <t@x> 1 +0000\n\ntagger U <u> 1 +0000\n");
        let tag = Tag::parse(text.as_bytes()).unwrap();
        assert_eq!(
            (tag.target.to_string().as_str(), tag.kind, tag.tagger()),
            (ONE, &b"commit"[..], Ok(&b"t@x"[..]))
        );
        let old = format!("object {ONE}\ntype tag\ntag x\n");
        assert_eq!(Tag::parse(old.as_bytes()).unwrap().tagger(), Ok(&b""[..]));
        for text in [
            format!("type commit\nobject {ONE}\ntag x\n"),
            format!("object {ONE}\ntype thing\ntag x\n"),
            format!("object {ONE}\ntype commit\n"),
            "object 0\ntype commit\ntag x\n".to_owned(),
        ] {
            assert!(Tag::parse(text.as_bytes()).is_err(), "{text}");
        }
    }
}
