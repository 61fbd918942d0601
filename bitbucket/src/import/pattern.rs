//! Which refs a restriction is about, in the language of policies.
//!
//! Bitbucket's patterns match any end of a full name that begins after a `/`; ours match the whole of it. Where it is not
//! clear whether a pattern matches something, what comes out matches it, so that nothing is left open.

use std::collections::BTreeSet;

use crate::{BranchModel, Matcher, MatcherKind};

/// How many of our patterns one of Bitbucket's may become.
const MOST: usize = 32;
/// All that there is.
pub(super) const EVERYTHING: &str = "refs/**";

/// What became of a matcher.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Refs {
    /// These refs, by our patterns; none where it matches nothing.
    Are(BTreeSet<String>),
    /// More than these: it cannot be said exactly, and all refs are taken.
    AtMost(BTreeSet<String>),
    /// Nobody can tell.
    Unknown,
}

/// The refs of a matcher, in a repository with this branching model.
pub(super) fn refs(matcher: &Matcher, model: Option<&BranchModel>) -> Refs {
    let one = |name: &str| Refs::Are([escaped(name)].into());
    match &matcher.kind {
        MatcherKind::AnyRef => Refs::Are([EVERYTHING.to_owned()].into()),
        MatcherKind::Branch if matcher.id.starts_with("refs/") => one(&matcher.id),
        MatcherKind::Branch => one(&format!("refs/heads/{}", matcher.id)),
        MatcherKind::Pattern => of_pattern(&matcher.id),
        MatcherKind::ModelBranch => {
            let Some(model) = model else { return Refs::Unknown };
            let branch = match matcher.id.as_str() {
                "development" => model.development.as_deref(),
                "production" => model.production.as_deref(),
                _ => return Refs::Unknown,
            };
            branch.map_or(Refs::Are(BTreeSet::new()), one)
        }
        MatcherKind::ModelCategory => {
            let Some(model) = model else { return Refs::Unknown };
            Refs::Are(model.prefixes.get(&matcher.id).map(|prefix| below(prefix)).unwrap_or_default())
        }
        MatcherKind::Other(_) => Refs::Unknown,
    }
}

/// The branches that begin so.
fn below(prefix: &str) -> BTreeSet<String> {
    let start = format!("refs/heads/{}", escaped(prefix));
    match prefix.ends_with('/') {
        true => [format!("{start}**")].into(),
        // Something must follow, which may hold `/`.
        false => [format!("{start}?*"), format!("{start}*/**")].into(),
    }
}

fn of_pattern(pattern: &str) -> Refs {
    let mut segments: Vec<_> = pattern.split('/').filter(|segment| !segment.is_empty()).collect();
    if pattern.ends_with('/') {
        segments.push("**");
    }
    let mut ways: Vec<Vec<String>> = vec![Vec::new()];
    for segment in segments {
        let choices = choices(segment);
        if ways.len() * choices.len() > MOST {
            return Refs::AtMost([EVERYTHING.to_owned()].into());
        }
        ways = ways
            .iter()
            .flat_map(|way| choices.iter().map(|choice| [way.as_slice(), choice].concat()))
            .collect();
    }
    let all: BTreeSet<_> = ways.into_iter().filter(|way| !way.is_empty()).flat_map(whole_names).collect();
    match all.contains(EVERYTHING) {
        true => Refs::Are([EVERYTHING.to_owned()].into()),
        false => Refs::Are(all),
    }
}

/// What a segment may stand for. `a**b` is a run within a segment, or one that crosses some.
fn choices(segment: &str) -> Vec<Vec<String>> {
    let rest = "**".to_owned();
    if segment == "**" {
        return vec![vec![rest]];
    }
    let mut ways = vec![vec![String::new()]];
    for (place, part) in segment.split("**").enumerate() {
        if place > 0 {
            let crossing = ways.iter().map(|way| {
                let mut way = way.clone();
                add_signs(&mut way, "*");
                way.extend([rest.clone(), "*".to_owned()]);
                way
            });
            let crossing: Vec<_> = crossing.collect();
            ways.iter_mut().for_each(|way| add_signs(way, "*"));
            ways.extend(crossing);
        }
        if ways.len() > MOST {
            break;
        }
        ways.iter_mut().for_each(|way| add_signs(way, part));
    }
    ways
}

/// Adds to the last segment what Bitbucket's signs say. A run is a run however often it is written.
fn add_signs(way: &mut [String], text: &str) {
    let Some(last) = way.last_mut() else { return };
    for character in text.chars() {
        if "\\{}$".contains(character) {
            last.push('\\');
        }
        if character != '*' || !last.ends_with('*') {
            last.push(character);
        }
    }
}

/// Our patterns for one way to read one of Bitbucket's.
fn whole_names(mut way: Vec<String>) -> BTreeSet<String> {
    way.dedup_by(|one, other| one == "**" && other == "**");
    // Any end is looked at anyway.
    if way.len() > 1 && way.first().is_some_and(|first| first == "**") {
        way.remove(0);
    }
    let mut all = BTreeSet::new();
    // At the end it may match nothing.
    let shorter = way.split_last().filter(|(last, start)| *last == "**" && !start.is_empty());
    let shorter = shorter.map(|(_, start)| start.to_vec());
    for way in std::iter::once(way).chain(shorter) {
        match way.as_slice() {
            // The last segment is any, and so is what stands before it.
            [only] if only == "*" || only == "**" => drop(all.insert(EVERYTHING.to_owned())),
            [first, more @ ..] => {
                all.insert(format!("refs/**/{}", way.join("/")));
                // The end may be the whole name.
                if !more.is_empty() && is_refs(first) {
                    all.insert(format!("refs/{}", more.join("/")));
                }
            }
            [] => {}
        }
    }
    all
}

/// Whether a segment of a pattern matches `refs`.
fn is_refs(segment: &str) -> bool {
    oam_policy::glob::Glob::parse(segment).is_ok_and(|glob| glob.matches(b"refs", ""))
}

/// A name in which no sign means anything.
fn escaped(name: &str) -> String {
    let sign = |character: char| "\\*?{}$".contains(character);
    name.chars()
        .flat_map(|character| sign(character).then_some('\\').into_iter().chain([character]))
        .collect()
}

#[cfg(test)]
mod tests {
    use oam_policy::{RefName, rule::RefSet};
    use proptest::prelude::*;

    use super::{Refs, of_pattern, refs};
    use crate::{
        BranchModel, Matcher, MatcherKind,
        model::{Doubt, Matches},
    };

    fn are(pattern: &str) -> Vec<String> {
        match of_pattern(pattern) {
            Refs::Are(refs) | Refs::AtMost(refs) => refs.into_iter().collect(),
            Refs::Unknown => Vec::new(),
        }
    }

    #[test]
    fn patterns_become_whole_names() {
        assert_eq!(are("*"), ["refs/**"]);
        assert_eq!(are("**"), ["refs/**"]);
        assert_eq!(are("PROJECT-*"), ["refs/**/PROJECT-*"]);
        assert_eq!(are("release/"), ["refs/**/release", "refs/**/release/**"]);
        assert_eq!(are("heads/**/master"), ["refs/**/heads/**/master"]);
        assert_eq!(are("refs/heads/main"), ["refs/**/refs/heads/main", "refs/heads/main"]);
        assert_eq!(are("**/x"), ["refs/**/x"]);
        assert_eq!(are("a{b}$"), ["refs/**/a\\{b\\}\\$"]);
        assert_eq!(are("a**b"), ["refs/**/a*/**/*b", "refs/**/a*b"]);
        assert_eq!(are(""), [] as [&str; 0]);
        assert!(matches!(of_pattern(&"a**b/".repeat(9)), Refs::AtMost(_)));
    }

    #[test]
    fn a_model_says_where_its_branches_are() {
        let model = BranchModel {
            development: Some("refs/heads/dev".into()),
            production: None,
            prefixes: [("RELEASE".into(), "release/".into()), ("HOTFIX".into(), "hot-".into())].into(),
        };
        let of = |kind, id: &str| refs(&Matcher { kind, id: id.into(), shown: id.into() }, Some(&model));
        let is = |all: &[&str]| Refs::Are(all.iter().map(|&one| one.to_owned()).collect());
        assert_eq!(of(MatcherKind::ModelBranch, "development"), is(&["refs/heads/dev"]));
        assert_eq!(of(MatcherKind::ModelBranch, "production"), is(&[]));
        assert_eq!(of(MatcherKind::ModelCategory, "RELEASE"), is(&["refs/heads/release/**"]));
        assert_eq!(
            of(MatcherKind::ModelCategory, "HOTFIX"),
            is(&["refs/heads/hot-*/**", "refs/heads/hot-?*"])
        );
        assert_eq!(of(MatcherKind::ModelCategory, "BUGFIX"), is(&[]));
        assert_eq!(of(MatcherKind::Branch, "a*b"), is(&["refs/heads/a\\*b"]));
        assert_eq!(of(MatcherKind::Other("NEW".into()), "x"), Refs::Unknown);
    }

    fn pattern() -> impl Strategy<Value = String> {
        let part = proptest::sample::select(vec![
            "a", "b", "*", "?", "**", "/", "/", "heads", "refs", "{", "tags", "***", "a*",
        ]);
        proptest::collection::vec(part, 1..7).prop_map(|parts| parts.concat())
    }

    fn name() -> impl Strategy<Value = String> {
        let part = proptest::sample::select(vec!["a", "b", "ab", "heads", "refs", "tags", "{", "aa", "bab"]);
        proptest::collection::vec(part, 1..5).prop_map(|parts| format!("refs/{}", parts.join("/")))
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4_000))]
        /// What is clear comes out the same, and what is unclear is taken in.
        #[test]
        fn what_comes_out_matches_what_went_in(pattern in pattern(), name in name()) {
            let matcher = Matcher { kind: MatcherKind::Pattern, id: pattern.clone(), shown: pattern };
            let (all, exact) = match refs(&matcher, None) {
                Refs::Are(all) => (all, true),
                Refs::AtMost(all) => (all, false),
                Refs::Unknown => panic!("a pattern can always be told"),
            };
            let ours = RefSet::new(all.iter().map(|one| RefSet::parse_one(one).unwrap()));
            let here = RefName::parse(name.as_bytes()).unwrap();
            let ours = ours.is_ok_and(|refs| refs.matches(&here, ""));
            match Matches::of(&matcher, None, &name) {
                Matches::Yes => prop_assert!(ours, "{all:?}"),
                Matches::No => prop_assert!(!ours || !exact, "{all:?}"),
                Matches::Unclear(doubt) => prop_assert!(ours && doubt == Doubt::Pattern, "{all:?}"),
            }
        }
    }
}
