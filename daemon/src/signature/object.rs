use jiff::Timestamp;

/// A commit or a tag object without its signature: what was signed.
#[derive(Debug)]
pub(super) struct Object<'a> {
    pub(super) payload: &'a [u8],
    /// The e-mail of the committer or the tagger, if it is text.
    pub(super) maker: Option<&'a str>,
    /// When they say that they made it.
    pub(super) made: Option<Timestamp>,
}

impl<'a> Object<'a> {
    pub(super) fn read(payload: &'a [u8]) -> Self {
        let mut headers = payload.split(|byte| *byte == b'\n').take_while(|line| !line.is_empty());
        let maker = headers
            .find_map(|line| line.strip_prefix(b"committer ").or_else(|| line.strip_prefix(b"tagger ")))
            .and_then(|line| std::str::from_utf8(line).ok());
        Self {
            payload,
            maker: maker.and_then(|line| Some(line.split_once('<')?.1.split_once('>')?.0)),
            made: maker.and_then(moment),
        }
    }
}

/// Of `Ann <ann@example.com> 1767225600 +0100`, the seconds.
fn moment(line: &str) -> Option<Timestamp> {
    let (_, time) = line.rsplit_once('>')?;
    Timestamp::from_second(time.split_ascii_whitespace().next()?.parse().ok()?).ok()
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::Object;

    #[test]
    fn who_made_it_and_when() {
        for (payload, maker, made) in [
            (
                "tree 1\nauthor A <a@x> 1 +0000\ncommitter B C <b@x> 1767225600 +0100\n\ncommitter <c@x> 2 +0000",
                Some("b@x"),
                Some(1_767_225_600),
            ),
            ("object 1\ntype commit\ntag v1\ntagger A <a@x> 7 +0000\n\n", Some("a@x"), Some(7)),
            ("committer A <> 7 +0000\n", Some(""), Some(7)),
            ("committer A <a@x> soon +0000\n", Some("a@x"), None),
            ("committer A a@x 7\n", None, None),
            ("tree 1\n\ncommitter A <a@x> 7 +0000\n", None, None),
            ("", None, None),
        ] {
            let object = Object::read(payload.as_bytes());
            assert_eq!(object.maker, maker, "{payload}");
            assert_eq!(object.made.map(Timestamp::as_second), made, "{payload}");
        }
    }

    proptest::proptest! {
        #[test]
        fn nothing_panics(payload: Vec<u8>, line in "(committer|tagger) .{0,40}\n") {
            let _ = (Object::read(&payload), Object::read(line.as_bytes()));
        }
    }
}
