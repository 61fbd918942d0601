//! The administrator's first day.

use std::fs;

use oam_tests::{Run as _, Verdict, wait};

use super::company::{Company, GIVEN, REPOSITORY};

/// What the administrator adds to what was imported, once it is in force: what goes into `main` of the first project is reviewed, who
/// sends canaries may delete them, and reads everywhere.
const ADDED: &str = r##"
version = 1
contact = "#platform"

[[require]]
id            = "reviewed"
on            = ["P0/*"]
refs          = ["refs/heads/main"]
via           = "pull-request"
approvals     = [{ role = "team-0", count = 2 }]
exclude       = ["author", "committers"]
reset_on_push = true

[[grant]]
id    = "canaries"
to    = ["guards"]
on    = ["P0/*"]
refs  = ["refs/heads/oam-canary/**"]
verbs = ["delete"]

[[grant]]
id    = "canaries-see"
to    = ["guards"]
on    = ["**"]
verbs = ["read"]
"##;

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

    /// The first policy is what Bitbucket has decided so far: imported, read, and in force. What it cannot say is in a table, and here
    /// asks for nothing: those who administer Bitbucket by name push nothing.
    pub(super) fn has_a_first_policy(&self) {
        let folder = self.folder.path().join("policy");
        let mut oam = self.daemon.oam_command();
        oam.args([
            "policy",
            "init",
            "--from-bitbucket",
            self.server.url(),
            "--network",
            "loopback",
            "--token-file",
        ]);
        oam.arg(self.folder.path().join("admin")).arg("--into").arg(&folder).args(["--source", "okta"]);
        let (init, requests) = self.requests(|| oam.run());
        let said = init.stdout_text();
        assert!((930..1_200).contains(&requests), "{requests}");
        for line in [
            "12 roles, 11 grants, 1 block, 1 require",
            "person (3): a machine",
            "user:boss administers Bitbucket, by name",
            "other-refs (1)",
            "answers differ, and what could not be carried over explains each",
        ] {
            assert!(said.contains(line), "{line}: {init:?}");
        }
        self.daemon.oam(["policy", "check", folder.to_str().unwrap()]).expect_success("oam policy check");
        self.follows(|text| text);
        // Everything is as it was, and nothing is to be given or taken.
        assert_eq!(self.push("alice", REPOSITORY, "refs/heads/anything").verdict(), Verdict::Permitted);
        let direct = self.push("alice", REPOSITORY, "refs/heads/main");
        assert!(direct.remote().contains("[pull-request-required]"), "{direct:?}");
        let plan = self.oam("plan", &[]).expect_success("oam bitbucket plan").stdout_text();
        assert!(
            plan.contains("Nothing is to be done. 21 permissions are as they should be already."),
            "{plan}"
        );
    }

    /// Then the policy says what Bitbucket could not: branches are somebody's own, and `main` is reviewed.
    pub(super) fn says_more_than_bitbucket_could(&self) {
        self.follows(|text| {
            text.replace(
                r#""refs/heads/**", "refs/tags/**""#,
                r#""refs/heads/u/${user}/**", "refs/heads/main""#,
            )
        });
        self.puts("added.toml", ADDED);
        self.is_in_force("canaries-see");
        let folder = self.daemon.policy_folder();
        self.daemon.oam(["policy", "check", folder.to_str().unwrap()]).expect_success("oam policy check");
    }

    /// The daemon follows what was imported, as it was edited.
    fn follows(&self, edited: impl Fn(String) -> String) {
        let _ = fs::remove_file(self.daemon.policy_folder().join("policy.toml"));
        for file in ["roles.toml", "permissions.toml", "restrictions.toml"] {
            let text = fs::read_to_string(self.folder.path().join("policy").join(file)).unwrap();
            self.puts(file, &edited(text));
        }
        self.is_in_force(&edited("\"refs/heads/**\", \"refs/tags/**\"".to_owned()));
    }

    fn puts(&self, file: &str, text: &str) {
        fs::write(self.daemon.policy_folder().join(file), text).unwrap();
    }

    fn is_in_force(&self, what: &str) {
        wait::until("the policy is in force", || {
            self.daemon.oam(["policy", "show"]).stdout_text().contains(what).then_some(())
        });
    }

    /// What 300 repositories ask for is bounded, what is given is given once, and where nothing changed next to nothing is asked.
    pub(super) fn gives_permissions_by_it(&self) {
        let seen = self.folder.path().join("seen.json");
        let kept = ["--seen", seen.to_str().unwrap(), "--seen-within", "1h"];
        let (plan, requests) = self.requests(|| self.oam("plan", &[]).expect_success("oam bitbucket plan"));
        let plan = plan.stdout_text();
        // Two for each of 310 places, and pages of people, groups and places.
        assert!((620..700).contains(&requests), "{requests}");
        assert!(plan.contains("9 changes: 9 given. 21 permissions are as they should be already."), "{plan}");
        assert!(plan.contains("+ P1: group:guards gets read (rule `canaries-see`, role `guards`)"), "{plan}");
        let applied = self.oam("apply", &[]).expect_success("oam bitbucket apply").stdout_text();
        assert_eq!(applied, "9 changes made.\n");
        assert_eq!(self.server.given().len(), GIVEN);
        // Beside it there is the administrator of Bitbucket, whom no rule and no source knows, and the restrictions of before.
        let watch = [&kept[..], &["--drift-every", "1h"]].concat();
        let told = self.oam("watch", &watch).expect_success("oam bitbucket watch").stderr_text();
        assert!(told.contains("13 findings beside the policy, 13 of them new"), "{told}");
        let (again, requests) = self.requests(|| self.oam("plan", &kept).expect_success("a second plan"));
        assert!(again.stdout_text().contains("Nothing is to be done."), "{again:?}");
        // The daemon asks whose token it has.
        assert_eq!(requests, 1);
    }
}
