//! The last days.

use std::os::unix::fs::symlink;

use oam_tests::{Verdict, binaries};

use super::company::{Company, REPOSITORY};

impl Company {
    /// An upgrade gives the scripts another file under the same numbers: nothing is unchecked meanwhile.
    pub(super) fn upgrades_the_hook(&self) {
        symlink(binaries::path("oam-hook"), self.binary("hook-2")).unwrap();
        let upgrade = |more: &[&str]| {
            let more = [&["--all-projects"], more].concat();
            self.hook("install", "hook-2", &more).expect_success("oam bitbucket install").stdout_text()
        };
        assert!(upgrade(&[]).contains("2 steps, none taken"));
        assert_eq!(self.push("alice", REPOSITORY, "refs/heads/u/alice/before").verdict(), Verdict::Permitted);
        upgrade(&["--apply"]);
        assert_eq!(self.push("alice", REPOSITORY, "refs/heads/u/alice/after").verdict(), Verdict::Permitted);
        assert!(self.push("alice", REPOSITORY, "refs/heads/no").remote().contains("[no-grant]"));
        assert!(upgrade(&["--apply"]).starts_with("Nothing is to be done."));
    }

    /// All that was decided is on record, verifies, and comes out the same; with what the merges rested on.
    pub(super) fn has_all_of_it_on_record(&self) {
        let audit = self.daemon.audit();
        let merged = audit.decisions().into_iter().filter(|one| one.decision.pull_request.is_some()).count();
        // One merge that was refused twice before, and one that was not decided once.
        assert_eq!(merged, 5);
        let again = self.daemon.oam(["policy", "replay", "--recorded"]);
        assert_eq!(again.code, 0, "{again:?}");
    }

    /// Uninstalled, everything is as before the first day; and nobody is told that it is checked.
    pub(super) fn takes_the_hook_away(&self) {
        let plan = self.hook("uninstall", "", &[]).expect_success("the plan").stdout_text();
        assert!(plan.contains("24 steps, none taken"), "{plan}");
        self.hook("uninstall", "", &["--apply"]).expect_success("oam bitbucket uninstall");
        assert!(self.push("alice", REPOSITORY, "refs/heads/unchecked").accepted());
        let again = self.hook("uninstall", "", &["--apply"]).expect_success("again").stdout_text();
        assert_eq!(again, "Nothing is to be done.\n");
        let status = self.hook("status", "hook-2", &[]);
        assert_eq!(status.code, 1, "{status:?}");
    }
}
