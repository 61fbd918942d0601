//! Our patterns as Bitbucket's matchers, where these match no more.

use oam_policy::glob::Glob;

use crate::{Matcher, MatcherKind};

/// Bitbucket's id of the matcher of everything.
const EVERYTHING: &str = "ANY_REF_MATCHER_ID";

/// The matcher for one of our patterns.
///
/// # Errors
/// Why there is none.
pub(super) fn matcher(pattern: &str, patterns: bool) -> Result<Matcher, &'static str> {
    if pattern.starts_with("re:") || pattern.contains(['{', '}', '\\', '$']) {
        return Err("has a pattern that Bitbucket's patterns cannot say");
    }
    if pattern == "refs/**" {
        return Ok(of(MatcherKind::AnyRef, EVERYTHING));
    }
    if !pattern.contains(['*', '?']) && pattern.starts_with("refs/heads/") {
        return Ok(of(MatcherKind::Branch, pattern));
    }
    // `**` at the end is at least one segment here, and perhaps none there.
    let exact = match pattern.strip_suffix("/**") {
        Some(start) => format!("{start}/**/*"),
        None => pattern.to_owned(),
    };
    // Any end of a name is what Bitbucket looks at anyway.
    match exact.strip_prefix("refs/**/") {
        Some(end) if may_be_whole(end) => Err("has a pattern that would meet whole names in Bitbucket, too"),
        Some(end) if !end.starts_with("**") => Ok(of(MatcherKind::Pattern, end)),
        _ if patterns => Ok(of(MatcherKind::Pattern, &exact)),
        _ => Err("has a pattern that would meet names in Bitbucket that hold it once more: see `patterns`"),
    }
}

/// Whether an end of a name might be all of it.
fn may_be_whole(end: &str) -> bool {
    let first = end.split_once('/').map(|(first, _)| first);
    first.is_some_and(|first| Glob::parse(first).is_ok_and(|glob| glob.matches(b"refs", "")))
}

fn of(kind: MatcherKind, id: &str) -> Matcher {
    Matcher { kind, id: id.to_owned(), shown: id.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::matcher;

    fn is(pattern: &str, patterns: bool) -> Option<String> {
        matcher(pattern, patterns).ok().map(|one| format!("{} {}", one.kind.as_str(), one.id))
    }

    #[test]
    fn names_are_said_and_patterns_where_they_may_be() {
        assert_eq!(is("refs/heads/main", false).unwrap(), "BRANCH refs/heads/main");
        assert_eq!(is("refs/**", false).unwrap(), "ANY_REF ANY_REF_MATCHER_ID");
        assert_eq!(is("refs/**/release/**", false).unwrap(), "PATTERN release/**/*");
        assert_eq!(is("refs/**/x*", false).unwrap(), "PATTERN x*");
        for pattern in ["refs/heads/release/*", "refs/tags/v1", "refs/tags/**"] {
            assert_eq!(is(pattern, false), None, "{pattern}");
            assert!(is(pattern, true).is_some(), "{pattern}");
        }
        assert_eq!(is("refs/tags/**", true).unwrap(), "PATTERN refs/tags/**/*");
        for pattern in [
            "re:refs/heads/x",
            "refs/heads/{a,b}",
            "refs/heads/u/${user}/*",
            "refs/heads/a\\*",
            "refs/**/refs/x",
            "refs/**/*/x",
            "refs/**/**/x",
        ] {
            assert_eq!(is(pattern, true), None, "{pattern}");
        }
    }
}
