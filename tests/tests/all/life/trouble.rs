//! Days that are not like others.

use oam_tests::{
    Verdict,
    bitbucket_server::{Ailment, Permission},
    wait,
};
use serde_json::json;

use super::company::{Company, REPOSITORY};

impl Company {
    /// What somebody gives by hand is an alarm once; who does not count by the policy still cannot push.
    pub(super) fn has_a_careless_administrator(&self) {
        self.permit("eve", "P0", Permission::Admin);
        self.server.permit_everybody("P4", Permission::Write);
        self.server.restrict(REPOSITORY, "read-only", "refs/heads/main", &["eve"]);
        let look = || {
            self.oam("watch", &["--drift-every", "1h"]).expect_success("oam bitbucket watch").stderr_text()
        };
        let told = look();
        assert!(told.contains("16 findings beside the policy, 3 of them new"), "{told}");
        let status = self.status();
        assert!(status.contains("ALARM: Within a day Bitbucket got what the policy does not say: unknown-account 1, administers 1, not-granted 1, everybody 1, exemption 1, restriction 11."), "{status}");
        let found = self.oam("drift", &[]).stdout_text();
        for line in [
            "P0: user:eve has admin, and no rule gives it",
            "P4: everybody who is signed in has write",
            "P0/repo-0: read-only on refs/heads/main, but not for eve",
        ] {
            assert!(found.contains(line), "{line}: {found}");
        }
        for repository in [REPOSITORY, "P4/repo-1"] {
            let push = self.push("eve", repository, "refs/heads/u/eve/x");
            assert!(push.remote().contains("[no-grant]"), "{push:?}");
        }
        let folder = self.audit_folder();
        let query = ["audit", "query", "--dir", &folder, "--kind", "bitbucket-drift", "--user", "eve"];
        // It is told once it is signed.
        wait::until("who it is about is found", || {
            let entries = self.daemon.oam(query).expect_success("oam audit query").stdout_text();
            entries.contains("eve").then_some(())
        });
    }

    /// Who administers a project may have the hook run for less, and a project that comes has none. What canaries try is refused as
    /// before; whoever looks finds it, and installing again mends both.
    pub(super) fn has_an_administrator_who_narrows_the_hook(&self) {
        for id in [1, 2] {
            let path = format!("/projects/P0/hook-scripts/{id}");
            let body = json!({"triggerIds": ["branch-create"]});
            assert_eq!(self.server.ask("eve", "PUT", &path, Some(&body)).0, 200);
        }
        self.server.add_copies(REPOSITORY, "P10", &["repo-0".to_owned()]);
        assert!(self.push("bob", REPOSITORY, "refs/heads/unseen").accepted());
        let noted = self.folder.path().join("noted.json");
        let look = || {
            let watch = ["--drift-every", "1h", "--noted", noted.to_str().unwrap()];
            self.oam("watch", &watch).expect_success("oam bitbucket watch");
            let status = self.status();
            status.lines().find(|line| line.contains("CHANGES MAY NOT BE CHECKED")).map(str::to_owned)
        };
        let alarm = look().expect("an alarm");
        assert!(alarm.contains("hook-narrowed 2, hook-not-yet 1."), "{alarm}");
        let status = self.hook("status", "oam-hook", &[]);
        assert!(
            status.code == 1 && status.stdout_text().contains("ALARM: P10: was made after"),
            "{status:?}"
        );
        let plan = self.hook("install", "oam-hook", &["--all-projects", "--apply"]);
        assert!(plan.expect_success("oam bitbucket install").stdout_text().starts_with("4 steps done."));
        assert_eq!(look(), None);
        let refused = self.push("bob", REPOSITORY, "refs/heads/unseen-too");
        assert!(refused.remote().contains("[no-grant]"), "{refused:?}");
    }

    /// Hook scripts that do not run any more say nothing. Canaries do.
    pub(super) fn loses_its_hooks_without_a_word(&mut self) {
        self.sends_canaries("1s");
        let shown = |what: &str| wait::until(what, || self.status().contains(what).then_some(()));
        let proven = || {
            let tail = self.daemon.oam(["audit", "tail", "--lines", "20"]).stdout_text();
            tail.contains("canary: a forbidden branch in P").then_some(())
        };
        wait::until("a canary was refused", proven);
        // What went in before the hook was there is known until it is refused, also over a restart.
        wait::until("all are refused that went in before there was a hook", || {
            (!self.status().contains("CHANGES ARE NOT CHECKED")).then_some(())
        });
        self.server.feature_hook_scripts(false);
        shown("ALARM: CHANGES ARE NOT CHECKED in P");
        // So it is: what is forbidden goes in.
        assert!(self.push("bob", REPOSITORY, "refs/heads/forbidden").accepted());
        assert!(self.server.refs(REPOSITORY).contains(&"refs/heads/forbidden".to_owned()));
        self.server.feature_hook_scripts(true);
        wait::until("all is well again", || {
            (!self.status().contains("CHANGES ARE NOT CHECKED")).then_some(())
        });
        let refused = self.push("bob", REPOSITORY, "refs/heads/forbidden-too");
        assert!(refused.remote().contains("[no-grant]"), "{refused:?}");
        // None is left behind.
        wait::until("no canary is left", || {
            let left = |repository: String| {
                self.server.refs(&repository).iter().any(|name| name.contains("oam-canary"))
            };
            let all =
                ["P0", "P4"].iter().flat_map(|key| (0..30).map(move |slug| format!("{key}/repo-{slug}")));
            (!all.into_iter().any(left)).then_some(())
        });
    }

    /// While Bitbucket does not answer its own API nobody is refused for it, and nothing goes in that depends on it.
    pub(super) fn has_no_bitbucket_for_a_while(&self) {
        let id = self.opened("alice", "meanwhile");
        self.approve("bob", id);
        self.approve("carol", id);
        self.server.ail(Ailment::Down);
        let merge = self.merge("alice", id);
        assert_eq!(merge.verdict(), Verdict::Undecided);
        assert!(
            merge.text.contains("[approvals-unknown]") && merge.text.contains("This is not your fault"),
            "{}",
            merge.text
        );
        // What does not depend on it is decided.
        assert_eq!(self.push("alice", REPOSITORY, "refs/heads/u/alice/other").verdict(), Verdict::Permitted);
        let watch = self.oam("watch", &[]);
        assert_eq!(watch.code, 4, "{watch:?}");
        assert!(watch.stderr_text().contains("Bitbucket does not answer"), "{watch:?}");
        assert!(self.status().contains("Who approved pull requests could not be found out last time"));
        self.server.ail(Ailment::None);
        // Bitbucket itself freezes it as long as what the careless administrator made is there.
        self.server.lift("read-only", "refs/heads/main");
        assert_eq!(self.merge("alice", id).verdict(), Verdict::Permitted);
        assert!(!self.status().contains("could not be found out"));
    }
}
