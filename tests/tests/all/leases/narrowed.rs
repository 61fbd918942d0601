//! Leases of some paths.

use std::fs;

use oam_audit::entry::{Event, PrivilegeKind};
use oam_tests::{BareRepo, Verdict, WorkingCopy};
use serde_json::Value;

use super::{World, denied};

fn change(work: &WorkingCopy, path: &str) {
    let file = work.path().join(path);
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    fs::write(file, path).unwrap();
    work.git(["add", "--all"]);
    work.git(["commit", "--quiet", "--message", path]);
}

#[test]
fn a_lease_of_some_paths_takes_pushes_that_change_no_other() {
    let world = World::start();
    let repository = BareRepo::guarded_by(&world.daemon);
    let work = repository.working_copy().pushing_as("svc-release");
    let place = ["--repo", "DEMO/app", "--ref", "refs/heads/pages", "--uses", "2"];
    let lease = |paths: &[&str]| {
        let paths = paths.iter().flat_map(|path| ["--path", path]);
        world.lease(&world.token("74"), &place.into_iter().chain(paths).collect::<Vec<_>>())
    };
    let no = lease(&["/pages/**"]);
    assert!(no.code == 2 && no.stderr_text().contains("pages/**"), "{no:?}");
    denied(&lease(&["!pages/**"]), "path");
    let leased = lease(&["pages/**", "!pages/private/**"]).expect_success("oam ci lease");
    let leased: Value = serde_json::from_slice(&leased.stdout).unwrap();
    assert!(leased["scope"].as_str().unwrap().contains("path:pages/** path:!pages/private/**"), "{leased}");

    change(&work, "pages/a.html");
    let pushed = |work: &WorkingCopy| work.push(["HEAD:refs/heads/pages"]);
    assert_eq!(pushed(&work).verdict(), Verdict::Permitted);
    for path in ["src/a.rs", "pages/private/a.html"] {
        change(&work, path);
        let refused = pushed(&work);
        let told = refused.remote().split_whitespace().collect::<Vec<_>>().join(" ");
        assert_eq!(refused.verdict(), Verdict::Refused);
        assert!(told.contains("[paths-not-granted]") && told.contains(path), "{told}");
        assert!(told.contains("A lease is for `pages/**` and `!pages/private/**` only"), "{told}");
        work.git(["reset", "--quiet", "--hard", "HEAD~1"]);
    }
    // What was added and taken out again was there.
    change(&work, "src/b.rs");
    work.git(["rm", "--quiet", "src/b.rs"]);
    work.git(["commit", "--quiet", "--message", "as if nothing had been"]);
    assert_eq!(pushed(&work).verdict(), Verdict::Refused);
    work.git(["reset", "--quiet", "--hard", "HEAD~2"]);

    let listed = world.daemon.oam(["--json", "lease", "list"]).expect_success("oam lease list");
    let listed: Value = serde_json::from_slice(&listed.stdout).unwrap();
    let paths = serde_json::json!(["pages/**", "!pages/private/**"]);
    assert_eq!(listed["privileges"][0]["lease"]["paths"], paths);
    let table = world.daemon.oam(["lease", "list"]).expect_success("oam lease list").stdout_text();
    assert!(table.contains("pages/**"), "{table}");
    let explain = ["explain", "svc-release", "DEMO/app", "refs/heads/pages", "update", "--paths", "src/a.rs"];
    let explained = world.daemon.oam(explain).stdout_text();
    assert!(explained.contains("[paths-not-granted]") && explained.contains("pages/**"), "{explained}");
    let recorded = world.events().into_iter().filter_map(|event| match event {
        Event::Decision(decision) => decision.privileges.into_iter().next(),
        _ => None,
    });
    for held in recorded {
        let PrivilegeKind::Lease(lease) = held.privilege else { panic!("{held:?}") };
        assert_eq!(lease.paths, ["pages/**", "!pages/private/**"]);
    }
    let replayed = world.daemon.oam(["policy", "replay", "--recorded", "--json"]);
    assert!(replayed.success(), "{replayed:?}");
    change(&work, "pages/b.html");
    assert_eq!(pushed(&work).verdict(), Verdict::Permitted);
}
