//! Permissions in Bitbucket follow the policy and the directory: joiners, movers, leavers, careless administrators, and
//! whatever stops in the middle. The real `oam` and the real daemon against a Bitbucket as its documentation describes it.

mod beside;
mod bounds;
mod broken;
mod drift;
mod leavers;
mod mended;
mod mirror;
mod own;
mod people;
mod renamed;
mod watched;

use std::fs;

use oam_audit::entry::{BitbucketChanged, ChangeStage, Event};
use oam_tests::{
    BitbucketServer, Daemon, Finished,
    bitbucket_server::{Global, Permission},
    daemon::Setup,
    temporary,
};
use tempfile::TempDir;

const POLICY: &str = r#"
version = 1

[[role]]
id  = "developer"
any = ["okta:eng"]

[[role]]
id  = "lead"
any = ["okta:leads"]

[[grant]]
id    = "see"
to    = ["developer", "lead"]
on    = ["**"]
verbs = ["read"]

[[grant]]
id    = "topics"
to    = ["developer"]
on    = ["PAY/*"]
refs  = ["refs/heads/u/${user}/**"]
verbs = ["create", "update"]

[[grant]]
id    = "lead-pay"
to    = ["lead"]
on    = ["PAY/*"]
verbs = ["admin"]

[[grant]]
id    = "shop"
to    = ["developer"]
on    = ["WEB/shop"]
refs  = ["refs/heads/main"]
verbs = ["update"]
"#;

/// One of the people: who, whether they are active, and their groups.
type Person = (&'static str, bool, &'static [&'static str]);

const PEOPLE: [Person; 5] = [
    ("Ada", true, &["okta:eng"]),
    ("bob", true, &["okta:eng"]),
    ("carl", true, &["okta:eng", "okta:leads"]),
    ("lena", true, &["okta:leads"]),
    ("newcomer", true, &["okta:eng"]),
];

/// All that the first plan gives.
const GIVEN: [&str; 12] = [
    "PAY ada Write",
    "PAY bob Write",
    "PAY boss Admin",
    "PAY carl Admin",
    "PAY lena Admin",
    "WEB ada Read",
    "WEB bob Read",
    "WEB carl Read",
    "WEB lena Read",
    "WEB/shop ada Write",
    "WEB/shop bob Write",
    "WEB/shop carl Write",
];

struct World {
    server: BitbucketServer,
    daemon: Daemon,
    folder: TempDir,
}

fn directory(people: &[Person]) -> String {
    let users: Vec<_> = people
        .iter()
        .map(|(name, active, groups)| {
            serde_json::json!({"username": name, "active": active, "groups": groups})
        })
        .collect();
    serde_json::json!({"version": 1, "users": users}).to_string()
}

/// Two projects, four people with accounts, an administrator and what is none of ours.
fn world(more: &str) -> World {
    world_of(POLICY, more)
}

/// The same with another policy.
fn world_of(policy: &str, more: &str) -> World {
    let (server, folder) = (BitbucketServer::start(), temporary::folder());
    server.add_user("svc-oam", Global::SysAdmin);
    for user in ["ada", "bob", "carl", "lena", "boss", "backup"] {
        server.add_user(user, Global::Licensed);
    }
    for repository in ["PAY/api", "PAY/web", "WEB/shop", "WEB/site"] {
        server.add_repository(repository);
    }
    server.add_group("eng", &["ada", "bob", "carl"]);
    server.permit("boss", "PAY", Permission::Admin);
    // Of `oam bitbucket`, and of the daemon.
    let token = folder.path().join("daemon.token");
    for file in [&folder.path().join("token"), &token] {
        fs::write(file, server.token("svc-oam")).unwrap();
    }
    let config = format!(
        "[bitbucket]\nurl = \"{}\"\ntoken_file = \"{}\"\nnetwork = \"loopback\"\n[bitbucket.canary]\nevery = \"24h\"\n\
         [bitbucket.provisioning]\naccount = \"svc-oam\"\nignore = [\"user:backup\"]\n{more}\n",
        server.url(),
        token.display()
    );
    let directory = Some(directory(&PEOPLE));
    let daemon = Daemon::start_with(&Setup { policy: policy.into(), directory, config });
    World { server, daemon, folder }
}

impl World {
    fn command(&self, task: &str, more: &[&str]) -> std::process::Command {
        let token = self.folder.path().join("token");
        let mut oam = self.daemon.oam_command();
        oam.args(["bitbucket", task, "--url", self.server.url(), "--network", "loopback", "--token-file"]);
        oam.arg(token).args(more);
        oam
    }

    fn oam(&self, task: &str, more: &[&str]) -> Finished {
        oam_tests::Run::run(&mut self.command(task, more))
    }

    fn plan(&self) -> String {
        self.oam("plan", &[]).expect_success("oam bitbucket plan").stdout_text()
    }

    /// The lines of a plan that say what would be changed.
    fn planned(&self) -> Vec<String> {
        let is_change = |line: &&str| ["  + ", "  ~ ", "  - "].iter().any(|sign| line.starts_with(sign));
        self.plan().lines().filter(is_change).map(|line| line.trim().to_owned()).collect()
    }

    fn apply(&self) -> Finished {
        self.oam("apply", &[])
    }

    fn applied(more: &str) -> Self {
        let world = world(more);
        world.apply().expect_success("the first apply");
        assert_eq!(world.server.given(), GIVEN);
        world
    }

    /// Other people are in the directory, with these in the stead of those of the same name.
    fn now(&self, changed: &[Person]) {
        let other = |one: &Person| changed.iter().find(|(name, ..)| *name == one.0).copied().unwrap_or(*one);
        let known: Vec<_> = PEOPLE.iter().map(other).collect();
        self.daemon.import(&directory(&known));
    }

    fn changes(&self) -> usize {
        self.server.requests().iter().filter(|request| !request.starts_with("GET ")).count()
    }

    fn recorded(&self) -> Vec<(u64, BitbucketChanged)> {
        let entries = self.daemon.audit().entries.into_iter();
        let changed = entries.filter_map(|entry| match entry.event {
            Event::BitbucketChanged(changed) => Some((entry.seq, changed)),
            _ => None,
        });
        changed.collect()
    }

    /// Every change that was begun was ended, once; tells how often it came out so.
    fn ended(&self, stage: ChangeStage) -> usize {
        let recorded = self.recorded();
        let begun: Vec<_> =
            recorded.iter().filter(|(_, one)| one.stage == ChangeStage::Begun).map(|(seq, _)| *seq).collect();
        let mut ended: Vec<_> = recorded.iter().filter_map(|(_, one)| one.begun).collect();
        ended.sort_unstable();
        assert_eq!(begun, ended);
        recorded.iter().filter(|(_, one)| one.stage == stage).count()
    }
}

#[test]
fn what_is_granted_is_given_and_recorded_and_then_nothing_is_to_be_done() {
    let world = world("");
    insta::assert_snapshot!(world.plan().split_once('\n').unwrap().1, @"
      + PAY: user:ada gets write (rule `topics`, role `developer`)
      + PAY: user:bob gets write (rule `topics`, role `developer`)
      + PAY: user:carl gets admin (rule `lead-pay`, role `lead`)
      + PAY: user:lena gets admin (rule `lead-pay`, role `lead`)
      + WEB: user:ada gets read (rule `see`, role `developer`)
      + WEB: user:bob gets read (rule `see`, role `developer`)
      + WEB: user:carl gets read (rule `see`, role `developer`; rule `see`, role `lead`)
      + WEB: user:lena gets read (rule `see`, role `lead`)
      + WEB/shop: user:ada gets write (rule `shop`, role `developer`)
      + WEB/shop: user:bob gets write (rule `shop`, role `developer`)
      + WEB/shop: user:carl gets write (rule `shop`, role `developer`)
    11 changes: 11 given.
    Given by others, and left alone (see `bitbucket.provisioning.adopt`):
      PAY: user:boss has admin, and is granted nothing
    No account that Bitbucket lets in, so nothing is given: newcomer.
    ");
    assert_eq!((world.changes(), world.recorded().len()), (0, 0), "a plan changes nothing");
    let applied = world.apply().expect_success("oam bitbucket apply");
    assert_eq!(applied.stdout_text(), "11 changes made.\n");
    assert_eq!(world.server.given(), GIVEN);
    assert_eq!((world.changes(), world.ended(ChangeStage::Done)), (11, 11));
    let (_, first) = &world.recorded()[0];
    assert_eq!(
        (first.step.as_str(), first.place.as_deref(), first.user.as_deref(), first.after.as_deref()),
        ("permit", Some("PAY"), Some("ada"), Some("write"))
    );
    assert!(first.actor.starts_with("uid ") && first.because.contains("`topics`"), "{first:?}");
    // Of what a cache tells not even this much is asked, but by the daemon, whose token it has.
    let seen = world.folder.path().join("seen.json");
    let seen = ["--seen", seen.to_str().unwrap(), "--seen-within", "1h"];
    world.oam("plan", &seen).expect_success("a plan that is kept");
    let before = world.server.requests().len();
    let again = world.oam("plan", &seen).expect_success("a plan by what was kept").stdout_text();
    assert!(
        again.contains("Nothing is to be done. 11 permissions are as they should be already."),
        "{again}"
    );
    let asked = world.server.requests().split_off(before);
    assert!(asked.len() == 1 && asked[0].starts_with("GET /rest/api/latest/projects"), "{asked:?}");
    assert_eq!(world.apply().expect_success("again").stdout_text(), "Nothing was to be done.\n");
    assert_eq!(world.changes(), 11);
}
