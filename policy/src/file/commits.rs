use super::{
    grammar,
    list::{self, Room},
    reader::{Report, TableReader},
    tree::{Node, Spanned},
};
use crate::{
    printable::Printable,
    rule::{CommitChecks, MessagePattern, TagChecks},
};

/// The most that `max_commits` can be: what a hook can tell of at all.
pub(super) const MAX_COMMITS: u32 = 1_000_000;

/// Reads `commits = { … }`.
pub(super) fn read<'a>(
    node: Spanned<Node<'a>>,
    room: &Room,
    report: &mut Report<'_, 'a>,
) -> Option<CommitChecks> {
    let mut table = report.table("`commits`", node)?;
    let span = table.span.clone();
    let is_empty = table.is_empty();
    let mut is_set = |key: &str, table: &mut TableReader<'a>| {
        table.take(key).and_then(|node| report.boolean(key, &node)).unwrap_or_default()
    };
    let committer_is_pusher = is_set("committer_is_pusher", &mut table);
    let author_known = is_set("author_known", &mut table);
    let signed = is_set("signed", &mut table);
    let sign_off = is_set("sign_off", &mut table);
    let linear = is_set("linear", &mut table);
    let no_foreign_merges = is_set("no_foreign_merges", &mut table);
    let message = table.take("message").and_then(|node| message(node, room, report));
    let max_blob = table.take("max_blob").and_then(|node| size("max_blob", node, report));
    let forbid_paths = list::paths("forbid_paths", &mut table, room, report);
    let forbid_extensions = table.take("forbid_extensions");
    let forbid_extensions =
        forbid_extensions.and_then(|node| report.parsed("forbid_extensions", node, extension));
    let max_commits = table.take("max_commits");
    let max_commits =
        max_commits.and_then(|node| report.whole_number("max_commits", &node, 1..=MAX_COMMITS.into()));
    table.finish_as(&grammar::COMMITS, report);
    if is_empty {
        let help = "add what commits must be like, as in `signed = true`, or take it out";
        report.add(span, "`commits` asks for nothing", Some(help.into()));
    }
    Some(CommitChecks {
        committer_is_pusher,
        author_known,
        signed,
        message,
        sign_off,
        max_blob,
        forbid_paths,
        forbid_extensions: list::set(forbid_extensions.unwrap_or_default()),
        linear,
        no_foreign_merges,
        max_commits,
    })
}

/// Reads `tags = { … }`.
pub(super) fn read_tags<'a>(node: Spanned<Node<'a>>, report: &mut Report<'_, 'a>) -> Option<TagChecks> {
    let mut table = report.table("`tags`", node)?;
    let span = table.span.clone();
    let is_empty = table.is_empty();
    let mut is_set = |key: &str, table: &mut TableReader<'a>| {
        table.take(key).and_then(|node| report.boolean(key, &node)).unwrap_or_default()
    };
    let checks =
        TagChecks { annotated: is_set("annotated", &mut table), signed: is_set("signed", &mut table) };
    table.finish_as(&grammar::TAGS, report);
    if is_empty {
        let help = "add what tags must be like, as in `annotated = true`, or take it out";
        report.add(span, "`tags` asks for nothing", Some(help.into()));
    }
    Some(checks)
}

fn message<'a>(node: Spanned<Node<'a>>, room: &Room, report: &mut Report<'_, 'a>) -> Option<MessagePattern> {
    let text = report.text("message", node)?;
    let parse = |text: &str| {
        MessagePattern::parse(text)
            .map_err(|error| format!("the pattern `{}`: {error}", Printable::new(text)))
    };
    let pattern = report.parse(text, parse)?.value;
    room.take(pattern.weight());
    Some(pattern)
}

/// `jar`, not `.jar`.
fn extension(text: &str) -> Result<String, String> {
    match text.strip_prefix('.') {
        Some(rest) => Err(format!("an extension is what stands behind the dot: `{}`", Printable::new(rest))),
        None if text.contains(['/', '*', '.']) || text.is_empty() => Err(format!(
            "`{}` is no extension: write it as in `jar`; for anything else there is `forbid_paths`",
            Printable::new(text)
        )),
        None => Ok(text.to_ascii_lowercase()),
    }
}

/// A size in bytes: `"5MiB"`, `"300KiB"`.
pub(super) fn size<'a>(key: &str, node: Spanned<Node<'a>>, report: &mut Report<'_, 'a>) -> Option<u64> {
    if let Node::Number(number) = &node.value {
        let help = format!("say of what: {}", report.pair(key, &format!("\"{number}MiB\"")));
        report.add(node.span, format!("`{key}` is a size, not a number"), Some(help));
        return None;
    }
    let text = report.text(key, node)?;
    let parse = |text: &str| {
        parse_size(text).ok_or_else(|| {
            format!("`{}` is no size: write it as in `5MiB`, `300KiB` or `0B`", Printable::new(text))
        })
    };
    report.parse(text, parse).map(|size| size.value)
}

fn parse_size(text: &str) -> Option<u64> {
    const UNITS: [(&str, u64); 4] = [("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10), ("B", 1)];
    let (number, unit) = UNITS.into_iter().find_map(|(name, unit)| Some((text.strip_suffix(name)?, unit)))?;
    let digits = number.trim_end();
    let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| digits.parse::<u64>().ok()?.checked_mul(unit)).flatten()
}

#[cfg(test)]
mod tests {
    use super::{extension, parse_size};

    #[test]
    fn sizes_have_a_unit() {
        for (text, size) in [
            ("5MiB", Some(5 << 20)),
            ("300 KiB", Some(300 << 10)),
            ("0B", Some(0)),
            ("2GiB", Some(2 << 30)),
            ("5", None),
            ("5MB", None),
            ("MiB", None),
            ("-1B", None),
            ("1.5MiB", None),
            ("99999999999999999999B", None),
            ("17179869184GiB", None),
        ] {
            assert_eq!(parse_size(text), size, "{text}");
        }
    }

    #[test]
    fn extensions_are_without_their_dot() {
        assert_eq!(extension("JAR"), Ok("jar".to_owned()));
        for wrong in [".jar", "*.jar", "tar.gz", "a/b", ""] {
            assert!(extension(wrong).is_err(), "{wrong}");
        }
    }
}
