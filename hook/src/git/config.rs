//! The one setting of a repository's configuration that matters to reading it.

use std::{fs::File, io::Read as _, path::Path};

/// How much of the configuration is read, in bytes.
const MAX_FILE: u64 = 1 << 20;

/// Whether `core.commitGraph` leaves the commit-graph to be used. Files that are included are not looked at.
pub(super) fn commit_graph(git_dir: &Path) -> bool {
    let mut text = Vec::new();
    let read = File::open(git_dir.join("config")).and_then(|file| file.take(MAX_FILE).read_to_end(&mut text));
    // What cannot be read cannot say that the graph is good.
    read.is_ok() && allows_commit_graph(&text)
}

fn allows_commit_graph(text: &[u8]) -> bool {
    let mut in_core = false;
    let mut allowed = true;
    for line in text.split(|byte| *byte == b'\n') {
        let mut line = line.trim_ascii();
        if let Some(section) = line.strip_prefix(b"[") {
            let end = section.iter().position(|byte| *byte == b']').unwrap_or(section.len());
            let (name, rest) = section.split_at(end);
            in_core = name.trim_ascii().eq_ignore_ascii_case(b"core");
            line = rest.get(1..).unwrap_or_default().trim_ascii();
        }
        let mut halves = line.splitn(2, |byte| *byte == b'=');
        let key = halves.next().unwrap_or_default().trim_ascii();
        if in_core && key.eq_ignore_ascii_case(b"commitgraph") {
            // Without a value it is true. What is no plain yes is a no: a walk without the graph is never wrong.
            allowed = halves.next().is_none_or(is_yes);
        }
    }
    allowed
}

fn is_yes(value: &[u8]) -> bool {
    let end = value.iter().position(|byte| matches!(byte, b'#' | b';')).unwrap_or(value.len());
    let value = value.get(..end).unwrap_or_default().trim_ascii();
    [&b"true"[..], b"yes", b"on", b"1"].iter().any(|yes| value.eq_ignore_ascii_case(yes))
}

#[cfg(test)]
mod tests {
    use super::allows_commit_graph;

    #[test]
    fn whether_the_commit_graph_may_be_used() {
        for (text, allowed) in [
            ("", true),
            ("[core]\n\tbare = true\n", true),
            ("[core]\n\tcommitGraph = false\n", false),
            ("[CORE] COMMITGRAPH=no ; broken\n", false),
            ("[core]\ncommitGraph\n", true),
            ("[core]\ncommitGraph =\n", false),
            ("[core]\ncommitGraph = on # as always\n", true),
            ("[core]\ncommitGraph = false\ncommitGraph = true\n", true),
            ("[core \"x\"]\ncommitGraph = false\n[other]\ncommitgraph = false\n", true),
            ("[core]\n# commitGraph = false\n", true),
            ("[core]\ncommitGraph = \"what\n", false),
        ] {
            assert_eq!(allows_commit_graph(text.as_bytes()), allowed, "{text}");
        }
    }
}
