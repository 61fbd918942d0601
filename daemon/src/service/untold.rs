//! Facts that nobody can tell yet. What rests on them is undecided: a rule that cannot be evaluated never counts as passed.

use oam_policy::facts::{Facts, FactsNeeded, HistoryPart, Unreadable};

/// Learns that the facts are not to be had.
pub(super) fn learn(facts: &mut Facts, needed: &FactsNeeded) {
    for history in &needed.histories {
        let (update, cover) = (history.update, history.cover.clone());
        let why = format!("this version of the hook does not look at the {}", history.part.as_str());
        let unreadable = Unreadable { why };
        match history.part {
            HistoryPart::Paths => facts.learn_paths(update, cover, Err(unreadable)),
            HistoryPart::Files => facts.learn_files(update, cover, Err(unreadable)),
            HistoryPart::Commits => facts.learn_commits(update, cover, Err(unreadable)),
        }
    }
    if needed.pull_request {
        let why = "this version does not ask Bitbucket for the approvals of a pull request".to_owned();
        facts.learn_pull_request(Err(Unreadable { why }));
    }
}
