//! Our patterns as Cedar conditions, exactly, or not at all.
//!
//! `like` knows one sign, `*`, for any text, `/` included. With it can be said:
//!
//! | ours | Cedar's |
//! |---|---|
//! | `a/b` | `== "a/b"` |
//! | `a/**` | `like "a/*"`: nothing empty comes after a `/` in a name that git or Bitbucket accepts |
//! | `a/**/b` | `== "a/b" \|\| like "a/*/b"` |
//! | `a*b` | `like "a*b" && !(like "a*/*b")` |
//! | `a/${user}/**` | `like "a/*/*"`, and the segment in its place is the name |
//! | `{a,b}` | one condition for each |
//!
//! What cannot: `?` (nothing counts), two `*` (`like "*/*"` cannot tell which of them the `/` came from), `re:`.

use crate::model::folded;

/// Whether at least one of the conditions holds.
pub(super) fn any_of(conditions: impl Iterator<Item = String>) -> String {
    let conditions: Vec<_> = conditions.collect();
    if conditions.is_empty() { "false".into() } else { format!("({})", conditions.join(" || ")) }
}

/// A list of patterns over `context.ref`.
pub(super) fn refs(patterns: &[String]) -> String {
    list(patterns, |pattern| glob("context.ref", pattern))
}

/// A list of patterns over repositories, where the scope cannot say it.
pub(super) fn repositories(patterns: &[String]) -> String {
    let patterns: Vec<_> = patterns.iter().map(|pattern| folded(pattern)).collect();
    list(&patterns, |pattern| repository_scope(pattern).unwrap_or_else(|| glob("resource.key", pattern)))
}

/// The resource scope that says what a list over repositories says, if there is one.
pub(super) fn scope(patterns: &[String]) -> Option<String> {
    match patterns {
        [all] if all == "**" => Some("resource".into()),
        [pattern] if !pattern.starts_with('!') => repository_scope(&folded(pattern)),
        _ => None,
    }
}

fn repository_scope(pattern: &str) -> Option<String> {
    let plain = |text: &str| !text.contains(['*', '?', '{', '!']);
    match pattern.split_once('/') {
        Some((project, "*" | "**")) if plain(project) => Some(format!("resource in Project::{project:?}")),
        Some((project, slug)) if plain(project) && plain(slug) => {
            Some(format!("resource == Repository::{pattern:?}"))
        }
        _ => None,
    }
}

/// What some pattern of the list matches and no excluding one does.
fn list(patterns: &[String], condition: impl Fn(&str) -> String) -> String {
    let each = |pattern: &str| any_of(alternatives(pattern).iter().map(|one| condition(one)));
    let include = any_of(patterns.iter().filter(|one| !one.starts_with('!')).map(|one| each(one)));
    let exclude = any_of(patterns.iter().filter_map(|one| one.strip_prefix('!')).map(each));
    if exclude == "false" { include } else { format!("({include} && !{exclude})") }
}

/// The patterns that one with braces stands for.
fn alternatives(pattern: &str) -> Vec<String> {
    let Some((before, rest)) = pattern.replace("${user}", USER).split_once('{').map(own) else {
        return vec![pattern.replace("${user}", USER)];
    };
    let (choices, after) = rest.split_once('}').expect("braces are balanced");
    choices.split(',').flat_map(|choice| alternatives(&format!("{before}{choice}{after}"))).collect()
}

/// Stands for `${user}` once braces are being looked for; no pattern of a test holds it.
const USER: &str = "\u{1}";

fn own((before, after): (&str, &str)) -> (String, String) {
    (before.into(), after.into())
}

fn glob(text: &str, pattern: &str) -> String {
    if let Some((before, after)) = pattern.split_once(USER) {
        assert!(before.ends_with('/') && after == "/**", "`${{user}}` is one segment of those before `/**`");
        let place = before.matches('/').count();
        return format!(
            "({text} like {:?} && principal has name && context.segments has s{place} && \
             context.segments.s{place} == principal.name)",
            format!("{before}*/*"),
        );
    }
    if pattern == "**" {
        return "true".into();
    }
    if let Some(folder) = pattern.strip_suffix("/**") {
        return format!("{text} like {:?}", format!("{}/*", literal(folder)));
    }
    if let Some((before, after)) = pattern.split_once("/**/") {
        let (before, after) = (literal(before), literal(after));
        let (none, some) = (format!("{before}/{after}"), format!("{before}/*/{after}"));
        return format!("({text} == {none:?} || {text} like {some:?})");
    }
    if let Some((before, after)) = pattern.split_once('*') {
        let (before, after) = (literal(before), literal(after));
        let (run, segments) = (format!("{before}*{after}"), format!("{before}*/*{after}"));
        return format!("({text} like {run:?} && !({text} like {segments:?}))");
    }
    format!("{text} == {:?}", literal(pattern))
}

/// Text without signs: a translation that would say something else must not be made.
fn literal(text: &str) -> &str {
    assert!(!text.contains(['*', '?', '{', '}', '\\', '!', '"']), "Cedar cannot say `{text}` exactly");
    text
}
