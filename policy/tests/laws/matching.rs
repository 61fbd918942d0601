//! The naive implementation's own matchers: of patterns, by trying everything, and of times, minute by minute.

/// Whether `text` is in the list: one pattern includes it and none excludes it.
pub(crate) fn any(patterns: &[&str], text: &str, user: &str) -> bool {
    let excluded = patterns.iter().filter_map(|pattern| pattern.strip_prefix('!'));
    let mut included = patterns.iter().filter(|pattern| !pattern.starts_with('!'));
    included.any(|pattern| one(pattern, text, user))
        && !excluded.into_iter().any(|pattern| one(pattern, text, user))
}

/// The same without regard to ASCII case, as repositories are compared.
pub(crate) fn any_in_any_case(patterns: &[&str], text: &str) -> bool {
    let lower: Vec<_> = patterns.iter().map(|pattern| pattern.to_ascii_lowercase()).collect();
    any(&lower.iter().map(String::as_str).collect::<Vec<_>>(), &text.to_ascii_lowercase(), "")
}

pub(crate) fn one(pattern: &str, text: &str, user: &str) -> bool {
    match pattern.strip_prefix("re:") {
        Some(expression) => regex(expression, text),
        None => alternatives(pattern).iter().any(|pattern| signs(&parse(pattern, user), text)),
    }
}

/// The few regular expressions that the worlds have, each written out.
fn regex(expression: &str, text: &str) -> bool {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    match expression {
        r"refs/heads/rel/\d+" => text.strip_prefix("refs/heads/rel/").is_some_and(digits),
        "refs/heads/main|refs/heads/rel/1" => ["refs/heads/main", "refs/heads/rel/1"].contains(&text),
        "refs/(heads|tags)/v?1" => {
            ["refs/heads/1", "refs/heads/v1", "refs/tags/1", "refs/tags/v1"].contains(&text)
        }
        "a/.*" => text.starts_with("a/"),
        r".*\.rs" => text.ends_with(".rs"),
        "deploy/.+|x" => text == "x" || text.strip_prefix("deploy/").is_some_and(|rest| !rest.is_empty()),
        r"[A-Z]+-\d+ .+" => {
            let Some((key, rest)) = text.split_once(' ') else { return false };
            let Some((project, number)) = key.split_once('-') else { return false };
            !project.is_empty()
                && project.bytes().all(|byte| byte.is_ascii_uppercase())
                && digits(number)
                && !rest.is_empty()
        }
        other => panic!("the oracle knows no `re:{other}`"),
    }
}

/// `a{b,c}d` is `abd` and `acd`; `${user}` has no alternatives.
fn alternatives(pattern: &str) -> Vec<String> {
    let open = pattern.char_indices().find(|(at, sign)| *sign == '{' && !pattern[..*at].ends_with('$'));
    let Some((open, _)) = open else { return vec![pattern.to_owned()] };
    let close = open + pattern[open..].find('}').unwrap();
    let (head, tail) = (&pattern[..open], &pattern[close + 1..]);
    let each = pattern[open + 1..close].split(',');
    each.flat_map(|middle| alternatives(&format!("{head}{middle}{tail}"))).collect()
}

#[derive(Clone)]
enum Sign {
    Just(char),
    /// `?`
    One,
    /// `*`
    Some,
    /// `**/`
    Segments,
    /// `**` at the end
    Rest,
}

fn parse(pattern: &str, user: &str) -> Vec<Sign> {
    let mut signs = Vec::new();
    let mut rest = pattern;
    while let Some(sign) = rest.chars().next() {
        let (length, made) = if rest.starts_with("${user}") {
            (7, user.chars().map(Sign::Just).collect())
        } else if rest.starts_with("**/") {
            (3, vec![Sign::Segments])
        } else if rest == "**" {
            (2, vec![Sign::Rest])
        } else if let Some(escaped) = rest.strip_prefix('\\') {
            let sign = escaped.chars().next().unwrap();
            (1 + sign.len_utf8(), vec![Sign::Just(sign)])
        } else {
            let made = match sign {
                '?' => Sign::One,
                '*' => Sign::Some,
                sign => Sign::Just(sign),
            };
            (sign.len_utf8(), vec![made])
        };
        signs.extend(made);
        rest = &rest[length..];
    }
    signs
}

fn signs(pattern: &[Sign], text: &str) -> bool {
    let Some((sign, rest)) = pattern.split_first() else { return text.is_empty() };
    let first = text.chars().next();
    let behind = |first: char| &text[first.len_utf8()..];
    match sign {
        Sign::Just(just) => first == Some(*just) && signs(rest, behind(*just)),
        Sign::One => first.is_some_and(|first| first != '/' && signs(rest, behind(first))),
        Sign::Some => {
            signs(rest, text) || first.is_some_and(|first| first != '/' && signs(pattern, behind(first)))
        }
        Sign::Segments => {
            signs(rest, text) || text.split_once('/').is_some_and(|(_, text)| signs(pattern, text))
        }
        Sign::Rest => !text.is_empty(),
    }
}

const WEEK: i64 = 7 * 1440;
/// 2026-10-25T00:00:00Z, a Sunday, in minutes of the week that begins on Monday.
const EPOCH_IN_WEEK: i64 = 6 * 1440;

/// Whether a weekly window is open `now`, in minutes since 2026-10-25T00:00:00Z. A window begins the first time that the
/// clock shows `from`, so it has begun when the clock has shown it by now; and it is over the last time that the clock
/// comes to `to`, so it is not over while the clock will yet come to it.
pub(crate) fn weekly((from, to, zone): (&str, &str, &str), now: i64) -> bool {
    let shown = (now - 240..=now).map(|minute| clock(zone, minute)).max().unwrap();
    let to_come = (now + 1..=now + 240).map(|minute| clock(zone, minute)).min().unwrap();
    let (from, to) = (minute_of_week(from), minute_of_week(to));
    (-2..=2).any(|week| {
        let begin = from + week * WEEK;
        let end = begin + (to - from).rem_euclid(WEEK);
        begin <= shown && to_come <= end
    })
}

/// What the clock of `zone` shows, in minutes since a Monday.
fn clock(zone: &str, minute: i64) -> i64 {
    let ahead = match zone {
        "UTC" => 0,
        "Asia/Kolkata" => 330,
        // Summer time ends at 01:00 UTC.
        "Europe/Berlin" => {
            if minute < 60 {
                120
            } else {
                60
            }
        }
        other => panic!("the oracle has no clock in {other}"),
    };
    EPOCH_IN_WEEK + minute + ahead
}

fn minute_of_week(text: &str) -> i64 {
    let (day, time) = text.split_once(' ').unwrap();
    let (hour, minute) = time.split_once(':').unwrap();
    let day =
        ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"].iter().position(|known| *known == day).unwrap();
    i64::try_from(day).unwrap() * 1440 + hour.parse::<i64>().unwrap() * 60 + minute.parse::<i64>().unwrap()
}
