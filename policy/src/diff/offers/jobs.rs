//! Workloads: which jobs may lease which role.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use super::{
    Collected, Difference, Job, LeaseTerms, OfferChange, OfferEffect, OfferTerms, Whom,
    ground::{Ground, Search},
};
use crate::{
    diff::{VERBS, bounded::Bounds, budget::Budget},
    name::{RoleId, TreePath, Username, UsernameKey},
    rule::{Mode, PathSet, Policy, Role, Workload},
};

const TOO_MUCH: &str =
    "the workloads differ in more ways than are compared at once: which jobs may lease what is not all there";

const PATHS: &str =
    "the paths of workloads are compared as they are written: a job may lease for no other paths than before";

/// Paths that there can be, as different as they come: hardly a list matches all of them.
const POSSIBLE: [&[u8]; 4] = [b"a", b"a/b", b"x/y.z", b"\xff/\xfe"];

/// Those of both policies that give anything, each policy's in the order in which they are tried.
struct Workloads<'p> {
    rules: Vec<&'p Workload>,
    /// Where those of the new policy begin.
    after: usize,
    /// How many patterns over paths each has.
    paths: Vec<usize>,
    /// Of the lists of paths those that may be of all.
    of_all: BTreeSet<Vec<String>>,
    /// How long roles may be leased, under each policy.
    bounds: [BTreeMap<&'p RoleId, Duration>; 2],
    ground: Ground,
}

/// Which jobs may lease otherwise.
pub(super) fn leasing(
    old: &Policy,
    new: &Policy,
    budget: &mut Budget,
    bounded: &mut Bounds,
) -> Vec<OfferChange> {
    let workloads = Workloads::of(old, new);
    let mut changes = Vec::new();
    'all: for job in workloads.jobs() {
        let mut collected = Collected::default();
        if !budget.spend(workloads.rules.len() + 1) {
            bounded.because(TOO_MUCH);
            break;
        }
        let shown = workloads.shown_by(&job);
        for role in workloads.roles(&shown) {
            for verb in VERBS {
                if !budget.spend(shown.len() + 1) {
                    bounded.because(TOO_MUCH);
                    break 'all;
                }
                let is_for = |rule: &Workload| rule.roles.contains(role) && rule.verbs.contains(verb);
                let among = workloads.among(&shown, is_for);
                if workloads.say_the_same(&among, role) {
                    continue;
                }
                let says = |about: &[usize]| workloads.leased(about, role).into_iter().collect();
                let work = |about: &[usize]| workloads.work_to_lease(about);
                let search = Search { among: &among, user: "", says: &says, work: &work, too_much: TOO_MUCH };
                for found in workloads.ground.search(&search, budget, bounded) {
                    if !budget.spend(Collected::work(&found, 0)) {
                        bounded.because(TOO_MUCH);
                        break;
                    }
                    if workloads.may_be_for_the_same_paths(&found.what) {
                        bounded.because(PATHS);
                    }
                    collected.add(found, role, 0, Some(verb));
                }
            }
        }
        changes.extend(collected.changes(&workloads.ground, |_| Whom::Job(job.clone()), |_| None));
    }
    // Each is compared with each.
    if !budget.spend(workloads.rules.len().saturating_mul(workloads.rules.len())) {
        bounded.because(TOO_MUCH);
    } else if workloads.are_ambiguous() {
        let why = "one token can show several workloads that lead to different accounts or paths: what a job with such a \
                   token may lease is not compared";
        bounded.because(why);
    }
    changes
}

/// Whether no path is known that is not in a list: it may be of whatever changes.
fn may_be_of_all(paths: &PathSet) -> bool {
    let is_in = |path: &[u8]| TreePath::parse(path).is_ok_and(|path| paths.matches(&path));
    POSSIBLE.into_iter().all(is_in)
}

/// Whether a job's token shows a workload.
fn is_shown(rule: &Workload, job: &Job) -> bool {
    rule.issuer == job.issuer && rule.claims.iter().all(|(path, value)| job.claims.get(path) == Some(value))
}

impl<'p> Workloads<'p> {
    fn of(old: &'p Policy, new: &'p Policy) -> Self {
        let giving = |policy: &'p Policy| policy.workloads().iter().filter(|rule| rule.mode == Mode::Enforce);
        let after = giving(old).count();
        let rules: Vec<_> = giving(old).chain(giving(new)).collect();
        let of_job = |rule: &&Workload| {
            let refs = rule.refs.sources();
            (rule.on.sources(), refs.iter().map(|source| named(source, &rule.principal)).collect())
        };
        let ground = Ground::of(&rules.iter().map(of_job).collect::<Vec<_>>());
        let bound = |role: &'p Role| role.max_lease.map(|bound| (&role.id, bound));
        let bounds = [old, new].map(|policy| policy.roles().iter().filter_map(bound).collect());
        let paths = |rule: &&Workload| rule.paths.as_ref().map_or(0, |paths| paths.sources().len());
        let paths = rules.iter().map(paths).collect();
        let lists = rules.iter().filter_map(|rule| rule.paths.as_ref());
        let of_all = lists.filter(|list| may_be_of_all(list)).map(PathSet::sources).collect();
        Self { rules, after, paths, of_all, bounds, ground }
    }

    fn rule(&self, number: usize) -> Option<&'p Workload> {
        self.rules.get(number).copied()
    }

    /// All roles that may be leased by these.
    fn roles(&self, among: &[usize]) -> BTreeSet<&'p RoleId> {
        among.iter().filter_map(|number| self.rule(*number)).flat_map(|rule| &rule.roles).collect()
    }

    /// For each workload the job whose token says just what that asks for.
    fn jobs(&self) -> BTreeSet<Job> {
        let job = |rule: &&Workload| Job { issuer: rule.issuer.clone(), claims: rule.claims.clone() };
        self.rules.iter().map(job).collect()
    }

    /// Those that a job's token shows.
    fn shown_by(&self, job: &Job) -> Vec<usize> {
        #[cfg(test)]
        crate::diff::budget::done(self.rules.len());
        self.rules.iter().enumerate().filter(|(_, rule)| is_shown(rule, job)).map(|(at, _)| at).collect()
    }

    fn among(&self, some: &[usize], keep: impl Fn(&Workload) -> bool) -> Vec<usize> {
        some.iter().copied().filter(|number| self.rule(*number).is_some_and(&keep)).collect()
    }

    /// What it takes to find on which terms a job may lease by these, in steps: for each length of time and each number of
    /// pushes the first that is enough, and what they say.
    fn work_to_lease(&self, about: &[usize]) -> usize {
        let paths = about.iter().filter_map(|number| self.paths.get(*number)).sum::<usize>();
        let wishes = about.len().saturating_mul(about.len());
        wishes.saturating_mul(about.len()).saturating_add(paths)
    }

    /// How long a role may be leased under the policy of a rule.
    fn bound(&self, number: usize, role: &RoleId) -> Option<Duration> {
        let [old, new] = &self.bounds;
        let bounds = if number < self.after { old } else { new };
        bounds.get(role).copied()
    }

    /// Whether what is told rests on that paths are written otherwise, which may be the same all the same.
    fn may_be_for_the_same_paths(&self, what: &Difference) -> bool {
        let lists = |side: &[OfferTerms]| -> BTreeSet<Vec<String>> {
            let of = |terms: &OfferTerms| match terms {
                OfferTerms::Lease(terms) => terms.paths.clone(),
                OfferTerms::Ask(_) | OfferTerms::Approve(_) => None,
            };
            side.iter().filter_map(of).collect()
        };
        let (before, after) = (lists(&what.before), lists(&what.after));
        // Where one side is of whatever changes, the other is of less, but for what may be all.
        let are_comparable = !before.is_empty() && !after.is_empty()
            || before.iter().chain(&after).any(|paths| self.of_all.contains(paths));
        what.effect == OfferEffect::LeasesOtherwise && before != after && are_comparable
    }

    /// Whether both policies have the same rules among these, and bound the role alike.
    fn say_the_same(&self, among: &[usize], role: &RoleId) -> bool {
        let (before, after): (Vec<usize>, Vec<usize>) =
            among.iter().partition(|number| **number < self.after);
        let said = |side: Vec<usize>| -> Vec<_> {
            side.into_iter().map(|number| (self.rule(number), self.bound(number, role))).collect()
        };
        said(before) == said(after)
    }

    /// On which terms a job may lease, whom all of these are about.
    fn leased(&self, about: &[usize], role: &RoleId) -> Option<Difference> {
        let offered = |is_after: bool| -> Vec<LeaseTerms> {
            let side = about.iter().copied().filter(|number| (*number >= self.after) == is_after);
            side.filter_map(|number| self.terms(number, role)).collect()
        };
        let (before, after) = (offered(false), offered(true));
        let both = || before.iter().chain(&after);
        let lengths: BTreeSet<Duration> = both().map(|terms| terms.max_lease).collect();
        let uses: BTreeSet<u32> = both().map(|terms| terms.uses).collect();
        let wishes: Vec<(Duration, u32)> =
            lengths.iter().flat_map(|length| uses.iter().map(move |uses| (*length, *uses))).collect();
        let [first_before, first_after] = [&before, &after].map(|side| firsts(side, &wishes));
        let plain = |firsts: &[Option<&LeaseTerms>]| -> Vec<_> {
            firsts
                .iter()
                .map(|first| first.map(|terms| (terms.principal.clone(), terms.paths.clone())))
                .collect()
        };
        if plain(&first_before) == plain(&first_after) {
            return None;
        }
        let told = |side: &[LeaseTerms], firsts: &[Option<&LeaseTerms>]| -> Vec<OfferTerms> {
            let is_needed = |terms: &&LeaseTerms| firsts.contains(&Some(*terms));
            side.iter().filter(is_needed).cloned().map(OfferTerms::Lease).collect()
        };
        let effects = [OfferEffect::MayLease, OfferEffect::MayNoLongerLease, OfferEffect::LeasesOtherwise];
        Some(Difference::new(effects, told(&before, &first_before), told(&after, &first_after)))
    }

    fn terms(&self, number: usize, role: &RoleId) -> Option<LeaseTerms> {
        let rule = self.rule(number)?;
        let bound = self.bound(number, role);
        Some(LeaseTerms {
            workload: rule.id.clone(),
            principal: rule.principal.key(),
            max_lease: bound.map_or(rule.max_lease, |bound| bound.min(rule.max_lease)),
            uses: rule.uses.get(),
            paths: rule.paths.as_ref().map(PathSet::sources),
        })
    }

    /// Whether the workloads differ, and in one of the policies one token can show two that lead to different things,
    /// neither of which asks for all that the other asks for.
    fn are_ambiguous(&self) -> bool {
        let (before, after) = self.rules.split_at(self.after.min(self.rules.len()));
        before != after && (has_ambiguous(before) || has_ambiguous(after))
    }
}

/// What comes of each wish for so much time and so many pushes: the first offer that is large enough.
fn firsts<'t>(offers: &'t [LeaseTerms], wishes: &[(Duration, u32)]) -> Vec<Option<&'t LeaseTerms>> {
    let first = |(length, uses): &(Duration, u32)| {
        offers.iter().find(|terms| terms.max_lease >= *length && terms.uses >= *uses)
    };
    wishes.iter().map(first).collect()
}

fn has_ambiguous(rules: &[&Workload]) -> bool {
    let leads_to = |rule: &Workload| -> (UsernameKey, Option<Vec<String>>) {
        (rule.principal.key(), rule.paths.as_ref().map(PathSet::sources))
    };
    let meets = |one: &Workload, other: &Workload| {
        let contradicts =
            |(path, value): (&_, &String)| other.claims.get(path).is_some_and(|said| said != value);
        one.issuer == other.issuer
            && !one.roles.is_disjoint(&other.roles)
            && !one.claims.iter().any(contradicts)
            && !asks_for_all_of(one, other)
            && !asks_for_all_of(other, one)
    };
    rules.iter().enumerate().any(|(at, one)| {
        rules.iter().skip(at + 1).any(|other| meets(one, other) && leads_to(one) != leads_to(other))
    })
}

fn asks_for_all_of(one: &Workload, other: &Workload) -> bool {
    other.claims.iter().all(|(path, value)| one.claims.get(path) == Some(value))
}

/// A pattern with the account's name in the place of `${user}`.
fn named(source: &str, principal: &Username) -> String {
    const USER: &str = "${user}";
    let mut pattern = String::with_capacity(source.len());
    let mut rest = source;
    while let Some(first) = rest.chars().next() {
        if let Some(after) = rest.strip_prefix(USER) {
            pattern.push_str(&literal(principal.as_str()));
            rest = after;
            continue;
        }
        let escaped = first == '\\';
        let taken: String = rest.chars().take(1 + usize::from(escaped)).collect();
        rest = rest.strip_prefix(taken.as_str()).unwrap_or_default();
        pattern.push_str(&taken);
    }
    pattern
}

/// The pattern that matches this text and nothing else.
fn literal(text: &str) -> String {
    let mut pattern = String::with_capacity(text.len());
    for character in text.chars() {
        if matches!(character, '\\' | '?' | '*' | '$' | '{' | '}' | ',' | '!') {
            pattern.push('\\');
        }
        pattern.push(character);
    }
    pattern
}

#[cfg(test)]
mod tests {
    use super::named;

    #[test]
    fn the_account_stands_where_the_pattern_says_user() {
        let of = |source: &str| named(source, &"svc*".parse().unwrap());
        assert_eq!(of("refs/heads/${user}/**"), "refs/heads/svc\\*/**");
        assert_eq!(of("refs/heads/\\${user}/x"), "refs/heads/\\${user}/x");
        assert_eq!(of("refs/heads/x"), "refs/heads/x");
    }
}
