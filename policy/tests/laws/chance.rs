//! How worlds come about by chance.

use proptest::{bool::weighted, collection::vec, option, prelude::*, sample::select, sample::subsequence};

use crate::{
    elevated::{Elevated, elevated},
    leased::{Leased, leased},
    world::{
        Approvals, Checks, Conditions, GROUPS, Live, Paths, Person, ROLES, Role, Rule, Says, Shown, Use, Who,
        World,
    },
};

pub(crate) const REFS: [&str; 10] = [
    "refs/heads/main",
    "refs/heads/a/b",
    "refs/heads/u/Zoe/x",
    "refs/heads/u/ab/x",
    "refs/heads/u/svc/2/x",
    "refs/heads/rel/1",
    "refs/tags/v1",
    "refs/tags/1",
    "refs/heads/oam-canary/x",
    "refs/replace/x",
];
pub(crate) const REF_PATTERNS: [&[&str]; 18] = [
    &["refs/**"],
    &["refs/**"],
    &["refs/**"],
    &["refs/**"],
    &["refs/heads/**"],
    &["refs/**"],
    &["refs/heads/**"],
    &["refs/heads/**", "!refs/heads/main"],
    &["refs/heads/main"],
    &["refs/heads/u/${user}/**"],
    &["refs/heads/?/**", "refs/tags/v?"],
    &["refs/heads/{main,rel/*}"],
    &["re:refs/heads/rel/\\d+"],
    &["re:refs/heads/main|refs/heads/rel/1", "refs/tags/*"],
    &["re:refs/(heads|tags)/v?1"],
    &["refs/**", "!re:refs/heads/rel/\\d+"],
    &["refs/**/main", "refs/*/**/x"],
    &["refs/**", "!refs/heads/u/${user}/**", "!refs/heads/\\main"],
];
pub(crate) const REPOSITORIES: [&str; 3] = ["A/x", "a/y", "B/x"];
pub(crate) const ON: [&[&str]; 10] = [
    &["**"],
    &["**"],
    &["**"],
    &["**"],
    &["A/*"],
    &["A/*", "!*/y"],
    &["B/x", "a/X"],
    &["{A,B}/x"],
    &["re:a/.*"],
    &["**", "!A/X"],
];
pub(crate) const VERBS: [&str; 4] = ["create", "update", "force", "delete"];
pub(crate) const PATHS: [&str; 6] = ["x", "src/a.rs", "deploy/a", "deploy/b/c.PEM", "docs/x.jar", "a.rs"];
/// Why the token of a lease may not count, whatever the lease.
pub(crate) const LEASE_FAULTS: [&str; 4] =
    ["lease-malformed", "lease-not-ours", "lease-expired", "lease-several"];
const PATH_PATTERNS: [&[&str]; 9] = [
    &["**"],
    &["deploy/**"],
    &["**", "!deploy/**"],
    &["src/**", "docs/**"],
    &["*"],
    &["**/*.PEM", "x"],
    &["re:.*\\.rs"],
    &["re:deploy/.+|x"],
    &["{src,deploy}/?", "?.rs"],
];
/// Spelled as anybody might; the directory spells them as in [`PEOPLE`].
pub(crate) const NAMES: [&str; 7] = ["zoe", "ZOE", "ann", "Bob", "a*", "svc/2", "ghost"];
pub(crate) const PEOPLE: [(&str, &str); 4] =
    [("Zoe", "zoe@x"), ("ann", "Ann@x"), ("bob", "bob@x"), ("a*", "star@x")];
pub(super) const EMAILS: [&str; 6] = ["zoe@x", "ZOE@X", "ann@x", "bob@x", "shared@x", "nobody@x"];
const TIMES: [&str; 7] =
    ["Sat 22:00", "Sun 01:00", "Sun 02:00", "Sun 02:30", "Sun 03:00", "Sun 06:30", "Mon 00:00"];
const IDS: [&str; 8] = ["rule0", "rule1", "rule2", "rule3", "rule4", "rule5", "rule6", "extra"];

pub(super) fn some<T: Clone + std::fmt::Debug + 'static>(
    all: &'static [T],
    most: usize,
) -> impl Strategy<Value = Vec<T>> {
    subsequence(all.to_vec(), 0..=most)
}

pub(super) fn one<T: Clone + std::fmt::Debug + 'static>(all: &'static [T]) -> impl Strategy<Value = T> {
    select(all)
}

/// One of the lists of patterns; with regular expressions only where there is an engine for them.
pub(crate) fn patterns(
    all: &'static [&'static [&'static str]],
) -> impl Strategy<Value = &'static [&'static str]> {
    let known =
        |list: &&[&str]| cfg!(feature = "regex") || !list.iter().any(|pattern| pattern.contains("re:"));
    select(all.iter().copied().filter(known).collect::<Vec<_>>())
}

pub(crate) fn rarely<T: std::fmt::Debug + Clone>(
    of: impl Strategy<Value = T>,
) -> impl Strategy<Value = Option<T>> {
    option::weighted(0.25, of)
}

fn role() -> impl Strategy<Value = Role> {
    let service = prop_oneof![3 => Just(vec![]), 1 => some(&["SVC/2", "ann"], 2)];
    (some(&GROUPS, 2), some(&GROUPS, 1), service)
        .prop_filter("a role names something", |(any, all, service)| {
            !(any.is_empty() && all.is_empty() && service.is_empty())
        })
        .prop_map(|(any, all, service)| Role { any, all, service })
}

fn person(name: &'static str, email: &'static str) -> impl Strategy<Value = Option<Person>> {
    let someone = (subsequence(GROUPS.to_vec(), 1..=3), weighted(0.9), weighted(0.2)).prop_map(
        move |(groups, active, shared)| {
            let emails = if shared { vec![email, "Shared@x"] } else { vec![email] };
            Person { name, active, groups, emails }
        },
    );
    option::weighted(0.95, someone)
}

fn people() -> impl Strategy<Value = Vec<Person>> {
    let [a, b, c, d] = PEOPLE.map(|(name, email)| person(name, email));
    (a, b, c, d).prop_map(|(a, b, c, d)| [a, b, c, d].into_iter().flatten().collect())
}

pub(crate) fn slot() -> impl Strategy<Value = i64> {
    (0..9_i64).prop_map(|slot| slot * 30)
}

/// A moment: often just when a window begins or ends, or the minute before.
pub(crate) fn now() -> impl Strategy<Value = i64> {
    (slot(), weighted(0.3)).prop_map(|(slot, before)| slot - i64::from(before))
}

fn live() -> impl Strategy<Value = Live> {
    let zone = one(&["UTC", "Europe/Berlin", "Europe/Berlin", "Asia/Kolkata"]);
    let weekly = (one(&TIMES), one(&TIMES), zone).prop_filter("not empty", |(from, to, _)| from != to);
    let seldom = 0.15;
    let (from, to) = (option::weighted(seldom, slot()), option::weighted(seldom, slot()));
    (from, to, option::weighted(seldom, weekly)).prop_map(|(from, to, weekly)| {
        let to = to.filter(|to| from.is_none_or(|from| from < *to));
        Live { from, to, weekly }
    })
}

fn paths() -> impl Strategy<Value = Paths> {
    option::weighted(0.4, patterns(&PATH_PATTERNS).prop_map(<[_]>::to_vec))
}

fn checks() -> impl Strategy<Value = Checks> {
    let asked = || weighted(0.4);
    let flags = (asked(), asked(), weighted(0.7), asked(), asked(), asked());
    let extensions = prop_oneof![1 => Just(vec![]), 1 => Just(vec!["jar", "pem"])];
    let message = rarely(
        patterns(&[&["re:[A-Z]+-\\d+ .+"], &["A-1 *"], &["{A,B}-?*"], &["?-{1,2} */*"]])
            .prop_map(|one| one[0]),
    );
    let forbidden = rarely(patterns(&PATH_PATTERNS).prop_map(<[_]>::to_vec));
    let max_commits = rarely(one(&[1_u64, 2]));
    (flags, message, option::weighted(0.5, one(&[10_u64, 20])), forbidden, extensions, max_commits).prop_map(
        |(flags, message, max_blob, forbid_paths, forbid_extensions, max_commits)| {
            let (committer_is_pusher, author_known, signed, sign_off, linear, no_foreign_merges) = flags;
            Checks {
                committer_is_pusher,
                author_known,
                signed,
                message,
                sign_off,
                max_blob,
                forbid_paths,
                forbid_extensions,
                linear,
                no_foreign_merges,
                max_commits,
            }
        },
    )
}

fn conditions() -> impl Strategy<Value = Conditions> {
    let approvals =
        (one(&ROLES), 1_usize..3, paths()).prop_map(|(role, count, paths)| Approvals { role, count, paths });
    let checks = prop_oneof![1 => Just(Checks::default()), 2 => checks()];
    let tags = (weighted(0.3), weighted(0.5));
    (weighted(0.2), vec(approvals, 0..=2), any::<[bool; 3]>(), checks, tags).prop_map(
        |(via, approvals, [not_author, not_committers, reset], commits, (annotated_tag, signed_tag))| {
            // A require that asks for nothing is a fault.
            let asks = !approvals.is_empty() || commits != Checks::default() || annotated_tag || signed_tag;
            let via = via || !asks;
            Conditions {
                via,
                approvals,
                not_author,
                not_committers,
                reset,
                commits,
                annotated_tag,
                signed_tag,
            }
        },
    )
}

fn says() -> impl Strategy<Value = Says> {
    let user = rarely(one(&["ZOE", "ann", "svc/2"]));
    let lifts =
        subsequence(IDS.to_vec(), 3..=8).prop_map(|lifts| lifts.into_iter().map(str::to_owned).collect());
    prop_oneof![
        6 => (user, paths()).prop_map(|(user, paths)| Says::Grant { user, paths }),
        2 => (weighted(0.3), paths()).prop_map(|(absolute, paths)| Says::Block { absolute, paths }),
        5 => conditions().prop_map(Says::Require),
        4 => (lifts, one(&[30, 600, 600]), any::<bool>(), prop_oneof![1 => Just(vec![]), 1 => Just(ROLES.to_vec())])
            .prop_map(|(lifts, minutes, reason, second_person)| Says::Waiver { lifts, minutes, reason, second_person }),
    ]
}

pub(crate) fn rule() -> impl Strategy<Value = Rule> {
    // Often one of update and force: what a move is matters then.
    let one_way =
        select(vec![vec!["force"], vec!["update"], vec!["create", "update"], vec!["force", "delete"]]);
    let verbs = prop_oneof![3 => Just(VERBS.to_vec()), 2 => one_way, 1 => subsequence(VERBS.to_vec(), 1..=3)];
    let place = (patterns(&ON), patterns(&REF_PATTERNS), verbs);
    (weighted(0.12), place, live(), some(&ROLES, 2), says(), (one(&ROLES), weighted(0.7))).prop_map(
        |(evaluate, (on, refs, verbs), mut live, mut roles, says, (role, everywhere))| {
            match &says {
                // An exception for one person ends.
                Says::Grant { user: Some(_), .. } => {
                    live.to.get_or_insert(10_000);
                    roles.clear();
                }
                Says::Grant { .. } | Says::Waiver { .. } if roles.is_empty() => roles.push(role),
                _ => {}
            }
            let (mut on, mut refs) = (on.to_vec(), refs.to_vec());
            if matches!(says, Says::Waiver { .. }) {
                live = Live::default();
                if everywhere {
                    (on, refs, roles) = (vec!["**"], vec!["refs/**"], ROLES.to_vec());
                }
            }
            Rule { id: String::new(), evaluate, on, refs, verbs, live, roles, says }.sensible()
        },
    )
}

impl Rule {
    /// A rule about paths is about some verb that changes paths: anything else is a fault.
    fn sensible(mut self) -> Self {
        if self.verbs == ["delete"] {
            self.verbs.insert(0, "create");
        }
        self
    }
}

fn uses() -> impl Strategy<Value = Vec<Use>> {
    let lifts = prop_oneof![3 => Just(vec![]), 1 => some(&IDS, 3)];
    let lifts = lifts.prop_map(|lifts| lifts.into_iter().map(str::to_owned).collect::<Vec<_>>());
    let slot = prop_oneof![3 => Just(0), 1 => slot()];
    let time = (slot, one(&[30_i64, 400, 400, 400]));
    let by = prop_oneof![6 => Just("zoe"), 1 => one(&NAMES)];
    let one_use = (
        0_usize..8,
        lifts,
        by,
        rarely(one(&REPOSITORIES)),
        time,
        reason(),
        option::of(option::weighted(0.5, who())),
    )
        .prop_map(|(waiver, lifts, by, on, (from, length), reason, approved_by)| Use {
            waiver: IDS[waiver].to_owned(),
            lifts,
            by,
            on,
            from,
            to: from + length,
            reason,
            // Some approve their own use.
            approved_by: approved_by.map(|other| other.unwrap_or(Who::Name(by))),
        });
    vec(one_use, 0..6)
}

pub(crate) fn reason() -> impl Strategy<Value = &'static str> {
    one(&["it burns", "it burns", "it burns", "it burns", " "])
}

pub(crate) fn who() -> impl Strategy<Value = Who> {
    prop_oneof![5 => one(&NAMES).prop_map(Who::Name), 1 => some(&ROLES, 2).prop_map(Who::Holding)]
}

/// In most worlds somebody may do something, or nothing else would matter.
#[derive(Debug, Clone)]
enum Generous {
    No,
    /// With these verbs.
    Wholly(&'static [&'static str]),
    /// By two grants, each of some paths.
    InParts(&'static [&'static str], &'static [&'static str]),
}

fn generous() -> impl Strategy<Value = Generous> {
    let in_parts = (patterns(&PATH_PATTERNS), patterns(&PATH_PATTERNS));
    prop_oneof![
        3 => Just(Generous::No),
        3 => Just(Generous::Wholly(&VERBS)),
        2 => Just(Generous::Wholly(&VERBS[..2])),
        3 => in_parts.prop_map(|(one, other)| Generous::InParts(one, other))
    ]
}

fn broad_grant(paths: Paths) -> Rule {
    Rule {
        id: String::new(),
        evaluate: false,
        on: vec!["**"],
        refs: vec!["refs/**"],
        verbs: VERBS.to_vec(),
        live: Live::default(),
        roles: ROLES.to_vec(),
        says: Says::Grant { user: None, paths },
    }
}

pub(crate) fn world() -> impl Strategy<Value = World> {
    let cut_off = prop_oneof![5 => Just(vec![]), 1 => some(&NAMES, 2)];
    (vec(role(), 3), vec(rule(), 1..7), generous(), people(), cut_off, uses()).prop_map(
        |(roles, mut rules, generous, people, cut_off, mut uses)| {
            match generous {
                Generous::No => {}
                Generous::Wholly(verbs) => rules[0] = Rule { verbs: verbs.to_vec(), ..broad_grant(None) },
                Generous::InParts(one, other) => {
                    rules[0] = broad_grant(Some(one.to_vec()));
                    rules.insert(1, broad_grant(Some(other.to_vec())));
                }
            }
            for (rule, id) in rules.iter_mut().zip(IDS) {
                rule.id = id.to_owned();
            }
            let waivers: Vec<_> =
                rules.iter().filter(|rule| rule.is_waiver()).map(|rule| rule.id.clone()).collect();
            // Most uses are of waivers that there are.
            for (number, one) in uses.iter_mut().enumerate().filter(|(number, _)| number % 4 != 3) {
                if let Some(waiver) = waivers.get(number % waivers.len().max(1)) {
                    one.waiver.clone_from(waiver);
                }
            }
            World { roles, rules, people, cut_off, uses, elevated: vec![], leased: vec![], shown: None }
        },
    )
}

/// By what somebody may do much, in a world where some have something for a while.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Much {
    /// As it comes.
    No,
    ByElevation,
    ByLease,
}

fn shown() -> impl Strategy<Value = Option<Shown>> {
    prop_oneof![
        16 => Just(None),
        4 => Just(Some(Shown::Of(0))),
        2 => Just(Some(Shown::Of(1))),
        1 => one(&LEASE_FAULTS).prop_map(|code| Some(Shown::Not(code))),
    ]
}

/// A world in which some have something for a while.
pub(crate) fn world_for_a_while() -> impl Strategy<Value = World> {
    let much = prop_oneof![2 => Just(Much::No), 2 => Just(Much::ByElevation), 2 => Just(Much::ByLease)];
    let given = (vec(elevated(), 0..3), vec(leased(), 0..3), shown());
    (world(), given, much, option::weighted(0.3, patterns(&PATH_PATTERNS))).prop_map(
        |(mut world, (mut elevated, mut leased, shown), much, paths)| {
            if much != Much::No {
                // What is granted to a role that nobody holds takes having it for a while.
                world.roles[2] = Role { any: vec!["s:none"], all: vec![], service: vec![] };
                let paths = paths.map(<[_]>::to_vec);
                let id = "for-a-while".to_owned();
                world.rules.push(Rule { id, roles: vec![ROLES[2]], ..broad_grant(paths) });
            }
            match much {
                Much::No => {}
                Much::ByElevation => elevated.iter_mut().for_each(Elevated::give_much),
                Much::ByLease => leased.iter_mut().for_each(Leased::give_much),
            }
            // A role has one `max_lease`.
            for number in 1..leased.len() {
                let (before, one) = (&leased[..number], &leased[number]);
                if let Some(same) = before.iter().find(|other| other.role() == one.role()).cloned() {
                    leased[number].bound_as(&same);
                }
            }
            // Where nothing is leased, there is hardly anything to show.
            let shown = shown.filter(|shown| !leased.is_empty() || matches!(shown, Shown::Not(_)));
            World { elevated, leased, shown, ..world }
        },
    )
}
