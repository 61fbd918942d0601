//! Of the policies that pushes were decided by, only the last are held.

use super::*;

#[tokio::test]
async fn a_few_policies_are_held_and_the_others_read_again() {
    let bench = Bench::new().await;
    let mut digests = Vec::new();
    for number in 0..6 {
        bench.apply(&POLICY.replace("refs/heads/main", &format!("refs/heads/main-{number}"))).await;
        digests.push(bench.live.policies.live().unwrap().policy.digest().to_string());
    }
    let mut policies = Policies::new(Arc::clone(&bench.live.policies));
    let met: Vec<_> = digests.iter().map(|digest| Arc::downgrade(&policies.of(digest).unwrap())).collect();
    let held: Vec<_> = met.iter().map(|one| one.strong_count() > 0).collect();
    assert_eq!(held, [false, false, true, true, true, true]);
    for digest in &digests {
        assert_eq!(policies.of(digest).unwrap().digest().to_string(), *digest);
    }
    assert!(policies.of("0123456789").is_none());
}
