//! What is permitted is not refused by the mirror.

use std::sync::Arc;

use jiff::Timestamp;
use oam_policy::{
    Channel, Circumstances, Evaluation, Outcome, Question, RefName, Repository, Snapshot, State, Username,
    decide,
    snapshot::{Directory, Person},
};
use proptest::prelude::*;

use super::{PEOPLE, policy, settings, sources};
use crate::{
    Account, Restriction,
    mirror::{Protections, changes::fitting},
    model::{Answer, Change, at_ref},
    provision::Seen,
    samples::place,
};

/// A rule by chance, with its id.
fn rule() -> impl Strategy<Value = String> {
    let refs = proptest::collection::vec(
        proptest::sample::select(vec![
            "refs/heads/main",
            "refs/heads/x",
            "refs/**",
            "refs/heads/**",
            "refs/tags/**",
            "refs/**/main",
            "refs/**/release/**",
            "refs/heads/release/*",
            "refs/heads/r?l/**",
            "refs/tags/v1",
            "refs/**/refs/**",
            "refs/**/*/main",
            "re:refs/heads/.*",
            "!refs/heads/main",
        ]),
        1..3,
    );
    let refs = refs.prop_filter("something is in it", |refs| refs.iter().any(|one| !one.starts_with('!')));
    let verbs = proptest::sample::subsequence(vec!["create", "update", "force", "delete"], 0..=4);
    let except = proptest::sample::subsequence(vec!["developer", "lead", "both", "bot"], 0..=3);
    let on = proptest::sample::select(vec!["\"PAY/*\"", "\"**\"", "\"PAY/api\"", "\"PAY/*\", \"!PAY/web\""]);
    let kind = proptest::sample::select(vec!["block", "block", "require", "waived", "frozen"]);
    (refs, verbs, except, on, kind).prop_map(|(refs, verbs, except, on, kind)| {
        let list = |all: &[&str]| all.iter().map(|one| format!("\"{one}\"")).collect::<Vec<_>>().join(", ");
        let (table, more) = match kind {
            "require" => ("require", "via = \"pull-request\"\n"),
            "frozen" => ("block", "from = 2000-01-01T00:00:00Z\nto = 2100-01-01T00:00:00Z\n"),
            _ => ("block", ""),
        };
        let mut text = format!("[[{table}]]\nid = \"ID\"\non = [{on}]\nrefs = [{}]\n{more}", list(&refs));
        if !verbs.is_empty() {
            text.push_str(&format!("verbs = [{}]\n", list(&verbs)));
        }
        if !except.is_empty() {
            text.push_str(&format!("except = [{}]\n", list(&except)));
        }
        match kind {
            "waived" => {
                text + "[[waiver]]\nid = \"ID-w\"\nlifts = [\"ID\"]\nto = [\"lead\"]\nmax_time = \"1h\"\n"
            }
            _ => text,
        }
    })
}

fn snapshot() -> Snapshot {
    let people = PEOPLE[..4].iter().map(|(name, groups)| Person {
        groups: groups.iter().map(|group| format!("okta:{group}").parse().unwrap()).collect(),
        ..Person::named(Username::parse(name).unwrap())
    });
    let directory = Directory { people: people.collect(), ..Directory::default() };
    Snapshot::of_directory(1, Timestamp::UNIX_EPOCH, &directory, Default::default()).unwrap()
}

const NAMES: [&str; 14] = [
    "refs/heads/main",
    "refs/heads/x",
    "refs/heads/release",
    "refs/heads/release/1",
    "refs/heads/release/1/2",
    "refs/heads/rel/1",
    "refs/heads/a/release/1",
    "refs/heads/a/main",
    "refs/tags/v1",
    "refs/tags/main",
    "refs/tags/release/1",
    // Once more within.
    "refs/heads/refs/heads/release/1",
    "refs/heads/refs/heads/main",
    "refs/tags/refs/tags/v1",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]
    /// Whatever the policy is: what it permits is refused by nothing that is mirrored, whichever way Bitbucket's documentation is
    /// read. With patterns, of names that hold no `refs/` within.
    #[test]
    fn what_is_permitted_is_not_refused_by_the_mirror(rules in proptest::collection::vec(rule(), 0..5), patterns: bool, whole: bool, listed: bool) {
        let rules: String = rules.iter().enumerate().map(|(number, rule)| rule.replace("\"ID", &format!("\"r{number}"))).collect();
        let policy = policy(&rules);
        let mirror = settings(if whole { &["PAY"] } else { &["PAY/api", "PAY/web"] }, patterns);
        let protections = Protections::of(&policy, &mirror, &sources());
        // As Bitbucket has them; it may not list the service account, which pushes all the same.
        let mut seen = Seen::default();
        seen.groups.is = ["eng", "leads", "chiefs"].map(str::to_owned).into();
        let accounts = PEOPLE.iter().filter(|(name, _)| listed || *name != "svc-ci");
        seen.accounts.is = accounts.map(|(name, _)| Account { id: None, name: (*name).into(), slug: (*name).into(), active: true }).collect();
        let made = |at: &str| -> Vec<Restriction> {
            let all = protections.at(&place(at), &mirror).into_iter();
            all.filter_map(|(one, _)| fitting(&one, &seen).ok()).map(|one| Restriction {
                id: 1,
                kind: one.kind,
                matcher: one.matcher,
                users: one.users.into_iter().collect(),
                groups: one.groups.into_iter().collect(),
                access_keys: vec![],
            })
            .collect()
        };
        let state = State { policy: Some(Arc::new(policy.clone())), snapshot: Some(snapshot()), ..State::default() };
        for repository in ["PAY/api", "PAY/web"] {
            let there = [made("PAY"), made(repository)].concat();
            for name in NAMES.iter().filter(|name| !patterns || !name.trim_start_matches("refs/").contains("refs/")) {
                let here = at_ref(&there, None, name);
                for (user, groups) in PEOPLE {
                    for change in Change::ALL {
                        let question = Question {
                            repository: Repository::parse(repository).unwrap(),
                            name: RefName::parse(name.as_bytes()).unwrap(),
                            verb: change.verb,
                            channel: if change.merged { Channel::PullRequestMerge } else { Channel::Push },
                            circumstances: Circumstances::default(),
                        };
                        let request = question.request(Username::parse(user).unwrap());
                        let Evaluation::Decided(decided) = decide(&state, &request, &question.facts(), Timestamp::UNIX_EPOCH) else {
                            continue;
                        };
                        if decided.outcome() != Outcome::Permitted {
                            continue;
                        }
                        let is_exempt = |one: &Restriction| {
                            one.users.iter().any(|name| name == user) || one.groups.iter().any(|group| groups.contains(&group.as_str()))
                        };
                        let answer = here.decide(change, is_exempt);
                        prop_assert_eq!(answer, Answer::Permitted, "{} {} {} {}\n{}\n{:?}", user, change, repository, name, rules, there);
                    }
                }
            }
        }
    }
}
