//! Bitbucket's patterns: like Ant's, and matched against any end of a ref's full name that begins after a `/`.

use crate::{BranchModel, Matcher, MatcherKind};

use super::Doubt;

/// Whether a matcher matches a ref.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Matches {
    /// It does.
    Yes,
    /// It does not.
    No,
    /// Nobody can tell.
    Unclear(Doubt),
}

/// How what is unclear is read.
#[derive(Debug, Clone, Copy)]
struct Reading {
    /// `x/**` matches `x`.
    rest_may_be_empty: bool,
    /// `a**b` matches `a/b`.
    runs_cross_segments: bool,
}

impl Matches {
    /// Whether `matcher` matches the ref, in a repository with this branching model.
    pub fn of(matcher: &Matcher, model: Option<&BranchModel>, name: &str) -> Self {
        let sure = |matches| if matches { Self::Yes } else { Self::No };
        match &matcher.kind {
            MatcherKind::AnyRef => Self::Yes,
            MatcherKind::Branch => sure(name == full(&matcher.id)),
            MatcherKind::Pattern => Self::of_pattern(&matcher.id, name),
            MatcherKind::ModelBranch | MatcherKind::ModelCategory => match model {
                None => Self::Unclear(Doubt::NoModel),
                Some(model) => sure(in_model(matcher, model, name)),
            },
            MatcherKind::Other(_) => Self::Unclear(Doubt::UnknownKind),
        }
    }

    fn of_pattern(pattern: &str, name: &str) -> Self {
        let mut found = [false; 2];
        for rest_may_be_empty in [false, true] {
            for runs_cross_segments in [false, true] {
                let reading = Reading { rest_may_be_empty, runs_cross_segments };
                let [no, yes] = &mut found;
                *(if ends_with(pattern, name, reading) { yes } else { no }) = true;
            }
        }
        match found {
            [true, true] => Self::Unclear(Doubt::Pattern),
            [_, yes] if yes => Self::Yes,
            _ => Self::No,
        }
    }
}

/// A branch is named in full; where it is not, it is a branch all the same.
fn full(id: &str) -> String {
    if id.starts_with("refs/") { id.to_owned() } else { format!("refs/heads/{id}") }
}

fn in_model(matcher: &Matcher, model: &BranchModel, name: &str) -> bool {
    if matcher.kind == MatcherKind::ModelCategory {
        let prefix = model.prefixes.get(&matcher.id);
        let rest = prefix.zip(name.strip_prefix("refs/heads/"));
        return rest
            .is_some_and(|(prefix, branch)| branch.len() > prefix.len() && branch.starts_with(prefix));
    }
    let branch = match matcher.id.as_str() {
        "development" => &model.development,
        "production" => &model.production,
        _ => &None,
    };
    branch.as_deref() == Some(name)
}

/// Whether the pattern matches an end of the name.
fn ends_with(pattern: &str, name: &str, reading: Reading) -> bool {
    let pattern = match pattern.strip_suffix('/') {
        Some(folder) => format!("{folder}/**"),
        None => pattern.to_owned(),
    };
    let wanted: Vec<_> = pattern.split('/').filter(|part| !part.is_empty()).collect();
    let parts: Vec<_> = name.split('/').collect();
    !wanted.is_empty()
        && (0..parts.len()).any(|from| parts.get(from..).is_some_and(|end| segments(&wanted, end, reading)))
}

/// Whether the segments match one by one. `reached` holds how many parts of the name are matched, by what is gone through of
/// the pattern.
fn segments(wanted: &[&str], parts: &[&str], reading: Reading) -> bool {
    let mut reached = vec![false; parts.len() + 1];
    if let Some(first) = reached.first_mut() {
        *first = true;
    }
    for (place, segment) in wanted.iter().enumerate() {
        let last = place + 1 == wanted.len();
        reached = match *segment {
            "**" => {
                let least = usize::from(last && !reading.rest_may_be_empty);
                let first = reached.iter().position(|is| *is);
                (0..=parts.len()).map(|to| first.is_some_and(|from| to >= from + least)).collect()
            }
            segment => step(segment, &reached, parts, reading),
        };
    }
    reached.last() == Some(&true)
}

fn step(segment: &str, reached: &[bool], parts: &[&str], reading: Reading) -> Vec<bool> {
    let crosses = reading.runs_cross_segments && segment.contains("**");
    let one = |from: usize, to: usize| {
        let joined = parts.get(from..to).unwrap_or_default().join("/");
        characters(segment, &joined, crosses)
    };
    (0..=parts.len())
        .map(|to| {
            let least = if crosses { 0 } else { to.saturating_sub(1) };
            (least..to).any(|from| reached.get(from) == Some(&true) && one(from, to))
        })
        .collect()
}

/// Whether the characters of a segment match.
fn characters(segment: &str, text: &str, crosses: bool) -> bool {
    let text: Vec<char> = text.chars().collect();
    let mut reached = vec![false; text.len() + 1];
    if let Some(first) = reached.first_mut() {
        *first = true;
    }
    let mut signs = segment.chars().peekable();
    while let Some(sign) = signs.next() {
        let mut next = vec![false; text.len() + 1];
        if sign == '*' {
            let double = signs.next_if_eq(&'*').is_some();
            let mut open = false;
            for (to, is) in next.iter_mut().enumerate() {
                // A `/` ends what a single `*` has begun.
                let passes = to.checked_sub(1).and_then(|before| text.get(before)) != Some(&'/')
                    || (double && crosses);
                open = (open && passes) || reached.get(to) == Some(&true);
                *is = open;
            }
        } else {
            for (from, character) in text.iter().enumerate() {
                let matches = if sign == '?' { *character != '/' } else { sign == *character };
                if let Some(is) = next.get_mut(from + 1) {
                    *is = matches && reached.get(from) == Some(&true);
                }
            }
        }
        reached = next;
    }
    reached.last() == Some(&true)
}

#[cfg(test)]
mod tests {
    use super::{Doubt, Matches};

    fn is(pattern: &str, name: &str) -> Matches {
        Matches::of_pattern(pattern, name)
    }

    /// What Bitbucket's page about patterns gives as examples, and what lies beside them.
    #[test]
    fn patterns_match_as_the_documentation_says() {
        let yes = [
            ("*", "refs/heads/main"),
            ("*", "refs/tags/a/b/c"),
            ("PROJECT-*", "refs/heads/PROJECT-1234"),
            ("PROJECT-*", "refs/heads/stable/PROJECT-new"),
            ("PROJECT-*", "refs/tags/PROJECT-1.1"),
            ("?.?", "refs/heads/1.1"),
            ("?.?", "refs/tags/stable/2.X"),
            ("tags/", "refs/heads/stable/tags/some_branch"),
            ("tags/**", "refs/tags/project-1.1.0"),
            ("heads/**/master", "refs/heads/master"),
            ("heads/**/master", "refs/heads/stable/master"),
            ("refs/heads/main", "refs/heads/main"),
            ("refs/heads/main", "refs/heads/refs/heads/main"),
            ("*/heads/main", "refs/heads/main"),
            ("**", "refs/notes/x"),
            ("**/main", "refs/heads/main"),
            ("a*/**/b", "refs/heads/ax/b"),
            ("r**e", "refs/heads/release"),
        ];
        for (pattern, name) in yes {
            assert_eq!(is(pattern, name), Matches::Yes, "{pattern} {name}");
        }
        let no = [
            ("PROJECT-*", "refs/heads/PROJECT-1/x"),
            ("PROJECT-*", "refs/heads/MYPROJECT-1"),
            ("?.?", "refs/heads/1.10"),
            ("tags/", "refs/heads/mytags/x"),
            ("heads/**/master", "refs/heads/masterpiece"),
            ("main", "refs/heads/main/x"),
            ("main", "refs/heads/MAIN"),
            ("", "refs/heads/main"),
            ("?", "refs/heads/main"),
        ];
        for (pattern, name) in no {
            assert_eq!(is(pattern, name), Matches::No, "{pattern} {name}");
        }
        for (pattern, name) in
            [("release/", "refs/heads/release"), ("r**e", "refs/heads/r/e"), ("h**n", "refs/heads/main")]
        {
            assert_eq!(is(pattern, name), Matches::Unclear(Doubt::Pattern), "{pattern} {name}");
        }
    }
}
