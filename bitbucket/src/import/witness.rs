//! Refs to ask about: those that a restriction is about, in each way in which its pattern can be met, and those just beside it.

use std::collections::BTreeSet;

use oam_policy::RefName;

use crate::{BranchModel, Matcher, MatcherKind};

/// What is asked about wherever.
pub(super) const ANYWHERE: [&str; 5] =
    ["refs/heads/main", "refs/heads/feature/x", "refs/tags/v1", "refs/tags/a/b", "refs/notes/commits"];
/// What stands before an end that a pattern matches.
const BEFORE: [&str; 3] = ["refs/heads/", "refs/heads/w/", "refs/tags/"];
/// Below these we forbid everything ourselves.
const OURS: [&str; 2] = ["refs/replace/", "refs/heads/oam-canary/"];

/// The refs to ask about for a matcher.
pub(super) fn names(matcher: &Matcher, model: Option<&BranchModel>) -> BTreeSet<RefName> {
    let mut all = BTreeSet::new();
    match (&matcher.kind, model) {
        (MatcherKind::Branch, _) => add_with_neighbours(&mut all, &matcher.id),
        (MatcherKind::Pattern, _) => {
            for end in ends(&matcher.id) {
                add(&mut all, &end);
                for before in BEFORE {
                    add(&mut all, &format!("{before}{end}"));
                }
                add(&mut all, &format!("refs/heads/{end}x"));
                add(&mut all, &format!("refs/heads/{end}/x"));
                add(&mut all, &format!("refs/heads/x{end}"));
            }
        }
        (MatcherKind::ModelBranch, Some(model)) => {
            let branches = model.development.iter().chain(&model.production);
            branches.for_each(|branch| add_with_neighbours(&mut all, branch));
        }
        (MatcherKind::ModelCategory, Some(model)) => {
            for prefix in model.prefixes.values() {
                for name in ["", "w", "w/v"] {
                    add(&mut all, &format!("refs/heads/{prefix}{name}"));
                    add(&mut all, &format!("refs/heads/w/{prefix}{name}"));
                }
                add(&mut all, &format!("refs/heads/{}", prefix.trim_end_matches('/')));
            }
        }
        (
            MatcherKind::AnyRef
            | MatcherKind::Other(_)
            | MatcherKind::ModelBranch
            | MatcherKind::ModelCategory,
            _,
        ) => {}
    }
    all
}

fn add_with_neighbours(all: &mut BTreeSet<RefName>, name: &str) {
    for one in [
        name.to_owned(),
        format!("{name}x"),
        format!("{name}/x"),
        format!("refs/heads/{name}"),
        format!("refs/{name}"),
    ] {
        add(all, &one);
    }
}

fn add(all: &mut BTreeSet<RefName>, name: &str) {
    if !OURS.iter().any(|ours| name.starts_with(ours)) {
        all.extend(RefName::parse(name.as_bytes()));
    }
}

/// Texts that a pattern matches: with each `**` none, one and two segments long in turn, and each `*` empty and not.
fn ends(pattern: &str) -> BTreeSet<String> {
    let mut segments: Vec<_> = pattern.split('/').filter(|segment| !segment.is_empty()).collect();
    if pattern.ends_with('/') {
        segments.push("**");
    }
    let mut all = BTreeSet::new();
    for rest in ["", "w", "w/v"] {
        for run in ["", "w", "w/v"] {
            let filled = segments.iter().map(|segment| match *segment {
                "**" => rest.to_owned(),
                segment => filled(segment, run),
            });
            let end: Vec<_> = filled.filter(|segment| !segment.is_empty()).collect();
            if !end.is_empty() {
                all.insert(end.join("/"));
            }
        }
    }
    all
}

fn filled(segment: &str, run: &str) -> String {
    let text = match run.contains('/') {
        // Only what is written twice might cross a `/`.
        true => segment.replace("**", run).replace('*', "w"),
        false => segment.replace('*', run),
    };
    text.replace('?', "w")
}

#[cfg(test)]
mod tests {
    use super::{ends, names};
    use crate::{Matcher, MatcherKind, model::Matches};

    #[test]
    fn some_are_met_and_some_are_not() {
        for pattern in ["release/", "*", "a*", "heads/**/main", "x?", "refs/heads/main", "a**b"] {
            let matcher = Matcher { kind: MatcherKind::Pattern, id: pattern.into(), shown: pattern.into() };
            let all: Vec<_> = names(&matcher, None).iter().map(ToString::to_string).collect();
            let met = all.iter().filter(|name| Matches::of(&matcher, None, name) == Matches::Yes).count();
            assert!(met > 0 && (met < all.len() || pattern == "*"), "{pattern}: {all:?}");
        }
        assert_eq!(ends("r/").into_iter().collect::<Vec<_>>(), ["r", "r/w", "r/w/v"]);
    }
}
