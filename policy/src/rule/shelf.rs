//! The rules on one repository, by what the patterns of their refs begin with: then those that are about a ref are found without
//! looking at the others.

use std::{collections::BTreeMap, num::NonZeroU32};

use super::{
    Pattern, RefSet,
    candidate::{Candidate, Ends, Found, Run, in_order},
};
use crate::{glob::Token, name::RefName};

/// Some that lie one after the other.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Span {
    begin: u32,
    end: u32,
}

/// Some that lie one after the other, in order.
#[derive(Debug, Clone, Copy, Default)]
struct Stretch {
    span: Span,
    ends: Ends,
}

/// What all shelves hold, shelf after shelf.
#[derive(Debug, Clone, Default)]
pub(super) struct Shelves {
    /// The heads of the beginnings by themselves: what is searched lies close together.
    heads: Vec<Head>,
    beginnings: Vec<Beginning>,
    candidates: Vec<Candidate>,
}

/// A shelf, by its beginnings.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Shelf(Span);

/// A text that patterns begin with, up to their first sign. Those of one shelf are in the order of their heads, and then of their
/// texts: that is the order of their texts. One of them is one line of a processor's cache.
#[derive(Debug, Clone)]
#[repr(align(64))]
struct Beginning {
    text: Box<[u8]>,
    /// The rules about the ref that is called so.
    exactly: Stretch,
    /// The rules about all refs whose names go on.
    below: Stretch,
    /// The rules of which that takes a look at their refs; those with the same refs lie together.
    perhaps: Span,
    /// Where the longest other one of the shelf is with which this one begins.
    shorter: Option<Number>,
    /// How many bits of its head it leaves unused; `None`: it goes on behind its head.
    unused: Option<u8>,
}

const _: () = assert!(size_of::<Beginning>() == 64, "more than a line of the cache");

/// A place, from 1 on: then that there is none takes up no room.
#[derive(Debug, Clone, Copy)]
struct Number(NonZeroU32);

/// The first bytes of a text as one number, which is compared at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Head(u128);

/// What a name must have behind a pattern's beginning for its set to match.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Behind {
    Nothing,
    Something,
    /// That takes a look at the set.
    Unsaid,
}

/// What the patterns of a set of refs begin with.
pub(super) type Begins<'t> = Vec<(&'t [u8], Behind)>;

/// What begins with one text, before it is laid down.
#[derive(Default)]
struct Draft {
    exactly: Vec<Candidate>,
    below: Vec<Candidate>,
    perhaps: Vec<Candidate>,
}

impl Span {
    fn of<T>(self, all: &[T]) -> &[T] {
        all.get(self.begin as usize..self.end as usize).unwrap_or_default()
    }
}

impl Number {
    fn of(place: u32) -> Option<Self> {
        place.checked_add(1).and_then(NonZeroU32::new).map(Self)
    }

    fn place(self) -> u32 {
        self.0.get() - 1
    }
}

impl Stretch {
    #[inline]
    fn of(self, all: &[Candidate]) -> Run<'_> {
        Run::new(self.span.of(all), self.ends)
    }
}

impl Shelf {
    pub(super) const EMPTY: Self = Self(Span { begin: 0, end: 0 });

    pub(super) const fn is_empty(self) -> bool {
        self.0.begin == self.0.end
    }
}

impl Shelves {
    /// How many beginnings there are in all.
    pub(super) const fn beginnings(&self) -> usize {
        self.beginnings.len()
    }

    /// Makes a shelf of these rules; `begins` has what the patterns of each set of refs begin with.
    pub(super) fn lay(&mut self, rules: &[Candidate], begins: &[Begins<'_>]) -> Shelf {
        let mut drafts = BTreeMap::<&[u8], Draft>::new();
        for rule in rules {
            for (text, behind) in begins.get(rule.refs as usize).into_iter().flatten() {
                let draft = drafts.entry(text).or_default();
                let list = match behind {
                    Behind::Nothing => &mut draft.exactly,
                    Behind::Something => &mut draft.below,
                    Behind::Unsaid => &mut draft.perhaps,
                };
                list.push(*rule);
            }
        }
        let begin = self.beginnings.len();
        for (text, draft) in drafts {
            self.put(begin, text, draft);
        }
        Shelf(Span { begin: number(begin), end: number(self.beginnings.len()) })
    }

    /// Puts one beginning behind the others of its shelf, which starts at `first`.
    fn put(&mut self, first: usize, text: &[u8], draft: Draft) {
        let Draft { mut exactly, mut below, mut perhaps } = draft;
        in_order(&mut exactly);
        in_order(&mut below);
        perhaps.sort_unstable_by_key(|one| (one.refs, one.order()));
        perhaps.dedup_by(|next, one| next.is_of_rule(one));
        let shorter = self.last_with_which(first, text);
        let [exactly, below, perhaps] = [exactly, below, perhaps].map(|list| {
            let (begin, ends) = (number(self.candidates.len()), Ends::of(&list));
            self.candidates.extend(list);
            Stretch { span: Span { begin, end: number(self.candidates.len()) }, ends }
        });
        self.heads.push(Head::of(text));
        let (unused, text, perhaps) = (Head::unused(text.len()), text.into(), perhaps.span);
        self.beginnings.push(Beginning { text, exactly, below, perhaps, shorter, unused });
    }

    /// The last beginning, of those from `first` on, with which `text` begins.
    fn last_with_which(&self, first: usize, text: &[u8]) -> Option<Number> {
        let last = self.beginnings.len().checked_sub(1).filter(|last| *last >= first);
        let mut next = last.and_then(|last| Number::of(number(last)));
        while let Some(place) = next {
            let one = self.beginnings.get(place.place() as usize)?;
            if text.starts_with(&one.text) {
                return Some(place);
            }
            next = one.shorter;
        }
        None
    }

    /// Adds the rules of a shelf that are about `name`, with `user` in the place of `${user}`; perhaps one more than once.
    #[inline]
    pub(super) fn find<'a>(
        &'a self,
        shelf: Shelf,
        sets: &[RefSet],
        name: &RefName,
        user: &str,
        found: &mut Found<'a>,
    ) {
        let text = name.as_bytes();
        // Between a beginning of the name and the name there is nothing that begins otherwise: the last one that is not
        // behind the name begins with all of them.
        let head = Head::of(text);
        let mut next = self.last_not_behind(shelf, head, text);
        while let Some((of_text, one)) = next.and_then(|place| self.beginning(place)) {
            next = one.shorter.map(Number::place);
            if !one.begins(of_text, head, text) {
                continue;
            }
            let run = if text.len() == one.text.len() { one.exactly } else { one.below };
            found.add(run.of(&self.candidates));
            for alike in one.perhaps.of(&self.candidates).chunk_by(|one, next| one.refs == next.refs) {
                let set = alike.first().and_then(|one| sets.get(one.refs as usize));
                if set.is_some_and(|set| set.matches(name, user)) {
                    found.add(Run::new(alike, Ends::of(alike)));
                }
            }
        }
    }

    /// Where the last of a shelf's beginnings is that does not come behind a name, in the order of texts.
    #[inline]
    fn last_not_behind(&self, shelf: Shelf, head: Head, name: &[u8]) -> Option<u32> {
        let heads = shelf.0.of(&self.heads);
        let by_head = heads.partition_point(|one| *one <= head).checked_sub(1)?;
        if heads.get(by_head) != Some(&head) {
            return Some(shelf.0.begin + number(by_head));
        }
        let texts = shelf.0.of(&self.beginnings);
        if texts.get(by_head)?.unused.is_some() {
            return Some(shelf.0.begin + number(by_head));
        }
        // There is more of it than its head.
        let alike = heads.partition_point(|one| *one < head);
        let texts = texts.get(alike..=by_head)?;
        let by_text = (alike + texts.partition_point(|one| &*one.text <= name)).checked_sub(1)?;
        Some(shelf.0.begin + number(by_text))
    }

    fn beginning(&self, place: u32) -> Option<(Head, &Beginning)> {
        Some((*self.heads.get(place as usize)?, self.beginnings.get(place as usize)?))
    }
}

impl Beginning {
    /// Whether a name begins with it; both by their heads, as far as these tell.
    #[inline]
    fn begins(&self, of_text: Head, of_name: Head, name: &[u8]) -> bool {
        match self.unused {
            Some(unused) => self.text.len() <= name.len() && of_name.without(unused) == of_text,
            None => name.starts_with(&self.text),
        }
    }
}

impl Head {
    /// All names begin with this, and all patterns that begin with anything.
    const SKIPPED: &[u8] = b"refs/";

    #[inline]
    fn of(text: &[u8]) -> Self {
        let behind = text.get(Self::SKIPPED.len()..).unwrap_or_default();
        if let Some(whole) = behind.first_chunk() {
            return Self(u128::from_be_bytes(*whole));
        }
        // Two halves that overlap, rather than byte by byte.
        if let (Some(first), Some(last)) = (behind.first_chunk::<8>(), behind.last_chunk::<8>()) {
            let known = 8 * (16 - behind.len());
            let rest =
                u64::from_be_bytes(*last).checked_shl(u32::try_from(known).unwrap_or(64)).unwrap_or_default();
            return Self(u128::from(u64::from_be_bytes(*first)) << 64 | u128::from(rest));
        }
        let bytes = behind.iter().chain(&[0; 16]).take(16);
        Self(bytes.fold(0, |head, byte| head << 8 | u128::from(*byte)))
    }

    /// How many bits of a head a text of this length leaves unused, if it takes up no more.
    fn unused(length: usize) -> Option<u8> {
        let bits =
            8 * u8::try_from(length.checked_sub(Self::SKIPPED.len())?).ok().filter(|bytes| *bytes <= 16)?;
        Some(128 - bits)
    }

    /// What is left without so many of the last bits.
    #[inline]
    fn without(self, unused: u8) -> Self {
        let all = u128::MAX.checked_shl(u32::from(unused)).unwrap_or_default();
        Self(self.0 & all)
    }
}

pub(super) fn number(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

/// Once for each way to choose among the alternatives of a pattern.
pub(super) fn begins(set: &RefSet) -> Begins<'_> {
    let of_pattern = set.included().iter().flat_map(begin);
    of_pattern.map(|(text, behind)| (text, if set.excludes() { Behind::Unsaid } else { behind })).collect()
}

fn begin<'t>(pattern: &'t Pattern) -> Begins<'t> {
    let Pattern::Glob(glob) = pattern else { return vec![(&[], Behind::Unsaid)] };
    let begin = |tokens: &'t [Token]| match tokens {
        [Token::Literal(whole)] => (&**whole, Behind::Nothing),
        [Token::Literal(text), Token::Rest] => (&**text, Behind::Something),
        [Token::Literal(text), ..] => (&**text, Behind::Unsaid),
        _ => (&[][..], Behind::Unsaid),
    };
    glob.alternatives().iter().map(|tokens| begin(tokens)).collect()
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*};

    use super::{Found, Shelf, Shelves, begins};
    use crate::{
        name::RefName,
        rule::{Candidate, Kind, Met, Mode, RefSet, VerbSet},
    };

    fn set(patterns: &[impl AsRef<str>]) -> Option<RefSet> {
        let parsed: Result<Vec<_>, _> = patterns.iter().map(|one| RefSet::parse_one(one.as_ref())).collect();
        RefSet::new(parsed.ok()?).ok()
    }

    /// A shelf of one rule for each set.
    struct OneEach {
        sets: Vec<RefSet>,
        shelves: Shelves,
        shelf: Shelf,
    }

    impl OneEach {
        fn of(sets: Vec<RefSet>) -> Self {
            let rule = |number| Candidate {
                kind: Kind::Grant,
                place: number,
                verbs: VerbSet::ALL,
                mode: Mode::Enforce,
                perhaps: false,
                timed: false,
                of_paths: false,
                refs: number,
                role_count: 0,
                role: 0,
            };
            let rules: Vec<_> = (0..).zip(&sets).map(|(number, _)| rule(number)).collect();
            let begins: Vec<_> = sets.iter().map(begins).collect();
            let mut shelves = Shelves::default();
            // Another one before it, of the same rules.
            shelves.lay(&rules, &begins);
            let shelf = shelves.lay(&rules, &begins);
            Self { sets, shelves, shelf }
        }
    }

    fn matching(of: &OneEach, name: &str, user: &str) -> Vec<u32> {
        let name = RefName::parse(name.as_bytes()).unwrap();
        let mut found = Found::NOTHING;
        of.shelves.find(of.shelf, &of.sets, &name, user, &mut found);
        Met::of(found).grants().iter().map(|one| one.place).collect()
    }

    #[test]
    fn a_rule_is_found_by_each_beginning() {
        let sets = [&["refs/heads/main"][..], &["refs/heads/**"], &["refs/heads/main/**", "refs/tags/**"]];
        let index = OneEach::of(sets.into_iter().filter_map(set).collect());
        assert_eq!(matching(&index, "refs/heads/main", ""), [0, 1]);
        assert_eq!(matching(&index, "refs/heads/main/x", ""), [1, 2]);
        assert_eq!(matching(&index, "refs/heads/mail", ""), [1]);
        assert_eq!(matching(&index, "refs/tags/x", ""), [2]);
        assert_eq!(matching(&index, "refs/a", ""), [0; 0]);
    }

    #[test]
    fn what_begins_alike_for_long_is_told_apart() {
        let sets = [
            "refs/heads/release/2026/**",
            "refs/heads/release/2026/q1",
            "refs/heads/release/2026/q1/**",
            "refs/heads/release/2026/q2/**",
        ];
        let index = OneEach::of(sets.iter().filter_map(|one| set(&[one])).collect());
        assert_eq!(matching(&index, "refs/heads/release/2026/q1/fix", ""), [0, 2]);
        assert_eq!(matching(&index, "refs/heads/release/2026/q1", ""), [0, 1]);
        assert_eq!(matching(&index, "refs/heads/release/2026/q3", ""), [0]);
        assert_eq!(matching(&index, "refs/heads/release/2026", ""), [0; 0]);
        assert_eq!(matching(&index, "refs/heads/release/2025/q1/fix", ""), [0; 0]);
    }

    /// Also where a beginning is just as long as a head, or longer by a little.
    #[test]
    fn beginnings_of_any_length_are_told_apart() {
        for length in 1..40 {
            let pattern = format!("refs/{}", "a".repeat(length));
            let sets = [set(&[&pattern]), set(&[format!("{pattern}/**")])];
            let index = OneEach::of(sets.into_iter().flatten().collect());
            let (before, last) = pattern.split_at(pattern.len() - 1);
            assert_eq!(matching(&index, &pattern, ""), [0], "{length}");
            assert_eq!(matching(&index, &format!("{pattern}/b"), ""), [1], "{length}");
            assert_eq!(matching(&index, &format!("{pattern}b"), ""), [0; 0], "{length}");
            assert_eq!(matching(&index, &format!("{before}b{last}"), ""), [0; 0], "{length}");
            if length > 1 {
                assert_eq!(matching(&index, before, ""), [0; 0], "{length}");
            }
        }
    }

    proptest! {
        /// The same as asking each set by itself.
        #[test]
        fn what_matches_is_what_each_set_says(
            patterns in vec(vec("!?refs/([ab]{1,2}|[ab]?\\*|\\*\\*|\\{a,b\\}|\\$\\{user\\})(/([ab]{1,2}|\\*\\*|[ab]\\?))?", 1..4), 1..12),
            name in "refs/[ab]{1,3}(/[ab]{1,2})?",
        ) {
            let index = OneEach::of(patterns.iter().filter_map(|patterns| set(patterns)).collect());
            let found = matching(&index, &name, "ab");
            let name = RefName::parse(name.as_bytes()).unwrap();
            for (number, set) in (0..).zip(&index.sets) {
                prop_assert_eq!(set.matches(&name, "ab"), found.contains(&number), "{:?}", set.sources());
            }
        }
    }
}
