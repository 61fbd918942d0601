//! Names that git accepts and people do not expect. A name is bytes: it is matched, recorded and printed as such.

use oam_audit::entry::Outcome;
use oam_tests::{BareRepo, Daemon, PushOutput, Verdict, daemon::Setup};

/// What git accepts as the name of a ref, all at once in one repository.
fn odd_names() -> Vec<Vec<u8>> {
    let mut names: Vec<Vec<u8>> = [
        &b"refs/heads/refs/heads/main"[..],
        b"refs/heads/HEAD",
        b"refs/heads/MAIN",
        b"refs/heads/invalid-\xff-utf8",
        b"refs/heads/raw-csi-\x9b31m",
        b"refs/heads/--help",
        b"refs/heads/$(reboot)",
        b"refs/heads/`reboot`",
        b"refs/heads/;reboot",
        b"refs/heads/%n%s%x",
        b"refs/heads/\"double\"",
        b"refs/heads/'single'",
        b"refs/heads/{a,b}",
        b"refs/heads/!exclamation",
        b"refs/heads/#hash",
        b"refs/heads/@",
        b"refs/heads/${user}",
        b"refs/heads/a,b=c&d|e<f>g",
        b"refs/pull-requests/1/from",
        b"refs/notes/commits",
        b"refs/tags/main",
        b"refs/heads/main",
    ]
    .map(<[u8]>::to_vec)
    .into();
    for text in [
        "refs/heads/caf\u{e9}",
        "refs/heads/cafe\u{301}",
        "refs/heads/m\u{430}in",
        "refs/heads/ma\u{200b}in",
        "refs/heads/\u{202e}niam",
        "refs/heads/csi-\u{9b}31mred",
        "refs/heads/\u{feff}bom",
        "refs/heads/日本語",
        "refs/heads/🦀",
    ] {
        names.push(text.into());
    }
    names.push(long_name());
    names
}

/// 4,000 bytes; a component has to fit the file system.
fn long_name() -> Vec<u8> {
    let mut name = b"refs/heads".to_vec();
    while name.len() < 3_900 {
        name.push(b'/');
        name.extend(std::iter::repeat_n(b'x', 99));
    }
    name.resize(3_950, b'y');
    name
}

fn refspecs(names: &[Vec<u8>]) -> Vec<u8> {
    names.iter().flat_map(|name| [b"+HEAD:", &name[..], b"\n"].concat()).collect()
}

/// The bytes that the hook sent, as they arrived at the client's terminal.
fn remote_bytes(output: &PushOutput) -> Vec<u8> {
    let lines = output.git.stderr.split(|byte| *byte == b'\n' || *byte == b'\r');
    lines.filter(|line| line.starts_with(b"remote:")).flat_map(|line| [line, b"\n"].concat()).collect()
}

#[test]
fn every_odd_name_is_decided_and_recorded_byte_for_byte() {
    let daemon = Daemon::start();
    let repository = BareRepo::guarded_by(&daemon);
    let work = repository.working_copy().pushing_as("kim");
    work.commit("one");
    let names = odd_names();
    let output = work.send_pack(&refspecs(&names));
    assert_eq!(output.verdict(), Verdict::Permitted, "{output:?}");

    let last = daemon.audit().last_decision();
    assert_eq!(last.updates.len(), names.len());
    for name in &names {
        assert_eq!(last.update(name).grant.as_deref(), Some("everything"), "{}", name.escape_ascii());
    }
}

#[test]
fn a_refusal_prints_no_odd_name_raw() {
    let daemon = Daemon::start();
    let repository = BareRepo::guarded_by(&daemon);
    let work = repository.working_copy().pushing_as("mallory");
    work.commit("one");
    for name in odd_names() {
        let output = work.send_pack(&refspecs(std::slice::from_ref(&name)));
        let shown = name.escape_ascii();
        assert_eq!(output.verdict(), Verdict::Refused, "{shown}: {output:?}");
        let printed =
            String::from_utf8(remote_bytes(&output)).unwrap_or_else(|_| panic!("raw bytes: {shown}"));
        let raw = |c: char| c.is_control() && c != '\n' || "\u{202e}\u{200b}\u{feff}".contains(c);
        assert!(!printed.chars().any(raw), "{shown}: {printed:?}");
        assert!(printed.lines().all(|line| line.trim_end().chars().count() <= 80), "{shown}: {printed}");
        assert_eq!(daemon.audit().last_decision().update(&name).outcome, Outcome::Refused);
    }
    assert!(repository.refs().is_empty());
}

/// What looks like `main`, or contains it, is not `main`.
#[test]
fn a_grant_on_main_is_for_main_alone() {
    let daemon = Daemon::start();
    let repository = BareRepo::guarded_by(&daemon);
    let work = repository.working_copy().pushing_as("alice");
    work.commit("one");
    assert_eq!(work.push(["HEAD:refs/heads/main"]).verdict(), Verdict::Permitted);
    for name in [
        "refs/heads/MAIN",
        "refs/heads/m\u{430}in",
        "refs/heads/ma\u{200b}in",
        "refs/heads/refs/heads/main",
        "refs/heads/heads/main",
        "refs/main",
        "refs/pull-requests/1/from",
        "refs/remotes/origin/main",
        "refs/heads/feature",
        "refs/heads/features/x",
        "refs/heads/FEATURE/x",
        "refs/heads/u/${user}/x",
        "refs/heads/u/alice",
        "refs/heads/u/alice.x/y",
    ] {
        let output = work.send_pack(format!("HEAD:{name}\n").as_bytes());
        assert_eq!(output.verdict(), Verdict::Refused, "{name}: {output:?}");
    }
}

#[test]
fn composed_and_decomposed_letters_are_two_names() {
    let policy = "version = 1\n[[role]]\nid = \"dev\"\nany = [\"okta:eng\"]\n[[grant]]\nid = \"cafe\"\nto = [\"dev\"]\n\
                  on = [\"**\"]\nrefs = [\"refs/heads/caf\u{e9}\"]\nverbs = [\"create\"]\n";
    let daemon = Daemon::start_with(&Setup { policy: policy.into(), ..Setup::default() });
    let repository = BareRepo::guarded_by(&daemon);
    let work = repository.working_copy().pushing_as("alice");
    work.commit("one");
    let push = |name: &str| work.send_pack(format!("HEAD:refs/heads/{name}\n").as_bytes()).verdict();
    assert_eq!(push("cafe\u{301}"), Verdict::Refused);
    assert_eq!(push("caf\u{e9}"), Verdict::Permitted);
}

#[test]
fn a_tag_named_main_is_not_the_branch() {
    let daemon = Daemon::start();
    let repository = BareRepo::guarded_by(&daemon);
    let work = repository.working_copy().pushing_as("alice");
    let one = work.commit("one");
    assert_eq!(work.push(["HEAD:refs/heads/main"]).verdict(), Verdict::Permitted);
    let two = work.commit("two");
    assert_eq!(work.push(["HEAD:refs/tags/main"]).verdict(), Verdict::Permitted);
    assert_eq!(repository.tip("refs/heads/main"), Some(one));
    // The tag stands ahead of the branch: whoever asks git for `main` gets the tag, and would call this a step back.
    assert_eq!(work.push(["HEAD:refs/heads/main"]).verdict(), Verdict::Permitted);
    assert_eq!(repository.tip("refs/heads/main"), Some(two));
    work.amend("two, rewritten");
    assert_eq!(work.push(["+HEAD:refs/heads/main"]).verdict(), Verdict::Refused);
    assert_eq!(work.push(["+HEAD:refs/tags/main"]).verdict(), Verdict::Refused);
    assert_eq!(work.push([":refs/tags/main"]).verdict(), Verdict::Refused);
}

#[test]
fn replacement_refs_are_refused_whoever_pushes_them() {
    let daemon = Daemon::start();
    let repository = BareRepo::guarded_by(&daemon);
    let work = repository.working_copy().pushing_as("kim");
    let one = work.commit("one");
    let two = work.commit("two");
    assert_eq!(work.push(["HEAD:refs/heads/main"]).verdict(), Verdict::Permitted);
    let output = work.push([format!("{one}:refs/replace/{two}")]);
    assert_eq!(output.verdict(), Verdict::Refused, "{output:?}");
    assert_eq!(repository.refs().len(), 1);
    insta::assert_snapshot!(output.redacted().replace(&two, "[commit]"), @r"

    Push refused by Bitbucket OAM.

      refs/replace/[commit]
        Creating it is blocked by rule `oam:replace-refs`. [blocked]
        -> A replacement ref changes what everybody sees of the history,
           without changing the history. It binds everybody, administrators
           too.

    You are kim (role: keeper) in DEMO/app. Nothing was changed.
    Decision: [id]
    Questions: #platform
    ");
}
