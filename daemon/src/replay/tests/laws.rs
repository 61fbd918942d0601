//! Under the policy that was in force, nothing changes, whatever was pushed.

use proptest::{collection::vec, prelude::*, sample::select};
use tokio::runtime::Runtime;

use super::{super::Basis, *};

fn update() -> impl Strategy<Value = String> {
    let verb = select(vec!["create", "update", "force", "delete", "unreadable"]);
    let name = select(vec!["heads/main", "heads/t/1", "heads/other", "tags/1", "replace/1", "heads/alice"]);
    (verb, name).prop_map(|(verb, name)| format!("{verb} refs/{name}"))
}

fn push() -> impl Strategy<Value = (&'static str, Vec<String>)> {
    (select(vec!["alice", "bob", "carol", "dave", "svc-ci", "nobody"]), vec(update(), 1..6))
}

/// Variants of the policy that contradict each other in many ways.
fn policy_text() -> impl Strategy<Value = String> {
    let refs = select(vec!["refs/heads/**", "refs/heads/main", "refs/heads/${user}", "refs/tags/**"]);
    let verbs = select(vec!["\"create\"", "\"update\"", "\"update\", \"force\"", "\"force\", \"delete\""]);
    let mode = select(vec!["", "mode = \"evaluate\"\n"]);
    (refs, verbs, mode, any::<bool>()).prop_map(|(refs, verbs, mode, block)| {
        let (kind, to) = if block { ("block", "except") } else { ("grant", "to") };
        format!(
            "{POLICY}\n[[{kind}]]\nid = \"drawn\"\n{mode}on = [\"PAY/*\"]\n{to} = [\"bot\"]\nrefs = [\"{refs}\"]\nverbs = [{verbs}]\n"
        )
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn nothing_changes_under_what_was_in_force(
        first in policy_text(),
        then in policy_text(),
        pushes in vec((push(), 0..8_u8), 1..16),
    ) {
        Runtime::new().unwrap().block_on(async {
            let bench = Bench::new().await;
            bench.apply(&first).await;
            for ((user, updates), happens) in &pushes {
                match happens {
                    0 => bench.import(&[("alice", &["s:eng"]), ("carol", &["s:eng"])]).await,
                    1 => bench.apply(&then).await,
                    2 => bench.apply(&first).await,
                    _ => {}
                }
                let updates: Vec<_> = updates.iter().map(String::as_str).collect();
                bench.push(user, &updates).await;
            }
            let refs: usize = pushes.iter().map(|((_, updates), _)| updates.len()).sum();
            let (summary, verdicts) = run(bench.replay(Basis::Recorded));
            assert_eq!(told(&verdicts), Vec::<String>::new());
            assert_eq!((summary.unchanged, untold(&summary)), (refs as u64, vec![]));

            // And under one policy all along, by that policy.
            let last = bench.live.policies.live().unwrap();
            let started = Timestamp::now();
            for ((user, updates), _) in &pushes {
                let updates: Vec<_> = updates.iter().map(String::as_str).collect();
                bench.push(user, &updates).await;
            }
            let basis = Basis::Policy(Arc::clone(&last.policy));
            let (summary, verdicts) = run(Replay { since: started, ..bench.replay(basis) });
            assert_eq!(told(&verdicts), Vec::<String>::new());
            assert_eq!((summary.unchanged, untold(&summary)), (refs as u64, vec![]));
        });
    }
}
