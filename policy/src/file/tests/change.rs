//! How a policy may be replaced.

use super::{read, starter};
use crate::rule::{ChangeRule, PolicyParts};

const SAID: &str = "version = 1\n[change]\napprovals = 2\n";

#[test]
fn it_is_said_once_over_all_files() {
    let policy = read(&[starter(), SAID]).unwrap();
    assert_eq!(policy.change(), ChangeRule { approvals: 2 });
    assert_eq!(read(&[starter()]).unwrap().change(), ChangeRule::default());
    let most = SAID.replace('2', "16");
    assert_eq!(read(&[&most]).unwrap().change().approvals, ChangeRule::MOST);
}

/// What a policy says about its own change is a part of what is approved, and a policy that says nothing is what it was.
#[test]
fn it_counts_in_the_digest_unless_it_says_nothing() {
    let digest = |texts: &[&str]| read(texts).unwrap().digest();
    let silent = digest(&[starter()]);
    assert_eq!(digest(&[starter(), &SAID.replace('2', "0")]), silent);
    assert_ne!(digest(&[starter(), SAID]), silent);
    assert_ne!(digest(&[starter(), SAID]), digest(&[starter(), &SAID.replace('2', "1")]));
    let written = serde_json::to_value(PolicyParts::default()).unwrap();
    assert!(written.get("roles").is_some() && written.get("change").is_none(), "{written}");
}
