//! Somebody needs what they may not do, at night: they read what to ask for, a colleague approves it, it works, and it
//! is gone. With real users of the host, real pushes, and a daemon that is killed in between.

use std::{
    fs,
    os::unix::{fs::PermissionsExt as _, process::CommandExt as _},
    process::Command,
};

use oam_audit::entry::{Event, Outcome, PrivilegeEnd};
use oam_tests::{
    BareRepo, Daemon, Finished, Run, ScimClient, Verdict, binaries, daemon::Setup, sample, wait,
};
use serde_json::{Value, json};

pub(crate) const ALICE: u32 = 12_401;
const BOB: u32 = 12_402;
const NOBODY: u32 = 12_403;

pub(crate) const RULES: &str = r#"
[[elevation]]
id = "on-call"
roles = ["release-manager"]
to = ["developer"]
on = ["DEMO/*"]
refs = ["refs/heads/**"]
max_time = "4h"
approved_by = ["release-manager"]

[[block]]
id = "freeze"
on = ["DEMO/*"]
refs = ["refs/heads/shared/**"]
to = 2099-01-05T00:00:00Z

[[waiver]]
id = "hotfix"
lifts = ["freeze"]
to = ["developer"]
max_time = "1h"
second_person = ["release-manager"]
"#;

/// Only root can become somebody else. Where nobody can, the test is skipped, loudly; in CI never.
#[track_caller]
pub(crate) fn can_be_others() -> bool {
    let is_root = nix::unistd::geteuid().is_root();
    assert!(
        is_root || std::env::var_os("CI").is_none(),
        "only root can ask as another user, and CI must: run it as root"
    );
    if !is_root {
        eprintln!("SKIPPED: asking as another user: only root can become one");
    }
    is_root
}

/// Lets other users of this host run `oam`.
pub(crate) fn open_to_others(daemon: &Daemon) {
    fs::set_permissions(daemon.folder(), fs::Permissions::from_mode(0o755)).unwrap();
    fs::copy(binaries::path("oam"), daemon.folder().join("oam")).unwrap();
}

/// A daemon that knows two users of this host as alice and bob. `None`: only root can become somebody else.
fn known() -> Option<Daemon> {
    let policy = format!("{}{RULES}", sample::POLICY);
    known_by(&Setup { policy, ..Setup::default() })
}

/// The same, set up so.
fn known_by(setup: &Setup) -> Option<Daemon> {
    if !can_be_others() {
        return None;
    }
    let people = format!("[admin]\npeople = {{ {ALICE} = \"alice\", {BOB} = \"Bob\" }}\n");
    let mut daemon = Daemon::start_with(setup);
    daemon.stop();
    daemon.write_config(&format!("{}\n{people}", setup.config));
    daemon.spawn();
    open_to_others(&daemon);
    Some(daemon)
}

pub(crate) fn oam_as(uid: u32, daemon: &Daemon, arguments: &[&str]) -> Finished {
    let mut oam = Command::new(daemon.folder().join("oam"));
    oam.current_dir(daemon.folder()).env_clear().arg("--json").arg("--socket").arg(daemon.admin_socket());
    oam.args(arguments).uid(uid).gid(uid).run()
}

fn json(finished: &Finished) -> Value {
    serde_json::from_slice(&finished.stdout).unwrap_or_else(|error| panic!("{error}: {finished:?}"))
}

pub(crate) fn id(finished: &Finished) -> String {
    json(finished)["id"].as_str().unwrap().to_owned()
}

/// As it reads when it is not wrapped to the width of a terminal.
fn unwrapped(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

pub(crate) fn events(daemon: &Daemon) -> Vec<Event> {
    daemon.audit().entries.into_iter().map(|entry| entry.event).collect()
}

/// The whole night: refused, asked for, approved, pushed, over, refused; and who looks in the morning finds all of it.
#[test]
fn the_whole_night_and_the_morning_after() {
    let Some(daemon) = known() else { return };
    let repository = BareRepo::guarded_by(&daemon);
    let work = repository.working_copy().pushing_as("alice");
    work.commit("one");
    let push = || work.push(["HEAD:refs/heads/release/9"]);
    let refused = unwrapped(&push().remote());
    // What the rejection says is what is typed, but for the time and the reason.
    let ask = "oam grant request --role release-manager --on DEMO/app --refs refs/heads/release/9 --for ";
    assert!(refused.contains(ask), "{refused}");
    let words: Vec<&str> = ask.split(' ').filter(|word| !word.is_empty()).skip(1).collect();
    let shown = |id: &str| json(&daemon.oam(["grant", "show", id, "--json"]));
    let is_over = |id: &str| shown(id)["ended"] == "over";
    // Long enough for a push, and no longer: what is enough depends on the machine.
    let passed = ["10s", "20s", "40s"].into_iter().find_map(|length| {
        let asked = oam_as(ALICE, &daemon, &[&words[..], &[length, "--reason", "INC-7"]].concat());
        let id = id(&asked);
        oam_as(BOB, &daemon, &["grant", "approve", &id]).expect_success("oam grant approve");
        // Approved is in force: the very next push passes, unless it came when all was over.
        let verdict = push().verdict();
        assert!(verdict == Verdict::Permitted || is_over(&id), "{verdict:?}");
        (verdict == Verdict::Permitted).then_some(id)
    });
    let id = passed.expect("a push takes less than that");
    wait::until("it is over", || is_over(&id).then_some(()));
    work.commit("two");
    let late = push();
    assert_eq!(late.verdict(), Verdict::Refused);
    assert!(unwrapped(&late.remote()).contains(ask), "{late:?}");

    let folder = daemon.state().join("audit").display().to_string();
    let report = ["report", "privileged-use", "--dir", &folder];
    let report = || daemon.oam(report).stdout_text();
    let lines = [
        format!("{id} asked for: role release-manager"),
        format!("{id} approved"),
        format!("refs/heads/release/9 as release-manager, by {id} (approved by bob)"),
        format!("{id} ended: over"),
    ];
    wait::until("the report has all of it", || {
        lines.iter().all(|line| report().contains(line)).then_some(())
    });
    let row = report().lines().find(|line| line.contains("role for a while")).map(str::to_owned).unwrap();
    assert!(row.contains("alice") && row.contains("INC-7") && row.contains("on-call"), "{row}");
    assert_eq!(report().matches("role for a while").count(), 1, "one push went in by it");
}

#[test]
fn asked_for_approved_used_and_gone() {
    let Some(mut daemon) = known() else { return };
    let repository = BareRepo::guarded_by(&daemon);
    let work = repository.working_copy().pushing_as("alice");
    work.commit("one");
    let push = |name: &str| work.push([format!("HEAD:refs/heads/{name}")]);

    let refused = push("release/9");
    assert_eq!(refused.verdict(), Verdict::Refused);
    let ask = "oam grant request --role release-manager --on DEMO/app --refs refs/heads/release/9 --for 60m";
    assert!(unwrapped(&refused.remote()).contains(ask), "{refused:?}");

    let place = ["--on", "DEMO/app", "--refs", "refs/heads/release/9", "--for", "60m", "--reason", "INC-1"];
    let request = |uid| {
        let words = ["grant", "request", "--role", "release-manager"];
        oam_as(uid, &daemon, &[&words[..], &place[..]].concat())
    };
    // Nobody asks for another, and nobody who is not known asks at all.
    assert_eq!(request(NOBODY).code, 5);
    assert_eq!(request(0).code, 5, "root administers, and is nobody of the directory");
    let asked = request(ALICE);
    assert_eq!((asked.code, json(&asked)["stage"].as_str()), (6, Some("waiting")), "{asked:?}");
    let id = id(&asked);
    assert_eq!(push("release/9").verdict(), Verdict::Refused);

    let approve = |daemon: &Daemon, uid| oam_as(uid, daemon, &["grant", "approve", &id]);
    let own = approve(&daemon, ALICE);
    assert!(own.code == 5 && own.stderr_text().contains("somebody else must approve"), "{own:?}");
    assert_eq!(approve(&daemon, NOBODY).code, 5);
    assert_eq!(approve(&daemon, 0).code, 5);
    daemon.kill();
    daemon.spawn();
    assert_eq!(push("release/9").verdict(), Verdict::Refused);
    let approved = approve(&daemon, BOB).expect_success("oam grant approve");
    assert_eq!(json(&approved)["stage"], "live");

    let permitted = push("release/9");
    assert_eq!(permitted.verdict(), Verdict::Permitted, "{permitted:?}");
    let banner =
        format!("You have what the role `release-manager` is granted for a while, as `{id}`, until 20");
    assert!(unwrapped(&permitted.remote()).contains(&banner), "{permitted:?}");
    assert_eq!(push("release/10").verdict(), Verdict::Refused, "it was asked for one ref");
    let who = daemon.oam(["who", "DEMO/app", "refs/heads/release/9", "update"]).expect_success("oam who");
    assert!(who.stdout_text().contains("alice"), "{who:?}");
    let explained = daemon.oam(["explain", "alice", "DEMO/app", "refs/heads/release/9", "update"]);
    assert!(explained.stdout_text().contains(&id), "{explained:?}");

    // The same is live after a crash.
    daemon.kill();
    daemon.spawn();
    work.commit("two");
    assert_eq!(push("release/9").verdict(), Verdict::Permitted);

    // Whoever approved it loses what let them: so does she.
    daemon.deactivate("bob").expect_success("oam user deactivate");
    work.commit("three");
    assert_eq!(push("release/9").verdict(), Verdict::Refused);
    daemon.oam(["user", "reactivate", "bob", "--reason", "a mistake"]).expect_success("oam user reactivate");
    assert_eq!(push("release/9").verdict(), Verdict::Refused, "what ended does not come back");

    daemon.stop();
    let told = events(&daemon);
    let ended = told.iter().any(|event| {
        matches!(event, Event::PrivilegeEnded(one) if one.id == id && one.cause == PrivilegeEnd::NotAllowed)
    });
    let by_it = told.iter().filter(|event| {
        matches!(event, Event::Decision(one) if one.outcome == Outcome::Permitted
            && one.updates.iter().any(|update| update.privilege.as_deref() == Some(id.as_str()))
            && one.privileges.iter().any(|held| held.id == id && held.reason == "INC-1" && held.approved_by == ["bob"]))
    });
    assert_eq!((ended, by_it.count()), (true, 2), "{told:#?}");
}

/// Who may have left may not be the second person, and nobody knows whether they have while what knows them is too old.
#[test]
fn whom_only_an_old_source_knows_is_no_second_person_for_sure() {
    const SCIM: &str = "[scim]\nlisten = \"127.0.0.1:0\"\nplaintext = \"loopback-only\"\n";
    let config =
        format!("[source.hr]\nkind = \"file\"\n\n[source.okta]\nkind = \"scim\"\nmax_age = \"3s\"\n\n{SCIM}");
    let policy = format!("{}{RULES}", sample::POLICY.replace("okta:eng", "hr:eng"));
    let alice = r#"{"version": 1, "users": [{"username": "alice", "groups": ["hr:eng"]}]}"#;
    let Some(daemon) = known_by(&Setup { policy, config, directory: Some(alice.to_owned()) }) else { return };
    let okta = ScimClient::of(&daemon, "okta");
    let schema = |kind: &str| format!("urn:ietf:params:scim:schemas:core:2.0:{kind}");
    let bob = okta.post("/Users", &json!({"schemas": [schema("User")], "userName": "bob", "active": true}));
    let members = json!([{"value": bob.id(201)}]);
    let group = json!({"schemas": [schema("Group")], "displayName": "release", "members": members});
    okta.post("/Groups", &group).expect(201);
    let repository = BareRepo::guarded_by(&daemon);
    let work = repository.working_copy().pushing_as("alice");
    work.commit("one");

    let place = ["--on", "DEMO/app", "--refs", "refs/heads/**", "--for", "30m", "--reason", "INC-4"];
    for (asked, name) in [
        (&["breakglass", "freeze"][..], "shared/x"),
        (&["grant", "request", "--role", "release-manager"][..], "release/9"),
    ] {
        let id = id(&oam_as(ALICE, &daemon, &[asked, &place[..]].concat()));
        // Whoever comes with a token is heard.
        wait::until("bob approves", || {
            okta.get("/Users").expect(200);
            (oam_as(BOB, &daemon, &["grant", "approve", &id]).code == 0).then_some(())
        });
        let push = || work.push([format!("HEAD:refs/heads/{name}")]);
        let source = || daemon.oam(["--json", "source", "status", "okta"]).stdout_text();
        let is_stale = || serde_json::from_str::<Value>(&source()).unwrap()["stale"] == true;
        wait::until("what knows bob is too old", || is_stale().then_some(()));
        let undecided = push();
        assert_eq!(undecided.verdict(), Verdict::Undecided, "{undecided:?}");
        assert!(unwrapped(&undecided.remote()).contains("the source `okta`"), "{undecided:?}");
        // Where it makes no difference nobody waits for it.
        let feature = work.push([format!("HEAD:refs/heads/feature/{name}")]);
        assert_eq!(feature.verdict(), Verdict::Permitted, "{feature:?}");
        assert_eq!(work.push(["HEAD:refs/heads/other"]).verdict(), Verdict::Refused);
        work.commit("more");
        wait::until("it is heard again", || {
            okta.get("/Users").expect(200);
            (push().verdict() == Verdict::Permitted).then_some(())
        });
    }
    // How old a source was then is not on record.
    let replay = daemon.oam(["policy", "replay", "--recorded"]).expect_success("oam policy replay");
    assert!(replay.stdout_text().contains("source-stale"), "{replay:?}");
}

#[test]
fn it_ends_by_itself_and_is_never_renewed_by_itself() {
    let Some(daemon) = known() else { return };
    let repository = BareRepo::guarded_by(&daemon);
    let work = repository.working_copy().pushing_as("alice");
    work.commit("one");
    let request = |length: &str| {
        let words =
            ["grant", "request", "--role", "release-manager", "--on", "DEMO/*", "--refs", "refs/heads/**"];
        oam_as(ALICE, &daemon, &[&words[..], &["--for", length, "--reason", "INC-2"]].concat())
    };
    let long = request("5h");
    assert!(long.code == 1 && long.stderr_text().contains("at most 4h"), "{long:?}");
    let id = id(&request("1s"));
    oam_as(BOB, &daemon, &["grant", "approve", &id]).expect_success("oam grant approve");
    let shown = || json(&daemon.oam(["grant", "show", &id, "--json"]));
    wait::until("it is over", || (shown()["ended"] == "over").then_some(()));
    assert_eq!(work.push(["HEAD:refs/heads/release/1"]).verdict(), Verdict::Refused);
    let again = oam_as(BOB, &daemon, &["grant", "approve", &id]);
    assert!(again.code == 1 && again.stderr_text().contains("not waiting"), "{again:?}");
    // Denied, and given back.
    let denied = self::id(&request("1h"));
    oam_as(BOB, &daemon, &["grant", "deny", &denied, "--reason", "sleep"]).expect_success("oam grant deny");
    assert_eq!(oam_as(BOB, &daemon, &["grant", "approve", &denied]).code, 1);
    let returned = self::id(&request("1h"));
    oam_as(BOB, &daemon, &["grant", "approve", &returned]).expect_success("oam grant approve");
    oam_as(ALICE, &daemon, &["grant", "revoke", &returned, "--reason", "done"])
        .expect_success("oam grant revoke");
    assert_eq!(work.push(["HEAD:refs/heads/release/1"]).verdict(), Verdict::Refused);
    let all = json(&daemon.oam(["grant", "list", "--all", "--json"]));
    let ended: Vec<_> =
        all["privileges"].as_array().unwrap().iter().map(|one| one["ended"].as_str().unwrap()).collect();
    assert_eq!(ended, ["over", "denied", "returned"]);
    // Whoever holds no role of the admin service sees what is theirs, and what they may answer.
    let words =
        ["grant", "request", "--role", "release-manager", "--on", "DEMO/*", "--refs", "refs/heads/**"];
    let of_bob =
        self::id(&oam_as(BOB, &daemon, &[&words[..], &["--for", "1h", "--reason", "INC-4"]].concat()));
    let of_alice = self::id(&request("1h"));
    let seen = |uid| {
        let listed = json(&oam_as(uid, &daemon, &["grant", "list"]));
        let all = listed["privileges"].as_array().unwrap().clone();
        all.iter().map(|one| one["id"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(seen(ALICE), std::slice::from_ref(&of_alice));
    assert_eq!(seen(BOB), [of_bob.clone(), of_alice.clone()]);
    let hidden = oam_as(ALICE, &daemon, &["grant", "show", &of_bob]);
    assert!(hidden.code != 0 && !hidden.stdout_text().contains("INC-4"), "{hidden:?}");
    oam_as(BOB, &daemon, &["grant", "show", &of_alice]).expect_success("oam grant show");
}

#[test]
fn glass_is_broken_loudly_and_somebody_else_answers_for_it() {
    let Some(mut daemon) = known() else { return };
    let repository = BareRepo::guarded_by(&daemon);
    let work = repository.working_copy().pushing_as("alice");
    work.commit("one");
    let refused = work.push(["HEAD:refs/heads/shared/x"]);
    assert_eq!(refused.verdict(), Verdict::Refused);
    let text = unwrapped(&refused.remote());
    assert!(text.contains("blocked by rule `freeze` until 2099-01-05 00:00 UTC"), "{text}");
    let ask = "oam breakglass freeze --on DEMO/app --refs refs/heads/shared/x --for 60m";
    assert!(text.contains(ask) && text.contains("role `release-manager` must approve"), "{text}");

    let place = ["--on", "DEMO/app", "--refs", "refs/heads/shared/x", "--for", "30m", "--reason", "INC-3"];
    let asked = oam_as(ALICE, &daemon, &[&["breakglass", "freeze"][..], &place[..]].concat());
    assert_eq!(asked.code, 6, "{asked:?}");
    let id = id(&asked);
    assert_eq!(work.push(["HEAD:refs/heads/shared/x"]).verdict(), Verdict::Refused);
    oam_as(BOB, &daemon, &["grant", "approve", &id]).expect_success("oam grant approve");
    let permitted = work.push(["HEAD:refs/heads/shared/x"]);
    assert_eq!(permitted.verdict(), Verdict::Permitted, "{permitted:?}");
    let banner = format!("BREAK-GLASS: rule `freeze` is lifted by the waiver `hotfix` as `{id}`.");
    assert!(unwrapped(&permitted.remote()).contains(&banner), "{permitted:?}");
    assert_eq!(work.push(["HEAD:refs/heads/shared/y"]).verdict(), Verdict::Refused);

    let sign = |daemon: &Daemon, uid| {
        oam_as(uid, daemon, &["breakglass", "sign-off", &id, "--reason", "the fix of INC-3"])
    };
    assert_eq!(sign(&daemon, BOB).code, 1, "it is not over");
    oam_as(ALICE, &daemon, &["grant", "revoke", &id, "--reason", "done"]).expect_success("oam grant revoke");
    assert_eq!(work.push(["HEAD:refs/heads/shared/z"]).verdict(), Verdict::Refused);
    daemon.kill();
    daemon.spawn();
    let unsigned =
        |daemon: &Daemon| daemon.oam(["status"]).stdout_text().contains("nobody has answered for it yet");
    assert!(unsigned(&daemon));
    // By webhook, and whoever else reads the log.
    let folder = daemon.state().join("audit").display().to_string();
    let query = ["audit", "query", "--dir", &folder, "--kind", "privilege-reminded", "--user", "alice"];
    let reminded = || daemon.oam(query).expect_success("oam audit query").stdout_text();
    let words = format!("reminded: `alice` lifted rules as `{id}` until ");
    wait::until("one is reminded to answer for it", || reminded().contains(&words).then_some(()));
    let report = json(&oam_as(BOB, &daemon, &["breakglass", "report", &id]));
    assert_eq!(report["pushes_total"], 1);
    assert_eq!(report["pushes"][0]["refs"][0]["ref"], "refs/heads/shared/x");
    assert_eq!(report["pushes"][0]["refs"][0]["lifted"][0], "freeze");
    assert_eq!(sign(&daemon, ALICE).code, 5, "nobody answers for their own");
    sign(&daemon, BOB).expect_success("oam breakglass sign-off");
    assert!(!unsigned(&daemon));

    // What was decided then is decided so again.
    let replay = daemon.oam(["policy", "replay", "--recorded"]).expect_success("oam policy replay");
    assert!(!replay.stdout_text().contains("newly"), "{replay:?}");
    daemon.stop();
    let told = events(&daemon);
    let lifted = told.iter().find_map(|event| match event {
        Event::Decision(one) if one.outcome == Outcome::Permitted => {
            one.updates.iter().flat_map(|update| &update.lifted).next().cloned()
        }
        _ => None,
    });
    let lifted = lifted.unwrap();
    assert_eq!((lifted.rule.as_str(), lifted.privilege.as_deref()), ("freeze", Some(id.as_str())));
    let signed = told.iter().any(|event| {
        matches!(event, Event::PrivilegeSignedOff(one) if one.id == id && one.by == "bob" && one.pushes == 1)
    });
    assert!(signed, "{told:#?}");
}
