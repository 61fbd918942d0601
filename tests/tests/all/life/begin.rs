//! The administrator's first day.

use std::fs;

use oam_tests::wait;

use super::company::Company;

/// The first policy: each team writes its own branches in its own project, and reads everywhere; what goes into `main` of the first
/// project is reviewed; tags stay; and who sends canaries may delete them.
fn first_policy(_: &Company) -> String {
    let mut text = "version = 1\ncontact = \"#platform\"\n".to_owned();
    for team in 0..10 {
        text.push_str(&format!(
            "[[role]]\nid = \"team-{team}\"\nany = [\"okta:team-{team}\"]\n\
             [[grant]]\nid = \"see-{team}\"\nto = [\"team-{team}\"]\non = [\"**\"]\nverbs = [\"read\"]\n\
             [[grant]]\nid = \"topics-{team}\"\nto = [\"team-{team}\"]\non = [\"P{team}/*\"]\n\
             refs = [\"refs/heads/u/${{user}}/**\"]\nverbs = [\"create\", \"update\", \"force\", \"delete\"]\n\
             [[grant]]\nid = \"main-{team}\"\nto = [\"team-{team}\"]\non = [\"P{team}/*\"]\n\
             refs = [\"refs/heads/main\"]\nverbs = [\"update\"]\n"
        ));
    }
    text.push_str(
        r#"
[[require]]
id            = "reviewed"
on            = ["P0/*"]
refs          = ["refs/heads/main"]
via           = "pull-request"
approvals     = [{ role = "team-0", count = 2 }]
exclude       = ["author", "committers"]
reset_on_push = true

[[role]]
id  = "guard"
any = ["okta:guards"]

[[grant]]
id    = "canaries"
to    = ["guard"]
on    = ["P0/*"]
refs  = ["refs/heads/oam-canary/**"]
verbs = ["delete"]
"#,
    );
    text
}

impl Company {
    /// The steps are shown, taken, and then there is nothing left to do; pushes are checked, and nobody may anything yet.
    pub(super) fn installs_the_hook(&self) {
        let plan = self.hook("install", "oam-hook", &["--all-projects"]).expect_success("the plan");
        let plan = plan.stdout_text();
        assert!(plan.contains("+ P9: switch the PRE script on, for 8 triggers"), "{plan}");
        assert!(plan.ends_with("22 steps, none taken: add --apply to take them.\n"), "{plan}");
        assert!(self.push("boss", "P3/repo-7", "refs/heads/unchecked").accepted());
        self.hook("install", "oam-hook", &["--all-projects", "--apply"])
            .expect_success("oam bitbucket install");
        let again = self.hook("install", "oam-hook", &["--all-projects", "--apply"]).expect_success("again");
        assert_eq!(again.stdout_text(), "Nothing is to be done. 22 things are as it should be already.\n");
        let refused = self.push("boss", "P3/repo-7", "refs/heads/checked");
        assert!(refused.remote().contains("[unknown-principal]"), "{refused:?}");
    }

    pub(super) fn has_a_first_policy(&self) {
        let file = self.folder.path().join("policy.toml");
        fs::write(&file, first_policy(self)).unwrap();
        let file = file.to_str().unwrap();
        self.daemon.oam(["policy", "check", file]).expect_success("oam policy check");
        // The daemon follows the files of a checkout.
        self.daemon.write_policy(&first_policy(self));
        wait::until("the policy is in force", || {
            let shown = self.daemon.oam(["policy", "show"]).stdout_text();
            shown.contains("topics-9").then_some(())
        });
    }

    /// What 300 repositories ask for is bounded, what is given is given once, and where nothing changed nobody is asked.
    pub(super) fn gives_permissions_by_it(&self) {
        let seen = self.folder.path().join("seen.json");
        let kept = ["--seen", seen.to_str().unwrap(), "--seen-within", "1h"];
        let (plan, requests) = self.requests(|| self.oam("plan", &[]).expect_success("oam bitbucket plan"));
        let plan = plan.stdout_text();
        // Two for each of 310 places, and pages of people, groups and places.
        assert!((620..700).contains(&requests), "{requests}");
        assert!(plan.contains("101 changes: 101 given."), "{plan}");
        assert!(plan.contains("+ P0: group:team-0 gets write (rule `main-0`, role `team-0`; "), "{plan}");
        let applied = self.oam("apply", &[]).expect_success("oam bitbucket apply").stdout_text();
        assert_eq!(applied, "101 changes made.\n");
        assert_eq!(self.server.given().len(), 101);
        // Beside it there is the administrator of Bitbucket, whom no rule knows.
        let watch = [&kept[..], &["--drift-every", "1h"]].concat();
        let told = self.oam("watch", &watch).expect_success("oam bitbucket watch").stderr_text();
        assert!(told.contains("1 findings beside the policy, 1 of them new"), "{told}");
        let (again, requests) = self.requests(|| self.oam("plan", &kept).expect_success("a second plan"));
        assert!(again.stdout_text().contains("Nothing is to be done."), "{again:?}");
        assert_eq!(requests, 0);
    }
}
