//! Policies of as many regular expressions as there may be, each as large as it may be.

#![cfg(feature = "regex")]
#![expect(clippy::unwrap_used, clippy::panic, reason = "tests may fail loudly")]

mod common;

use std::{
    fmt::Write as _,
    time::{Duration, Instant},
};

use oam_policy::{
    Policy,
    file::{self, MAX_SIGNS, PolicySource},
    rule::RefSet,
};

/// How much of the bound on a policy's patterns an expression counts for, by the reference.
const WEIGHT: usize = 2_000;

/// An expression that no part of a name decides: wherever an `a` is, it could begin to match.
fn expression(letters: usize, number: usize) -> String {
    format!("re:refs/heads/.*a[a-z]{{{letters}}}x{number}")
}

/// The most letters with which it compiles within its bound.
fn most_letters() -> usize {
    let fits = |letters| RefSet::parse_one(&expression(letters, 999)).is_ok();
    let (mut fitting, mut too_many) = (1, 1 << 20);
    while too_many - fitting > 1 {
        let middle = (fitting + too_many) / 2;
        *(if fits(middle) { &mut fitting } else { &mut too_many }) = middle;
    }
    assert!(fits(fitting) && !fits(too_many));
    fitting
}

fn parsed(expressions: usize, letters: usize) -> Result<Policy, String> {
    let mut text = "version = 1\n[[role]]\nid = \"eng\"\nany = [\"okta:eng\"]\n".to_owned();
    for number in 0..expressions {
        write!(
            text,
            "[[grant]]\nid = \"g{number}\"\nto = [\"eng\"]\non = [\"**\"]\nverbs = [\"create\"]\nrefs = [\"{}\"]\n",
            expression(letters, number)
        )
        .unwrap();
    }
    let source = PolicySource { name: "policy.toml".into(), text };
    file::parse(&[source]).map_err(|faults| faults.to_string())
}

/// The shortest of some runs: what the machine does besides only makes them longer.
fn shortest(case: &common::Case, name: &str) -> Duration {
    let run = || {
        let begun = Instant::now();
        case.decide("alice", "PAY/api", &[&format!("create {name}")], &oam_policy::Facts::none());
        begun.elapsed()
    };
    (0..3).map(|_| run()).min().unwrap()
}

#[test]
fn there_are_so_many_expressions_and_each_is_so_large_and_no_more() {
    // Beside each there is the `**` of its repositories.
    let (most, letters) = (MAX_SIGNS / (WEIGHT + 2), most_letters());
    // What it is refused for is told: the size of one…
    let error = RefSet::parse_one(&expression(letters + 1, 999)).unwrap_err().to_string();
    assert!(error.contains("needs more than 131072 bytes"), "{error}");
    // …and the size of all, with the rule that goes too far.
    assert_eq!(most, 499, "by the reference 500 are too many with anything beside them");
    let faults = parsed(most + 1, 1).unwrap_err();
    assert!(faults.contains("`g499`") && faults.contains("1000000 characters"), "{faults}");
    // So all of them come to less than 500 times 128 KiB at most; and that many are a policy.
    let policy = parsed(most, letters).unwrap();
    assert_eq!(policy.grants().len(), most);
}

/// A decision takes the name once through each expression, whatever that has to remember: so it costs no more than their
/// number, their size and the length of the name multiplied. Here all that is remembered grows with the name.
#[test]
fn what_a_decision_costs_grows_with_the_expressions_and_the_name_only() {
    let letters = most_letters();
    let case = |expressions| common::Case::new(parsed(expressions, letters).unwrap(), common::snapshot());
    let name = |length: usize| format!("refs/heads/{}", "ab".repeat(length / 2));
    let (few, many) = (case(5), case(50));
    let (short, long) = (name(100), name(400));
    // Once before: what is compiled on the way is kept.
    let _ = (shortest(&few, &short), shortest(&many, &short));
    let [base, more, longer] =
        [(&few, &short), (&many, &short), (&few, &long)].map(|(case, name)| shortest(case, name));
    assert!(more <= base * 10 * 8, "ten times the expressions: {more:?} instead of {base:?}");
    assert!(longer <= base * 4 * 4 * 4, "four times the name: {longer:?} instead of {base:?}");
}
