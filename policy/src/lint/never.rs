use std::collections::{BTreeSet, HashMap};

use super::{About, Lint, Report, Scope, classes, prover};
use crate::{
    diff::proof::{List, Prover},
    name::{RefName, Repository},
    request::Verb,
    rule::{Policy, RefSet, RepositorySet, VerbSet, Window},
};

/// Rules that no push can ever match. Returns them.
pub(super) fn look(policy: &Policy, report: &mut Report) -> BTreeSet<About> {
    let mut search = Search { prover: prover(), known: HashMap::new() };
    let mut found = BTreeSet::new();
    for scope in Scope::all(policy) {
        if let Some((why, help)) = search.why_never(&scope) {
            let message = format!("the {} never matches: {why}", scope.about);
            report.add(Lint::RuleNeverMatches, scope.about.clone(), message, Some(help));
            found.insert(scope.about);
        }
    }
    if search.prover.gave_up() {
        report.unfinished.insert(Lint::RuleNeverMatches);
    }
    found
}

/// Which lists of patterns hold nothing, each looked at once.
struct Search {
    prover: Prover,
    known: HashMap<(Where, Vec<String>), bool>,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Where {
    Repositories,
    Refs,
    RefsButTags,
}

impl Search {
    fn why_never(&mut self, scope: &Scope<'_>) -> Option<(&'static str, String)> {
        if is_never_live(&scope.window) {
            return Some((
                "its weekly window never falls between its beginning and its end",
                "widen one of them".into(),
            ));
        }
        if self.is_empty(Where::Repositories, scope.on.sources(), |text| names_repository(scope.on, text)) {
            return Some(("there can be no repository that its `on` names", help(&scope.on.sources())));
        }
        if !scope.verbs.iter().any(|verb| VERBS.contains(&verb)) {
            return None;
        }
        if self.is_empty(Where::Refs, scope.refs.sources(), |text| names_ref(scope.refs, text)) {
            return Some(("git accepts no ref name that its `refs` names", help(&scope.refs.sources())));
        }
        let is_other = |text: &[u8]| !text.starts_with(b"refs/tags/") && names_ref(scope.refs, text);
        if only_updates(scope.verbs) && self.is_empty(Where::RefsButTags, scope.refs.sources(), is_other) {
            return Some((
                "it is about updates of tags, and moving a tag is always `force`",
                "say `force`".into(),
            ));
        }
        None
    }

    /// Whether a list surely holds nothing; `holds` tells of a text whether the list holds it.
    fn is_empty(&mut self, place: Where, sources: Vec<String>, holds: impl Fn(&[u8]) -> bool) -> bool {
        let list = List::new(&sources);
        if list.examples().any(|example| holds(&example)) {
            return false;
        }
        let prover = &mut self.prover;
        *self.known.entry((place, sources)).or_insert_with(|| match place {
            Where::Repositories => prover.repositories_within(&list, &[]),
            Where::Refs => prover.refs_within(&list, &[]),
            Where::RefsButTags => prover.refs_within(&list, &[&tags()]),
        })
    }
}

/// What to do about patterns that leave nothing.
fn help(sources: &[String]) -> String {
    let mut included = sources.iter().filter(|source| !source.starts_with('!'));
    let of_classes = included.find_map(|source| classes::help("", source));
    of_classes.unwrap_or_else(|| {
        "see that no `!pattern` takes everything out, and that there can be such a name".to_owned()
    })
}

/// The verbs that change refs.
pub(super) const VERBS: [Verb; 4] = [Verb::Create, Verb::Update, Verb::Force, Verb::Delete];

/// Every tag.
pub(super) fn tags() -> List {
    List::new(&["refs/tags/**".to_owned()])
}

fn only_updates(verbs: VerbSet) -> bool {
    verbs.iter().eq([Verb::Update])
}

/// Whether `text` is a ref name that is in `refs` for a user called `a`.
pub(super) fn names_ref(refs: &RefSet, text: &[u8]) -> bool {
    RefName::parse(text).is_ok_and(|name| refs.matches(&name, "a"))
}

/// Whether `text` is a repository that is in `on`.
pub(super) fn names_repository(on: &RepositorySet, text: &[u8]) -> bool {
    let text = std::str::from_utf8(text).ok();
    text.and_then(|text| Repository::parse(text).ok()).is_some_and(|repository| on.matches(&repository))
}

fn is_never_live(window: &Window) -> bool {
    let (Some(from), Some(to), Some(weekly)) = (window.from(), window.to(), window.weekly()) else {
        return false;
    };
    !weekly.contains(from) && weekly.next_begin(from).is_some_and(|begin| to <= begin)
}
