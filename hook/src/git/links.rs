//! What leads from one object to others: a commit's parents, a tag's target.

use oam_policy::ObjectId;

/// What a walk needs of a commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Links {
    /// Its parents, the first one first.
    pub parents: Vec<ObjectId>,
    /// Seconds since 1970; 0 where the commit has no proper date. It only orders a walk.
    pub committed: i64,
}

/// `tree …`, `parent …` any number of times, `author …`, `committer … <seconds> <zone>`. As for git, a parent is one
/// only directly behind the tree or another parent: else a commit could claim, to us alone, to descend from anything.
pub(super) fn parse(data: &[u8]) -> Option<Links> {
    let mut lines = data.split(|byte| *byte == b'\n');
    lines.next()?.strip_prefix(b"tree ")?;
    let mut links = Links { parents: Vec::new(), committed: 0 };
    let mut among_parents = true;
    for line in lines.take_while(|line| !line.is_empty()) {
        let parent = line.strip_prefix(b"parent ").filter(|_| among_parents);
        among_parents = parent.is_some();
        if let Some(parent) = parent {
            links.parents.push(ObjectId::parse_hex(parent).ok()?);
        } else if let Some(committer) = line.strip_prefix(b"committer ") {
            links.committed = date(committer).unwrap_or(0);
            break;
        }
    }
    Some(links)
}

fn date(committer: &[u8]) -> Option<i64> {
    let after = committer.rsplit(|byte| *byte == b'>').next()?.trim_ascii();
    let seconds = after.split(|byte| *byte == b' ').next()?;
    std::str::from_utf8(seconds).ok()?.parse().ok()
}

/// `object …` is a tag's first line.
pub(super) fn tagged(data: &[u8]) -> Option<ObjectId> {
    let id = data.split(|byte| *byte == b'\n').next()?.strip_prefix(b"object ")?;
    ObjectId::parse_hex(id).ok()
}

#[cfg(test)]
mod tests {
    use oam_policy::ObjectId;

    use super::{Links, parse, tagged};

    #[test]
    fn raw_commits() {
        let one = "1".repeat(40);
        let two = "2".repeat(40);
        let text = format!(
            "tree {one}\nparent {one}\nparent {two}\nauthor a <a> 5 +0000\ncommitter c > <c> 7 +0000\n\nparent {one}\n"
        );
        let parents = [&one, &two].map(|hex| ObjectId::parse_hex(hex.as_bytes()).unwrap()).to_vec();
        assert_eq!(parse(text.as_bytes()), Some(Links { parents: parents.clone(), committed: 7 }));
        // git takes a parent for one only directly behind the tree.
        let late = format!("tree {one}\nauthor a <a> 5 +0000\nparent {one}\ncommitter c <c> 7 +0000\n\n");
        assert_eq!(parse(late.as_bytes()), Some(Links { parents: vec![], committed: 7 }));
        assert_eq!(parse(b"blob"), None);
        assert_eq!(parse(b"tree x\nparent zz\n"), None);
        assert_eq!(tagged(format!("object {one}\ntype commit\n").as_bytes()), Some(parents[0]));
        assert_eq!(tagged(b"type commit\n"), None);
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_crash_the_parsers(bytes: Vec<u8>) {
            let _ = (parse(&bytes), tagged(&bytes));
            let _ = parse(&[b"tree x\n", &bytes[..]].concat());
        }
    }
}
