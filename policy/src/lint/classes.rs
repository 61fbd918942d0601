//! What to say of `[…]`, a sign of other systems' patterns and none of globs.

/// Signs of a glob, and what says the same in a regular expression.
const SIGNS: [(&str, &str); 4] = [("**/", "(.*/)?"), ("**", ".+"), ("*", "[^/]*"), (".", "[.]")];

/// What to do about the `[` of a glob, if it has one; `sign` stands before the pattern: `!`, or nothing.
pub(super) fn help(sign: &str, pattern: &str) -> Option<String> {
    if pattern.starts_with("re:") || !pattern.contains('[') {
        return None;
    }
    Some(match expression(pattern) {
        Some(expression) => format!("a glob has no classes: write `{sign}re:{expression}`"),
        None => "a glob has no classes such as `[0-9]`: a pattern that begins with `re:` has".to_owned(),
    })
}

/// The regular expression that matches what the glob would, had it classes; `None` where that is not plain. It holds no
/// `\`, so that it can stand in any string of TOML.
fn expression(glob: &str) -> Option<String> {
    let mut expression = String::new();
    let mut rest = glob;
    while !rest.is_empty() {
        let sign = SIGNS.iter().find_map(|(sign, says)| Some((*says, rest.strip_prefix(*sign)?)));
        rest = if let Some((says, after)) = sign {
            expression.push_str(says);
            after
        } else if let Some(after) = rest.strip_prefix('[') {
            let (members, after) = after.split_once(']')?;
            if !is_plain(members) {
                return None;
            }
            expression += &format!("[{members}]");
            after
        } else {
            let itself = rest.chars().next().filter(|character| is_itself(*character))?;
            expression.push(itself);
            rest.strip_prefix(itself)?
        };
    }
    Some(expression)
}

/// Whether a character says the same in a glob and in a regular expression. A `?` does not, nor do the signs by which
/// it shows that a regular expression was meant.
fn is_itself(character: char) -> bool {
    character.is_ascii_alphanumeric() || "-_/~".contains(character)
}

/// Whether these are single characters and ranges, and nothing that one engine or another knows beside them.
fn is_plain(members: &str) -> bool {
    let kinds: [fn(&u8) -> bool; 3] = [u8::is_ascii_digit, u8::is_ascii_lowercase, u8::is_ascii_uppercase];
    let is_range = |from: &u8, to: &u8| from <= to && kinds.iter().any(|is| is(from) && is(to));
    let mut rest = members.as_bytes();
    loop {
        rest = match rest {
            [from, b'-', to, more @ ..] if is_range(from, to) => more,
            [one, more @ ..] if one.is_ascii_alphanumeric() || *one == b'_' => more,
            [] => return !members.is_empty(),
            _ => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{expression, help};

    #[test]
    fn what_is_plain_is_translated() {
        for (glob, meant) in [
            ("refs/heads/release/[0-9]*", Some("refs/heads/release/[0-9][^/]*")),
            ("refs/heads/[a-cX_]/**", Some("refs/heads/[a-cX_]/.+")),
            ("refs/**/v[0-9].[0-9]", Some("refs/(.*/)?v[0-9][.][0-9]")),
            ("~alice/[ab]*", Some("~alice/[ab][^/]*")),
            ("refs/heads/[0-9]+", None),
            ("refs/heads/[0-9]?", None),
            ("refs/heads/{a,[b]}", None),
            ("refs/heads/u/${user}/[0-9]", None),
            ("refs/heads/\\[a]", None),
            ("refs/heads/[!a]", None),
            ("refs/heads/[z-a]", None),
            ("refs/heads/[0-z]", None),
            ("refs/heads/[[:digit:]]", None),
            ("refs/heads/[]", None),
            ("refs/heads/[a", None),
        ] {
            assert_eq!(expression(glob).as_deref(), meant, "{glob}");
            assert!(help("", glob).is_some(), "{glob}");
        }
        assert_eq!(help("!", "refs/heads/[a]").unwrap(), "a glob has no classes: write `!re:refs/heads/[a]`");
        assert_eq!(help("", "refs/heads/a"), None);
        assert_eq!(help("", "re:refs/heads/[a]"), None);
    }

    #[cfg(feature = "regex")]
    #[test]
    fn a_translation_matches_what_was_meant() {
        use crate::{name::RefName, rule::RefSet};

        let set = |glob: &str| {
            let source = format!("re:{}", expression(glob).unwrap());
            RefSet::new([RefSet::parse_one(&source).unwrap()]).unwrap()
        };
        for (glob, yes, no) in [
            ("refs/heads/release/[0-9]*", "refs/heads/release/1.x", "refs/heads/release/1/x"),
            ("refs/**/[ab]", "refs/heads/x/a", "refs/heads/xa"),
            ("refs/heads/[ab]/**", "refs/heads/a/x/y", "refs/heads/a"),
            ("refs/tags/v[0-9].*", "refs/tags/v1.0", "refs/tags/v10"),
        ] {
            let matches = |name: &str| set(glob).matches(&RefName::parse(name.as_bytes()).unwrap(), "");
            assert!(matches(yes) && !matches(no), "{glob}");
        }
    }
}
