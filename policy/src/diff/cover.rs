//! Classes in words: the fewest patterns that say where a text lies.

use super::product::{Cell, Reached};

/// The texts that match all of `within` and none of `without`; pattern numbers, ascending.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Cube {
    pub(super) within: Vec<usize>,
    pub(super) without: Vec<usize>,
}

impl Cube {
    /// All that is known of one class.
    fn exactly(cell: &Cell, patterns: usize) -> Self {
        let without = (0..patterns).filter(|pattern| cell.binary_search(pattern).is_err()).collect();
        Self { within: cell.to_vec(), without }
    }

    fn holds(&self, cell: &Cell) -> bool {
        self.within.iter().all(|pattern| cell.binary_search(pattern).is_ok())
            && !self.without.iter().any(|pattern| cell.binary_search(pattern).is_ok())
    }
}

/// Work beyond which classes are said in full.
const MAX_WORK: usize = 20_000_000;

/// Says where the classes `members` of `all` lie, and which of them is the example for each saying.
///
/// With `complete`, the classes in `all` are every one that a pattern in `anchors` matches: then patterns that make no
/// difference are left out, so that one saying holds several classes; one anchor always stays, for nothing is known
/// of texts that match none.
pub(super) fn cover(
    all: &[Reached],
    members: &[usize],
    anchors: &[bool],
    complete: bool,
) -> Vec<(Cube, usize)> {
    let patterns = anchors.len();
    let others: Vec<&Cell> = (0..all.len())
        .filter(|number| members.binary_search(number).is_err())
        .filter_map(|number| all.get(number).map(|one| &one.cell))
        .collect();
    let shorten = complete && members.len() * patterns * (others.len() + 1) <= MAX_WORK;
    let mut cubes: Vec<(Cube, usize)> = Vec::new();
    // Those with the fewest patterns first: what is said of them holds most of the others.
    let mut members: Vec<_> =
        members.iter().filter_map(|number| Some((*number, all.get(*number)?))).collect();
    members.sort_by_key(|(_, one)| one.cell.len());
    for (number, one) in &members {
        if cubes.iter().any(|(cube, _)| cube.holds(&one.cell)) {
            continue;
        }
        let mut cube = Cube::exactly(&one.cell, patterns);
        if shorten {
            loosen(&mut cube, &others, anchors);
        }
        cubes.push((cube, *number));
    }
    let mut place = 0;
    while place < cubes.len() {
        let elsewhere = |one: &Reached| {
            cubes.iter().enumerate().any(|(other, (cube, _))| other != place && cube.holds(&one.cell))
        };
        if members.iter().all(|(_, one)| elsewhere(one)) {
            cubes.remove(place);
        } else {
            place += 1;
        }
    }
    cubes
}

/// Leaves out whatever can be left out without letting one of `others` in.
fn loosen(cube: &mut Cube, others: &[&Cell], anchors: &[bool]) {
    let is_anchor = |pattern: &usize| anchors.get(*pattern).copied().unwrap_or(false);
    let lets_in = |cube: &Cube| others.iter().any(|cell| cube.holds(cell));
    for pattern in cube.without.clone() {
        let kept = cube.without.clone();
        cube.without.retain(|other| *other != pattern);
        if lets_in(cube) {
            cube.without = kept;
        }
    }
    // What did not change explains less than what did, so it goes first.
    let (changed, same): (Vec<usize>, Vec<usize>) =
        cube.within.iter().copied().partition(|pattern| is_anchor(pattern));
    for pattern in same.into_iter().chain(changed) {
        let kept = cube.within.clone();
        cube.within.retain(|other| *other != pattern);
        if !cube.within.iter().any(is_anchor) || lets_in(cube) {
            cube.within = kept;
        }
    }
}
