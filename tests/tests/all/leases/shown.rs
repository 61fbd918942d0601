//! Tokens of leases, shown with real pushes: `git push -o oam-lease=…` to a git server that hands push options on.

use std::{
    fs,
    io::{Read as _, Write as _},
    net::TcpStream,
    path::Path,
    thread,
    time::Duration,
};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use oam_audit::entry::{Event, Outcome};
use oam_tests::{
    BareRepo, Bitbucket, HookConfig, PushOutput, Verdict, WorkingCopy,
    bitbucket::{RefLine, Trigger, ZERO},
};
use serde_json::{Value, json};

use super::{ISSUER, World};

/// A repository that takes push options.
fn server(world: &World, name: &str) -> BareRepo {
    let repository = BareRepo::with(&HookConfig::plain(&world.daemon, name));
    repository.git().read(&repository.path(), ["config", "receive.advertisePushOptions", "true"]);
    repository
}

/// The push option of a new lease, as a job takes it from standard output.
fn option(world: &World, arguments: &[&str]) -> String {
    let all = [&["ci", "lease", "--repo", "DEMO/app", "--push-option"], arguments].concat();
    let leased = world.lease_as(&world.token("74"), &all).expect_success("oam ci lease");
    let (option, told) = (leased.stdout_text(), leased.stderr_text());
    let option = option.strip_suffix('\n').expect("one line").to_owned();
    assert!(option.starts_with("oam-lease=eyJ") && !option.contains(char::is_whitespace), "{option}");
    assert!(told.contains("svc-release") && told.contains("git push -o"), "{told}");
    assert!(!told.contains(signature(&option)), "the job's log may be read by many: {told}");
    option
}

fn signature(option: &str) -> &str {
    option.rsplit_once('.').expect("a token").1
}

fn push(work: &WorkingCopy, options: &[&str], tag: &str) -> PushOutput {
    let options = options.iter().map(|option| format!("--push-option={option}"));
    work.push(options.chain([format!("HEAD:refs/tags/{tag}")]))
}

#[track_caller]
fn refused(output: &PushOutput, code: &str) {
    assert_eq!(output.verdict(), Verdict::Refused, "{output:?}");
    assert!(output.remote().contains(&format!("[{code}]")), "{code}: {output:?}");
}

/// Whether some file below a folder holds a text.
fn is_below(folder: &Path, text: &str) -> bool {
    fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).any(|path| {
        if path.is_dir() {
            return is_below(&path, text);
        }
        fs::read(&path).is_ok_and(|bytes| bytes.windows(text.len()).any(|part| part == text.as_bytes()))
    })
}

#[test]
fn a_push_shows_its_lease_and_whoever_else_has_the_account_or_the_token_pushes_nothing() {
    let world = World::start();
    let repository = server(&world, "DEMO/app");
    let work = repository.working_copy().pushing_as("svc-release");
    let tip = work.commit("one");
    let one = option(&world, &["--ref", "refs/tags/r1", "--commit", &tip]);
    let other = option(&world, &["--ref", "refs/tags/r2"]);

    // The account alone does nothing, nor does the token of another lease, nor this one elsewhere.
    refused(&push(&work, &[], "r1"), "no-grant");
    refused(&push(&work, &["ci.skip"], "r1"), "no-grant");
    refused(&push(&work, &[&other], "r1"), "no-grant");
    refused(&push(&work, &[&one], "r3"), "no-grant");
    let copy = repository.working_copy().pushing_as("svc-release");
    copy.commit("another");
    refused(&push(&copy, &[&one], "r1"), "no-grant");
    let elsewhere = server(&world, "DEMO/other");
    let copy = elsewhere.working_copy().pushing_as("svc-release");
    copy.commit("one");
    refused(&push(&copy, &[&one], "r1"), "lease-not-in-force");
    // Who stole it may not even do what they may do without it.
    for thief in ["alice", "mallory"] {
        let copy = repository.working_copy().pushing_as(thief);
        copy.commit("stolen");
        refused(&push(&copy, &[&one], "r1"), "lease-not-in-force");
    }
    let alice = repository.working_copy().pushing_as("alice");
    alice.commit("her own");
    assert_eq!(push(&alice, &["ci.skip"], "mine").verdict(), Verdict::Permitted);

    // Of two none counts.
    refused(&push(&work, &[&one, &one], "r1"), "lease-several");
    refused(&push(&work, &[&one, "oam-lease=x"], "r1"), "lease-several");
    let permitted = push(&work, &["ci.skip", &one], "r1");
    assert_eq!(permitted.verdict(), Verdict::Permitted, "{permitted:?}");
    refused(&push(&work, &[&one], "r1-again"), "lease-not-in-force");
    assert_eq!(push(&work, &[&other], "r2").verdict(), Verdict::Permitted);

    for option in [&one, &other] {
        let secret = signature(option);
        assert!(!is_below(&world.daemon.state(), secret), "in the state of the daemon");
        assert!(!world.daemon.log().contains(secret), "in its log");
        assert!(!format!("{permitted:?}").contains(secret), "in what is printed");
    }
    let used = world.events().into_iter().filter(|event| matches!(event, Event::PrivilegeUsed(_)));
    assert_eq!(used.count(), 2);
}

#[test]
fn what_is_no_token_is_refused_and_takes_nothing() {
    let mut world = World::start();
    let repository = server(&world, "DEMO/app");
    let work = repository.working_copy().pushing_as("svc-release");
    work.commit("one");
    let good = option(&world, &["--ref", "refs/tags/r1"]);
    let (signed, signature) = good.rsplit_once('.').unwrap();
    let first = if signature.starts_with('A') { "B" } else { "A" };
    let turned = format!("{first}{}", &signature[1..]);
    let another = World::start();
    let foreign = option(&another, &["--ref", "refs/tags/r1"]);
    drop(another);
    let long = format!("oam-lease={}", "a".repeat(60_000));
    for (option, code) in [
        (format!("{signed}.{turned}"), "lease-not-ours"),
        (foreign, "lease-not-ours"),
        ("oam-lease=".to_owned(), "lease-malformed"),
        ("oam-lease=a.b.c".to_owned(), "lease-malformed"),
        (format!("oam-lease={}", world.token("74")), "lease-malformed"),
        (long, "lease-malformed"),
        (format!("OAM-LEASE={}", &good["oam-lease=".len()..]), "no-grant"),
    ] {
        refused(&push(&work, &[&option], "r1"), code);
    }
    // A megabyte is more than git itself hands on.
    let longer = format!("[push]\n\tpushOption = oam-lease={}\n", "a".repeat(1 << 20));
    fs::write(work.path().join(".git/longer"), longer).unwrap();
    work.git(["config", "include.path", "longer"]);
    let output = push(&work, &[], "r1");
    assert!(!output.accepted() && repository.tip("refs/tags/r1").is_none(), "{output:?}");
    work.git(["config", "--unset", "include.path"]);
    assert_eq!(push(&work, &[&good], "r1").verdict(), Verdict::Permitted, "nothing of it was taken");

    // It ends with its lease, and with the keys of the daemon.
    let short = option(&world, &["--ref", "refs/tags/r2", "--for", "1s"]);
    thread::sleep(Duration::from_millis(1_100));
    refused(&push(&work, &[&short], "r2"), "lease-expired");
    let kept = option(&world, &["--ref", "refs/tags/r3", "--ref", "refs/tags/r4", "--uses", "2"]);
    world.daemon.kill();
    world.daemon.spawn();
    assert_eq!(
        push(&work, &[&kept], "r3").verdict(),
        Verdict::Permitted,
        "after a crash it is as good as before"
    );
    world.daemon.kill();
    fs::remove_file(world.daemon.state().join("lease-keys")).unwrap();
    world.daemon.spawn();
    refused(&push(&work, &[&kept], "r4"), "lease-not-ours");
    let again = option(&world, &["--ref", "refs/tags/r4"]);
    assert_eq!(push(&work, &[&again], "r4").verdict(), Verdict::Permitted);
}

#[test]
fn of_many_pushes_that_show_one_token_at_once_one_goes_in() {
    const COUNT: usize = 100;
    /// So many git servers at once are enough of them.
    const AT_ONCE: usize = 20;
    let world = World::start();
    let option = option(&world, &["--ref", "refs/tags/r1"]);
    let prepared: Vec<_> = (0..AT_ONCE)
        .map(|_| {
            let repository = server(&world, "DEMO/app");
            let work = repository.working_copy().pushing_as("svc-release");
            work.commit("one");
            (repository, work)
        })
        .collect();
    let verdicts: Vec<_> = thread::scope(|scope| {
        let pushes: Vec<_> = prepared
            .iter()
            .map(|(_, work)| {
                let option = &option;
                scope.spawn(move || {
                    let mut verdicts = Vec::new();
                    // What is in is not pushed again.
                    while verdicts.len() < COUNT / AT_ONCE && !verdicts.contains(&Verdict::Permitted) {
                        verdicts.push(push(work, &[option], "r1").verdict());
                    }
                    verdicts
                })
            })
            .collect();
        pushes.into_iter().flat_map(|push| push.join().unwrap()).collect()
    });
    let of = |wanted| verdicts.iter().filter(|verdict| **verdict == wanted).count();
    assert_eq!((of(Verdict::Permitted), of(Verdict::Refused)), (1, verdicts.len() - 1), "{verdicts:?}");
    assert!(verdicts.len() > COUNT - COUNT / AT_ONCE, "{verdicts:?}");
    let decisions = world
        .events()
        .into_iter()
        .filter(|event| matches!(event, Event::Decision(decision) if decision.outcome == Outcome::Permitted));
    assert_eq!(decisions.count(), 1);
}

#[test]
fn bitbucket_hands_no_push_options_on_and_nothing_rests_on_any() {
    let world = World::start();
    let option = option(&world, &["--ref", "refs/tags/r1"]);
    let repository = BareRepo::unguarded();
    let work = repository.working_copy();
    let tip = work.commit("one");
    let mut bitbucket = Bitbucket::serving(&repository, &HookConfig::of(&world.daemon));
    bitbucket.quarantine(&work, &tip, &[]);
    let line = RefLine::new(ZERO, &tip, "refs/tags/r1");
    let mut asking = bitbucket.asking("svc-release", &Trigger::Push(vec![line]));
    asking.set("GIT_PUSH_OPTION_COUNT", "1").set("GIT_PUSH_OPTION_0", &option);
    let told = asking.run();
    assert!(told.code == 1 && told.stderr_text().contains("[no-grant]"), "{told:?}");
    asking.set("GIT_PUSH_OPTION_0", "oam-lease=a.b.c");
    assert!(asking.run().stderr_text().contains("[no-grant]"), "it is not even looked at");
}

fn get(world: &World, path: &str) -> (String, Value) {
    let mut connection = TcpStream::connect(world.address()).unwrap();
    write!(connection, "GET {path} HTTP/1.0\r\nHost: oam\r\n\r\n").unwrap();
    let mut answer = String::new();
    connection.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.lines().next().unwrap().to_owned(), serde_json::from_str(body).unwrap_or_default())
}

#[test]
fn the_keys_are_where_the_metadata_says() {
    let world = World::start();
    let option = option(&world, &["--ref", "refs/tags/r1"]);
    let (status, metadata) = get(&world, "/.well-known/oauth-authorization-server");
    assert!(status.contains("200"), "{status}");
    assert_eq!(
        (&metadata["issuer"], &metadata["jwks_uri"]),
        (&json!(ISSUER), &json!(format!("{ISSUER}/jwks")))
    );
    let (status, keys) = get(&world, "/jwks");
    assert!(status.contains("200"), "{status}");
    let header = option["oam-lease=".len()..].split('.').next().unwrap();
    let header: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(header).unwrap()).unwrap();
    assert_eq!((&header["typ"], &header["kid"]), (&json!("at+jwt"), &keys["keys"][0]["kid"]));
    assert_eq!(keys["keys"].as_array().unwrap().len(), 1);
    let (status, _) = get(&world, "/other");
    assert!(status.contains("404"), "{status}");
}
