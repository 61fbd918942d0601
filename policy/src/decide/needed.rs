//! Of grants of some paths that carry a ref update together: those without which they would not.

use std::collections::BTreeSet;

use super::{known::Known, one_ref::OneRef, paths::Part, scope::Reach};
use crate::{facts::Listing, name::TreePath};

/// The numbers of the parts that cover one path, ascending.
type Covering = Vec<usize>;

/// So many parts and paths are tried one after the other, where one look at each path does not tell. Where there are
/// more, all parts are needed.
const TRIED_PARTS: usize = 16;
const TRIED_PATHS: usize = 1_000;

impl<'a> OneRef<'_, 'a> {
    /// Of parts that cover it together, those without which they would not; rather what is there at any time than what is
    /// there for a while, which is not used for nothing, and rather the first than the last.
    ///
    /// Where lists of paths are cut short and differ from grant to grant, and there are many of both, it is all of them.
    pub(super) fn needed(&self, parts: &[(Part<'a>, Reach)]) -> Vec<(Part<'a>, Reach)> {
        let (mut all, given): (Vec<_>, Vec<_>) =
            parts.iter().copied().partition(|(_, reach)| reach.is_standing());
        all.extend(given);
        if self.is_deletion() {
            all.truncate(1);
            return all;
        }
        let views = all.iter().map(|(part, _)| Some((*part, self.changed_paths(&part.grant.refs).ok()?)));
        let Some(views) = views.collect::<Option<Vec<_>>>() else { return all };
        let lists = different(&views);
        let needed = match lists.as_slice() {
            [_] => indispensable(&covering(&views, &lists)),
            lists if lists.iter().all(|list| list.is_whole()) => indispensable(&covering(&views, lists)),
            lists => {
                let paths = lists.iter().map(|list| list.kept().count()).max().unwrap_or_default();
                if all.len() > TRIED_PARTS || paths > TRIED_PATHS {
                    return all;
                }
                return self.tried(&all);
            }
        };
        let mut carrying = chosen(&all, |number| needed.contains(&number));
        if carrying.is_empty() {
            // Nothing changes that it would take a grant for.
            carrying.extend(all.first().copied());
        }
        if self.cover(&carrying) { carrying } else { all }
    }

    /// The same, one after the other left out from the last on.
    fn tried(&self, all: &[(Part<'a>, Reach)]) -> Vec<(Part<'a>, Reach)> {
        let mut left: BTreeSet<usize> = (0..all.len()).collect();
        for number in (0..all.len()).rev() {
            left.remove(&number);
            if left.is_empty() || !self.cover(&chosen(all, |one| left.contains(&one))) {
                left.insert(number);
            }
        }
        chosen(all, |number| left.contains(&number))
    }

    /// Whether these surely cover it together.
    fn cover(&self, parts: &[(Part<'a>, Reach)]) -> bool {
        let all: Vec<_> = parts.iter().map(|(part, _)| *part).collect();
        matches!(self.uncovered(&all), Known::Is(None))
    }
}

fn chosen<T: Copy>(all: &[T], is_chosen: impl Fn(usize) -> bool) -> Vec<T> {
    all.iter().enumerate().filter(|(number, _)| is_chosen(*number)).map(|(_, one)| *one).collect()
}

/// The lists among these that are not one and the same.
fn different<'l>(views: &[(Part<'_>, &'l Listing<TreePath>)]) -> Vec<&'l Listing<TreePath>> {
    let mut lists: Vec<&Listing<TreePath>> = Vec::new();
    for (_, list) in views {
        if !lists.iter().any(|known| std::ptr::eq(*known, *list)) {
            lists.push(list);
        }
    }
    lists
}

/// For every path that changes by any of the lists, which parts cover it; what is the same for several once. A part has
/// nothing against a path that does not change in view of its own refs.
fn covering(views: &[(Part<'_>, &Listing<TreePath>)], lists: &[&Listing<TreePath>]) -> BTreeSet<Covering> {
    let differ = lists.len() > 1;
    let of_path = |path: &TreePath| -> Covering {
        let covers = views
            .iter()
            .enumerate()
            .filter(|(_, (part, list))| part.covers(path) || (differ && list.holds(path) == Some(false)));
        covers.map(|(number, _)| number).collect()
    };
    let paths: BTreeSet<&TreePath> = lists.iter().flat_map(|list| list.kept()).collect();
    paths.into_iter().map(of_path).collect()
}

/// The parts that are left when, from the last to the first, each is left out that is not needed beside those before it
/// and those that were needed already: it is where it is the first that covers some path, and none of the others does.
fn indispensable(paths: &BTreeSet<Covering>) -> BTreeSet<usize> {
    let mut needed = BTreeSet::new();
    // By the first part that covers it, the last of these first.
    for covering in paths.iter().rev() {
        if let Some(first) = covering.first()
            && !covering.iter().any(|part| needed.contains(part))
        {
            needed.insert(*first);
        }
    }
    needed
}

#[cfg(test)]
pub(super) mod tests;
