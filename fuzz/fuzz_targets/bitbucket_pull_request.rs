//! What Bitbucket says of a pull request and of its commits: whoever approves stands in it, and what is not understood is told plainly.
#![no_main]

use libfuzzer_sys::fuzz_target;
use oam_bitbucket::{Commit, PullRequest, pull_request::CommitWire};
use oam_fuzz::assert_plain;
use serde_json::Value;

fuzz_target!(|data: &[u8]| {
    let value: Option<Value> = serde_json::from_slice(data).ok();
    match PullRequest::parse(data) {
        Err(problem) => assert_plain(&problem.to_string()),
        Ok(told) => {
            // What nobody looks at may be more than a number can be.
            let Some(value) = &value else { return };
            assert_eq!(value["fromRef"]["latestCommit"], told.head.to_string());
            assert_eq!(value["toRef"]["id"].as_str().map(str::as_bytes), Some(told.target.as_bytes()));
            let reviewers = value["reviewers"].as_array().into_iter();
            let participants = value.get("participants").and_then(Value::as_array).into_iter();
            let all: Vec<_> = reviewers.chain(participants).flatten().collect();
            for approval in &told.approvals {
                let reviewed = approval.reviewed.map(|reviewed| reviewed.to_string());
                assert!(all.iter().any(|one| {
                    one["user"]["name"] == approval.by.as_str()
                        && one["approved"] == true
                        && one["lastReviewedCommit"].as_str().map(str::to_owned) == reviewed
                }));
            }
        }
    }
    let wire: Option<CommitWire> = serde_json::from_slice(data).ok();
    match wire.map(Commit::of) {
        Some(Err(problem)) => assert_plain(&problem.to_string()),
        Some(Ok(commit)) => {
            let Some(value) = value else { return };
            assert_eq!(value["id"], commit.id.to_string());
            for (who, email) in ["author", "committer"].into_iter().zip(&commit.emails) {
                assert_eq!(value[who]["emailAddress"].as_str().unwrap_or_default(), &**email);
            }
        }
        None => {}
    }
});
